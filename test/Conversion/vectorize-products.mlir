// RUN: imc-opt %s --split-input-file --imc-vectorize-products="min-work=1" | FileCheck %s
// RUN: imc-opt %s --split-input-file --imc-vectorize-products | FileCheck %s --check-prefix=SMALL

// SMALL-NOT: imc_product
// SMALL-NOT: imc_convolution

// One function for both; six rows and one row at a time, two registers wide.
// CHECK-LABEL: func.func @matmul(
// CHECK-NOT:     linalg
// CHECK:         call @imc_product_f32(
// CHECK:         call @imc_product_f32(
// CHECK:       func.func private @imc_product_f32(
// CHECK-SAME:    memref<?x?xf32, strided<[?, 1], offset: ?>> {llvm.noalias}
// CHECK-NOT:     linalg
// CHECK-COUNT-6: vector.fma %{{.*}} : vector<16xf32>
func.func @matmul(%a: memref<8x9xf32>, %b: memref<9x8xf32>, %c: memref<8x8xf32>) {
  linalg.matmul ins(%a, %b : memref<8x9xf32>, memref<9x8xf32>) outs(%c : memref<8x8xf32>)
  // The loops in another order, as imc-prepare-loops leaves them.
  linalg.generic {
      indexing_maps = [affine_map<(m, k, n) -> (m, k)>, affine_map<(m, k, n) -> (k, n)>, affine_map<(m, k, n) -> (m, n)>],
      iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%a, %b : memref<8x9xf32>, memref<9x8xf32>) outs(%c : memref<8x8xf32>) {
    ^bb0(%x: f32, %w: f32, %y: f32):
      %p = arith.mulf %w, %x : f32
      %s = arith.addf %y, %p : f32
      linalg.yield %s : f32
  }
  return
}

// -----

// CHECK-LABEL: func.func @batches(
// CHECK:         scf.for
// CHECK:           memref.subview %{{.*}} : memref<3x4x5xf64> to memref<4x5xf64, strided<[5, 1], offset: ?>>
// CHECK:           call @imc_product_f64(
func.func @batches(%a: memref<3x4x5xf64>, %b: memref<3x5x8xf64>, %c: memref<3x4x8xf64>) {
  linalg.batch_matmul ins(%a, %b : memref<3x4x5xf64>, memref<3x5x8xf64>) outs(%c : memref<3x4x8xf64>)
  return
}

// -----

// The filter is the left operand. Strides and dilations are arguments.
// CHECK-LABEL: func.func @conv(
// CHECK:         memref.collapse_shape %{{.*}} : memref<4x3x3x3xf32> into memref<4x27xf32>
// CHECK:         memref.collapse_shape %{{.*}} : memref<4x7x7xf32, strided<[49, 7, 1], offset: ?>> into memref<4x49xf32, strided<[49, 1], offset: ?>>
// CHECK:         call @imc_convolution_f32(
// CHECK:       func.func private @imc_convolution_f32(
// CHECK:         call @imc_product_f32(
func.func @conv(%x: memref<2x3x17x17xf32>, %w: memref<4x3x3x3xf32>, %y: memref<2x4x7x7xf32>) {
  linalg.conv_2d_nchw_fchw {strides = dense<2> : tensor<2xi64>, dilations = dense<2> : tensor<2xi64>}
    ins(%x, %w : memref<2x3x17x17xf32>, memref<4x3x3x3xf32>) outs(%y : memref<2x4x7x7xf32>)
  return
}

// -----

// One tap per window: the image is the matrix.
// CHECK-LABEL: func.func @pointwise(
// CHECK-NOT:     imc_convolution
// CHECK:         memref.collapse_shape %{{.*}} : memref<3x7x7xf32, strided<[49, 7, 1], offset: ?>> into memref<3x49xf32, strided<[49, 1], offset: ?>>
// CHECK:         call @imc_product_f32(
func.func @pointwise(%x: memref<1x3x7x7xf32>, %w: memref<4x3x1x1xf32>, %y: memref<1x4x7x7xf32>) {
  linalg.conv_2d_nchw_fchw ins(%x, %w : memref<1x3x7x7xf32>, memref<4x3x1x1xf32>) outs(%y : memref<1x4x7x7xf32>)
  return
}

// -----

// CHECK-LABEL: func.func @groups(
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             call @imc_convolution_f32(
func.func @groups(%x: memref<1x2x3x9x9xf32>, %w: memref<2x4x3x3x3xf32>, %y: memref<1x2x4x7x7xf32>) {
  linalg.conv_2d_ngchw_gfchw ins(%x, %w : memref<1x2x3x9x9xf32>, memref<2x4x3x3x3xf32>) outs(%y : memref<1x2x4x7x7xf32>)
  return
}

// -----

// The input is unsigned, the weight signed, as imc.matmul has it.
// CHECK-LABEL: func.func @integers(
// CHECK:         call @imc_product_u8s8i32(
// CHECK:       func.func private @imc_product_u8s8i32(
// CHECK:         arith.extsi %{{.*}} : vector<16xi8> to vector<16xi32>
// CHECK:         arith.extui %{{.*}} : vector<6x1xi8> to vector<6x1xi32>
// CHECK:         arith.muli %{{.*}} : vector<16xi32>
func.func @integers(%a: memref<8x9xi8>, %b: memref<9x8xi8>, %c: memref<8x8xi32>) {
  linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : memref<8x9xi8>, memref<9x8xi8>) outs(%c : memref<8x8xi32>) {
    ^bb0(%x: i8, %w: i8, %y: i32):
      %xx = arith.extui %x : i8 to i32
      %ww = arith.extsi %w : i8 to i32
      %p = arith.muli %xx, %ww : i32
      %s = arith.addi %y, %p : i32
      linalg.yield %s : i32
  }
  return
}

// -----

// What stays: few rows, a transposed operand, a depthwise convolution, another
// body, and strided rows.
// CHECK-LABEL: func.func @others(
// CHECK-NOT:     call
// CHECK-NOT:     func.func
func.func @others(%a: memref<2x9xf32>, %b: memref<9x8xf32>, %c: memref<2x8xf32>,
                  %d: memref<8x9xf32>, %e: memref<8x9xf32>, %f: memref<8x8xf32>,
                  %x: memref<1x8x9x9xf32>, %w: memref<8x3x3xf32>, %y: memref<1x8x7x7xf32>,
                  %s: memref<9x8xf32, strided<[16, 2]>>) {
  linalg.matmul ins(%a, %b : memref<2x9xf32>, memref<9x8xf32>) outs(%c : memref<2x8xf32>)
  linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%d, %e : memref<8x9xf32>, memref<8x9xf32>) outs(%f : memref<8x8xf32>) {
    ^bb0(%p: f32, %q: f32, %o: f32):
      %0 = arith.mulf %p, %q : f32
      %1 = arith.addf %o, %0 : f32
      linalg.yield %1 : f32
  }
  linalg.depthwise_conv_2d_nchw_chw ins(%x, %w : memref<1x8x9x9xf32>, memref<8x3x3xf32>) outs(%y : memref<1x8x7x7xf32>)
  linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%d, %b : memref<8x9xf32>, memref<9x8xf32>) outs(%f : memref<8x8xf32>) {
    ^bb0(%p: f32, %q: f32, %o: f32):
      %0 = arith.mulf %p, %q : f32
      %1 = arith.maximumf %o, %0 : f32
      linalg.yield %1 : f32
  }
  linalg.matmul ins(%d, %s : memref<8x9xf32>, memref<9x8xf32, strided<[16, 2]>>) outs(%f : memref<8x8xf32>)
  return
}
