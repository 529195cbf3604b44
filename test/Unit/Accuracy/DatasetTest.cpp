//===- DatasetTest.cpp - Arrays as labelled samples -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Accuracy/Dataset.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace imc;
using namespace imc::accuracy;
using execute::ElementType;
using execute::Tensor;

namespace {

class DatasetTest : public ::testing::Test {
protected:
  DatasetTest() { context.loadDialect<mlir::func::FuncDialect>(); }

  /// A model that takes `type` under the name "image".
  void model(const std::string &type) {
    module = mlir::parseSourceString<mlir::ModuleOp>(
        "func.func @main(%x: " + type + " {imc.name = \"image\"}) -> " + type +
            " { return %x : " + type + " }",
        &context);
    ASSERT_TRUE(module);
  }
  std::string message(const DatasetOptions &options = {}) {
    llvm::Expected<Dataset> data = makeDataset(*module, arrays, options);
    return data ? "no error" : llvm::toString(data.takeError());
  }
  void expectRefusal(llvm::StringRef part, const DatasetOptions &options = {}) {
    const std::string text = message(options);
    EXPECT_NE(text.find(part.str()), std::string::npos) << text;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::map<std::string, Tensor> arrays;
};

Tensor bytes(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<uint8_t> values) {
  Tensor t = Tensor::zeros(ElementType::U8, shape);
  llvm::copy(values, t.as<uint8_t>().begin());
  return t;
}

TEST_F(DatasetTest, BytesBecomeImages) {
  model("tensor<1x1x2x1xf32>");
  arrays["x"] = bytes({3, 2}, {0, 255, 51, 1, 2, 3});
  arrays["y"] = bytes({3}, {2, 1, 0});
  llvm::Expected<Dataset> data = makeDataset(*module, arrays);
  ASSERT_TRUE(!!data) << llvm::toString(data.takeError());
  ASSERT_EQ(data->batches.size(), 3u);
  EXPECT_EQ(data->batchSize(), 1);
  const Tensor &first = data->batches[0][0];
  EXPECT_EQ(first.describe(), "1x1x2x1xf32");
  EXPECT_EQ(first.as<float>()[1], 1.0f);
  EXPECT_EQ(data->batches[1][0].as<float>()[0], 51.0f / 255.0f);
  EXPECT_EQ(data->labels, (std::vector<int64_t>{2, 1, 0}));
  ASSERT_EQ(data->notes.size(), 1u);
  EXPECT_NE(data->notes[0].find("divided by 255"), std::string::npos);
}

TEST_F(DatasetTest, TakesInputsByNameAndBatches) {
  model("tensor<2x2xi64>");
  Tensor tokens = Tensor::zeros(ElementType::I32, {4, 2});
  for (int i = 0; i < 8; ++i)
    tokens.as<int32_t>()[size_t(i)] = i;
  arrays["in:image"] = tokens;
  arrays["labels"] = bytes({6}, {1, 2, 3, 4, 5, 6});
  DatasetOptions options;
  options.skip = 2;
  llvm::Expected<Dataset> data = makeDataset(*module, arrays, options);
  ASSERT_TRUE(!!data) << llvm::toString(data.takeError());
  ASSERT_EQ(data->batches.size(), 1u);
  EXPECT_EQ(data->batches[0][0].as<int64_t>()[3], 7);
  EXPECT_EQ(data->labels, (std::vector<int64_t>{3, 4}));
  ASSERT_EQ(data->notes.size(), 1u);
  EXPECT_NE(data->notes[0].find("6 labels for 4 samples"), std::string::npos);
}

TEST_F(DatasetTest, RefusesDataWithoutTheInput) {
  model("tensor<1x2xf32>");
  arrays["pixels"] = bytes({1, 2}, {1, 2});
  expectRefusal("no array for the input 'image': the data hold 'pixels' "
                "(1x2xu8)");
}

TEST_F(DatasetTest, RefusesOtherShapes) {
  model("tensor<1x2xf32>");
  arrays["x"] = bytes({2, 3}, {1, 2, 3, 4, 5, 6});
  expectRefusal("2x3xu8, no list of samples of tensor<1x2xf32>");
}

TEST_F(DatasetTest, RefusesDynamicInputs) {
  model("tensor<?x2xf32>");
  arrays["x"] = bytes({1, 2}, {1, 2});
  expectRefusal("bind its extents with --shape");
}

TEST_F(DatasetTest, RefusesMissingLabels) {
  model("tensor<1x2xf32>");
  arrays["x"] = bytes({1, 2}, {1, 2});
  expectRefusal("no labels");
}

TEST_F(DatasetTest, RefusesTooFewLabels) {
  model("tensor<1x1xf32>");
  arrays["x"] = bytes({2, 1}, {1, 2});
  arrays["y"] = bytes({1}, {1});
  expectRefusal("1 labels for 2 samples");
}

TEST_F(DatasetTest, RefusesLabelsPerClass) {
  model("tensor<1x1xf32>");
  arrays["x"] = bytes({2, 1}, {1, 2});
  arrays["y"] = bytes({2, 2}, {1, 0, 0, 1});
  expectRefusal("one integer per sample");
}

TEST_F(DatasetTest, RefusesRealNumbersForTokens) {
  model("tensor<1x1xi64>");
  arrays["x"] = Tensor::zeros(ElementType::F32, {1, 1});
  expectRefusal("but the model takes tensor<1x1xi64>");
}

TEST_F(DatasetTest, RefusesBatchesThatDoNotDivide) {
  model("tensor<2x1xf32>");
  arrays["x"] = bytes({3, 1}, {1, 2, 3});
  arrays["y"] = bytes({3}, {1, 2, 3});
  expectRefusal("2 samples at once, which do not divide 3");
}

TEST_F(DatasetTest, RefusesToSkipEverything) {
  model("tensor<1x1xf32>");
  arrays["x"] = bytes({3, 1}, {1, 2, 3});
  arrays["y"] = bytes({3}, {1, 2, 3});
  DatasetOptions options;
  options.skip = 3;
  expectRefusal("no sample is left: the data hold 3", options);
}

} // namespace
