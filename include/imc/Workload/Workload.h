//===- Workload.h - A model as a table of work ------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What mapping and pricing need to know of a neural network: its products with
// stored weights, its products of two activations, and its digital operations,
// in program order, for one inference. Elements are counted, not bytes: the
// word width is a decision of the mapping.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_WORKLOAD_WORKLOAD_H
#define IMC_WORKLOAD_WORKLOAD_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace imc::workload {

/// A product with constant weights: per group, a (windows x rows) matrix of
/// activations times a (rows x cols) matrix of weights. A convolution has one
/// window per output position, rows = input channels of a group x kernel
/// height x kernel width, cols = output channels of a group.
struct Product {
  int64_t windows = 0; ///< left-hand rows, batch included
  int64_t rows = 0;    ///< K, of one group
  int64_t cols = 0;    ///< N, of one group
  int64_t groups = 1;
  int64_t input_elements = 0;  ///< distinct activations read
  int64_t output_elements = 0; ///< results written
  int64_t weight_elements = 0; ///< groups * rows * cols
  /// The images that windows slide over. Where there are none, each window is
  /// a row of its own (the defaults).
  int64_t output_width = 1;    ///< windows in one row of an output image
  int64_t output_rows = 1;     ///< rows of one output image
  int64_t kernel_rows = 1;     ///< input rows that a window spans, dilation
                               ///< included
  int64_t stride_rows = 1;     ///< input rows from one output row to the next
  int64_t row_elements = 0;    ///< of one input row: channels x width, without
                               ///< padding; 0 where there are no images
  int64_t image_rows = 0;      ///< of one input image, padding included
  int64_t padding_rows = 0;    ///< of them, above the image
  int64_t input_rows = 0;      ///< of them, of the image itself
  int64_t kernel_elements = 1; ///< of K, per input channel
  int64_t kernel_width = 1;    ///< of them, in one row
  int64_t stride_cols = 1;     ///< input columns from one window to the next
  int64_t dilation_cols = 1;   ///< between kernel elements of a row
  int64_t image_cols = 0;      ///< of one input image, padding included
  /// Iterations of a loop that follow one another because each needs what the
  /// one before made (the state of an LSTM). Windows and elements are those of
  /// one iteration. Iterations that need nothing of each other are no trips:
  /// their windows add up.
  int64_t trips = 1;
  /// Other products of that loop have weights of their own, so that cells that
  /// do not stay are written again in each iteration.
  bool alternates = false;
  /// Decided for this product alone; 0: as the knobs decide for all.
  int64_t copies = 0; ///< on arrays of their own, all weights on the chip
  int64_t weight_bits = 0, input_bits = 0;
  int64_t adc_bits = 0; ///< resolution that its conversions use
  bool hasOwnBits() const { return (weight_bits | input_bits | adc_bits) != 0; }
  /// Decided for this convolution alone: a mapping::UnfoldingRule; -1: as the
  /// knobs decide for all.
  int64_t unfolding = -1;
  bool hasOwnUnfolding() const { return unfolding >= 0; }
  /// Windows slide over images: a convolution.
  bool hasImages() const { return image_rows > 0 && image_cols > 0; }
  /// Its bits where all others have `common`.
  int64_t weightBits(int64_t common) const {
    return weight_bits ? weight_bits : common;
  }
  int64_t inputBits(int64_t common) const {
    return input_bits ? input_bits : common;
  }
  /// Of windows * rows * cols * groups those that add nothing: where windows
  /// share a load (mapping::unfold), with cells that are empty and for results
  /// that are dropped.
  int64_t zero_macs = 0;
  int64_t macs() const {
    return trips * (windows * rows * cols * groups - zero_macs);
  }
  /// How often its cells are written where they do not stay, each time in so
  /// many rounds: those of one round last through a loop that has no other.
  int64_t writings(int64_t rounds) const {
    return rounds == 1 && !alternates ? 1 : trips;
  }
};
bool operator==(const Product &a, const Product &b);

/// Element-wise and reduction work of the digital unit.
struct Digital {
  int64_t operations = 0;
  int64_t input_elements = 0;
  int64_t output_elements = 0;
  int64_t trips = 1; ///< as of Product; the numbers are those of all
};

