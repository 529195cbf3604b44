// RUN: imc-opt %s -imc-offload | FileCheck %s
// RUN: imc-opt %s -imc-offload -imc-quantize='weight-bits=16 input-bits=16' -imc-verify-phase | FileCheck %s --check-prefix=QUANTIZED

// Operands of 16 bits have sums in i64 and the bits of both operands as attributes. The chip is built for the most of them (E-MIXED).
// QUANTIZED: module attributes {imc.input_bits = 16 : i64, {{.*}}imc.weight_bits = 16 : i64}

// The top bit of 16 is flipped, and 32768 times the sum of a channel's weights (6 and -2) comes off the bias. The padding's code flips too:
// -32758 is 10 flipped.
// CHECK-LABEL: @conv
// CHECK-SAME: %[[X:.*]]: tensor<1x1x2x2xi16>
// CHECK-NOT: arith.xori
// CHECK: %[[P:.*]] = tensor.pad %[[X]]
// CHECK: tensor.yield %c10_i16{{.*}} : i16
// CHECK: %[[ACC:.*]] = imc.conv2d ins(%[[P]], %{{.*}} : tensor<1x1x3x3xi16>, tensor<2x1x1x2xi16>) {{.*}} groups = 1 {imc.input_bits = 16 : i64, imc.weight_bits = 16 : i64}
// CHECK: %[[B:.*]] = arith.constant dense<[-196508, 65736]> : tensor<2xi64>
// CHECK: imc.requantize ins(%[[ACC]], %[[B]],
func.func @conv(%x: tensor<1x1x2x2xi16>, %m: tensor<2xf64>, %z: tensor<i32>) -> tensor<1x2x3x2xi16> {
  %top = arith.constant -32768 : i16
  %code = arith.constant -32758 : i16
  %t = tensor.empty() : tensor<1x1x2x2xi16>
  %f = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x : tensor<1x1x2x2xi16>) outs(%t : tensor<1x1x2x2xi16>) {
    ^bb0(%i: i16, %o: i16):
      %r = arith.xori %i, %top : i16
      linalg.yield %r : i16
  } -> tensor<1x1x2x2xi16>
  %p = tensor.pad %f low[0, 0, 0, 0] high[0, 0, 1, 1] {
    ^bb0(%a: index, %b: index, %c: index, %d: index):
      tensor.yield %code : i16
  } : tensor<1x1x2x2xi16> to tensor<1x1x3x3xi16>
  %w = arith.constant dense<[[[[2, 4]]], [[[-1, -1]]]]> : tensor<2x1x1x2xi16>
  %b = arith.constant dense<[100, 200]> : tensor<2xi64>
  %c0 = arith.constant 0 : i64
  %e = tensor.empty() : tensor<1x2x3x2xi64>
  %zero = linalg.fill ins(%c0 : i64) outs(%e : tensor<1x2x3x2xi64>) -> tensor<1x2x3x2xi64>
  %acc = linalg.conv_2d_nchw_fchw ins(%p, %w : tensor<1x1x3x3xi16>, tensor<2x1x1x2xi16>) outs(%zero : tensor<1x2x3x2xi64>) -> tensor<1x2x3x2xi64>
  %q = tensor.empty() : tensor<1x2x3x2xi16>
  %y = imc.requantize ins(%acc, %b, %m, %z : tensor<1x2x3x2xi64>, tensor<2xi64>, tensor<2xf64>, tensor<i32>)
       outs(%q : tensor<1x2x3x2xi16>) codes = [0, 65535] -> tensor<1x2x3x2xi16>
  return %y : tensor<1x2x3x2xi16>
}

// One operand of 16 bits: 32768 per weight for inputs of i16, 128 for i8. Weights of i8 need no attribute.
// CHECK-LABEL: @input
// CHECK: arith.constant -32768 : i16
// CHECK: %[[ACC:.*]] = imc.matmul ins(%{{.*}}, %{{.*}} : tensor<2x3xi16>, tensor<3x2xi8>) outs(%{{.*}} : tensor<2x2xi64>) {imc.input_bits = 16 : i64}
// CHECK: %[[C:.*]] = arith.constant dense<[-294912, -393216]> : tensor<2xi64>
// CHECK: linalg.generic {{.*}} ins(%[[ACC]], %[[C]], %{{.*}} : tensor<2x2xi64>, tensor<2xi64>, tensor<2x2xi64>)
// QUANTIZED-LABEL: @input
// QUANTIZED: imc.matmul ins({{.*}}xi16>, {{.*}}xi8>) {{.*}} {imc.input_bits = 16 : i64}
func.func @input(%x: tensor<2x3xi16>, %init: tensor<2x2xi64>) -> tensor<2x2xi64> {
  %w = arith.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
  %acc = linalg.matmul ins(%x, %w : tensor<2x3xi16>, tensor<3x2xi8>) outs(%init : tensor<2x2xi64>) -> tensor<2x2xi64>
  return %acc : tensor<2x2xi64>
}

// CHECK-LABEL: @weight
// CHECK: arith.constant -128 : i8
// CHECK: imc.matmul ins(%{{.*}}, %{{.*}} : tensor<2x3xi8>, tensor<3x2xi16>) outs(%{{.*}} : tensor<2x2xi64>) {imc.input_bits = 8 : i64, imc.weight_bits = 16 : i64}
// CHECK: arith.constant dense<[-128128, 0]> : tensor<2xi64>
func.func @weight(%x: tensor<2x3xi8>, %init: tensor<2x2xi64>) -> tensor<2x2xi64> {
  %w = arith.constant dense<[[1000, 32767], [0, 1], [1, -32768]]> : tensor<3x2xi16>
  %acc = linalg.matmul ins(%x, %w : tensor<2x3xi8>, tensor<3x2xi16>) outs(%init : tensor<2x2xi64>) -> tensor<2x2xi64>
  return %acc : tensor<2x2xi64>
}

// CHECK-LABEL: @missing
// CHECK: imc.matmul {{.*}} {imc.input_bits = 16 : i64, imc.weight_bits = 16 : i64}
// CHECK: %[[C:.*]] = imc.missing_weight "w.correction" : tensor<2xi64>
func.func @missing(%x: tensor<2x3xi16>, %init: tensor<2x2xi64>) -> tensor<2x2xi64> {
  %w = imc.missing_weight "w" : tensor<3x2xi16>
  %y = linalg.matmul ins(%x, %w : tensor<2x3xi16>, tensor<3x2xi16>) outs(%init : tensor<2x2xi64>) -> tensor<2x2xi64>
  return %y : tensor<2x2xi64>
}
