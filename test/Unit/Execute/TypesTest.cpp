//===- TypesTest.cpp - Run every element type -----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Executor.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace imc::execute;

namespace {
/// Compiles and runs modules; a failure is the test's.
class TypesTest : public ::testing::Test {
protected:
  TypesTest() {
    mlir::DialectRegistry registry;
    registerExecutionDialects(registry);
    context.appendDialectRegistry(registry);
  }

  std::vector<Tensor> run(const std::string &source,
                          llvm::ArrayRef<Tensor> inputs) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(source, &context);
    auto executor = Executor::compile(*module);
    if (mlir::failed(executor)) {
      ADD_FAILURE() << source;
      return {};
    }
    llvm::Expected<std::vector<Tensor>> outputs = (*executor)->run(inputs);
    if (!outputs) {
      ADD_FAILURE() << llvm::toString(outputs.takeError());
      return {};
    }
    return std::move(*outputs);
  }

  mlir::MLIRContext context;
};

template <typename T>
Tensor tensorOf(ElementType type, llvm::ArrayRef<T> values) {
  Tensor tensor = Tensor::zeros(type, {static_cast<int64_t>(values.size())});
  llvm::copy(values, tensor.as<T>().begin());
  return tensor;
}

std::string replaceAll(std::string text, const std::string &from,
                       const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;
       at += to.size())
    text.replace(at, from.size(), to);
  return text;
}
} // namespace

TEST_F(TypesTest, FloatArithmeticOfEveryWidth) {
  // ELT stands for the type. 0.5, 1 and -2 are numbers of all of them.
  const std::string source = R"(
    func.func @main(%x: tensor<3xELT>) -> (tensor<3xELT>, tensor<3xELT>, tensor<3xELT>, tensor<3xELT>, tensor<ELT>, tensor<3xi1>, tensor<3xi32>) {
      %erf = math.erf %x : tensor<3xELT>
      %tanh = math.tanh %x : tensor<3xELT>
      %exp = math.exp %x : tensor<3xELT>
      %three = arith.constant dense<3.0> : tensor<3xELT>
      %quotient = arith.divf %x, %three : tensor<3xELT>
      %zero = arith.constant dense<0.0> : tensor<ELT>
      %sum = linalg.reduce ins(%x : tensor<3xELT>) outs(%zero : tensor<ELT>) dimensions = [0]
        (%a: ELT, %b: ELT) {
          %c = arith.addf %a, %b : ELT
          linalg.yield %c : ELT
        }
      %half = arith.constant dense<0.5> : tensor<3xELT>
      %less = arith.cmpf ole, %x, %half : tensor<3xELT>
      %integer = arith.fptosi %x : tensor<3xELT> to tensor<3xi32>
      return %erf, %tanh, %exp, %quotient, %sum, %less, %integer : tensor<3xELT>, tensor<3xELT>, tensor<3xELT>, tensor<3xELT>, tensor<ELT>, tensor<3xi1>, tensor<3xi32>
    })";
  struct {
    const char *name;
    Tensor input;
    double epsilon;
  } cases[] = {
      {"f16", tensorOf<uint16_t>(ElementType::F16, {0x3800, 0x3c00, 0xc000}),
       0x1p-10},
      {"bf16", tensorOf<uint16_t>(ElementType::BF16, {0x3f00, 0x3f80, 0xc000}),
       0x1p-7},
      {"f32", tensorOf<float>(ElementType::F32, {0.5f, 1, -2}), 0x1p-22},
      {"f64", tensorOf<double>(ElementType::F64, {0.5, 1, -2}), 0x1p-50},
  };
  for (const auto &[name, input, epsilon] : cases) {
    std::vector<Tensor> y = run(replaceAll(source, "ELT", name), {input});
    ASSERT_EQ(y.size(), 7u) << name;
    const double x[] = {0.5, 1, -2};
    for (int i = 0; i < 3; ++i) {
      EXPECT_NEAR(y[0].at(i), std::erf(x[i]), epsilon) << name;
      EXPECT_NEAR(y[1].at(i), std::tanh(x[i]), epsilon) << name;
      EXPECT_NEAR(y[2].at(i), std::exp(x[i]), 4 * epsilon) << name;
      EXPECT_NEAR(y[3].at(i), x[i] / 3, epsilon) << name;
      EXPECT_EQ(y[5].at(i), x[i] <= 0.5) << name;
      EXPECT_EQ(y[6].at(i), std::trunc(x[i])) << name;
    }
    EXPECT_EQ(y[4].at(0), -0.5) << name;
    EXPECT_EQ(y[0].type, input.type);
    EXPECT_EQ(y[5].type, ElementType::Bool);
  }
}

