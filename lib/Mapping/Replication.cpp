//===- Replication.cpp - Copies of layers on a budget of arrays -----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Replication.h"

#include "imc/Mapping/Mapping.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace imc::mapping;
using namespace imc::mapping::replication;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

//===----------------------------------------------------------------------===//
// Text form, input, solution
//===----------------------------------------------------------------------===//

static const StringRef objectives[] = {"bottleneck", "sum"};

llvm::ArrayRef<StringRef> Problem::algorithms() {
  static const StringRef names[] = {"none", "balanced", "marginal_gain",
                                    "exact"};
  return names;
}

Expected<Problem> Problem::parse(const json::Value &value) {
  return parseFields<Problem>(
      value, "problem", Problem::kind, [](Fields &fields, Problem &p) {
        p.objective =
            static_cast<Objective>(fields.choice("objective", objectives));
        p.arrays = fields.integer("arrays");
        p.core = fields.integer("core", 1);
        fields.objects("layers", [&](Fields &layer) {
          p.layers.push_back(
              {layer.string("name", ""), layer.integer("windows"),
               layer.integer("arrays"), layer.integer("time", 1),
               layer.integer("count", 1), layer.integer("copies", 0)});
        });
      });
}

Expected<Solution> Solution::parse(const json::Value &value) {
  return parseFields<Solution>(value, "solution", Problem::kind,
                               [](Fields &fields, Solution &s) {
                                 s.copies = fields.integers("copies");
                               });
}

json::Value imc::mapping::replication::toJSON(const Problem &p) {
  json::Array layers;
  for (const Layer &l : p.layers) {
    json::Object layer{{"name", l.name},
                       {"windows", l.windows},
                       {"arrays", l.arrays},
                       {"time", l.time},
                       {"count", l.count}};
    if (l.copies)
      layer["copies"] = l.copies;
    layers.push_back(std::move(layer));
  }
  return json::Object{{"problem", Problem::kind},
                      {"objective", objectives[size_t(p.objective)]},
                      {"arrays", p.arrays},
                      {"core", p.core},
                      {"layers", std::move(layers)}};
}

json::Value imc::mapping::replication::toJSON(const Solution &s) {
  return json::Object{{"solution", Problem::kind},
                      {"copies", json::Array(s.copies)}};
}

static std::string nameOf(const Problem &p, size_t i) {
  return label("layers", i, p.layers[i].name);
}

Error imc::mapping::replication::check(const Problem &p) {
  if (p.layers.empty())
    return invalid("'layers' is empty");
  for (auto [field, value] :
       {std::pair("arrays", p.arrays), std::pair("core", p.core)})
    if (value < 1 || value > largestNumber)
      return invalid(Twine("'") + field + "' is " + Twine(value) +
                     ", must be from 1 to 2^53");
  // Neither all windows one after the other nor all at once may overflow.
  for (const auto &[i, l] : llvm::enumerate(p.layers))
    if (l.copies < 0 || l.copies > l.windows)
      return invalid(nameOf(p, i) + ": 'copies' is " + Twine(l.copies) +
                     ", must be from 1 to its " + Twine(l.windows) +
                     " windows, or 0 where they are to be found");
  int64_t windows = Problem::maxWindows, time = largestNumber,
          arrays = largestNumber;
  for (const auto &[i, l] : llvm::enumerate(p.layers)) {
    for (auto [field, value] :
         {std::pair("windows", l.windows), std::pair("arrays", l.arrays),
          std::pair("time", l.time), std::pair("count", l.count)})
      if (value < 1 || value > largestNumber)
        return invalid(nameOf(p, i) + ": '" + field + "' is " + Twine(value) +
                       ", must be from 1 to 2^53");
    auto take = [](int64_t &left, int64_t a, int64_t b) {
      const bool fits = a <= left / b;
      left -= fits ? a * b : 0;
      return fits;
    };
    if (!take(windows, l.windows, l.count))
      return invalid(nameOf(p, i) + ": the layers up to here have more than "
                                    "2^32 windows");
    if (!take(time, l.windows * l.count, l.time))
      return invalid(nameOf(p, i) + ": windows x time of the layers up to here "
                                    "add up to more than 2^53");
    if (!take(arrays, l.windows * l.count, l.arrays + p.core))
      return invalid(nameOf(p, i) + ": windows x arrays of the layers up to "
                                    "here add up to more than 2^53");
  }
  if (int64_t needed = endOf(p, fewestCopies(p)); needed > p.arrays)
    return invalid(
        (llvm::any_of(p.layers, [](const Layer &l) { return l.copies > 1; })
             ? "the copies that are decided, and one of each other "
               "layer, take "
             : "one copy of each layer takes ") +
        Twine(needed) + " arrays, " + Twine(needed - p.arrays) +
        " more than 'arrays' = " + Twine(p.arrays));
  return Error::success();
}