/// A product of two activations (attention). It runs on the digital unit, or on
/// arrays into which the right operand is written each time.
struct DynamicProduct {
  int64_t macs = 0;
  int64_t input_elements = 0; ///< of both operands
  int64_t output_elements = 0;
  /// As of Product, one group per pair of matrices (head). All 0 for an op that
  /// is no product of matrices (a convolution with computed weights): that one
  /// cannot be written into arrays.
  int64_t windows = 0, rows = 0, cols = 0, groups = 0;
  int64_t trips = 1; ///< as of Product; the numbers are those of all

  bool isMatrixProduct() const { return groups > 0; }
  /// The product that it is once the right operand stands in arrays.
  Product stored() const {
    return {windows,
            rows,
            cols,
            groups,
            windows * rows * groups,
            output_elements,
            rows * cols * groups};
  }
};

/// One entry of the program. Entries that come from one node of the model share
/// its name: a convolution's product and the digital work around it.
struct Layer {
  std::string name;  ///< node name of the model
  std::string op;    ///< "conv2d", "matmul", "relu", ...
  std::string shape; ///< for people, "64x3x7x7 -> 64x112x112"
  std::variant<Product, Digital, DynamicProduct> work;
  /// Layers whose results it reads, in ascending order, each once; modelInput
  /// for an input of the model. Moves of data (views, padding, concatenation)
  /// are looked through. A layer in a loop also reads what the iteration before
  /// made, so that an edge may come from a later layer or from the layer
  /// itself.
  std::vector<int64_t> inputs{};
  /// Of a product of two activations: those that its right operand comes from.
  std::vector<int64_t> right_inputs{};
  /// Of `inputs`, those that it reads as the iteration before left them. Layers
  /// of its loop that do not come before it are always among them.
  std::vector<int64_t> carried{};
  /// The loop whose iterations follow one another (Product::trips); layers of
  /// one loop have the same number.
  int64_t loop = -1;
  bool output = false; ///< the model returns its result
  /// Rows of its result need no others of what it reads than its windows or
  /// elements say: element-wise work on results of its own shape, a product on
  /// the result of one layer (padded). Smaller operands count as a whole.
  bool rowwise = false;
  static constexpr int64_t modelInput = -1;

  const Product *product() const { return std::get_if<Product>(&work); }
  const Digital *digital() const { return std::get_if<Digital>(&work); }
  const DynamicProduct *dynamicProduct() const {
    return std::get_if<DynamicProduct>(&work);
  }
  /// Multiply-accumulates, 0 for digital work.
  int64_t macs() const;
  /// See Product::trips.
  int64_t trips() const;
};

/// A model.
struct Workload {
  std::string name;
  int64_t parameters = 0;     ///< trained weights and biases
  std::vector<Layer> layers;  ///< program order
  int64_t batch = 1;          ///< inferences that the layers do at once
  int64_t input_elements = 0; ///< of the model's inputs; 0 where not known
  /// Most bits of weights and of activations that a product has of the model
  /// itself (quantized ONNX); 0 when the knobs choose those of all products.
  int64_t model_weight_bits = 0;
  int64_t model_input_bits = 0;
  /// Some product has bits of its own.
  bool mixed_bits = false;

  /// Multiply-accumulates of one inference, dynamic products included.
  int64_t macs() const;
};

/// The same model with `batch` times the windows, elements and operations:
/// that many inferences at once. Weights are what they were.
Workload batched(Workload workload, int64_t batch);

/// Sets a field ("weight_bits", "input_bits", "adc_bits", "copies",
/// "unfolding") of the products of a layer, for this layer alone. Errors: a
/// layer that has no product (lists those that have one), an unknown field, a
/// copy that would have no windows, unfolding of a layer that is no
/// convolution or has copies of its own.
llvm::Error setLayer(Workload &workload, llvm::StringRef layer,
                     llvm::StringRef field, int64_t value);

/// Every count is positive where it must be, weight_elements agrees with the
/// matrix, edges come from layers that exist, and no product overflows 2^53
/// MACs. The message names the layer.
llvm::Error check(const Workload &workload);

/// A 2-D convolution as a product: input C x H x W (without padding), F output
/// channels, square strides.
Product convolution(int64_t batch, int64_t channels, int64_t height,
                    int64_t width, int64_t outputChannels, int64_t kernelHeight,
                    int64_t kernelWidth, int64_t stride, int64_t padding,
                    int64_t groups = 1);

/// A matrix product M x K times K x N.
Product matmul(int64_t windows, int64_t rows, int64_t cols);

} // namespace imc::workload

#endif // IMC_WORKLOAD_WORKLOAD_H
