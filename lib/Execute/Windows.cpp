//===- Windows.cpp - Products as matrices ---------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Windows.h"

#include <algorithm>
#include <functional>
#include <numeric>

using namespace imc;
using namespace imc::execute;

static int64_t product(llvm::ArrayRef<int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1),
                         std::multiplies<int64_t>());
}

Windows::Windows(const ArrayProduct &p)
    : matrix(!p.isConvolution()), numGroups(p.groups) {
  if (matrix) {
    n = p.output_shape.back() / p.groups;
    m = product(p.output_shape) / p.output_shape.back();
    k = p.input_shape.back() / p.groups;
    return;
  }
  channels = p.input_shape[1];
  height = p.input_shape[2];
  width = p.input_shape[3];
  outHeight = p.output_shape[2];
  outWidth = p.output_shape[3];
  for (int i = 0; i < 2; ++i) {
    kernel[i] = p.kernel[i];
    strides[i] = p.strides[i];
    dilations[i] = p.dilations[i];
  }
  m = p.output_shape[0] * outHeight * outWidth;
  n = p.output_shape[1] / p.groups;
  k = channels / p.groups * kernel[0] * kernel[1];
}

/// G x K x N from the order that `p` stores them in.
template <typename From, typename To>
static std::vector<To> byGroup(const ArrayProduct &p,
                               llvm::ArrayRef<From> weights) {
  if (!p.isConvolution())
    return std::vector<To>(weights.begin(), weights.end());
  const int64_t rows = product(llvm::ArrayRef(p.weight_shape).drop_front());
  const int64_t cols = p.weight_shape[0] / p.groups;
  std::vector<To> out(weights.size());
  for (int64_t g = 0; g < p.groups; ++g)
    for (int64_t n = 0; n < cols; ++n)
      for (int64_t r = 0; r < rows; ++r)
        out[size_t((g * rows + r) * cols + n)] =
            weights[size_t((g * cols + n) * rows + r)];
  return out;
}

std::vector<int8_t> Windows::weights(const ArrayProduct &p) {
  return byGroup<int8_t, int8_t>(p, p.weights);
}

std::vector<int16_t> Windows::wideWeights(const ArrayProduct &p) {
  return p.wide_weights.empty() ? byGroup<int8_t, int16_t>(p, p.weights)
                                : byGroup<int16_t, int16_t>(p, p.wide_weights);
}

template <typename From, typename To>
void Windows::gatherTo(const From *inputs, To *out) const {
  const int64_t images = m / (outHeight * outWidth);
  for (int64_t image = 0; image < images; ++image)
    for (int64_t y = 0; y < outHeight; ++y)
      for (int64_t x = 0; x < outWidth; ++x)
        for (int64_t c = 0; c < channels; ++c) {
          const From *window =
              inputs +
              ((image * channels + c) * height + y * strides[0]) * width +
              x * strides[1];
          for (int64_t i = 0; i < kernel[0]; ++i)
            for (int64_t j = 0; j < kernel[1]; ++j)
              *out++ = window[i * dilations[0] * width + j * dilations[1]];
        }
}

const uint8_t *Windows::gather(const uint8_t *inputs,
                               std::vector<uint8_t> &scratch) const {
  if (matrix)
    return inputs;
  scratch.resize(size_t(m * numGroups * k));
  gatherTo(inputs, scratch.data());
  return scratch.data();
}

const uint16_t *Windows::gather(const void *inputs, bool wide,
                                std::vector<uint16_t> &scratch) const {
  const auto *codes = static_cast<const uint16_t *>(inputs);
  const auto *bytes = static_cast<const uint8_t *>(inputs);
  if (matrix && wide)
    return codes;
  const auto count = size_t(m * numGroups * k);
  scratch.resize(count);
  if (matrix)
    std::copy_n(bytes, count, scratch.data());
  else if (wide)
    gatherTo(codes, scratch.data());
  else
    gatherTo(bytes, scratch.data());
  return scratch.data();
}

int32_t *Windows::sums(int32_t *results, std::vector<int32_t> &scratch) const {
  if (matrix)
    return results;
  scratch.resize(size_t(m * numGroups * n));
  return scratch.data();
}

int64_t *Windows::sums(int64_t *results, std::vector<int64_t> &scratch) const {
  if (matrix)
    return results;
  scratch.resize(size_t(m * numGroups * n));
  return scratch.data();
}

template <typename T>
void Windows::scatterTo(const T *sums, T *results) const {
  if (matrix)
    return;
  // Windows x outputs -> images x F x (OH x OW).
  const int64_t area = outHeight * outWidth, filters = numGroups * n;
  for (int64_t image = 0; image < m / area; ++image)
    for (int64_t f = 0; f < filters; ++f)
      for (int64_t at = 0; at < area; ++at)
        *results++ = sums[(image * area + at) * filters + f];
}

void Windows::scatter(const int32_t *sums, int32_t *results) const {
  scatterTo(sums, results);
}

void Windows::scatter(const int64_t *sums, int64_t *results) const {
  scatterTo(sums, results);
}

llvm::Error IntegerEngine::prepare(int64_t, const ArrayProduct &product) {
  Ready r{Windows(product), {}, {}, product.input_bits > 8};
  if (product.isWide())
    r.wide_weights = Windows::wideWeights(product);
  else
    r.weights = Windows::weights(product);
  ready.push_back(std::move(r));
  return llvm::Error::success();
}

/// M x G·K codes times G x K x N weights.
template <typename Code, typename Weight, typename Sum>
static void multiply(const Windows &w, const Code *x, const Weight *weights,
                     Sum *sums) {
  const int64_t k = w.depth(), n = w.columns(), groups = w.groups();
  std::fill_n(sums, w.rows() * groups * n, 0);
  for (int64_t row = 0; row < w.rows(); ++row)
    for (int64_t g = 0; g < groups; ++g) {
      Sum *y = sums + (row * groups + g) * n;
      for (int64_t i = 0; i < k; ++i) {
        const Sum code = *x++;
        const Weight *of = weights + (g * k + i) * n;
        for (int64_t column = 0; column < n; ++column)
          y[column] += code * of[column];
      }
    }
}

void IntegerEngine::run(int64_t index, const uint8_t *inputs,
                        int32_t *results) {
  const Ready &r = ready[size_t(index)];
  int32_t *sums = r.windows.sums(results, scratch);
  multiply(r.windows, r.windows.gather(inputs, codes), r.weights.data(), sums);
  r.windows.scatter(sums, results);
}

void IntegerEngine::runWide(int64_t index, const void *inputs,
                            int64_t *results) {
  const Ready &r = ready[size_t(index)];
  int64_t *sums = r.windows.sums(results, wide_scratch);
  multiply(r.windows, r.windows.gather(inputs, r.wide_inputs, wide_codes),
           r.wide_weights.data(), sums);
  r.windows.scatter(sums, results);
}
