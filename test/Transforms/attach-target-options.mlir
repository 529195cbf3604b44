// RUN: imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows=64,machine.cell.bits=4,adc.bits=6' | FileCheck %s
// RUN: rm -rf %t && mkdir -p %t/mine && cp -r %imc_src/targets/components %t/components
// RUN: sed -e s/rram-32nm/mine/ %imc_src/targets/rram-32nm/target.yaml > %t/mine/target.yaml
// RUN: imc-opt %s -imc-attach-target='file=mine dirs=%t' | FileCheck %s --check-prefix=DIRS

// Settings by alias, by full path, and without "machine.".
// CHECK: imc.target = #imc.target<"rram-32nm"
// CHECK-SAME: #imc.cell<kind = rram, bits = 4
// CHECK-SAME: #imc.array<rows = 64, cols = 256
// CHECK-SAME: #imc.adc<bits = 6
// DIRS: imc.target = #imc.target<"mine"
module {
}
