// RUN: imc-opt %s -split-input-file -verify-diagnostics -imc-attach-target='file=rram-32nm set=machine.rows=128,machine.cell.bits=2,machine.adc.sense_fj=1,machine.adc.sense_um2=1' -imc-tile='adc-bits=3 range=lossless' -imc-check-readout

// The last digit of 3 + 128 in base 4 is 3, of -3 + 128 it is 1: 3 + 3 + 3 + 1 + 3 = 13.
module attributes {imc.phase = "quantized"} {
  func.func @sums(%x: tensor<1x5xf32>, %s: tensor<f32>, %z: tensor<i32>) -> tensor<1x2xi32> {
    %w = arith.constant dense<[[3, -3], [3, -3], [3, 3], [-3, 3], [3, 3]]> : tensor<5x2xi8>
    %e = tensor.empty() : tensor<1x5xi8>
    %q = imc.quantize ins(%x, %s, %z : tensor<1x5xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<1x5xi8>) bits = 8 -> tensor<1x5xi8>
    %i = arith.constant dense<0> : tensor<1x2xi32>
    // expected-error @below {{'imc.mvm' op has policy = lossless, but converter 0 of column 0, group 0, strip 0 may read sums up to 13, a lossless range of 3 bits ends at 7; give it more bits, or another range}}
    %y = imc.matmul ins(%q, %w : tensor<1x5xi8>, tensor<5x2xi8>) outs(%i : tensor<1x2xi32>) -> tensor<1x2xi32>
    return %y : tensor<1x2xi32>
  }
}

// -----

module attributes {imc.phase = "quantized"} {
  func.func @unknown(%x: tensor<1x5xf32>, %s: tensor<f32>, %z: tensor<i32>, %w: tensor<5x2xi8>) -> tensor<1x2xi32> {
    %e = tensor.empty() : tensor<1x5xi8>
    %q = imc.quantize ins(%x, %s, %z : tensor<1x5xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<1x5xi8>) bits = 8 -> tensor<1x5xi8>
    %i = arith.constant dense<0> : tensor<1x2xi32>
    // expected-error @below {{has policy = lossless and 3 bits for sums of up to 9, and its weights are not known, so that nothing is proved; give the model its weights or take 9 bits}}
    %y = imc.matmul ins(%q, %w : tensor<1x5xi8>, tensor<5x2xi8>) outs(%i : tensor<1x2xi32>) -> tensor<1x2xi32>
    return %y : tensor<1x2xi32>
  }
}
