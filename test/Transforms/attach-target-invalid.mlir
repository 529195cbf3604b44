// RUN: not imc-opt %s -imc-attach-target 2>&1 | FileCheck %s --check-prefix=EMPTY
// RUN: not imc-opt %s -imc-attach-target=file=rram-31nm 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rows' 2>&1 | FileCheck %s --check-prefix=FORM
// RUN: not imc-opt %s -imc-attach-target='file=rram-32nm set=machine.rowz=64' 2>&1 | FileCheck %s --check-prefix=FIELD
// RUN: not imc-opt %s -imc-attach-target='file=rram-32nm set=machine.cell.bits=99' 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: not imc-opt %s -imc-attach-target='file=sram-32nm set=machine.cell.bits=2' 2>&1 | FileCheck %s --check-prefix=CONTRADICTION
// RUN: not imc-opt %s -imc-attach-target=file=%t.yaml 2>&1 | FileCheck %s --check-prefix=FILE

// EMPTY: attach-target-invalid.mlir:{{.*}}: error: imc-attach-target: no machine given; write file=NAME or file=PATH (imc targets lists the names)
// NAME: error: imc-attach-target: {{.*}}rram-31nm{{.*}}rram-32nm, {{.*}}sram-32nm
// FORM: error: imc-attach-target: setting 'machine.rows' is not of the form KNOB=VALUE, e.g. machine.rows=256
// FIELD: error: imc-attach-target: {{.*}}machine.rowz
// RANGE: error: imc-attach-target: {{.*}}cell.bits{{.*}}99
// CONTRADICTION: error: imc-attach-target: target 'sram-32nm'
// FILE: error: imc-attach-target: {{.*}}invalid.mlir.tmp.yaml
module {
}
