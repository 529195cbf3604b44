// RUN: imc-opt %s -transform-interpreter -split-input-file -verify-diagnostics

// A tile of 2 or 1 of 3 groups: the number of groups is an attribute, it cannot vary.
func.func @conv2d_groups(%x: tensor<1x3x10x10xf32>, %w: tensor<3x1x3x3xf32>, %b: tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32> {
  // expected-error @below {{has 3 groups, which can only be tiled by a size that divides them: the number of groups of a tile is an attribute}}
  // expected-error @below {{to tile operation}}
  // expected-error @below {{failed to generate tiling loops}}
  %y = imc.conv2d ins(%x, %w : tensor<1x3x10x10xf32>, tensor<3x1x3x3xf32>) outs(%b : tensor<1x3x8x8xf32>)
       strides = [1, 1] dilations = [1, 1] groups = 3 -> tensor<1x3x8x8xf32>
  return %y : tensor<1x3x8x8xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["imc.conv2d"]} in %root : (!transform.any_op) -> !transform.any_op
    %t, %l = transform.structured.tile_using_for %op tile_sizes [0, 2] : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Partial sums per element of a tile would not be matmuls any more.
func.func @matmul_partial_sum_per_element(%x: tensor<4x512xf32>, %w: tensor<512x10xf32>, %b: tensor<4x10xf32>) -> tensor<4x10xf32> {
  // expected-error @below {{can keep a partial sum per tile, not per element of a tile: use a tile size of 1 for reduction dimension 2, tile it into parallel loops, or tile without partial sums}}
  // expected-error @below {{to tile operation}}
  // expected-error @below {{failed to generate tiling loops}}
  %y = imc.matmul ins(%x, %w : tensor<4x512xf32>, tensor<512x10xf32>) outs(%b : tensor<4x10xf32>) -> tensor<4x10xf32>
  return %y : tensor<4x10xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["imc.matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-error @below {{failed to tile using partial reduction}}
    %f, %p, %m, %l = transform.structured.tile_reduction_using_for %op by tile_sizes = [0, 0, 128]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// A tensor of partial sums has no place among buffers.
func.func @matmul_partial_sums_of_memrefs(%x: memref<4x512xf32>, %w: memref<512x10xf32>, %b: memref<4x10xf32>) {
  // expected-error @below {{on memrefs has no partial sums}}
  imc.matmul ins(%x, %w : memref<4x512xf32>, memref<512x10xf32>) outs(%b : memref<4x10xf32>)
  return
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["imc.matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    // expected-error @below {{failed to tile using partial reduction}}
    %f, %p, %m, %l = transform.structured.tile_reduction_using_for %op by tile_sizes = [0, 0, 128]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}
