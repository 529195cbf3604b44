//===- Run.cpp - Run a module on tensors from files -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Run.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

#include <chrono>
#include <cmath>
#include <limits>

using namespace imc::execute;
using llvm::raw_ostream;

Difference imc::execute::compare(const Tensor &got, const Tensor &want,
                                 double relativeTolerance,
                                 double absoluteTolerance) {
  Difference difference;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  // Neighbours among large 64-bit integers are one double.
  bool isExact =
      got.type == want.type && byteWidth(want.type) == 8 && !isFloat(want.type);
  for (int64_t i = 0, e = want.numElements(); i < e; ++i) {
    double g = got.at(i), w = want.at(i);
    bool differs = isExact && got.as<uint64_t>()[i] != want.as<uint64_t>()[i];
    if (!differs && (g == w || (std::isnan(g) && std::isnan(w))))
      continue;
    double absolute =
        differs ? std::max(std::abs(g - w), 1.0) : std::abs(g - w);
    if (!std::isfinite(absolute))
      absolute = infinity;
    double relative =
        w == 0 || absolute == infinity ? infinity : absolute / std::abs(w);
    if (absolute > difference.largestAbsolute) {
      difference.largestAbsolute = absolute;
      difference.position = i;
    }
    difference.largestRelative = std::max(difference.largestRelative, relative);
    // Written so that an infinite difference fails at any tolerance.
    double allowed = absoluteTolerance + relativeTolerance * std::abs(w);
    if (absolute == infinity || !(absolute <= allowed))
      ++difference.failures;
  }
  return difference;
}

/// "[0, 3]" for the row-major position in `shape`.
static std::string coordinates(int64_t position,
                               llvm::ArrayRef<int64_t> shape) {
  std::vector<std::string> parts;
  for (int64_t extent : llvm::reverse(shape)) {
    parts.push_back(std::to_string(position % extent));
    position /= extent;
  }
  return "[" + llvm::join(llvm::reverse(parts), ", ") + "]";
}

static std::string pathIn(const std::string &directory, size_t index) {
  llvm::SmallString<128> path(directory);
  llvm::sys::path::append(path, "output_" + llvm::Twine(index) + ".npy");
  return path.str().str();
}

static llvm::Error writeOutputs(const std::string &directory,
                                llvm::ArrayRef<Tensor> outputs) {
  if (std::error_code error = llvm::sys::fs::create_directories(directory))
    return llvm::createStringError(
        error, directory + ": cannot be created: " + error.message());
  std::vector<std::string> paths;
  for (size_t i = 0; i < outputs.size(); ++i)
    paths.push_back(pathIn(directory, i));
  return writeNpyFiles(paths, outputs);
}

/// References must match the outputs in number and shapes.
static llvm::Error checkReferences(llvm::ArrayRef<Port> ports,
                                   llvm::ArrayRef<Tensor> references,
                                   const std::string &directory) {
  if (references.size() != ports.size())
    return llvm::createStringError(
        llvm::inconvertibleErrorCode(),
        directory + ": holds " + llvm::Twine(references.size()) +
            " reference output(s), the model has " + llvm::Twine(ports.size()));
  for (auto [i, port] : llvm::enumerate(ports)) {
    if (port.shape != references[i].shape ||
        isFloat(port.type) != isFloat(references[i].type))
      return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                     directory + ": output_" + llvm::Twine(i) +
                                         " is " + references[i].describe() +
                                         ", but output '" + port.name +
                                         "' is " + port.describe());
  }
  return llvm::Error::success();
}

static void printSummary(size_t index, const Port &port, const Tensor &output,
                         raw_ostream &out) {
  out << "output_" << index << " '" << port.name << "' " << port.describe();
  if (output.numElements() == 0) {
    out << ": empty\n";
    return;
  }
  int64_t smallest = 0, largest = 0;
  for (int64_t i = 1; i < output.numElements(); ++i) {
    if (output.at(i) < output.at(smallest))
      smallest = i;
    if (output.at(i) > output.at(largest))
      largest = i;
  }
  out << llvm::formatv(": smallest {0} at {1}, largest {2} at {3}\n",
                       output.at(smallest), coordinates(smallest, output.shape),
                       output.at(largest), coordinates(largest, output.shape));
}

