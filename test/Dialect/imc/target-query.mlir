// Upstream's dlti.query finds the machine on the module and walks into it.
// RUN: sed -e '$d' %S/target.mlir > %t.mlir
// RUN: sed -e '/^\/\//d' %s >> %t.mlir
// RUN: imc-opt %t.mlir -transform-interpreter -verify-diagnostics -o /dev/null
module attributes {transform.with_named_sequence} {
  // expected-remark @below {{128 : i64}}
  // expected-remark @below {{"rram"}}
  // expected-remark @below {{"test-chip"}}
  // expected-remark @below {{0.000000e+00 : f64}}
  func.func private @f()

  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %f = transform.structured.match ops{["func.func"]} in %root : (!transform.any_op) -> !transform.any_op
    %rows = transform.dlti.query ["array", "rows"] at %f : (!transform.any_op) -> !transform.param<i64>
    transform.debug.emit_param_as_remark %rows at %f : !transform.param<i64>, !transform.any_op
    %kind = transform.dlti.query ["cell", "kind"] at %f : (!transform.any_op) -> !transform.any_param
    transform.debug.emit_param_as_remark %kind at %f : !transform.any_param, !transform.any_op
    %name = transform.dlti.query ["name"] at %f : (!transform.any_op) -> !transform.any_param
    transform.debug.emit_param_as_remark %name at %f : !transform.any_param, !transform.any_op
    %leakage = transform.dlti.query ["cell", "leakage_nw"] at %f : (!transform.any_op) -> !transform.any_param
    transform.debug.emit_param_as_remark %leakage at %f : !transform.any_param, !transform.any_op
    transform.yield
  }
}
}
