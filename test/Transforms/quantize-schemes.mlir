// RUN: imc-opt %s -imc-quantize='weight-bits=3 weight-granularity=per_tensor' | FileCheck %s --check-prefix=TENSOR
// RUN: imc-opt %s -imc-quantize='weight-bits=3 weight-range=mse' | FileCheck %s --check-prefix=MSE
// RUN: imc-opt %s -imc-quantize='input-scheme=symmetric activations=calibrated' | FileCheck %s --check-prefix=MIDDLE
// RUN: imc-opt %s -imc-quantize='input-scheme=symmetric input-granularity=per_token' | FileCheck %s --check-prefix=TOKEN
// RUN: imc-opt %s -imc-quantize='weight-bits=8 input-bits=8' | FileCheck %s --check-prefix=LAYER

module attributes {imc.phase = "offloaded"} {
  // One scale, that of the larger channel: 3 / 3 = 1. Weights of the other one are rounded with it.
  // TENSOR: arith.constant dense<{{\[\[}}3, 1], [2, 0], [2, 1], [0, -1]]> : tensor<4x2xi8>
  // TENSOR: arith.constant dense<1.000000e+00> : tensor<2xf32>

  // The second channel, 0.75 0.25 0.75 -0.75: nothing is better than 0.75 / 3 = 0.25, which has no error.
  // MSE: arith.constant dense<{{\[\[}}{{.*}}, 3], [{{.*}}, 1], [{{.*}}, 3], [{{.*}}, -3]]> : tensor<4x2xi8>
  // MSE: arith.constant dense<[{{.*}}, 2.500000e-01]> : tensor<2xf32>

  // The range -1 to 2 is -2 to 2 around the middle code 128: 2 / 127.
  // MIDDLE: %[[S:.*]] = arith.constant dense<0.0157480314> : tensor<f32>
  // MIDDLE: %[[Z:.*]] = arith.constant dense<128> : tensor<i32>
  // MIDDLE: imc.quantize ins(%{{.*}}, %[[S]], %[[Z]] : {{.*}} bits = 8

  // TOKEN: %[[S:.*]], %[[Z:.*]] = imc.choose_qparams %{{.*}} bits = 8 symmetric per_row : tensor<5x4xf32> -> tensor<5xf32>, tensor<5xi32>
  // TOKEN: imc.quantize ins(%{{.*}}, %[[S]], %[[Z]] : tensor<5x4xf32>, tensor<5xf32>, tensor<5xi32>)
  // TOKEN: imc.dequantize ins(%{{.*}}, %[[S]], %[[Z]], {{.*}} : tensor<5x2xi32>, tensor<5xf32>, tensor<5xi32>

  // Bits of the product go before those of the options; the same input with other bits is quantized for itself.
  // LAYER: imc.choose_qparams %{{.*}} bits = 8
  // LAYER: imc.matmul {{.*}} {imc.weight_bits = 8 : i64}
  // LAYER: imc.choose_qparams %{{.*}} bits = 5
  // LAYER: imc.quantize {{.*}} bits = 5
  // LAYER: imc.matmul {{.*}} {imc.weight_bits = 4 : i64}
  func.func @f(%x: tensor<5x4xf32>, %init: tensor<5x2xf32>) -> (tensor<5x2xf32>, tensor<5x2xf32>) {
    %w = arith.constant dense<[[3.0, 0.75], [2.0, 0.25], [2.0, 0.75], [0.25, -0.75]]> : tensor<4x2xf32>
    %y = imc.matmul ins(%x, %w : tensor<5x4xf32>, tensor<4x2xf32>) outs(%init : tensor<5x2xf32>) {imc.range = [-1.0, 2.0]} -> tensor<5x2xf32>
    %z = imc.matmul ins(%x, %w : tensor<5x4xf32>, tensor<4x2xf32>) outs(%init : tensor<5x2xf32>) {imc.range = [-1.0, 2.0], imc.weight_bits = 4 : i64, imc.input_bits = 5 : i64} -> tensor<5x2xf32>
    return %y, %z : tensor<5x2xf32>, tensor<5x2xf32>
  }
}
