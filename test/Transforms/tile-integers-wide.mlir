// RUN: imc-opt %s -imc-attach-target=file=rram-32nm -imc-tile -imc-verify-phase | FileCheck %s
// RUN: not imc-opt %s -imc-attach-target=file=rram-32nm -imc-tile=encoding=differential 2>&1 | FileCheck %s --check-prefix=DIFFERENTIAL

// The model's own integers of 16 bits: slices and phases of the attributes' bits, sums in i64. A weight may be -32768.
// CHECK-LABEL: @matmul
// CHECK: imc.encode_weights {{.*}} tensor<3x2xi16>{{.*}}weight_bits = 16
// CHECK: imc.mvm {{.*}} input = #imc.input<bits = 16
// CHECK: imc.shift_add {{.*}} {imc.input_bits = 16 : i64} -> tensor<2x2xi64>
// CHECK: imc.requantize
// DIFFERENTIAL: error: 'imc.matmul' op cannot be tiled: a weight is -32768, which encoding=differential cannot store; use offset or twos_complement
module attributes {imc.phase = "quantized"} {
  func.func @matmul(%x: tensor<2x3xi16>, %b: tensor<2xi64>, %m: tensor<2xf64>, %z: tensor<i32>) -> tensor<2x2xi16> {
    %w = arith.constant dense<[[1, -32768], [3, 4], [5, 6]]> : tensor<3x2xi16>
    %c0 = arith.constant 0 : i64
    %e = tensor.empty() : tensor<2x2xi64>
    %zero = linalg.fill ins(%c0 : i64) outs(%e : tensor<2x2xi64>) -> tensor<2x2xi64>
    %acc = imc.matmul ins(%x, %w : tensor<2x3xi16>, tensor<3x2xi16>) outs(%zero : tensor<2x2xi64>) {imc.input_bits = 16 : i64, imc.weight_bits = 16 : i64} -> tensor<2x2xi64>
    %q = tensor.empty() : tensor<2x2xi16>
    %y = imc.requantize ins(%acc, %b, %m, %z : tensor<2x2xi64>, tensor<2xi64>, tensor<2xf64>, tensor<i32>)
         outs(%q : tensor<2x2xi16>) codes = [0, 65535] -> tensor<2x2xi16>
    return %y : tensor<2x2xi16>
  }
}
