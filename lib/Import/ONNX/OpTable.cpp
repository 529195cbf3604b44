//===- OpTable.cpp - The supported ONNX ops -----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "imc/Import/ONNX.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace imc::onnximport {

ArrayRef<OpEntry> opTable() {
  // name, versions, inputs (min, max), outputs, lowering, what it becomes,
  // limits
  static const std::vector<OpEntry> table = {
      {"Abs", {6, 13}, 1, 1, 1, lowerUnary, "linalg.generic (math.absf)", ""},
      {"Add",
       {7, 13, 14},
       2,
       2,
       1,
       lowerArithmetic,
       "linalg.generic (arith.addf)",
       "integers only when known at import"},
      {"AveragePool",
       {7, 10, 11, 19, 22},
       1,
       1,
       1,
       lowerAveragePool,
       "tensor.pad, linalg.pooling_nchw_sum, linalg.generic (division by the "
       "number of counted elements); a 1x1 pool with stride 1 disappears",
       "2-D; padding smaller than the kernel"},
      {"BatchNormalization",
       {7, 9, 14, 15},
       5,
       5,
       1,
       lowerBatchNormalization,
       "linalg.generic (x·s + t, s and t folded per channel at import)",
       "inference; scale, bias, mean and variance known at import"},
      {"Cast",
       {6, 9, 13, 19, 21, 23, 24, 25, 28},
       1,
       1,
       1,
       lowerCast,
       "nothing",
       "FLOAT to FLOAT; integers known at import to INT64, INT32 or FLOAT"},
      {"Clip",
       {6, 11, 12, 13},
       1,
       3,
       1,
       lowerClip,
       "linalg.generic (arith.maximumf, arith.minimumf)",
       "min and max known at import"},
      {"Concat", {4, 11, 13}, 1, -1, 1, lowerConcat, "tensor.insert_slice", ""},
      {"Constant",
       {1, 9, 11, 12, 13, 19, 21, 23, 24, 25},
       0,
       0,
       1,
       lowerConstant,
       "arith.constant where it is used",
       "value, value_int(s), value_float(s)"},
      {"ConstantOfShape",
       {9, 20, 21, 23, 24, 25},
       1,
       1,
       1,
       lowerConstantOfShape,
       "arith.constant where it is used",
       "shape known at import, at most 2^20 elements"},
      {"Conv",
       {1, 11, 22},
       2,
       3,
       1,
       lowerConv,
       "tensor.pad and linalg.conv_2d_nchw_fchw, "
       "linalg.depthwise_conv_2d_nchw_chw (one filter per channel) or "
       "linalg.conv_2d_ngchw_gfchw (other groups) on a broadcast bias",
       "2-D"},
      {"Div",
       {7, 13, 14},
       2,
       2,
       1,
       lowerArithmetic,
       "linalg.generic (arith.divf)",
       "integers only when known at import"},
      {"Dropout",
       {7, 10, 12, 13, 22},
       1,
       3,
       1,
       lowerDropout,
       "nothing",
       "inference; the mask must not be used"},
      {"Exp", {6, 13}, 1, 1, 1, lowerUnary, "linalg.generic (math.exp)", ""},
      {"Flatten",
       {1, 9, 11, 13, 21, 23, 24, 25},
       1,
       1,
       1,
       lowerFlatten,
       "tensor.collapse_shape or tensor.expand_shape",
       ""},
      {"Gather",
       {1, 11, 13},
       2,
       2,
       1,
       lowerGather,
       "nothing",
       "shape arithmetic known at import"},
      {"Gemm",
       {7, 9, 11, 13},
       2,
       3,
       1,
       lowerGemm,
       "linalg.matmul on a broadcast C; transB, alpha and beta go into stored "
       "weights",
       ""},
      {"GlobalAveragePool",
       {1, 22},
       1,
       1,
       1,
       lowerGlobalAveragePool,
       "linalg.reduce, linalg.generic (division)",
       ""},
      {"HardSigmoid",
       {6, 22},
       1,
       1,
       1,
       lowerUnary,
       "linalg.generic (arith.mulf, arith.addf, arith.maximumf, "
       "arith.minimumf)",
       ""},
      {"HardSwish",
       {14, 22},
       1,
       1,
       1,
       lowerUnary,
       "linalg.generic (as HardSigmoid, and arith.mulf)",
       ""},
      {"Identity",
       {1, 13, 14, 16, 19, 21, 23, 24, 25},
       1,
       1,
       1,
       lowerIdentity,
       "nothing",
       "tensors"},
      {"LeakyRelu",
       {6, 16},
       1,
       1,
       1,
       lowerUnary,
       "linalg.generic (arith.cmpf, arith.select)",
       ""},
      {"MatMul",
       {1, 9, 13},
       2,
       2,
       1,
       lowerMatMul,
       "linalg.matmul, or linalg.batch_matmul when B has rank 3 or more",
       "equal leading dimensions when B has rank 3 or more"},
      {"MaxPool",
       {1, 8, 10, 11, 12, 22},
       1,
       1,
       1,
       lowerMaxPool,
       "tensor.pad (-inf) and linalg.pooling_nchw_max",
       "2-D; padding smaller than the kernel; Indices must not be used"},
      {"Mul",
       {7, 13, 14},
       2,
       2,
       1,
       lowerArithmetic,
       "linalg.generic (arith.mulf)",
       "integers only when known at import"},
      {"Neg", {6, 13}, 1, 1, 1, lowerUnary, "linalg.generic (arith.negf)", ""},
      {"Pad",
       {2, 11, 13, 18, 19, 21, 23, 24, 25},
       1,
       4,
       1,
       lowerPad,
       "tensor.pad",
       "mode constant; pads known at import and not negative"},
      {"ReduceMean",
       {1, 11, 13, 18},
       1,
       2,
       1,
       lowerReduceMean,
       "linalg.reduce, linalg.generic (division)",
       "axes known at import"},
      {"Relu",
       {6, 13, 14},
       1,
       1,
       1,
       lowerUnary,
       "linalg.generic (arith.maximumf)",
       ""},
      {"Reshape",
       {5, 13, 14, 19, 21, 23, 24, 25},
       2,
       2,
       1,
       lowerReshape,
       "tensor.collapse_shape and tensor.expand_shape",
       "shape known at import"},
      {"Shape",
       {1, 13, 15, 19, 21, 23, 24, 25},
       1,
       1,
       1,
       lowerShape,
       "nothing",
       ""},
      {"Sigmoid",
       {6, 13},
       1,
       1,
       1,
       lowerUnary,
       "linalg.generic (math.exp, arith.divf)",
       ""},
      {"Slice",
       {1, 10, 11, 13},
       1,
       5,
       1,
       lowerSlice,
       "nothing",
       "shape arithmetic known at import; step 1"},
      {"Softmax",
       {1, 11, 13},
       1,
       1,
       1,
       lowerSoftmax,
       "linalg.reduce (maximum, sum), linalg.generic (math.exp, division)",
       ""},
      {"Sqrt", {6, 13}, 1, 1, 1, lowerUnary, "linalg.generic (math.sqrt)", ""},
      {"Squeeze",
       {1, 11, 13, 21, 23, 24, 25},
       1,
       2,
       1,
       lowerSqueeze,
       "tensor.collapse_shape",
       "axes known at import"},
      {"Sub",
       {7, 13, 14},
       2,
       2,
       1,
       lowerArithmetic,
       "linalg.generic (arith.subf)",
       "integers only when known at import"},
      {"Tanh", {6, 13}, 1, 1, 1, lowerUnary, "linalg.generic (math.tanh)", ""},
      {"Transpose",
       {1, 13, 21, 23, 24, 25},
       1,
       1,
       1,
       lowerTranspose,
       "linalg.transpose; a stored weight is transposed at import",
       ""},
      {"Unsqueeze",
       {1, 11, 13, 21, 23, 24, 25},
       1,
       2,
       1,
       lowerUnsqueeze,
       "tensor.expand_shape",
       "axes known at import"},
  };
  return table;
}

