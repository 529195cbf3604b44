//===- Report.cpp - What imc validate prints ------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Validate/Validate.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"

#include <cmath>
#include <functional>

using namespace imc;
using namespace imc::validate;
using llvm::StringRef;
namespace json = llvm::json;

namespace {
struct Figure {
  const char *name;
  std::optional<double> Ratios::*member;
};
constexpr Figure figures[] = {
    {"tops_per_w", &Ratios::tops_per_w},
    {"tops_per_mm2", &Ratios::tops_per_mm2},
    {"area", &Ratios::area},
    {"energy", &Ratios::energy},
    {"tops", &Ratios::tops},
    {"time", &Ratios::time},
};
/// The last year that constants were fitted on (docs/results-validation.md).
constexpr double lastFitted = 2021;
} // namespace

using Filter = llvm::function_ref<bool(const Result &)>;

static Agreement agree(llvm::ArrayRef<Result> results, const PointKind &kind,
                       std::optional<double> Ratios::*figure, Filter filter) {
  std::vector<double> ratios;
  for (const Result &r : results)
    if (r.kind == &kind && r.priced() && r.ratio.*figure && filter(r))
      ratios.push_back(*(r.ratio.*figure));
  return agreement(ratios);
}

static bool isEarly(const Result &r) {
  return r.point.year && *r.point.year <= lastFitted;
}
static bool isLate(const Result &r) {
  return r.point.year && *r.point.year > lastFitted;
}

static std::vector<std::string> setsOf(llvm::ArrayRef<Result> results) {
  std::vector<std::string> sets;
  for (const Result &r : results)
    if (!llvm::is_contained(sets, r.point.set))
      sets.push_back(r.point.set);
  return sets;
}

static json::Object toJSON(const Agreement &a) {
  json::Object object{{"points", static_cast<int64_t>(a.points)}};
  object["share_within_2x"] =
      a.points ? json::Value(a.within_2x) : json::Value(nullptr);
  object["median_factor"] =
      a.points ? json::Value(a.median_factor) : json::Value(nullptr);
  return object;
}

json::Value imc::validate::toJSON(llvm::ArrayRef<Result> results,
                                  StringRef version) {
  json::Array rows;
  for (const Result &r : results) {
    json::Object ratio;
    for (const Figure &figure : figures)
      if (r.priced() && r.ratio.*figure.member)
        ratio[figure.name] = *(r.ratio.*figure.member);
    json::Object row{{"id", r.point.id},
                     {"kind", r.kind ? json::Value(r.kind->name) : nullptr},
                     {"status", r.priced() ? "priced" : "skipped"},
                     {"reason", r.reason},
                     {"ratio", std::move(ratio)}};
    if (r.priced())
      row["target"] = r.target;
    rows.push_back(std::move(row));
  }
  json::Object summary;
  for (const PointKind &kind : pointKinds()) {
    auto any = [](const Result &) { return true; };
    json::Object entry =
        ::toJSON(agree(results, kind, &Ratios::tops_per_w, any));
    json::Object others, sets;
    for (const Figure &figure : figures)
      if (figure.member != &Ratios::tops_per_w)
        others[figure.name] =
            ::toJSON(agree(results, kind, figure.member, any));
    for (const std::string &set : setsOf(results))
      sets[set] =
          ::toJSON(agree(results, kind, &Ratios::tops_per_w,
                         [&](const Result &r) { return r.point.set == set; }));
    entry["figures"] = std::move(others);
    entry["sets"] = std::move(sets);
    entry["fitted_years"] =
        ::toJSON(agree(results, kind, &Ratios::tops_per_w, isEarly));
    entry["later_years"] =
        ::toJSON(agree(results, kind, &Ratios::tops_per_w, isLate));
    entry["skipped"] =
        static_cast<int64_t>(llvm::count_if(results, [&](const Result &r) {
          return r.kind == &kind && !r.priced();
        }));
    summary[kind.name] = std::move(entry);
  }
  return json::Object{{"version", version},
                      {"rows", std::move(rows)},
                      {"summary", std::move(summary)}};
}

void imc::validate::printOwn(llvm::ArrayRef<Result> results,
                             llvm::raw_ostream &os) {
  os << "| point | target |";
  for (const Figure &figure : figures)
    os << " " << figure.name << " |";
  os << "\n|---|---|";
  for (size_t i = 0; i != std::size(figures); ++i)
    os << "---|";
  os << "\n";
  std::vector<const Result *> own;
  for (const Result &r : results)
    if (r.priced() && !r.point.target.empty())
      own.push_back(&r);
  for (const Result *r : own) {
    os << "| " << r->point.id << " | " << r->target << " |";
    for (const Figure &figure : figures)
      if (const std::optional<double> &ratio = r->ratio.*figure.member)
        os << llvm::format(" %.3f |", *ratio);
      else
        os << " |";
    os << "\n";
  }
  for (const std::string &set : setsOf(results)) {
    std::string mean, largest;
    llvm::raw_string_ostream means(mean), largests(largest);
    for (const Figure &figure : figures) {
      double sum = 0, most = 0, points = 0;
      for (const Result *r : own) {
        const std::optional<double> &ratio = r->ratio.*figure.member;
        if (r->point.set != set || !ratio)
          continue;
        const double error = std::abs(*ratio - 1);
        sum += error;
        most = std::max(most, error);
        ++points;
      }
      if (points > 0) {
        means << llvm::format(" %.1f %% of %.0f |", 100 * sum / points, points);
        largests << llvm::format(" %.1f %% |", 100 * most);
      } else {
        means << " |";
        largests << " |";
      }
    }
    os << "| mean error | set " << set << " |" << mean << "\n"
       << "| largest error | set " << set << " |" << largest << "\n";
  }
}

void imc::validate::print(llvm::ArrayRef<Result> results,
                          llvm::raw_ostream &os) {
  auto line = [&](const char *kind, StringRef figure, StringRef points,
                  const Agreement &a) {
    if (a.points)
      os << llvm::format("%-13s  %-12s  %-16s %5zu  %8.1f %%  %13.2f\n", kind,
                         figure.str().c_str(), points.str().c_str(), a.points,
                         100 * a.within_2x, a.median_factor);
  };
  os << "model / reported, no constants of single chips unless a row names a "
        "target\n"
     << "kind           figure        points               n  within 2x  "
        "median factor\n";
  const std::vector<std::string> sets = setsOf(results);
  for (const PointKind &kind : pointKinds()) {
    for (const Figure &figure : figures)
      line(kind.name, figure.name, "all",
           agree(results, kind, figure.member,
                 [](const Result &) { return true; }));
    for (const std::string &set : sets)
      line(kind.name, "tops_per_w", "set " + set,
           agree(results, kind, &Ratios::tops_per_w,
                 [&](const Result &r) { return r.point.set == set; }));
    line(kind.name, "tops_per_w", "until 2021",
         agree(results, kind, &Ratios::tops_per_w, isEarly));
    line(kind.name, "tops_per_w", "later",
         agree(results, kind, &Ratios::tops_per_w, isLate));
  }
  const auto priced =
      llvm::count_if(results, [](const Result &r) { return r.priced(); });
  os << priced << " of " << results.size() << " rows priced\n";
  for (const Result &r : results)
    if (!r.priced())
      os << "  skipped " << r.point.id << ": " << r.reason << "\n";
}
