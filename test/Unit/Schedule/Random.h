//===- Random.h - Random networks and machines to schedule ------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_SCHEDULE_RANDOM_H
#define IMC_TEST_UNIT_SCHEDULE_RANDOM_H

#include "imc/Machine/Target.h"
#include "imc/Mapping/Mapping.h"
#include "imc/Workload/Workload.h"

#include <random>

namespace imc::test {

inline machine::Machine shippedMachine(const char *name) {
  machine::TargetSpec spec = llvm::cantFail(
      machine::loadTarget(name, {std::string(IMC_SOURCE_DIR) + "/targets"}));
  return llvm::cantFail(spec.machine());
}

/// Each layer reads the one before it, the first the model's input; the last
/// one is returned.
inline workload::Workload chained(workload::Workload w) {
  for (size_t i = 0; i != w.layers.size(); ++i)
    w.layers[i].inputs = {int64_t(i) - 1};
  w.layers.back().output = true;
  return w;
}

/// Numbers of one random case.
class Random {
public:
  explicit Random(uint64_t seed) : generator(seed) {}
  /// In [low, high].
  int64_t in(int64_t low, int64_t high) {
    return low + int64_t(generator() % uint64_t(high - low + 1));
  }
  bool chance(int64_t percent) { return in(1, 100) <= percent; }
  template <class T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[generator() % values.size()];
  }

private:
  std::mt19937_64 generator;
};

/// Convolutions (grouped, strided, padded), matrix products, poolings, codes,
/// other digital work and products of two activations, with branches that meet
/// again; small enough to be walked window by window.
inline workload::Workload randomNetwork(Random &random) {
  workload::Workload w;
  w.name = "random";
  const int64_t layers = random.in(1, 10);
  int64_t channels = random.in(1, 12), height = random.in(1, 14),
          width = random.in(1, 14);
  w.input_elements = channels * height * width;
  bool image = random.chance(70);
  int64_t rows = random.in(1, 20), features = random.in(1, 80);
  if (!image)
    w.input_elements = rows * features;
  for (int64_t i = 0; i != layers; ++i) {
    workload::Layer layer;
    layer.name = "layer" + std::to_string(i);
    layer.inputs = {i - 1};
    // A branch from further back, by what it costs: any earlier result.
    if (i > 0 && random.chance(25))
      layer.inputs.insert(layer.inputs.begin(), random.in(-1, i - 2));
    const int64_t elements =
        image ? channels * height * width : rows * features;
    const int64_t kind = random.in(1, 100);
    if (kind <= 55 && image) {
      const int64_t kernelRows = random.in(1, std::min<int64_t>(4, height)),
                    kernelCols = random.in(1, std::min<int64_t>(4, width));
      const int64_t groups = random.chance(25) ? channels : 1;
      const int64_t outputs = groups * random.in(1, groups > 1 ? 3 : 40);
      const int64_t stride = random.in(1, 3), padding = random.in(0, 2);
      layer.op = "conv2d";
      workload::Product p =
          workload::convolution(1, channels, height, width, outputs, kernelRows,
                                kernelCols, stride, padding, groups);
      height = (height + 2 * padding - kernelRows) / stride + 1;
      width = (width + 2 * padding - kernelCols) / stride + 1;
      channels = outputs;
      layer.work = p;
    } else if (kind <= 55) {
      const int64_t outputs = random.in(1, 120);
      layer.op = "matmul";
      layer.work = workload::matmul(rows, features, outputs);
      features = outputs;
    } else if (kind <= 70 && !image && i > 0) {
      // Scores of two activations, one pair of matrices per head.
      const int64_t heads = random.in(1, 4), cols = random.in(1, 30);
      layer.op = "batch_matmul";
      layer.right_inputs = {layer.inputs.back()};
      layer.work =
          workload::DynamicProduct{rows * features * cols * heads,
                                   (rows * features + features * cols) * heads,
                                   rows * cols * heads,
                                   rows,
                                   features,
                                   cols,
                                   heads};
      features = cols * heads;
    } else {
      layer.op = "relu";
      layer.work =
          workload::Digital{elements * random.in(1, 4), elements, elements};
      if (image && height > 1 && width > 1 && random.chance(30)) {
        layer.op = "pooling_nchw_max";
        height /= 2;
        width /= 2;
        std::get<workload::Digital>(layer.work).output_elements =
            channels * height * width;
      } else if (image && random.chance(30)) {
        // Codes with padding around them, which products count as theirs.
        layer.op = "quantize";
        std::get<workload::Digital>(layer.work).output_elements =
            channels * (height + 2) * (width + 2);
      } else if (image && random.chance(20)) {
        // Flatten.
        image = false;
        rows = 1;
        features = elements;
      }
    }
    // Branches may meet in other shapes: nobody takes those row by row.
    layer.rowwise = layer.inputs.size() == 1 && !layer.dynamicProduct() &&
                    random.chance(80);
    w.layers.push_back(std::move(layer));
  }
  w.layers.back().output = true;
  if (random.chance(20))
    w.layers[size_t(random.in(0, layers - 1))].output = true;
  return random.chance(30) ? workload::batched(std::move(w), random.in(2, 3))
                           : w;
}

