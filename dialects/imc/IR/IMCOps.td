//===- IMCOps.td - Operations of the imc dialect ----------------*- tablegen -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Letters: M windows (batch × output positions, or rows of the left matrix),
// K rows and N columns of the weight matrix of one group, G groups, R and C
// rows and columns of an array; P packs, S row strips, T column strips.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_OPS_TD
#define IMC_OPS_TD

include "dialects/imc/IR/IMCOpBase.td"

//===----------------------------------------------------------------------===//
// Weight-stationary products
//===----------------------------------------------------------------------===//

def IMC_MissingWeightOp : IMC_Op<"missing_weight", [Pure]> {
  let summary = "A weight whose data is absent";
  let description = [{
    Stands for a weight of which only name, shape and element type are known: models
    for cost and search often come without their data. Whatever needs the numbers
    (execution, quantization of the weight to constants) refuses by `name`.

    Constraints:
    - (C1) The result has a static shape.
    - (C2) `name` is not empty.

    Example:

    ```mlir
    %w = imc.missing_weight "features.0.weight" : tensor<64x3x7x7xf32>
    ```
  }];
  let arguments = (ins StrAttr:$name);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def IMC_MatmulOp : IMC_ReductionOp<"matmul"> {
  let summary = "Product with a stored matrix";
  let description = [{
    Multiplies activations by a constant matrix and adds the product to the destination:

    ```
    y[m, n] = init[m, n] + Σ_k x[m, k] · w[k, n]
    ```

    On integers x is an unsigned payload and w a signed one, each in i8 up to 8 bits and in i16 above; sums are i32, or i64 where one of them is i16.
    Iterations are (m, n, k); k is a reduction.

    Constraints:
    - (C1) Shapes are M×K, K×N and M×N.
    - (C2) Element types are f32, f32, f32; i8, i8, i32; or i8 or i16, one of them i16, and i64.

    Example:

    ```mlir
    %y = imc.matmul ins(%x, %w : tensor<1x512xf32>, tensor<512x10xf32>)
                    outs(%b : tensor<1x10xf32>) -> tensor<1x10xf32>
    ```
  }];
  let arguments = (ins
    IMC_Shaped<[F32, I8, I16], [2]>:$x,
    IMC_Shaped<[F32, I8, I16], [2]>:$w,
    IMC_Shaped<[F32, I32, I64], [2]>:$init);
  let assemblyFormat = [{
    `ins` `(` $x `,` $w `:` type($x) `,` type($w) `)` `outs` `(` $init `:` type($init) `)`
    attr-dict (`->` type($result)^)?
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$w, "::mlir::Value":$init), [{
    build($_builder, $_state, ::imc::detail::resultTypes(init), x, w, init);
  }]>];
}

def IMC_Conv2DOp : IMC_ReductionOp<"conv2d"> {
  let summary = "Convolution with stored weights";
  let description = [{
    Slides G groups of windows over an already padded input and adds the products with
    constant weights to the destination. With F' = F/G output and C' = C/G input channels per group,

    ```
    y[n, g·F' + f, oh, ow] = init[n, g·F' + f, oh, ow]
        + Σ_{c, kh, kw} x[n, g·C' + c, oh·sh + kh·dh, ow·sw + kw·dw] · w[g·F' + f, c, kh, kw]
    ```

    On integers x is an unsigned payload and w a signed one, each in i8 up to 8 bits and in i16 above; sums are i32, or i64 where one of them is i16.
    Groups that each have one input channel make a depthwise convolution.

    Iterations are (n, f, oh, ow, c) with one group, where c is a reduction, and (n, g, oh, ow) with
    several, which are tiled by whole groups. The taps kh, kw of a window stay together.

    Constraints:
    - (C1) `strides` and `dilations` have two values ≥ 1.
    - (C2) `groups` ≥ 1 divides C and F, and w has C/groups input channels. KH and KW are static, with
      several groups all of w is.
    - (C3) x and y have the same batch, and y has the channels of w.
    - (C4) The output size is (H − dh·(KH − 1) − 1) div sh + 1, likewise for the width, and ≥ 1.
    - (C5) Element types are f32, f32, f32; i8, i8, i32; or i8 or i16, one of them i16, and i64.

    Example:

    ```mlir
    %y = imc.conv2d ins(%x, %w : tensor<1x3x34x34xf32>, tensor<16x3x3x3xf32>)
                    outs(%b : tensor<1x16x32x32xf32>)
                    strides = [1, 1] dilations = [1, 1] groups = 1 -> tensor<1x16x32x32xf32>
    ```
  }];
  let arguments = (ins
    IMC_Shaped<[F32, I8, I16], [4]>:$x,
    IMC_Shaped<[F32, I8, I16], [4]>:$w,
    IMC_Shaped<[F32, I32, I64], [4]>:$init,
    DenseI64ArrayAttr:$strides,
    DenseI64ArrayAttr:$dilations,
    I64Attr:$groups);
  let assemblyFormat = [{
    `ins` `(` $x `,` $w `:` type($x) `,` type($w) `)` `outs` `(` $init `:` type($init) `)`
    `strides` `=` $strides `dilations` `=` $dilations `groups` `=` $groups
    attr-dict (`->` type($result)^)?
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$w, "::mlir::Value":$init,
      "::llvm::ArrayRef<int64_t>":$strides, "::llvm::ArrayRef<int64_t>":$dilations,
      "int64_t":$groups), [{
    build($_builder, $_state, ::imc::detail::resultTypes(init), x, w, init, strides, dilations, groups);
  }]>];
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

def IMC_ChooseQParamsOp : IMC_Op<"choose_qparams", [Pure]> {
  let summary = "Measure the range of a tensor at run time";
  let description = [{
    Returns the scale and zero point with which `imc.quantize` uses all codes of `bits`
    bits for the values of x. With lo = min(0, min x) and hi = max(0, max x), in f32,

    ```
    scale      = (hi − lo) / (2^bits − 1)        (1 when hi = lo)
    zero point = clamp(round_half_even(−lo / scale), 0, 2^bits − 1)
    ```

    Zero lies in the range, so that it is represented exactly. `symmetric` keeps the zero point
    in the middle of the codes; with m = max(−lo, hi),

    ```
    scale      = m / (2^(bits−1) − 1)            (1 when m = 0)
    zero point = 2^(bits−1)
    ```

    With `per_row`, every row of a matrix has a scale and a zero point of its own. The op works on
    tensors only: it is replaced by its digital implementation before bufferization.

    Constraints:
    - (C1) 1 ≤ bits ≤ 16, and at least 2 when `symmetric`.
    - (C2) With `per_row` x has rank 2 and the results one element per row; otherwise they have rank 0.

    Example:

    ```mlir
    %scale, %zp = imc.choose_qparams %x bits = 8 : tensor<1x64x56x56xf32> -> tensor<f32>, tensor<i32>
    ```

    ```mlir
    %scale, %zp = imc.choose_qparams %tokens bits = 8 per_row : tensor<128x512xf32> -> tensor<128xf32>, tensor<128xi32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$x, I64Attr:$bits, UnitAttr:$symmetric, UnitAttr:$per_row);
  let results = (outs TensorRankOf<[F32], [0, 1]>:$scale, TensorRankOf<[I32], [0, 1]>:$zero_point);
  let assemblyFormat = [{
    $x `bits` `=` $bits (`symmetric` $symmetric^)? (`per_row` $per_row^)? attr-dict
    `:` type($x) `->` type(results)
  }];
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "int64_t":$bits,
      CArg<"bool", "false">:$symmetric, CArg<"bool", "false">:$perRow), [{
    ::llvm::SmallVector<int64_t, 1> shape;
    if (perRow)
      shape.push_back(::llvm::cast<::mlir::RankedTensorType>(x.getType()).getDimSize(0));
    build($_builder, $_state,
          ::mlir::RankedTensorType::get(shape, $_builder.getF32Type()),
          ::mlir::RankedTensorType::get(shape, $_builder.getI32Type()), x,
          $_builder.getI64IntegerAttr(bits),
          symmetric ? $_builder.getUnitAttr() : ::mlir::UnitAttr(),
          perRow ? $_builder.getUnitAttr() : ::mlir::UnitAttr());
  }]>];
}

def IMC_QuantizeOp : IMC_TiledOp<"quantize"> {
  let summary = "Real numbers to unsigned payloads";
  let description = [{
    Element by element, in f32 up to the rounding and in integers after it:

    ```
    q = clamp(round_half_even(x / scale) + zero_point, 0, 2^bits − 1)
    ```

    The payload is unsigned and kept in i8 up to 8 bits, in i16 above. A scale and zero point of rank 1 are those of the
    rows of a matrix. The destination is overwritten.

    Constraints:
    - (C1) x and the destination have the same shape.
    - (C2) 1 ≤ bits ≤ 8 with a destination of i8, 9 ≤ bits ≤ 16 with i16.
    - (C3) scale and zero_point have the same shape; with rank 1, x has rank 2 and that many rows.

    Example:

    ```mlir
    %q = imc.quantize ins(%x, %scale, %zp : tensor<1x64xf32>, tensor<f32>, tensor<i32>)
                      outs(%e : tensor<1x64xi8>) bits = 8 -> tensor<1x64xi8>
    ```
  }];
  let arguments = (ins
    IMC_AnyRank<[F32]>:$x,
    IMC_Shaped<[F32], [0, 1]>:$scale,
    IMC_Shaped<[I32], [0, 1]>:$zero_point,
    IMC_AnyRank<[I8, I16]>:$init,
    I64Attr:$bits);
  let assemblyFormat = [{
    `ins` `(` $x `,` $scale `,` $zero_point `:` type($x) `,` type($scale) `,` type($zero_point) `)`
    `outs` `(` $init `:` type($init) `)` `bits` `=` $bits attr-dict (`->` type($result)^)?
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$scale, "::mlir::Value":$zeroPoint,
      "::mlir::Value":$init, "int64_t":$bits), [{
    build($_builder, $_state, ::imc::detail::resultTypes(init), x, scale, zeroPoint, init, bits);
  }]>];
}

def IMC_DequantizeOp : IMC_TiledOp<"dequantize"> {
  let summary = "Integer sums to real numbers";
  let description = [{
    Undoes the quantization of both operands of a product and adds the bias. Dimension 1 is
    the channel n; the correction by the zero point and the sums of the weights are integers,
    the rest is f32 in this order:

    ```
    y[.., n, ..] = float(acc[.., n, ..] − x_zero_point · w_sum[n]) · (x_scale · w_scale[n]) + bias[n]
    ```

    w_sum[n] is the sum of all integer weights of channel n: since x = x_scale·(q − x_zero_point),
    the product counts the zero point once per weight. Integers are those of acc, i32 or i64. x_scale and x_zero_point of rank 1 are those
    of the rows of a matrix. The destination is overwritten.

    Constraints:
    - (C1) acc and the destination have the same shape, of rank ≥ 2.
    - (C2) w_scale, w_sum and bias have as many elements as there are channels.
    - (C3) x_scale and x_zero_point have the same shape; with rank 1, acc has rank 2 and that many rows.

    Example:

    ```mlir
    %y = imc.dequantize ins(%acc, %xs, %xz, %ws, %wsum, %bias : tensor<1x10xi32>, tensor<f32>,
             tensor<i32>, tensor<10xf32>, tensor<10xi32>, tensor<10xf32>)
             outs(%e : tensor<1x10xf32>) -> tensor<1x10xf32>
    ```
  }];
  let arguments = (ins
    IMC_AnyRank<[I32, I64]>:$acc,
    IMC_Shaped<[F32], [0, 1]>:$x_scale,
    IMC_Shaped<[I32], [0, 1]>:$x_zero_point,
    IMC_Shaped<[F32], [1]>:$w_scale,
    IMC_Shaped<[I32], [1]>:$w_sum,
    IMC_Shaped<[F32], [1]>:$bias,
    IMC_AnyRank<[F32]>:$init);
  let assemblyFormat = [{
    `ins` `(` $acc `,` $x_scale `,` $x_zero_point `,` $w_scale `,` $w_sum `,` $bias
    `:` type($acc) `,` type($x_scale) `,` type($x_zero_point) `,` type($w_scale) `,` type($w_sum)
    `,` type($bias) `)` `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($result)^)?
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$acc, "::mlir::Value":$xScale, "::mlir::Value":$xZeroPoint,
      "::mlir::Value":$wScale, "::mlir::Value":$wSum, "::mlir::Value":$bias, "::mlir::Value":$init), [{
    build($_builder, $_state, ::imc::detail::resultTypes(init), acc, xScale, xZeroPoint, wScale, wSum, bias, init);
  }]>];
}

def IMC_RequantizeOp : IMC_TiledOp<"requantize"> {
  let summary = "Integer sums to the payload of the next layer";
  let description = [{
    Takes the sums of an integer product to an integer payload. Dimension 1 is the channel n.
    `bias` holds what is added to the sums in integers: the bias of the layer and the
    corrections by zero points (modulo 2^32, as the sums themselves; 2^64 where they are i64, the
    sums of operands of 9 to 16 bits). With

    ```
    v = f64(acc[.., n, ..] + bias[n]) · multiplier[n]                       (f64)
    ```

    and codes [lo, hi], the result is, without and with a `step`,

    ```
    q = clamp(round_half_even(v + zero_point), lo, hi)                      (f64)
    q = clamp(round_half_even(f32(v) / step) + zero_point, lo, hi)          (f32 up to the rounding)
    ```

    The first is what ONNX QLinearConv and QLinearMatMul compute, with multiplier =
    x_scale·w_scale/y_scale; the zero point takes part in the rounding. The second is
    DequantizeLinear followed by QuantizeLinear, with multiplier = x_scale·w_scale and
    step = y_scale: the real number is rounded to f32, then its quotient. Rules R7 to R10 of
    docs/phases/rounding.md say it operation by operation. The destination is overwritten.

    An activation that clamps (Relu, Clip) is part of the codes, since rounding keeps the order.

    Constraints:
    - (C1) acc and the destination have the same shape, of rank ≥ 2.
    - (C2) bias and multiplier have as many elements as there are channels.
    - (C3) `codes` are two numbers lo ≤ hi of the destination's element type, both read as signed
      or both as unsigned ones.
    - (C4) acc and bias have the same element type.

    Example:

    ```mlir
    %q = imc.requantize ins(%acc, %bias, %m, %zp, %step : tensor<1x16x8x8xi32>, tensor<16xi32>,
             tensor<16xf64>, tensor<i32>, tensor<f32>)
             outs(%e : tensor<1x16x8x8xi8>) codes = [-128, 127] -> tensor<1x16x8x8xi8>
    ```
  }];
  let arguments = (ins
    IMC_AnyRank<[I32, I64]>:$acc,
    IMC_Shaped<[I32, I64], [1]>:$bias,
    IMC_Shaped<[F64], [1]>:$multiplier,
    IMC_Shaped<[I32], [0]>:$zero_point,
    Optional<IMC_Shaped<[F32], [0]>>:$step,
    IMC_AnyRank<[I8, I16]>:$init,
    DenseI64ArrayAttr:$codes);
  let assemblyFormat = [{
    `ins` `(` $acc `,` $bias `,` $multiplier `,` $zero_point (`,` $step^)? `:` type($acc) `,`
    type($bias) `,` type($multiplier) `,` type($zero_point) (`,` type($step)^)? `)`
    `outs` `(` $init `:` type($init) `)` `codes` `=` $codes attr-dict (`->` type($result)^)?
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$acc, "::mlir::Value":$bias, "::mlir::Value":$multiplier,
      "::mlir::Value":$zeroPoint, "::mlir::Value":$step, "::mlir::Value":$init,
      "::llvm::ArrayRef<int64_t>":$codes), [{
    build($_builder, $_state, ::imc::detail::resultTypes(init), acc, bias, multiplier, zeroPoint, step, init, codes);
  }]>];
}

//===----------------------------------------------------------------------===//
// Arrays
//===----------------------------------------------------------------------===//

def IMC_UnfoldOp : IMC_DestinationOp<"unfold"> {
  let summary = "Gather windows into vectors of array rows";
  let description = [{
    Lays out, for every window m and pack p, the inputs of the pack's groups as S strips of R rows.
    For a rank-4 x, K = C/groups · KH · KW rows per group in the order (c, kh, kw) and
    m = (n·OH + oh)·OW + ow; for a rank-2 x, K is its second dimension. Row ρ = s·R + r of pack p
    is row k = ρ mod K of group g = p·groups_per_pack + ρ div K:

    ```
    u[p, m, s, r] = x[n, g·C/groups + c, oh·sh + kh·dh, ow·sw + kw·dw]   (rank 4)
    u[p, m, s, r] = x[m, ρ]                                             (rank 2)
    ```

    Rows without an input (ρ ≥ groups_per_pack·K, or g ≥ groups in the last pack) are zero. The
    destination is overwritten.

    Constraints:
    - (C1) `kernel`, `strides` and `dilations` have two values ≥ 1.
    - (C2) `groups` ≥ 1 divides C; 1 ≤ `groups_per_pack` ≤ `groups`.
    - (C3) For a rank-2 x all of these are 1.
    - (C4) P = ceil(groups / groups_per_pack).
    - (C5) M is the number of windows (≥ 1).
    - (C6) S = ceil(groups_per_pack·K / R). (C7) x and u have the same element type.

    Example: 4 windows of 2·3·3 = 18 rows in one strip of 32

    ```mlir
    %u = imc.unfold ins(%x : tensor<1x2x4x4xi8>) outs(%e : tensor<1x4x1x32xi8>)
         kernel = [3, 3] strides = [1, 1] dilations = [1, 1] groups = 1 groups_per_pack = 1
         -> tensor<1x4x1x32xi8>
    ```
  }];
  let arguments = (ins
    IMC_Shaped<[I8, I16], [2, 4]>:$x,
    IMC_Shaped<[I8, I16], [4]>:$init,
    DenseI64ArrayAttr:$kernel,
    DenseI64ArrayAttr:$strides,
    DenseI64ArrayAttr:$dilations,
    I64Attr:$groups,
    I64Attr:$groups_per_pack);
  let assemblyFormat = [{
    `ins` `(` $x `:` type($x) `)` `outs` `(` $init `:` type($init) `)`
    `kernel` `=` $kernel `strides` `=` $strides `dilations` `=` $dilations
    `groups` `=` $groups `groups_per_pack` `=` $groups_per_pack
    attr-dict (`->` type($result)^)?
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::mlir::Value":$init,
      "::llvm::ArrayRef<int64_t>":$kernel, "::llvm::ArrayRef<int64_t>":$strides,
      "::llvm::ArrayRef<int64_t>":$dilations, "int64_t":$groups, "int64_t":$groupsPerPack), [{
    build($_builder, $_state, ::imc::detail::resultTypes(init), x, init, kernel, strides, dilations,
          groups, groupsPerPack);
  }]>];
}

def IMC_EncodeWeightsOp : IMC_DestinationOp<"encode_weights"> {
  let summary = "Signed weights to the cell values of array tiles";
  let description = [{
    Writes every weight as J = encoding.columnsPerWeight() unsigned cells into a grid of P × S × T tiles
    of R × C cells. A rank-2 w is K×N; a rank-4 w is F × C/groups × KH × KW with
    K = C/groups · KH · KW rows in the order (c, kh, kw) and N = F/groups columns per group.
    Weight (k, n) of group g, the l-th group of pack p (l = g mod groups_per_pack), has its digit j in

    ```
    row    ρ = l·K + k           strip s = ρ div R, row    r = ρ mod R
    column κ = (l·N + n)·J + j   strip t = κ div C, column c = κ mod C
    cells[p, s, t, r, c] = digit j of the encoded weight
    ```

    All other cells are zero: groups of one pack lie on a block diagonal. The destination is overwritten.

    Constraints:
    - (C1) `groups` ≥ 1 divides F and is 1 for a rank-2 w; 1 ≤ `groups_per_pack` ≤ `groups`.
    - (C2) P = ceil(groups / groups_per_pack).
    - (C3) S = ceil(groups_per_pack·K / R).
    - (C4) T = ceil(groups_per_pack·N·J / C). (C5) w is i8 for up to 8 bits per weight, i16 for more.

    Example: 18 × 4 weights of 8 bits, 2 bits per cell, need 18 × 16 cells

    ```mlir
    %cells = imc.encode_weights ins(%w : tensor<4x2x3x3xi8>) outs(%e : tensor<1x1x1x32x16xi8>)
             encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2> groups = 1 groups_per_pack = 1
             -> tensor<1x1x1x32x16xi8>
    ```
  }];
  let arguments = (ins
    IMC_Shaped<[I8, I16], [2, 4]>:$w,
    IMC_Shaped<[I8], [5]>:$init,
    IMC_EncodingAttr:$encoding,
    I64Attr:$groups,
    I64Attr:$groups_per_pack);
  let assemblyFormat = [{
    `ins` `(` $w `:` type($w) `)` `outs` `(` $init `:` type($init) `)`
    `encoding` `=` qualified($encoding) `groups` `=` $groups `groups_per_pack` `=` $groups_per_pack
    attr-dict (`->` type($result)^)?
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$w, "::mlir::Value":$init,
      "::imc::EncodingAttr":$encoding, "int64_t":$groups, "int64_t":$groupsPerPack), [{
    build($_builder, $_state, ::imc::detail::resultTypes(init), w, init, encoding, groups, groupsPerPack);
  }]>];
}

def IMC_MVMOp : IMC_ReductionOp<"mvm"> {
  let summary = "Matrix-vector products in arrays";
  let description = [{
    Every tile multiplies the strips of all windows by its cells, phase by phase; a converter reads each
    column (`readout`), and phases and row strips are added up digitally:

    ```
    acc[p, m, t, c] = init[p, m, t, c]
        + Σ_s Σ_i 2^(d·i) · readout( Σ_r digit_i(u[p, m, s, r]) · cells[p, s, t, r, c] )
    ```

    where digit_i takes bits d·i to d·i + d − 1 of the unsigned input (`input`) and cells are unsigned.
    Iterations are (p, m, s, t, c); s is a reduction. The rows r belong to one array access and
    are no iteration: a readout is not linear, so its sum cannot be split.

    An op with P = S = T = 1 is one array; with M = 1, its accesses for one window. `placement`
    says which arrays hold the tiles of the layer.

    Constraints:
    - (C1) u is P×M×S×R, cells P×S×T×R×C and the destination P×M×T×C.
    - (C2) R·(2^dac_bits − 1) fits in `readout.lossless_bits` bits: cells hold at least one bit. (C3) u is i8 for inputs of up to 8 bits; for more it is i16, and the destination i64.

    Example: one array, one window

    ```mlir
    %a = imc.mvm ins(%u, %cells : tensor<1x1x1x128xi8>, tensor<1x1x1x128x128xi8>)
                 outs(%acc : tensor<1x1x1x128xi32>)
                 input = #imc.input<bits = 8, dac_bits = 1>
                 readout = #imc.readout<adc_bits = 8, lossless_bits = 8, policy = full>
                 -> tensor<1x1x1x128xi32>
    ```
  }];
  let arguments = (ins
    IMC_Shaped<[I8, I16], [4]>:$u,
    IMC_Shaped<[I8], [5]>:$cells,
    IMC_Shaped<[I32, I64], [4]>:$init,
    IMC_InputAttr:$input,
    IMC_ReadoutAttr:$readout,
    OptionalAttr<IMC_PlacementAttr>:$placement);
  let assemblyFormat = [{
    `ins` `(` $u `,` $cells `:` type($u) `,` type($cells) `)` `outs` `(` $init `:` type($init) `)`
    `input` `=` qualified($input) `readout` `=` qualified($readout)
    (`placement` `=` qualified($placement)^)? attr-dict (`->` type($result)^)?
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$u, "::mlir::Value":$cells, "::mlir::Value":$init,
      "::imc::InputAttr":$input, "::imc::ReadoutAttr":$readout,
      CArg<"::imc::PlacementAttr", "{}">:$placement), [{
    build($_builder, $_state, ::imc::detail::resultTypes(init), u, cells, init, input, readout, placement);
  }]>];
}

def IMC_ShiftAddOp : IMC_DestinationOp<"shift_add"> {
  let summary = "Recombine the columns of a weight";
  let description = [{
    Weighs the J = encoding.columnsPerWeight() columns of every weight by the encoding's coefficients,
    takes off its offset times the inputs of the weight's own group, and puts the packs' columns in the
    order of the output. With N columns per group, channel f = g·N + n, group g the l-th of pack p, and
    κ_j = (l·N + n)·J + j,

    ```
    y[m, f] = Σ_j coefficient_j · acc[p, m, κ_j div C, κ_j mod C]
              − offset · Σ_{ρ = l·K}^{l·K + K − 1} u[p, m, ρ div R, ρ mod R]
    ```

    K is `group_rows`. A rank-4 y is batch × F × OH × OW with m = (n·OH + oh)·OW + ow. The destination is
    overwritten.

    Constraints:
    - (C1) acc is P×M×T×C, u P×M×S×R.
    - (C2) `groups` ≥ 1 divides the channels of y; 1 ≤ `groups_per_pack` ≤ `groups`.
    - (C3) P = ceil(groups / groups_per_pack).
    - (C4) M is the number of rows or output positions of y.
    - (C5) T = ceil(groups_per_pack·N·J / C).
    - (C6) S = ceil(groups_per_pack·group_rows / R), and group_rows ≥ 1. (C7) acc and y are i32; i64 where u is i16 or weights have more than 8 bits.

    Example:

    ```mlir
    %y = imc.shift_add ins(%acc, %u : tensor<1x4x1x16xi32>, tensor<1x4x1x32xi8>)
         outs(%e : tensor<1x4x2x2xi32>)
         encoding = #imc.encoding<offset, weight_bits = 8, cell_bits = 2>
         groups = 1 groups_per_pack = 1 group_rows = 18 -> tensor<1x4x2x2xi32>
    ```
  }];
  let arguments = (ins
    IMC_Shaped<[I32, I64], [4]>:$acc,
    IMC_Shaped<[I8, I16], [4]>:$u,
    IMC_Shaped<[I32, I64], [2, 4]>:$init,
    IMC_EncodingAttr:$encoding,
    I64Attr:$groups,
    I64Attr:$groups_per_pack,
    I64Attr:$group_rows);
  let assemblyFormat = [{
    `ins` `(` $acc `,` $u `:` type($acc) `,` type($u) `)` `outs` `(` $init `:` type($init) `)`
    `encoding` `=` qualified($encoding)
    `groups` `=` $groups `groups_per_pack` `=` $groups_per_pack `group_rows` `=` $group_rows
    attr-dict (`->` type($result)^)?
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$acc, "::mlir::Value":$u, "::mlir::Value":$init,
      "::imc::EncodingAttr":$encoding, "int64_t":$groups, "int64_t":$groupsPerPack, "int64_t":$groupRows), [{
    build($_builder, $_state, ::imc::detail::resultTypes(init), acc, u, init, encoding, groups,
          groupsPerPack, groupRows);
  }]>];
}

#endif // IMC_OPS_TD
