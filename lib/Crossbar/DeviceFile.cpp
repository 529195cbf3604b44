//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Impl.h"

#include "imc/Crossbar/Device.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <yaml-cpp/yaml.h>

#include <cmath>
#include <set>

using namespace imc::crossbar;
using llvm::StringRef;

namespace {

/// What stops the reading of a file; an llvm::Error at the border.
struct Problem {
  std::string message;
};

class Reader {
public:
  explicit Reader(StringRef file) : file(file.str()) {}
  Device read(const YAML::Node &root);
  /// Where a field stands, or the one that it is part of.
  std::string placeOf(std::string field) const {
    for (;;) {
      auto at = lines.find(field);
      if (at != lines.end())
        return file + ":" + std::to_string(at->second);
      const size_t dot = field.rfind('.');
      if (dot == std::string::npos)
        return file;
      field.resize(dot);
    }
  }

private:
  std::string file;
  std::map<std::string, int> lines;

  [[noreturn]] void fail(const YAML::Mark &mark, const std::string &message) {
    throw Problem{file + ":" +
                  std::to_string(mark.is_null() ? 1 : mark.line + 1) + ": " +
                  message};
  }
  [[noreturn]] void fail(const YAML::Node &node, const std::string &message) {
    fail(node.Mark(), message);
  }

  double number(const YAML::Node &node, const std::string &what) {
    double value = 0;
    if (!node.IsScalar() || StringRef(node.Scalar()).getAsDouble(value) ||
        !std::isfinite(value))
      fail(node, "'" + what + "' must be a number" +
                     (node.IsScalar() ? ", it is '" + node.Scalar() + "'"
                                      : std::string()));
    return value;
  }
  std::string word(const YAML::Node &node, const std::string &what) {
    if (!node.IsScalar())
      fail(node, "'" + what + "' must be text");
    return node.Scalar();
  }
  size_t choice(const YAML::Node &node, const std::string &what,
                llvm::ArrayRef<const char *> names) {
    const std::string value = word(node, what);
    for (size_t i = 0; i != names.size(); ++i)
      if (value == names[i])
        return i;
    fail(node, "'" + what + "' is '" + value + "', must be " +
                   llvm::join(names, " or "));
  }
  bool truth(const YAML::Node &node, const std::string &what) {
    return choice(node, what, {"false", "true"}) != 0;
  }

  /// Calls take(key, value) for each entry, whose key is one of `keys`.
  using Take = llvm::function_ref<void(StringRef key, const YAML::Node &value,
                                       const std::string &what)>;
  void each(const YAML::Node &node, const std::string &what,
            llvm::ArrayRef<const char *> keys, Take take);
  Curve curve(const YAML::Node &node, const std::string &what);
  Curve::Piece piece(const YAML::Node &node, const std::string &what);
  std::vector<Device::TimedCurve> timedCurves(const YAML::Node &node,
                                              const std::string &what);
  using Number = std::pair<const char *, double *>;
  void numbers(const YAML::Node &node, const std::string &what,
               llvm::ArrayRef<Number> fields);
};

} // namespace

void Reader::each(const YAML::Node &node, const std::string &what,
                  llvm::ArrayRef<const char *> keys, Take take) {
  const std::string prefix = what.empty() ? "" : what + ".";
  if (!node.IsMap())
    fail(node, "'" + what + "' must be a map of " + llvm::join(keys, ", "));
  std::set<std::string> seen;
  for (const auto &entry : node) {
    const std::string key = word(entry.first, prefix + "key");
    if (!seen.insert(key).second)
      fail(entry.first, "'" + prefix + key + "' stands twice");
    if (!llvm::is_contained(keys, StringRef(key)))
      fail(entry.first, "unknown field '" + prefix + key + "'; there are " +
                            llvm::join(keys, ", "));
    lines[prefix + key] = entry.first.Mark().line + 1;
    take(key, entry.second, prefix + key);
  }
}

void Reader::numbers(const YAML::Node &node, const std::string &what,
                     llvm::ArrayRef<Number> fields) {
  std::vector<const char *> keys;
  for (const Number &field : fields)
    keys.push_back(field.first);
  each(node, what, keys,
       [&](StringRef key, const YAML::Node &value, const std::string &name) {
         for (const Number &field : fields)
           if (key == field.first)
             *field.second = number(value, name);
       });
}

