// RUN: imc-opt %s --imc-externalize-constants="min-bytes=16" | FileCheck %s

// The two constants share one value and hence one argument; the splat, the
// small constant and the bits stay.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.*]]: tensor<4xf32>,
// CHECK-SAME:    %[[W:.*]]: tensor<4xf32> {bufferization.writable = false, execute.constant = dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]> : tensor<4xf32>})
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<2xf32>, tensor<4xi1>) {
  %w = arith.constant dense<[1., 2., 3., 4.]> : tensor<4xf32>
  %again = arith.constant dense<[1., 2., 3., 4.]> : tensor<4xf32>
  // CHECK: %[[SPLAT:.*]] = arith.constant dense<0.000000e+00>
  %splat = arith.constant dense<0.0> : tensor<4xf32>
  // CHECK: arith.constant dense<[1.000000e+00, 2.000000e+00]>
  %small = arith.constant dense<[1., 2.]> : tensor<2xf32>
  // CHECK: arith.constant dense<[true, false, true, true]>
  %bits = arith.constant dense<[true, false, true, true]> : tensor<4xi1>
  // CHECK: arith.addf %[[X]], %[[W]]
  %y = arith.addf %x, %w : tensor<4xf32>
  // CHECK: arith.addf %[[SPLAT]], %[[W]]
  %z = arith.addf %splat, %again : tensor<4xf32>
  return %y, %z, %small, %bits : tensor<4xf32>, tensor<4xf32>, tensor<2xf32>, tensor<4xi1>
}

// CHECK-LABEL: func.func @resource(
// CHECK-SAME:    execute.constant = dense_resource<w> : tensor<4xf32>
func.func @resource() -> tensor<4xf32> {
  %w = arith.constant dense_resource<w> : tensor<4xf32>
  return %w : tensor<4xf32>
}

{-# dialect_resources: { builtin: { w: "0x040000000000803F000000400000404000008040" } } #-}
