//===- Workload.cpp - A model as a table of work
//---------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Workload/Workload.h"

#include <algorithm>

using namespace imc::workload;
using llvm::Error;

bool imc::workload::operator==(const Product &a, const Product &b) {
  return a.windows == b.windows && a.rows == b.rows && a.cols == b.cols &&
         a.groups == b.groups && a.input_elements == b.input_elements &&
         a.output_elements == b.output_elements &&
         a.weight_elements == b.weight_elements &&
         a.output_width == b.output_width && a.output_rows == b.output_rows &&
         a.kernel_rows == b.kernel_rows && a.stride_rows == b.stride_rows &&
         a.row_elements == b.row_elements && a.image_rows == b.image_rows &&
         a.padding_rows == b.padding_rows && a.input_rows == b.input_rows &&
         a.kernel_width == b.kernel_width &&
         a.kernel_elements == b.kernel_elements &&
         a.stride_cols == b.stride_cols && a.dilation_cols == b.dilation_cols &&
         a.image_cols == b.image_cols && a.zero_macs == b.zero_macs &&
         a.copies == b.copies && a.weight_bits == b.weight_bits &&
         a.input_bits == b.input_bits && a.adc_bits == b.adc_bits &&
         a.unfolding == b.unfolding && a.trips == b.trips &&
         a.alternates == b.alternates;
}

int64_t Layer::macs() const {
  if (const Product *p = product())
    return p->macs();
  if (const DynamicProduct *d = dynamicProduct())
    return d->macs;
  return 0;
}

int64_t Layer::trips() const {
  return std::visit([](const auto &w) { return w.trips; }, work);
}

int64_t Workload::macs() const {
  int64_t sum = 0;
  for (const Layer &layer : layers)
    sum += layer.macs();
  return sum / batch;
}

Workload imc::workload::batched(Workload workload, int64_t batch) {
  for (Layer &layer : workload.layers) {
    if (Product *p = std::get_if<Product>(&layer.work)) {
      p->windows *= batch;
      p->input_elements *= batch;
      p->output_elements *= batch;
      p->zero_macs *= batch;
    } else if (Digital *d = std::get_if<Digital>(&layer.work)) {
      d->operations *= batch;
      d->input_elements *= batch;
      d->output_elements *= batch;
    } else {
      auto &dynamic = std::get<DynamicProduct>(layer.work);
      dynamic.macs *= batch;
      dynamic.input_elements *= batch;
      dynamic.output_elements *= batch;
      dynamic.groups *= batch;
    }
  }
  workload.batch *= batch;
  workload.input_elements *= batch;
  return workload;
}