Curve::Piece Reader::piece(const YAML::Node &node, const std::string &what) {
  Curve::Piece p;
  int forms = 0;
  bool from = false, to = false;
  const std::pair<const char *, Curve::Form> names[] = {
      {"polynomial", Curve::Form::Polynomial},
      {"log", Curve::Form::Log},
      {"log10", Curve::Form::Log10},
      {"power", Curve::Form::Power}};
  each(node, what,
       {"from", "to", "polynomial", "log", "log10", "power", "min", "max"},
       [&](StringRef key, const YAML::Node &value, const std::string &name) {
         if (key == "from") {
           p.from = number(value, name);
           from = true;
         } else if (key == "to") {
           p.to = number(value, name);
           to = true;
         } else if (key == "min") {
           p.min = number(value, name);
         } else if (key == "max") {
           p.max = number(value, name);
         }
         for (const auto &[form, kind] : names) {
           if (key != form)
             continue;
           ++forms;
           p.form = kind;
           if (!value.IsSequence() || value.size() == 0)
             fail(value, "'" + name + "' must be a list of numbers");
           for (const YAML::Node &c : value)
             p.coefficients.push_back(number(c, name));
           if (kind != Curve::Form::Polynomial && p.coefficients.size() != 2)
             fail(value, "'" + name + "' has " +
                             std::to_string(p.coefficients.size()) +
                             " coefficients, must have 2");
         }
       });
  if (!from || !to || p.to <= p.from)
    fail(node, "'" + what +
                   "' needs 'from' and 'to', with from below to: the "
                   "range in which the fit holds");
  if (forms != 1)
    fail(node, "'" + what + "' needs one of polynomial, log, log10, power");
  return p;
}

Curve Reader::curve(const YAML::Node &node, const std::string &what) {
  Curve c;
  bool of = false;
  each(node, what,
       {"of", "fitted_max_us", "scales_with_max", "pieces", "time_s"},
       [&](StringRef key, const YAML::Node &value, const std::string &name) {
         if (key == "of") {
           of = true;
           c.of = Curve::Of(choice(value, name, {"fraction", "us"}));
         } else if (key == "fitted_max_us") {
           c.fitted_max_us = number(value, name);
         } else if (key == "scales_with_max") {
           c.scales_with_max = truth(value, name);
         } else if (key == "pieces") {
           if (!value.IsSequence())
             fail(value, "'" + name + "' must be a list");
           for (const YAML::Node &item : value) {
             c.pieces.push_back(piece(item, name));
             const size_t n = c.pieces.size();
             if (n > 1 && c.pieces[n - 1].from != c.pieces[n - 2].to)
               fail(item, "'" + name +
                              "' leaves a gap or overlaps: a piece "
                              "begins where the one before it ends");
           }
         }
       });
  if (!of || c.pieces.empty())
    fail(node, "'" + what + "' needs 'of' (fraction or us) and 'pieces'");
  return c;
}

std::vector<Device::TimedCurve> Reader::timedCurves(const YAML::Node &node,
                                                    const std::string &what) {
  std::vector<Device::TimedCurve> curves;
  auto add = [&](const YAML::Node &item) {
    curves.emplace_back();
    curves.back().sigma_us = curve(item, what);
    if (item["time_s"])
      curves.back().time_s = number(item["time_s"], what + ".time_s");
    else if (node.IsSequence())
      fail(item, "'" + what + "' needs 'time_s' in each fit of a list");
  };
  if (node.IsSequence())
    for (const YAML::Node &item : node)
      add(item);
  else
    add(node);
  if (curves.empty())
    fail(node, "'" + what + "' has no fit");
  return curves;
}

