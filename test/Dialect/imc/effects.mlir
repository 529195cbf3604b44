// RUN: imc-opt %s -cse -canonicalize -loop-invariant-code-motion | FileCheck %s

// On tensors an unused product is dead, equal ones are one.
// CHECK-LABEL: @tensors
// CHECK-COUNT-1: imc.matmul
// CHECK-NOT: imc.matmul
// CHECK: return
func.func @tensors(%x: tensor<1x8xf32>, %w: tensor<8x4xf32>, %b: tensor<1x4xf32>) -> (tensor<1x4xf32>, tensor<1x4xf32>) {
  %0 = imc.matmul ins(%x, %w : tensor<1x8xf32>, tensor<8x4xf32>) outs(%b : tensor<1x4xf32>) -> tensor<1x4xf32>
  %1 = imc.matmul ins(%x, %w : tensor<1x8xf32>, tensor<8x4xf32>) outs(%b : tensor<1x4xf32>) -> tensor<1x4xf32>
  %unused = imc.matmul ins(%x, %w : tensor<1x8xf32>, tensor<8x4xf32>) outs(%1 : tensor<1x4xf32>) -> tensor<1x4xf32>
  return %0, %1 : tensor<1x4xf32>, tensor<1x4xf32>
}

// On memrefs every one of them writes.
// CHECK-LABEL: @memrefs
// CHECK-COUNT-2: imc.matmul
func.func @memrefs(%x: memref<1x8xf32>, %w: memref<8x4xf32>, %b: memref<1x4xf32>) {
  imc.matmul ins(%x, %w : memref<1x8xf32>, memref<8x4xf32>) outs(%b : memref<1x4xf32>)
  imc.matmul ins(%x, %w : memref<1x8xf32>, memref<8x4xf32>) outs(%b : memref<1x4xf32>)
  return
}

// Weights are encoded once, not per iteration; the write to a memref stays.
// CHECK-LABEL: @hoisted
// CHECK: imc.encode_weights
// CHECK: scf.for
// CHECK-NOT: imc.encode_weights
// CHECK: imc.matmul
func.func @hoisted(%w: tensor<18x4xi8>, %e: tensor<1x1x1x32x32xi8>, %n: index, %x: memref<1x8xf32>, %v: memref<8x4xf32>, %b: memref<1x4xf32>) -> tensor<1x1x1x32x32xi8> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %e) -> (tensor<1x1x1x32x32xi8>) {
    %cells = imc.encode_weights ins(%w : tensor<18x4xi8>) outs(%e : tensor<1x1x1x32x32xi8>)
             encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 1> groups = 1 groups_per_pack = 1 -> tensor<1x1x1x32x32xi8>
    imc.matmul ins(%x, %v : memref<1x8xf32>, memref<8x4xf32>) outs(%b : memref<1x4xf32>)
    scf.yield %cells : tensor<1x1x1x32x32xi8>
  }
  return %r : tensor<1x1x1x32x32xi8>
}
