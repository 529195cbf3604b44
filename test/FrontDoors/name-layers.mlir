// RUN: imc-opt %s --imc-name-layers --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

// 12 trained numbers: the splat, the integers of rank 1 and what is not used do
// not count, and a tensor that two ops use counts once.
// CHECK: module attributes {imc.parameters = 12 : i64}
func.func @main(%x: tensor<2x4xf32>, %n: tensor<1x2x2x1xf32>) -> (tensor<2x2xf32>, tensor<1x2x2x1xf32>) {
  %zero = arith.constant 0.0 : f32
  %unused = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  // What feeds a layer belongs to it.
  // CHECK: arith.constant dense<{{.*}}tensor<4x2xf32> loc("matmul_0"(
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]> : tensor<4x2xf32>
  %v = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %v2 = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %ones = arith.constant dense<1.0> : tensor<2x2xf32>
  %e = tensor.empty() : tensor<2x2xf32>
  // CHECK: linalg.fill {{.*}} loc("matmul_0"(
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x2xf32>) -> tensor<2x2xf32>
  // CHECK: linalg.matmul {{.*}} loc("matmul_0"(
  %0 = linalg.matmul ins(%x, %w : tensor<2x4xf32>, tensor<4x2xf32>) outs(%z : tensor<2x2xf32>) -> tensor<2x2xf32>
  // A name that is there stays; neighbours with one name are one layer.
  // CHECK: linalg.matmul {{.*}} loc("fc2"
  %1 = linalg.matmul ins(%0, %v : tensor<2x2xf32>, tensor<2x2xf32>) outs(%z : tensor<2x2xf32>) -> tensor<2x2xf32> loc("fc2")
  // CHECK: linalg.add {{.*}} loc("fc2"
  %2 = linalg.add ins(%1, %ones : tensor<2x2xf32>, tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) -> tensor<2x2xf32> loc(fused["x.py":1:1, "fc2"])
  // linalg.generic is called after its last computation.
  // CHECK: linalg.generic
  // CHECK: } -> tensor<2x2xf32> loc("maximumf_0"(
  %3 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
    ins(%2 : tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) {
  ^bb0(%a: f32, %b: f32):
    %m = arith.maximumf %a, %zero : f32
    linalg.yield %m : f32
  } -> tensor<2x2xf32>
  // A name that comes back is another layer; one place is one layer, called
  // after its product.
  // CHECK: linalg.matmul {{.*}} loc("fc2@2"
  %4 = linalg.matmul ins(%3, %v2 : tensor<2x2xf32>, tensor<2x2xf32>) outs(%z : tensor<2x2xf32>) -> tensor<2x2xf32> loc("fc2")
  // CHECK: linalg.exp {{.*}} loc("matmul_1"(
  %5 = linalg.exp ins(%4 : tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) -> tensor<2x2xf32> loc("m.mlir":7:1)
  // CHECK: linalg.matmul {{.*}} loc("matmul_1"(
  %6 = linalg.matmul ins(%5, %v2 : tensor<2x2xf32>, tensor<2x2xf32>) outs(%z : tensor<2x2xf32>) -> tensor<2x2xf32> loc("m.mlir":7:1)
  // CHECK: tosa.abs {{.*}} loc("abs_0"(
  %7 = tosa.abs %n : (tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32>
  return %6, %7 : tensor<2x2xf32>, tensor<1x2x2x1xf32>
}
