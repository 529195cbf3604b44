//===- Evaluate.cpp - From the float model to drawn devices ---------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Accuracy/Evaluate.h"

#include "imc/Execute/Windows.h"

#include <algorithm>
#include <numeric>

using namespace imc;
using namespace imc::accuracy;
using llvm::Error;
using llvm::Expected;

static Expected<std::unique_ptr<execute::Executor>>
compile(mlir::ModuleOp module, execute::ArrayEngine *engine) {
  execute::ExecutorOptions options;
  options.engine = engine;
  llvm::FailureOr<std::unique_ptr<execute::Executor>> executor =
      execute::Executor::compile(module, options);
  if (failed(executor)) // The diagnostic says it all.
    return llvm::createStringError(llvm::inconvertibleErrorCode(), "");
  return std::move(*executor);
}

static Spread spreadOf(llvm::ArrayRef<Score> trials,
                       double (Score::*share)() const) {
  std::vector<double> values;
  for (const Score &s : trials)
    values.push_back((s.*share)());
  return spread(values);
}
Spread Evaluation::top1() const { return spreadOf(trials, &Score::top1); }
Spread Evaluation::top5() const { return spreadOf(trials, &Score::top5); }

namespace {
/// A module on arrays, and what its runs need.
class Bench {
public:
  Bench(const Dataset &data, const EvaluateOptions &options)
      : engine(options.arrays), meter(engine, exact), data(data),
        options(options) {}

  Error create(mlir::ModuleOp tiled) {
    Expected<std::unique_ptr<execute::Executor>> made = compile(tiled, &meter);
    if (!made)
      return made.takeError();
    executor = std::move(*made);
    return Error::success();
  }

  /// Runs `batches` (all of the data unless given) in the meter's mode.
  Expected<Outputs> run(const Dataset &batches) {
    Expected<Outputs> outputs = runAll(*executor, batches);
    if (Error error = engine.takeError()) {
      if (!outputs)
        llvm::consumeError(outputs.takeError());
      return std::move(error);
    }
    return outputs;
  }
  Expected<Outputs> run() { return run(data); }

  Error calibrate() {
    if (!engine.calibrates())
      return Error::success();
    Dataset few;
    const int64_t batch = data.batchSize();
    const int64_t batches =
        std::clamp<int64_t>((options.calibration_samples + batch - 1) / batch,
                            1, int64_t(data.batches.size()));
    few.batches.assign(data.batches.begin(), data.batches.begin() + batches);
    few.labels.assign(data.labels.begin(),
                      data.labels.begin() + batches * batch);
    engine.beginCalibration();
    Expected<Outputs> outputs = run(few);
    if (!outputs)
      return outputs.takeError();
    meter.reset();
    return engine.finishCalibration();
  }

  Error program(int64_t trial) {
    if (!options.device)
      return Error::success();
    crossbar::Draw draw;
    draw.seed = options.seed;
    draw.trial = trial;
    draw.time_s = options.time_s;
    return engine.program(*options.device, draw);
  }

  execute::CrossbarEngine engine;
  execute::IntegerEngine exact;
  ErrorMeter meter;
  std::unique_ptr<execute::Executor> executor;
  const Dataset &data;
  const EvaluateOptions &options;
};
} // namespace

/// Runs the products of the lowest signal-to-noise ratio one by one.
static Error runWorst(Bench &bench, Evaluation &result) {
  std::vector<int64_t> order(result.layers.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::erase_if(order, [&](int64_t i) {
    return result.layers[size_t(i)].error.error == 0;
  });
  auto ratio = [&](int64_t i) {
    return result.layers[size_t(i)].error.snrDb();
  };
  llvm::sort(order, [&](int64_t a, int64_t b) {
    return std::pair(ratio(a), a) < std::pair(ratio(b), b);
  });
  if (int64_t(order.size()) > bench.options.worst)
    order.resize(size_t(bench.options.worst));
  if (!order.empty())
    if (Error error = bench.program(0))
      return error;
  for (int64_t layer : order) {
    bench.meter.useArraysFor(layer);
    Expected<Outputs> outputs = bench.run();
    if (!outputs)
      return outputs.takeError();
    Expected<Score> alone = score(*outputs, bench.data.labels);
    if (!alone)
      return alone.takeError();
    std::vector<Confusion> pairs = confusions(*alone, bench.data.labels, 3);
    result.worst.push_back({layer, std::move(*alone), std::move(pairs)});
  }
  return Error::success();
}

Expected<Evaluation> accuracy::evaluate(mlir::ModuleOp imported,
                                        mlir::ModuleOp tiled,
                                        const Dataset &data,
                                        const EvaluateOptions &options) {
  Evaluation result;
  auto scored = [&](Expected<Outputs> outputs) -> Expected<Score> {
    if (!outputs)
      return outputs.takeError();
    return score(*outputs, data.labels);
  };
  {
    Expected<std::unique_ptr<execute::Executor>> host =
        compile(imported, nullptr);
    if (!host)
      return host.takeError();
    Expected<Score> s = scored(runAll(**host, data));
    if (!s)
      return s.takeError();
    result.host = std::move(*s);
  }

  Bench bench(data, options);
  if (Error error = bench.create(tiled))
    return std::move(error);
  bench.meter.useExact();
  Expected<Outputs> exact = bench.run();
  if (!exact)
    return exact.takeError();
  Expected<Score> integers = score(*exact, data.labels);
  if (!integers)
    return integers.takeError();
  result.integers = std::move(*integers);

  bench.meter.useArrays();
  if (Error error = bench.calibrate())
    return std::move(error);
  for (int64_t i = 0; i < bench.engine.size(); ++i)
    result.layers.push_back({{}, bench.engine.product(i).proof(), {}});
  int64_t agreeing = 0;
  result.output.name = bench.executor->outputs().front().name;
  for (int64_t trial = 0; trial < options.trials; ++trial) {
    if (Error error = bench.program(trial))
      return std::move(error);
    Expected<Outputs> outputs = bench.run();
    if (!outputs)
      return outputs.takeError();
    Expected<Score> s = score(*outputs, data.labels);
    if (!s)
      return s.takeError();
    for (auto [got, want] :
         llvm::zip(s->predictions, result.integers.predictions))
      agreeing += got == want;
    for (auto [got, want] : llvm::zip(outputs->values, exact->values)) {
      result.output.signal += want * want;
      result.output.error += (got - want) * (got - want);
      result.output.differing += got != want;
      ++result.output.results;
    }
    result.trials.push_back(std::move(*s));
    result.outputs.push_back(std::move(*outputs));
  }
  result.agreement =
      double(agreeing) / double(options.trials * int64_t(data.labels.size()));
  for (auto [i, layer] : llvm::enumerate(result.layers)) {
    layer.error = bench.meter.errors()[i];
    layer.converters = bench.engine.statistics(int64_t(i));
  }
  result.confusions = confusions(result.trials.front(), data.labels, 5);
  if (Error error = runWorst(bench, result))
    return std::move(error);
  return result;
}
