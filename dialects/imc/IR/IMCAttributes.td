//===- IMCAttributes.td - Attributes of the imc dialect ---------*- tablegen -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How numbers are stored in cells (encoding), driven into an array (input),
// read out of it (readout), and which arrays hold a layer (placement).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_ATTRIBUTES_TD
#define IMC_ATTRIBUTES_TD

include "dialects/imc/IR/IMCDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class IMC_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<IMC_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def IMC_EncodingKind : I32EnumAttr<"EncodingKind", "how a signed weight becomes unsigned cells", [
    I32EnumAttrCase<"Offset", 0, "offset">,
    I32EnumAttrCase<"Differential", 1, "differential">,
    I32EnumAttrCase<"TwosComplement", 2, "twos_complement">]> {
  let cppNamespace = "::imc";
  let genSpecializedAttr = 0;
}

def IMC_ReadoutPolicy : I32EnumAttr<"ReadoutPolicy", "which part of a column sum a converter sees", [
    I32EnumAttrCase<"Full", 0, "full">,
    I32EnumAttrCase<"Filled", 1, "filled">,
    I32EnumAttrCase<"Lossless", 2, "lossless">,
    I32EnumAttrCase<"Layer", 3, "layer">,
    I32EnumAttrCase<"Array", 4, "array">,
    I32EnumAttrCase<"Column", 5, "column">,
    I32EnumAttrCase<"Phase", 6, "phase">]> {
  let cppNamespace = "::imc";
  let genSpecializedAttr = 0;
}

def IMC_ReadoutTies : I32EnumAttr<"ReadoutTies", "where a sum half between two codes goes", [
    I32EnumAttrCase<"HalfUp", 0, "half_up">,
    I32EnumAttrCase<"HalfEven", 1, "half_even">,
    I32EnumAttrCase<"Floor", 2, "floor">]> {
  let cppNamespace = "::imc";
  let genSpecializedAttr = 0;
}

def IMC_EncodingAttr : IMC_Attr<"Encoding", "encoding"> {
  let summary = "How a signed weight is stored in unsigned cells";
  let description = [{
    A weight of `weight_bits` (n) bits is spread over adjacent columns of cells
    that hold `cell_bits` (b) bits each. With P[j] = Σ_r x[r]·cell[r, j], the sum
    of column j over the rows of the weight's own group,

    ```
    y = Σ_j coefficient_j · P[j] − offset · Σ_r x[r]
    ```

    | kind | columns per weight | cell values | coefficients | offset |
    |---|---|---|---|---|
    | `offset` | ceil(n/b) | base-2^b digits of w + 2^(n−1), least significant first | 2^(b·j) | 2^(n−1) |
    | `differential` | 2·ceil((n−1)/b) | digits of max(w, 0) and max(−w, 0), pairs adjacent | +2^(b·j), −2^(b·j) | 0 |
    | `twos_complement` | n | bits of w, least significant first | 2^j, the last one −2^(n−1) | 0 |

    `differential` stores magnitudes of n−1 bits: weights lie in ±(2^(n−1) − 1).

    Constraints:
    - (C1) 2 ≤ weight_bits ≤ 16: payloads are i8 up to 8 bits, i16 above, and one bit has no magnitude.
    - (C2) 1 ≤ cell_bits ≤ min(weight_bits, 8).
    - (C3) `twos_complement` has cell_bits = 1.

    Example:

    ```mlir
    #imc.encoding<offset, weight_bits = 8, cell_bits = 2>  // 4 columns: 1, 4, 16, 64; offset 128
    ```
  }];
  let parameters = (ins
    EnumParameter<IMC_EncodingKind>:$kind,
    "int64_t":$weight_bits,
    "int64_t":$cell_bits);
  let assemblyFormat = "`<` $kind `,` struct($weight_bits, $cell_bits) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Number of adjacent columns that one weight occupies.
    int64_t columnsPerWeight() const;
    /// What the sum of each of these columns counts for, in column order.
    ::llvm::SmallVector<int64_t> coefficients() const;
    /// What is to be taken off per unit of input; 0 when the encoding is signed by itself.
    int64_t offset() const;
    /// Smallest and largest weight that can be stored.
    int64_t minWeight() const;
    int64_t maxWeight() const;
    /// The cell values of weight `w` (minWeight() ≤ w ≤ maxWeight()), in column order.
    ::llvm::SmallVector<uint8_t> cells(int64_t w) const;
  }];
}

