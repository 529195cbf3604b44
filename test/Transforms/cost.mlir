// RUN: imc-opt %s -imc-to-costed=target=rram-32nm | FileCheck %s
// RUN: imc-opt %s -imc-to-costed=target=rram-32nm -remarks-filter='imc-cost' 2>&1 | FileCheck %s --check-prefix=REMARK

// The product of 2x300 and 300x10: 2 strips of 256 rows, 6000 multiply-accumulates, 2 windows x 2 strips = 4
// array accesses. relu: 20 maxima. Quantization: 2 + 5 operations for each of 600 inputs.
// CHECK: module @m attributes {imc.cost = {
// CHECK-SAME: area_mm2 = {{[0-9.E+-]+}} : f64
// CHECK-SAME: capacity = 16384 : i64
// CHECK-SAME: feasible = true
// CHECK-SAME: logical_arrays = 2 : i64
// CHECK-SAME: macs = 6000 : i64
// CHECK-SAME: mvms = 4 : i64
// CHECK-SAME: parameters = 3000 : i64
// CHECK-SAME: placed_arrays = 2 : i64
// CHECK-SAME: violations = []
// CHECK-SAME: imc.phase = "costed"
module @m {
  // CHECK-LABEL: @main
  func.func @main(%x: tensor<2x300xf32>) -> tensor<2x10xf32> {
    // CHECK: imc.choose_qparams {{.*}}imc.cost = {bound_by = "digital", energy_by_component_j = {digital = {{.*}}macs = 0 : i64}
    // CHECK: imc.shift_add {{.*}}imc.cost = {arrays = 2 : i64, bound_by = "{{[a-z_]+}}", copies = 1 : i64
    // CHECK-SAME: macs = 6000 : i64, mvms = 4 : i64}
    // CHECK: linalg.generic {{.*}}imc.cost = {bound_by = "{{[a-z_]+}}"
    %w = imc.missing_weight "w" : tensor<300x10xf32>
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<2x10xf32>
    %i = linalg.fill ins(%zero : f32) outs(%e : tensor<2x10xf32>) -> tensor<2x10xf32>
    // REMARK: remark: {{.*}}Category:imc-cost | {{.*}}bound_by={{[a-z_]+}}, compute_share={{.*}}, energy_j={{.*}}, latency_s={{.*}}, layer=fc, next_bound={{[a-z_]+}}, op=matmul, slack_s={{.*}}, utilization=
    %y = linalg.matmul ins(%x, %w : tensor<2x300xf32>, tensor<300x10xf32>) outs(%i : tensor<2x10xf32>) -> tensor<2x10xf32> loc("fc")
    // REMARK: layer=relu, {{.*}}op=maximumf
    %r = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}
        ins(%y : tensor<2x10xf32>) outs(%e : tensor<2x10xf32>) {
      ^bb0(%v: f32, %o: f32):
        %m = arith.maximumf %v, %zero : f32
        linalg.yield %m : f32
    } -> tensor<2x10xf32> loc("relu")
    return %r : tensor<2x10xf32>
  }
}
