// Where products of two activations run, with the price of the other place; missed where that one is better.
// RUN: imc-opt %s --imc-to-placed='target=sram-32nm' --remarks-filter=imc-place -o /dev/null 2>&1 | FileCheck %s --check-prefix=DIGITAL
// RUN: imc-opt %s --imc-to-placed='target=sram-32nm dynamic-products=arrays' --remarks-filter-missed=imc-place -o /dev/null 2>&1 | FileCheck %s --check-prefix=WRONG
// RUN: imc-opt %s --imc-to-placed='target=sram-32nm dynamic-products=auto set=machine.digital.mac_pj=1000' --remarks-filter=imc-place -o /dev/null 2>&1 | FileCheck %s --check-prefix=ARRAYS
// RUN: imc-opt %s --imc-to-placed='target=sram-32nm set=machine.digital.mac_pj=1000' --remarks-filter=imc-place -o /dev/null 2>&1 | FileCheck %s --check-prefix=LEFT
// RUN: imc-opt %s --imc-to-placed='target=rram-32nm dynamic-products=auto set=machine.digital.mac_pj=1000,machine.digital.lanes_per_tile=1,machine.cell.write_energy_pj=0,machine.cell.write_row_ns=0' --remarks-filter=imc-place -o /dev/null 2>&1 | FileCheck %s --check-prefix=WORN
// RUN: imc-opt %s --imc-to-placed='target=sram-32nm' -o /dev/null 2>&1 | FileCheck %s --check-prefix=OFF --allow-empty
// DIGITAL: [Passed] DynamicProduct {{.*}}arrays_energy_j={{.*}}digital_latency_s={{.*}}, layer=scores, unit=digital
// WRONG: [Missed] DynamicProduct {{.*}}Suggestion=pass.dynamic_products=auto, {{.*}}layer=scores, unit=arrays
// ARRAYS: [Passed] DynamicProduct {{.*}}layer=scores, unit=arrays
// LEFT: [Missed] DynamicProduct {{.*}}Suggestion=pass.dynamic_products=auto, {{.*}}layer=scores, unit=digital
// WORN: [Missed] DynamicProduct {{.*}}Suggestion="cells that do not wear out", {{.*}}layer=scores, unit=digital
// OFF-NOT: remark:
module @m {
  func.func @main(%x: tensor<64x32xf32>, %k: tensor<4x32x64xf32>) -> tensor<4x64x64xf32> {
    %w = imc.missing_weight "w" : tensor<32x128xf32>
    %e = tensor.empty() : tensor<64x128xf32>
    %zero = arith.constant 0.0 : f32
    %i = linalg.fill ins(%zero : f32) outs(%e : tensor<64x128xf32>) -> tensor<64x128xf32>
    %y = linalg.matmul ins(%x, %w : tensor<64x32xf32>, tensor<32x128xf32>) outs(%i : tensor<64x128xf32>) -> tensor<64x128xf32>
    %h = tensor.expand_shape %y [[0], [1, 2]] output_shape [64, 4, 32] : tensor<64x128xf32> into tensor<64x4x32xf32>
    %p = tensor.empty() : tensor<4x64x32xf32>
    %q = linalg.transpose ins(%h : tensor<64x4x32xf32>) outs(%p : tensor<4x64x32xf32>) permutation = [1, 0, 2]
    %f = tensor.empty() : tensor<4x64x64xf32>
    %j = linalg.fill ins(%zero : f32) outs(%f : tensor<4x64x64xf32>) -> tensor<4x64x64xf32>
    %z = linalg.batch_matmul ins(%q, %k : tensor<4x64x32xf32>, tensor<4x32x64xf32>) outs(%j : tensor<4x64x64xf32>) -> tensor<4x64x64xf32> loc("scores")
    return %z : tensor<4x64x64xf32>
  }
}
