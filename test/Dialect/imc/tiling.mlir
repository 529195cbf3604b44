// RUN: imc-opt %s -transform-interpreter -canonicalize -cse -split-input-file | FileCheck %s

// One array and one window per op: what imc-tile asks for. All slices are static.
// CHECK-LABEL: @mvm_one_array
// CHECK: scf.for %[[P:.+]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args
// CHECK:   scf.for %[[S:.+]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args
// CHECK:     scf.for %[[T:.+]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[ACC:.+]] =
// CHECK:       %[[U:.+]] = tensor.extract_slice %{{.*}}[%[[P]], 0, %[[S]], 0] [1, 49, 1, 128] [1, 1, 1, 1] : tensor<2x49x5x128xi8> to tensor<1x49x1x128xi8>
// CHECK:       %[[W:.+]] = tensor.extract_slice %{{.*}}[%[[P]], %[[S]], %[[T]], 0, 0] [1, 1, 1, 128, 64]
// CHECK-SAME:    tensor<2x5x3x128x64xi8> to tensor<1x1x1x128x64xi8>
// CHECK:       %[[A:.+]] = tensor.extract_slice %[[ACC]][%[[P]], 0, %[[T]], 0] [1, 49, 1, 64] [1, 1, 1, 1] : tensor<2x49x3x64xi32> to tensor<1x49x1x64xi32>
// CHECK:       %[[Y:.+]] = imc.mvm ins(%[[U]], %[[W]] : tensor<1x49x1x128xi8>, tensor<1x1x1x128x64xi8>) outs(%[[A]] : tensor<1x49x1x64xi32>)
// CHECK:       tensor.insert_slice %[[Y]] into %[[ACC]][%[[P]], 0, %[[T]], 0] [1, 49, 1, 64]
func.func @mvm_one_array(%u: tensor<2x49x5x128xi8>, %cells: tensor<2x5x3x128x64xi8>, %acc: tensor<2x49x3x64xi32>) -> tensor<2x49x3x64xi32> {
  %a = imc.mvm ins(%u, %cells : tensor<2x49x5x128xi8>, tensor<2x5x3x128x64xi8>) outs(%acc : tensor<2x49x3x64xi32>)
       input = #imc.input<bits = 8, dac_bits = 1>
       readout = #imc.readout<adc_bits = 8, lossless_bits = 8, policy = full> -> tensor<2x49x3x64xi32>
  return %a : tensor<2x49x3x64xi32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["imc.mvm"]} in %root : (!transform.any_op) -> !transform.any_op
    %t, %l:3 = transform.structured.tile_using_for %op tile_sizes [1, 0, 1, 1, 0]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// In buffers the slices are views.
// CHECK-LABEL: @mvm_in_buffers
// CHECK: memref.subview
// CHECK: imc.mvm ins(%{{.*}}, %{{.*}} : memref<1x4x1x32xi8, strided
// CHECK-SAME: policy = full>{{$}}
func.func @mvm_in_buffers(%u: memref<1x4x2x32xi8>, %cells: memref<1x2x1x32x16xi8>, %acc: memref<1x4x1x16xi32>) {
  imc.mvm ins(%u, %cells : memref<1x4x2x32xi8>, memref<1x2x1x32x16xi8>) outs(%acc : memref<1x4x1x16xi32>)
    input = #imc.input<bits = 8, dac_bits = 1> readout = #imc.readout<adc_bits = 6, lossless_bits = 6, policy = full>
  return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["imc.mvm"]} in %root : (!transform.any_op) -> !transform.any_op
    %t, %l = transform.structured.tile_using_for %op tile_sizes [0, 0, 1] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// 10 columns by 4: the last tile is smaller, its shape dynamic.
