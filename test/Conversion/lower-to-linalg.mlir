// RUN: imc-opt %s --imc-lower-to-linalg | FileCheck %s
// RUN: imc-opt %s --imc-lower-to-linalg | FileCheck %s --check-prefix=NONE

// No op of the dialect is left (attributes may be).
// NONE-NOT: imc.{{(matmul|conv2d|choose_qparams|quantize|dequantize|requantize|unfold|encode_weights|mvm|shift_add)}}

// CHECK-LABEL: @matmul_f32
// CHECK:         linalg.generic
// CHECK-SAME:      iterator_types = ["parallel", "parallel", "reduction"]
// CHECK:           %[[P:.*]] = arith.mulf
// CHECK:           arith.addf %{{.*}}, %[[P]] : f32
func.func @matmul_f32(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>, %y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = imc.matmul ins(%x, %w : tensor<2x3xf32>, tensor<3x4xf32>) outs(%y : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// The input is unsigned, the weight signed.
// CHECK-LABEL: @matmul_i8
// CHECK:         ^bb0(%[[X:.*]]: i8, %[[W:.*]]: i8, %{{.*}}: i32):
// CHECK-DAG:       arith.extui %[[X]]
// CHECK-DAG:       arith.extsi %[[W]]
func.func @matmul_i8(%x: tensor<2x3xi8>, %w: tensor<3x4xi8>, %y: tensor<2x4xi32>) -> tensor<2x4xi32> {
  %0 = imc.matmul ins(%x, %w : tensor<2x3xi8>, tensor<3x4xi8>) outs(%y : tensor<2x4xi32>) -> tensor<2x4xi32>
  return %0 : tensor<2x4xi32>
}

// Groups become a dimension of their own.
// CHECK-LABEL: @grouped_conv
// CHECK:         tensor.expand_shape %{{.*}} : tensor<1x6x5x5xf32> into tensor<1x3x2x5x5xf32>
// CHECK:         tensor.expand_shape %{{.*}} : tensor<3x2x3x3xf32> into tensor<3x1x2x3x3xf32>
// CHECK:         linalg.generic
// CHECK:         tensor.collapse_shape %{{.*}} : tensor<1x3x1x2x2xf32> into tensor<1x3x2x2xf32>
func.func @grouped_conv(%x: tensor<1x6x5x5xf32>, %w: tensor<3x2x3x3xf32>, %y: tensor<1x3x2x2xf32>) -> tensor<1x3x2x2xf32> {
  %0 = imc.conv2d ins(%x, %w : tensor<1x6x5x5xf32>, tensor<3x2x3x3xf32>) outs(%y : tensor<1x3x2x2xf32>)
       strides = [2, 2] dilations = [1, 1] groups = 3 -> tensor<1x3x2x2xf32>
  return %0 : tensor<1x3x2x2xf32>
}

// R2 and R3: a division, then rounding to even, then the clamp.
// CHECK-LABEL: @quantize
// CHECK:         linalg.generic
// CHECK:         %[[RANGE:.*]] = arith.subf
// CHECK:         arith.divf %[[RANGE]], %{{.*}} : f32
// CHECK:         math.roundeven
// CHECK:         arith.fptosi
// CHECK:         %[[D:.*]] = arith.divf
// CHECK:         math.roundeven %[[D]]
// CHECK:         arith.maxnumf
// CHECK:         arith.minnumf
// CHECK:         arith.fptosi
// CHECK:         arith.trunci
func.func @quantize(%x: tensor<2x3xf32>, %e: tensor<2x3xi8>) -> tensor<2x3xi8> {
  %s, %z = imc.choose_qparams %x bits = 8 : tensor<2x3xf32> -> tensor<f32>, tensor<i32>
  %q = imc.quantize ins(%x, %s, %z : tensor<2x3xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<2x3xi8>) bits = 8 -> tensor<2x3xi8>
  return %q : tensor<2x3xi8>
}

// CHECK-LABEL: @dequantize
// CHECK:         %[[ZW:.*]] = arith.muli
// CHECK:         %[[I:.*]] = arith.subi %{{.*}}, %[[ZW]]
// CHECK:         %[[F:.*]] = arith.sitofp %[[I]]
// CHECK:         %[[S:.*]] = arith.mulf
// CHECK:         %[[P:.*]] = arith.mulf %[[F]], %[[S]]
// CHECK:         arith.addf %[[P]]
func.func @dequantize(%a: tensor<1x2xi32>, %xs: tensor<f32>, %xz: tensor<i32>, %ws: tensor<2xf32>, %wsum: tensor<2xi32>, %b: tensor<2xf32>, %e: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %y = imc.dequantize ins(%a, %xs, %xz, %ws, %wsum, %b : tensor<1x2xi32>, tensor<f32>, tensor<i32>, tensor<2xf32>, tensor<2xi32>, tensor<2xf32>)
       outs(%e : tensor<1x2xf32>) -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// R7, then R8 or R9, then R10. The order of sum and rounding differs.
// CHECK-LABEL: @requantize
// CHECK:         %[[I:.*]] = arith.addi
// CHECK:         %[[F:.*]] = arith.sitofp %[[I]] : i32 to f64
// CHECK:         %[[V:.*]] = arith.mulf %[[F]], %{{.*}} : f64
// CHECK:         %[[T:.*]] = arith.addf %[[V]], %{{.*}} : f64
// CHECK:         %[[R:.*]] = math.roundeven %[[T]] : f64
// CHECK:         arith.maxnumf %[[R]], %{{.*}} : f64
// CHECK:         %[[V2:.*]] = arith.mulf %{{.*}} : f64
// CHECK:         %[[Y:.*]] = arith.truncf %[[V2]] : f64 to f32
// CHECK:         %[[D:.*]] = arith.divf %[[Y]], %{{.*}} : f32
// CHECK:         %[[R2:.*]] = math.roundeven %[[D]] : f32
// CHECK:         %[[W:.*]] = arith.extf %[[R2]] : f32 to f64
// CHECK:         %[[Q:.*]] = arith.addf %[[W]], %{{.*}} : f64
// CHECK:         arith.maxnumf %[[Q]], %{{.*}} : f64
func.func @requantize(%a: tensor<1x2xi32>, %b: tensor<2xi32>, %m: tensor<2xf64>, %z: tensor<i32>, %s: tensor<f32>, %e: tensor<1x2xi8>) -> (tensor<1x2xi8>, tensor<1x2xi8>) {
  %q = imc.requantize ins(%a, %b, %m, %z : tensor<1x2xi32>, tensor<2xi32>, tensor<2xf64>, tensor<i32>) outs(%e : tensor<1x2xi8>) codes = [0, 255] -> tensor<1x2xi8>
  %r = imc.requantize ins(%a, %b, %m, %z, %s : tensor<1x2xi32>, tensor<2xi32>, tensor<2xf64>, tensor<i32>, tensor<f32>) outs(%e : tensor<1x2xi8>) codes = [0, 255] -> tensor<1x2xi8>
  return %q, %r : tensor<1x2xi8>, tensor<1x2xi8>
}

// Two strips, four phases of two bits. The converter (k = 3: add 4, shift, at
// most 2^5 - 1) is between the sum over the rows and the shift by the phase.
// CHECK-LABEL: @mvm
// CHECK:         %[[STRIPS:.*]] = arith.constant 2 : index
// CHECK:         scf.for %{{.*}} = %{{.*}} to %[[STRIPS]]
// CHECK:           tensor.extract_slice %{{.*}} : tensor<1x3x2x16xi8> to tensor<1x3x16xi8>
// CHECK:           %[[PHASES:.*]] = arith.constant 4 : index
// CHECK:           scf.for %{{.*}} = %{{.*}} to %[[PHASES]]
// CHECK:             linalg.generic
// CHECK-SAME:          iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]
// CHECK:             linalg.generic
// CHECK:               %[[H:.*]] = arith.constant 4 : i32
// CHECK:               %[[R:.*]] = arith.addi %{{.*}}, %[[H]]
// CHECK:               arith.shrui %[[R]]
// CHECK:               %[[MAX:.*]] = arith.constant 31 : i32
// CHECK:               arith.minui %{{.*}}, %[[MAX]]
// CHECK:               arith.shli
// CHECK:               arith.shli
// CHECK:               arith.addi
func.func @mvm(%u: tensor<1x3x2x16xi8>, %c: tensor<1x2x1x16x8xi8>, %a: tensor<1x3x1x8xi32>) -> tensor<1x3x1x8xi32> {
  %y = imc.mvm ins(%u, %c : tensor<1x3x2x16xi8>, tensor<1x2x1x16x8xi8>) outs(%a : tensor<1x3x1x8xi32>)
       input = #imc.input<bits = 8, dac_bits = 2>
       readout = #imc.readout<adc_bits = 5, lossless_bits = 8, policy = full> -> tensor<1x3x1x8xi32>
  return %y : tensor<1x3x1x8xi32>
}

// A converter of 5 bits that covers 5 of 8: steps of 1, at most 2^5 - 1.
// CHECK-LABEL: @mvm_clipped
// CHECK:         scf.for
// CHECK:             linalg.generic
// CHECK:             linalg.generic
// CHECK-NOT:           arith.shrui
// CHECK:               %[[LAST:.*]] = arith.constant 31 : i32
// CHECK-NEXT:          %[[CODE:.*]] = arith.minui %{{.*}}, %[[LAST]] : i32
// CHECK-NEXT:          arith.shli %[[CODE]]
// CHECK-NEXT:          arith.addi
func.func @mvm_clipped(%u: tensor<1x3x2x16xi8>, %c: tensor<1x2x1x16x8xi8>, %a: tensor<1x3x1x8xi32>) -> tensor<1x3x1x8xi32> {
  %y = imc.mvm ins(%u, %c : tensor<1x3x2x16xi8>, tensor<1x2x1x16x8xi8>) outs(%a : tensor<1x3x1x8xi32>)
       input = #imc.input<bits = 8, dac_bits = 2>
       readout = #imc.readout<adc_bits = 5, lossless_bits = 8, range_bits = 5, policy = full> -> tensor<1x3x1x8xi32>
  return %y : tensor<1x3x1x8xi32>
}

// Sums of 8 bits fit, so there is no converter to be seen.
// CHECK-LABEL: @mvm_lossless
// CHECK:         scf.for
// CHECK-NOT:           arith.minui
// CHECK-LABEL: @layout
func.func @mvm_lossless(%u: tensor<1x3x2x16xi8>, %c: tensor<1x2x1x16x8xi8>, %a: tensor<1x3x1x8xi32>) -> tensor<1x3x1x8xi32> {
  %y = imc.mvm ins(%u, %c : tensor<1x3x2x16xi8>, tensor<1x2x1x16x8xi8>) outs(%a : tensor<1x3x1x8xi32>)
       input = #imc.input<bits = 8, dac_bits = 2>
       readout = #imc.readout<adc_bits = 8, lossless_bits = 8, range_bits = 8, policy = full> -> tensor<1x3x1x8xi32>
  return %y : tensor<1x3x1x8xi32>
}

// CHECK:         tensor.collapse_shape %{{.*}} : tensor<4x2x3x3xi8> into tensor<4x18xi8>
// CHECK:         tensor.expand_shape %{{.*}} : tensor<1x4x18xi8> into tensor<1x4x1x18xi8>
func.func @layout(%x: tensor<1x2x4x4xi8>, %w: tensor<4x2x3x3xi8>, %a: tensor<1x4x1x16xi32>, %eu: tensor<1x4x1x32xi8>, %ec: tensor<1x1x1x32x16xi8>, %ey: tensor<1x4x2x2xi32>) -> (tensor<1x4x1x32xi8>, tensor<1x1x1x32x16xi8>, tensor<1x4x2x2xi32>) {
  %u = imc.unfold ins(%x : tensor<1x2x4x4xi8>) outs(%eu : tensor<1x4x1x32xi8>)
       kernel = [3, 3] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1 -> tensor<1x4x1x32xi8>
  %c = imc.encode_weights ins(%w : tensor<4x2x3x3xi8>) outs(%ec : tensor<1x1x1x32x16xi8>)
       encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 1 groups_per_pack = 1 -> tensor<1x1x1x32x16xi8>
  %y = imc.shift_add ins(%a, %u : tensor<1x4x1x16xi32>, tensor<1x4x1x32xi8>) outs(%ey : tensor<1x4x2x2xi32>)
       encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 1 groups_per_pack = 1 group_rows = 18 -> tensor<1x4x2x2xi32>
  return %u, %c, %y : tensor<1x4x1x32xi8>, tensor<1x1x1x32x16xi8>, tensor<1x4x2x2xi32>
}
