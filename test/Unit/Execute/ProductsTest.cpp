//===- ProductsTest.cpp - Products large enough for the kernels -----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shapes that do not divide by the kernels' tiles, against plain loops. Inputs
// are small integers, so that sums are exact in every type and order.
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Executor.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"

using namespace imc::execute;

namespace {
Tensor numbers(ElementType type, llvm::ArrayRef<int64_t> shape, unsigned seed) {
  Tensor tensor = Tensor::zeros(type, shape);
  for (int64_t i = 0; i < tensor.numElements(); ++i) {
    seed = seed * 1664525 + 1013904223;
    int value = static_cast<int>(seed >> 24) % 15 - 7;
    if (type == ElementType::F32)
      tensor.as<float>()[i] = value;
    else if (type == ElementType::F64)
      tensor.as<double>()[i] = value;
    else
      tensor.as<int8_t>()[i] = value;
  }
  return tensor;
}

std::vector<Tensor> run(const std::string &source,
                        llvm::ArrayRef<Tensor> inputs) {
  mlir::MLIRContext context;
  mlir::DialectRegistry registry;
  registerExecutionDialects(registry);
  context.appendDialectRegistry(registry);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(source, &context);
  auto executor = Executor::compile(*module);
  if (mlir::failed(executor)) {
    ADD_FAILURE() << source;
    return {};
  }
  return llvm::cantFail((*executor)->run(inputs));
}
} // namespace

TEST(Products, MatricesOfAnyShape) {
  struct {
    int m, k, n;
  } shapes[] = {{4, 1200, 130}, {29, 515, 49}, {64, 130, 80}, {13, 9000, 8}};
  for (auto [m, k, n] : shapes)
    for (const char *element : {"f32", "f64"}) {
      std::string source =
          llvm::formatv("func.func @main(%a: tensor<{0}x{1}x{3}>, %b: "
                        "tensor<{1}x{2}x{3}>, %c: tensor<{0}x{2}x{3}>) -> "
                        "tensor<{0}x{2}x{3}> {{\n  %y = linalg.matmul ins(%a, "
                        "%b : tensor<{0}x{1}x{3}>, tensor<{1}x{2}x{3}>) "
                        "outs(%c : tensor<{0}x{2}x{3}>) -> "
                        "tensor<{0}x{2}x{3}>\n  return %y : "
                        "tensor<{0}x{2}x{3}>\n}",
                        m, k, n, element);
      ElementType type =
          std::string(element) == "f32" ? ElementType::F32 : ElementType::F64;
      Tensor a = numbers(type, {m, k}, 1), b = numbers(type, {k, n}, 2),
             c = numbers(type, {m, n}, 3);
      std::vector<Tensor> y = run(source, {a, b, c});
      ASSERT_EQ(y.size(), 1u);
      for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
          double sum = c.at(i * n + j);
          for (int l = 0; l < k; ++l)
            sum += a.at(i * k + l) * b.at(l * n + j);
          ASSERT_EQ(y[0].at(i * n + j), sum) << source << i << " " << j;
        }
    }
}

TEST(Products, ConvolutionsOfAnyShape) {
  struct {
    int channels, filters, height, width, kernel, stride, dilation;
  } shapes[] = {{5, 9, 40, 37, 3, 1, 1},
                {7, 6, 33, 31, 5, 2, 1},
                {16, 21, 30, 35, 3, 1, 2},
                {40, 30, 20, 29, 1, 1, 1},
                {40, 50, 31, 29, 1, 2, 1}};
  for (auto [C, F, H, W, K, S, D] : shapes)
    for (bool isInteger : {false, true}) {
      int OH = (H - (K - 1) * D - 1) / S + 1,
          OW = (W - (K - 1) * D - 1) / S + 1;
      std::string in = isInteger ? "i8" : "f32",
                  out = isInteger ? "i32" : "f32";
      std::string x = llvm::formatv("tensor<2x{0}x{1}x{2}x{3}>", C, H, W, in),
                  w = llvm::formatv("tensor<{0}x{1}x{2}x{2}x{3}>", F, C, K, in),
                  y = llvm::formatv("tensor<2x{0}x{1}x{2}x{3}>", F, OH, OW,
                                    out);
      std::string source = llvm::formatv(
          "func.func @main(%x: {0}, %w: {1}) -> {2} {{\n"
          "  %z = arith.constant dense<{3}> : {2}\n"
          "  %y = linalg.conv_2d_nchw_fchw {{strides = dense<{4}> : "
          "tensor<2xi64>, dilations = dense<{5}> : tensor<2xi64>} "
          "ins(%x, %w : {0}, {1}) outs(%z : {2}) -> {2}\n  return %y : {2}\n}",
          x, w, y, isInteger ? "1" : "1.0", S, D);
      ElementType type = isInteger ? ElementType::I8 : ElementType::F32;
      Tensor image = numbers(type, {2, C, H, W}, 4),
             filter = numbers(type, {F, C, K, K}, 5);
      std::vector<Tensor> got = run(source, {image, filter});
      ASSERT_EQ(got.size(), 1u);
      int64_t at = 0;
      for (int n = 0; n < 2; ++n)
        for (int f = 0; f < F; ++f)
          for (int oh = 0; oh < OH; ++oh)
            for (int ow = 0; ow < OW; ++ow, ++at) {
              double sum = 1;
              for (int c = 0; c < C; ++c)
                for (int kh = 0; kh < K; ++kh)
                  for (int kw = 0; kw < K; ++kw)
                    sum += image.at(((n * C + c) * H + oh * S + kh * D) * W +
                                    ow * S + kw * D) *
                           filter.at(((f * C + c) * K + kh) * K + kw);
              ASSERT_EQ(got[0].at(at), sum) << source << at;
            }
    }
}
