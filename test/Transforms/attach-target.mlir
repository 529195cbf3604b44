// RUN: imc-opt %s -imc-attach-target=file=rram-32nm | FileCheck %s --check-prefixes=CHECK,RRAM
// RUN: imc-opt %s -imc-attach-target=file=%imc_src/targets/sram-32nm/target.yaml | FileCheck %s --check-prefixes=CHECK,SRAM
// RUN: imc-opt %s -imc-attach-target=file=rram-32nm -imc-attach-target=file=sram-32nm | FileCheck %s --check-prefixes=CHECK,SRAM

// A machine by name or by path; a second one replaces the first.
// RRAM: imc.target = #imc.target<"rram-32nm"
// SRAM: imc.target = #imc.target<"sram-32nm"
// CHECK-LABEL: @main
module {
  func.func @main() {
    return
  }
}
