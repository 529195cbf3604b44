// RUN: imc-opt %s -imc-to-costed=target=rram-32nm -remarks-filter='imc-.*' -o /dev/null 2>&1 | FileCheck %s
// RUN: imc-opt %s -imc-to-costed=target=rram-32nm -remarks-filter='imc-.*' -remark-format=yaml -remarks-output-file=%t.yaml -o %t.on.mlir
// RUN: FileCheck %s --check-prefix=YAML --input-file=%t.yaml

// Nobody asks: nothing is printed, and the module is the same.
// RUN: imc-opt %s -imc-to-costed=target=rram-32nm -o %t.off.mlir 2>&1 | FileCheck %s --allow-empty --check-prefix=OFF
// RUN: diff %t.on.mlir %t.off.mlir
// OFF-NOT: remark:

// One category alone.
// RUN: imc-opt %s -imc-to-costed=target=rram-32nm -remarks-filter-missed=imc-place -o /dev/null 2>&1 | FileCheck %s --check-prefix=MISSED --implicit-check-not=Passed --implicit-check-not=Analysis --implicit-check-not=imc-tile

// One window, one array: nothing to replicate. The other product has two windows.
// CHECK: [Passed] Grid | Category:imc-tile | {{.*}}Reason="300 rows over 256 driven at once; 10 columns x 4 per weight (8 bits, offset, 2 per cell) over 256; 8 input bits, 1 per phase; 1 of 1 groups share arrays", arrays=2, column_tiles=1, columns_per_weight=4, layer=fc1, packs=1, phases=8, row_strips=2
// CHECK: [Passed] Grid {{.*}}layer=conv, packs=8,
// CHECK: [Missed] GroupPacking | Category:imc-tile | {{.*}}Reason="each of 8 groups has arrays of its own; 8 would fit on one diagonal", Suggestion=pass.group_packing=diagonal, arrays=8, arrays_packed=1, layer=conv
// CHECK: [Passed] Copies | Category:imc-place | {{.*}}Reason="1 windows, 2 arrays per copy, 16384 arrays on the chip, 10 for one copy of the model", arrays=2, copies=1, layer=fc1, rounds=0, windows_per_copy=1
// CHECK-NOT: Replication{{.*}}layer=fc1
// CHECK: [Missed] Replication | Category:imc-place | {{.*}}Reason="pass.replication is none; 16374 arrays stay empty and a copy takes 8", Suggestion=pass.replication=balanced, copies=1, layer=conv
// CHECK: [Analysis] Layer | Category:imc-cost | {{.*}}bound_by=compute, compute_share=9.{{[0-9]+}}e-01, energy_j={{.*}}layer=fc1, next_bound=fill, op=matmul, slack_s={{[0-9.e-]+}}, utilization=9.155273e-02
// CHECK: [Analysis] Leakage | Category:imc-cost | {{.*}}Reason="standby power for {{[0-9.]+}} ns, which compute binds", layer=fc1, leakage_j={{.*}}share=
// CHECK: [Analysis] ConverterBit | Category:imc-cost | {{.*}}adc_bits=9, change="one less", energy="-{{.*}} %", latency="0.00 %", lost_bits=1, sqnr_db={{.*}}, sqnr_db_change=-
// CHECK: [Analysis] ConverterBit | Category:imc-cost | {{.*}}adc_bits=11, change="one more", energy="{{[0-9.]+}} %", latency="0.00 %", lost_bits=0, sqnr_db={{.*}}, sqnr_db_change=0.000000e+00

// YAML: --- !Passed
// YAML-NEXT: Pass: {{ *}}imc-tile
// YAML-NEXT: Name: {{ *}}Grid
// YAML: row_strips: {{ *}}'2'
// YAML: --- !Missed
// YAML: Suggestion: {{ *}}'pass.group_packing=diagonal'

// MISSED: remark: {{.*}}[Missed] Replication | Category:imc-place
module @m {
  func.func @main(%x: tensor<1x300xf32>, %z: tensor<1x8x6x6xf32>) -> (tensor<1x10xf32>, tensor<1x8x4x4xf32>) {
    %w = imc.missing_weight "w" : tensor<300x10xf32>
    %i = arith.constant dense<0.0> : tensor<1x10xf32>
    %y = linalg.matmul ins(%x, %w : tensor<1x300xf32>, tensor<300x10xf32>) outs(%i : tensor<1x10xf32>) -> tensor<1x10xf32> loc("fc1")
    %k = imc.missing_weight "k" : tensor<8x3x3xf32>
    %j = arith.constant dense<0.0> : tensor<1x8x4x4xf32>
    %c = linalg.depthwise_conv_2d_nchw_chw ins(%z, %k : tensor<1x8x6x6xf32>, tensor<8x3x3xf32>) outs(%j : tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> loc("conv")
    return %y, %c : tensor<1x10xf32>, tensor<1x8x4x4xf32>
  }
}
