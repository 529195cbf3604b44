//===- ContinuousProblems.h - ZDT and DTLZ on fine grids --------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ZDT1 to ZDT3 (Zitzler, Deb, Thiele: Comparison of multiobjective evolutionary
// algorithms, Evolutionary Computation 8(2), 2000) with thirty variables and
// DTLZ2 (Deb, Thiele, Laumanns, Zitzler: Scalable multi-objective optimization
// test problems, CEC 2002) with three objectives and twelve variables. Every
// variable is a real knob of 2^20 + 1 values from 0 to 1, so a space holds
// about 10^181 or 10^72 designs.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_TEST_UNIT_SEARCH_CONTINUOUSPROBLEMS_H
#define IMC_TEST_UNIT_SEARCH_CONTINUOUSPROBLEMS_H

#include "imc/Search/Problem.h"

#include <cassert>
#include <cmath>
#include <string>

namespace imc::search::test {

class Continuous final : public Problem {
public:
  static constexpr std::int32_t steps = 1 << 20;

  /// "zdt1", "zdt2", "zdt3" or "dtlz2".
  explicit Continuous(const std::string &name)
      : function(name == "dtlz2" ? 0 : name.back() - '0'),
        knobs(spaceOf(function == 0 ? 12 : 30)),
        objectives(function == 0 ? std::vector<std::string>{"f1", "f2", "f3"}
                                 : std::vector<std::string>{"f1", "f2"}) {
    assert((name == "dtlz2" || name.compare(0, 3, "zdt") == 0) &&
           function <= 3);
  }

  const Space &space() const override { return knobs; }
  const std::vector<std::string> &objectiveNames() const override {
    return objectives;
  }
  const std::vector<std::string> &constraintNames() const override {
    return constraints;
  }
  void evaluate(const Genome *designs, std::size_t count,
                Evaluation *results) const override {
    for (std::size_t i = 0; i < count; ++i) {
      double f[3];
      price(designs[i], f);
      results[i].objectives.assign(f, f + objectives.size());
    }
  }

  void price(const Genome &design, double *f) const {
    const double pi = 3.14159265358979323846, scale = 1.0 / steps;
    if (function == 0) {
      double g = 1;
      for (std::size_t j = 2; j < design.size(); ++j) {
        const double d = design[j] * scale - 0.5;
        g += d * d;
      }
      const double a = design[0] * scale * pi / 2,
                   b = design[1] * scale * pi / 2;
      f[0] = g * std::cos(a) * std::cos(b);
      f[1] = g * std::cos(a) * std::sin(b);
      f[2] = g * std::sin(a);
      return;
    }
    double rest = 0;
    for (std::size_t j = 1; j < design.size(); ++j)
      rest += design[j] * scale;
    const double x = design[0] * scale;
    const double g = 1 + 9 * rest / double(design.size() - 1);
    const double ratio = x / g;
    f[0] = x;
    f[1] = g * (function == 1 ? 1 - std::sqrt(ratio)
                : function == 2
                    ? 1 - ratio * ratio
                    : 1 - std::sqrt(ratio) - ratio * std::sin(10 * pi * x));
  }

private:
  static Space spaceOf(int count) {
    std::vector<Knob> list;
    for (int i = 0; i < count; ++i)
      list.push_back({"x" + std::to_string(i), steps + 1, KnobKind::Real});
    return *Space::create(std::move(list));
  }

  int function; // 0: DTLZ2
  Space knobs;
  std::vector<std::string> objectives, constraints;
};

} // namespace imc::search::test

#endif // IMC_TEST_UNIT_SEARCH_CONTINUOUSPROBLEMS_H
