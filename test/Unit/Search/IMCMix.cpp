//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "IMCMix.h"

#include <algorithm>
#include <cmath>

using namespace imc::search;
using namespace imc::search::test;

namespace {
/// A product of one layer: output positions, rows, columns, groups.
struct Layer {
  Layer(double positions, double rows, double columns, double groups)
      : positions(positions), rows(rows), columns(columns), groups(groups),
        log2Rows(std::log2(rows)) {}
  double positions, rows, columns, groups, log2Rows;
};
using Network = std::vector<Layer>;
} // namespace

static const std::vector<Network> &networks() {
  static const std::vector<Network> list = [] {
    Network residual{{1024, 27, 16, 1}, {1024, 144, 16, 1}, {1024, 144, 16, 1},
                     {256, 144, 32, 1}, {256, 288, 32, 1},  {256, 16, 32, 1},
                     {64, 288, 64, 1},  {64, 576, 64, 1},   {64, 32, 64, 1},
                     {1, 64, 10, 1}};
    Network depthwise{{125, 40, 64, 1}};
    for (int i = 0; i < 4; ++i) {
      depthwise.push_back({125, 9, 1, 64});
      depthwise.push_back({125, 64, 64, 1});
    }
    depthwise.push_back({1, 64, 12, 1});
    Network transformer{{64, 128, 384, 1},
                        {64, 128, 128, 1},
                        {64, 128, 512, 1},
                        {64, 512, 128, 1}};
    return std::vector<Network>{residual, depthwise, transformer};
  }();
  return list;
}

static Space makeSpace() {
  const auto o = KnobKind::Ordinal, c = KnobKind::Categorical;
  auto space = Space::create({{"tech", 2, c},
                              {"rows", 5, o},
                              {"cols", 5, o},
                              {"cell_bits", 3, o},
                              {"dac_bits", 3, o},
                              {"adc_bits", 5, o},
                              {"adc_share", 5, o},
                              {"arrays_per_tile", 4, o},
                              {"tiles", 5, o},
                              {"vdd", 4, o},
                              {"dup", 3, c},
                              {"inbuf", 2, c}});
  return *space;
}

IMCMix::IMCMix() : knobs(makeSpace()) {}

std::array<double, 6> IMCMix::price(const Genome &design) const {
  static const double supplies[] = {0.7, 0.8, 0.9, 1.0};
  // log2 of a number of strips, of which there are 18 at most.
  static const std::vector<double> log2Strips = [] {
    std::vector<double> table{0};
    for (int i = 1; i <= 18; ++i)
      table.push_back(std::log2(double(i)));
    return table;
  }();
  const bool rram = design[0] == 1;
  const double R = 32 << design[1], C = 32 << design[2];
  const double b = 1 << design[3], d = 1 << design[4], a = 4 + design[5];
  const double share = 1 << design[6], A = 2 << design[7], T = 4 << design[8];
  const double V = supplies[design[9]];
  const int duplication = design[10];
  const bool shift = design[11] == 1;

  const double slices = std::ceil(8 / b), planes = std::ceil(8 / d);
  const double adcEnergy = 0.02 * a + 0.0004 * double(1 << (2 * int(a)));
  const double dacEnergy = 0.002 * double(1 << int(d));
  const double cellEnergy = rram ? 0.00035 : 0.0006;
  const double readTime = (rram ? 8.0 : 4.0) / (V - 0.35) * 0.65 +
                          share * 0.4 * a * 0.65 / (V - 0.35);
  const double available = A * T;
  const double mvmEnergy =
      R * dacEnergy + R * C * cellEnergy * 0.25 + C * adcEnergy;

  double energyProduct = 1, latencyProduct = 1, over = 0, required = 0;
  for (const Network &network : networks()) {
    double strips[10], blocks[10], total = 0;
    for (std::size_t i = 0; i < network.size(); ++i) {
      const Layer &layer = network[i];
      if (layer.groups == 1) {
        strips[i] = std::ceil(layer.rows / R);
        blocks[i] = std::ceil(layer.columns * slices / C);
      } else { // depthwise: groups on the diagonal
        const double fit = std::max(
            1.0, std::min(std::floor(R / layer.rows), std::floor(C / slices)));
        strips[i] = std::ceil(layer.groups / fit);
        blocks[i] = 1;
      }
      total += strips[i] * blocks[i];
    }
    const double passes = std::ceil(total / available);
    const double spare = std::max(1.0, std::floor(available / total));
    const double copies = duplication == 0   ? 1
                          : duplication == 1 ? std::floor(std::sqrt(spare))
                                             : spare;
    double energy = 0, time = 0;
    for (std::size_t i = 0; i < network.size(); ++i) {
      const Layer &layer = network[i];
      const bool dense = layer.groups == 1;
      const double reads = std::ceil(layer.positions / copies);
      // Strips are added up by a tree.
      time += reads * (planes * readTime * (1 + 0.03 * A) +
                       (dense ? log2Strips[int(strips[i])] : 0) * 0.8);
      energy +=
          layer.positions * planes * strips[i] * blocks[i] * mvmEnergy * V * V;
      energy += layer.positions * layer.rows * layer.groups * 8 * 0.004 *
                    (shift ? 0.35 : 1.0) +
                layer.positions * layer.columns * layer.groups * 8 * 0.01;
      if (dense) {
        const double active = layer.rows < R ? layer.log2Rows : 5.0 + design[1];
        required = std::max(required, active + b + d - 2 - a);
      }
    }
    const double reload = passes > 1 ? total * R * C * b : 0;
    energy += reload * 4.0; // weights fetched again: 4 pJ/bit, 64 bit/ns
    time += reload / 64.0;
    if (rram)
      over = std::max(over, passes - 1);
    energyProduct *= energy * 1e-3;
    latencyProduct *= time * 1e-3;
  }
  const double cellArea = rram ? 0.06 : 0.5; // um2
  const double array =
      R * C * cellArea + R * (8 + 6 * double(1 << int(d))) +
      std::ceil(C / share) * (60 + 12 * double(1 << (int(a) - 2))) + C * 15;
  const double area =
      3.0 + T * (A * array + 12000 * (1 + 0.35 * shift) + 2500 * A) * 1e-6;
  const double noise =
      std::max(required, 0.0) + (rram ? 0.5 * (b - 1) : 0) + 2.0 * (1.0 - V);
  return {std::cbrt(energyProduct),
          std::cbrt(latencyProduct),
          area,
          noise - 2.5,
          over,
          !rram && b > 1 ? 1.0 : 0.0};
}

ObjectiveScale IMCMix::exactScale() {
  return {{1181.3864429205703, 0.64872290954969, 3.082784},
          {88220.1667319116, 565.7318211710472, 495.757504},
          /*log=*/true};
}

// The 1,074 designs of the front; moocore 0.3.2 gives the same digits.
double IMCMix::exactHypervolume() { return 0.9356059197680213; }

void IMCMix::evaluate(const Genome *designs, std::size_t count,
                      Evaluation *results) const {
  for (std::size_t i = 0; i < count; ++i) {
    const std::array<double, 6> p = price(designs[i]);
    results[i].objectives.assign(p.begin(), p.begin() + 3);
    for (int j = 0; j < 3; ++j)
      if (p[3 + j] > 1e-12)
        results[i].violate(j, p[3 + j]);
  }
}
