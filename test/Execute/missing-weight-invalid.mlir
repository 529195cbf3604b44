// RUN: rm -rf %t && %python %S/Inputs/tensors.py %s %t
// RUN: not imc run %s --input %t --output %t/out 2>&1 | FileCheck %s
// RUN: not ls %t/out
// CHECK: error: {{.*}}cannot run: the data of weight 'fc.weight' ('tensor<2x2xf32>') is not there; put the model's external data file beside the model

// INPUT f32 1x2: 1 2
// OUTPUT f32 1x2: 0 0
func.func @main(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %w = imc.missing_weight "fc.weight" : tensor<2x2xf32>
  %z = arith.constant dense<0.0> : tensor<1x2xf32>
  %y = linalg.matmul ins(%x, %w : tensor<1x2xf32>, tensor<2x2xf32>) outs(%z : tensor<1x2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}
