// RUN: imc-opt %s --imc-adopt-module=entry=second | FileCheck %s
// RUN: not imc-opt %s --imc-adopt-module=entry=third 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: no function 'third' with a body; public functions are 'first', 'second'
// RUN: not imc-opt %s --imc-adopt-module 2>&1 | FileCheck %s --check-prefix=SEVERAL
// SEVERAL: error: several public functions, 'first', 'second': one becomes main; make the others private or pass entry=NAME to imc-adopt-module

// CHECK: func.func private @first
// CHECK: func.func @main(%{{.*}}: tensor<2xf32>
func.func @first(%x: tensor<1xf32>) -> tensor<1xf32> {
  return %x : tensor<1xf32>
}
func.func @second(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
