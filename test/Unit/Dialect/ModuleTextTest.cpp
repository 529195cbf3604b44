//===- ModuleTextTest.cpp - The text of modules ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/imc/IR/ModuleText.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;

namespace {

class ModuleText : public ::testing::Test {
protected:
  ModuleText() {
    context.loadDialect<arith::ArithDialect, func::FuncDialect>();
    OpBuilder builder(&context);
    module = ModuleOp::create(builder, builder.getUnknownLoc());
  }

  /// A constant of `count` bytes in a resource named `name`.
  void addConstant(StringRef name, int64_t count, size_t alignment) {
    OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
    AsmResourceBlob blob = HeapAsmResourceBlob::allocate(count, alignment);
    for (int64_t i = 0; i < count; ++i)
      blob.getMutableData()[i] = char(i * 7 + 250);
    auto type = RankedTensorType::get({count}, builder.getI8Type());
    auto data = DenseResourceElementsAttr::get(type, name, std::move(blob));
    arith::ConstantOp::create(builder, builder.getUnknownLoc(), data);
  }

  std::string byMLIR(OpPrintingFlags flags = {}) {
    std::string text;
    llvm::raw_string_ostream os(text);
    (*module)->print(os, flags);
    return text;
  }
  std::string byUs(OpPrintingFlags flags = {}) {
    std::string text;
    llvm::raw_string_ostream os(text);
    imc::printModuleText(*module, os, flags);
    return text;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

TEST_F(ModuleText, WithoutResources) { EXPECT_EQ(byUs(), byMLIR()); }

TEST_F(ModuleText, SameBytesAsMLIR) {
  // Names that need quotes, and lengths around that of a piece of digits.
  for (StringRef name :
       {"plain", "h.0_$x", "onnx::MatMul_1", "a b\"\\\n\xC3\xBC", "1x", "_",
        "x-y", "module", "true"})
    addConstant(name, 3, 1);
  for (int64_t count : {1, 4095, 4096, 4097, 20000})
    addConstant("n" + std::to_string(count), count, 64);
  EXPECT_EQ(byUs(), byMLIR());
  EXPECT_EQ(byUs(OpPrintingFlags().enableDebugInfo()),
            byMLIR(OpPrintingFlags().enableDebugInfo()));
  EXPECT_NE(byUs().find("dialect_resources"), std::string::npos);
  EXPECT_TRUE(parseSourceString<ModuleOp>(byUs(), &context));
}

TEST_F(ModuleText, LimitOfResourcesIsKept) {
  addConstant("small", 4, 4);
  addConstant("large", 4000, 4);
  auto flags = OpPrintingFlags().elideLargeResourceString(100);
  EXPECT_EQ(byUs(flags), byMLIR(flags));
  EXPECT_LT(byUs(flags).size(), 1000u);
}

} // namespace
