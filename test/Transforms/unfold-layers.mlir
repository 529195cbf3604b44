// Convolutions with rules of their own beside those that follow the option.
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=4' -imc-unfold-windows | FileCheck %s --check-prefixes=CHECK,PLAIN
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=4' -imc-unfold-windows=unfolding=products | FileCheck %s --check-prefixes=CHECK,WIDE
// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cols=64,machine.cell.bits=4' -imc-unfold-windows -imc-tile -imc-place -imc-schedule -imc-verify-phase -o /dev/null
// CHECK-NOT: imc.unfolding

module attributes {imc.phase = "quantized"} {
  func.func @main(%q: tensor<1x1x1x5xi8>) -> (tensor<1x2x1x3xi32>, tensor<1x2x1x3xi32>, tensor<1x2x1x3xi32>) {
    %w = imc.missing_weight "w" : tensor<2x1x1x3xi8>
    %i = arith.constant dense<0> : tensor<1x2x1x3xi32>
    // All three positions in one load, whatever the option says.
    // CHECK: imc.conv2d {{.*}} strides = [1, 3] {{.*}} -> tensor<1x6x1x1xi32>
    %a = imc.conv2d ins(%q, %w : tensor<1x1x1x5xi8>, tensor<2x1x1x3xi8>) outs(%i : tensor<1x2x1x3xi32>)
      strides = [1, 1] dilations = [1, 1] groups = 1 {imc.input_bits = 6 : i64, imc.unfolding = "steps"} -> tensor<1x2x1x3xi32>
    // One position, whatever the option says.
    // CHECK: imc.conv2d {{.*}} strides = [1, 1] {{.*}} -> tensor<1x2x1x3xi32>
    %b = imc.conv2d ins(%q, %w : tensor<1x1x1x5xi8>, tensor<2x1x1x3xi8>) outs(%i : tensor<1x2x1x3xi32>)
      strides = [1, 1] dilations = [1, 1] groups = 1 {imc.input_bits = 6 : i64, imc.unfolding = "im2col"} -> tensor<1x2x1x3xi32>
    // PLAIN: imc.conv2d {{.*}} strides = [1, 1] {{.*}} -> tensor<1x2x1x3xi32>
    // WIDE: imc.conv2d {{.*}} strides = [1, 3] {{.*}} -> tensor<1x6x1x1xi32>
    %c = imc.conv2d ins(%q, %w : tensor<1x1x1x5xi8>, tensor<2x1x1x3xi8>) outs(%i : tensor<1x2x1x3xi32>)
      strides = [1, 1] dilations = [1, 1] groups = 1 {imc.input_bits = 6 : i64} -> tensor<1x2x1x3xi32>
    // CHECK-NOT: imc.conv2d
    return %a, %b, %c : tensor<1x2x1x3xi32>, tensor<1x2x1x3xi32>, tensor<1x2x1x3xi32>
  }
}
