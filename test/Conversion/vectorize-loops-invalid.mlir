// RUN: not imc-opt %s --imc-vectorize-loops=min-row=8 2>&1 | FileCheck %s --check-prefix=OPTION
// OPTION: error: min-row is 8, expected 16 or more: partial sums have that many elements

// What has no form in vectors, or a better one in LLVM, stays.
// RUN: imc-opt %s --imc-vectorize-loops | FileCheck %s --implicit-check-not=call
// CHECK-COUNT-15: linalg.{{reduce|generic}}

#same = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#t = affine_map<(i, j) -> (j, i)>

// LLVM may reorder sums of integers.
func.func @integers(%x: memref<64x200xi32>, %m: memref<64xi32>) {
  linalg.reduce { arith.addi } ins(%x : memref<64x200xi32>) outs(%m : memref<64xi32>) dimensions = [1]
  return
}

// The innermost loop runs along the result.
func.func @columns(%x: memref<64x200xf32>, %m: memref<200xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<64x200xf32>) outs(%m : memref<200xf32>) dimensions = [0]
  return
}

// Rows of 8, however large the batch is.
func.func @batch(%x: memref<640x2x4xf32>, %y: memref<640x2x4xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, j, k)>, affine_map<(i, j, k) -> (i, j, k)>], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : memref<640x2x4xf32>) outs(%y : memref<640x2x4xf32>) {
    ^bb0(%p: f32, %o: f32):
      %0 = math.exp %p : f32
      linalg.yield %0 : f32
  }
  return
}

// Too few elements for partial sums.
func.func @short(%x: memref<640x20xf32>, %m: memref<640xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<640x20xf32>) outs(%m : memref<640xf32>) dimensions = [1]
  return
}

// Elements that lie apart.
func.func @strided(%x: memref<64x200xf32, strided<[400, 2]>>, %m: memref<64xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<64x200xf32, strided<[400, 2]>>) outs(%m : memref<64xf32>) dimensions = [1]
  return
}

// The result lies behind the rows of one buffer.
func.func @overlap(%x: memref<65x200xf32>) {
  %a = memref.subview %x[0, 0] [64, 200] [1, 1] : memref<65x200xf32> to memref<64x200xf32, strided<[200, 1]>>
  %b = memref.subview %x[64, 0] [1, 64] [1, 1] : memref<65x200xf32> to memref<64xf32, strided<[1], offset: 12800>>
  linalg.reduce { arith.addf } ins(%a : memref<64x200xf32, strided<[200, 1]>>) outs(%b : memref<64xf32, strided<[1], offset: 12800>>) dimensions = [1]
  return
}

// A value would be read after it has been replaced.
func.func @transposed_in_place(%x: memref<64x64xf32>) {
  linalg.generic {indexing_maps = [#t, #same], iterator_types = ["parallel", "parallel"]} ins(%x : memref<64x64xf32>) outs(%x : memref<64x64xf32>) {
    ^bb0(%p: f32, %o: f32):
      %1 = math.exp %p : f32
      linalg.yield %1 : f32
  }
  return
}

// LLVM's vectorizer does as well.
func.func @squares(%x: memref<64x64xf32>, %y: memref<64x64xf32>) {
  linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]} ins(%x : memref<64x64xf32>) outs(%y : memref<64x64xf32>) {
    ^bb0(%p: f32, %o: f32):
      %1 = arith.mulf %p, %p : f32
      linalg.yield %1 : f32
  }
  return
}

// Upstream has polynomials for f32.
func.func @double_exp(%x: memref<64x64xf64>, %y: memref<64x64xf64>) {
  linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]} ins(%x : memref<64x64xf64>) outs(%y : memref<64x64xf64>) {
    ^bb0(%p: f64, %o: f64):
      %1 = math.exp %p : f64
      linalg.yield %1 : f64
  }
  return
}

// Positions have no form in tiles here.
func.func @positions(%x: memref<64x64xf32>, %y: memref<64x64xf32>) {
  linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]} ins(%x : memref<64x64xf32>) outs(%y : memref<64x64xf32>) {
    ^bb0(%p: f32, %o: f32):
      %i = linalg.index 0 : index
      %j = arith.index_cast %i : index to i32
      %k = arith.sitofp %j : i32 to f32
      %1 = math.exp %k : f32
      linalg.yield %1 : f32
  }
  return
}

// A scalar that is computed elsewhere.
func.func @captured(%x: memref<64x64xf32>, %y: memref<64x64xf32>, %s: f32) {
  linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]} ins(%x : memref<64x64xf32>) outs(%y : memref<64x64xf32>) {
    ^bb0(%p: f32, %o: f32):
      %0 = arith.mulf %p, %s : f32
      %1 = math.exp %0 : f32
      linalg.yield %1 : f32
  }
  return
}

// A length that is not known.
func.func @dynamic(%x: memref<?x64xf32>, %y: memref<?xf32>) {
  linalg.reduce { arith.addf } ins(%x : memref<?x64xf32>) outs(%y : memref<?xf32>) dimensions = [1]
  return
}

// A vector of i1 in memory would be bits, and the buffer has bytes.
func.func @mask(%m: memref<64x64xi1>, %x: memref<64x64xf32>, %y: memref<64x64xf32>) {
  linalg.generic {indexing_maps = [#same, #same, #same], iterator_types = ["parallel", "parallel"]} ins(%m, %x : memref<64x64xi1>, memref<64x64xf32>) outs(%y : memref<64x64xf32>) {
    ^bb0(%s: i1, %p: f32, %o: f32):
      %0 = math.exp %p : f32
      %1 = arith.select %s, %0, %p : f32
      linalg.yield %1 : f32
  }
  return
}

// A root of -∞ is not what its power is.
func.func @root(%x: memref<64x64xf32>, %y: memref<64x64xf32>) {
  %half = arith.constant 0.5 : f32
  linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]} ins(%x : memref<64x64xf32>) outs(%y : memref<64x64xf32>) {
    ^bb0(%p: f32, %o: f32):
      %0 = math.exp %p : f32
      %1 = math.powf %0, %half : f32
      linalg.yield %1 : f32
  }
  return
}

// bf16 is rewritten later.
func.func @bfloat(%x: memref<64x64xbf16>, %y: memref<64x64xbf16>) {
  linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel"]} ins(%x : memref<64x64xbf16>) outs(%y : memref<64x64xbf16>) {
    ^bb0(%p: bf16, %o: bf16):
      %0 = arith.extf %p : bf16 to f32
      %1 = math.exp %0 : f32
      %2 = arith.truncf %1 : f32 to bf16
      linalg.yield %2 : bf16
  }
  return
}
