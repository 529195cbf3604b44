//===- Passes.td - Conversions from imc to upstream dialects -*- tablegen -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_CONVERSION_PASSES_TD
#define IMC_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerToLinalgPass : Pass<"imc-lower-to-linalg", "mlir::ModuleOp"> {
  let summary = "Lower every executable imc op to linalg, arith and tensor ops";
  let description = [{
    Replaces each op of the `imc` dialect, at any phase, by upstream ops on
    tensors that compute exactly what the op's description says; the result can
    be bufferized and run. This is the readable reference of the ops' meaning,
    and what `imc run` executes:

    - products become one `linalg.generic` (reduction order: input channel,
      kernel row, kernel column);
    - `imc.choose_qparams`, `imc.quantize` and `imc.dequantize` follow the
      rounding rules of `docs/phases/rounding.md`;
    - `imc.mvm` really runs row strip by row strip and input phase by input
      phase, and passes every column sum through the converter, also where the
      converter is lossless;
    - placement, steps and costs are ignored: they do not change values.

    Ops must be on tensors of static shape. `imc.missing_weight` is refused: a
    shape without data cannot be computed with.
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
    "mlir::math::MathDialect", "mlir::scf::SCFDialect",
    "mlir::tensor::TensorDialect"];
}

def ExternalizeConstantsPass
    : Pass<"imc-externalize-constants", "mlir::ModuleOp"> {
  let summary = "Turn large tensor constants into function arguments";
  let description = [{
    Appends one argument per large `arith.constant` tensor to the function that
    uses it, so that weights are passed to compiled code by pointer instead of
    being copied into an object file. The value is kept in the argument's
    attribute `execute.constant`; constants that share one value share one argument. The
    argument is marked `bufferization.writable = false`.

    Splat constants, constants of `i1` and `index`, and those smaller than
    `min-bytes` stay where they are. Functions that are called within the module are
    refused, since their callers would have to pass the values.
  }];
  let options = [
    Option<"minBytes", "min-bytes", "int64_t", /*default=*/"1024",
           "Constants of at least this many bytes become arguments">];
}

def PrepareLoopsPass : Pass<"imc-prepare-loops", "mlir::ModuleOp"> {
  let summary = "Order the loops of products so that the innermost one vectorizes";
  let description = [{
    Rewrites linalg products, convolutions and pooling on tensors so that plain
    loops over them run fast, without changing any result bit: the output's last
    dimension (for convolutions its rows and columns) moves inside the reduction
    loops, whose order among each other stays. Each element of the output still sums
    its terms in the same order. Padding and concatenation are split into fills
    and slices. An elementwise op joins the only op that uses it when it runs over
    the same elements, so that the value between them is not stored.
  }];
  let dependentDialects = [
    "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"];
}

def LowerStridedCopiesPass
    : Pass<"imc-lower-strided-copies", "mlir::ModuleOp"> {
  let summary = "Lower copies between non-contiguous memrefs to linalg.copy";
  let description = [{
    A `memref.copy` with a strided side would become a call of MLIR's C runtime
    library, which copies element by element; as a `linalg.copy` it becomes a
    loop. Copies between contiguous memrefs stay and become `memcpy`.
  }];
  let dependentDialects = ["mlir::linalg::LinalgDialect"];
}

def OutlineLoopsPass : Pass<"imc-outline-loops", "mlir::ModuleOp"> {
  let summary = "Move each loop nest of a function into a function of its own";
  let description = [{
    A lowered network is one function of hundreds of loop nests, on which several
    analyses of LLVM take more than linear time. Every `scf.for` without results at
    the top of a function with more than one becomes a private function that is
    not inlined. Constants are repeated in it; buffers that cannot overlap are
    marked `llvm.noalias`. Equal nests share one function.
  }];
  let dependentDialects = ["mlir::func::FuncDialect"];
}

