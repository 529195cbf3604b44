// RUN: not imc-opt %s --imc-vectorize-products="vector-bits=100" 2>&1 | FileCheck %s
// CHECK: error: vector-bits is 100, expected 128, 256 or 512
func.func @main() {
  return
}
