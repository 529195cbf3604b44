//===- Actions.cpp - Counting and pricing of single layers
//-----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"

using namespace imc;
using namespace imc::cost;

Counts imc::cost::actions(const workload::Layer &layer,
                          const mapping::Tiling &tiling, int64_t copies,
                          int64_t rounds, const machine::Machine &machine,
                          const mapping::Knobs &knobs, int64_t firstArray) {
  return detail::countLayer(layer, tiling, copies, rounds, machine, knobs,
                            firstArray);
}

Sizes::Sizes(const workload::Product &p)
    : windows(detail::real(p.windows)), rows(detail::real(p.groups * p.rows)),
      outputs(detail::real(p.groups * p.cols)), groups(detail::real(p.groups)),
      group_rows(detail::real(p.rows)), group_cols(detail::real(p.cols)),
      weights(detail::real(p.weight_elements)),
      input_elements(detail::real(p.input_elements)),
      output_elements(detail::real(p.output_elements)),
      input_channels(detail::real(detail::channelsOf(p))),
      line(p.row_elements ? detail::real(p.row_elements) : rows),
      result(detail::real(p.output_elements) / windows),
      channels(rows / detail::real(p.kernel_elements)),
      inverse_windows(1 / windows),
      inverse_width(1 / detail::real(p.output_width)) {}

void imc::cost::priceLayer(const Counts &counts, const Prices &prices,
                           LayerCost &cost) {
  detail::Priced priced;
  detail::price(counts, prices, priced);
  detail::describe(counts, priced, cost);
}

void imc::cost::priceLayer(const workload::Layer &layer,
                           const mapping::Tiling &tiling, int64_t copies,
                           int64_t rounds, const machine::Machine &machine,
                           const mapping::Knobs &knobs, const Prices &prices,
                           LayerCost &cost, int64_t firstArray) {
  detail::Priced priced;
  if (const workload::Product *product = layer.product()) {
    const int64_t macros = machine.hierarchy.macros_per_tile;
    const Geometry g = detail::geometryOf(*product, tiling, machine);
    detail::Flow flow;
    detail::Passage passage;
    const Counts counts = detail::timeProduct(
        *product, Sizes(*product), tiling, g,
        detail::partsOf(*product, g.shares, detail::arraysOf(tiling), copies,
                        macros),
        copies, rounds, machine.arrays() - (rounds > 0 ? firstArray : 0),
        detail::placeOnLink(firstArray / macros,
                            detail::coresOfLink(machine, prices)),
        machine, knobs, prices, flow, passage);
    detail::price(counts, passage, prices, priced);
    detail::describe(counts, priced, cost);
    return;
  }
  const Counts counts = actions(layer, tiling, copies, rounds, machine, knobs);
  detail::price(counts, prices, priced, layer.trips());
  detail::describe(counts, priced, cost);
}

void imc::cost::priceWritten(const workload::DynamicProduct &product,
                             const mapping::Tiling &tiling, int64_t arrays,
                             const machine::Machine &machine,
                             const mapping::Knobs &knobs, const Prices &prices,
                             LayerCost &cost) {
  detail::Priced priced;
  detail::Passage passage;
  const Counts counts = detail::timeWritten(product, tiling, arrays, machine,
                                            knobs, prices, passage);
  detail::price(counts, passage, prices, priced);
  detail::describe(counts, priced, cost);
}

Counts imc::cost::writtenActions(const workload::DynamicProduct &product,
                                 const mapping::Tiling &tiling, int64_t arrays,
                                 const machine::Machine &machine,
                                 const mapping::Knobs &knobs) {
  return detail::countWritten(product, tiling, arrays, machine, knobs).counts;
}

double imc::cost::noiseToSignal(const workload::Product &product,
                                const mapping::Tiling &tiling,
                                const Prices &prices) {
  return detail::noise(product, tiling, prices);
}

const char *imc::cost::name(Energy component) {
  static const char *const names[numEnergies] = {
      "cells",       "drivers",       "adc",    "shift_add",
      "tile_buffer", "global_buffer", "noc",    "memory",
      "programming", "digital",       "leakage"};
  return names[static_cast<size_t>(component)];
}

const char *imc::cost::name(Time component) {
  static const char *const names[numTimes] = {
      "compute",     "tile_buffer", "global_buffer", "noc", "memory",
      "programming", "digital",     "chain",         "fill"};
  return names[static_cast<size_t>(component)];
}

const char *imc::cost::name(Area component) {
  static const char *const names[numAreas] = {
      "cells",       "drivers",       "adc", "shift_add", "control",
      "tile_buffer", "global_buffer", "noc", "digital"};
  return names[static_cast<size_t>(component)];
}