def IMC_InputAttr : IMC_Attr<"Input", "input"> {
  let summary = "How an unsigned input is driven into the rows of an array";
  let description = [{
    An unsigned input of `bits` bits is cut into ceil(bits / dac_bits) phases of
    `dac_bits` (d) bits each, least significant first. Phase i is applied in one array
    access; its result counts 2^(d·i).

    Constraints:
    - (C1) 1 ≤ bits ≤ 16: payloads are i8 up to 8 bits, i16 above.
    - (C2) 1 ≤ dac_bits ≤ min(bits, 8).

    Example:

    ```mlir
    #imc.input<bits = 8, dac_bits = 1>  // eight phases
    ```
  }];
  let parameters = (ins "int64_t":$bits, "int64_t":$dac_bits);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Number of array accesses per input vector: ceil(bits / dac_bits).
    int64_t phases() const;
  }];
}

def IMC_ReadoutAttr : IMC_Attr<"Readout", "readout"> {
  let summary = "How the sum of a column becomes a number";
  let description = [{
    `lossless_bits` (L) is the width that holds every possible sum of one array
    access: L = ceil(log2(R·(2^d − 1)·(2^b − 1) + 1)) for R rows, d input bits per phase
    and b bits per cell. The converter covers sums of `range_bits` (r) bits, 0 to 2^r − 1; left out, that
    is all of them, r = L. Codes lie 2^k apart, and sums above stay at the last code:

    ```
    code  = min((sum + half) >> k, 2^min(adc_bits, r) − 1)
    value = code << k
    ```

    `ties` says where a sum between two codes goes (left out: `half_up`): with k > 0, half is 2^(k−1) for `half_up`, 2^(k−1) − 1 plus
    bit k of the sum for `half_even`, and 0 for `floor`; with k = 0 it is 0.

    | policy | steps |
    |---|---|
    | `full` | k = max(0, r − adc_bits) |
    | `lossless` | k = 0: every sum that the weights allow has a code, which `imc-check-readout` proves |
    | `filled` | as `full`, for the rows alone that weights fill in a strip (X-RANGE of docs/crossbar.md) |
    | `layer`, `array`, `column` | one calibrated on data for each layer, array or converter (X-CAL) |
    | `phase` | one calibrated on data for each slice of a sign in a strip and each input phase (X-CAL) |

    With adc_bits ≥ r = L the value is the sum itself under `full`, `filled` and `lossless`. With r < L the converter resolves
    L − r low bits more than over the full range, and clips what is above. Steps of the last three rows of the table are none of the IR:
    array engines set them (`imc accuracy`, `imc run --arrays simulated`), other lowerings refuse these policies.

    Constraints:
    - (C1) 1 ≤ adc_bits ≤ 31.
    - (C2) 1 ≤ lossless_bits ≤ 31: sums are i32.
    - (C3) 1 ≤ range_bits ≤ lossless_bits.
    - (C4) range_bits < lossless_bits only with `full`: other policies say themselves what is covered.

    Example:

    ```mlir
    #imc.readout<adc_bits = 6, lossless_bits = 8, policy = full>                  // steps of 4 up to 252
    #imc.readout<adc_bits = 6, lossless_bits = 8, range_bits = 6, policy = full>  // steps of 1 up to 63
    #imc.readout<adc_bits = 4, lossless_bits = 8, policy = column, ties = half_even>
    ```
  }];
  let parameters = (ins
    "int64_t":$adc_bits,
    "int64_t":$lossless_bits,
    "int64_t":$range_bits,
    EnumParameter<IMC_ReadoutPolicy>:$policy,
    EnumParameter<IMC_ReadoutTies>:$ties);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let builders = [
    AttrBuilder<(ins "int64_t":$adcBits, "int64_t":$losslessBits, "::imc::ReadoutPolicy":$policy), [{
      return $_get($_ctxt, adcBits, losslessBits, /*range_bits=*/losslessBits, policy, ReadoutTies::HalfUp);
    }]>,
    AttrBuilder<(ins "int64_t":$adcBits, "int64_t":$losslessBits, "int64_t":$rangeBits,
                     "::imc::ReadoutPolicy":$policy), [{
      return $_get($_ctxt, adcBits, losslessBits, rangeBits, policy, ReadoutTies::HalfUp);
    }]>];
  let extraClassDeclaration = [{
    /// The width of the largest sum of one access: ceil(log2(rows·(2^dacBits − 1)·(2^cellBits − 1) + 1)).
    static int64_t losslessBits(int64_t rows, int64_t dacBits, int64_t cellBits);
    /// Whether the IR says what codes stand for, and not an array engine.
    bool hasFixedSteps() const;
    /// k, the number of low bits that the converter does not resolve; needs
    /// hasFixedSteps() as all that follows.
    int64_t shift() const;
    /// The last code of the converter, where larger sums stay.
    int64_t lastCode() const;
    /// Whether every sum of lossless_bits bits is reported as it is.
    bool isLossless() const;
    /// What the converter reports for a sum ≥ 0.
    int64_t read(int64_t sum) const;
  }];
}

