//===- ExecutorTest.cpp - Run upstream IR ---------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Executor.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "gtest/gtest.h"

using namespace imc::execute;

namespace {
class ExecutorTest : public ::testing::Test {
protected:
  ExecutorTest() {
    mlir::DialectRegistry registry;
    registerExecutionDialects(registry);
    context.appendDialectRegistry(registry);
  }

  std::unique_ptr<Executor> compile(llvm::StringRef source) {
    mlir::ScopedDiagnosticHandler handler(
        &context, [&](mlir::Diagnostic &diagnostic) {
          diagnostics += diagnostic.str() + "\n";
          return mlir::success();
        });
    module = mlir::parseSourceString<mlir::ModuleOp>(source, &context);
    if (!module)
      return nullptr;
    auto executor = Executor::compile(*module);
    return mlir::succeeded(executor) ? std::move(*executor) : nullptr;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string diagnostics;
};

Tensor f32(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<float> values) {
  Tensor tensor = Tensor::zeros(ElementType::F32, shape);
  llvm::copy(values, tensor.as<float>().begin());
  return tensor;
}
} // namespace

TEST_F(ExecutorTest, RunsAConvolutionWithPaddingAndWeightsManyTimes) {
  auto executor = compile(R"(
    func.func @main(%x: tensor<1x1x4x4xf32> {imc.name = "image"}) -> (tensor<1x2x4x4xf32> {imc.name = "y"}) {
      %zero = arith.constant 0.0 : f32
      %w = arith.constant dense<[[[[0.,0.,0.],[0.,1.,0.],[0.,0.,0.]]],[[[1.,1.,1.],[1.,1.,1.],[1.,1.,1.]]]]> : tensor<2x1x3x3xf32>
      %p = tensor.pad %x low[0, 0, 1, 1] high[0, 0, 1, 1] {
      ^bb0(%a: index, %b: index, %c: index, %d: index):
        tensor.yield %zero : f32
      } : tensor<1x1x4x4xf32> to tensor<1x1x6x6xf32>
      %e = tensor.empty() : tensor<1x2x4x4xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
      %y = linalg.conv_2d_nchw_fchw ins(%p, %w : tensor<1x1x6x6xf32>, tensor<2x1x3x3xf32>) outs(%f : tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
      return %y : tensor<1x2x4x4xf32>
    })");
  ASSERT_TRUE(executor) << diagnostics;
  ASSERT_EQ(executor->inputs().size(), 1u);
  EXPECT_EQ(executor->inputs()[0].name, "image");
  EXPECT_EQ(executor->outputs()[0].describe(), "1x2x4x4xf32");
  for (int run = 0; run < 3; ++run) {
    Tensor x = Tensor::zeros(ElementType::F32, {1, 1, 4, 4});
    for (int i = 0; i < 16; ++i)
      x.as<float>()[i] = i + run;
    auto y = executor->run({x});
    ASSERT_TRUE(static_cast<bool>(y)) << llvm::toString(y.takeError());
    for (int i = 0; i < 16; ++i)
      EXPECT_EQ((*y)[0].at(i), i + run);
    // The box filter at (1, 1) sums rows 0 to 2 of columns 0 to 2.
    EXPECT_EQ((*y)[0].at(16 + 5), 45 + 9 * run);
    EXPECT_EQ((*y)[0].at(16), 0 + 1 + 4 + 5 + 4 * run);
  }
}

TEST_F(ExecutorTest, RunsReturnedArgumentsConcatAndSeveralResults) {
  auto executor = compile(R"(
    func.func @main(%a: tensor<2xf32>, %b: tensor<1xf32>) -> (tensor<3xf32>, tensor<2xf32>, tensor<i64>) {
      %c = tensor.concat dim(0) %a, %b : (tensor<2xf32>, tensor<1xf32>) -> tensor<3xf32>
      %n = arith.constant dense<-3> : tensor<i64>
      return %c, %a, %n : tensor<3xf32>, tensor<2xf32>, tensor<i64>
    })");
  ASSERT_TRUE(executor) << diagnostics;
  auto y = executor->run({f32({2}, {1, 2}), f32({1}, {3})});
  ASSERT_TRUE(static_cast<bool>(y)) << llvm::toString(y.takeError());
  EXPECT_EQ((*y)[0].at(2), 3);
  EXPECT_EQ((*y)[1].at(1), 2);
  EXPECT_EQ((*y)[2].at(0), -3);
}

TEST_F(ExecutorTest, RunsOneValueReturnedTwiceAndReshaped) {
  auto executor = compile(R"(
    func.func @main(%a: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2x1xf32>) {
      %e = tensor.empty() : tensor<2xf32>
      %y = linalg.exp ins(%a : tensor<2xf32>) outs(%e : tensor<2xf32>) -> tensor<2xf32>
      %r = tensor.expand_shape %y [[0, 1]] output_shape [2, 1] : tensor<2xf32> into tensor<2x1xf32>
      return %y, %y, %r : tensor<2xf32>, tensor<2xf32>, tensor<2x1xf32>
    })");
  ASSERT_TRUE(executor) << diagnostics;
  auto y = executor->run({f32({2}, {0, 0})});
  ASSERT_TRUE(static_cast<bool>(y)) << llvm::toString(y.takeError());
  for (unsigned i = 0; i < 3; ++i)
    EXPECT_EQ((*y)[i].at(1), 1) << i;
}

TEST_F(ExecutorTest, PassesLargeConstantsByPointer) {
  // 32 x 32 distinct values: 4 KiB, above the threshold; used twice.
  std::string values;
  for (int i = 0; i < 1024; ++i)
    values += (i % 32 ? (i ? "," : "") : (i ? "],[" : "[")) +
              std::to_string(i) + ".0";
  auto executor = compile(R"(
    func.func @main(%x: tensor<1x32xf32>) -> tensor<1x32xf32> {
      %w = arith.constant dense<[)" +
                          values + R"(]]> : tensor<32x32xf32>
      %e = arith.constant dense<0.0> : tensor<1x32xf32>
      %y = linalg.matmul ins(%x, %w : tensor<1x32xf32>, tensor<32x32xf32>) outs(%e : tensor<1x32xf32>) -> tensor<1x32xf32>
      %z = linalg.matmul ins(%x, %w : tensor<1x32xf32>, tensor<32x32xf32>) outs(%y : tensor<1x32xf32>) -> tensor<1x32xf32>
      return %z : tensor<1x32xf32>
    })");
  ASSERT_TRUE(executor) << diagnostics;
  Tensor x = Tensor::zeros(ElementType::F32, {1, 32});
  x.as<float>()[3] = 1;
  auto y = executor->run({x});
  ASSERT_TRUE(static_cast<bool>(y)) << llvm::toString(y.takeError());
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ((*y)[0].at(i), 2 * (96 + i));
}

TEST_F(ExecutorTest, KeepsCompiledCode) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("imc-cache", folder));
  // A small resource is part of the code: another value is another key.
  auto source = [](const char *value) {
    return R"(
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      %w = arith.constant dense_resource<w> : tensor<2xf32>
      %y = arith.addf %x, %w : tensor<2xf32>
      return %y : tensor<2xf32>
    }
    {-# dialect_resources: { builtin: { w: "0x040000000000803F)" +
           std::string(value) + R"(" } } #-})";
  };
  auto run = [&](const char *value, double expected) {
    mlir::MLIRContext fresh;
    fresh.appendDialectRegistry(context.getDialectRegistry());
    auto module =
        mlir::parseSourceString<mlir::ModuleOp>(source(value), &fresh);
    ExecutorOptions options;
    options.cacheDirectory = folder.str().str();
    auto executor = Executor::compile(*module, options);
    EXPECT_TRUE(mlir::succeeded(executor));
    auto y = llvm::cantFail((*executor)->run({f32({2}, {1, 2})}));
    EXPECT_EQ(y[0].at(0), 2);
    EXPECT_EQ(y[0].at(1), expected);
    return (*executor)->wasCached();
  };
  EXPECT_FALSE(run("00000040", 4));
  EXPECT_TRUE(run("00000040", 4));
  EXPECT_FALSE(run("00004040", 5));
  EXPECT_TRUE(run("00004040", 5));
  (void)llvm::sys::fs::remove_directories(folder);
}

