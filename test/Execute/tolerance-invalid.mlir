// RUN: rm -rf %t && %python %S/Inputs/tensors.py %s %t
// RUN: not imc run %s --input %t --compare %t --rtol 0.01 --atol 0 > %t/stdout 2> %t/stderr
// RUN: FileCheck %s < %t/stdout
// RUN: FileCheck %s --check-prefix=ERROR < %t/stderr
// RUN: imc run %s --input %t --compare %t --rtol 0.25 --atol 0

// 2.5 for 2: off by 0.5, a quarter.
// CHECK: output_0 'output_0' 1x2xf32: largest absolute difference 5.000000e-01, largest relative difference 2.500000e-01; 1 of 2 elements past rtol 0.01 and atol 0.00, worst at [0, 1]
// ERROR: error: outputs differ from {{.*}} by more than the tolerance
// INPUT f32 1x2: 1 2.5
// OUTPUT f32 1x2: 1 2
func.func @main(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  return %x : tensor<1x2xf32>
}
