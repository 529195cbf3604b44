// RUN: not imc-opt %s -imc-to-tiled 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not imc-opt %s -imc-to-costed=target=nowhere 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not imc-opt %s -imc-to-placed='target=rram-32nm replication=most' 2>&1 | FileCheck %s --check-prefix=OPTION
// RUN: not imc-opt %s -imc-to-quantized=weight-bits=17 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not imc-opt %s -imc-to-offloaded -imc-to-offloaded 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not imc-opt %s -imc-to-tiled='target=%s.yaml' 2>&1 | FileCheck %s --check-prefix=FILE

// A machine with an open field: passes name it and how to close it.
// RUN: rm -rf %t && mkdir -p %t/open && cp -r %imc_src/targets/components %t/components
// RUN: sed -e 's/^  rows: 256/  rows: {knob: [64, 128]}/' %imc_src/targets/rram-32nm/target.yaml > %t/open/target.yaml
// RUN: not imc-opt %s -imc-to-tiled='target=open dirs=%t' 2>&1 | FileCheck %s --check-prefix=KNOB

// TARGET: pipelines-invalid.mlir:{{.*}}: error: {{.*}}imc.target
// NAME: error: imc-attach-target: {{.*}}nowhere
// OPTION: error: imc-place: 'pass.replication' is 'most', must be one of none, balanced
// BITS: error: imc-quantize: weight-bits = 17 is out of range
// TWICE: error: imc-offload takes a module in phase 'imported', but imc.phase says 'offloaded'
// FILE: error: imc-attach-target: {{.*}}.yaml
// KNOB: error: {{.*}}machine.rows
module @m {
  func.func @main(%x: tensor<3x16xf32>, %i: tensor<3x8xf32>) -> tensor<3x8xf32> {
    %w = imc.missing_weight "w" : tensor<16x8xf32>
    %y = linalg.matmul ins(%x, %w : tensor<3x16xf32>, tensor<16x8xf32>) outs(%i : tensor<3x8xf32>) -> tensor<3x8xf32>
    return %y : tensor<3x8xf32>
  }
}
