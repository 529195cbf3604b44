// RUN: imc-opt %s -imc-verify-phase=imported -imc-attach-target=file=rram-32nm -imc-offload -imc-verify-phase=offloaded -imc-quantize -imc-verify-phase=phase=quantized -imc-tile -imc-verify-phase=tiled -imc-place -imc-verify-phase=placed -imc-schedule -imc-verify-phase=scheduled -imc-cost -imc-verify-phase=costed | FileCheck %s
// RUN: imc-opt %s -pass-pipeline='builtin.module(imc-verify-phase{phase=imported})' -o /dev/null
// RUN: imc-opt %s -imc-attach-target=file=sram-32nm -imc-offload -imc-quantize -imc-verify-phase -imc-tile -imc-verify-phase -o /dev/null

// Every pass establishes the contract of its phase; without a name the module's own phase is checked.
// CHECK: imc.phase = "costed"
module @m {
  func.func @main(%x: tensor<1x2x300xf32>) -> tensor<1x2x2xf32> {
    %w = imc.missing_weight "w" : tensor<300x10xf32>
    %i = arith.constant dense<0.0> : tensor<2x10xf32>
    %j = arith.constant dense<0.0> : tensor<2x2xf32>
    %c = tensor.collapse_shape %x [[0, 1], [2]] : tensor<1x2x300xf32> into tensor<2x300xf32>
    %y = linalg.matmul ins(%c, %w : tensor<2x300xf32>, tensor<300x10xf32>) outs(%i : tensor<2x10xf32>) -> tensor<2x10xf32> loc("fc")
    %e = tensor.empty() : tensor<10x2xf32>
    %t = linalg.transpose ins(%y : tensor<2x10xf32>) outs(%e : tensor<10x2xf32>) permutation = [1, 0] loc("transpose")
    %z = linalg.matmul ins(%y, %t : tensor<2x10xf32>, tensor<10x2xf32>) outs(%j : tensor<2x2xf32>) -> tensor<2x2xf32> loc("scores")
    %r = tensor.expand_shape %z [[0, 1], [2]] output_shape [1, 2, 2] : tensor<2x2xf32> into tensor<1x2x2xf32> loc("reshape")
    return %r : tensor<1x2x2xf32>
  }
}
