// A model that does not fit is an error; the remark of the failure comes first, and only when it is asked for.
// RUN: not imc-opt %s -imc-to-placed='target=rram-32nm set=machine.groups=1,machine.tiles_per_group=1,machine.macros_per_tile=1' -remarks-filter-failed=imc-place -o /dev/null 2>&1 | FileCheck %s
// RUN: not imc-opt %s -imc-to-placed='target=rram-32nm set=machine.groups=1,machine.tiles_per_group=1,machine.macros_per_tile=1' -o /dev/null 2>&1 | FileCheck %s --check-prefix=OFF
// CHECK: remark: {{.*}}[Failure] Capacity | Category:imc-place | {{.*}}Reason="cells of kind rram are not rewritten during an inference, and 1 arrays are missing", {{.*}}arrays=2, capacity=1
// CHECK: error: imc-place: one copy of the model takes 2 arrays
// OFF-NOT: remark:
// OFF: error: imc-place: one copy of the model takes 2 arrays
// OFF-NOT: remark:

// Nothing matches.
// RUN: imc-opt %s -imc-to-costed=target=rram-32nm -remarks-filter='imc-nothing' -o /dev/null 2>&1 | FileCheck %s --allow-empty --check-prefix=NONE
// NONE-NOT: remark:
module @m {
  func.func @main(%x: tensor<6x300xf32>) -> tensor<6x10xf32> {
    %w = imc.missing_weight "w" : tensor<300x10xf32>
    %i = arith.constant dense<0.0> : tensor<6x10xf32>
    %y = linalg.matmul ins(%x, %w : tensor<6x300xf32>, tensor<300x10xf32>) outs(%i : tensor<6x10xf32>) -> tensor<6x10xf32> loc("a")
    return %y : tensor<6x10xf32>
  }
}