TEST_F(TypesTest, IntegerArithmeticOfEveryWidth) {
  const std::string source = R"(
    func.func @main(%x: tensor<3xELT>, %y: tensor<3xELT>) -> (tensor<3xELT>, tensor<3xELT>, tensor<3xELT>, tensor<3xELT>, tensor<ELT>, tensor<ELT>) {
      %product = arith.muli %x, %y : tensor<3xELT>
      %signed = arith.divsi %x, %y : tensor<3xELT>
      %unsigned = arith.divui %x, %y : tensor<3xELT>
      %power = math.ipowi %x, %y : tensor<3xELT>
      %zero = arith.constant dense<0> : tensor<ELT>
      %sum = linalg.reduce ins(%x : tensor<3xELT>) outs(%zero : tensor<ELT>) dimensions = [0]
        (%a: ELT, %b: ELT) {
          %c = arith.addi %a, %b : ELT
          linalg.yield %c : ELT
        }
      %largest = linalg.reduce ins(%x : tensor<3xELT>) outs(%zero : tensor<ELT>) dimensions = [0]
        (%a: ELT, %b: ELT) {
          %c = arith.maxui %a, %b : ELT
          linalg.yield %c : ELT
        }
      return %product, %signed, %unsigned, %power, %sum, %largest : tensor<3xELT>, tensor<3xELT>, tensor<3xELT>, tensor<3xELT>, tensor<ELT>, tensor<ELT>
    })";
  Tensor cases[][2] = {
      {tensorOf<int8_t>(ElementType::I8, {7, -6, 3}),
       tensorOf<int8_t>(ElementType::I8, {2, 2, 2})},
      {tensorOf<int16_t>(ElementType::I16, {7, -6, 3}),
       tensorOf<int16_t>(ElementType::I16, {2, 2, 2})},
      {tensorOf<int32_t>(ElementType::I32, {7, -6, 3}),
       tensorOf<int32_t>(ElementType::I32, {2, 2, 2})},
      {tensorOf<int64_t>(ElementType::I64, {7, -6, 3}),
       tensorOf<int64_t>(ElementType::I64, {2, 2, 2})},
  };
  for (const auto &inputs : cases) {
    std::string name = toString(inputs[0].type).str();
    std::vector<Tensor> y =
        run(replaceAll(source, "ELT", name), llvm::ArrayRef(inputs));
    ASSERT_EQ(y.size(), 6u) << name;
    // Unsigned, -6 is 2^w - 6; half of it is positive as a signed number.
    double half = std::ldexp(1, 8 * byteWidth(inputs[0].type) - 1) - 3;
    for (auto [i, x] : llvm::enumerate(std::vector<int>{7, -6, 3})) {
      EXPECT_EQ(y[0].at(i), 2 * x) << name;
      EXPECT_EQ(y[1].at(i), x / 2) << name;
      EXPECT_EQ(y[2].at(i), x < 0 ? half : x / 2) << name;
      EXPECT_EQ(y[3].at(i), x * x) << name;
    }
    EXPECT_EQ(y[4].at(0), 4) << name;
    EXPECT_EQ(y[5].at(0), -6) << name;
  }
}

