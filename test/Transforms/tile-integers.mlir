// RUN: imc-opt %s -imc-attach-target=file=rram-32nm -imc-tile -imc-verify-phase | FileCheck %s
// RUN: not imc-opt %s -imc-attach-target=file=rram-32nm -imc-tile=encoding=differential 2>&1 | FileCheck %s --check-prefix=DIFFERENTIAL

// The model's own integers: the bits of the input are the attribute's, sums go where the model wants them, and a weight may be -128.
// CHECK-LABEL: @matmul
// CHECK: imc.shift_add {{.*}} {imc.input_bits = 8 : i64}
// CHECK: imc.requantize
// DIFFERENTIAL: error: 'imc.matmul' op cannot be tiled: a weight is -128, which encoding=differential cannot store; use offset or twos_complement
module attributes {imc.phase = "quantized"} {
  func.func @matmul(%x: tensor<2x3xi8>, %b: tensor<2xi32>, %m: tensor<2xf64>, %z: tensor<i32>) -> tensor<2x2xi8> {
    %w = arith.constant dense<[[1, -128], [3, 4], [5, 6]]> : tensor<3x2xi8>
    %c0 = arith.constant 0 : i32
    %e = tensor.empty() : tensor<2x2xi32>
    %zero = linalg.fill ins(%c0 : i32) outs(%e : tensor<2x2xi32>) -> tensor<2x2xi32>
    %acc = imc.matmul ins(%x, %w : tensor<2x3xi8>, tensor<3x2xi8>) outs(%zero : tensor<2x2xi32>) {imc.input_bits = 8 : i64} -> tensor<2x2xi32>
    %q = tensor.empty() : tensor<2x2xi8>
    %y = imc.requantize ins(%acc, %b, %m, %z : tensor<2x2xi32>, tensor<2xi32>, tensor<2xf64>, tensor<i32>)
         outs(%q : tensor<2x2xi8>) codes = [0, 255] -> tensor<2x2xi8>
    return %y : tensor<2x2xi8>
  }
}
