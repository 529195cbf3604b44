//===- ProductKernels.h - Functions that multiply matrices ------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Register-blocked matrix products and convolutions on buffers whose shapes are
// arguments: a module needs one function per combination of element types, not
// one per layer, so that code generation takes the same time for three layers
// and for two hundred.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_CONVERSION_PRODUCTKERNELS_H
#define IMC_LIB_CONVERSION_PRODUCTKERNELS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

namespace imc::kernels {

/// How an operand's integers become those of the sum.
enum class Extension { None, Signed, Unsigned };

/// Element types of c += a·b. f32 and f64 throughout, or integers, of which
/// those of `a` and `b` are extended to the type of `c`.
struct ProductTypes {
  mlir::Type a, b, c;
  Extension extendA = Extension::None, extendB = Extension::None;
};

/// The host's vector registers.
struct VectorUnit {
  /// Bits of one register: 128, 256 or 512.
  unsigned bits;

  /// Rows of a register tile; a tile is two registers wide. 512-bit machines
  /// have 32 registers, others mostly 16.
  unsigned tileRows() const { return bits >= 512 ? 8 : 6; }
};

/// The memref type of a matrix argument: `strided<[?, 1], offset: ?>`.
mlir::MemRefType matrixType(mlir::Type element);

/// The memref type of an image argument, C x H x W:
/// `strided<[?, ?, 1], offset: ?>`.
mlir::MemRefType imageType(mlir::Type element);

/// Builds the functions that are asked for, each once per module.
class Library {
public:
  Library(mlir::ModuleOp module, VectorUnit unit)
      : symbols(module), unit(unit) {}

  /// (a: M x K, b: K x N, c: M x N): c += a·b. Every element of c adds its
  /// terms in the order of k, each with one fused multiply-add where the host
  /// has that; the result does not depend on the width of registers or tiles.
  mlir::func::FuncOp product(const ProductTypes &types);

  /// (w: F x C·KH·KW, x: C x H x W, y: F x OH·OW, then OW, KH, KW and strides
  /// and dilations for height and width as indices): the convolution of x,
  /// which is padded already, added to y. The windows of some rows of the
  /// output at a time become the columns of a matrix. Terms are added in the
  /// order of C, KH, KW. `types.a` is that of w.
  mlir::func::FuncOp convolution(const ProductTypes &types);

  /// Whether all functions could be made; the reason has been emitted.
  bool isValid() const { return valid; }

private:
  mlir::func::FuncOp declare(const std::string &name,
                             llvm::ArrayRef<mlir::Type> arguments,
                             mlir::Location loc, bool &isNew);

  mlir::SymbolTable symbols;
  VectorUnit unit;
  bool valid = true;
};

} // namespace imc::kernels

#endif // IMC_LIB_CONVERSION_PRODUCTKERNELS_H
