// RUN: imc-opt %s -imc-attach-target=file=rram-32nm -imc-offload -imc-quantize -imc-tile -imc-place -imc-schedule | FileCheck %s
// RUN: imc-opt %s -imc-attach-target=file=rram-32nm -imc-offload -imc-quantize -imc-tile -imc-place -imc-schedule -imc-verify-phase=scheduled -o /dev/null

// Ops that share a node name share a step; reshapes and constants do no work and have none.
// CHECK: imc.phase = "scheduled"
module @m {
  // CHECK-LABEL: @main
  func.func @main(%x: tensor<1x8xf32>) -> tensor<8xf32> {
    // CHECK: imc.choose_qparams {{.*}}imc.step = 0 : i64
    // CHECK: imc.quantize {{.*}}imc.step = 0 : i64
    // CHECK: imc.unfold {{.*}}imc.step = 0 : i64
    // CHECK: imc.encode_weights {{.*}}imc.step = 0 : i64
    // CHECK: imc.mvm {{.*}}imc.step = 0 : i64
    // CHECK: imc.shift_add {{.*}}imc.step = 0 : i64
    // CHECK: imc.dequantize {{.*}}imc.step = 0 : i64
    // CHECK: linalg.exp {imc.step = 1 : i64}
    // CHECK: linalg.exp {imc.step = 1 : i64}
    // CHECK: linalg.add {imc.step = 2 : i64}
    // CHECK: tensor.collapse_shape
    // CHECK-NOT: imc.step
    %w = imc.missing_weight "a" : tensor<8x8xf32>
    %i = arith.constant dense<0.0> : tensor<1x8xf32>
    %y = linalg.matmul ins(%x, %w : tensor<1x8xf32>, tensor<8x8xf32>) outs(%i : tensor<1x8xf32>) -> tensor<1x8xf32> loc("fc")
    %e = linalg.exp ins(%y : tensor<1x8xf32>) outs(%i : tensor<1x8xf32>) -> tensor<1x8xf32> loc("exp")
    %f = linalg.exp ins(%e : tensor<1x8xf32>) outs(%i : tensor<1x8xf32>) -> tensor<1x8xf32> loc("exp")
    %a = linalg.add ins(%y, %f : tensor<1x8xf32>, tensor<1x8xf32>) outs(%i : tensor<1x8xf32>) -> tensor<1x8xf32> loc("add")
    %r = tensor.collapse_shape %a [[0, 1]] : tensor<1x8xf32> into tensor<8xf32> loc("reshape")
    return %r : tensor<8xf32>
  }
}
