// Iterations that need what the one before made stay a loop with a pass for
// each; a product of the body that needs nothing of them has all windows.
//
// RUN: imc compile %s --target rram-32nm --program %t
// RUN: FileCheck %s --input-file=%t
// RUN: imc program %t --verify | FileCheck %s --check-prefix=SOUND
//
// The state of this iteration instead of that of the one before.
// RUN: sed '/^kernel 0/s/carried=/inputs=/' %t > %t.early
// RUN: not imc program %t.early --verify 2>&1 | FileCheck %s --check-prefix=EARLY
//
// Iterations that begin before the one before has ended.
// RUN: sed 's/5\*i/4*i/' %t > %t.beside
// RUN: not imc program %t.beside --verify 2>&1 | FileCheck %s --check-prefix=BESIDE
//
// CHECK: tensor [[STATE:[0-9]+]] "sum:add" {{.*}}elements=16 bits=8 versions=5
// CHECK: product 0 "state" layer=2 step=6 {{.*}}passes=5 period=5
// CHECK: product 1 "input" layer=6 step=2 inputs={{.*}}windows_per_copy=10{{$}}
// CHECK: kernel 0 "state" op="choose_qparams" {{.*}}carried={{\[}}[[STATE]]]
// CHECK: load p1, 0 + 1*i, 1 ; input
// CHECK: loop 5 {
// CHECK-NEXT: step s4, 0 + 5*i
// CHECK-NEXT: vector k0, 0, 1 ; state
// CHECK: step s6, 0 + 5*i
// CHECK-NEXT: loop 2 {
// CHECK-NEXT: load p0, 0 + 1*i, 1 ; state
//
// SOUND: 2 products, 2 parts, 7 kernels, {{.*}} verified
// EARLY: read-before-write: kernel 'state' reads {{.*}} 'sum:add' in step 4
// BESIDE: step: {{.*}}'vector' of pieces 0 to 0 of kernel 'state' in core {{[0-9]+}} is in step 8, but its layer is that of step 9
module @loop attributes {imc.phase = "imported"} {
  func.func @main(%x: tensor<5x2x8xf32> {imc.name = "x"}) -> (tensor<5x2x8xf32> {imc.name = "y"}) {
    %zero = arith.constant 0.0 : f32
    %w = arith.constant dense<0.5> : tensor<8x8xf32> loc("input")
    %u = arith.constant dense<0.25> : tensor<8x8xf32> loc("state")
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c5 = arith.constant 5 : index
    %none = tensor.empty() : tensor<5x2x8xf32>
    %e = tensor.empty() : tensor<2x8xf32>
    %h0 = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
    %r:2 = scf.for %t = %c0 to %c5 step %c1 iter_args(%h = %h0, %seq = %none) -> (tensor<2x8xf32>, tensor<5x2x8xf32>) {
      %xt = tensor.extract_slice %x[%t, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<5x2x8xf32> to tensor<2x8xf32>
      %state = linalg.matmul ins(%h, %u : tensor<2x8xf32>, tensor<8x8xf32>) outs(%h0 : tensor<2x8xf32>) -> tensor<2x8xf32> loc("state")
      %input = linalg.matmul ins(%xt, %w : tensor<2x8xf32>, tensor<8x8xf32>) outs(%h0 : tensor<2x8xf32>) -> tensor<2x8xf32> loc("input")
      %sum = linalg.add ins(%state, %input : tensor<2x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32> loc("sum")
      %more = tensor.insert_slice %sum into %seq[%t, 0, 0] [1, 2, 8] [1, 1, 1] : tensor<2x8xf32> into tensor<5x2x8xf32>
      scf.yield %sum, %more : tensor<2x8xf32>, tensor<5x2x8xf32>
    }
    return %r#1 : tensor<5x2x8xf32>
  }
}