static Error refuse(const std::string &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// im2col, the first mapping::UnfoldingRule: one position per load.
static constexpr int64_t onePosition = 0;

/// Copies that were decided share windows that a rule would make fewer.
static Error refuseCopies(const std::string &where) {
  return refuse(where +
                " has copies of its own, which keep one position per load; "
                "leave out its copies or its unfolding");
}

static Error setCopies(Product &product, const std::string &where,
                       int64_t copies) {
  auto perCopy = [&](int64_t n) { return (product.windows + n - 1) / n; };
  if (copies < 1)
    return refuse(where + ": " + std::to_string(copies) +
                  " copies; it takes at least 1");
  if (product.unfolding > onePosition)
    return refuseCopies(where);
  // Windows are dealt out perCopy at a time.
  const int64_t used =
      (product.windows + perCopy(copies) - 1) / perCopy(copies);
  if (used < copies)
    return refuse(where + ": of " + std::to_string(copies) + " copies " +
                  std::to_string(copies - used) + " would have none of its " +
                  std::to_string(product.windows) + " windows; take " +
                  std::to_string(used));
  product.copies = copies;
  return Error::success();
}

static Error setUnfolding(Product &product, const std::string &where,
                          int64_t rule) {
  if (!product.hasImages())
    return refuse(where + " is no convolution: each of its windows is a row of "
                          "its own, so that loads cannot share them; leave its "
                          "unfolding out");
  if (product.copies != 0 && rule > onePosition)
    return refuseCopies(where);
  product.unfolding = rule;
  return Error::success();
}

/// Sets one field of one product.
static Error setField(Product &product, const std::string &where,
                      llvm::StringRef field, int64_t value) {
  if (field == "copies")
    return setCopies(product, where, value);
  if (field == "unfolding")
    return setUnfolding(product, where, value);
  int64_t *bits = field == "weight_bits"  ? &product.weight_bits
                  : field == "input_bits" ? &product.input_bits
                  : field == "adc_bits"   ? &product.adc_bits
                                          : nullptr;
  if (!bits)
    return refuse(where + " has no field '" + field.str() +
                  "' of its own; there are weight_bits, input_bits, "
                  "copies, adc_bits and unfolding");
  *bits = value;
  return Error::success();
}

Error imc::workload::setLayer(Workload &workload, llvm::StringRef layer,
                              llvm::StringRef field, int64_t value) {
  bool found = false;
  const std::string where =
      "layer '" + layer.str() + "' of model '" + workload.name + "'";
  for (Layer &each : workload.layers) {
    Product *product = std::get_if<Product>(&each.work);
    if (!product || each.name != layer)
      continue;
    found = true;
    if (Error error = setField(*product, where, field, value))
      return error;
    workload.mixed_bits |= product->hasOwnBits();
  }
  if (found)
    return Error::success();
  std::vector<llvm::StringRef> names;
  for (const Layer &each : workload.layers)
    if (each.product() &&
        std::find(names.begin(), names.end(), each.name) == names.end())
      names.push_back(each.name);
  constexpr size_t most = 12;
  std::string known;
  for (size_t i = 0; i < std::min(most, names.size()); ++i)
    known += (i ? ", '" : "'") + names[i].str() + "'";
  if (names.size() > most)
    known += " and " + std::to_string(names.size() - most) + " more";
  return refuse("model '" + workload.name + "' has no layer '" + layer.str() +
                "' with stored weights; those with some are " + known);
}

/// Costs are doubles: counts must stay exact in them.
static constexpr int64_t largestCount = int64_t(1) << 53;

static double real(int64_t value) { return static_cast<double>(value); }

/// The first complaint about one layer, or nullptr.
static const char *complaint(const Layer &layer) {
  auto inRange = [](int64_t count) {
    return count >= 0 && count <= largestCount;
  };
  const int64_t trips = layer.trips();
  if (trips < 1 || (trips > 1) != (layer.loop >= 0))
    return "trips are at least 1, and more in a loop only";
  if (const Product *p = layer.product()) {
    if (p->windows <= 0 || p->rows <= 0 || p->cols <= 0 || p->groups <= 0)
      return "windows, rows, cols and groups of a product must be positive";
    int64_t macs = p->windows;
    for (int64_t factor : {p->rows, p->cols, p->groups, p->trips})
      if (__builtin_mul_overflow(macs, factor, &macs) || macs > largestCount)
        return "the product has more than 2^53 multiply-accumulates";
    if ((p->weight_bits && (p->weight_bits < 2 || p->weight_bits > 16)) ||
        p->input_bits < 0 || p->input_bits > 16)
      return "weights of a product have 2 to 16 bits, inputs 1 to 16";
    if (p->adc_bits < 0 || p->adc_bits > 16)
      return "conversions of a product have 1 to 16 bits";
    if (p->unfolding > onePosition && (!p->hasImages() || p->copies != 0))
      return "only a convolution without copies of its own has several "
             "positions per load";
    if (p->weight_elements != p->groups * p->rows * p->cols)
      return "weight_elements is not groups x rows x cols";
    if (p->output_width <= 0 || p->windows % p->output_width != 0)
      return "windows must be a multiple of output_width";
    if (p->output_rows <= 0 ||
        p->windows / p->output_width % p->output_rows != 0)
      return "rows of windows must be a multiple of output_rows";
    if (p->kernel_rows <= 0 || p->stride_rows <= 0)
      return "kernel_rows and stride_rows must be positive";
    if (p->kernel_elements <= 0 || p->rows % p->kernel_elements != 0)
      return "rows must be a multiple of kernel_elements";
    if (p->image_rows < 0 || p->image_rows > largestCount ||
        p->padding_rows < 0 || p->input_rows < 0 ||
        p->padding_rows > p->image_rows ||
        p->input_rows > p->image_rows - p->padding_rows)
      return "an image must have room for padding_rows and input_rows";
    if ((p->row_elements > 0) != (p->input_rows > 0))
      return "row_elements and input_rows go together";
    if (p->image_rows > 0 &&
        real(p->output_rows - 1) * real(p->stride_rows) + real(p->kernel_rows) >
            real(p->image_rows))
      return "image_rows must hold the rows of all windows";
    // Every window might be a copy of its own and load all its rows.
    int64_t loaded = p->windows;
    for (int64_t factor : {p->kernel_rows, p->row_elements})
      if (factor < 0 || __builtin_mul_overflow(loaded, factor, &loaded) ||
          loaded > largestCount)
        return "windows x kernel_rows x row_elements must lie in 0 to 2^53";
    if (p->kernel_width <= 0 || p->kernel_elements % p->kernel_width != 0)
      return "kernel_elements must be a multiple of kernel_width";
    if (p->stride_cols <= 0 || p->dilation_cols <= 0)
      return "stride_cols and dilation_cols must be positive";
    if (p->image_cols < 0 || p->image_cols > largestCount ||
        (p->image_cols > 0 &&
         real(p->output_width - 1) * real(p->stride_cols) +
                 real(p->kernel_width - 1) * real(p->dilation_cols) + 1 >
             real(p->image_cols)))
      return "image_cols must hold the columns of all windows";
    if (p->zero_macs < 0 || p->zero_macs >= macs / p->trips)
      return "zero_macs must be fewer than all multiply-accumulates";
    if (!inRange(p->input_elements) || !inRange(p->output_elements))
      return "element counts must lie in 0 to 2^53";
  } else if (const Digital *d = layer.digital()) {
    if (!inRange(d->operations) || !inRange(d->input_elements) ||
        !inRange(d->output_elements))
      return "counts of digital work must lie in 0 to 2^53";
    if (d->operations % trips || d->input_elements % trips ||
        d->output_elements % trips)
      return "counts of digital work must be a multiple of its trips";
  } else if (const DynamicProduct *d = layer.dynamicProduct()) {
    if (!inRange(d->macs) || !inRange(d->input_elements) ||
        !inRange(d->output_elements))
      return "counts of a dynamic product must lie in 0 to 2^53";
    if (d->macs % trips || d->input_elements % trips ||
        d->output_elements % trips)
      return "counts of a dynamic product must be a multiple of its trips";
    if (d->windows < 0 || d->rows < 0 || d->cols < 0 || d->groups < 0)
      return "windows, rows, cols and groups of a dynamic product must not be "
             "negative";
    if (d->isMatrixProduct() && trips > 1)
      return "a dynamic product whose iterations follow one another is no "
             "matrix product: its right operand is another one each time";
    if (d->isMatrixProduct()) {
      int64_t macs = d->windows;
      for (int64_t factor : {d->rows, d->cols, d->groups})
        if (__builtin_mul_overflow(macs, factor, &macs))
          return "the dynamic product has more than 2^53 multiply-accumulates";
      if (macs != d->macs || macs == 0)
        return "macs of a dynamic product is not windows x rows x cols x "
               "groups";
    }
  }
  return nullptr;
}

/// Ascending, each once, of layers that exist.
static bool areEdges(const std::vector<int64_t> &edges, size_t layers) {
  for (size_t i = 0; i != edges.size(); ++i)
    if (edges[i] < Layer::modelInput ||
        edges[i] >= static_cast<int64_t>(layers) ||
        (i && edges[i] <= edges[i - 1]))
      return false;
  return true;
}

Error imc::workload::check(const Workload &workload) {
  for (const Layer &layer : workload.layers) {
    const char *message = complaint(layer);
    if (!message && (!areEdges(layer.inputs, workload.layers.size()) ||
                     !areEdges(layer.right_inputs, workload.layers.size())))
      message = "inputs must name layers of the model, in ascending order";
    if (!message &&
        !std::includes(layer.inputs.begin(), layer.inputs.end(),
                       layer.right_inputs.begin(), layer.right_inputs.end()))
      message = "right_inputs must be among the inputs";
    if (!message && !std::includes(layer.inputs.begin(), layer.inputs.end(),
                                   layer.carried.begin(), layer.carried.end()))
      message = "what is carried must be among the inputs";
    if (message)
      return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                     "model '" + workload.name + "', layer '" +
                                         layer.name + "' (" + layer.op +
                                         "): " + message);
  }
  return Error::success();
}

