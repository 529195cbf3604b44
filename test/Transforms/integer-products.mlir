// RUN: imc-opt %s -imc-offload | FileCheck %s
// RUN: imc-opt %s -imc-offload -imc-quantize -imc-verify-phase | FileCheck %s --check-prefix=QUANTIZED

// A product in i8 with constant weights is integer from the start. linalg reads both operands as signed, arrays take unsigned
// inputs: the top bit of the input is flipped, and 128 times the sum of a channel's weights (6 and -2) comes off the bias.
// CHECK-LABEL: @conv
// CHECK-SAME: %[[X:.*]]: tensor<1x1x3x3xi8>
// CHECK: %[[F:.*]] = linalg.generic {{.*}} ins(%[[X]] : tensor<1x1x3x3xi8>)
// CHECK: arith.xori
// CHECK: %[[W:.*]] = arith.constant dense<{{.*}}> : tensor<2x1x1x2xi8>
// CHECK: %[[ACC:.*]] = imc.conv2d ins(%[[F]], %[[W]] : {{.*}} groups = 1 {imc.input_bits = 8 : i64}
// CHECK: %[[B:.*]] = arith.constant dense<[-668, 456]> : tensor<2xi32>
// CHECK: imc.requantize ins(%[[ACC]], %[[B]],
// QUANTIZED-LABEL: @conv
// QUANTIZED: imc.conv2d ins({{.*}}xi8>, {{.*}}xi8>) {{.*}} {imc.input_bits = 8 : i64}
func.func @conv(%x: tensor<1x1x3x3xi8>, %m: tensor<2xf64>, %z: tensor<i32>) -> tensor<1x2x3x2xi8> {
  %w = arith.constant dense<[[[[2, 4]]], [[[-1, -1]]]]> : tensor<2x1x1x2xi8>
  %b = arith.constant dense<[100, 200]> : tensor<2xi32>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x2x3x2xi32>
  %zero = linalg.fill ins(%c0 : i32) outs(%e : tensor<1x2x3x2xi32>) -> tensor<1x2x3x2xi32>
  %acc = linalg.conv_2d_nchw_fchw ins(%x, %w : tensor<1x1x3x3xi8>, tensor<2x1x1x2xi8>) outs(%zero : tensor<1x2x3x2xi32>) -> tensor<1x2x3x2xi32>
  %q = tensor.empty() : tensor<1x2x3x2xi8>
  %y = imc.requantize ins(%acc, %b, %m, %z : tensor<1x2x3x2xi32>, tensor<2xi32>, tensor<2xf64>, tensor<i32>)
       outs(%q : tensor<1x2x3x2xi8>) codes = [-128, 127] -> tensor<1x2x3x2xi8>
  return %y : tensor<1x2x3x2xi8>
}

// What the importer flipped is taken back, through the padding, whose code flips too (-118 is 10 flipped).
// CHECK-LABEL: @unsigned_input
// CHECK-SAME: %[[X:.*]]: tensor<1x1x2x2xi8>
// CHECK-NOT: arith.xori
// CHECK: %[[P:.*]] = tensor.pad %[[X]]
// CHECK: tensor.yield %[[C:.*]] : i8
// CHECK: imc.conv2d ins(%[[P]],
func.func @unsigned_input(%x: tensor<1x1x2x2xi8>) -> tensor<1x1x2x2xi32> {
  %top = arith.constant -128 : i8
  %code = arith.constant -118 : i8
  %e = tensor.empty() : tensor<1x1x2x2xi8>
  %f = linalg.generic {indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%x : tensor<1x1x2x2xi8>) outs(%e : tensor<1x1x2x2xi8>) {
    ^bb0(%i: i8, %o: i8):
      %r = arith.xori %i, %top : i8
      linalg.yield %r : i8
  } -> tensor<1x1x2x2xi8>
  %p = tensor.pad %f low[0, 0, 0, 0] high[0, 0, 1, 1] {
    ^bb0(%a: index, %b: index, %c: index, %d: index):
      tensor.yield %code : i8
  } : tensor<1x1x2x2xi8> to tensor<1x1x3x3xi8>
  %w = arith.constant dense<1> : tensor<1x1x2x2xi8>
  %c0 = arith.constant 0 : i32
  %i = tensor.empty() : tensor<1x1x2x2xi32>
  %zero = linalg.fill ins(%c0 : i32) outs(%i : tensor<1x1x2x2xi32>) -> tensor<1x1x2x2xi32>
  %acc = linalg.conv_2d_nchw_fchw ins(%p, %w : tensor<1x1x3x3xi8>, tensor<1x1x2x2xi8>) outs(%zero : tensor<1x1x2x2xi32>) -> tensor<1x1x2x2xi32>
  return %acc : tensor<1x1x2x2xi32>
}

