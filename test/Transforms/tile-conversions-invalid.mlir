// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.adc.bits=8' -imc-tile=adc-bits=6 -split-input-file -verify-diagnostics -o /dev/null

module attributes {imc.phase = "quantized"} {
  func.func @more(%q: tensor<1x2xi8>) -> tensor<1x1xi32> {
    %w = arith.constant dense<[[1], [2]]> : tensor<2x1xi8>
    %i = arith.constant dense<0> : tensor<1x1xi32>
    // expected-error @below {{cannot be tiled: 'imc.adc_bits' breaks rule 'adc_bits': 7 with a limit of 6 bit; take 6 or fewer, or raise pass.adc_bits}}
    %u = imc.matmul ins(%q, %w : tensor<1x2xi8>, tensor<2x1xi8>) outs(%i : tensor<1x1xi32>) {imc.input_bits = 8 : i64, imc.adc_bits = 7 : i64} -> tensor<1x1xi32>
    return %u : tensor<1x1xi32>
  }
}

// -----

// The survey's fit begins at 4 bits.
module attributes {imc.phase = "quantized"} {
  func.func @fewer(%q: tensor<1x2xi8>) -> tensor<1x1xi32> {
    %w = arith.constant dense<[[1], [2]]> : tensor<2x1xi8>
    %i = arith.constant dense<0> : tensor<1x1xi32>
    // expected-error @below {{cannot be tiled: 'imc.adc_bits' breaks rule 'adc_bits': 3 with a limit of 4 bit; take 4 or more}}
    %u = imc.matmul ins(%q, %w : tensor<1x2xi8>, tensor<2x1xi8>) outs(%i : tensor<1x1xi32>) {imc.input_bits = 8 : i64, imc.adc_bits = 3 : i64} -> tensor<1x1xi32>
    return %u : tensor<1x1xi32>
  }
}
