//===- ImportLimitsTest.cpp - Memory that an import may take --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Functions that multiply, constants that calls would copy, names that would be
// stored with every node: each is bounded, and refused at a node where the
// bound is passed. External data is mapped: importing it takes no memory.
//
//===----------------------------------------------------------------------===//

#include "imc/Import/ONNX.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "onnx-ml.pb.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

using namespace mlir;

namespace {

class ImportLimitsTest : public testing::Test {
protected:
  ImportLimitsTest() {
    addOpset(*model.add_opset_import(), "", 17);
    addOpset(*model.add_opset_import(), "f", 1);
    onnx::GraphProto &graph = *model.mutable_graph();
    onnx::ValueInfoProto &input = *graph.add_input();
    input.set_name("x");
    auto &type = *input.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    type.mutable_shape()->add_dim()->set_dim_value(2);
    graph.add_output()->set_name("y");
  }

  static void addOpset(onnx::OperatorSetIdProto &set, const char *domain,
                       int version) {
    set.set_domain(domain);
    set.set_version(version);
  }

  /// A node with one input and one output.
  static onnx::NodeProto &
  add(google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes,
      const std::string &op, const char *domain, const std::string &input,
      const std::string &output) {
    onnx::NodeProto &node = *nodes.Add();
    node.set_op_type(op);
    node.set_domain(domain);
    if (!input.empty())
      node.add_input(input);
    node.add_output(output);
    return node;
  }

  onnx::FunctionProto &addFunction(const std::string &name) {
    onnx::FunctionProto &function = *model.add_functions();
    function.set_name(name);
    function.set_domain("f");
    function.add_input("a");
    function.add_output("b");
    addOpset(*function.add_opset_import(), "", 17);
    addOpset(*function.add_opset_import(), "f", 1);
    return function;
  }

  /// Function `name` is `calls` nodes in a row.
  void addChain(const std::string &name, int calls, const std::string &op,
                const char *domain) {
    onnx::FunctionProto &function = addFunction(name);
    for (int i = 0; i < calls; ++i)
      add(*function.mutable_node(), op, domain,
          i == 0 ? "a" : "t" + std::to_string(i),
          i + 1 == calls ? "b" : "t" + std::to_string(i + 1));
  }

  bool import() {
    MLIRContext context(MLIRContext::Threading::DISABLED);
    errors.clear();
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == DiagnosticSeverity::Error) {
        errors += diagnostic.str() + "\n";
        atNode &= isa<NameLoc>(diagnostic.getLocation());
      }
      return success();
    });
    return succeeded(imc::importONNXFromBuffer(model.SerializeAsString(),
                                               "limits.onnx", &context));
  }

  onnx::ModelProto model;
  std::string errors;
  bool atNode = true;
};

} // namespace

TEST_F(ImportLimitsTest, FunctionsAreInlined) {
  addChain("One", 3, "Relu", "");
  addChain("Two", 2, "One", "f");
  add(*model.mutable_graph()->mutable_node(), "Two", "f", "x", "y");
  EXPECT_TRUE(import()) << errors;
}

TEST_F(ImportLimitsTest, FunctionsThatMultiply) {
  // 10^6 Relu from 60 nodes.
  addChain("Level0", 10, "Relu", "");
  for (int level = 1; level < 6; ++level)
    addChain("Level" + std::to_string(level), 10,
             "Level" + std::to_string(level - 1), "f");
  add(*model.mutable_graph()->mutable_node(), "Level5", "f", "x", "y");
  EXPECT_FALSE(import());
  EXPECT_TRUE(atNode);
  EXPECT_NE(errors.find("inlined, have more than 50000 nodes"),
            std::string::npos)
      << errors;
}

TEST_F(ImportLimitsTest, FunctionThatCallsItself) {
  addChain("Even", 1, "Odd", "f");
  addChain("Odd", 1, "Even", "f");
  add(*model.mutable_graph()->mutable_node(), "Odd", "f", "x", "y");
  EXPECT_FALSE(import());
  EXPECT_TRUE(atNode);
  EXPECT_NE(errors.find("a function may not call itself"), std::string::npos)
      << errors;
}

TEST_F(ImportLimitsTest, ConstantsThatCallsWouldCopy) {
  // 1 MB, called 200 times.
  onnx::FunctionProto &function = addFunction("Weighty");
  onnx::NodeProto &constant =
      add(*function.mutable_node(), "Constant", "", "", "w");
  onnx::AttributeProto &value = *constant.add_attribute();
  value.set_name("value");
  value.set_type(onnx::AttributeProto::TENSOR);
  value.mutable_t()->set_data_type(onnx::TensorProto::FLOAT);
  value.mutable_t()->add_dims(1 << 18);
  value.mutable_t()->set_raw_data(std::string(1 << 20, '\0'));
  add(*function.mutable_node(), "Relu", "", "a", "b");
  for (int i = 0; i < 200; ++i)
    add(*model.mutable_graph()->mutable_node(), "Weighty", "f",
        i == 0 ? "x" : "t" + std::to_string(i),
        i == 199 ? "y" : "t" + std::to_string(i + 1));
  EXPECT_FALSE(import());
  EXPECT_TRUE(atNode);
  EXPECT_NE(errors.find("or 64 MiB"), std::string::npos) << errors;
}