Device Reader::read(const YAML::Node &root) {
  Device d;
  d.file = file;
  bool cell = false;
  each(root, "",
       {"name", "description", "citation", "cell", "programming", "drift",
        "relaxation", "read_noise", "faults", "line", "converter", "driver"},
       [&](StringRef key, const YAML::Node &node, const std::string &what) {
         if (key == "name")
           d.name = word(node, what);
         else if (key == "description")
           d.description = word(node, what);
         else if (key == "citation")
           d.citation = word(node, what);
         else if (key == "cell") {
           cell = true;
           each(node, what, {"min_us", "max_us", "reference_column"},
                [&](StringRef k, const YAML::Node &v, const std::string &w) {
                  if (k == "min_us")
                    d.min_us = number(v, w);
                  else if (k == "max_us")
                    d.max_us = number(v, w);
                  else
                    d.reference_column = truth(v, w);
                });
         } else if (key == "programming")
           each(node, what,
                {"sigma_relative", "sigma_fraction", "sigma_log", "sigma_us",
                 "floor_us"},
                [&](StringRef k, const YAML::Node &v, const std::string &w) {
                  if (k == "sigma_relative")
                    d.sigma_relative = number(v, w);
                  else if (k == "sigma_fraction")
                    d.sigma_fraction = number(v, w);
                  else if (k == "sigma_log")
                    d.sigma_log = number(v, w);
                  else if (k == "sigma_us")
                    d.sigma_us = timedCurves(v, w);
                  else
                    d.floor_us = number(v, w);
                });
         else if (key == "drift") {
           d.drift.emplace();
           each(node, what, {"reference_s", "exponent_mean", "exponent_sigma"},
                [&](StringRef k, const YAML::Node &v, const std::string &w) {
                  if (k == "reference_s")
                    d.drift->reference_s = number(v, w);
                  else if (k == "exponent_mean")
                    d.drift->exponent_mean = curve(v, w);
                  else
                    d.drift->exponent_sigma = curve(v, w);
                });
           if (d.drift->exponent_mean.pieces.empty() ||
               d.drift->exponent_sigma.pieces.empty())
             fail(node, "'drift' needs reference_s, exponent_mean and "
                        "exponent_sigma");
         } else if (key == "relaxation") {
           d.relaxation.emplace();
           numbers(node, what,
                   {{"mean_us_per_log_s", &d.relaxation->mean_us_per_log_s},
                    {"sigma_us_per_log_s", &d.relaxation->sigma_us_per_log_s},
                    {"sigma_us", &d.relaxation->sigma_us}});
         } else if (key == "read_noise")
           each(node, what, {"sigma_relative", "sigma_us", "flicker"},
                [&](StringRef k, const YAML::Node &v, const std::string &w) {
                  if (k == "sigma_relative")
                    d.read_sigma_relative = number(v, w);
                  else if (k == "sigma_us")
                    d.read_sigma_us = number(v, w);
                  else {
                    d.flicker.emplace();
                    each(v, w, {"relative", "us", "read_s"},
                         [&](StringRef kk, const YAML::Node &vv,
                             const std::string &ww) {
                           if (kk == "relative")
                             d.flicker->relative = curve(vv, ww);
                           else if (kk == "us")
                             d.flicker->us = curve(vv, ww);
                           else
                             d.flicker->read_s = number(vv, ww);
                         });
                  }
                });
         else if (key == "faults")
           numbers(node, what,
                   {{"stuck_off_rate", &d.stuck_off_rate},
                    {"stuck_on_rate", &d.stuck_on_rate}});
         else if (key == "line")
           each(node, what, {"segment_ohm", "idle_rows"},
                [&](StringRef k, const YAML::Node &v, const std::string &w) {
                  if (k == "segment_ohm")
                    d.segment_ohm = number(v, w);
                  else
                    d.idle_rows_grounded =
                        choice(v, w, {"cut_off", "grounded"}) != 0;
                });
         else if (key == "converter")
           numbers(node, what,
                   {{"gain_relative", &d.converter_gain_relative},
                    {"gain_sigma_relative", &d.converter_gain_sigma_relative},
                    {"offset_lsb", &d.converter_offset_lsb},
                    {"offset_sigma_lsb", &d.converter_offset_sigma_lsb},
                    {"noise_sigma_lsb", &d.converter_noise_sigma_lsb}});
         else
           numbers(node, what,
                   {{"gain_sigma_relative", &d.driver_gain_sigma_relative},
                    {"offset_sigma_lsb", &d.driver_offset_sigma_lsb}});
       });
  if (d.name.empty())
    fail(root, "'name' is missing");
  if (!cell)
    fail(root, "'cell' with 'min_us' and 'max_us' is missing");
  return d;
}

llvm::Expected<Device> imc::crossbar::parseDevice(StringRef text,
                                                  StringRef file) {
  try {
    Reader reader(file);
    Device device = reader.read(YAML::Load(text.str()));
    if (std::optional<FieldProblem> problem = findProblem(device))
      return fail(reader.placeOf(problem->field) + ": '" + problem->field +
                  "' " + problem->message);
    return device;
  } catch (const Problem &problem) {
    return fail(problem.message);
  } catch (const YAML::Exception &e) {
    return fail(file.str() + ":" +
                std::to_string(e.mark.is_null() ? 1 : e.mark.line + 1) + ": " +
                e.msg);
  }
}

std::vector<std::string>
imc::crossbar::listDevices(llvm::ArrayRef<std::string> searchDirs) {
  std::set<std::string> names;
  for (const std::string &dir : searchDirs) {
    std::error_code error;
    for (llvm::sys::fs::directory_iterator it(dir + "/devices", error), end;
         it != end && !error; it.increment(error))
      if (llvm::sys::path::extension(it->path()) == ".yaml")
        names.insert(llvm::sys::path::stem(it->path()).str());
  }
  return {names.begin(), names.end()};
}

llvm::Expected<Device>
imc::crossbar::loadDevice(StringRef nameOrPath,
                          llvm::ArrayRef<std::string> searchDirs) {
  std::string path;
  if (nameOrPath.contains('/') || nameOrPath.ends_with(".yaml") ||
      nameOrPath.ends_with(".yml")) {
    path = nameOrPath.str();
  } else {
    for (const std::string &dir : searchDirs) {
      const std::string candidate =
          dir + "/devices/" + nameOrPath.str() + ".yaml";
      if (path.empty() && llvm::sys::fs::exists(candidate))
        path = candidate;
    }
    if (path.empty())
      return fail("there is no device '" + nameOrPath.str() + "'; there are " +
                  llvm::join(listDevices(searchDirs), ", ") +
                  ", or give a file");
  }
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return fail("cannot read '" + path + "': " + buffer.getError().message());
  return parseDevice((*buffer)->getBuffer(), path);
}
