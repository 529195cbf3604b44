//===- OpsTest.cpp - Each op on numbers worked by hand --------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs Ops/<op>.mlir, whose comments state inputs, expected outputs and the
// calculation between them:
//
//   // INPUT u8 1x2: 200 255
//   // OUTPUT i32 -: 7            (a scalar)
//
// Outputs must be equal bit for bit.
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Executor.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

using namespace imc::execute;

namespace {

/// The tensor that follows INPUT or OUTPUT; false when it is malformed.
bool parseTensor(llvm::StringRef text, Tensor &tensor) {
  auto [head, values] = text.split(':');
  auto [element, shape] = head.split(' ');
  ElementType type;
  if (element == "f32")
    type = ElementType::F32;
  else if (element == "i8")
    type = ElementType::I8;
  else if (element == "u8")
    type = ElementType::U8;
  else if (element == "i32")
    type = ElementType::I32;
  else if (element == "i64")
    type = ElementType::I64;
  else
    return false;
  std::vector<int64_t> extents;
  if (shape != "-") {
    llvm::SmallVector<llvm::StringRef> parts;
    shape.split(parts, 'x');
    for (llvm::StringRef part : parts)
      if (extents.emplace_back(); part.getAsInteger(10, extents.back()))
        return false;
  }
  tensor = Tensor::zeros(type, extents);
  llvm::SmallVector<llvm::StringRef> numbers;
  llvm::SplitString(values, numbers, " ");
  if (static_cast<int64_t>(numbers.size()) != tensor.numElements())
    return false;
  for (auto [i, number] : llvm::enumerate(numbers)) {
    double value;
    if (number.getAsDouble(value))
      return false;
    if (type == ElementType::F32)
      tensor.as<float>()[i] = static_cast<float>(value);
    else if (type == ElementType::I32)
      tensor.as<int32_t>()[i] = static_cast<int32_t>(value);
    else if (type == ElementType::I64)
      tensor.as<int64_t>()[i] = static_cast<int64_t>(value);
    else
      tensor.as<uint8_t>()[i] = static_cast<uint8_t>(static_cast<int>(value));
  }
  return true;
}

class OpsTest : public ::testing::TestWithParam<const char *> {};

} // namespace

TEST_P(OpsTest, GivesTheStatedNumbers) {
  std::string path = std::string(IMC_SOURCE_DIR) + "/test/Unit/Execute/Ops/" +
                     GetParam() + ".mlir";
  auto buffer = llvm::MemoryBuffer::getFile(path);
  ASSERT_TRUE(buffer) << path;
  std::vector<Tensor> inputs, expected;
  llvm::SmallVector<llvm::StringRef> lines;
  (*buffer)->getBuffer().split(lines, '\n');
  for (llvm::StringRef line : lines) {
    Tensor tensor;
    if (line.consume_front("// INPUT ")) {
      ASSERT_TRUE(parseTensor(line, tensor)) << line.str();
      inputs.push_back(tensor);
    } else if (line.consume_front("// OUTPUT ")) {
      ASSERT_TRUE(parseTensor(line, tensor)) << line.str();
      expected.push_back(tensor);
    }
  }
  ASSERT_FALSE(expected.empty());

  mlir::DialectRegistry registry;
  registerExecutionDialects(registry);
  mlir::MLIRContext context(registry);
  std::string diagnostics;
  mlir::ScopedDiagnosticHandler handler(
      &context, [&](mlir::Diagnostic &diagnostic) {
        diagnostics += diagnostic.str() + "\n";
        return mlir::success();
      });
  auto module =
      mlir::parseSourceString<mlir::ModuleOp>((*buffer)->getBuffer(), &context);
  ASSERT_TRUE(module) << diagnostics;
  auto executor = Executor::compile(*module);
  ASSERT_TRUE(mlir::succeeded(executor)) << diagnostics;
  auto outputs = (*executor)->run(inputs);
  ASSERT_TRUE(static_cast<bool>(outputs))
      << llvm::toString(outputs.takeError());
  ASSERT_EQ(outputs->size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ((*outputs)[i].shape, expected[i].shape) << "output " << i;
    Tensor got = (*outputs)[i];
    got.type = expected[i].type; // i8 has no sign
    for (int64_t j = 0; j < got.numElements(); ++j)
      EXPECT_EQ(got.at(j), expected[i].at(j))
          << "output " << i << ", element " << j;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, OpsTest,
                         ::testing::Values("choose-qparams", "conv2d",
                                           "dequantize", "encode-weights",
                                           "matmul", "mvm", "quantize",
                                           "requantize", "requantize-i64",
                                           "requantize-wide", "shift-add",
                                           "unfold"));
