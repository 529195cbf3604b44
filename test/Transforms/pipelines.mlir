// RUN: imc-opt %s -imc-to-offloaded | FileCheck %s --check-prefix=OFFLOADED
// RUN: imc-opt %s -imc-to-quantized=weight-bits=4 | FileCheck %s --check-prefix=QUANTIZED
// RUN: imc-opt %s -pass-pipeline='builtin.module(imc-to-tiled{target=sram-32nm set=machine.rows=64,machine.cols=64 encoding=differential weight-bits=4 input-bits=6})' | FileCheck %s --check-prefix=TILED
// RUN: imc-opt %s -imc-to-placed='target=rram-32nm replication=balanced' | FileCheck %s --check-prefix=PLACED
// RUN: imc-opt %s -imc-to-scheduled=target=rram-32nm | FileCheck %s --check-prefix=SCHEDULED
// RUN: imc-opt %s -imc-to-costed='target=rram-32nm verify=false' | FileCheck %s --check-prefix=COSTED

// Each pipeline stops at its phase and passes its options on.
// OFFLOADED: imc.phase = "offloaded"
// OFFLOADED: imc.matmul
// QUANTIZED: imc.phase = "quantized"
// QUANTIZED: imc.weight_bits = 4
// TILED: imc.phase = "tiled"
// TILED: #imc.encoding<differential, weight_bits = 4, cell_bits = 1>
// TILED: #imc.input<bits = 6
// PLACED: imc.phase = "placed"
// PLACED: copies = 3
// SCHEDULED: imc.phase = "scheduled"
// SCHEDULED: imc.step
// COSTED: imc.phase = "costed"
// COSTED: imc.cost
func.func @main(%x: tensor<3x16xf32>, %i: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %w = imc.missing_weight "w" : tensor<16x8xf32>
  %y = linalg.matmul ins(%x, %w : tensor<3x16xf32>, tensor<16x8xf32>) outs(%i : tensor<3x8xf32>) -> tensor<3x8xf32>
  return %y : tensor<3x8xf32>
}
