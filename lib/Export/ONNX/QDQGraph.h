//===- QDQGraph.h - Puts quantization into an ONNX graph --------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_EXPORT_ONNX_QDQGRAPH_H
#define IMC_LIB_EXPORT_ONNX_QDQGRAPH_H

#include "onnx-ml.pb.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Error.h"
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace imc::onnxexport {

/// One product of the quantized module, free of IR.
struct Product {
  std::string name; ///< of its layer
  int64_t node = -1;
  float scale = 1; ///< of the input
  int32_t zeroPoint = 0;
  int64_t inputBits = 8, weightBits = 8;
  /// F x C/groups x KH x KW when channelFirst, else K x N; row-major.
  std::vector<int16_t> weights;
  std::vector<int64_t> shape;
  bool channelFirst = false;
  std::vector<float> weightScale;
  /// Of the compiled module, corrections included; empty when it is computed.
  std::vector<float> bias;
};

/// Edits one model. Errors name the node.
class QDQGraph {
public:
  explicit QDQGraph(onnx::ModelProto &model);

  /// Brings the opset to what `products` need.
  llvm::Error prepare(llvm::ArrayRef<Product> products,
                      std::vector<std::string> &notes);
  llvm::Error quantize(const Product &product);
  /// The products of a recurrent node: that of its input, and that of its
  /// state, whose rounding ONNX has no place for.
  llvm::Error quantizeRecurrent(const Product &input, const Product &state,
                                std::vector<std::string> &notes);

  /// Puts the new nodes in place and removes weights that nothing reads.
  void finish();

private:
  llvm::Error checkWeight(const Product &product, const onnx::NodeProto &node,
                          const std::string &weight, bool transposed);
  std::string unique(std::string name);
  onnx::NodeProto &add(int64_t before, llvm::StringRef op,
                       std::vector<std::string> inputs, std::string output);
  std::string constant(const std::string &name, int type,
                       llvm::ArrayRef<int64_t> dims, std::string bytes);
  /// The name of the input after rounding.
  std::string roundedInput(const Product &product, const std::string &input);
  std::string dequantizedWeight(const Product &product,
                                const std::string &weight,
                                llvm::ArrayRef<int64_t> dims, int64_t axis,
                                bool transposed);
  /// Gives the node the bias of the product where it is another one.
  llvm::Error setBias(const Product &product, onnx::NodeProto &node);
  const onnx::TensorProto *stored(const std::string &name) const;

  onnx::ModelProto &model;
  onnx::GraphProto &graph;
  int64_t opset = 0;
  llvm::StringSet<> names;
  llvm::StringSet<> replaced; ///< tensors that may have lost their last reader
  std::map<std::string, const onnx::TensorProto *> tensors;
  std::map<std::string, int> producer; ///< index of the node that makes it
  std::map<std::tuple<std::string, float, int32_t, int64_t>, std::string>
      rounded;
  std::map<std::pair<std::string, bool>,
           std::pair<std::string, const Product *>>
      weights;
  /// New nodes by the index of the node that they stand before.
  std::map<int64_t, std::vector<onnx::NodeProto>> inserted;
};

} // namespace imc::onnxexport

#endif // IMC_LIB_EXPORT_ONNX_QDQGRAPH_H
