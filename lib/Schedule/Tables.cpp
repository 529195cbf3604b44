//===- Tables.cpp - Products, kernels and tensors of a program ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include "imc/Cost/Cost.h"
#include "imc/Machine/Kind.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

#include <algorithm>

using namespace imc;
using namespace imc::schedule;
using namespace imc::schedule::detail;
using llvm::Error;
using llvm::Twine;

Error detail::refuse(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static int64_t whole(double count) { return static_cast<int64_t>(count); }

std::string Builder::layerName(size_t layer) const {
  return "'" + workload.layers[layer].name + "' (" + workload.layers[layer].op +
         ")";
}

Error Builder::checkDesign() const {
  if (Error error = workload::check(workload))
    return error;
  for (const workload::Layer &layer : workload.layers)
    if (const workload::Product *product = layer.product();
        product && (product->weight_bits > knobs.weight_bits ||
                    product->input_bits > knobs.input_bits))
      return refuse(
          "layer '" + layer.name + "' has weights of " +
          Twine(product->weightBits(knobs.weight_bits)) + " and inputs of " +
          Twine(product->inputBits(knobs.input_bits)) +
          " bits, the chip is built for pass.weight_bits=" +
          Twine(knobs.weight_bits) +
          " and pass.input_bits=" + Twine(knobs.input_bits) + ": raise these");
  for (const workload::Layer &layer : workload.layers)
    if (const workload::Product *product = layer.product())
      if (const auto broken =
              mapping::checkOwnAdcBits(*product, knobs, machine))
        return refuse("layer '" + layer.name + "' has conversions of " +
                      Twine(broken->first) + " bits, the limit is " +
                      Twine(broken->second) +
                      ": take that, or raise pass.adc_bits");
  if (std::vector<mapping::Violation> broken = mapping::check(knobs, machine);
      !broken.empty())
    return refuse(Twine("pass.") + broken.front().where + " breaks rule " +
                  mapping::ruleName(broken.front().rule) + ": " +
                  Twine(whole(broken.front().value)) + ", limit " +
                  Twine(whole(broken.front().limit)));
  for (const mapping::Violation &v : plan.violations)
    if (v.rule == mapping::Rule::Capacity)
      return refuse("arrays: model '" + workload.name + "' needs " +
                    Twine(whole(v.value)) + ", the chip has " +
                    Twine(whole(v.limit)) +
                    " and its cells stay as they are: raise "
                    "machine.hierarchy.groups, or take a machine with cells "
                    "that are rewritten");
  if (Error error = mapping::verify(plan, workload, machine))
    return error;
  if (!plan.resident && machine::memoryKind(machine).absent)
    return refuse("arrays: model '" + workload.name + "' needs " +
                  Twine(plan.logical_arrays) + ", the chip has " +
                  Twine(plan.capacity) +
                  " and no external memory to fetch weights from: raise "
                  "machine.hierarchy.groups, or set machine.memory.kind");
  return Error::success();
}

void Builder::describeChip() {
  program::Chip &chip = program.chip;
  chip.cores = machine.tiles();
  chip.arrays_per_core = machine.hierarchy.macros_per_tile;
  chip.cores_per_group = machine.hierarchy.tiles_per_group;
  chip.array_rows = machine.array.rows;
  chip.array_cols = machine.array.cols;
  chip.driven_rows = machine.drivenRows();
  chip.tile_buffer_bits = whole(machine.tile_buffer.size_kib * 8192.0);
  chip.global_buffer_bits = whole(machine.global_buffer.size_mib * 8388608.0);
  chip.weight_bits = knobs.weight_bits;
  chip.input_bits = knobs.input_bits;
  chip.accumulator_bits = machine.shift_add.accumulator_bits;
  chip.rewritable = !machine::cellKind(machine).nonvolatile;
}

/// Windows and the input image that they move over. What is no convolution has
/// a row of its own per window.
static program::Geometry geometryOf(const workload::Product &p) {
  program::Geometry g;
  g.windows = p.windows;
  g.rows = p.rows;
  g.cols = p.cols;
  g.groups = p.groups;
  g.kernel_elements = p.kernel_elements;
  g.kernel_rows = p.kernel_rows;
  g.stride_rows = p.stride_rows;
  g.windows_per_row = p.output_width;
  g.window_rows = p.output_rows;
  g.image_rows = p.image_rows
                     ? p.image_rows
                     : (p.output_rows - 1) * p.stride_rows + p.kernel_rows;
  g.padding_rows = p.padding_rows;
  g.tensor_rows = p.input_rows;
  g.row_elements = p.row_elements ? p.row_elements : p.groups * p.rows;
  return g;
}

const mapping::PlacedDynamic *Builder::written(size_t layer) const {
  auto placed = llvm::find_if(plan.dynamics, [&](const auto &dynamic) {
    return dynamic.layer == layer;
  });
  if (placed == plan.dynamics.end() || placed->arrays == 0 ||
      placed->choice == mapping::DynamicProducts::Digital)
    return nullptr;
  if (placed->choice == mapping::DynamicProducts::Arrays)
    return &*placed;
  // Auto: as the cost model decides (E-COUNT-11).
  const cost::Prices prices = cost::priceDesign(machine, knobs);
  const workload::Layer &work = workload.layers[layer];
  cost::LayerCost lanes, arrays;
  cost::priceLayer(work, placed->tiling, 1, 0, machine, knobs, prices, lanes);
  cost::priceWritten(*work.dynamicProduct(), placed->tiling, placed->arrays,
                     machine, knobs, prices, arrays);
  return arrays.total_energy_j * arrays.latency_s <
                 lanes.total_energy_j * lanes.latency_s
             ? &*placed
             : nullptr;
}

std::vector<int64_t> Builder::tensorsOf(size_t layer,
                                        llvm::ArrayRef<int64_t> edges) const {
  std::vector<int64_t> tensors;
  for (int64_t edge : edges)
    if (edge == workload::Layer::modelInput)
      tensors.push_back(modelInput);
    else if (edge < static_cast<int64_t>(layer) && tensorOf[edge] != none)
      tensors.push_back(tensorOf[edge]);
  return tensors;
}

std::vector<int64_t> Builder::carriedTo(size_t layer) const {
  std::vector<int64_t> tensors;
  for (int64_t edge : workload.layers[layer].carried)
    tensors.push_back(tensorOf[edge]);
  return tensors;
}

void Builder::addProduct(size_t layer, const workload::Product &work,
                         const mapping::Tiling &tiling, int64_t copies,
                         int64_t rounds, int64_t first, int64_t available) {
  program::Product product;
  product.name = workload.layers[layer].name;
  product.layer = layer;
  product.geometry = geometryOf(work);
  product.tiling = tiling;
  product.copies = copies;
  product.windows_per_copy = ceilDiv(work.windows, copies);
  product.rounds = rounds;
  product.weight_bits = work.weight_bits;
  product.input_bits = work.input_bits;
  product.adc_bits = work.adc_bits;
  product.inputs = tensorsOf(layer, workload.layers[layer].inputs);
  product.passes = work.trips;
  product.carried = carriedTo(layer);
  product.output = tensorOf[layer];
  const int64_t index = program.products.size();
  const int64_t begin = program.parts.size();
  cutParts(product, index, first, available, program.chip, program.parts);
  partsOf.push_back({begin, program.parts.size()});
  productOf[layer] = index;
  program.products.push_back(std::move(product));
}

void Builder::addKernel(size_t layer) {
  const workload::Layer &work = workload.layers[layer];
  const cost::Counts counts =
      cost::actions(work, mapping::Tiling(), 1, 0, machine, knobs);
  spillOf[layer] = whole(counts.spill_bits);
  // In a pipeline digital work of one level is one kernel.
  auto same = llvm::find_if(program.kernels, [&](const program::Kernel &other) {
    return !levelOf.empty() && levelOf[other.layer] == levelOf[layer];
  });
  kernelOf[layer] = same - program.kernels.begin();
  if (same == program.kernels.end()) {
    program.kernels.emplace_back();
    program.kernels.back().name = work.name;
    program.kernels.back().op = work.op;
    program.kernels.back().layer = layer;
  }
  program::Kernel &kernel = program.kernels[kernelOf[layer]];
  const int64_t trips = work.trips();
  spillOf[layer] /= trips;
  kernel.passes = trips;
  kernel.carried = carriedTo(layer);
  kernel.operations += whole(counts.operations) / trips;
  kernel.macs += whole(counts.macs) / trips;
  kernel.tile_read_bits += whole(counts.tile_reads) / trips;
  kernel.tile_write_bits += whole(counts.tile_writes) / trips;
  kernel.global_read_bits += whole(counts.global_reads) / trips;
  kernel.global_write_bits += whole(counts.global_writes) / trips;
  for (int64_t input : tensorsOf(layer, work.inputs))
    if (!llvm::is_contained(kernel.inputs, input) &&
        !llvm::is_contained(kernel.outputs, input))
      kernel.inputs.push_back(input);
  if (tensorOf[layer] != none)
    kernel.outputs.push_back(tensorOf[layer]);
}

void Builder::addTensors() {
  auto add = [&](std::string name, int64_t elements, int64_t versions = 1) {
    program::Tensor tensor;
    tensor.name = std::move(name);
    tensor.elements = elements;
    tensor.bits = knobs.input_bits;
    tensor.versions = versions;
    program.tensors.push_back(std::move(tensor));
    return static_cast<int64_t>(program.tensors.size()) - 1;
  };
  // A loop leaves what all its iterations made to those behind it; what one
  // hands to the next lies beside what that makes.
  std::vector<bool> isLeft(workload.layers.size()),
      isCarried(workload.layers.size());
  for (const workload::Layer &layer : workload.layers) {
    for (int64_t input : layer.inputs)
      if (input >= 0 && workload.layers[input].loop != layer.loop)
        isLeft[input] = true;
    for (int64_t input : layer.carried)
      isCarried[input] = true;
  }
  // Arguments of the model lie side by side.
  if (llvm::any_of(workload.layers, [](const workload::Layer &layer) {
        return llvm::is_contained(layer.inputs, workload::Layer::modelInput);
      }))
    modelInput = add("inputs", workload.input_elements);
  for (const auto &[index, layer] : llvm::enumerate(workload.layers)) {
    if (isInner(index)) {
      tensorOf.push_back(none);
      continue;
    }
    const int64_t trips = layer.trips();
    // Of a product the number is that of one iteration.
    const int64_t elements =
        std::visit([](const auto &work) { return work.output_elements; },
                   layer.work) /
        (layer.product() ? 1 : trips);
    tensorOf.push_back(add(layer.name + ":" + layer.op, elements,
                           isLeft[index] || layer.output ? trips
                           : isCarried[index]            ? 2
                                                         : 1));
  }
}

Error Builder::decide() {
  const size_t layers = workload.layers.size();
  productOf.assign(layers, none);
  kernelOf.assign(layers, none);
  spillOf.assign(layers, 0);
  addTensors();
  const program::Chip &chip = program.chip;
  auto placed = plan.products.begin();
  for (size_t i = 0; i != layers; ++i) {
    const workload::Layer &layer = workload.layers[i];
    if (const workload::Product *product = layer.product()) {
      spillOf[i] = whole(cost::actions(layer, placed->tiling, placed->copies,
                                       placed->rounds, machine, knobs,
                                       placed->first_array)
                             .spill_bits) /
                   product->trips;
      addProduct(i, *product, placed->tiling, placed->copies, placed->rounds,
                 placed->first_array, plan.capacity - placed->first_array);
      ++placed;
      continue;
    }
    const mapping::PlacedDynamic *dynamic = written(i);
    if (!dynamic) {
      addKernel(i);
      continue;
    }
    spillOf[i] =
        whole(cost::writtenActions(*layer.dynamicProduct(), dynamic->tiling,
                                   dynamic->arrays, machine, knobs)
                  .spill_bits);
    addProduct(i, layer.dynamicProduct()->stored(), dynamic->tiling, 1,
               ceilDiv(dynamic->tiling.arrays(), dynamic->arrays),
               plan.capacity -
                   mapping::wholeCores(dynamic->arrays, chip.arrays_per_core),
               dynamic->arrays);
    program::Product &product = program.products.back();
    std::vector<int64_t> right = tensorsOf(i, layer.right_inputs);
    if (right.empty())
      return refuse("layer " + Twine(layerName(i)) +
                    " is to be written into arrays, but the workload does not "
                    "say which earlier layer makes its right operand "
                    "(Layer::right_inputs)");
    product.operand = right.back();
    // What the right operand is put together from besides stays an input.
    if (product.inputs.size() > 1)
      llvm::erase(product.inputs, product.operand);
    program.chip.rewritable = true;
  }
  if (machine::memoryKind(machine).absent)
    if (auto most = llvm::max_element(spillOf);
        most != spillOf.end() && *most > 0)
      return refuse(
          "global buffer: layer " + Twine(layerName(most - spillOf.begin())) +
          " needs " + Twine(program.chip.global_buffer_bits + *most) +
          " bits for its operands and results, the chip has " +
          Twine(program.chip.global_buffer_bits) +
          " and no external memory: raise machine.global_buffer.size_mib, or "
          "set machine.memory.kind");
  return Error::success();
}
