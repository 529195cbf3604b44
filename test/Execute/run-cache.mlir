// RUN: rm -rf %t && %python %S/Inputs/tensors.py %s %t
// RUN: imc run %s --input %t --compare %t --cache %t/cache --repeat 3 | FileCheck %s --check-prefix=FIRST
// FIRST: compiled in {{[0-9.]+}} s; 3 runs, median {{[0-9.]+}} s, smallest {{[0-9.]+}} s
// FIRST: output_0 'y' 2xf32: largest absolute difference 0
// RUN: imc run %s --input %t --compare %t --cache %t/cache --repeat 2 | FileCheck %s --check-prefix=SECOND
// RUN: env IMC_CACHE=%t/cache imc run %s --input %t --compare %t --repeat 2 | FileCheck %s --check-prefix=SECOND
// SECOND: loaded from the cache in
// SECOND: output_0 'y' 2xf32: largest absolute difference 0
// RUN: not imc run %s --input %t --cache %s --output %t/out 2>&1 | FileCheck %s --check-prefix=FILE
// FILE: error: {{.*}}cannot compile the module: {{.*}}run-cache.mlir/{{.*}}: Not a directory
// RUN: not imc run %s --input %t --repeat 0 2>&1 | FileCheck %s --check-prefix=REPEAT
// REPEAT: --repeat
// RUN: not ls %t/out

// INPUT f32 2: 1 2
// OUTPUT f32 2: 2 4
func.func @main(%x: tensor<2xf32> {imc.name = "x"}) -> (tensor<2xf32> {imc.name = "y"}) {
  %y = arith.addf %x, %x : tensor<2xf32>
  return %y : tensor<2xf32>
}
