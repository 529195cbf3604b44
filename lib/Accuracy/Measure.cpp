//===- Measure.cpp - What accuracy is left --------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Accuracy/Measure.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <tuple>

using namespace imc;
using namespace imc::accuracy;
using llvm::ArrayRef;
using llvm::Expected;
using llvm::Twine;

static llvm::Error refuse(const Twine &what) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), what);
}

Expected<Score> accuracy::score(const Outputs &outputs,
                                ArrayRef<int64_t> labels) {
  if (int64_t(labels.size()) != outputs.samples)
    return refuse(Twine(labels.size()) + " labels for " +
                  Twine(outputs.samples) + " samples");
  Score result;
  result.samples = outputs.samples;
  result.has_top5 = outputs.classes > 5;
  auto larger = [](double a, double b) {
    return std::isnan(a) ? !std::isnan(b) : a > b;
  };
  for (int64_t i = 0; i < outputs.samples; ++i) {
    const int64_t label = labels[size_t(i)];
    if (label < 0 || label >= outputs.classes)
      return refuse("label " + Twine(label) + " of sample " + Twine(i) +
                    " is none of the model's " + Twine(outputs.classes) +
                    " classes");
    const double *row = &outputs.values[size_t(i * outputs.classes)];
    // Ties count for the class that comes first, as argmax and a stable sort
    // of the outputs have it.
    int64_t best = 0, before = 0;
    for (int64_t c = 0; c < outputs.classes; ++c) {
      if (larger(row[c], row[best]))
        best = c;
      before += larger(row[c], row[label]) ||
                (c < label && !larger(row[label], row[c]));
    }
    result.predictions.push_back(best);
    result.right += best == label;
    result.right5 += before < 5;
  }
  return result;
}

Expected<Outputs> accuracy::runAll(execute::Executor &executor,
                                   const Dataset &data) {
  const execute::Port &port = executor.outputs().front();
  const int64_t batch = data.batchSize();
  Outputs all;
  all.samples = batch * int64_t(data.batches.size());
  const int64_t elements =
      std::accumulate(port.shape.begin(), port.shape.end(), int64_t(1),
                      std::multiplies<int64_t>());
  // [batch, 1, ..., classes, 1, ...]: one extent besides the batch counts.
  const bool fits =
      !port.shape.empty() && port.shape[0] == batch &&
      llvm::any_of(ArrayRef(port.shape).drop_front(),
                   [&](int64_t extent) { return extent * batch == elements; });
  if (!fits)
    return refuse("the model's first output '" + port.name + "' is " +
                  port.describe() +
                  "; top-1 needs one row of classes for "
                  "each of " +
                  Twine(batch) + " sample(s)");
  all.classes = elements / batch;
  all.values.reserve(size_t(all.samples * all.classes));
  for (const std::vector<execute::Tensor> &inputs : data.batches) {
    Expected<std::vector<execute::Tensor>> outputs = executor.run(inputs);
    if (!outputs)
      return outputs.takeError();
    for (int64_t i = 0; i < elements; ++i)
      all.values.push_back(outputs->front().at(i));
  }
  return all;
}

double ProductError::snrDb() const {
  return error == 0 ? std::numeric_limits<double>::infinity()
                    : 10 * std::log10(signal / error);
}

llvm::Error ErrorMeter::prepare(int64_t index,
                                const execute::ArrayProduct &product) {
  if (llvm::Error error = arrays.prepare(index, product))
    return error;
  if (llvm::Error error = exact.prepare(index, product))
    return error;
  if (products.size() <= size_t(index)) {
    products.resize(size_t(index) + 1);
    wanted.resize(size_t(index) + 1);
    wideWanted.resize(size_t(index) + 1);
  }
  products[size_t(index)].name = product.name;
  const auto results = size_t(
      std::accumulate(product.output_shape.begin(), product.output_shape.end(),
                      int64_t(1), std::multiplies<int64_t>()));
  if (product.isWide())
    wideWanted[size_t(index)].resize(results);
  else
    wanted[size_t(index)].resize(results);
  return llvm::Error::success();
}

void ErrorMeter::run(int64_t index, const uint8_t *inputs, int32_t *results) {
  if (which != all && which != index) {
    exact.run(index, inputs, results);
    return;
  }
  std::vector<int32_t> &want = wanted[size_t(index)];
  exact.run(index, inputs, want.data());
  arrays.run(index, inputs, results);
  count<int32_t>(index, want, results);
}

void ErrorMeter::runWide(int64_t index, const void *inputs, int64_t *results) {
  if (which != all && which != index) {
    exact.runWide(index, inputs, results);
    return;
  }
  std::vector<int64_t> &want = wideWanted[size_t(index)];
  exact.runWide(index, inputs, want.data());
  arrays.runWide(index, inputs, results);
  count<int64_t>(index, want, results);
}

template <typename T>
void ErrorMeter::count(int64_t index, ArrayRef<T> want, const T *results) {
  ProductError &p = products[size_t(index)];
  for (size_t i = 0; i < want.size(); ++i) {
    const auto signal = double(want[i]);
    const int64_t difference = int64_t(results[i]) - int64_t(want[i]);
    p.signal += signal * signal;
    p.error += double(difference) * double(difference);
    p.differing += difference != 0;
    p.largest = std::max(p.largest, std::abs(difference));
  }
  p.results += int64_t(want.size());
}

void ErrorMeter::reset() {
  for (ProductError &p : products)
    p = ProductError{p.name};
}

std::vector<Confusion> accuracy::confusions(const Score &score,
                                            ArrayRef<int64_t> labels,
                                            size_t limit) {
  std::map<std::pair<int64_t, int64_t>, int64_t> counts;
  for (auto [label, predicted] : llvm::zip(labels, score.predictions))
    if (label != predicted)
      ++counts[{label, predicted}];
  std::vector<Confusion> pairs;
  for (const auto &[pair, count] : counts)
    pairs.push_back({pair.first, pair.second, count});
  llvm::sort(pairs, [](const Confusion &a, const Confusion &b) {
    return std::tuple(-a.count, a.label, a.predicted) <
           std::tuple(-b.count, b.label, b.predicted);
  });
  if (pairs.size() > limit)
    pairs.resize(limit);
  return pairs;
}

Spread accuracy::spread(ArrayRef<double> values) {
  Spread s;
  for (double v : values)
    s.mean += v / double(values.size());
  if (values.size() < 2)
    return s;
  double squares = 0;
  for (double v : values)
    squares += (v - s.mean) * (v - s.mean);
  s.deviation = std::sqrt(squares / double(values.size() - 1));
  return s;
}
