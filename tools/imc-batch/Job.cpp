//===- Job.cpp - One job of imc-batch -------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Job.h"

#include "imc/Execute/Executor.h"
#include "imc/Pipelines/Pipelines.h"
#include "imc/Transforms/Phase.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <chrono>

using namespace llvm;
using namespace mlir;

namespace imc::batch {

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

static Error wrong(const Twine &what) {
  return createStringError(inconvertibleErrorCode(), what);
}

static Error readString(StringRef key, const json::Value &value,
                        std::string &into) {
  if (value.kind() == json::Value::Null)
    return Error::success();
  std::optional<StringRef> text = value.getAsString();
  if (!text)
    return wrong("'" + key + "' takes a string");
  into = text->str();
  return Error::success();
}

static Error readStrings(StringRef key, const json::Value &value,
                         std::vector<std::string> &into) {
  if (value.kind() == json::Value::Null)
    return Error::success();
  const json::Array *array = value.getAsArray();
  if (!array)
    return wrong("'" + key + "' takes an array of strings");
  for (const json::Value &element : *array) {
    std::optional<StringRef> text = element.getAsString();
    if (!text)
      return wrong("'" + key + "' takes an array of strings");
    into.push_back(text->str());
  }
  return Error::success();
}

Expected<Job> parseJob(StringRef line) {
  Expected<json::Value> value = json::parse(line);
  if (!value)
    return value.takeError();
  const json::Object *object = value->getAsObject();
  if (!object)
    return wrong("a job is a JSON object, as in {\"model\": \"m.onnx\"}");
  Job job;
  for (const auto &[name, field] : *object) {
    StringRef key = name;
    Error error = Error::success();
    if (key == "id")
      error = readString(key, field, job.id);
    else if (key == "model")
      error = readString(key, field, job.model);
    else if (key == "outputs")
      error = readString(key, field, job.outputs);
    else if (key == "at")
      error = readString(key, field, job.at);
    else if (key == "target")
      error = readString(key, field, job.target);
    else if (key == "shapes")
      error = readStrings(key, field, job.shapes);
    else if (key == "inputs")
      error = readStrings(key, field, job.inputs);
    else if (key == "sets")
      error = readStrings(key, field, job.sets);
    else
      error = wrong("unknown key '" + key +
                    "'; a job takes id, model, shapes, inputs, outputs, at, "
                    "target and sets");
    if (error)
      return std::move(error);
  }
  if (job.model.empty())
    return wrong("'model' is missing");
  if (job.id.empty())
    job.id = job.model;
  return job;
}

//===----------------------------------------------------------------------===//
// Work
//===----------------------------------------------------------------------===//

namespace {
/// Seconds since the last call.
class Stopwatch {
public:
  double lap() {
    auto now = std::chrono::steady_clock::now();
    double seconds = std::chrono::duration<double>(now - last).count();
    last = now;
    return seconds;
  }

private:
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
};
} // namespace

static json::Array shapeOf(ArrayRef<int64_t> shape) {
  json::Array array;
  for (int64_t extent : shape)
    array.push_back(extent);
  return array;
}

/// Results of `main` without compiling it: all that an import can show.
static json::Array describeResults(ModuleOp module) {
  json::Array results;
  auto function = module.lookupSymbol<func::FuncOp>("main");
  if (!function)
    return results;
  for (auto [i, type] : enumerate(function.getResultTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      continue;
    auto name = function.getResultAttrOfType<StringAttr>(i, "imc.name");
    std::string element;
    raw_string_ostream(element) << tensor.getElementType();
    results.push_back(json::Object{{"name", name ? name.str() : ""},
                                   {"type", element},
                                   {"shape", shapeOf(tensor.getShape())}});
  }
  return results;
}

static Error writeOutputs(const std::string &folder,
                          ArrayRef<execute::Tensor> outputs) {
  if (std::error_code error = sys::fs::create_directories(folder))
    return createStringError(
        error, folder + ": cannot be created: " + error.message());
  std::vector<std::string> paths;
  for (size_t i = 0; i < outputs.size(); ++i) {
    SmallString<128> path(folder);
    sys::path::append(path, "output_" + Twine(i) + ".npy");
    paths.push_back(path.str().str());
  }
  return execute::writeNpyFiles(paths, outputs);
}

int runJob(driver::Session &session, const Job &job, json::Object &report) {
  std::optional<Phase> at = symbolizePhase(job.at);
  if (!at)
    return driver::fail(Twine("'") + job.at + "' is not a phase; 'at' takes " +
                        listPhases());
  driver::DesignOptions options;
  options.target = job.target;
  options.sets = job.sets;
  Expected<driver::Design> design = session.loadDesign(options);
  if (!design)
    return driver::fail(design.takeError());

  Stopwatch watch;
  json::Object times;
  FailureOr<OwningOpRef<ModuleOp>> module =
      session.loadModel(job.model, job.shapes);
  if (failed(module))
    return 1;
  times["import"] = watch.lap();
  if (job.importOnly) {
    report["outputs"] = describeResults(**module);
    report["times"] = std::move(times);
    return 0;
  }
  Expected<std::vector<execute::Tensor>> inputs =
      job.inputs.empty() ? std::vector<execute::Tensor>()
                         : execute::readTensors(job.inputs, "input");
  if (!inputs)
    return driver::fail(inputs.takeError());

  watch.lap();
  if (failed(compileTo(**module, *at, design->compileOptions())))
    return 1;
  FailureOr<std::unique_ptr<execute::Executor>> executor =
      execute::Executor::compile(**module);
  if (failed(executor))
    return 1;
  times["compile"] = watch.lap();
  Expected<std::vector<execute::Tensor>> outputs = (*executor)->run(*inputs);
  if (!outputs)
    return driver::fail(outputs.takeError());
  times["run"] = watch.lap();
  if (!job.outputs.empty())
    if (Error error = writeOutputs(job.outputs, *outputs))
      return driver::fail(std::move(error));

  json::Array described;
  for (const execute::Port &port : (*executor)->outputs())
    described.push_back(json::Object{{"name", port.name},
                                     {"type", execute::toString(port.type)},
                                     {"shape", shapeOf(port.shape)}});
  report["outputs"] = std::move(described);
  report["times"] = std::move(times);
  return 0;
}

LogicalResult warmUp(driver::Session &session) {
  static constexpr StringLiteral text = R"(
    func.func @main(%x: tensor<4x4xf32>, %y: tensor<4x4xf32>)
        -> tensor<4x4xf32> {
      %e = tensor.empty() : tensor<4x4xf32>
      %0 = linalg.matmul ins(%x, %y : tensor<4x4xf32>, tensor<4x4xf32>)
                         outs(%e : tensor<4x4xf32>) -> tensor<4x4xf32>
      %1 = math.exp %0 : tensor<4x4xf32>
      return %1 : tensor<4x4xf32>
    })";
  MLIRContext &context = session.context();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  if (!module || failed(execute::Executor::compile(*module)))
    return failure();
  context.loadAllAvailableDialects();
  return success();
}

} // namespace imc::batch
