// RUN: imc-opt %s --imc-to-costed='target=sram-32nm' | FileCheck %s --check-prefix=DIGITAL
// RUN: imc-opt %s --imc-to-costed='target=sram-32nm dynamic-products=arrays' | FileCheck %s --check-prefix=ARRAYS
// RUN: imc-opt %s --imc-to-costed='target=sram-32nm dynamic-products=auto set=machine.digital.mac_pj=1000' | FileCheck %s --check-prefix=ARRAYS
// RUN: imc-opt %s --imc-to-costed='target=sram-32nm dynamic-products=auto set=machine.cell.write_energy_pj=1000000' | FileCheck %s --check-prefix=DIGITAL
// RUN: imc-opt %s --imc-to-costed='target=sram-32nm dynamic-products=auto set=machine.digital.mac_pj=1000,machine.cell.endurance_writes=1e15,machine.technology.max_peak_power_density_w_mm2=10000' | FileCheck %s --check-prefix=DIGITAL
// RUN: imc-opt %s --imc-to-costed='target=rram-32nm dynamic-products=arrays' | FileCheck %s --check-prefix=WORN
// RUN: imc-opt %s --imc-to-costed='target=rram-32nm dynamic-products=arrays set=machine.cell.endurance_writes=1e18' | FileCheck %s --check-prefix=LASTS
// RUN: imc-opt %s --imc-to-costed='target=rram-32nm dynamic-products=auto' | FileCheck %s --check-prefix=DIGITAL

// Four heads of 64 windows, 32 rows and 64 columns.
// DIGITAL: feasible = true
// DIGITAL: linalg.batch_matmul
// DIGITAL-SAME: imc.cost = {
// DIGITAL-NOT: arrays =
// DIGITAL-SAME: macs = 524288
// DIGITAL-SAME: imc.dynamic_product = "digital"

// Each head has 64 x 8 columns of one bit.
// ARRAYS: feasible = true
// ARRAYS: linalg.batch_matmul
// ARRAYS-SAME: imc.cost = {arrays = [[A:[0-9]+]]
// ARRAYS-SAME: copies = 1
// ARRAYS-SAME: programming =
// ARRAYS-SAME: macs = 524288
// ARRAYS-SAME: imc.dynamic_product = "arrays"

// The value is the lifetime in years.
// WORN: feasible = false
// WORN-SAME: limit = 3.{{0+}}e+00 : f64, rule = "endurance", unit = "years", value = {{[0-9.eE+-]+}} : f64, where = "m"
// WORN: imc.dynamic_product = "arrays"

// LASTS: feasible = true
// LASTS: imc.dynamic_product = "arrays"
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
    %z = linalg.batch_matmul ins(%q, %k : tensor<4x64x32xf32>, tensor<4x32x64xf32>) outs(%j : tensor<4x64x64xf32>) -> tensor<4x64x64xf32>
    return %z : tensor<4x64x64xf32>
  }
}
