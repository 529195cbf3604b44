// A pipeline of all conversions stops at the first missing weight and names it.
// RUN: not imc-opt %s --pass-pipeline="builtin.module(imc-lower-to-linalg,imc-prepare-loops,imc-externalize-constants)" 2>&1 | FileCheck %s
// CHECK: error: cannot run: the data of weight 'conv1.weight'
// CHECK-NOT: linalg.generic
func.func @main(%x: tensor<1x1x3x3xf32>, %y: tensor<1x4x1x1xf32>) -> tensor<1x4x1x1xf32> {
  %w = imc.missing_weight "conv1.weight" : tensor<4x1x3x3xf32>
  %0 = linalg.conv_2d_nchw_fchw ins(%x, %w : tensor<1x1x3x3xf32>, tensor<4x1x3x3xf32>) outs(%y : tensor<1x4x1x1xf32>) -> tensor<1x4x1x1xf32>
  return %0 : tensor<1x4x1x1xf32>
}
