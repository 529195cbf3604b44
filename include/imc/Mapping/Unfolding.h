//===- Unfolding.h - Convolutions as matrices -------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A convolution becomes a matrix of cells in more than one way. In each
// dimension of its kernel, independently, the K elements lie
//
//   window  on rows of their own; `positions` neighbouring outputs are computed
//           by one load, which share the rows under all of their windows and
//           have columns of their own. One position in both dimensions is
//           im2col; more are shifted and duplicated kernels (Zhang et al., TCAD
//           2020) and variable windows (Rhe et al., DATE 2022)
//   split   in K matrices, each loaded with what its element meets
//   shift   on columns of their own; each input is loaded once and adds to all
//           outputs that it meets
//
// which includes the five unfoldings (H, W, P) of PIMCOMP (Sun et al., TCAD
// 2024). Which one is best for each layer, and within an array budget for all
// of them?
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MAPPING_UNFOLDING_H
#define IMC_MAPPING_UNFOLDING_H

#include "imc/Mapping/Problem.h"

#include <array>

namespace imc::mapping::unfolding {

/// Height, width.
using Pair = std::array<int64_t, 2>;

/// A convolution of `groups` x `channels` images; a matrix product of M rows is
/// one of images of M x 1 with a kernel of 1 x 1.
struct Layer {
  std::string name;                  ///< for messages, may be empty
  int64_t channels = 1, outputs = 1; ///< of one group
  Pair image = {1, 1};               ///< input, padding included
  Pair kernel = {1, 1};
  Pair stride = {1, 1}, dilation = {1, 1};
  int64_t groups = 1;             ///< each has arrays of its own
  int64_t count = 1;              ///< images per inference
  int64_t columns_per_weight = 0; ///< 0: those of the problem

  /// Output positions in a dimension.
  int64_t positions(int dimension) const {
    return (image[dimension] - (kernel[dimension] - 1) * dilation[dimension] -
            1) /
               stride[dimension] +
           1;
  }
};

enum class Layout { Window, Split, Shift };

/// Counted per inference, to be minimised over all layers:
/// products: arrays x loads, the cycles of one array that does everything.
/// steps: loads, the time when all arrays of a layer work at once and layers
///   run one after the other.
/// conversions: column sums read. Inputs: elements sent to rows.
enum class Objective { Products, Steps, Conversions, Inputs };

struct Problem {
  static constexpr llvm::StringLiteral kind = "unfolding";
  int64_t rows = 1, cols = 1; ///< of an array
  int64_t columns_per_weight = 1;
  int64_t arrays = 0; ///< that all layers may have together; 0: any number
  Objective objective = Objective::Products;
  std::vector<Layer> layers;

  int64_t columnsPerWeight(const Layer &layer) const {
    return layer.columns_per_weight ? layer.columns_per_weight
                                    : columns_per_weight;
  }

  /// Most entries of all tables of the exact algorithm.
  static constexpr int64_t maxStates = int64_t(1) << 24;

  /// im2col: one position per load.
  /// shift: one input position per load, all kernel elements on columns.
  /// sdk: the largest square window that needs no more strips and tiles than
  ///   im2col (Zhang et al.).
  /// variable_window: the window, of any shape, with least products, where
  ///   arrays hold whole channels and all columns of their outputs (Rhe et
  ///   al.).
  /// windows: the best windows, with arrays filled to the last row and column
  ///   and without gaps between the elements of a window (Unfold.h): what plans
  ///   and programs can do. Exact, or greedy where exact refuses.
  /// greedy: every layer begins with the fewest arrays; the change that saves
  ///   most per array, again and again.
  /// exact: all layouts and numbers of positions; within a budget by dynamic
  ///   programming over the layers, refused beyond maxStates entries.
  static llvm::ArrayRef<llvm::StringRef> algorithms();
  static llvm::Expected<Problem> parse(const llvm::json::Value &value);
};

/// How a layer is unfolded and cut.
struct Choice {
  std::array<Layout, 2> layout = {Layout::Window, Layout::Window};
  Pair positions = {1, 1};    ///< per load; 1 where the layout is no window
  int64_t rows = 1, cols = 1; ///< that an array holds of the matrix at most
};

struct Solution {
  std::vector<Choice> choices; ///< of Problem::layers
  static llvm::Expected<Solution> parse(const llvm::json::Value &value);
};

/// What a choice takes.
struct Figures {
  int64_t loads = 0;             ///< per inference, of each matrix
  int64_t matrices = 0;          ///< groups x kernel elements that are split
  int64_t rows = 0, cols = 0;    ///< of one matrix
  int64_t strips = 0, tiles = 0; ///< arrays down and across one matrix
  int64_t arrays = 0;
  int64_t products = 0, conversions = 0, inputs = 0; ///< see Objective
};
/// None where a figure is more than 2^53.
std::optional<Figures> figures(const Problem &problem, const Layer &layer,
                               const Choice &choice);

llvm::Error check(const Problem &problem);
/// Positions that the layers have, cuts that arrays have, at most
/// Problem::arrays. The message names the layer.
llvm::Error verify(const Problem &problem, const Solution &solution);
int64_t objective(const Problem &problem, const Solution &solution);
std::string objectiveUnit(const Problem &problem);
llvm::Expected<Solution> solve(const Problem &problem,
                               llvm::StringRef algorithm);
llvm::json::Value toJSON(const Problem &problem);
llvm::json::Value toJSON(const Solution &solution);

/// What arrays do that a choice was made for: the results, and what was
/// counted on the way.
struct Run {
  std::vector<int64_t> outputs; ///< group x output x height x width
  int64_t loads = 0, arrays = 0, products = 0, conversions = 0, inputs = 0;
};
/// Fills arrays with `weights` (group x output x channel x kernel), loads them
/// with rows of `image` (group x channel x height x width), position after
/// position, and adds their columns up. One column per weight, one image.
Run execute(const Problem &problem, const Layer &layer, const Choice &choice,
            llvm::ArrayRef<int64_t> image, llvm::ArrayRef<int64_t> weights);

} // namespace imc::mapping::unfolding

#endif // IMC_MAPPING_UNFOLDING_H
