// RUN: rm -rf %t && %python %S/Inputs/tensors.py %s %t
// RUN: not imc run %s --input %t/output_0.npy --output %t/out 2>&1 | FileCheck %s --check-prefix=SHAPE
// SHAPE: error: input 'image' is 3xf32, but the model takes 2xf32
// RUN: not imc run %s --input %t/input_0.npy %t/input_0.npy --output %t/out 2>&1 | FileCheck %s --check-prefix=COUNT
// COUNT: error: the model takes 1 input(s), image (2xf32), but 2 were given
// RUN: not imc run %s --input %t/absent.npy --output %t/out 2>&1 | FileCheck %s --check-prefix=ABSENT
// ABSENT: error: {{.*}}absent.npy: No such file or directory
// RUN: not imc run %s --input %s --output %t/out 2>&1 | FileCheck %s --check-prefix=FORM
// FORM: error: {{.*}}run-invalid.mlir: unknown tensor file '.mlir'; give .npy or .pb
// RUN: not imc run %s --input %t --compare %t 2>&1 | FileCheck %s --check-prefix=REFERENCE
// REFERENCE: error: {{.*}}: output_0 is 3xf32, but output 'y' is 2xf32
// RUN: not ls %t/out

// INPUT f32 2: 1 2
// OUTPUT f32 3: 1 2 3
func.func @main(%x: tensor<2xf32> {imc.name = "image"}) -> (tensor<2xf32> {imc.name = "y"}) {
  return %x : tensor<2xf32>
}
