//===- Dataset.cpp - Labelled samples of a model --------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Accuracy/Dataset.h"

#include "dialects/imc/IR/IMC.h"
#include "imc/Execute/Archive.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <algorithm>
#include <cstring>

using namespace imc;
using namespace imc::accuracy;
using namespace mlir;
using execute::ElementType;
using execute::Tensor;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
using Arrays = std::map<std::string, Tensor>;

static llvm::Error refuse(const Twine &what) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), what);
}

static std::string namesOf(const Arrays &arrays) {
  std::string names;
  for (const auto &[name, tensor] : arrays)
    names +=
        (names.empty() ? "'" : ", '") + name + "' (" + tensor.describe() + ")";
  return names.empty() ? "none" : names;
}

static const Tensor *findArray(const Arrays &arrays,
                               llvm::ArrayRef<std::string> names) {
  for (const std::string &name : names)
    if (auto found = arrays.find(name); found != arrays.end())
      return &found->second;
  return nullptr;
}

static llvm::SmallVector<int64_t> withoutOnes(llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t> out;
  llvm::copy_if(shape, std::back_inserter(out),
                [](int64_t extent) { return extent != 1; });
  return out;
}

/// Types of inputs that a dataset can fill.
static std::optional<ElementType> elementTypeOf(Type type, bool isUnsigned) {
  if (type.isF32())
    return ElementType::F32;
  if (type.isInteger(64))
    return ElementType::I64;
  if (type.isInteger(32))
    return ElementType::I32;
  if (type.isInteger(8))
    return isUnsigned ? ElementType::U8 : ElementType::I8;
  if (type.isInteger(1))
    return ElementType::Bool;
  return std::nullopt;
}

namespace {
/// An input of the model and the array that fills it.
struct Source {
  std::string name;
  RankedTensorType type;
  ElementType element;
  const Tensor *array;
};
} // namespace

/// Converts `count` elements from `first`; false where one does not fit.
static bool convert(const Tensor &from, int64_t first, Tensor &to) {
  const int64_t count = to.numElements();
  if (from.type == to.type) {
    const auto width = size_t(execute::byteWidth(to.type));
    std::memcpy(to.data.data(), from.data.data() + size_t(first) * width,
                size_t(count) * width);
    return true;
  }
  const bool image =
      from.type == ElementType::U8 && to.type == ElementType::F32;
  for (int64_t i = 0; i < count; ++i) {
    const double value = from.at(first + i);
    switch (to.type) {
    case ElementType::F32:
      to.as<float>()[size_t(i)] = image ? float(value) / 255.0f : float(value);
      break;
    case ElementType::I64:
      to.as<int64_t>()[size_t(i)] = int64_t(value);
      break;
    case ElementType::I32:
      to.as<int32_t>()[size_t(i)] = int32_t(value);
      break;
    default:
      return false;
    }
    if (to.type != ElementType::F32 && to.at(i) != value)
      return false;
  }
  return true;
}

static Expected<std::vector<Source>>
findSources(func::FuncOp function, const Arrays &arrays, Dataset &data) {
  std::vector<Source> sources;
  for (auto [i, argument] : llvm::enumerate(function.getArguments())) {
    Source s;
    auto name = function.getArgAttrOfType<StringAttr>(i, "imc.name");
    s.name = name ? name.str() : "input_" + std::to_string(i);
    llvm::SmallVector<std::string, 3> names = {s.name, "in:" + s.name};
    if (function.getNumArguments() == 1)
      names.push_back("x");
    s.array = findArray(arrays, names);
    if (!s.array)
      return refuse("no array for the input '" + s.name + "': the data hold " +
                    namesOf(arrays) + "; name one '" + s.name + "'" +
                    (function.getNumArguments() == 1 ? " or 'x'" : ""));
    s.type = dyn_cast<RankedTensorType>(argument.getType());
    auto element = s.type
                       ? elementTypeOf(s.type.getElementType(),
                                       !!function.getArgAttr(i, "imc.unsigned"))
                       : std::nullopt;
    std::string wanted;
    llvm::raw_string_ostream(wanted) << argument.getType();
    if (!element || !s.type.hasStaticShape() || s.type.getRank() == 0 ||
        s.type.getDimSize(0) == 0)
      return refuse("input '" + s.name + "' is " + wanted +
                    ", which samples cannot fill; bind its extents with "
                    "--shape");
    s.element = *element;
    if (s.array->shape.empty() ||
        withoutOnes(llvm::ArrayRef(s.array->shape).drop_front()) !=
            withoutOnes(s.type.getShape().drop_front()))
      return refuse("the array for input '" + s.name + "' is " +
                    s.array->describe() + ", no list of samples of " + wanted);
    if (execute::isFloat(s.array->type) && s.element != ElementType::F32)
      return refuse("the array for input '" + s.name + "' is " +
                    s.array->describe() + ", but the model takes " + wanted);
    if (s.array->type == ElementType::U8 && s.element == ElementType::F32)
      data.notes.push_back("array for input '" + s.name +
                           "' holds bytes: divided by 255");
    sources.push_back(s);
  }
  return sources;
}

