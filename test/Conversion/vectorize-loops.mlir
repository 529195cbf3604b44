// RUN: imc-opt %s --imc-vectorize-loops | FileCheck %s
// RUN: imc-opt %s --imc-vectorize-loops=min-row=201 | FileCheck %s --check-prefix=LARGE
// RUN: imc-opt %s --imc-vectorize-loops=all-elementwise | FileCheck %s --check-prefix=ALL

#same = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// CHECK-LABEL: @softmax
// CHECK-NEXT:    call @[[MAX:.*]](%arg0, %arg1)
// CHECK-NEXT:    call @[[EXP:.*]](%arg0, %arg1, %arg2)
// CHECK-NEXT:    call @[[SUM:.*]](%arg2, %arg3)
// CHECK-NEXT:    return
// LARGE-LABEL: @softmax
// LARGE-NEXT:    linalg.reduce
// LARGE-NEXT:    linalg.generic
// LARGE:         linalg.reduce
func.func @softmax(%x: memref<64x200xf32>, %m: memref<64xf32>, %y: memref<64x200xf32>, %s: memref<64xf32>) {
  linalg.reduce { arith.maximumf } ins(%x : memref<64x200xf32>) outs(%m : memref<64xf32>) dimensions = [1]
  linalg.generic {indexing_maps = [#same, #row, #same], iterator_types = ["parallel", "parallel"]} ins(%x, %m : memref<64x200xf32>, memref<64xf32>) outs(%y : memref<64x200xf32>) {
    ^bb0(%p: f32, %q: f32, %o: f32):
      %0 = arith.subf %p, %q : f32
      %1 = math.exp %0 : f32
      linalg.yield %1 : f32
  }
  linalg.reduce { arith.addf } ins(%y : memref<64x200xf32>) outs(%s : memref<64xf32>) dimensions = [1]
  return
}

// An equal op has the same function.
// CHECK-LABEL: @again
// CHECK-NEXT:    call @[[SUM]](
func.func @again(%x: memref<64x200xf32>, %s: memref<64xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<64x200xf32>) outs(%s : memref<64xf32>) dimensions = [1]
  return
}

// CHECK-LABEL: @pooling
// CHECK-NEXT:    call @[[POOL:.*]](%arg0, %arg1)
func.func @pooling(%x: memref<1x512x7x7xf32>, %y: memref<1x512xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<1x512x7x7xf32>) outs(%y : memref<1x512xf32>) dimensions = [2, 3]
  return
}

// x³ is two multiplications.
// CHECK-LABEL: @gelu
// CHECK:         call @[[GELU:.*]](%arg0, %arg1)
func.func @gelu(%x: memref<4x32x64xf32>, %y: memref<4x32x64xf32>) {
  %three = arith.constant 3.0 : f32
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>, affine_map<(i, j, k) -> (i, j, k)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : memref<4x32x64xf32>) outs(%y : memref<4x32x64xf32>) {
    ^bb0(%p: f32, %o: f32):
      %0 = math.powf %p, %three : f32
      %1 = math.tanh %0 : f32
      linalg.yield %1 : f32
  }
  return
}

// Without a function of the library only on demand.
// CHECK-LABEL: @squares
// CHECK-NEXT:    linalg.generic
// ALL-LABEL: @squares
// ALL-NEXT:    call
func.func @squares(%x: memref<64x64xf32>, %y: memref<64x64xf32>) {
  linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]} ins(%x : memref<64x64xf32>) outs(%y : memref<64x64xf32>) {
    ^bb0(%p: f32, %o: f32):
      %0 = arith.mulf %p, %p : f32
      linalg.yield %0 : f32
  }
  return
}

// 16 partial sums of 192 elements, which become 4; they are added to what the
// result held, and the last 8 elements after them.
// CHECK:       func.func private @[[MAX]](
// CHECK:         arith.maximumf {{.*}} : vector<16xf32>
// CHECK:         arith.maximumf {{.*}} : vector<4xf32>
// CHECK:         vector.reduction <maximumf>, {{.*}} : vector<4xf32> into f32
// CHECK:         vector.reduction <maximumf>, {{.*}} : vector<8xf32> into f32

// CHECK:       func.func private @[[EXP]](
// CHECK-NOT:     math.exp
// CHECK:         scf.for
// CHECK:           scf.for
// CHECK:             math.fma {{.*}} : vector<16xf32>
// CHECK:           math.fma {{.*}} : vector<8xf32>
// CHECK-NOT:     math.exp

// CHECK:       func.func private @[[SUM]](%arg0: memref<64x200xf32> {llvm.noalias}, %arg1: memref<64xf32> {llvm.noalias}) attributes {passthrough = ["noinline"]}
// CHECK-NOT:     memref.alloc()
// CHECK:         scf.for %[[ROW:.*]] = %c0 to %c64
// CHECK:           scf.for {{.*}} = %c0 to %c192 step %c16 iter_args({{.*}}) -> (vector<16xf32>)
// CHECK:             vector.load
// CHECK-NEXT:        arith.addf
// CHECK-NEXT:        scf.yield
// CHECK:           scf.for {{.*}} = %c0 to %c16 step %c4 iter_args({{.*}}) -> (vector<4xf32>)
// CHECK:             arith.addf
// CHECK:           %[[OLD:.*]] = memref.load
// CHECK-NEXT:      %[[MAIN:.*]] = vector.reduction <add>, %{{.*}}, %[[OLD]] : vector<4xf32> into f32
// CHECK:           vector.reduction <add>, %{{.*}}, %[[MAIN]] : vector<8xf32> into f32
// CHECK-NOT:     memref.copy

// Rows and columns of the window are one dimension of 49.
// CHECK:       func.func private @[[POOL]](
// CHECK:         memref<1x512x7x7xf32> into memref<512x49xf32>
// CHECK:         arith.addf {{.*}} : vector<16xf32>

// CHECK:       func.func private @[[GELU]](
// CHECK:         memref<4x32x64xf32> into memref<8192xf32>
// CHECK-NOT:     math.powf
// CHECK-NOT:     math.tanh
// CHECK:         vector.store
// CHECK-NEXT:  }
// CHECK-NEXT:  return