def IMC_PlacementAttr : IMC_Attr<"Placement", "placement"> {
  let summary = "Which arrays hold the tiles of a layer";
  let description = [{
    The cells of a layer are a grid of `packs` × `row_strips` × `column_strips`
    (P × S × T) tiles, stored `copies` times. An array holds `row_sets` (r) of them, so that a
    copy takes a = ⌈P·S·T / r⌉ arrays. Tile (p, s, t) of copy k is in row set
    ((p·S + s)·T + t) mod r of array

    ```
    first(k) + ((p·S + s)·T + t) div r
    ```

    Copies follow each other from first(0) = `first_array` on, aligned to tiles of the machine of
    `macros_per_tile` (m) arrays (cores). With a ≤ m they lie in bundles of f = min(copies, m div a),
    each in one core: the first where first_array is, the others from the first array of the cores
    after it on. With a > m each copy begins a core:

    ```
    first(k) = first_array + k·a                                       a ≤ m, k < f
    first(k) = (first_array div m + k div f)·m + (k mod f)·a           a ≤ m, k ≥ f
    first(k) = first_array + k·⌈a / m⌉·m                               a > m
    ```

    Arrays are numbered through the chip: with `macros` arrays per tile and `tiles`
    tiles per group, array a is macro a mod macros of tile (a div macros) mod tiles of
    group a div (macros·tiles). A tile starts at row 0 and column 0 of its array.
    Copies share the M windows: with q = ⌈M / copies⌉, copy k computes windows k·q to
    min((k + 1)·q, M) − 1.

    Constraints:
    - (C1) first_array ≥ 0.
    - (C2) copies, packs, row_strips, column_strips, row_sets and macros_per_tile ≥ 1.
    - (C3) The number of the last array fits in 64 bits.
    - (C4) first_array lets the first bundle be aligned: with a ≤ m, first_array mod m + f·a ≤ m; with
      a > m, first_array mod m = 0.

    Example:

    ```mlir
    #imc.placement<first_array = 12, copies = 2, packs = 1, row_strips = 5, column_strips = 4>  // arrays 12 to 51
    #imc.placement<first_array = 10, copies = 3, packs = 1, row_strips = 1, column_strips = 3, macros_per_tile = 8>  // 10 to 12, 13 to 15, 16 to 18
    ```
  }];
  let parameters = (ins
    "int64_t":$first_array,
    "int64_t":$copies,
    "int64_t":$packs,
    "int64_t":$row_strips,
    "int64_t":$column_strips,
    DefaultValuedParameter<"int64_t", "1">:$row_sets,
    DefaultValuedParameter<"int64_t", "1">:$macros_per_tile);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Number of arrays of one copy, and of all copies, without those that
    /// stay empty between them.
    int64_t arraysPerCopy() const;
    int64_t arrays() const;
    /// First array of a copy.
    int64_t firstArrayOf(int64_t copy) const;
    /// The array that holds tile (pack, rowStrip, columnStrip) of a copy, and
    /// which of its row sets.
    int64_t array(int64_t copy, int64_t pack, int64_t rowStrip, int64_t columnStrip) const;
    int64_t rowSet(int64_t pack, int64_t rowStrip, int64_t columnStrip) const;
  }];
}

#endif // IMC_ATTRIBUTES_TD