Expected<Dataset> accuracy::makeDataset(ModuleOp module, const Arrays &arrays,
                                        const DatasetOptions &options) {
  auto function = module.lookupSymbol<func::FuncOp>("main");
  if (!function || function.getNumArguments() == 0)
    return refuse("the model has no function 'main' with inputs");
  Dataset data;
  Expected<std::vector<Source>> sources = findSources(function, arrays, data);
  if (!sources)
    return sources.takeError();

  const int64_t samples = sources->front().array->shape[0];
  const int64_t batch = sources->front().type.getDimSize(0);
  for (const Source &s : *sources)
    if (s.array->shape[0] != samples || s.type.getDimSize(0) != batch)
      return refuse("inputs '" + sources->front().name + "' and '" + s.name +
                    "' have " + Twine(samples) + " and " +
                    Twine(s.array->shape[0]) + " samples for batches of " +
                    Twine(batch) + " and " + Twine(s.type.getDimSize(0)));
  const Tensor *labels = findArray(arrays, {"y", "labels", "label"});
  if (!labels)
    return refuse("no labels: the data hold " + namesOf(arrays) +
                  "; name an integer array 'y' or 'labels'");
  if (execute::isFloat(labels->type) || labels->shape.size() != 1)
    return refuse("the labels are " + labels->describe() +
                  "; expected one integer per sample");
  if (labels->shape[0] < samples)
    return refuse(Twine(labels->shape[0]) + " labels for " + Twine(samples) +
                  " samples; expected one per sample");
  if (labels->shape[0] > samples)
    data.notes.push_back(std::to_string(labels->shape[0]) + " labels for " +
                         std::to_string(samples) +
                         " samples: the first ones are taken");

  const int64_t first = options.skip;
  int64_t count = std::max<int64_t>(0, samples - first);
  if (options.samples > 0)
    count = std::min(count, options.samples);
  if (count == 0)
    return refuse("no sample is left: the data hold " + Twine(samples) +
                  ", and the first " + Twine(first) + " are skipped");
  if (count % batch != 0)
    return refuse("the model takes " + Twine(batch) +
                  " samples at once, which do not divide " + Twine(count) +
                  "; bind its batch with --shape or take fewer samples with "
                  "--samples");
  data.batches.resize(size_t(count / batch));
  for (auto [b, inputs] : llvm::enumerate(data.batches))
    for (const Source &s : *sources) {
      Tensor tensor = Tensor::zeros(s.element, s.type.getShape());
      const int64_t start =
          (first + int64_t(b) * batch) * (tensor.numElements() / batch);
      if (!convert(*s.array, start, tensor))
        return refuse("the array for input '" + s.name + "' is " +
                      s.array->describe() + " with values that " +
                      execute::toString(s.element) + " does not hold");
      inputs.push_back(std::move(tensor));
    }
  for (int64_t i = 0; i < count; ++i)
    data.labels.push_back(int64_t(labels->at(first + i)));
  return data;
}

Expected<Dataset> accuracy::readDataset(ModuleOp module, StringRef path,
                                        const DatasetOptions &options) {
  Expected<Arrays> arrays = execute::readNpz(path);
  if (!arrays)
    return arrays.takeError();
  Expected<Dataset> data = makeDataset(module, *arrays, options);
  if (!data)
    return refuse("'" + path + "': " + llvm::toString(data.takeError()));
  return data;
}