TEST_F(ExecutorTest, RefusesWrongInputsByName) {
  auto executor = compile(R"(
    func.func @main(%x: tensor<2xf32> {imc.name = "image"}) -> tensor<2xf32> {
      return %x : tensor<2xf32>
    })");
  ASSERT_TRUE(executor) << diagnostics;
  EXPECT_EQ(llvm::toString(executor->run({}).takeError()),
            "the model takes 1 input(s), image (2xf32), but 0 were given");
  EXPECT_EQ(llvm::toString(executor->run({f32({3}, {})}).takeError()),
            "input 'image' is 3xf32, but the model takes 2xf32");
  EXPECT_EQ(
      llvm::toString(
          executor->run({Tensor::zeros(ElementType::I32, {2})}).takeError()),
      "input 'image' is 2xi32, but the model takes 2xf32");
}

TEST_F(ExecutorTest, RefusesWhatCannotBeRun) {
  EXPECT_FALSE(compile("module {}"));
  EXPECT_NE(diagnostics.find("has no function 'main'"), std::string::npos);
  diagnostics.clear();
  EXPECT_FALSE(compile(R"(
    func.func @main(%x: tensor<?x2xf32> {imc.name = "image"}) -> tensor<?x2xf32> {
      return %x : tensor<?x2xf32>
    })"));
  EXPECT_NE(diagnostics.find("'image') has the dynamic shape"),
            std::string::npos)
      << diagnostics;
  diagnostics.clear();
  EXPECT_FALSE(compile(R"(
    func.func @main(%x: tensor<2xi7>) -> tensor<2xi7> {
      return %x : tensor<2xi7>
    })"));
  EXPECT_NE(diagnostics.find("element type 'i7'"), std::string::npos)
      << diagnostics;
}
