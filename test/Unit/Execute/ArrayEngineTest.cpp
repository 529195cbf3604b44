//===- ArrayEngineTest.cpp - Products outside of compiled code ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/ArrayEngine.h"
#include "imc/Execute/Executor.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace imc::execute;

namespace {

/// A matrix product, of whose results a transpose makes the inputs of a second
/// one: engines see buffers in the middle of a model.
std::string source(llvm::StringRef weights) {
  auto product = [](int i, const std::string &x) {
    std::string n = std::to_string(i);
    return "%eu" + n + R"( = tensor.empty() : tensor<1x3x2x4xi8>
  %u)" + n +
           " = imc.unfold ins(" + x + R"( : tensor<3x5xi8>) outs(%eu)" + n +
           R"( : tensor<1x3x2x4xi8>)
    kernel = [1, 1] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1 -> tensor<1x3x2x4xi8>
  %ec)" + n +
           R"( = tensor.empty() : tensor<1x2x2x4x8xi8>
  %c)" + n +
           R"( = imc.encode_weights ins(%w : tensor<5x3xi8>) outs(%ec)" + n +
           R"( : tensor<1x2x2x4x8xi8>)
    encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 1 groups_per_pack = 1 -> tensor<1x2x2x4x8xi8>
  %z)" + n +
           R"( = arith.constant dense<0> : tensor<1x3x2x8xi32>
  %a)" + n +
           " = imc.mvm ins(%u" + n + ", %c" + n +
           R"( : tensor<1x3x2x4xi8>, tensor<1x2x2x4x8xi8>) outs(%z)" + n +
           R"( : tensor<1x3x2x8xi32>)
    input = #imc.input<bits = 8, dac_bits = 1> readout = #imc.readout<adc_bits = 4, lossless_bits = 4, policy = full> -> tensor<1x3x2x8xi32>
  %ey)" + n +
           R"( = tensor.empty() : tensor<3x3xi32>
  %y)" + n +
           " = imc.shift_add ins(%a" + n + ", %u" + n +
           R"( : tensor<1x3x2x8xi32>, tensor<1x3x2x4xi8>) outs(%ey)" + n +
           R"( : tensor<3x3xi32>)
    encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 1 groups_per_pack = 1 group_rows = 5 -> tensor<3x3xi32> loc("layer)" +
           n + "\")\n";
  };
  return "func.func @main(%x: tensor<3x5xi8> {imc.unsigned}) -> "
         "(tensor<3x3xi32>, tensor<3x3xi32>) {\n  %w = arith.constant " +
         weights.str() + " : tensor<5x3xi8>\n  " + product(0, "%x") +
         R"(  %small = arith.trunci %y0 : tensor<3x3xi32> to tensor<3x3xi8>
  %seven = arith.constant 7 : i8
  %padded = tensor.pad %small low[0, 1] high[0, 1] {
  ^bb0(%i: index, %j: index):
    tensor.yield %seven : i8
  } : tensor<3x3xi8> to tensor<3x5xi8>
  )" + product(1, "%padded") +
         "  return %y0, %y1 : tensor<3x3xi32>, tensor<3x3xi32>\n}\n";
}

constexpr const char *weights =
    "dense<[[1, -2, 3], [-4, 5, -6], [7, -8, 127], [-128, 0, 1], [2, 3, 4]]>";

struct Plain : ArrayEngine {
  std::vector<ArrayProduct> products;
  int64_t offset = 0; ///< added to every result
  int calls = 0;

  llvm::Error prepare(int64_t index, const ArrayProduct &product) override {
    if (product.name == "layer9")
      return llvm::createStringError("this engine has no layer9");
    EXPECT_EQ(index, static_cast<int64_t>(products.size()));
    products.push_back(product);
    return llvm::Error::success();
  }
  void run(int64_t index, const uint8_t *inputs, int32_t *results) override {
    ++calls;
    const ArrayProduct &p = products[index];
    int64_t rows = p.weight_shape[0], cols = p.weight_shape[1];
    for (int64_t m = 0; m != p.input_shape[0]; ++m)
      for (int64_t n = 0; n != cols; ++n) {
        int64_t sum = offset;
        for (int64_t k = 0; k != rows; ++k)
          sum += inputs[m * rows + k] * p.weights[k * cols + n];
        results[m * cols + n] = static_cast<int32_t>(sum);
      }
  }
};

Tensor inputs() {
  Tensor x = Tensor::zeros(ElementType::U8, {3, 5});
  for (int i = 0; i != 15; ++i)
    x.as<uint8_t>()[i] = static_cast<uint8_t>(37 * i + 200);
  return x;
}

std::vector<Tensor> runModule(mlir::MLIRContext &context, ArrayEngine *engine) {
  mlir::DialectRegistry registry;
  registerExecutionDialects(registry);
  context.appendDialectRegistry(registry);
  auto module =
      mlir::parseSourceString<mlir::ModuleOp>(source(weights), &context);
  EXPECT_TRUE(module);
  ExecutorOptions options;
  options.engine = engine;
  auto executor = Executor::compile(*module, options);
  EXPECT_TRUE(succeeded(executor));
  return llvm::cantFail((*executor)->run({inputs()}));
}

TEST(ArrayEngine, ComputesWhatCompiledLoopsDo) {
  mlir::MLIRContext context;
  std::vector<Tensor> want = runModule(context, nullptr);
  Plain engine;
  std::vector<Tensor> got = runModule(context, &engine);
  EXPECT_EQ(engine.calls, 2);
  ASSERT_EQ(engine.products.size(), 2u);
  EXPECT_EQ(engine.products[1].name, "layer1");
  EXPECT_EQ(engine.products[1].tiling.strips, 2);
  EXPECT_EQ(engine.products[1].tiling.column_tiles, 2);
  for (int i = 0; i != 2; ++i)
    EXPECT_EQ(got[i].data, want[i].data);
}

TEST(ArrayEngine, ResultsAreThoseOfTheEngine) {
  mlir::MLIRContext context;
  std::vector<Tensor> want = runModule(context, nullptr);
  Plain engine;
  engine.offset = 3;
  std::vector<Tensor> got = runModule(context, &engine);
  for (int i = 0; i != 9; ++i)
    EXPECT_EQ(got[0].as<int32_t>()[i], want[0].as<int32_t>()[i] + 3);
}

TEST(ArrayEngine, RefusalsNameTheLayer) {
  mlir::MLIRContext context;
  mlir::DialectRegistry registry;
  registerExecutionDialects(registry);
  context.appendDialectRegistry(registry);
  auto refusal = [&](std::string text) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    std::string message;
    mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &d) {
      message = d.str();
      return mlir::success();
    });
    Plain engine;
    ExecutorOptions options;
    options.engine = &engine;
    EXPECT_TRUE(failed(Executor::compile(*module, options)));
    return message;
  };
  std::string text = source(weights);
  text.replace(text.find("layer1"), 6, "layer9");
  EXPECT_NE(refusal(text).find("this engine has no layer9"), std::string::npos);
  EXPECT_NE(refusal(source("dense<3>")).find("splats"), std::string::npos);
}

} // namespace
