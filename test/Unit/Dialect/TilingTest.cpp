//===- TilingTest.cpp - Fusion of a consumer into a tiled producer --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The direction for which upstream's transform dialect has no op; the others
// are in test/Dialect/imc/tiling.mlir.
//
//===----------------------------------------------------------------------===//

#include "dialects/imc/IR/IMC.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;

TEST(TilingTest, DequantizeIsFusedIntoTheLoopOfItsProduct) {
  MLIRContext context;
  context.loadDialect<imc::IMCDialect, func::FuncDialect, scf::SCFDialect>();
  const char *text = R"mlir(
    func.func @f(%x: tensor<4x512xi8>, %w: tensor<512x8xi8>, %zero: tensor<4x8xi32>, %xs: tensor<f32>, %xz: tensor<i32>,
        %ws: tensor<8xf32>, %wsum: tensor<8xi32>, %bias: tensor<8xf32>, %e: tensor<4x8xf32>) -> tensor<4x8xf32> {
      %acc = imc.matmul ins(%x, %w : tensor<4x512xi8>, tensor<512x8xi8>) outs(%zero : tensor<4x8xi32>) -> tensor<4x8xi32>
      %y = imc.dequantize ins(%acc, %xs, %xz, %ws, %wsum, %bias : tensor<4x8xi32>, tensor<f32>, tensor<i32>,
          tensor<8xf32>, tensor<8xi32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
      return %y : tensor<4x8xf32>
    })mlir";
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  ASSERT_TRUE(module);
  imc::MatmulOp product;
  imc::DequantizeOp consumer;
  module->walk([&](imc::MatmulOp op) { product = op; });
  module->walk([&](imc::DequantizeOp op) { consumer = op; });

  IRRewriter rewriter(&context);
  rewriter.setInsertionPoint(product);
  scf::SCFTilingOptions options;
  options.setTileSizes({rewriter.getIndexAttr(0), rewriter.getIndexAttr(2)});
  auto tiled = scf::tileUsingSCF(
      rewriter, cast<TilingInterface>(product.getOperation()), options);
  ASSERT_TRUE(succeeded(tiled));
  rewriter.replaceOp(product, tiled->replacements);
  auto fused = scf::tileAndFuseConsumer(rewriter, consumer, tiled->loops);
  ASSERT_TRUE(succeeded(fused));
  ASSERT_TRUE(succeeded(verify(*module)));

  // Inside of the loop there is a dequantize of two channels.
  int found = 0;
  module->walk([&](scf::ForOp loop) {
    loop.walk([&](imc::DequantizeOp op) {
      ++found;
      EXPECT_EQ(op.getResult().getType(),
                RankedTensorType::get({4, 2}, rewriter.getF32Type()));
      EXPECT_EQ(op.getBias().getType(),
                RankedTensorType::get({2}, rewriter.getF32Type()));
      EXPECT_TRUE(
          op.getAcc().getDefiningOp<imc::MatmulOp>() != nullptr ||
          op.getAcc().getDefiningOp<tensor::InsertSliceOp>() != nullptr ||
          op.getAcc().getDefiningOp<tensor::ExtractSliceOp>() != nullptr);
    });
  });
  EXPECT_EQ(found, 1);
}