Product imc::workload::convolution(int64_t batch, int64_t channels,
                                   int64_t height, int64_t width,
                                   int64_t outputChannels, int64_t kernelHeight,
                                   int64_t kernelWidth, int64_t stride,
                                   int64_t padding, int64_t groups) {
  int64_t outHeight = (height + 2 * padding - kernelHeight) / stride + 1;
  int64_t outWidth = (width + 2 * padding - kernelWidth) / stride + 1;
  Product p;
  p.windows = batch * outHeight * outWidth;
  p.rows = channels / groups * kernelHeight * kernelWidth;
  p.cols = outputChannels / groups;
  p.groups = groups;
  p.input_elements = batch * channels * height * width;
  p.output_elements = batch * outputChannels * outHeight * outWidth;
  p.weight_elements = groups * p.rows * p.cols;
  p.output_width = outWidth;
  p.output_rows = outHeight;
  p.kernel_rows = kernelHeight;
  p.stride_rows = stride;
  p.row_elements = channels * width;
  p.image_rows = height + 2 * padding;
  p.padding_rows = padding;
  p.input_rows = height;
  p.kernel_elements = kernelHeight * kernelWidth;
  p.kernel_width = kernelWidth;
  p.stride_cols = stride;
  p.image_cols = width + 2 * padding;
  return p;
}

Product imc::workload::matmul(int64_t windows, int64_t rows, int64_t cols) {
  Product p;
  p.windows = windows;
  p.rows = rows;
  p.cols = cols;
  p.groups = 1;
  p.input_elements = windows * rows;
  p.output_elements = windows * cols;
  p.weight_elements = rows * cols;
  return p;
}
