// RUN: imc-opt %s --imc-lower-strided-copies | FileCheck %s

// CHECK-LABEL: @contiguous
// CHECK:         memref.copy
func.func @contiguous(%a: memref<4x4xf32>, %b: memref<4x4xf32>) {
  memref.copy %a, %b : memref<4x4xf32> to memref<4x4xf32>
  return
}

// CHECK-LABEL: @strided
// CHECK-NOT:     memref.copy
// CHECK:         linalg.copy
func.func @strided(%a: memref<4x4xf32>, %b: memref<4x4xf32, strided<[8, 1]>>) {
  memref.copy %a, %b : memref<4x4xf32> to memref<4x4xf32, strided<[8, 1]>>
  return
}