const OpEntry *findOp(StringRef name) {
  for (const OpEntry &entry : opTable())
    if (entry.name == name)
      return &entry;
  return nullptr;
}

StringRef explainUnsupported(StringRef name) {
  return llvm::StringSwitch<StringRef>(name)
      .Cases({"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear",
              "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"},
             "quantized ONNX is not read; import the float model, the "
             "quantization pass chooses bits and scales")
      .Cases({"If", "Loop", "Scan", "SequenceMap"},
             "control flow is not read; export the model for one fixed input "
             "shape, or simplify it so that conditions fold away")
      .Cases({"LSTM", "GRU", "RNN"},
             "recurrent ops are not read; export the cell unrolled")
      .Default("see docs/reference/onnx-ops.md for the ops that are, or export "
               "the model so that this op is decomposed");
}

} // namespace imc::onnximport

void imc::printONNXOpReference(raw_ostream &os) {
  using namespace onnximport;
  os << "# ONNX ops\n\n"
        "Generated by `imc-translate --print-onnx-ops /dev/null`; a test keeps "
        "this page equal to the table in `lib/Import/ONNX/OpTable.cpp`.\n\n"
     << "Models of opset " << kMinOpset << " to " << kMaxOpset
     << " of the default domain are read. All tensors are FLOAT; integers are "
        "computed with at import (shape arithmetic) only.\n"
        "The versions are ONNX's \"since versions\": a version counts until "
        "the next one.\n\n"
        "| op | versions | becomes | limits |\n|---|---|---|---|\n";
  for (const OpEntry &entry : opTable()) {
    os << "| " << entry.name << " | ";
    llvm::interleaveComma(entry.versions, os);
    os << " | " << entry.becomes << " | " << entry.limits << " |\n";
  }
  os << "\nEverything else is refused by name, with the node and the opset. "
        "Among it:\n\n";
  for (StringRef op : {"QuantizeLinear", "If", "LSTM"})
    os << "- `" << op << "` and its kin: " << explainUnsupported(op) << ".\n";
}
