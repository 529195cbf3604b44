// RUN: imc-opt %s -imc-quantize='weight-bits=16 input-bits=16' | FileCheck %s --check-prefixes=CHECK,BOTH
// RUN: imc-opt %s -imc-quantize='weight-bits=16 input-bits=8' | FileCheck %s --check-prefixes=CHECK,WEIGHTS
// RUN: imc-opt %s -imc-quantize='weight-bits=16 input-bits=16' -imc-attach-target=file=rram-32nm -imc-tile -imc-verify-phase | FileCheck %s --check-prefix=TILED
// RUN: imc-opt %s -imc-quantize='weight-bits=16 input-bits=12' -imc-lower-to-linalg | FileCheck %s --check-prefix=LINALG

// Channel 0: max|w| = 1, scale 1/32767, weights 32767 and round(8191.75) = 8192, sum 40959.
// Channel 1: max|w| = 2, scale 2/32767, weights round(-8191.75) = -8192 and 32767, sum 24575.
module attributes {imc.phase = "offloaded"} {
  // CHECK-LABEL: @matmul
  func.func @matmul(%x: tensor<3x2xf32>, %b: tensor<2xf32>) -> tensor<3x2xf32> {
    // CHECK-DAG: arith.constant dense<{{\[\[}}32767, -8192], [8192, 32767]]> : tensor<2x2xi16>
    // CHECK-DAG: arith.constant dense<[40959, 24575]> : tensor<2xi32>
    // BOTH: imc.quantize {{.*}} outs(%{{.*}} : tensor<3x2xi16>) bits = 16
    // WEIGHTS: imc.quantize {{.*}} outs(%{{.*}} : tensor<3x2xi8>) bits = 8
    // BOTH: imc.matmul ins({{.*}} : tensor<3x2xi16>, tensor<2x2xi16>) outs(%{{.*}} : tensor<3x2xi64>) {imc.weight_bits = 16 : i64}
    // WEIGHTS: imc.matmul ins({{.*}} : tensor<3x2xi8>, tensor<2x2xi16>) outs(%{{.*}} : tensor<3x2xi64>)
    // CHECK: imc.dequantize ins({{.*}} : tensor<3x2xi64>, tensor<f32>, tensor<i32>, tensor<2xf32>, tensor<2xi32>, tensor<2xf32>)
    // TILED: imc.unfold ins(%{{.*}} : tensor<3x2xi16>) outs(%{{.*}} : tensor<1x3x1x[[ROWS:.*]]xi16>)
    // TILED: imc.encode_weights ins(%{{.*}} : tensor<2x2xi16>) {{.*}} encoding = #imc.encoding<offset, weight_bits = 16,
    // TILED: imc.mvm {{.*}}xi16>, {{.*}}xi8>) outs({{.*}}xi64>) input = #imc.input<bits = 16,
    // TILED: imc.shift_add ins({{.*}}xi64>, {{.*}}xi16>) outs(%{{.*}} : tensor<3x2xi64>)
    // LINALG: arith.trunci %{{.*}} : i32 to i16
    // LINALG: arith.extui %{{.*}} : i16 to i64
    // LINALG-NEXT: arith.extsi %{{.*}} : i16 to i64
    // LINALG: arith.sitofp %{{.*}} : i64 to f32
    %w = arith.constant dense<[[1.0, -0.5], [0.25, 2.0]]> : tensor<2x2xf32>
    %e = tensor.empty() : tensor<3x2xf32>
    %init = linalg.broadcast ins(%b : tensor<2xf32>) outs(%e : tensor<3x2xf32>) dimensions = [0]
    %y = imc.matmul ins(%x, %w : tensor<3x2xf32>, tensor<2x2xf32>) outs(%init : tensor<3x2xf32>) -> tensor<3x2xf32>
    return %y : tensor<3x2xf32>
  }
}
