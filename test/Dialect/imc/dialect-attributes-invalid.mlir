// RUN: imc-opt %s -split-input-file -verify-diagnostics

// expected-error @below {{'imc.phase' is "baked", expected a string, one of imported, offloaded, quantized, tiled, placed, scheduled, costed}}
module attributes {imc.phase = "baked"} {}

// -----

module {
  // expected-error @below {{'imc.phase' belongs on a module}}
  func.func private @phase() attributes {imc.phase = "tiled"}
}

// -----

// expected-error @below {{'imc.parameters' is -1 : i64, expected a 64-bit integer >= 0}}
module attributes {imc.parameters = -1 : i64} {}

// -----

// expected-error @below {{'imc.target' is "rram-32nm", expected a machine such as #imc.target<...>}}
module attributes {imc.target = "rram-32nm"} {}

// -----

// expected-error @below {{'imc.step' is 3 : i32, expected a 64-bit integer >= 0}}
func.func private @step() attributes {imc.step = 3 : i32}

// -----

// expected-error @below {{'imc.cost' is 3 : i64, expected a dictionary}}
func.func private @cost() attributes {imc.cost = 3}

// -----

// expected-error @below {{'imc.dynamic_product' is true, expected a unit attribute}}
func.func private @dynamic_product() attributes {imc.dynamic_product = true}

// -----

// expected-error @below {{'imc.name' belongs on arguments and results of a function, not on an op}}
func.func private @name() attributes {imc.name = "x"}

// -----

// expected-error @below {{has unknown attribute 'imc.phases' of the imc dialect; known on ops are imc.phase, imc.target, imc.parameters, imc.dynamic_product, imc.range, imc.schedule, imc.step, imc.weight_bits, imc.input_bits, imc.copies, imc.adc_bits, imc.unfolding, imc.zero_macs, imc.cost}}
module attributes {imc.phases = "tiled"} {}

// -----

// expected-error @below {{'imc.name' of argument 0 is 1 : i64, expected a string}}
func.func private @argument(tensor<1xf32> {imc.name = 1})

// -----

// expected-error @below {{has unknown attribute 'imc.nom' of the imc dialect on result 0; known there are 'imc.name' and 'imc.unsigned'}}
func.func private @result() -> (tensor<1xf32> {imc.nom = "y"})

// -----

// expected-error @below {{'imc.range' is [1.000000e+00, 0.000000e+00], expected [lo, hi], finite f64, lo <= hi}}
func.func private @range() attributes {imc.range = [1.0, 0.0]}

// -----

// expected-error @below {{'imc.range' is [0.000000e+00, 0x7FF0000000000000 : f64], expected [lo, hi], finite f64, lo <= hi}}
func.func private @range_infinite() attributes {imc.range = [0.0, 0x7FF0000000000000 : f64]}

// -----

// expected-error @below {{'imc.weight_bits' is "8", expected a 64-bit integer >= 0}}
func.func private @weight_bits() attributes {imc.weight_bits = "8"}

// -----

// expected-error @below {{'imc.unsigned' of argument 0 is true, expected a unit attribute}}
func.func @f(%x: tensor<2xi8> {imc.unsigned = true}) -> tensor<2xi8> {
  return %x : tensor<2xi8>
}

// -----

// expected-error @below {{'imc.schedule' is "fast", expected "layers", "pipeline" or "stream"}}
module attributes {imc.schedule = "fast"} {
}

// -----

// expected-error @below {{'imc.schedule' belongs on a module}}
func.func private @schedule() attributes {imc.schedule = "stream"}

// -----

// expected-error @below {{'imc.unfolding' is "wide", expected a string, one of im2col, sdk, variable_window, products, steps, auto}}
func.func private @unfolding_rule() attributes {imc.unfolding = "wide"}

// -----

// expected-error @below {{'imc.unfolding' is 1 : i64, expected a string, one of im2col}}
func.func private @unfolding_number() attributes {imc.unfolding = 1 : i64}

// -----

func.func @unfolding_matmul(%x: tensor<2x3xi8>, %w: tensor<3x4xi8>, %y: tensor<2x4xi32>) -> tensor<2x4xi32> {
  // expected-error @below {{'imc.unfolding' belongs on an imc.conv2d: only windows of a convolution share loads}}
  %r = imc.matmul ins(%x, %w : tensor<2x3xi8>, tensor<3x4xi8>) outs(%y : tensor<2x4xi32>) {imc.unfolding = "sdk"} -> tensor<2x4xi32>
  return %r : tensor<2x4xi32>
}
