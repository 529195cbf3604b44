//===- Passes.td - Passes from imported to costed ----------*- tablegen -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One pass per arrow of docs/Architecture.md, section 2. Every pass works on
// the module, checks everything before it changes anything, and records the
// phase it has reached in `imc.phase`. The last four bring modules of other
// front ends to phase `imported`; the pipeline imc-normalize-input strings them
// together with upstream's conversions.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TRANSFORMS_PASSES_TD
#define IMC_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def AttachTargetPass : Pass<"imc-attach-target", "::mlir::ModuleOp"> {
  let summary = "Attach a machine description to the module";
  let description = [{
    Reads a machine (a name from `imc targets` or a file), applies the settings of
    `set`, checks the result, and writes it to the module as `imc.target`. Later passes
    read every number of the machine from there.

    An unknown name, a file that does not parse, an unknown field, and a value out
    of its range are refused; the module is left as it was.

    Example:

    ```mlir
    // imc-opt --imc-attach-target='file=rram-32nm set=machine.rows=256,machine.cell.bits=2'
    module {}
    // becomes
    module attributes {imc.target = #imc.target<...>} {}
    ```
  }];
  let options = [
    Option<"file", "file", "std::string", /*default=*/"\"\"",
           "Name of a machine that `imc targets` lists, or path of a machine file">,
    ListOption<"set", "set", "std::string",
               "Settings KNOB=VALUE of the machine's fields, e.g. machine.rows=256">,
    ListOption<"dirs", "dirs", "std::string",
               "Folders with NAME/target.yaml; the project's targets/ when none is given">
  ];
  let dependentDialects = ["::imc::IMCDialect"];
}

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
    Weights become signed integers with one scale per output channel (or per tensor), activations
    unsigned integers with one scale and zero point per tensor (or per row of a matrix); products accumulate in
    i32; `imc.dequantize` returns to f32 and adds the bias. The rules, with labels, are in
    docs/phases/quantized.md. A product with `imc.weight_bits` or `imc.input_bits` has these bits in place of the options'.

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
           "Bits of a weight, sign included (2 to 16)">,
    Option<"inputBits", "input-bits", "int64_t", /*default=*/"8",
           "Bits of an activation, unsigned (1 to 16)">,
    Option<"activations", "activations", "std::string", /*default=*/"\"dynamic\"",
           "Where ranges of activations come from: dynamic (run time) or calibrated (imc.range)">,
    Option<"weightGranularity", "weight-granularity", "std::string", /*default=*/"\"per_channel\"",
           "What shares a scale of weights: per_channel or per_tensor">,
    Option<"weightScheme", "weight-scheme", "std::string", /*default=*/"\"symmetric\"",
           "symmetric; affine weights are refused, since arrays take off one offset for all columns">,
    Option<"weightRange", "weight-range", "std::string", /*default=*/"\"minmax\"",
           "Scale of weights: minmax (the largest fits) or mse (least squared error)">,
    Option<"inputGranularity", "input-granularity", "std::string", /*default=*/"\"per_tensor\"",
           "What shares a scale of activations: per_tensor, or per_token (a row of a matrix; dynamic only)">,
    Option<"inputScheme", "input-scheme", "std::string", /*default=*/"\"affine\"",
           "Zero point of activations: affine (all codes used) or symmetric (the middle code)">,
    Option<"outputBits", "output-bits", "int64_t", /*default=*/"0",
           "0: products return f32; other bits are refused, since the next product's input-bits round its result">
  ];
  let statistics = [
    Statistic<"numProducts", "products quantized", "Products whose operands became integers">,
    Statistic<"numWeights", "weights quantized", "Values of weights rounded at compile time">,
    Statistic<"numShared", "inputs shared", "Products that use an input quantized for another one">
  ];
  let dependentDialects = ["::imc::IMCDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def UnfoldWindowsPass : Pass<"imc-unfold-windows", "::mlir::ModuleOp"> {
  let summary = "Let one load of a convolution compute several output positions";
  let description = [{
    Asks `cost::chooseUnfolding` how many neighbouring output positions of each integer convolution one
    load computes on arrays of `imc.target` (`pass.unfolding`), and rewrites those with more than one as wider convolutions: the kernel
    covers all of their windows, strides grow, each position has output channels of its own with zeros around
    its weights, and a transpose, which is no work of the digital unit, puts the positions back where they belong. Results are the same integers. Positions beyond
    the edge are computed from zeros and dropped. `im2col` changes nothing; `sdk` and `variable_window` are published rules;
    `products` and `steps` take the fewest products of arrays, or loads, within the arrays of the chip; `auto` takes
    what the cost model gives the least latency, for which it needs the options of later passes.

    A convolution with `imc.unfolding` follows that rule instead, and loses the attribute.
    Windows that would leave gaps between their elements keep one position. Remarks of category
    `imc-unfold-windows` name the windows and what they save.

    Example:

    ```mlir
    %y = imc.conv2d ins(%x, %w : tensor<1x3x6x6xi8>, tensor<4x3x3x3xi8>) outs(%z : tensor<1x4x4x4xi32>) {...}
    // becomes, with windows of 1x2 positions,
    %a = imc.conv2d ins(%x, %wide : tensor<1x3x6x6xi8>, tensor<8x3x3x4xi8>)
                    outs(%z2 : tensor<1x8x4x2xi32>) {strides = array<i64: 1, 2>, ...}
    %p = tensor.expand_shape %a [[0], [1, 2, 3, 4], [5], [6]] into tensor<1x1x1x2x4x4x2xi32>
    %t = linalg.transpose ins(%p) outs(%e : tensor<1x1x4x4x1x2x2xi32>) permutation = [0, 1, 4, 5, 2, 6, 3]
    %y = tensor.collapse_shape %t [[0], [1, 2], [3, 4], [5, 6]] into tensor<1x4x4x4xi32>
    ```
  }];
  let options = [
    Option<"unfolding", "unfolding", "std::string", /*default=*/"\"im2col\"",
           "Positions per load: im2col, sdk, variable_window, products, steps or auto">,
    Option<"encoding", "encoding", "std::string", /*default=*/"\"offset\"",
           "Encoding that imc-tile will give the weights: offset, differential or twos_complement">,
    Option<"groupPacking", "group-packing", "std::string", /*default=*/"\"single\"",
           "Packing of groups that imc-tile will use: single, diagonal or dense">,
    Option<"adcBits", "adc-bits", "int64_t", /*default=*/"0",
           "Bits of the converters that imc-tile will use; 0 takes the machine's">,
    Option<"replication", "replication", "std::string", /*default=*/"\"none\"",
           "Copies that imc-place will make: none, balanced, marginal_gain, exact_bottleneck or exact_sum">,
    Option<"dynamicProducts", "dynamic-products", "std::string", /*default=*/"\"digital\"",
           "Where imc-place will put products of two activations: digital, arrays or auto">,
    Option<"segments", "segments", "std::string", /*default=*/"\"swap_all\"",
           "What imc-place will let stay on a chip that is too small: swap_all, resident_best or exact">
  ];
  let statistics = [
    Statistic<"numWindows", "convolutions unfolded", "Convolutions with several positions per load">
  ];
  let dependentDialects = ["::imc::IMCDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def TilePass : Pass<"imc-tile", "::mlir::ModuleOp"> {
  let summary = "Cut every product into pieces that fit one array";
  let description = [{
    Reads the machine from `imc.target`. Each integer product becomes `imc.unfold` (windows
    as rows of a matrix), `imc.encode_weights` (signed weights as unsigned cells), `imc.mvm`
    and `imc.shift_add`. Upstream's `scf::tileUsingSCF` then cuts `imc.mvm` over packs,
    row strips and column strips, so that each remaining `imc.mvm` reads one array. Remarks of category `imc-tile` give
    the reasons of each grid.

    Example:

    ```mlir
    %acc = imc.matmul ins(%q, %w : tensor<1x300xi8>, tensor<300x10xi8>) outs(%z : tensor<1x10xi32>)
    // becomes, on arrays of 128 rows,
    %u = imc.unfold ins(%q) ...            // 1x1x3x128
    %c = imc.encode_weights ins(%w) ...    // 1x3x1x128x128
    %p = scf.for %s = 0 to 3 ... {         // one strip of rows per iteration
      %a = imc.mvm ins(%u_s, %c_s) ...
    }
    %y = imc.shift_add ins(%p, %u) ...
    ```
  }];
  let options = [
    Option<"encoding", "encoding", "std::string", /*default=*/"\"offset\"",
           "How signed weights become unsigned cells: offset, differential or twos_complement">,
    Option<"groupPacking", "group-packing", "std::string", /*default=*/"\"single\"",
           "Groups of a convolution that share arrays: single, diagonal or dense">,
    Option<"adcBits", "adc-bits", "int64_t", /*default=*/"0",
           "Bits of the analog-to-digital converter; 0 takes the machine's">,
    Option<"range", "range", "std::string", /*default=*/"\"full\"",
           "What converters cover: full, filled, lossless, or calibrated per layer, array, column or phase">,
    Option<"ties", "ties", "std::string", /*default=*/"\"half_up\"",
           "Where sums half between two codes go: half_up, half_even or floor">
  ];
  let statistics = [
    Statistic<"numProducts", "products tiled", "Products cut into arrays">,
    Statistic<"numTiles", "arrays", "Arrays for one copy of the model">
  ];
  let dependentDialects = ["::imc::IMCDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def PlacePass : Pass<"imc-place", "::mlir::ModuleOp"> {
  let summary = "Give every tile an array of the machine";
  let description = [{
    Asks `mapping::plan` for the number of copies of each product and for the arrays
    they occupy, and writes the answer to `imc.mvm` as `placement = #imc.placement<...>`.
    `replication=none` places one copy; `balanced` spends the arrays that are left on
    the products with the most windows per copy, `marginal_gain` on what saves most time
    per array; `exact_bottleneck` and `exact_sum` are the optima for the slowest product
    and for the sum over the products.

    `dynamic-products` decides where products of two activations run (`pass.dynamic_products`); the answer
    stands on each as `imc.dynamic_product = "digital"` or `"arrays"`. On arrays, the right operand is
    written each time into those that hold no weights. `auto` asks the cost model, layer by layer.

    A model that needs more arrays than a machine with non-volatile cells has is refused with
    both numbers; a machine with volatile cells reloads its arrays in rounds. `segments` says what
    stays on such a chip (`pass.segments`): nothing, or products that leave the others room for the largest
    of them. Remarks of category `imc-place` say what
    stopped one more copy.

    Example:

    ```mlir
    imc.mvm ins(%u, %c) outs(%a) {...}
    // becomes
    imc.mvm ins(%u, %c) outs(%a) {..., placement = #imc.placement<...>}
    ```
  }];
  let options = [
    Option<"replication", "replication", "std::string", /*default=*/"\"none\"",
           "Copies of products beyond the first: none, balanced, marginal_gain, exact_bottleneck or exact_sum">,
    Option<"dynamicProducts", "dynamic-products", "std::string", /*default=*/"\"digital\"",
           "Where products of two activations run: digital, arrays or auto">,
    Option<"segments", "segments", "std::string", /*default=*/"\"swap_all\"",
           "What stays on a chip that is too small: swap_all (nothing), resident_best or exact">
  ];
  let statistics = [
    Statistic<"numArrays", "arrays placed", "Arrays occupied, copies included">
  ];
  let dependentDialects = ["::imc::IMCDialect"];
}

def SchedulePass : Pass<"imc-schedule", "::mlir::ModuleOp"> {
  let summary = "Order the layers in steps";
  let description = [{
    Numbers the layers in program order: all ops that share an ONNX node name get the same
    `imc.step`. A layer starts when the one before has finished. `kind` says how the program of the
    module (`imc-translate --export-program`) lets them follow one another; other than `layers` it is
    written to `imc.schedule` on the module.

    Example:

    ```mlir
    %0 = imc.quantize ... loc("conv1")   // becomes {imc.step = 0}
    %1 = linalg.generic ... loc("relu1") // becomes {imc.step = 1}
    ```
  }];
  let options = [
    Option<"kind", "kind", "std::string", "\"layers\"",
           "How layers follow one another in the program: layers, pipeline or stream">
  ];
  let statistics = [
    Statistic<"numSteps", "steps", "Layers in sequence">
  ];
  let dependentDialects = ["::imc::IMCDialect"];
}

def CostPass : Pass<"imc-cost", "::mlir::ModuleOp"> {
  let summary = "Write energy, time and area on the ops and the module";
  let description = [{
    Reads the program back from the IR (trip counts of the loops around `imc.mvm`, static
    shapes, attributes, the work of the digital ops), hands it to `cost::evaluate`, and writes the
    answer as dictionaries `imc.cost`: the totals on the module, and on each op that does work its share
    (the whole array work of a product on its `imc.shift_add`). With `json` it also writes totals and layers
    to a file. Remarks of category `imc-cost` (`--remarks-filter=imc-cost`) say what binds each op and what would bind next, and what one
    converter bit more or less would do.

    Example:

    ```mlir
    module attributes {imc.phase = "scheduled"} { ... }
    // becomes
    module attributes {imc.phase = "costed", imc.cost = {energy_j = 1.0e-04 : f64, ...}} { ... }
    ```
  }];
  let options = [
    Option<"json", "json", "std::string", /*default=*/"\"\"",
           "File for the totals and layers as JSON; empty writes none">
  ];
  let dependentDialects = ["::imc::IMCDialect"];
}

def CheckReadoutPass : Pass<"imc-check-readout", "::mlir::ModuleOp"> {
  let summary = "Prove from the weights that converters lose nothing, or bound the error";
  let description = [{
    For every product from phase `tiled` on: with P and N the sums of the positive and negative cells that a converter reads in
    a strip, no sum is beyond max(P, N)·(2^d − 1), whatever the inputs (X-PROOF of docs/crossbar.md). A converter with steps of 1 and a
    last code not below it loses nothing. Remarks of category `imc-check-readout` name each product, how many of its converters are
    proved, and how far an output may be off (X-BOUND). `policy = lossless` that does not hold is an error that names the
    converter, its largest sum and the bits.

    Example:

    ```mlir
    // imc-opt --imc-tile="range=lossless adc-bits=6" --imc-check-readout
    // error: has policy = lossless, but converter 3 of column 0, group 0, strip 0 may read sums up to 70, a
    //        lossless range of 6 bits ends at 63
    %a = imc.mvm ins(%u, %c) ... readout = #imc.readout<adc_bits = 6, lossless_bits = 9, policy = lossless>
    ```
  }];
  let statistics = [
    Statistic<"numProducts", "products checked", "Products whose readout was looked at">,
    Statistic<"numLossless", "products lossless", "Products all of whose converters are proved">,
    Statistic<"numColumns", "converters", "Converters of known weights and steps, by strip">,
    Statistic<"numProved", "converters lossless", "Converters that provably lose nothing">
  ];
  let dependentDialects = ["::imc::IMCDialect"];
}

def VerifyPhasePass : Pass<"imc-verify-phase", "::mlir::ModuleOp"> {
  let summary = "Check the contract of a phase";
  let description = [{
    Checks the module against the contract of the phase (docs/phases, constraints P1 to P9) and
    reports the ops that break it. The phase may stand alone (`imc-verify-phase=placed`). Capacity and overlap of placements are checked by
    counting arrays one by one, with no code shared with the placement pass.

    Example:

    ```mlir
    // imc-opt --imc-verify-phase=quantized
    // error: P2 (quantized): product with f32 operands; run imc-quantize
    %y = imc.matmul ins(%x, %w : tensor<1x4xf32>, tensor<4x2xf32>) ...
    ```
  }];
  let options = [
    Option<"phase", "phase", "std::string", /*default=*/"\"\"",
           "imported, offloaded, quantized, tiled, placed, scheduled or costed; empty takes the module's imc.phase">
  ];
  let dependentDialects = ["::imc::IMCDialect"];
}

def AdoptModulePass : Pass<"imc-adopt-module", "::mlir::ModuleOp"> {
  let summary = "Make one function main of a module from another front end";
  let description = [{
    The function that is public (or `entry`) becomes `main`, all others private; inputs and
    outputs get an `imc.name`. Globals (`ml_program.global`, `util.global`) become
    constants where they are loaded; one whose value lies in a parameter archive becomes
    an `imc.missing_weight`. Attributes of dialects that are not linked in are dropped.

    Modules of `iree-compile --compile-to=input --mlir-print-op-generic` are taken with
    `--allow-unregistered-dialect`: `util.func` becomes `func.func`, and the buffers and
    fences of IREE's calling convention go.

    Refused: several public functions without `entry`, inputs or outputs that are not
    tensors of static shape with signless elements, state that is written, and ops of dialects that are not linked in.

    Example:

    ```mlir
    ml_program.global private @w(dense<1.0> : tensor<4x2xf32>) : tensor<4x2xf32>
    func.func @forward(%x: tensor<1x4xf32>) -> tensor<1x2xf32> {
      %w = ml_program.global_load_const @w : tensor<4x2xf32>
      ...
    // becomes
    func.func @main(%x: tensor<1x4xf32> {imc.name = "input_0"}) -> (tensor<1x2xf32> {imc.name = "output_0"}) {
      %w = arith.constant dense<1.0> : tensor<4x2xf32>
      ...
    ```
  }];
  let options = [
    Option<"entry", "entry", "std::string", /*default=*/"\"\"",
           "Function that becomes main; empty takes the only public one">
  ];
  let dependentDialects = ["::imc::IMCDialect", "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect", "::mlir::ml_program::MLProgramDialect"];
}

def NameLayersPass : Pass<"imc-name-layers", "::mlir::ModuleOp"> {
  let summary = "Give every layer a name";
  let description = [{
    Later phases take the name of a location for the layer that an op belongs to. Ops without one
    get it here, before they are lowered: `conv2d_0`, `matmul_1`, counted per kind. Ops that
    stand at one place of a file are one layer, and so are neighbours with one name; a name
    that comes back later gets `@2`. Also counts `imc.parameters`.

    Example:

    ```mlir
    %y = tosa.conv2d %x, %w, %b, %xz, %wz {...} : ... loc("model.mlir":7:10)
    // becomes
    %y = tosa.conv2d %x, %w, %b, %xz, %wz {...} : ... loc("conv2d_0"("model.mlir":7:10))
    ```
  }];
  let statistics = [Statistic<"numLayers", "layers", "Layers that have a name now">];
  let dependentDialects = ["::imc::IMCDialect"];
}

def NormalizeProductsPass : Pass<"imc-normalize-products", "::mlir::ModuleOp"> {
  let summary = "Bring products with constant weights to the forms that imc-offload takes";
  let description = [{
    A convolution or contraction with a constant operand, named or `linalg.generic`, in any
    layout of its operands, becomes one of the products of phase `imported`: `linalg.matmul`,
    `linalg.conv_2d_nchw_fchw`, `linalg.depthwise_conv_2d_nchw_chw` or
    `linalg.conv_2d_ngchw_gfchw`, between transposes and reshapes. 1-D convolutions get a second dimension of extent 1; a
    constant on the left moves to the right; a matrix for each batch element is a grouped convolution.
    What is in such a form already stays.

    Zero points of quantized products are taken out exactly: the sum of the weights joins
    the bias, the rest is work of the digital unit. A zero point that is not constant is refused.

    Sets `imc.phase = "imported"`.

    Example:

    ```mlir
    %y = linalg.conv_2d_nhwc_hwcf ins(%x, %w : tensor<1x6x6x4xf32>, tensor<3x3x4x8xf32>)
                                  outs(%i : tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
    // becomes, %w being constant,
    %xt = linalg.transpose ins(%x) outs(%0) permutation = [0, 3, 1, 2]
    %wt = linalg.transpose ins(%w) outs(%1) permutation = [3, 2, 0, 1]
    %yt = linalg.conv_2d_nchw_fchw ins(%xt, %wt) outs(%it)
    %y = linalg.transpose ins(%yt) outs(%2) permutation = [0, 2, 3, 1]
    ```
  }];
  let statistics = [
    Statistic<"numProducts", "products rewritten", "Products that were in another form">,
    Statistic<"numZeroPoints", "zero points", "Products whose zero points were taken out">
  ];
  let dependentDialects = ["::imc::IMCDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def SinkTransposesPass : Pass<"imc-sink-transposes", "::mlir::ModuleOp"> {
  let summary = "Move transposes of activations towards the results, where they cancel";
  let description = [{
    Between two products that imc-normalize-products has turned to channels-first, a
    transpose to channels-last and one back remain. This pass moves the first one past
    element-wise work, padding, slices and pooling until both meet and go. `linalg.generic` reads through
    its maps what was transposed; a transpose that moves only dimensions of extent 1 is a reshape.

    With `fold-bias`, the sum of a product and one constant per channel becomes the product's
    initial value, which is where the bias stands at phase `imported`. The sum is then added in another order: f32 results may differ in the last bits.

    Example:

    ```mlir
    %t = linalg.transpose ins(%x : tensor<1x8x4x4xf32>) outs(%0) permutation = [0, 2, 3, 1]
    %y = linalg.generic {...} ins(%t) outs(%1) {relu}
    // becomes
    %r = linalg.generic {...} ins(%x) outs(%2) {relu}
    %y = linalg.transpose ins(%r : tensor<1x8x4x4xf32>) outs(%3) permutation = [0, 2, 3, 1]
    ```
  }];
  let options = [
    Option<"foldBias", "fold-bias", "bool", /*default=*/"true",
           "Turn the sum of a product and a constant per channel into its bias">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // IMC_TRANSFORMS_PASSES_TD
