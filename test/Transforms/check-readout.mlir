// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=128,machine.cell.bits=2' -imc-tile='adc-bits=7 range=lossless' -imc-check-readout -o /dev/null --remarks-filter=imc-check-readout 2>&1 | FileCheck %s --check-prefix=PROVED
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=128,machine.cell.bits=2' -imc-tile='adc-bits=4' -imc-check-readout -o /dev/null --remarks-filter=imc-check-readout 2>&1 | FileCheck %s --check-prefix=BOUND
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=128,machine.cell.bits=2' -imc-tile='adc-bits=4 range=filled' -imc-check-readout -o /dev/null --remarks-filter=imc-check-readout 2>&1 | FileCheck %s --check-prefix=FILLED
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=128,machine.cell.bits=2' -imc-tile='adc-bits=4 range=column ties=half_even' -imc-check-readout --remarks-filter=imc-check-readout 2>&1 | FileCheck %s --check-prefix=COLUMN

// Five rows of weights ±3 on arrays of 128: u = w + 128 is 131 or 125, in base 4 2003 or 1331, so that a
// column holds at most 5 · 3 = 15 in any phase.
module attributes {imc.phase = "quantized"} {
  func.func @main(%x: tensor<1x5xf32>, %s: tensor<f32>, %z: tensor<i32>) -> tensor<1x2xi32> {
    // Sums up to 384 would take 9 bits; these weights take 4.
    // PROVED: remark: [Passed] Lossless {{.*}}adc_bits=7, converters=8, error_bound=0.000000e+00, layer={{.*}}, policy=lossless, proved_lossless=8
    // 4 bits over 9: steps of 32. (1 + 4 + 16 + 64) · 255 · 32/2 is the rounding; no sum is above the last code.
    // BOUND: remark: [Missed] ErrorBound {{.*}}wrong by at most 346800{{.*}}adc_bits=4, converters=8, {{.*}}policy=full, proved_lossless=0
    // Five rows fill 4 bits.
    // FILLED: remark: [Passed] Lossless {{.*}}adc_bits=4, converters=8, {{.*}}policy=filled, proved_lossless=8
    // COLUMN: remark: [Analysis] NotKnown {{.*}}depends on data; imc accuracy measures it{{.*}}adc_bits=4, {{.*}}policy=column
    // COLUMN: readout = #imc.readout<adc_bits = 4, lossless_bits = 9, policy = column, ties = half_even>
    %w = arith.constant dense<[[3, -3], [3, -3], [3, 3], [-3, 3], [3, 3]]> : tensor<5x2xi8>
    %e = tensor.empty() : tensor<1x5xi8>
    %q = imc.quantize ins(%x, %s, %z : tensor<1x5xf32>, tensor<f32>, tensor<i32>) outs(%e : tensor<1x5xi8>) bits = 8 -> tensor<1x5xi8>
    %i = arith.constant dense<0> : tensor<1x2xi32>
    %y = imc.matmul ins(%q, %w : tensor<1x5xi8>, tensor<5x2xi8>) outs(%i : tensor<1x2xi32>) -> tensor<1x2xi32>
    return %y : tensor<1x2xi32>
  }
}
