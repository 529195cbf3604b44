//===- IMCMix.h - A search benchmark with a known answer --------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// IMC-MIX: twelve knobs of an in-memory-computing chip (memory technology,
// rows, columns, cell bits, DAC bits, ADC bits, columns per ADC, arrays per
// tile, tiles, supply, duplication policy, input buffering), 5,400,000 designs.
// Objectives: geometric means over three small networks of energy (nJ) and
// latency (us), and area (mm2). Constraints: an accuracy proxy; RRAM must hold
// the network without reloading; SRAM cells hold one bit. 714,390 designs are
// feasible and 1,074 are Pareto-optimal. All constants are invented: this tests
// searching, and says nothing about any technology.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_TEST_UNIT_SEARCH_IMCMIX_H
#define IMC_TEST_UNIT_SEARCH_IMCMIX_H

#include "imc/Search/Archive.h"
#include "imc/Search/Problem.h"

#include <array>

namespace imc::search::test {

class IMCMix final : public Problem {
public:
  IMCMix();

  const Space &space() const override { return knobs; }
  const std::vector<std::string> &objectiveNames() const override {
    return objectives;
  }
  const std::vector<std::string> &constraintNames() const override {
    return constraints;
  }
  void evaluate(const Genome *designs, std::size_t count,
                Evaluation *results) const override;

  /// Energy, latency, area and the three constraint values (<= 0 is feasible).
  std::array<double, 6> price(const Genome &design) const;

  /// The exact ideal and nadir of the front, logarithmic: the scale in which a
  /// hypervolume of IMC-MIX is given.
  static ObjectiveScale exactScale();
  /// Hypervolume of the exact front in that scale.
  static double exactHypervolume();

private:
  Space knobs;
  std::vector<std::string> objectives{"energy_nj", "latency_us", "area_mm2"};
  std::vector<std::string> constraints{"accuracy", "fits_without_reload",
                                       "sram_cells_hold_one_bit"};
};

} // namespace imc::search::test

#endif // IMC_TEST_UNIT_SEARCH_IMCMIX_H
