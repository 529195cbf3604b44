//===- ProgramEngine.cpp - Products computed by programs ------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/ProgramEngine.h"

#include "imc/Execute/Windows.h"

#include <algorithm>
#include <functional>
#include <numeric>

using namespace imc;
using namespace imc::execute;

static llvm::Error fail(const std::string &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static int64_t product(llvm::ArrayRef<int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1),
                         std::multiplies<int64_t>());
}

ProgramEngine::ProgramEngine(const program::Program &program)
    : program(program) {
  for (size_t p = 0; p != program.products.size(); ++p)
    if (program.products[p].operand < 0)
      stored.push_back(int64_t(p));
}

llvm::Error ProgramEngine::prepare(int64_t index, const ArrayProduct &p) {
  const std::string where =
      "product " + std::to_string(index) + " ('" + p.name + "') of the model ";
  if (index >= int64_t(stored.size()))
    return fail(where + "is not in the program, which has " +
                std::to_string(stored.size()) + "; schedule this model again");
  const program::Product &q = program.products[size_t(stored[size_t(index)])];
  const program::Geometry &g = q.geometry;
  if (q.name != p.name)
    return fail(where + "is '" + q.name +
                "' in the program; schedule this model again");
  if (program.weightBits(q) != p.weight_bits ||
      program.inputBits(q) != p.input_bits)
    return fail(where + "has " + std::to_string(p.weight_bits) +
                "-bit weights and " + std::to_string(p.input_bits) +
                "-bit inputs, the program " +
                std::to_string(program.weightBits(q)) + " and " +
                std::to_string(program.inputBits(q)));
  if (q.adc_bits && q.adc_bits != p.adc_bits)
    return fail(where + "converts " + std::to_string(p.adc_bits) +
                " bits, the program " + std::to_string(q.adc_bits));
  simulate::ProductValues v;
  v.matrix = !p.isConvolution();
  if (!v.matrix) {
    v.kernel_h = p.kernel[0];
    v.kernel_w = p.kernel[1];
    v.dilation_h = p.dilations[0];
    v.dilation_w = p.dilations[1];
    v.stride_w = p.strides[1];
    v.height = p.input_shape[2];
    v.width = p.input_shape[3];
  }
  v.encoding = p.encoding;
  v.cell_bits = p.cell_bits;
  v.dac_bits = p.dac_bits;
  v.adc_bits = p.adc_bits;
  v.range_bits = p.range_bits;
  v.ties = p.ties;
  if (p.range == mapping::Range::Lossless)
    v.range_bits = std::min(p.adc_bits, p.tiling.lossless_bits);
  else if (p.range != mapping::Range::Full)
    return fail(where + "has converters of policy = " +
                mapping::formatKnob(*mapping::findKnob("range"),
                                    static_cast<int64_t>(p.range)) +
                ", whose steps programs do not say; use imc run --arrays "
                "simulated, or tile with range=full or range=lossless");
  const int64_t results = product(p.output_shape);
  const int64_t all = q.passes * g.windows * g.groups * g.cols;
  // Of a loop, the program has the windows of all iterations, or a pass for
  // each.
  if (p.trips < 1 || results * p.trips != all)
    return fail(where + "has " + std::to_string(results) +
                " results in each of " + std::to_string(p.trips) +
                " iterations and " + std::to_string(all) +
                " in the program; programs of more inferences than the model "
                "does at once cannot be executed on values");
  const std::vector<int16_t> weights = Windows::wideWeights(p);
  v.weights = weights;
  const int64_t place = stored[size_t(index)];
  Ready r{p, place, {}, {}, {}, {}, 0};
  r.product.weights = {};
  r.product.wide_weights = {};
  if (p.isWide()) {
    llvm::Expected<simulate::WideRunner> runner =
        simulate::WideRunner::create(program, place, v);
    if (!runner)
      return runner.takeError();
    r.wide.emplace(std::move(*runner));
    r.wide_sums.resize(size_t(results));
  } else {
    llvm::Expected<simulate::ProductRunner> runner =
        simulate::ProductRunner::create(program, place, v);
    if (!runner)
      return runner.takeError();
    r.runner.emplace(std::move(*runner));
    r.sums.resize(size_t(results));
  }
  ready.push_back(std::move(r));
  return llvm::Error::success();
}

template <typename Runner, typename Code, typename Sum>
void ProgramEngine::runNext(Ready &r, Runner &runner, const Code *inputs,
                            Sum *sums) {
  const ArrayProduct &p = r.product;
  simulate::RunReport report;
  const program::Product &q = program.products[size_t(r.index)];
  const int64_t windows = q.passes * q.geometry.windows / p.trips;
  llvm::Error error = runner.run(
      r.iteration * windows, windows,
      llvm::ArrayRef(inputs, size_t(product(p.input_shape))),
      llvm::MutableArrayRef(sums, size_t(product(p.output_shape))), &report);
  r.iteration = (r.iteration + 1) % p.trips;
  executed += report.instructions;
  if (error) {
    if (problem.empty())
      problem = llvm::toString(std::move(error));
    else
      llvm::consumeError(std::move(error));
  } else if (!report.clean() && problem.empty()) {
    problem =
        "product '" + p.name + "': the program reads " +
        std::to_string(report.poison_rows) + " input rows and " +
        std::to_string(report.poison_cells) +
        " windows of cells that are not there, hands on " +
        std::to_string(report.poison_sums) + " windows without sums, leaves " +
        std::to_string(report.missing_results) + " results out and stores " +
        std::to_string(report.double_results) + " twice";
  }
}

// Results of a matrix lie as the runner leaves them.
void ProgramEngine::run(int64_t index, const uint8_t *inputs,
                        int32_t *results) {
  Ready &r = ready[size_t(index)];
  const bool moved = r.product.isConvolution();
  runNext(r, *r.runner, inputs, moved ? r.sums.data() : results);
  if (moved)
    Windows(r.product).scatter(r.sums.data(), results);
}

void ProgramEngine::runWide(int64_t index, const void *inputs,
                            int64_t *results) {
  Ready &r = ready[size_t(index)];
  const auto *given = static_cast<const uint16_t *>(inputs);
  if (r.product.input_bits <= 8) {
    const auto *bytes = static_cast<const uint8_t *>(inputs);
    codes.assign(bytes, bytes + product(r.product.input_shape));
    given = codes.data();
  }
  const bool moved = r.product.isConvolution();
  runNext(r, *r.wide, given, moved ? r.wide_sums.data() : results);
  if (moved)
    Windows(r.product).scatter(r.wide_sums.data(), results);
}

llvm::Error ProgramEngine::takeError() {
  if (problem.empty())
    return llvm::Error::success();
  llvm::Error error = fail(problem);
  problem.clear();
  return error;
}
