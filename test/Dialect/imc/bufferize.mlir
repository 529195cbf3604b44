// RUN: imc-opt %s -one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" | FileCheck %s

// The destination is a function argument that may be written: no copy.
// CHECK-LABEL: @in_place
// CHECK-SAME: %[[X:.*]]: memref<4x512xf32>, %[[W:.*]]: memref<512x10xf32>, %[[Y:.*]]: memref<4x10xf32>)
// CHECK-NOT: memref.alloc
// CHECK: imc.matmul ins(%[[X]], %[[W]] : memref<4x512xf32>, memref<512x10xf32>) outs(%[[Y]] : memref<4x10xf32>) {imc.step = 1 : i64}{{$}}
// CHECK: return %[[Y]]
func.func @in_place(%x: tensor<4x512xf32>, %w: tensor<512x10xf32>, %y: tensor<4x10xf32>) -> tensor<4x10xf32> {
  %r = imc.matmul ins(%x, %w : tensor<4x512xf32>, tensor<512x10xf32>) outs(%y : tensor<4x10xf32>) {imc.step = 1 : i64} -> tensor<4x10xf32>
  return %r : tensor<4x10xf32>
}

// The old value is needed afterwards, and the op adds to it: a copy.
// CHECK-LABEL: @accumulates_into_copy
// CHECK: %[[A:.+]] = memref.alloc
// CHECK: memref.copy %{{.*}}, %[[A]]
// CHECK: imc.mvm {{.*}} outs(%[[A]] : memref<1x4x1x16xi32>)
func.func @accumulates_into_copy(%u: tensor<1x4x1x32xi8>, %cells: tensor<1x1x1x32x16xi8>, %acc: tensor<1x4x1x16xi32>)
    -> (tensor<1x4x1x16xi32>, tensor<1x4x1x16xi32>) {
  %a = imc.mvm ins(%u, %cells : tensor<1x4x1x32xi8>, tensor<1x1x1x32x16xi8>) outs(%acc : tensor<1x4x1x16xi32>)
       input = #imc.input<bits = 8, dac_bits = 1>
       readout = #imc.readout<adc_bits = 6, lossless_bits = 6, policy = full> -> tensor<1x4x1x16xi32>
  return %a, %acc : tensor<1x4x1x16xi32>, tensor<1x4x1x16xi32>
}

// The same, but the op overwrites its destination: an allocation, no copy.
// CHECK-LABEL: @overwrites_without_copy
// CHECK: memref.alloc
// CHECK-NOT: memref.copy
// CHECK: imc.quantize
func.func @overwrites_without_copy(%x: tensor<64xf32>, %s: tensor<f32>, %z: tensor<i32>, %e: tensor<64xi8>) -> (tensor<64xi8>, tensor<64xi8>) {
  %q = imc.quantize ins(%x, %s, %z : tensor<64xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<64xi8>) bits = 8 -> tensor<64xi8>
  return %q, %e : tensor<64xi8>, tensor<64xi8>
}

// The optional operand stands before the destination, which is still found.
// CHECK-LABEL: @requantizes_in_buffers
// CHECK: imc.requantize ins(%{{.*}} : memref<4x8xi32{{.*}}>, memref<8xi32{{.*}}>, memref<8xf64{{.*}}>, memref<i32{{.*}}>, memref<f32{{.*}}>) outs(%{{.*}} : memref<4x8xi8>) codes = [-128, 127]
func.func @requantizes_in_buffers(%acc: tensor<4x8xi32>, %b: tensor<8xi32>, %m: tensor<8xf64>, %z: tensor<i32>, %s: tensor<f32>) -> tensor<4x8xi8> {
  %e = tensor.empty() : tensor<4x8xi8>
  %q = imc.requantize ins(%acc, %b, %m, %z, %s : tensor<4x8xi32>, tensor<8xi32>, tensor<8xf64>, tensor<i32>, tensor<f32>) outs(%e : tensor<4x8xi8>) codes = [-128, 127] -> tensor<4x8xi8>
  return %q : tensor<4x8xi8>
}

// Tiles are views of the buffers; nothing is copied inside the loop.
// CHECK-LABEL: @tiles_in_loop
// CHECK: scf.for
// CHECK-NOT: memref.alloc
// CHECK-NOT: memref.copy
// CHECK: imc.mvm
// CHECK: return
func.func @tiles_in_loop(%u: tensor<1x4x3x32xi8>, %cells: tensor<1x3x1x32x16xi8>, %acc: tensor<1x4x1x16xi32>) -> tensor<1x4x1x16xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r = scf.for %s = %c0 to %c3 step %c1 iter_args(%sum = %acc) -> (tensor<1x4x1x16xi32>) {
    %us = tensor.extract_slice %u[0, 0, %s, 0] [1, 4, 1, 32] [1, 1, 1, 1] : tensor<1x4x3x32xi8> to tensor<1x4x1x32xi8>
    %cs = tensor.extract_slice %cells[0, %s, 0, 0, 0] [1, 1, 1, 32, 16] [1, 1, 1, 1, 1] : tensor<1x3x1x32x16xi8> to tensor<1x1x1x32x16xi8>
    %a = imc.mvm ins(%us, %cs : tensor<1x4x1x32xi8>, tensor<1x1x1x32x16xi8>) outs(%sum : tensor<1x4x1x16xi32>)
         input = #imc.input<bits = 8, dac_bits = 1>
         readout = #imc.readout<adc_bits = 6, lossless_bits = 6, policy = full> -> tensor<1x4x1x16xi32>
    scf.yield %a : tensor<1x4x1x16xi32>
  }
  return %r : tensor<1x4x1x16xi32>
}
