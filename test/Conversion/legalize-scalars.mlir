// RUN: imc-opt %s --imc-legalize-scalars | FileCheck %s

// Every op rounds: two truncations for two sums, as integer arithmetic.
// CHECK-LABEL: func.func @bfloat(
// CHECK-NOT:     arith.truncf
// CHECK:         arith.addf %{{.*}}, %{{.*}} : f32
// CHECK:         arith.bitcast %{{.*}} : i16 to bf16
// CHECK:         arith.addf %{{.*}}, %{{.*}} : f32
// CHECK:         arith.bitcast %{{.*}} : i16 to bf16
func.func @bfloat(%x: bf16, %y: bf16) -> bf16 {
  %a = arith.addf %x, %y : bf16
  %b = arith.addf %a, %y : bf16
  return %b : bf16
}

// CHECK-LABEL: func.func @from_double(
// CHECK:         arith.truncf %{{.*}} : f64 to f32
// CHECK-NOT:     bf16
// CHECK:         arith.bitcast %{{.*}} : i16 to bf16
func.func @from_double(%x: f64) -> bf16 {
  %a = arith.truncf %x : f64 to bf16
  return %a : bf16
}

// CHECK-LABEL: func.func @power(
// CHECK:         call @[[POWER:.*]](%{{.*}}, %{{.*}}) : (i32, i32) -> i32
// CHECK:       func.func private @[[POWER]](
func.func @power(%x: i32, %y: i32) -> i32 {
  %a = math.ipowi %x, %y : i32
  return %a : i32
}
