// RUN: imc-opt %s -split-input-file -imc-schedule -verify-diagnostics -o /dev/null

// expected-error @below {{imc-schedule takes a module in phase 'placed', but imc.phase says 'imported'; run the passes up to 'placed' first, e.g. with the pipeline imc-to-placed}}
module {
}

// -----

// The number of iterations is unknown, and so is the work.
module attributes {imc.phase = "placed"} {
  func.func @loop(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> tensor<4xf32> {
      // expected-error @below {{stands in 'scf.for', whose number of iterations is not constant; its work cannot be counted (unroll the loop or give it constant bounds)}}
      %y = linalg.exp ins(%a : tensor<4xf32>) outs(%x : tensor<4xf32>) -> tensor<4xf32>
      scf.yield %y : tensor<4xf32>
    }
    return %r : tensor<4xf32>
  }
}

// -----

module attributes {imc.phase = "placed"} {
  func.func @shape(%x: tensor<?xf32>) -> tensor<?xf32> {
    // expected-error @below {{has a dynamic shape, so that its work cannot be counted; bind it at import (--shape)}}
    %y = linalg.exp ins(%x : tensor<?xf32>) outs(%x : tensor<?xf32>) -> tensor<?xf32>
    return %y : tensor<?xf32>
  }
}

// -----

module attributes {imc.phase = "placed"} {
  func.func @half_a_product(%acc: tensor<1x4x1x16xi32>, %u: tensor<1x4x1x32xi8>, %e: tensor<4x4xi32>) -> tensor<4x4xi32> {
    // expected-error @below {{recombines no result of imc.mvm; run imc-tile}}
    %y = imc.shift_add ins(%acc, %u : tensor<1x4x1x16xi32>, tensor<1x4x1x32xi8>) outs(%e : tensor<4x4xi32>)
         encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 1 groups_per_pack = 1 group_rows = 18 -> tensor<4x4xi32>
    return %y : tensor<4x4xi32>
  }
}
