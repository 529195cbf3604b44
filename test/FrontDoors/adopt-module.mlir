// RUN: imc-opt %s --split-input-file --imc-adopt-module | FileCheck %s
// RUN: imc-opt %s --split-input-file --allow-unregistered-dialect --imc-adopt-module -o /dev/null

// The only public function becomes main; ports get names, or keep those that
// other front ends give; attributes of unknown dialects go.
// CHECK: func.func @main
// CHECK-SAME: (%{{.*}}: tensor<1x4xf32> {imc.name = "image"}, %{{.*}}: tensor<4xf32> {imc.name = "input_1"})
// CHECK-SAME: -> (tensor<4xf32> {imc.name = "output_0"})
// CHECK-NOT: attributes
// CHECK: call @helper
// CHECK: func.func private @helper
func.func @forward(%x: tensor<1x4xf32> {ml_program.identifier = "image"}, %b: tensor<4xf32>) -> tensor<4xf32> attributes {llvm.emit_c_interface} {
  %0 = func.call @helper(%b) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @helper(%b: tensor<4xf32>) -> tensor<4xf32> {
  return %b : tensor<4xf32>
}

// -----

// A private main makes room.
// CHECK: func.func private @main_0(
// CHECK: func.func @main(
// CHECK: call @main_0
func.func private @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
func.func @serve(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = func.call @main(%x) : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// Globals become constants where they are loaded.
// CHECK-NOT: ml_program.global
// CHECK: func.func @main() ->
// CHECK-DAG: arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK-DAG: arith.constant dense<3> : tensor<2xi8>
// CHECK: return
// CHECK-NOT: ml_program.global
ml_program.global private @w(dense<[1.0, 2.0]> : tensor<2xf32>) : tensor<2xf32>
ml_program.global private mutable @q(dense<3> : tensor<2xi8>) : tensor<2xi8>
func.func @f() -> (tensor<2xf32>, tensor<2xi8>) {
  %0 = ml_program.global_load_const @w : tensor<2xf32>
  %1 = ml_program.global_load @q : tensor<2xi8>
  return %0, %1 : tensor<2xf32>, tensor<2xi8>
}
