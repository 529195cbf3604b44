//===- Common.h - Machines and designs for cost tests -----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_COST_COMMON_H
#define IMC_TEST_UNIT_COST_COMMON_H

#include "imc/Cost/Pricer.h"
#include "imc/Machine/Target.h"
#include "test/Unit/Models/Networks.h"

#include <gtest/gtest.h>

#include <random>

namespace imc::test {

inline machine::Machine shipped(const char *name) {
  machine::TargetSpec spec = llvm::cantFail(
      machine::loadTarget(name, {std::string(IMC_SOURCE_DIR) + "/targets"}));
  return llvm::cantFail(spec.machine());
}

/// Names of all machines under targets/.
inline std::vector<std::string> shippedTargets() {
  return machine::listTargets({std::string(IMC_SOURCE_DIR) + "/targets"});
}

struct Design {
  machine::Machine machine;
  mapping::Knobs knobs;
};

/// A random point of all knobs, legal or not.
inline Design randomDesign(machine::Machine start, std::mt19937_64 &random) {
  auto pick = [&](std::initializer_list<double> values) {
    return values.begin()[random() % values.size()];
  };
  Design d{start, {}};
  machine::Machine &m = d.machine;
  m.technology.vdd_v = 0.3 + 0.05 * double(random() % 12);
  if (machine::cellKind(m).nonvolatile)
    m.cell.bits = 1 + int64_t(random() % 8);
  m.timing.cycle_time_ns = pick({1, 2, 4, 6, 8, 10});
  m.array.rows = int64_t(pick({16, 32, 64, 100, 128, 256, 512}));
  m.array.cols = int64_t(pick({16, 32, 64, 100, 128, 256, 512}));
  m.hierarchy.groups = int64_t(pick({1, 2, 3, 8, 32}));
  m.hierarchy.tiles_per_group = int64_t(pick({1, 4, 8, 16, 64}));
  m.hierarchy.macros_per_tile = int64_t(pick({1, 4, 8, 30, 128}));
  m.global_buffer.size_mib = pick({0.25, 0.5, 1, 8, 32});
  m.adc.bits = 4 + int64_t(random() % 9);
  m.adc.share = int64_t(pick({1, 3, 8, 64, 1024}));
  m.dac.bits = 1 + int64_t(random() % 8);
  m.adc.clip_bits = random() % 2 ? int64_t(random() % 6) : 0;
  if (random() % 4 == 0)
    m.memory.kind = 0; // none
  mapping::Knobs &k = d.knobs;
  k.weight_bits = 2 + int64_t(random() % 7);
  k.input_bits = 1 + int64_t(random() % 8);
  k.adc_bits = random() % 2 ? 0 : 4 + int64_t(random() % 9);
  k.encoding = static_cast<mapping::Encoding>(random() % 3);
  k.group_packing = static_cast<mapping::GroupPacking>(random() % 3);
  k.segments = static_cast<mapping::Segments>(random() % 3);
  // The exact rules take milliseconds.
  k.replication = static_cast<mapping::Replication>(
      random() % 40 ? random() % 2 : 2 + random() % 3);
  return d;
}

/// The four networks with digital work and dynamic products in between.
inline std::vector<workload::Workload> networks() {
  std::vector<workload::Workload> all = {resnet18(), vgg16(), alexnet(),
                                         mobilenetV3Large()};
  for (workload::Workload &w : all)
    for (size_t i = 1; i < w.layers.size(); i += 3) {
      workload::Layer relu = w.layers[i - 1];
      int64_t n = relu.product() ? relu.product()->output_elements : 100;
      relu.op = "relu";
      relu.work = workload::Digital{n, n, n};
      w.layers.insert(w.layers.begin() + ptrdiff_t(i), relu);
    }
  workload::Layer attention{
      "attention", "batch_matmul", "",
      workload::DynamicProduct{67108864, 524288, 65536, 256, 1024, 256, 1}};
  all[0].layers.push_back(attention);
  return all;
}

} // namespace imc::test

#endif // IMC_TEST_UNIT_COST_COMMON_H
