// RUN: rm -rf %t && mkdir %t
// RUN: imc-opt %s -imc-to-scheduled=target=sram-32nm -imc-cost=json=%t/cost.json -o /dev/null
// RUN: FileCheck %s < %t/cost.json
// RUN: not imc-opt %s -imc-to-scheduled=target=sram-32nm -imc-cost=json=%t/none/cost.json -o /dev/null 2>&1 | FileCheck %s --check-prefix=UNWRITABLE
// RUN: test ! -e %t/none

// CHECK: "feasible": true
// CHECK: "models": [
// CHECK: "layers": [
// CHECK: "name": "fc"
// CHECK: "macs": 3000
// UNWRITABLE: error: imc-cost: {{.*}}none
module @m {
  func.func @main(%x: tensor<1x300xf32>) -> tensor<1x10xf32> {
    %w = imc.missing_weight "w" : tensor<300x10xf32>
    %i = arith.constant dense<0.0> : tensor<1x10xf32>
    %y = linalg.matmul ins(%x, %w : tensor<1x300xf32>, tensor<300x10xf32>) outs(%i : tensor<1x10xf32>) -> tensor<1x10xf32> loc("fc")
    return %y : tensor<1x10xf32>
  }
}
