// RUN: imc-opt %s -imc-quantize='weight-bits=3 input-bits=4' | FileCheck %s --check-prefixes=CHECK,DYN
// RUN: imc-opt %s -imc-quantize='weight-bits=3 input-bits=4 activations=calibrated' | FileCheck %s --check-prefixes=CHECK,CAL

module attributes {imc.phase = "offloaded"} {
  // With 3 bits weights lie in -3 to 3. The scale is 1, and halves round to even: 2.5 to 2, 1.5 to 2, 0.5 to 0.
  // CHECK: arith.constant dense<{{\[\[}}3], [2], [2], [0]]> : tensor<4x1xi8>
  // CHECK: arith.constant dense<1.000000e+00> : tensor<1xf32>
  // CHECK: arith.constant dense<7> : tensor<1xi32>
  // DYN: imc.choose_qparams %{{.*}} bits = 4
  // The range -1 to 2 becomes 15 steps of 0.2; -lo/scale = 5.
  // CAL-NOT: imc.choose_qparams
  // CAL: %[[S:.*]] = arith.constant dense<2.000000e-01> : tensor<f32>
  // CAL: %[[Z:.*]] = arith.constant dense<5> : tensor<i32>
  // CAL: imc.quantize ins(%{{.*}}, %[[S]], %[[Z]] : {{.*}} bits = 4
  // A range that does not hold 0 is widened: 0 to 3.
  // CAL: arith.constant dense<2.000000e-01> : tensor<f32>
  // CAL: arith.constant dense<0> : tensor<i32>
  // CAL-NOT: imc.range
  func.func @f(%x: tensor<1x4xf32>, %init: tensor<1x1xf32>) -> (tensor<1x1xf32>, tensor<1x1xf32>) {
    %w = arith.constant dense<[[3.0], [2.5], [1.5], [0.5]]> : tensor<4x1xf32>
    %y = imc.matmul ins(%x, %w : tensor<1x4xf32>, tensor<4x1xf32>) outs(%init : tensor<1x1xf32>) {imc.range = [-1.0, 2.0]} -> tensor<1x1xf32>
    %z = imc.matmul ins(%x, %w : tensor<1x4xf32>, tensor<4x1xf32>) outs(%init : tensor<1x1xf32>) {imc.range = [1.0, 3.0]} -> tensor<1x1xf32>
    return %y, %z : tensor<1x1xf32>, tensor<1x1xf32>
  }
}