// Sums that something else uses are corrected themselves; so are those that start from another value than zero.
// CHECK-LABEL: @matmul
// CHECK-SAME: %[[X:[^:]*]]: tensor<2x3xi8>, %[[INIT:[^:]*]]: tensor<2x2xi32>
// CHECK: %[[ACC:.*]] = imc.matmul ins(%{{.*}}, %{{.*}} : tensor<2x3xi8>, tensor<3x2xi8>) outs(%{{.*}} : tensor<2x2xi32>) {imc.input_bits = 8 : i64}
// CHECK: %[[C:.*]] = arith.constant dense<[-1152, -1536]> : tensor<2xi32>
// CHECK: %[[Y:.*]] = linalg.generic {{.*}} ins(%[[ACC]], %[[C]], %[[INIT]] : tensor<2x2xi32>, tensor<2xi32>, tensor<2x2xi32>)
// CHECK: return %[[Y]]
func.func @matmul(%x: tensor<2x3xi8>, %init: tensor<2x2xi32>) -> tensor<2x2xi32> {
  %w = arith.constant dense<[[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
  %acc = linalg.matmul ins(%x, %w : tensor<2x3xi8>, tensor<3x2xi8>) outs(%init : tensor<2x2xi32>) -> tensor<2x2xi32>
  return %acc : tensor<2x2xi32>
}

// An input that the product itself reads as unsigned needs no flip. Weights without data have corrections without data.
// CHECK-LABEL: @generic
// CHECK-SAME: %[[X:.*]]: tensor<2x3xi8>
// CHECK-NOT: linalg.generic
// CHECK: %[[ACC:.*]] = imc.matmul ins(%[[X]],
// CHECK-NEXT: return %[[ACC]]
func.func @generic(%x: tensor<2x3xi8>) -> tensor<2x2xi32> {
  %w = imc.missing_weight "w" : tensor<3x2xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<2x2xi32>
  %zero = linalg.fill ins(%c0 : i32) outs(%e : tensor<2x2xi32>) -> tensor<2x2xi32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x3xi8>, tensor<3x2xi8>) outs(%zero : tensor<2x2xi32>) {
    ^bb0(%l: i8, %r: i8, %o: i32):
      %a = arith.extui %l : i8 to i32
      %b = arith.extsi %r : i8 to i32
      %p = arith.muli %a, %b : i32
      %s = arith.addi %o, %p : i32
      linalg.yield %s : i32
  } -> tensor<2x2xi32>
  return %y : tensor<2x2xi32>
}

// CHECK-LABEL: @missing
// CHECK: %[[C:.*]] = imc.missing_weight "w.correction" : tensor<2xi32>
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[C]] : tensor<2x2xi32>, tensor<2xi32>)
func.func @missing(%x: tensor<2x3xi8>) -> tensor<2x2xi32> {
  %w = imc.missing_weight "w" : tensor<3x2xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<2x2xi32>
  %zero = linalg.fill ins(%c0 : i32) outs(%e : tensor<2x2xi32>) -> tensor<2x2xi32>
  %y = linalg.matmul ins(%x, %w : tensor<2x3xi8>, tensor<3x2xi8>) outs(%zero : tensor<2x2xi32>) -> tensor<2x2xi32>
  return %y : tensor<2x2xi32>
}