def LegalizeScalarsPass : Pass<"imc-legalize-scalars", "mlir::ModuleOp"> {
  let summary = "Rewrite scalar arithmetic that LLVM or the host does not have";
  let description = [{
    `math.ipowi` becomes a function. Arithmetic in `bf16` is done in `f32` and
    rounded to nearest, ties to even, after every op; conversions between the two
    become integer ops, so that no runtime library is needed. `f64` is rounded to
    `f32` on its way to `bf16`, as onnxruntime does. Modules without such ops are
    left alone.
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::func::FuncDialect",
    "mlir::LLVM::LLVMDialect", "mlir::math::MathDialect",
    "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"];
}

def VectorizeProductsPass : Pass<"imc-vectorize-products", "mlir::ModuleOp"> {
  let summary = "Compute large products on buffers by blocked vector kernels";
  let description = [{
    Matrix products and convolutions on memrefs of static shape whose loops count
    at least `min-work` multiplications become calls of functions that keep a tile
    of the result in vector registers: one function per combination of element
    types (f32, f64, or integers extended to i32 or i64), with shapes as
    arguments. Convolutions copy the windows of some output rows at a time into a
    matrix. The product of a tile is a linalg op, of which upstream's transforms
    (`scf::tileUsingSCF`, `linalg::vectorize`, hoisting of transfers, contractions
    to outer products) make the code.

    An element of the result sums its terms in the order of the op, as the loops
    do; floating-point terms are added by fused multiply-adds where the host has
    them. Whether an op is rewritten depends on the op alone, so that two modules
    with the same op compute the same bits.

    Products of fewer than 4 rows or 8 columns, operands whose last dimension is
    not contiguous, other element types and depthwise convolutions stay.
  }];
  let options = [
    Option<"minWork", "min-work", "int64_t", /*default=*/"524288",
           "Multiplications from which on an op is rewritten">,
    Option<"vectorBits", "vector-bits", "unsigned", /*default=*/"256",
           "Width of the host's vector registers: 128, 256 or 512">];
  let dependentDialects = [
    "mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
    "mlir::func::FuncDialect", "mlir::linalg::LinalgDialect",
    "mlir::LLVM::LLVMDialect", "mlir::memref::MemRefDialect",
    "mlir::scf::SCFDialect", "mlir::ub::UBDialect",
    "mlir::vector::VectorDialect"];
}

def VectorizeLoopsPass : Pass<"imc-vectorize-loops", "mlir::ModuleOp"> {
  let summary = "Vectorize float reductions, and exp, tanh and erf, by upstream's transforms";
  let description = [{
    Ops on memrefs of static shape with rows of at least `min-row` elements become
    calls of functions on vectors; equal ops share one. In such a function the op is on tensors
    again, dimensions that lie one behind the other are merged, and upstream tiles
    (`scf::tileUsingSCF`, `scf::tileReductionUsingScf`), vectorizes
    (`linalg::vectorize`), hoists and bufferizes. Two classes gain by it:

    - Reductions of f32 and f64 along contiguous elements, which LLVM may not
      reorder. The order is the same on every host: element k of a row is added to
      partial sum k mod 16, as long as there are 16 more; partial sum k to sum
      k mod 4; these four to what the result held, in order; then the rest of the
      row, in order. Maxima, minima and products likewise.
    - Elementwise ops with `math.exp`, `math.tanh` or `math.erf` of f32, which would
      be a call per element. The functions are upstream's polynomials: within 5 units
      in the last place of the exact value; results of exp below 2^-126 are zero;
      infinities and NaN as in the host's library.

    A module with tensors of i8 stays as it is: codes close to the middle of two depend
    on the last bit of what is rounded, and docs/phases/rounding.md fixes its order
    where codes are computed. In other modules it
    depends on the op alone whether it is rewritten, so that two of them with the
    same op compute the same bits, and not on the first dimension of several, so that
    a sample has the same result in any batch.

    Other elementwise ops and reductions of integers stay: LLVM's loop vectorizer
    does as well (docs/decisions/0006). So do rows whose elements lie apart, results that share a buffer with an operand,
    operands of i1 or bf16, and bodies with positions, with scalars that are computed
    elsewhere or with other functions.

    ```mlir
    linalg.reduce { arith.addf } ins(%x : memref<64x200xf32>) outs(%s : memref<64xf32>) dimensions = [1]
    // becomes
    call @vectors(%x, %s) : (memref<64x200xf32>, memref<64xf32>) -> ()
    ```
  }];
  let options = [
    Option<"minRow", "min-row", "int64_t", /*default=*/"32",
           "Elements of a row from which on an op is rewritten, 16 or more">,
    Option<"allElementwise", "all-elementwise", "bool", /*default=*/"false",
           "Rewrite elementwise ops without exp, tanh and erf as well">];
  let dependentDialects = [
    "mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
    "mlir::bufferization::BufferizationDialect", "mlir::func::FuncDialect",
    "mlir::LLVM::LLVMDialect", "mlir::linalg::LinalgDialect",
    "mlir::math::MathDialect", "mlir::memref::MemRefDialect",
    "mlir::scf::SCFDialect", "mlir::tensor::TensorDialect",
    "mlir::vector::VectorDialect"];
}

#endif // IMC_CONVERSION_PASSES_TD
