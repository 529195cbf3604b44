// RUN: imc-opt %s --split-input-file --imc-outline-loops | FileCheck %s

// Two nests, two functions; the bound is repeated in each, and the two buffers,
// of which one is an argument and one an allocation, cannot overlap.
// CHECK-LABEL: func.func @main(
// CHECK:         call @[[A:.*]](%{{.*}}, %{{.*}})
// CHECK:         call @[[B:.*]](%{{.*}})
// CHECK-NOT:     scf.for
// CHECK:       func.func private @[[A]](%{{.*}}: memref<8xf32> {llvm.noalias}, %{{.*}}: memref<8xf32> {llvm.noalias}) attributes {passthrough = ["noinline"]}
// CHECK:         arith.constant 8 : index
// CHECK:         scf.for
// CHECK:       func.func private @[[B]](
// CHECK:         scf.for
func.func @main(%x: memref<8xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %eight = arith.constant 8 : index
  %y = memref.alloc() : memref<8xf32>
  scf.for %i = %zero to %eight step %one {
    %v = memref.load %x[%i] : memref<8xf32>
    memref.store %v, %y[%i] : memref<8xf32>
  }
  scf.for %i = %zero to %eight step %one {
    %v = memref.load %y[%i] : memref<8xf32>
    %w = arith.addf %v, %v : f32
    memref.store %w, %y[%i] : memref<8xf32>
  }
  memref.dealloc %y : memref<8xf32>
  return
}

// -----

// Equal nests on other buffers: one function, called twice.
// CHECK-LABEL: func.func @equal(
// CHECK:         call @[[F:.*]](%{{.*}})
// CHECK:         call @[[F]](%{{.*}})
// CHECK:       func.func private @[[F]](
// CHECK-NOT:   func.func
func.func @equal(%x: memref<8xf32>, %y: memref<8xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %eight = arith.constant 8 : index
  scf.for %i = %zero to %eight step %one {
    %v = memref.load %x[%i] : memref<8xf32>
    %w = arith.addf %v, %v : f32
    memref.store %w, %x[%i] : memref<8xf32>
  }
  scf.for %i = %zero to %eight step %one {
    %v = memref.load %y[%i] : memref<8xf32>
    %w = arith.addf %v, %v : f32
    memref.store %w, %y[%i] : memref<8xf32>
  }
  return
}

// -----

// Two views of one buffer may overlap.
// CHECK-LABEL: func.func @views(
// CHECK:       func.func private
// CHECK-NOT:     llvm.noalias
// CHECK:         scf.for
func.func @views(%x: memref<8xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %a = memref.expand_shape %x [[0, 1]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
  scf.for %i = %zero to %four step %one {
    %v = memref.load %x[%i] : memref<8xf32>
    memref.store %v, %a[%one, %i] : memref<2x4xf32>
  }
  scf.for %i = %zero to %four step %one {
    %v = memref.load %x[%i] : memref<8xf32>
    memref.store %v, %a[%zero, %i] : memref<2x4xf32>
  }
  return
}

// -----

// CHECK-LABEL: func.func @lone(
// CHECK:         scf.for
func.func @lone(%x: memref<8xf32>, %v: f32) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %eight = arith.constant 8 : index
  scf.for %i = %zero to %eight step %one {
    memref.store %v, %x[%i] : memref<8xf32>
  }
  return
}
