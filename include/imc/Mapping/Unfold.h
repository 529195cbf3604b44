//===- Unfold.h - Convolutions with several positions per load --*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A convolution that computes n x m neighbouring positions per load
// (Unfolding.h, layout `window`) is a wider convolution: its kernel covers all
// of their windows, its strides are n and m times as long, and each position
// has output channels of its own, with zeros around its weights. So everything
// that knows convolutions knows these. Positions beyond the edge read zeros and
// are dropped.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MAPPING_UNFOLD_H
#define IMC_MAPPING_UNFOLD_H

#include "imc/Mapping/Mapping.h"
#include "imc/Mapping/Unfolding.h"

#include <optional>

namespace imc::mapping {

/// One dimension of the wide convolution.
struct WideAxis {
  int64_t sample = 1; ///< every sample-th input is taken, before all else
  int64_t inputs = 0; ///< after that, padding included
  int64_t kernel = 1, stride = 1, dilation = 1;
  int64_t windows = 1;  ///< loads
  int64_t extent = 0;   ///< inputs that the wide convolution has, zeros behind
                        ///< the old ones included
  int64_t position = 0; ///< kernel elements from one position to the next
  int64_t element = 1;  ///< and from one element of the kernel to the next
};

/// `positions` outputs per load of a convolution of `inputs` inputs. None where
/// the elements of all windows together leave gaps, which would take rows for
/// nothing; with one position, the convolution as it is.
std::optional<WideAxis> widen(int64_t inputs, int64_t kernel, int64_t stride,
                              int64_t dilation, int64_t positions);

/// Both dimensions of a product with images; none also without images.
std::optional<std::array<WideAxis, 2>> widen(const workload::Product &product,
                                             unfolding::Pair positions);

/// Whether one load may compute so many positions: where there are images, a
/// wide convolution of them, and no copies that were decided before.
bool mayUnfold(const workload::Product &product, unfolding::Pair positions);

/// The product of the wide convolution. There must be one.
workload::Product unfolded(const workload::Product &product,
                           unfolding::Pair positions);

/// The rule of a product: its own, or that of the knobs.
inline UnfoldingRule unfoldingOf(const workload::Product &product,
                                 const Knobs &knobs) {
  return product.hasOwnUnfolding()
             ? static_cast<UnfoldingRule>(product.unfolding)
             : knobs.unfolding;
}
/// Whether some product has a rule of its own.
bool hasOwnUnfolding(const workload::Workload &workload);

/// Positions per load of each layer, {1, 1} where it is no convolution, by its
/// rule (unfoldingOf; the encoding and the bits of weights count as well):
///   Sdk, VariableWindow   the rules of Unfolding.h, layer by layer, however
///                         many arrays that takes
///   Products, Steps       least of that objective with one copy of all
///                         products on no more than `arrays` of the chip:
///                         exact, or greedy where the table is too large. A
///                         core is left for products of two activations. Where
///                         im2col does not fit, im2col.
///   Auto                  is no rule of counts and keeps one position here:
///                         cost::chooseUnfolding
/// Where layers have rules of their own, those are asked in this order: later
/// ones have the arrays that earlier ones and one position of all others leave.
/// Products with copies of their own keep one position, and groups count with
/// arrays of their own. The knobs must be legal.
std::vector<unfolding::Pair> chooseUnfolding(const workload::Workload &workload,
                                             const machine::Machine &machine,
                                             const Knobs &knobs,
                                             int64_t arrays);

/// The workload with so many positions per load of each layer; {1, 1} changes
/// nothing but that no layer has a rule of its own any more.
workload::Workload unfold(workload::Workload workload,
                          llvm::ArrayRef<unfolding::Pair> positions);

} // namespace imc::mapping

#endif // IMC_MAPPING_UNFOLD_H
