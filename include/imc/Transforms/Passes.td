//===- Passes.td - Passes from imported to costed ----------*- tablegen -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One pass per arrow of docs/Architecture.md, section 2. Every pass works on
// the module, checks everything before it changes anything, and records the
// phase it has reached in `imc.phase`.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TRANSFORMS_PASSES_TD
#define IMC_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def OffloadPass : Pass<"imc-offload", "::mlir::ModuleOp"> {
  let summary = "Turn products with a constant matrix into imc ops";
  let description = [{
    A product whose right operand is a constant (`arith.constant` or
    `imc.missing_weight`, also behind reshapes and transposes) can be stored in arrays
    once and be used many times. This pass turns such products into weight-stationary ops:

    | from | to |
    |---|---|
    | `linalg.conv_2d_nchw_fchw` | `imc.conv2d`, 1 group |
    | `linalg.depthwise_conv_2d_nchw_chw` | `imc.conv2d`, one group per channel |
    | `linalg.conv_2d_ngchw_gfchw` | `imc.conv2d`, the reshapes to and from five dimensions folded |
    | `linalg.matmul`, a `linalg.generic` that is a contraction | `imc.matmul` |

    Strides and dilations are kept, and so is the initial value of the sums (the bias).
    A product of two activations stays as it is and gets the unit attribute
    `imc.dynamic_product`; everything else stays for the digital unit.

    Example:

    ```mlir
    %y = linalg.matmul ins(%x, %w : tensor<1x4xf32>, tensor<4x2xf32>)
                       outs(%b : tensor<1x2xf32>) -> tensor<1x2xf32>
    // becomes, %w being constant
    %y = imc.matmul ins(%x, %w : tensor<1x4xf32>, tensor<4x2xf32>)
                    outs(%b : tensor<1x2xf32>) -> tensor<1x2xf32>
    ```
  }];
  let statistics = [
    Statistic<"numProducts", "products offloaded", "Products with constant weights turned into imc ops">,
    Statistic<"numDynamic", "dynamic products", "Products of two activations that were marked">,
    Statistic<"numFolded", "weights rewritten", "Constants whose reshape or transpose was done at compile time">
  ];
  let dependentDialects = ["::imc::IMCDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def QuantizePass : Pass<"imc-quantize", "::mlir::ModuleOp"> {
  let summary = "Make the operands of every product integers";
  let description = [{
    Weights become signed integers with one scale per output channel, activations
    unsigned integers with one scale and zero point per tensor; products accumulate in
    i32; `imc.dequantize` returns to f32 and adds the bias. The rules, with labels, are in
    docs/phases/quantized.md.

    Weights are quantized at compile time into new resources (i8 weights, f32 scales, i32
    column sums). A weight without data (`imc.missing_weight`) yields missing weights of these types.

    `activations=dynamic` measures the range of each input at run time
    (`imc.choose_qparams`); `activations=calibrated` takes it from the attribute `imc.range =
    [lo, hi]` of the product and refuses a product that has none.

    Example:

    ```mlir
    %y = imc.matmul ins(%x, %w : tensor<1x4xf32>, tensor<4x2xf32>)
                    outs(%b : tensor<1x2xf32>) -> tensor<1x2xf32>
    // becomes
    %scale, %zp = imc.choose_qparams %x {bits = 8}
    %q = imc.quantize ins(%x, %scale, %zp) outs(%e) {bits = 8}
    %acc = imc.matmul ins(%q, %wq) outs(%zero)
    %y = imc.dequantize ins(%acc, %scale, %zp, %wscale, %wsum, %bias) outs(%f)
    ```
  }];
  let options = [
    Option<"weightBits", "weight-bits", "int64_t", /*default=*/"8",
           "Bits of a weight, sign included (2 to 8)">,
    Option<"inputBits", "input-bits", "int64_t", /*default=*/"8",
           "Bits of an activation, unsigned (1 to 8)">,
    Option<"activations", "activations", "std::string", /*default=*/"\"dynamic\"",
           "Where ranges of activations come from: dynamic (run time) or calibrated (imc.range)">
  ];
  let statistics = [
    Statistic<"numProducts", "products quantized", "Products whose operands became integers">,
    Statistic<"numWeights", "weights quantized", "Values of weights rounded at compile time">,
    Statistic<"numShared", "inputs shared", "Products that use an input quantized for another one">
  ];
  let dependentDialects = ["::imc::IMCDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

#endif // IMC_TRANSFORMS_PASSES_TD