Error imc::mapping::replication::verify(const Problem &p, const Solution &s) {
  if (s.copies.size() != p.layers.size())
    return invalid("'copies' has " + Twine(s.copies.size()) + " entries for " +
                   Twine(p.layers.size()) + " layers");
  // Bundle after bundle, without the closed form that the algorithms use.
  int64_t used = 0;
  for (size_t i = 0; i != p.layers.size(); ++i) {
    const Layer &l = p.layers[i];
    if (s.copies[i] < 1 || s.copies[i] > l.windows)
      return invalid(nameOf(p, i) + " has " + Twine(s.copies[i]) +
                     " copies, must have 1 to " + Twine(l.windows) +
                     ", one per window");
    if (l.copies && s.copies[i] != l.copies)
      return invalid(nameOf(p, i) + " has " + Twine(s.copies[i]) +
                     " copies, must have the " + Twine(l.copies) +
                     " that are decided");
    const int64_t together = std::max<int64_t>(1, p.core / l.arrays);
    for (int64_t n = 0; n != l.count; ++n)
      for (int64_t left = s.copies[i]; left > 0; left -= together) {
        const int64_t bundle = std::min(left, together) * l.arrays;
        const int64_t room = p.core - used % p.core;
        if (room != p.core && room < bundle)
          used += room;
        used += bundle;
      }
  }
  if (used > p.arrays)
    return invalid("the copies take " + Twine(used) + " arrays, " +
                   Twine(used - p.arrays) + " more than there are");
  return Error::success();
}

int64_t imc::mapping::replication::objective(const Problem &p,
                                             const Solution &s) {
  int64_t slowest = 0, sum = 0;
  for (size_t i = 0; i != p.layers.size(); ++i) {
    const Layer &l = p.layers[i];
    int64_t time = ceilDiv(l.windows, s.copies[i]) * l.time;
    slowest = std::max(slowest, time);
    sum += time * l.count;
  }
  return p.objective == Objective::Sum ? sum : slowest;
}

std::string imc::mapping::replication::objectiveUnit(const Problem &p) {
  return p.objective == Objective::Sum ? "time of all layers"
                                       : "time of the slowest layer";
}

static std::vector<int64_t> balanced(const Problem &p) {
  std::vector<Demand> demands;
  for (const Layer &l : p.layers)
    demands.push_back({l.windows, l.arrays, l.count, 1, 0, l.copies});
  int64_t windows = balancedWindows(demands, p.arrays, p.core);
  std::vector<int64_t> copies;
  for (const Layer &l : p.layers)
    copies.push_back(l.copies ? l.copies : ceilDiv(l.windows, windows));
  return copies;
}

Expected<Solution> imc::mapping::replication::solve(const Problem &p,
                                                    StringRef algorithm) {
  Expected<size_t> index =
      indexOf(algorithm, Problem::algorithms(), "algorithm");
  if (!index)
    return index.takeError();
  switch (*index) {
  case 0:
    return Solution{fewestCopies(p)};
  case 1:
    return Solution{balanced(p)};
  case 2:
    return Solution{marginalGain(p)};
  default:
    return Solution{exact(p)};
  }
}
