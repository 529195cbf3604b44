// RUN: imc-opt %s | imc-opt | FileCheck %s
// RUN: imc-opt %s -mlir-print-op-generic | imc-opt | FileCheck %s
// RUN: imc-opt %s -emit-bytecode | imc-opt | FileCheck %s

// CHECK: module @tiny attributes {imc.parameters = 26 : i64, imc.phase = "quantized"}
module @tiny attributes {imc.phase = "quantized", imc.parameters = 26 : i64} {

// CHECK-LABEL: func.func @names(
// CHECK-SAME: %{{.*}}: tensor<1xf32> {imc.name = "input.1"}) -> (tensor<1xf32> {imc.name = "logits"})
func.func @names(%x: tensor<1xf32> {imc.name = "input.1"}) -> (tensor<1xf32> {imc.name = "logits"}) {
  return %x : tensor<1xf32>
}

// CHECK-LABEL: @missing_weight
func.func @missing_weight() -> tensor<64x3x7x7xf32> {
  // CHECK: imc.missing_weight "features.0.weight" : tensor<64x3x7x7xf32>
  %w = imc.missing_weight "features.0.weight" : tensor<64x3x7x7xf32>
  return %w : tensor<64x3x7x7xf32>
}

// CHECK-LABEL: @matmul
func.func @matmul(%x: tensor<1x512xf32>, %w: tensor<512x10xf32>, %b: tensor<1x10xf32>) -> tensor<1x10xf32> {
  // CHECK: imc.matmul ins(%{{.*}}, %{{.*}} : tensor<1x512xf32>, tensor<512x10xf32>)
  // CHECK-SAME: outs(%{{.*}} : tensor<1x10xf32>) {imc.step = 3 : i64} -> tensor<1x10xf32>
  %y = imc.matmul ins(%x, %w : tensor<1x512xf32>, tensor<512x10xf32>) outs(%b : tensor<1x10xf32>) {imc.step = 3 : i64} -> tensor<1x10xf32>
  return %y : tensor<1x10xf32>
}

// CHECK-LABEL: @matmul_integers_in_buffers
func.func @matmul_integers_in_buffers(%x: memref<?x512xi8>, %w: memref<512x10xi8>, %y: memref<?x10xi32>) {
  // CHECK: imc.matmul ins(%{{.*}}, %{{.*}} : memref<?x512xi8>, memref<512x10xi8>) outs(%{{.*}} : memref<?x10xi32>)
  imc.matmul ins(%x, %w : memref<?x512xi8>, memref<512x10xi8>) outs(%y : memref<?x10xi32>)
  return
}

// CHECK-LABEL: @conv2d
func.func @conv2d(%x: tensor<1x4x34x34xf32>, %w: tensor<16x1x3x3xf32>, %b: tensor<1x16x16x16xf32>) -> tensor<1x16x16x16xf32> {
  // CHECK: imc.conv2d ins(%{{.*}}, %{{.*}} : tensor<1x4x34x34xf32>, tensor<16x1x3x3xf32>)
  // CHECK-SAME: outs(%{{.*}} : tensor<1x16x16x16xf32>) strides = [2, 2] dilations = [1, 1] groups = 4 -> tensor<1x16x16x16xf32>
  %y = imc.conv2d ins(%x, %w : tensor<1x4x34x34xf32>, tensor<16x1x3x3xf32>) outs(%b : tensor<1x16x16x16xf32>)
       strides = [2, 2] dilations = [1, 1] groups = 4 -> tensor<1x16x16x16xf32>
  return %y : tensor<1x16x16x16xf32>
}

// CHECK-LABEL: @choose_qparams
func.func @choose_qparams(%x: tensor<1x64x56x56xf32>) -> (tensor<f32>, tensor<i32>) {
  // CHECK: imc.choose_qparams %{{.*}} bits = 8 : tensor<1x64x56x56xf32> -> tensor<f32>, tensor<i32>
  %scale, %zp = imc.choose_qparams %x bits = 8 : tensor<1x64x56x56xf32> -> tensor<f32>, tensor<i32>
  return %scale, %zp : tensor<f32>, tensor<i32>
}

// CHECK-LABEL: @quantize
func.func @quantize(%x: tensor<1x64xf32>, %scale: tensor<f32>, %zp: tensor<i32>, %e: tensor<1x64xi8>) -> tensor<1x64xi8> {
  // CHECK: imc.quantize ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<1x64xf32>, tensor<f32>, tensor<i32>)
  // CHECK-SAME: outs(%{{.*}} : tensor<1x64xi8>) bits = 7 -> tensor<1x64xi8>
  %q = imc.quantize ins(%x, %scale, %zp : tensor<1x64xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<1x64xi8>) bits = 7 -> tensor<1x64xi8>
  return %q : tensor<1x64xi8>
}

// CHECK-LABEL: @dequantize
func.func @dequantize(%acc: tensor<1x10xi32>, %xs: tensor<f32>, %xz: tensor<i32>, %ws: tensor<10xf32>,
                      %wsum: tensor<10xi32>, %bias: tensor<10xf32>, %e: tensor<1x10xf32>) -> tensor<1x10xf32> {
  // CHECK: imc.dequantize ins(%{{.*}} : tensor<1x10xi32>, tensor<f32>, tensor<i32>, tensor<10xf32>, tensor<10xi32>, tensor<10xf32>)
  // CHECK-SAME: outs(%{{.*}} : tensor<1x10xf32>) -> tensor<1x10xf32>
  %y = imc.dequantize ins(%acc, %xs, %xz, %ws, %wsum, %bias : tensor<1x10xi32>, tensor<f32>, tensor<i32>, tensor<10xf32>, tensor<10xi32>, tensor<10xf32>)
       outs(%e : tensor<1x10xf32>) -> tensor<1x10xf32>
  return %y : tensor<1x10xf32>
}

// CHECK-LABEL: @requantize
func.func @requantize(%acc: tensor<1x10xi32>, %b: tensor<10xi32>, %m: tensor<10xf64>, %zp: tensor<i32>, %step: tensor<f32>,
                      %e: tensor<1x10xi8>, %wide: tensor<1x10xi16>) -> (tensor<1x10xi8>, tensor<1x10xi16>) {
  // CHECK: imc.requantize ins(%{{.*}} : tensor<1x10xi32>, tensor<10xi32>, tensor<10xf64>, tensor<i32>)
  // CHECK-SAME: outs(%{{.*}} : tensor<1x10xi8>) codes = [0, 255] -> tensor<1x10xi8>
  %q = imc.requantize ins(%acc, %b, %m, %zp : tensor<1x10xi32>, tensor<10xi32>, tensor<10xf64>, tensor<i32>)
       outs(%e : tensor<1x10xi8>) codes = [0, 255] -> tensor<1x10xi8>
  // CHECK: imc.requantize ins(%{{.*}} : tensor<1x10xi32>, tensor<10xi32>, tensor<10xf64>, tensor<i32>, tensor<f32>)
  // CHECK-SAME: outs(%{{.*}} : tensor<1x10xi16>) codes = [-32768, 32767] -> tensor<1x10xi16>
  %r = imc.requantize ins(%acc, %b, %m, %zp, %step : tensor<1x10xi32>, tensor<10xi32>, tensor<10xf64>, tensor<i32>, tensor<f32>)
       outs(%wide : tensor<1x10xi16>) codes = [-32768, 32767] -> tensor<1x10xi16>
  return %q, %r : tensor<1x10xi8>, tensor<1x10xi16>
}

// CHECK-LABEL: @unfold_conv2d
func.func @unfold_conv2d(%x: tensor<1x2x4x4xi8>, %e: tensor<1x4x1x32xi8>) -> tensor<1x4x1x32xi8> {
  // CHECK: imc.unfold ins(%{{.*}} : tensor<1x2x4x4xi8>) outs(%{{.*}} : tensor<1x4x1x32xi8>)
  // CHECK-SAME: kernel = [3, 3] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1 -> tensor<1x4x1x32xi8>
  %u = imc.unfold ins(%x : tensor<1x2x4x4xi8>) outs(%e : tensor<1x4x1x32xi8>)
       kernel = [3, 3] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1 -> tensor<1x4x1x32xi8>
  return %u : tensor<1x4x1x32xi8>
}

// 40 rows in two strips of 32.
// CHECK-LABEL: @unfold_matmul
func.func @unfold_matmul(%x: tensor<3x40xi8>, %e: tensor<1x3x2x32xi8>) -> tensor<1x3x2x32xi8> {
  // CHECK: imc.unfold ins(%{{.*}} : tensor<3x40xi8>)
  %u = imc.unfold ins(%x : tensor<3x40xi8>) outs(%e : tensor<1x3x2x32xi8>)
       kernel = [1, 1] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1 -> tensor<1x3x2x32xi8>
  return %u : tensor<1x3x2x32xi8>
}

// Ten depthwise groups of 9 rows and 8 columns, three to a pack: 4 packs.
// CHECK-LABEL: @encode_weights
func.func @encode_weights(%w: tensor<10x1x3x3xi8>, %e: tensor<4x1x2x32x16xi8>) -> tensor<4x1x2x32x16xi8> {
  // CHECK: imc.encode_weights ins(%{{.*}} : tensor<10x1x3x3xi8>) outs(%{{.*}} : tensor<4x1x2x32x16xi8>)
  // CHECK-SAME: encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 1> groups = 10 groups_per_pack = 3 -> tensor<4x1x2x32x16xi8>
  %cells = imc.encode_weights ins(%w : tensor<10x1x3x3xi8>) outs(%e : tensor<4x1x2x32x16xi8>)
           encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 1> groups = 10 groups_per_pack = 3 -> tensor<4x1x2x32x16xi8>
  return %cells : tensor<4x1x2x32x16xi8>
}

// CHECK-LABEL: @mvm
func.func @mvm(%u: tensor<1x4x1x32xi8>, %cells: tensor<1x1x2x32x16xi8>, %acc: tensor<1x4x2x16xi32>) -> tensor<1x4x2x16xi32> {
  // CHECK: imc.mvm ins(%{{.*}}, %{{.*}} : tensor<1x4x1x32xi8>, tensor<1x1x2x32x16xi8>) outs(%{{.*}} : tensor<1x4x2x16xi32>)
  // CHECK-SAME: input = #imc.input<bits = 8, dac_bits = 1>
  // CHECK-SAME: readout = #imc.readout<adc_bits = 6, lossless_bits = 6, policy = full> -> tensor<1x4x2x16xi32>
  %a = imc.mvm ins(%u, %cells : tensor<1x4x1x32xi8>, tensor<1x1x2x32x16xi8>) outs(%acc : tensor<1x4x2x16xi32>)
       input = #imc.input<bits = 8, dac_bits = 1>
       readout = #imc.readout<adc_bits = 6, lossless_bits = 6, policy = full> -> tensor<1x4x2x16xi32>
  return %a : tensor<1x4x2x16xi32>
}

// CHECK-LABEL: @mvm_placed_in_buffers
func.func @mvm_placed_in_buffers(%u: memref<1x4x1x32xi8>, %cells: memref<1x1x2x32x16xi8>, %acc: memref<1x4x2x16xi32>) {
  // CHECK: imc.mvm
  // CHECK-SAME: placement = #imc.placement<first_array = 12, copies = 2, packs = 1, row_strips = 1, column_strips = 2>
  imc.mvm ins(%u, %cells : memref<1x4x1x32xi8>, memref<1x1x2x32x16xi8>) outs(%acc : memref<1x4x2x16xi32>)
    input = #imc.input<bits = 8, dac_bits = 1>
    readout = #imc.readout<adc_bits = 6, lossless_bits = 6, policy = full>
    placement = #imc.placement<first_array = 12, copies = 2, packs = 1, row_strips = 1, column_strips = 2>
  return
}

// CHECK-LABEL: @shift_add
func.func @shift_add(%acc: tensor<1x4x1x16xi32>, %u: tensor<1x4x1x32xi8>, %e: tensor<1x4x2x2xi32>) -> tensor<1x4x2x2xi32> {
  // CHECK: imc.shift_add ins(%{{.*}}, %{{.*}} : tensor<1x4x1x16xi32>, tensor<1x4x1x32xi8>) outs(%{{.*}} : tensor<1x4x2x2xi32>)
  // CHECK-SAME: encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 1 groups_per_pack = 1 group_rows = 18 -> tensor<1x4x2x2xi32>
  %y = imc.shift_add ins(%acc, %u : tensor<1x4x1x16xi32>, tensor<1x4x1x32xi8>) outs(%e : tensor<1x4x2x2xi32>)
       encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 1 groups_per_pack = 1 group_rows = 18 -> tensor<1x4x2x2xi32>
  return %y : tensor<1x4x2x2xi32>
}
}