int imc::execute::runCommand(mlir::ModuleOp module, const RunOptions &options,
                             raw_ostream &out, raw_ostream &err) {
  if (options.inputs.empty()) {
    err << "error: no inputs; give a directory or files with --input\n";
    return 1;
  }
  llvm::Expected<std::vector<Tensor>> inputs =
      readTensors(options.inputs, "input");
  if (!inputs) {
    err << "error: " << llvm::toString(inputs.takeError()) << "\n";
    return 1;
  }
  return runCommand(module, *inputs, options, out, err);
}

int imc::execute::runCommand(mlir::ModuleOp module,
                             llvm::ArrayRef<Tensor> inputs,
                             const RunOptions &options, raw_ostream &out,
                             raw_ostream &err) {
  auto fail = [&](llvm::Error error) {
    err << "error: " << llvm::toString(std::move(error)) << "\n";
    return 1;
  };
  if (!(options.relativeTolerance >= 0) || !(options.absoluteTolerance >= 0)) {
    err << "error: tolerances must be numbers >= 0\n";
    return 1;
  }
  // What can be refused quickly is refused before compiling.
  std::vector<Tensor> references;
  if (!options.compareDirectory.empty()) {
    llvm::Expected<std::vector<Tensor>> read =
        readTensors({options.compareDirectory}, "output");
    if (!read)
      return fail(read.takeError());
    references = std::move(*read);
  }
  using Clock = std::chrono::steady_clock;
  auto secondsSince = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  Clock::time_point start = Clock::now();
  auto executor = Executor::compile(module, options.executor);
  double compileSeconds = secondsSince(start);
  if (mlir::failed(executor))
    return 1; // a diagnostic has said why
  if (options.compiled)
    if (llvm::Error error = options.compiled(**executor))
      return fail(std::move(error));
  llvm::ArrayRef<Port> ports = (*executor)->outputs();
  if (!options.compareDirectory.empty())
    if (llvm::Error error =
            checkReferences(ports, references, options.compareDirectory))
      return fail(std::move(error));

  std::vector<double> runSeconds;
  auto runOnce = [&] {
    Clock::time_point start = Clock::now();
    llvm::Expected<std::vector<Tensor>> outputs = (*executor)->run(inputs);
    runSeconds.push_back(secondsSince(start));
    return outputs;
  };
  llvm::Expected<std::vector<Tensor>> outputs = runOnce();
  for (unsigned i = 1; i < options.repeat && outputs; ++i)
    outputs = runOnce();
  if (!outputs)
    return fail(outputs.takeError());
  if (options.repeat > 1) {
    llvm::sort(runSeconds);
    out << llvm::formatv(
        "{0} in {1:f4} s; {2} runs, median {3:f4} s, smallest {4:f4} s\n",
        (*executor)->wasCached() ? "loaded from the cache" : "compiled",
        compileSeconds, runSeconds.size(), runSeconds[runSeconds.size() / 2],
        runSeconds.front());
  }
  if (!options.outputDirectory.empty())
    if (llvm::Error error = writeOutputs(options.outputDirectory, *outputs))
      return fail(std::move(error));

  bool passed = true;
  for (auto [i, port] : llvm::enumerate(ports)) {
    const Tensor &output = (*outputs)[i];
    if (options.compareDirectory.empty()) {
      printSummary(i, port, output, out);
      continue;
    }
    Difference difference =
        compare(output, references[i], options.relativeTolerance,
                options.absoluteTolerance);
    passed &= difference.failures == 0;
    out << llvm::formatv(
        "output_{0} '{1}' {2}: largest absolute difference {3:e6}, largest "
        "relative difference {4:e6}",
        i, port.name, port.describe(), difference.largestAbsolute,
        difference.largestRelative);
    if (difference.failures)
      out << llvm::formatv(
          "; {0} of {1} elements past rtol {2} and atol {3}, worst at {4}",
          difference.failures, output.numElements(), options.relativeTolerance,
          options.absoluteTolerance,
          coordinates(difference.position, output.shape));
    out << "\n";
  }
  if (!passed)
    err << "error: outputs differ from " << options.compareDirectory
        << " by more than the tolerance\n";
  return passed ? 0 : 1;
}
