// RUN: imc-opt %s --split-input-file --verify-diagnostics --allow-unregistered-dialect --imc-adopt-module

// expected-error@+1 {{input 1 of 'f' is 'tensor<?x4xf32>': dimension 0 is not static; fix it before the model is lowered}}
func.func @f(%a: tensor<1xf32>, %x: tensor<?x4xf32>) -> tensor<1xf32> {
  return %a : tensor<1xf32>
}

// -----

// expected-error@+1 {{output 0 of 'f' is 'tensor<2x?xf32>': dimension 1 is not static}}
func.func @f(%a: tensor<1xf32>) -> tensor<2x?xf32> {
  %0 = tensor.empty() : tensor<2x1xf32>
  %1 = tensor.cast %0 : tensor<2x1xf32> to tensor<2x?xf32>
  return %1 : tensor<2x?xf32>
}

// -----

// expected-error@+1 {{input 0 of 'f' is 'memref<2xf32>'; inputs and outputs are ranked tensors}}
func.func @f(%a: memref<2xf32>) {
  return
}

// -----

// expected-error@+1 {{input 0 of 'f' is 'tensor<2xui8>'; make its element type signless}}
func.func @f(%a: tensor<2xui8>) {
  return
}

// -----

// expected-error@+1 {{input 0 of 'f' is 'tensor<2x!quant.uniform<i8:f32, 1.000000e+00>>'; element types are integers and floats}}
func.func @f(%a: tensor<2x!quant.uniform<i8:f32, 1.0>>) {
  return
}

// -----

func.func @f(%a: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error@+1 {{op 'stablehlo.abs' is of a dialect that this tool does not have; lower the module to TOSA, or to linalg on tensors, with the tool that made it}}
  %0 = "stablehlo.abs"(%a) : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

ml_program.global private mutable @state(dense<0.0> : tensor<2xf32>) : tensor<2xf32>
func.func @f(%a: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error@+1 {{writes a global: a model with state cannot be mapped; export it with its state as inputs and outputs}}
  ml_program.global_store @state = %a : tensor<2xf32>
  return %a : tensor<2xf32>
}

// -----

ml_program.global private mutable @scale : f32
func.func @f(%a: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error@+1 {{global 'scale' has no initial value that is a tensor constant; give the module with its weights inside}}
  %0 = ml_program.global_load @scale : f32
  return %a : tensor<2xf32>
}

// -----

// expected-error@+1 {{no public func.func with a body; the module holds 'func.func'; bring the model as one func.func on tensors}}
module {
  func.func private @f(%a: tensor<2xf32>) -> tensor<2xf32>
}

// -----

"util.func"() <{function_type = (tensor<2xf32>) -> tensor<2xf32>, sym_name = "f"}> ({
^bb0(%a: tensor<2xf32>):
  // expected-error@+1 {{loads a global that is not in the module}}
  %0 = "util.global.load"() <{global = @w}> : () -> tensor<2xf32>
  "util.return"(%0) : (tensor<2xf32>) -> ()
}) : () -> ()

// -----

// expected-error@+1 {{a buffer that is imported is no argument of the function; start from iree-compile --compile-to=input}}
"util.func"() <{function_type = () -> (), sym_name = "f"}> ({
  %0 = "hal.buffer"() : () -> !hal.buffer_view
  %1 = "hal.tensor.import"(%0) <{target_encoding = tensor<2xf32>}> : (!hal.buffer_view) -> tensor<2xf32>
  "util.return"() : () -> ()
}) : () -> ()