struct RandomDesign {
  machine::Machine machine;
  mapping::Knobs knobs;
};

/// Chips from too small to roomy, volatile and not, with and without external
/// memory.
inline RandomDesign randomDesign(Random &random, const machine::Machine &rram,
                                 const machine::Machine &sram) {
  RandomDesign d{random.chance(50) ? rram : sram, {}};
  machine::Machine &m = d.machine;
  m.array.rows = random.pick<int64_t>({8, 12, 16, 32, 64, 128});
  m.array.cols = random.pick<int64_t>({8, 12, 16, 32, 64, 128});
  if (random.chance(40) && m.array.rows % 4 == 0)
    m.array.active_rows = m.array.rows / random.pick<int64_t>({2, 4});
  m.hierarchy.groups = random.pick<int64_t>({1, 2, 5, 16});
  m.hierarchy.tiles_per_group = random.pick<int64_t>({1, 2, 4, 9});
  m.hierarchy.macros_per_tile = random.pick<int64_t>({1, 2, 3, 8, 32});
  m.tile_buffer.size_kib = random.pick({0.5, 2.0, 8.0, 64.0, 512.0});
  m.global_buffer.size_mib = random.pick({0.001, 0.01, 0.1, 2.0});
  if (random.chance(30))
    m.memory.kind = 0; // none
  mapping::Knobs &k = d.knobs;
  k.weight_bits = random.in(2, 8);
  k.input_bits = random.in(1, 8);
  k.encoding = random.chance(50) ? mapping::Encoding::Offset
                                 : mapping::Encoding::Differential;
  k.group_packing = static_cast<mapping::GroupPacking>(random.in(0, 2));
  k.replication = static_cast<mapping::Replication>(random.in(0, 1));
  k.segments = static_cast<mapping::Segments>(random.in(0, 2));
  k.dynamic_products = static_cast<mapping::DynamicProducts>(random.in(0, 2));
  return d;
}

/// Gives some products of some networks bits of their own, at most those of the
/// knobs (E-MIXED).
inline void giveOwnBits(Random &random, const mapping::Knobs &knobs,
                        workload::Workload &network) {
  if (!random.chance(40))
    return;
  for (workload::Layer &layer : network.layers)
    if (layer.product() && random.chance(60)) {
      llvm::cantFail(workload::setLayer(network, layer.name, "weight_bits",
                                        random.in(2, knobs.weight_bits)));
      if (random.chance(70))
        llvm::cantFail(workload::setLayer(network, layer.name, "input_bits",
                                          random.in(1, knobs.input_bits)));
    }
}

} // namespace imc::test

#endif // IMC_TEST_UNIT_SCHEDULE_RANDOM_H
