// Products of one module may use different bits of the converters; each phase and the program follow.
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.adc.bits=8' -imc-tile=adc-bits=7 -imc-verify-phase | FileCheck %s
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.adc.bits=8' -imc-tile=adc-bits=7 -imc-place -imc-schedule -imc-cost -imc-verify-phase | FileCheck %s --check-prefix=COST
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.adc.bits=8' -imc-tile=adc-bits=7 -imc-place -imc-schedule -o %t.mlir
// RUN: imc-translate --export-program %t.mlir | FileCheck %s --check-prefix=PROGRAM
// CHECK: imc.adc_bits = 7
// COST: adc_lost_bits = 4
// COST: imc.phase = "costed"
// PROGRAM: product 0
// PROGRAM-NOT: adc_bits
// PROGRAM: product 1 {{.*}} adc_bits=4

module attributes {imc.phase = "quantized"} {
  func.func @f(%x: tensor<1x2xf32>, %s: tensor<f32>, %z: tensor<i32>, %ws: tensor<1xf32>, %sum: tensor<1xi32>) -> (tensor<1x1xf32>, tensor<1x1xf32>) {
    %w = arith.constant dense<[[1], [2]]> : tensor<2x1xi8>
    %b = arith.constant dense<0.0> : tensor<1xf32>
    %y = tensor.empty() : tensor<1x1xf32>
    %e = tensor.empty() : tensor<1x2xi8>
    %q = imc.quantize ins(%x, %s, %z : tensor<1x2xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<1x2xi8>) bits = 8 -> tensor<1x2xi8>
    %i = arith.constant dense<0> : tensor<1x1xi32>
    // CHECK: imc.mvm {{.*}} #imc.readout<adc_bits = 7,
    // CHECK: imc.shift_add
    // CHECK-NOT: imc.adc_bits
    // CHECK: imc.dequantize
    %u = imc.matmul ins(%q, %w : tensor<1x2xi8>, tensor<2x1xi8>) outs(%i : tensor<1x1xi32>) {imc.weight_bits = 8 : i64} -> tensor<1x1xi32>
    %f = imc.dequantize ins(%u, %s, %z, %ws, %sum, %b : tensor<1x1xi32>, tensor<f32>, tensor<i32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>) outs(%y : tensor<1x1xf32>) -> tensor<1x1xf32>
    // CHECK: imc.mvm {{.*}} #imc.readout<adc_bits = 4,
    // CHECK: imc.shift_add {{.*}}imc.adc_bits = 4
    %v = imc.matmul ins(%q, %w : tensor<1x2xi8>, tensor<2x1xi8>) outs(%i : tensor<1x1xi32>) {imc.weight_bits = 8 : i64, imc.adc_bits = 4 : i64} -> tensor<1x1xi32>
    %g = imc.dequantize ins(%v, %s, %z, %ws, %sum, %b : tensor<1x1xi32>, tensor<f32>, tensor<i32>, tensor<1xf32>, tensor<1xi32>, tensor<1xf32>) outs(%y : tensor<1x1xf32>) -> tensor<1x1xf32>
    return %f, %g : tensor<1x1xf32>, tensor<1x1xf32>
  }
}
