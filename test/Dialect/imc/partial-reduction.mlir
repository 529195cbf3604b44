// RUN: imc-opt %s -transform-interpreter -canonicalize -cse -split-input-file | FileCheck %s

// Four tiles of 128 rows, each into sums of its own, added up at the end.
// CHECK-LABEL: @matmul_rows
// CHECK-SAME: %{{.*}}, %{{.*}}, %[[BIAS:.*]]: tensor<4x10xf32>)
// CHECK: %[[ZERO:.+]] = linalg.fill {{.*}} -> tensor<4x10x4xf32>
// CHECK: %[[PARTIAL:.+]] = scf.forall (%[[I:.+]]) in (4) shared_outs(%[[OUT:.+]] = %[[ZERO]])
// CHECK:   %[[SUM:.+]] = tensor.extract_slice %[[OUT]][0, 0, %[[I]]] [4, 10, 1] [1, 1, 1] : tensor<4x10x4xf32> to tensor<4x10xf32>
// CHECK:   %[[Y:.+]] = imc.matmul ins(%{{.*}}, %{{.*}} : tensor<4x128xf32>, tensor<128x10xf32>) outs(%[[SUM]] : tensor<4x10xf32>)
// CHECK:   tensor.parallel_insert_slice %[[Y]] into %[[OUT]][0, 0, %[[I]]] [4, 10, 1]
// CHECK: linalg.reduce ins(%[[PARTIAL]] : tensor<4x10x4xf32>) outs(%[[BIAS]] : tensor<4x10xf32>) dimensions = [2]
// CHECK:   arith.addf
func.func @matmul_rows(%x: tensor<4x512xf32>, %w: tensor<512x10xf32>, %b: tensor<4x10xf32>) -> tensor<4x10xf32> {
  %y = imc.matmul ins(%x, %w : tensor<4x512xf32>, tensor<512x10xf32>) outs(%b : tensor<4x10xf32>) -> tensor<4x10xf32>
  return %y : tensor<4x10xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["imc.matmul"]} in %root : (!transform.any_op) -> !transform.any_op
    %f, %p, %m, %l = transform.structured.tile_reduction_using_forall %op by num_threads = [0, 0, 4] tile_sizes = [] mapping = []
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: @conv2d_input_channels
// CHECK: linalg.fill {{.*}} -> tensor<1x6x8x8x2xi32>
// CHECK: scf.forall
// CHECK:   imc.conv2d ins(%{{.*}}, %{{.*}} : tensor<1x2x10x10xi8>, tensor<6x2x3x3xi8>) outs(%{{.*}} : tensor<1x6x8x8xi32>)
// CHECK: linalg.reduce
// CHECK:   arith.addi
func.func @conv2d_input_channels(%x: tensor<1x4x10x10xi8>, %w: tensor<6x4x3x3xi8>, %b: tensor<1x6x8x8xi32>) -> tensor<1x6x8x8xi32> {
  %y = imc.conv2d ins(%x, %w : tensor<1x4x10x10xi8>, tensor<6x4x3x3xi8>) outs(%b : tensor<1x6x8x8xi32>)
       strides = [1, 1] dilations = [1, 1] groups = 1 -> tensor<1x6x8x8xi32>
  return %y : tensor<1x6x8x8xi32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["imc.conv2d"]} in %root : (!transform.any_op) -> !transform.any_op
    %f, %p, %m, %l = transform.structured.tile_reduction_using_forall %op by num_threads = [0, 0, 0, 0, 2] tile_sizes = [] mapping = []
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// Row strips one after the other into the same partial sums.
// CHECK-LABEL: @mvm_strips_in_sequence
// CHECK: linalg.fill {{.*}} -> tensor<1x4x1x16x1xi32>
// CHECK: scf.for
// CHECK:   imc.mvm ins(%{{.*}}, %{{.*}} : tensor<1x4x1x32xi8>, tensor<1x1x1x32x16xi8>) outs(%{{.*}} : tensor<1x4x1x16xi32>)
// CHECK: linalg.reduce ins(%{{.*}} : tensor<1x4x1x16x1xi32>) outs(%{{.*}} : tensor<1x4x1x16xi32>) dimensions = [4]
func.func @mvm_strips_in_sequence(%u: tensor<1x4x3x32xi8>, %cells: tensor<1x3x1x32x16xi8>, %acc: tensor<1x4x1x16xi32>) -> tensor<1x4x1x16xi32> {
  %a = imc.mvm ins(%u, %cells : tensor<1x4x3x32xi8>, tensor<1x3x1x32x16xi8>) outs(%acc : tensor<1x4x1x16xi32>)
       input = #imc.input<bits = 8, dac_bits = 1>
       readout = #imc.readout<adc_bits = 6, lossless_bits = 6, policy = full> -> tensor<1x4x1x16xi32>
  return %a : tensor<1x4x1x16xi32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["imc.mvm"]} in %root : (!transform.any_op) -> !transform.any_op
    %f, %p, %m, %l = transform.structured.tile_reduction_using_for %op by tile_sizes = [0, 0, 1]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}

// -----

// CHECK-LABEL: @mvm_strips_in_parallel
// CHECK: linalg.fill {{.*}} -> tensor<1x4x1x16x3xi32>
// CHECK: scf.forall (%{{.*}}) in (3)
// CHECK:   imc.mvm ins(%{{.*}}, %{{.*}} : tensor<1x4x1x32xi8>, tensor<1x1x1x32x16xi8>)
// CHECK: linalg.reduce
func.func @mvm_strips_in_parallel(%u: tensor<1x4x3x32xi8>, %cells: tensor<1x3x1x32x16xi8>, %acc: tensor<1x4x1x16xi32>) -> tensor<1x4x1x16xi32> {
  %a = imc.mvm ins(%u, %cells : tensor<1x4x3x32xi8>, tensor<1x3x1x32x16xi8>) outs(%acc : tensor<1x4x1x16xi32>)
       input = #imc.input<bits = 8, dac_bits = 1>
       readout = #imc.readout<adc_bits = 6, lossless_bits = 6, policy = full> -> tensor<1x4x1x16xi32>
  return %a : tensor<1x4x1x16xi32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["imc.mvm"]} in %root : (!transform.any_op) -> !transform.any_op
    %f, %p, %m, %l = transform.structured.tile_reduction_using_forall %op by num_threads = [0, 0, 3] tile_sizes = [] mapping = []
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op, !transform.any_op, !transform.any_op)
    transform.yield
  }
}