TEST_F(TypesTest, BitsAndNibbles) {
  std::vector<Tensor> y = run(R"(
    func.func @main(%x: tensor<3xi1>, %y: tensor<3xi1>, %n: tensor<2xi8>) -> (tensor<3xi1>, tensor<i1>, tensor<2xi8>, tensor<2xi8>) {
      %z = arith.xori %x, %y : tensor<3xi1>
      %false = arith.constant dense<false> : tensor<i1>
      %any = linalg.reduce ins(%x : tensor<3xi1>) outs(%false : tensor<i1>) dimensions = [0]
        (%a: i1, %b: i1) {
          %c = arith.ori %a, %b : i1
          linalg.yield %c : i1
        }
      %narrow = arith.trunci %n : tensor<2xi8> to tensor<2xi4>
      %square = arith.addi %narrow, %narrow : tensor<2xi4>
      %s = arith.extsi %square : tensor<2xi4> to tensor<2xi8>
      %u = arith.extui %square : tensor<2xi4> to tensor<2xi8>
      return %z, %any, %s, %u : tensor<3xi1>, tensor<i1>, tensor<2xi8>, tensor<2xi8>
    })",
                              {tensorOf<uint8_t>(ElementType::Bool, {1, 0, 1}),
                               tensorOf<uint8_t>(ElementType::Bool, {1, 1, 0}),
                               tensorOf<int8_t>(ElementType::I8, {-3, 5})});
  ASSERT_EQ(y.size(), 4u);
  EXPECT_EQ(y[0].data, (std::vector<char>{0, 1, 1}));
  EXPECT_EQ(y[1].at(0), 1);
  EXPECT_EQ(y[2].data, (std::vector<char>{-6, -6}));
  EXPECT_EQ(y[3].data, (std::vector<char>{10, 10}));
}

TEST_F(TypesTest, ConversionsBetweenFloats) {
  // 1 + 2^-8 is halfway between two bfloat16; ties go to the even one.
  std::vector<Tensor> y =
      run(R"(
    func.func @main(%x: tensor<3xf64>) -> (tensor<3xbf16>, tensor<3xf16>, tensor<3xf64>) {
      %b = arith.truncf %x : tensor<3xf64> to tensor<3xbf16>
      %h = arith.truncf %x : tensor<3xf64> to tensor<3xf16>
      %d = arith.extf %b : tensor<3xbf16> to tensor<3xf64>
      return %b, %h, %d : tensor<3xbf16>, tensor<3xf16>, tensor<3xf64>
    })",
          {tensorOf<double>(ElementType::F64,
                            {1 + 0x1p-8, 1 + 0x1.8p-7, -INFINITY})});
  ASSERT_EQ(y.size(), 3u);
  EXPECT_EQ(y[0].at(0), 1);
  EXPECT_EQ(y[0].at(1), 1 + 0x1p-6);
  EXPECT_EQ(y[0].at(2), -INFINITY);
  EXPECT_EQ(y[1].at(0), 1 + 0x1p-8);
  EXPECT_EQ(y[2].at(1), 1 + 0x1p-6);
}

