//===- IMCInterfaces.td - Attribute interfaces of imc -----------*- tablegen -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_INTERFACES_TD
#define IMC_INTERFACES_TD

include "mlir/IR/OpBase.td"

def IMC_TargetAttrInterface : AttrInterface<"TargetAttrInterface"> {
  let cppNamespace = "::imc";
  let description = [{
    What a pass has to know of a machine to cut weights into arrays. An attribute that
    implements it may stand in `imc.target` of a module, so that another kind of machine
    needs no change here. `emitError` is called, and failure returned, when an answer depends
    on a field that is still open.
  }];
  let methods = [
    InterfaceMethod<"Rows and columns of cells of one array.",
      "::mlir::FailureOr<::imc::ArrayShape>", "getArrayShape",
      (ins "::llvm::function_ref<::mlir::InFlightDiagnostic()>":$emitError)>,
    InterfaceMethod<"Number of arrays on the chip.",
      "::mlir::FailureOr<int64_t>", "getCapacity",
      (ins "::llvm::function_ref<::mlir::InFlightDiagnostic()>":$emitError)>,
    InterfaceMethod<[{Adjacent columns that one weight of `weightBits` bits takes in the cells of this
      machine.}],
      "::mlir::FailureOr<int64_t>", "getSlicesPerWeight",
      (ins "::llvm::function_ref<::mlir::InFlightDiagnostic()>":$emitError,
           "::imc::EncodingKind":$kind, "int64_t":$weightBits)>,
    InterfaceMethod<[{Whether an `imc.mvm` is one array of this machine: its tile has the array's shape
      and its phases have the width of the row drivers. Says on the op what is wrong.}],
      "::llvm::LogicalResult", "verifyArrayOp", (ins "::mlir::Operation *":$mvm)>
  ];
}

#endif // IMC_INTERFACES_TD
