//===- IMCDialect.td - The imc dialect --------------------------*- tablegen -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_DIALECT_TD
#define IMC_DIALECT_TD

include "mlir/IR/DialectBase.td"

def IMC_Dialect : Dialect {
  let name = "imc";
  let summary = "Products with a stored matrix, from a tensor op to array accesses";
  let description = [{
    An in-memory-computing array holds a matrix and multiplies it by a vector
    in place. This dialect describes what such arrays do, at three levels:

    - **weight-stationary products** (`imc.matmul`, `imc.conv2d`): the operands
      are those of a layer of a network;
    - **integers** (`imc.choose_qparams`, `imc.quantize`, `imc.dequantize`,
      `imc.requantize`): where real numbers become the unsigned inputs of an array and back;
    - **arrays** (`imc.unfold`, `imc.encode_weights`, `imc.mvm`,
      `imc.shift_add`): windows, cells, array accesses and the recombination of
      bit slices.

    Everything that an array does not do stays in the upstream dialects. All
    ops that compute are in destination-passing style and take tensors or
    memrefs, so that upstream tiling, fusion and bufferization work on them.

    The machine itself is the attribute `#imc.target`, and the dialect gives
    meaning to these discardable attributes:

    | attribute | on | value |
    |---|---|---|
    | `imc.phase` | module | string, one of the phases of `docs/Architecture.md` |
    | `imc.target` | module | `#imc.target<…>` |
    | `imc.parameters` | module | integer, trained weights and biases |
    | `imc.name` | function arguments and results | string, the model's tensor name |
    | `imc.dynamic_product` | a product of two activations | unit; from phase `placed` on `"digital"` or `"arrays"`: where it runs |
    | `imc.range` | a product in f32 | `[lo, hi]`, two finite f64 with lo ≤ hi: calibrated range of the input |
    | `imc.schedule` | module | `"layers"`, `"pipeline"` or `"stream"`: how steps follow one another in its program; `"layers"` without it |
    | `imc.step` | any op | 64-bit integer ≥ 0, position in the layer order |
    | `imc.weight_bits` | a product | 64-bit integer: bits of its weights (8 without it); of a float product those that `imc-quantize` will give it |
    | `imc.input_bits` | a product in integers of the model itself, not made by `imc-quantize`; or a float one | 64-bit integer: bits of its unsigned inputs; of a float product those that `imc-quantize` will give it |
    | `imc.copies` | a product | 64-bit integer ≥ 1: its copies on arrays, which `imc-place` would choose without it |
    | `imc.adc_bits` | a product | 64-bit integer: bits that its conversions use, which `imc-tile` would choose without it |
    | `imc.unfolding` | a convolution | string, a value of `pass.unfolding`: the rule by which `imc-unfold-windows`, which removes it, decides about this one |
    | `imc.weight_bits`, `imc.input_bits` | module | 64-bit integers: `pass.weight_bits` and `pass.input_bits`, for which the chip is built, where some product has others |
    | `imc.adc_bits` | module | 64-bit integer: bits that conversions use where a product has no others, from phase `tiled` on, where some product has |
    | `imc.zero_macs` | a product made wider by `imc-unfold-windows` | 64-bit integer: multiply-accumulates that add nothing, of cells that are empty and results that are dropped |
    | `imc.cost` | any op | dictionary of figures |

    Any other attribute whose name starts with `imc.` is refused on ops, so that a misspelt one cannot be silently ignored.
  }];
  let cppNamespace = "::imc";
  // Tiling and partial reduction create ops of these.
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect",
    "::mlir::tensor::TensorDialect"];
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let extraClassDeclaration = [{
    /// Names of the discardable attributes of the dialect.
    static constexpr ::llvm::StringLiteral phaseAttrName = "imc.phase";
    static constexpr ::llvm::StringLiteral targetAttrName = "imc.target";
    static constexpr ::llvm::StringLiteral parametersAttrName = "imc.parameters";
    static constexpr ::llvm::StringLiteral nameAttrName = "imc.name";
    static constexpr ::llvm::StringLiteral dynamicProductAttrName = "imc.dynamic_product";
    static constexpr ::llvm::StringLiteral rangeAttrName = "imc.range";
    static constexpr ::llvm::StringLiteral stepAttrName = "imc.step";
    static constexpr ::llvm::StringLiteral scheduleAttrName = "imc.schedule";
    static constexpr ::llvm::StringLiteral weightBitsAttrName = "imc.weight_bits";
    static constexpr ::llvm::StringLiteral inputBitsAttrName = "imc.input_bits";
    static constexpr ::llvm::StringLiteral copiesAttrName = "imc.copies";
    static constexpr ::llvm::StringLiteral adcBitsAttrName = "imc.adc_bits";
    static constexpr ::llvm::StringLiteral unfoldingAttrName = "imc.unfolding";
    static constexpr ::llvm::StringLiteral zeroMacsAttrName = "imc.zero_macs";
    static constexpr ::llvm::StringLiteral costAttrName = "imc.cost";

    void registerAttributes();
    ::mlir::Attribute parseAttribute(::mlir::DialectAsmParser &parser, ::mlir::Type type) const override;
    void printAttribute(::mlir::Attribute attribute, ::mlir::DialectAsmPrinter &printer) const override;
  }];
}

#endif // IMC_DIALECT_TD