TEST_F(TypesTest, PortsOfUnsignedIntegersAndBFloat) {
  const std::string source = R"(
    func.func @main(%x: tensor<1xi8> {imc.unsigned}, %y: tensor<1xi8>, %z: tensor<1xbf16>) -> (tensor<1xi8> {imc.unsigned}, tensor<1xi8>, tensor<1xbf16>) {
      return %x, %y, %z : tensor<1xi8>, tensor<1xi8>, tensor<1xbf16>
    })";
  Tensor u = tensorOf<uint8_t>(ElementType::U8, {200});
  Tensor i = tensorOf<int8_t>(ElementType::I8, {-56});
  Tensor f = tensorOf<float>(ElementType::F32, {1.5f});
  std::vector<Tensor> y = run(source, {u, u, f});
  ASSERT_EQ(y.size(), 3u);
  EXPECT_EQ(y[0].at(0), 200);
  EXPECT_EQ(y[1].at(0), -56);
  EXPECT_EQ(y[2].describe(), "1xbf16");
  EXPECT_EQ(y[2].at(0), 1.5);

  auto module = mlir::parseSourceString<mlir::ModuleOp>(source, &context);
  auto executor = Executor::compile(*module);
  ASSERT_TRUE(mlir::succeeded(executor));
  EXPECT_EQ(llvm::toString((*executor)->checkInputs({i, i, f})),
            "input 'input_0' is 1xi8, but the model takes 1xu8");
  f.as<float>()[0] = 1.1f;
  EXPECT_EQ(llvm::toString((*executor)->checkInputs({u, i, f})),
            "input 'input_2' is 1xf32, but the model takes 1xbf16; round its "
            "values to bfloat16");
}

TEST_F(TypesTest, EmptyTensorsLoopsAndIndexedReads) {
  Tensor x = Tensor::zeros(ElementType::F32, {3, 2});
  for (int i = 0; i < 6; ++i)
    x.as<float>()[i] = i;
  std::vector<Tensor> y = run(R"(
    func.func @main(%x: tensor<3x2xf32>, %rows: tensor<2xi64>, %none: tensor<0x2xf32>) -> (tensor<2x2xf32>, tensor<0x2xf32>, tensor<3x2xf32>, tensor<f32>) {
      %e = tensor.empty() : tensor<2x2xf32>
      %gathered = linalg.generic {
          indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
          iterator_types = ["parallel", "parallel"]} ins(%rows : tensor<2xi64>) outs(%e : tensor<2x2xf32>) {
        ^bb0(%row: i64, %out: f32):
          %i = arith.index_cast %row : i64 to index
          %j = linalg.index 1 : index
          %v = tensor.extract %x[%i, %j] : tensor<3x2xf32>
          linalg.yield %v : f32
      } -> tensor<2x2xf32>
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c3 = arith.constant 3 : index
      %zero = arith.constant dense<0.0> : tensor<2xf32>
      %state, %sums = scf.for %t = %c0 to %c3 step %c1 iter_args(%s = %zero, %out = %x) -> (tensor<2xf32>, tensor<3x2xf32>) {
        %row = tensor.extract_slice %x[%t, 0] [1, 2] [1, 1] : tensor<3x2xf32> to tensor<2xf32>
        %next = arith.addf %s, %row : tensor<2xf32>
        %all = tensor.insert_slice %next into %out[%t, 0] [1, 2] [1, 1] : tensor<2xf32> into tensor<3x2xf32>
        scf.yield %next, %all : tensor<2xf32>, tensor<3x2xf32>
      }
      %empty = arith.addf %none, %none : tensor<0x2xf32>
      %one = arith.constant dense<1.0> : tensor<f32>
      %total = linalg.reduce ins(%empty : tensor<0x2xf32>) outs(%one : tensor<f32>) dimensions = [0, 1]
        (%a: f32, %b: f32) {
          %c = arith.addf %a, %b : f32
          linalg.yield %c : f32
        }
      return %gathered, %empty, %sums, %total : tensor<2x2xf32>, tensor<0x2xf32>, tensor<3x2xf32>, tensor<f32>
    })",
                              {x, tensorOf<int64_t>(ElementType::I64, {2, 0}),
                               Tensor::zeros(ElementType::F32, {0, 2})});
  ASSERT_EQ(y.size(), 4u);
  for (auto [i, want] : llvm::enumerate(std::vector<int>{4, 5, 0, 1}))
    EXPECT_EQ(y[0].at(i), want);
  EXPECT_EQ(y[1].numElements(), 0);
  for (auto [i, want] : llvm::enumerate(std::vector<int>{0, 1, 2, 4, 6, 9}))
    EXPECT_EQ(y[2].at(i), want);
  EXPECT_EQ(y[3].at(0), 1);
}