// CHECK-LABEL: @matmul_remainder
// CHECK: scf.forall
// CHECK:   imc.matmul ins(%{{.*}}, %{{.*}} : tensor<4x512xf32>, tensor<512x?xf32>) outs(%{{.*}} : tensor<4x?xf32>) -> tensor<4x?xf32>
// CHECK:   tensor.parallel_insert_slice
func.func @matmul_remainder(%x: tensor<4x512xf32>, %w: tensor<512x10xf32>, %b: tensor<4x10xf32>) -> tensor<4x10xf32> {
  %y = imc.matmul ins(%x, %w : tensor<4x512xf32>, tensor<512x10xf32>) outs(%b : tensor<4x10xf32>) -> tensor<4x10xf32>
  return %y : tensor<4x10xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["imc.matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %t, %l = transform.structured.tile_using_forall %op tile_sizes [0, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Two output rows at stride 2 need 2·(2 - 1) + 3 = 5 input rows; half the input channels per step.
// CHECK-LABEL: @conv2d_window
// CHECK: %[[X:.+]] = tensor.extract_slice %{{.*}}[0, %{{.*}}, %{{.*}}, 0] [1, 2, 5, 17] [1, 1, 1, 1] : tensor<1x4x17x17xf32> to tensor<1x2x5x17xf32>
// CHECK: %[[W:.+]] = tensor.extract_slice %{{.*}}[0, %{{.*}}, 0, 0] [6, 2, 3, 3]
// CHECK: imc.conv2d ins(%[[X]], %[[W]] : tensor<1x2x5x17xf32>, tensor<6x2x3x3xf32>) outs(%{{.*}} : tensor<1x6x2x8xf32>) strides = [2, 2] dilations = [1, 1] groups = 1
func.func @conv2d_window(%x: tensor<1x4x17x17xf32>, %w: tensor<6x4x3x3xf32>, %b: tensor<1x6x8x8xf32>) -> tensor<1x6x8x8xf32> {
  %y = imc.conv2d ins(%x, %w : tensor<1x4x17x17xf32>, tensor<6x4x3x3xf32>) outs(%b : tensor<1x6x8x8xf32>)
       strides = [2, 2] dilations = [1, 1] groups = 1 -> tensor<1x6x8x8xf32>
  return %y : tensor<1x6x8x8xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["imc.conv2d"]} in %root : (!transform.any_op) -> !transform.any_op
    %t, %l:2 = transform.structured.tile_using_for %op tile_sizes [0, 0, 2, 0, 2]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Groups are tiled whole: a tile of 2 of 4 groups has 2·2 inputs and 2·3 outputs.
// CHECK: #[[TWICE:.+]] = affine_map<(d0) -> (d0 * 2)>
// CHECK-LABEL: @conv2d_groups
// CHECK: %[[C:.+]] = affine.apply #[[TWICE]]
// CHECK: tensor.extract_slice %{{.*}}[0, %[[C]], 0, 0] [1, 4, 10, 10]
// CHECK: imc.conv2d ins(%{{.*}}, %{{.*}} : tensor<1x4x10x10xf32>, tensor<6x2x3x3xf32>) outs(%{{.*}} : tensor<1x6x8x8xf32>) strides = [1, 1] dilations = [1, 1] groups = 2
func.func @conv2d_groups(%x: tensor<1x8x10x10xf32>, %w: tensor<12x2x3x3xf32>, %b: tensor<1x12x8x8xf32>) -> tensor<1x12x8x8xf32> {
  %y = imc.conv2d ins(%x, %w : tensor<1x8x10x10xf32>, tensor<12x2x3x3xf32>) outs(%b : tensor<1x12x8x8xf32>)
       strides = [1, 1] dilations = [1, 1] groups = 4 -> tensor<1x12x8x8xf32>
  return %y : tensor<1x12x8x8xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["imc.conv2d"]} in %root : (!transform.any_op) -> !transform.any_op
    %t, %l = transform.structured.tile_using_for %op tile_sizes [0, 2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// dequantize is tiled by channels; the sums that it reads are computed in the same loop.
// CHECK-LABEL: @fuse_product_into_dequantize
// CHECK: scf.forall
// CHECK:   %[[ACC:.+]] = imc.matmul ins(%{{.*}}, %{{.*}} : tensor<4x512xi8>, tensor<512x4xi8>)
// CHECK:   imc.dequantize ins(%[[ACC]], %{{.*}} : tensor<4x4xi32>, tensor<f32>, tensor<i32>, tensor<4xf32>, tensor<4xi32>, tensor<4xf32>)
func.func @fuse_product_into_dequantize(%x: tensor<4x512xi8>, %w: tensor<512x8xi8>, %zero: tensor<4x8xi32>, %xs: tensor<f32>, %xz: tensor<i32>,
    %ws: tensor<8xf32>, %wsum: tensor<8xi32>, %bias: tensor<8xf32>, %e: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %acc = imc.matmul ins(%x, %w : tensor<4x512xi8>, tensor<512x8xi8>) outs(%zero : tensor<4x8xi32>) -> tensor<4x8xi32>
  %y = imc.dequantize ins(%acc, %xs, %xz, %ws, %wsum, %bias : tensor<4x8xi32>, tensor<f32>, tensor<i32>, tensor<8xf32>, tensor<8xi32>, tensor<8xf32>)
       outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["imc.dequantize"]} in %root : (!transform.any_op) -> !transform.any_op
    %producer = transform.structured.match ops{["imc.matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %t, %l = transform.structured.tile_using_forall %op tile_sizes [0, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %f, %n = transform.structured.fuse_into_containing_op %producer into %l
        : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// requantize likewise; bias and multiplier are cut with the channels, the optional step is not.
// CHECK-LABEL: @fuse_product_into_requantize
// CHECK: scf.forall
// CHECK:   %[[ACC:.+]] = imc.matmul ins(%{{.*}}, %{{.*}} : tensor<4x512xi8>, tensor<512x4xi8>)
// CHECK:   imc.requantize ins(%[[ACC]], %{{.*}} : tensor<4x4xi32>, tensor<4xi32>, tensor<4xf64>, tensor<i32>, tensor<f32>)
// CHECK-SAME: outs(%{{.*}} : tensor<4x4xi8>) codes = [0, 255]
func.func @fuse_product_into_requantize(%x: tensor<4x512xi8>, %w: tensor<512x8xi8>, %zero: tensor<4x8xi32>, %b: tensor<8xi32>,
    %m: tensor<8xf64>, %zp: tensor<i32>, %step: tensor<f32>, %e: tensor<4x8xi8>) -> tensor<4x8xi8> {
  %acc = imc.matmul ins(%x, %w : tensor<4x512xi8>, tensor<512x8xi8>) outs(%zero : tensor<4x8xi32>) -> tensor<4x8xi32>
  %q = imc.requantize ins(%acc, %b, %m, %zp, %step : tensor<4x8xi32>, tensor<8xi32>, tensor<8xf64>, tensor<i32>, tensor<f32>)
       outs(%e : tensor<4x8xi8>) codes = [0, 255] -> tensor<4x8xi8>
  return %q : tensor<4x8xi8>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["imc.requantize"]} in %root : (!transform.any_op) -> !transform.any_op
    %producer = transform.structured.match ops{["imc.matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %t, %l = transform.structured.tile_using_forall %op tile_sizes [0, 4] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    %f, %n = transform.structured.fuse_into_containing_op %producer into %l
        : (!transform.any_op, !transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Tile and fuse in one go; the scale is a scalar and is not sliced.
// CHECK-LABEL: @fuse_quantize_into_product
// CHECK: scf.for
// CHECK:   %[[Q:.+]] = imc.quantize ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<2x64xf32>, tensor<f32>, tensor<i32>) outs(%{{.*}} : tensor<2x64xi8>) bits = 8
// CHECK:   imc.matmul ins(%[[Q]], %{{.*}} : tensor<2x64xi8>, tensor<64x10xi8>)
func.func @fuse_quantize_into_product(%x: tensor<8x64xf32>, %s: tensor<f32>, %z: tensor<i32>, %e: tensor<8x64xi8>, %w: tensor<64x10xi8>, %zero: tensor<8x10xi32>) -> tensor<8x10xi32> {
  %q = imc.quantize ins(%x, %s, %z : tensor<8x64xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<8x64xi8>) bits = 8 -> tensor<8x64xi8>
  %y = imc.matmul ins(%q, %w : tensor<8x64xi8>, tensor<64x10xi8>) outs(%zero : tensor<8x10xi32>) -> tensor<8x10xi32>
  return %y : tensor<8x10xi32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["imc.matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %t, %l = transform.structured.fuse %op tile_sizes [2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