TEST_F(ImportLimitsTest, LongNamesAreNotStoredWithEveryNode) {
  // 1,000 nodes within a node whose name has 1 MB: 1 GB if each began with it.
  addChain("Many", 1000, "Relu", "");
  add(*model.mutable_graph()->mutable_node(), "Many", "f", "x", "y")
      .set_name(std::string(1 << 20, 'n'));
  EXPECT_TRUE(import()) << errors;
}

TEST_F(ImportLimitsTest, ManyUnreadOutputs) {
  // Each second output is looked for among the readers: once, not by a walk
  // over all nodes.
  auto &nodes = *model.mutable_graph()->mutable_node();
  constexpr int count = 20000;
  for (int i = 0; i < count; ++i)
    add(nodes, "Dropout", "", i == 0 ? "x" : "t" + std::to_string(i),
        i + 1 == count ? "y" : "t" + std::to_string(i + 1))
        .add_output("mask" + std::to_string(i));
  EXPECT_TRUE(import()) << errors;
}

//===----------------------------------------------------------------------===//
// External data
//===----------------------------------------------------------------------===//

namespace {

/// A sparse file of external data for ten products of 256 MiB and one of
/// 128 MiB that is stored transposed.
class LargeModelTest : public ImportLimitsTest {
protected:
  static constexpr int64_t side = 8192, last = 4096;

  void SetUp() override {
    llvm::SmallString<128> path;
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("imc-large", path));
    folder = path.str().str();
    onnx::GraphProto &graph = *model.mutable_graph();
    graph.mutable_input(0)->mutable_type()->clear_tensor_type();
    auto &type = *graph.mutable_input(0)->mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    type.mutable_shape()->add_dim()->set_dim_value(1);
    type.mutable_shape()->add_dim()->set_dim_value(side);
    std::string value = "x";
    for (int i = 0; i < 10; ++i) {
      std::string name = std::to_string(i);
      addWeight("w" + name, side);
      onnx::NodeProto &product =
          add(*graph.mutable_node(), "MatMul", "", value, "h" + name);
      product.add_input("w" + name);
      value = "h" + name;
    }
    addWeight("last", last);
    onnx::NodeProto &product =
        add(*graph.mutable_node(), "Gemm", "", value, "y");
    product.add_input("last");
    onnx::AttributeProto &transposed = *product.add_attribute();
    transposed.set_name("transB");
    transposed.set_type(onnx::AttributeProto::INT);
    transposed.set_i(1);
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  void addWeight(const std::string &name, int64_t rows) {
    onnx::TensorProto &tensor = *model.mutable_graph()->add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    tensor.add_dims(rows);
    tensor.add_dims(side);
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    auto entry = [&](const char *key, const std::string &value) {
      auto &pair = *tensor.add_external_data();
      pair.set_key(key);
      pair.set_value(value);
    };
    entry("location", "weights.bin");
    entry("offset", std::to_string(bytes));
    bytes += 4 * rows * side;
  }

  void writeWeights(int64_t size) {
    int file;
    ASSERT_FALSE(
        llvm::sys::fs::openFileForWrite(folder + "/weights.bin", file));
    ASSERT_FALSE(llvm::sys::fs::resize_file(file, size));
    llvm::sys::fs::file_t handle = file;
    ASSERT_FALSE(llvm::sys::fs::closeFile(handle));
  }

  /// A figure of /proc/self/status in bytes.
  static int64_t memory(StringRef field) {
    auto buffer = llvm::MemoryBuffer::getFileAsStream("/proc/self/status");
    int64_t kibibytes = 0;
    if (buffer) {
      StringRef text = (*buffer)->getBuffer();
      text = text.substr(text.find(field) + field.size()).ltrim(": \t");
      text.consumeInteger(10, kibibytes);
    }
    return kibibytes * 1024;
  }

  std::string folder;
  int64_t bytes = 0;
};

} // namespace

TEST_F(LargeModelTest, WeightsAreMapped) {
  ASSERT_GT(bytes, int64_t(1) << 31);
  writeWeights(bytes);
  MLIRContext context(MLIRContext::Threading::DISABLED);
  imc::ONNXImportOptions options;
  options.folder = folder;
  int64_t before = memory("VmRSS");
  ASSERT_GT(before, 0);
  auto module = imc::importONNXFromBuffer(model.SerializeAsString(),
                                          "large.onnx", &context, options);
  ASSERT_TRUE(succeeded(module));
  // The copy of the one that is transposed, and the program. The pages that
  // were read for it are given back.
  EXPECT_LT(memory("VmRSS") - before, 4 * last * side + (int64_t(100) << 20));
}

TEST_F(LargeModelTest, WeightsBeyondTheEndAreRefused) {
  writeWeights(bytes - 4);
  MLIRContext context(MLIRContext::Threading::DISABLED);
  std::string text;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    text += diagnostic.str();
    return success();
  });
  imc::ONNXImportOptions options;
  options.folder = folder;
  EXPECT_TRUE(failed(imc::importONNXFromBuffer(
      model.SerializeAsString(), "large.onnx", &context, options)));
  EXPECT_NE(text.find("initializer 'last'"), std::string::npos) << text;
  EXPECT_NE(text.find("lie beyond the end of the file"), std::string::npos)
      << text;
}
