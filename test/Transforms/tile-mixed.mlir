// Products of one module may have different bits; each is cut and encoded with its own.
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=128,machine.cols=128,machine.cell.bits=2,machine.dac.bits=1' -imc-tile -imc-verify-phase | FileCheck %s
// Later phases follow: the narrow product has fewer columns and phases.
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=128,machine.cols=128,machine.cell.bits=2,machine.dac.bits=1' -imc-tile -imc-place -imc-schedule -imc-cost -imc-verify-phase | FileCheck %s --check-prefix=COST
// COST: imc.phase = "costed"
// The program has the bits of the narrow product beside those of the chip.
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=128,machine.cols=128,machine.cell.bits=2,machine.dac.bits=1' -imc-tile -imc-place -imc-schedule -o %t.mlir
// RUN: imc-translate --export-program %t.mlir | FileCheck %s --check-prefix=PROGRAM
// PROGRAM: chip {{.*}} weight_bits=8 input_bits=8
// PROGRAM: product 1 {{.*}} weight_bits=4 input_bits=3

module attributes {imc.phase = "quantized"} {
  func.func @f(%x: tensor<1x2xf32>, %s: tensor<f32>, %z: tensor<i32>, %ws: tensor<1xf32>, %sum: tensor<1xi32>) -> (tensor<1x1xf32>, tensor<1x1xf32>) {
    %w = arith.constant dense<[[1], [2]]> : tensor<2x1xi8>
    %b = arith.constant dense<0.0> : tensor<1xf32>
    %y = tensor.empty() : tensor<1x1xf32>
    %e = tensor.empty() : tensor<1x2xi8>
    %q = imc.quantize ins(%x, %s, %z : tensor<1x2xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<1x2xi8>) bits = 8 -> tensor<1x2xi8>
    %p = imc.quantize ins(%x, %s, %z : tensor<1x2xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<1x2xi8>) bits = 3 -> tensor<1x2xi8>
    %i = arith.constant dense<0> : tensor<1x1xi32>
    // CHECK: imc.encode_weights {{.*}} #imc.encoding<offset, weight_bits = 8, cell_bits = 2>
    // CHECK: imc.mvm {{.*}} #imc.input<bits = 8, dac_bits = 1>
    %u = imc.matmul ins(%q, %w : tensor<1x2xi8>, tensor<2x1xi8>) outs(%i : tensor<1x1xi32>) {imc.weight_bits = 8 : i64} -> tensor<1x1xi32>
    %f = imc.dequantize ins(%u, %s, %z, %ws, %sum, %b : tensor<1x1xi32>, tensor<f32>, tensor<i32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>) outs(%y : tensor<1x1xf32>) -> tensor<1x1xf32>
    // CHECK: imc.encode_weights {{.*}} #imc.encoding<offset, weight_bits = 4, cell_bits = 2>
    // CHECK: imc.mvm {{.*}} #imc.input<bits = 3, dac_bits = 1>
    %v = imc.matmul ins(%p, %w : tensor<1x2xi8>, tensor<2x1xi8>) outs(%i : tensor<1x1xi32>) {imc.weight_bits = 4 : i64} -> tensor<1x1xi32>
    %g = imc.dequantize ins(%v, %s, %z, %ws, %sum, %b : tensor<1x1xi32>, tensor<f32>, tensor<i32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>) outs(%y : tensor<1x1xf32>) -> tensor<1x1xf32>
    return %f, %g : tensor<1x1xf32>, tensor<1x1xf32>
  }
}
