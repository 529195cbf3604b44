// RUN: imc-opt %s --imc-lower-strided-copies | FileCheck %s

// CHECK-LABEL: @contiguous
// CHECK:         memref.copy
func.func @contiguous(%a: memref<4x4xf32>, %b: memref<4x4xf32>) {
  memref.copy %a, %b : memref<4x4xf32> to memref<4x4xf32>
  return
}

// Channels of one image lie next to each other, whatever the stride of images.
// CHECK-LABEL: @channels
// CHECK:         memref.copy
func.func @channels(%a: memref<1x2x4xf32>, %b: memref<1x2x4xf32, strided<[32, 4, 1], offset: 8>>) {
  memref.copy %a, %b : memref<1x2x4xf32> to memref<1x2x4xf32, strided<[32, 4, 1], offset: 8>>
  return
}

// CHECK-LABEL: @strided
// CHECK-NOT:     memref.copy
// CHECK:         linalg.copy
func.func @strided(%a: memref<4x4xf32>, %b: memref<4x4xf32, strided<[8, 1]>>) {
  memref.copy %a, %b : memref<4x4xf32> to memref<4x4xf32, strided<[8, 1]>>
  return
}
