//===- Windows.h - Products as matrices -------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What engines that compute products as matrices share: a convolution's windows
// as rows, its filters as columns, and the way back.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXECUTE_WINDOWS_H
#define IMC_EXECUTE_WINDOWS_H

#include "imc/Execute/ArrayEngine.h"

#include <cstdint>
#include <vector>

namespace imc::execute {

/// A product as matrices: M windows of G·K codes, G weights of K x N, results
/// M x G·N. Windows of a convolution are ordered by image, output row, output
/// column; K by channel of the group, kernel row, kernel column.
class Windows {
public:
  explicit Windows(const ArrayProduct &product);

  int64_t rows() const { return m; }    ///< M
  int64_t depth() const { return k; }   ///< K of a group
  int64_t columns() const { return n; } ///< N of a group
  int64_t groups() const { return numGroups; }

  /// Weights by group, row and column: G x K x N.
  static std::vector<int8_t> weights(const ArrayProduct &product);
  /// The same in int16, of any product.
  static std::vector<int16_t> wideWeights(const ArrayProduct &product);

  /// The codes, M x G·K: `inputs` itself where they lie so (matrices),
  /// otherwise `scratch`, which is resized.
  const uint8_t *gather(const uint8_t *inputs,
                        std::vector<uint8_t> &scratch) const;
  /// The same in uint16, of inputs that are uint16 or uint8.
  const uint16_t *gather(const void *inputs, bool wide,
                         std::vector<uint16_t> &scratch) const;

  /// Where sums M x G·N can be put so that `scatter` has the least to do: the
  /// results themselves (matrices), otherwise `scratch`, which is resized.
  int32_t *sums(int32_t *results, std::vector<int32_t> &scratch) const;
  int64_t *sums(int64_t *results, std::vector<int64_t> &scratch) const;
  /// Brings what sums() gave into the layout of the results.
  void scatter(const int32_t *sums, int32_t *results) const;
  void scatter(const int64_t *sums, int64_t *results) const;

private:
  template <typename From, typename To>
  void gatherTo(const From *inputs, To *out) const;
  template <typename T>
  void scatterTo(const T *sums, T *results) const;

  bool matrix;
  int64_t m, k, n, numGroups;
  /// Of convolutions.
  int64_t channels = 0, height = 0, width = 0, outHeight = 0, outWidth = 0;
  int64_t kernel[2] = {1, 1}, strides[2] = {1, 1}, dilations[2] = {1, 1};
};

/// Computes products exactly, in integers: what arrays are compared with.
class IntegerEngine final : public ArrayEngine {
public:
  llvm::Error prepare(int64_t index, const ArrayProduct &product) override;
  void run(int64_t index, const uint8_t *inputs, int32_t *results) override;
  bool takesWide() const override { return true; }
  void runWide(int64_t index, const void *inputs, int64_t *results) override;

private:
  struct Ready {
    Windows windows;
    std::vector<int8_t> weights;
    // Of wide products.
    std::vector<int16_t> wide_weights;
    bool wide_inputs = false;
  };
  std::vector<Ready> ready;
  std::vector<uint8_t> codes;
  std::vector<int32_t> scratch;
  std::vector<uint16_t> wide_codes;
  std::vector<int64_t> wide_scratch;
};

} // namespace imc::execute

#endif // IMC_EXECUTE_WINDOWS_H
