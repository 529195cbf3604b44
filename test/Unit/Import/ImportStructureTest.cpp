//===- ImportStructureTest.cpp - Well-formed but wrong models -------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bit flips rarely get past protobuf's framing, so these mutants edit the
// parsed message: ops, attributes, inputs, types, dimensions, versions. Each
// must import, or fail with a diagnostic of ours (not of the verifier: what
// upstream refuses, we should have refused with the node's name). The seed is
// fixed.
//
//===----------------------------------------------------------------------===//

#include "imc/Import/ONNX.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "onnx-ml.pb.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"
#include <random>

using namespace mlir;

namespace {

class Mutator {
public:
  explicit Mutator(uint64_t seed) : random(seed) {}

  void mutate(onnx::ModelProto &model) {
    onnx::GraphProto &graph = *model.mutable_graph();
    onnx::NodeProto &node = *graph.mutable_node(below(graph.node_size()));
    onnx::TensorProto &tensor =
        *graph.mutable_initializer(below(graph.initializer_size()));
    auto &dims = *graph.mutable_input(0)
                      ->mutable_type()
                      ->mutable_tensor_type()
                      ->mutable_shape();
    switch (below(12)) {
    case 0:
      node.set_op_type(op());
      break;
    case 1:
      if (node.attribute_size() > 0)
        editAttribute(*node.mutable_attribute(below(node.attribute_size())));
      break;
    case 2:
      addAttribute(*node.add_attribute());
      break;
    case 3:
      node.set_input(below(node.input_size()), anyName(graph));
      break;
    case 4:
      node.add_input(anyName(graph));
      break;
    case 5:
      node.mutable_input()->RemoveLast();
      if (node.input_size() == 0)
        node.add_input("");
      break;
    case 6:
      node.set_output(0, anyName(graph));
      break;
    case 7:
      tensor.set_data_type(below(30));
      break;
    case 8:
      if (tensor.dims_size() > 0 && below(2) == 0)
        tensor.set_dims(below(tensor.dims_size()), number());
      else
        tensor.add_dims(number());
      break;
    case 9:
      dims.mutable_dim(below(dims.dim_size()))->set_dim_value(number());
      break;
    case 10:
      model.mutable_opset_import(0)->set_version(7 + below(22));
      break;
    default:
      graph.mutable_node()->SwapElements(below(graph.node_size()),
                                         below(graph.node_size()));
    }
  }

private:
  int below(int n) { return int(random() % uint64_t(n)); }

  /// Numbers at which arithmetic goes wrong.
  int64_t number() {
    static const int64_t numbers[] = {0,
                                      1,
                                      -1,
                                      2,
                                      -2,
                                      3,
                                      1000000,
                                      int64_t(1) << 31,
                                      (int64_t(1) << 31) - 1,
                                      int64_t(1) << 34,
                                      int64_t(1) << 62,
                                      INT64_MAX,
                                      INT64_MIN};
    return numbers[below(std::size(numbers))];
  }

  std::string op() {
    static const char *const ops[] = {"Add",
                                      "AveragePool",
                                      "BatchNormalization",
                                      "Cast",
                                      "Clip",
                                      "Concat",
                                      "Constant",
                                      "ConstantOfShape",
                                      "Conv",
                                      "Dropout",
                                      "Flatten",
                                      "Gather",
                                      "Gemm",
                                      "GlobalAveragePool",
                                      "HardSwish",
                                      "Identity",
                                      "If",
                                      "MatMul",
                                      "MaxPool",
                                      "Pad",
                                      "ReduceMean",
                                      "Reshape",
                                      "Shape",
                                      "Slice",
                                      "Softmax",
                                      "Squeeze",
                                      "Transpose",
                                      "Unsqueeze",
                                      ""};
    return ops[below(std::size(ops))];
  }

  std::string anyName(const onnx::GraphProto &graph) {
    switch (below(4)) {
    case 0:
      return graph.initializer(below(graph.initializer_size())).name();
    case 1:
      return graph.input(0).name();
    case 2:
      return below(2) == 0 ? "" : "no such value";
    default:
      return graph.node(below(graph.node_size())).output(0);
    }
  }

  void editAttribute(onnx::AttributeProto &attribute) {
    if (attribute.ints_size() > 0 && below(2) == 0)
      attribute.set_ints(below(attribute.ints_size()), number());
    else if (attribute.type() == onnx::AttributeProto::INTS)
      attribute.add_ints(number());
    else if (attribute.type() == onnx::AttributeProto::INT)
      attribute.set_i(number());
    else if (attribute.type() == onnx::AttributeProto::FLOAT)
      attribute.set_f(below(2) == 0 ? std::nanf("") : HUGE_VALF);
    else
      attribute.set_type(onnx::AttributeProto::AttributeType(1 + below(10)));
  }

  void addAttribute(onnx::AttributeProto &attribute) {
    static const char *const names[] = {
        "axis", "axes",  "pads",  "perm", "to",        "group", "kernel_shape",
        "mode", "start", "value", "end",  "allowzero", "alpha", "auto_pad"};
    attribute.set_name(names[below(std::size(names))]);
    if (below(2) == 0) {
      attribute.set_type(onnx::AttributeProto::INT);
      attribute.set_i(number());
    } else {
      attribute.set_type(onnx::AttributeProto::INTS);
      attribute.add_ints(number());
      attribute.add_ints(number());
    }
  }

  std::mt19937_64 random;
};

class ImportStructureTest : public testing::TestWithParam<const char *> {};

} // namespace

// 5 models x 300 mutants of 1 to 3 edits.
TEST_P(ImportStructureTest, FailsWithADiagnosticOrImports) {
  auto buffer = llvm::MemoryBuffer::getFile(
      Twine(IMC_SOURCE_DIR) + "/models/" + GetParam(), /*IsText=*/false);
  ASSERT_TRUE(bool(buffer));
  onnx::ModelProto original;
  ASSERT_TRUE(original.ParseFromString((*buffer)->getBuffer().str()));
  Mutator mutator(20261121);
  int imported = 0, refused = 0;
  for (int i = 0; i < 300; ++i) {
    onnx::ModelProto model = original;
    for (int edits = 1 + i % 3; edits > 0; --edits)
      mutator.mutate(model);
    MLIRContext context(MLIRContext::Threading::DISABLED);
    std::string errors;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
        errors += diagnostic.str() + "\n";
      return success();
    });
    auto module = imc::importONNXFromBuffer(model.SerializeAsString(),
                                            "mutant.onnx", &context);
    (succeeded(module) ? imported : refused) += 1;
    EXPECT_EQ(succeeded(module), errors.empty()) << "mutant " << i << errors;
    EXPECT_EQ(errors.find("op failed to verify"), std::string::npos)
        << "mutant " << i << ": the verifier found it first: " << errors;
  }
  EXPECT_GT(refused, 100);
  EXPECT_GT(imported, 10);
}

INSTANTIATE_TEST_SUITE_P(Models, ImportStructureTest,
                         testing::Values("resnet18.onnx", "resnet18_o20.onnx",
                                         "alexnet.onnx", "vgg16.onnx",
                                         "trained-small/glyphs_resnet8.onnx"),
                         [](const auto &info) {
                           std::string name = info.param;
                           for (char &c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c)))
                               c = '_';
                           return name;
                         });
