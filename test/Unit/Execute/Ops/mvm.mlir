// Inputs 3 and 2 (binary 11, 10), one bit per phase, cells 3 and 1 of two bits.
// Phase 0: digits 1, 0: sum 3. Phase 1: digits 1, 1: sum 4.
// Lossless: 7 + (3 + 2·4) = 18 = 7 + 3·3 + 2·1.
// A converter of 2 bits for sums of 3 bits: k = 1, codes (3 + 1) >> 1 = 2 and
// (4 + 1) >> 1 = 2, values 4 and 4: 7 + 4 + 2·4 = 19.
// INPUT u8 1x1x1x2: 3 2
// INPUT u8 1x1x1x2x1: 3 1
// OUTPUT i32 1x1x1x1: 18
// OUTPUT i32 1x1x1x1: 19
func.func @main(%u: tensor<1x1x1x2xi8>, %c: tensor<1x1x1x2x1xi8>) -> (tensor<1x1x1x1xi32>, tensor<1x1x1x1xi32>) {
  %seven = arith.constant dense<7> : tensor<1x1x1x1xi32>
  %a = imc.mvm ins(%u, %c : tensor<1x1x1x2xi8>, tensor<1x1x1x2x1xi8>) outs(%seven : tensor<1x1x1x1xi32>)
       input = #imc.input<bits = 2, dac_bits = 1>
       readout = #imc.readout<adc_bits = 3, lossless_bits = 3, policy = full> -> tensor<1x1x1x1xi32>
  %b = imc.mvm ins(%u, %c : tensor<1x1x1x2xi8>, tensor<1x1x1x2x1xi8>) outs(%seven : tensor<1x1x1x1xi32>)
       input = #imc.input<bits = 2, dac_bits = 1>
       readout = #imc.readout<adc_bits = 2, lossless_bits = 3, policy = full>
       placement = #imc.placement<first_array = 4, copies = 1, packs = 1, row_strips = 1, column_strips = 1> -> tensor<1x1x1x1xi32>
  return %a, %b : tensor<1x1x1x1xi32>, tensor<1x1x1x1xi32>
}
