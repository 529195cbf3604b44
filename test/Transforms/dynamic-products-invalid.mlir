// RUN: not imc-opt %s -split-input-file -imc-attach-target=file=sram-32nm -imc-offload -imc-quantize -imc-tile -imc-place=dynamic-products=lanes 2>&1 | FileCheck %s --check-prefix=OPTION
// RUN: imc-opt %s -split-input-file -verify-diagnostics -imc-attach-target=file=sram-32nm -imc-cost -o /dev/null
// OPTION: imc-place: 'pass.dynamic_products' is 'lanes', must be one of digital, arrays, auto

// expected-error @below {{imc-cost takes a module in phase 'scheduled'}}
module @m {
  func.func @main(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
    return %x : tensor<4x8xf32>
  }
}

// -----

module attributes {imc.phase = "scheduled"} {
  func.func @no_choice(%x: tensor<4x8xf32>, %y: tensor<8x4xf32>, %i: tensor<4x4xf32>) -> tensor<4x4xf32> {
    // expected-error @below {{'imc.dynamic_product' is "lanes", expected a unit attribute, "digital" or "arrays"}}
    %z = linalg.matmul {imc.dynamic_product = "lanes"} ins(%x, %y : tensor<4x8xf32>, tensor<8x4xf32>) outs(%i : tensor<4x4xf32>) -> tensor<4x4xf32>
    return %z : tensor<4x4xf32>
  }
}

// -----

module attributes {imc.phase = "scheduled"} {
  func.func @no_product(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
    // expected-error @below {{is given to arrays by 'imc.dynamic_product', but is no product of two matrices of activations}}
    %z = linalg.exp {imc.dynamic_product = "arrays"} ins(%x : tensor<4x8xf32>) outs(%x : tensor<4x8xf32>) -> tensor<4x8xf32>
    return %z : tensor<4x8xf32>
  }
}
