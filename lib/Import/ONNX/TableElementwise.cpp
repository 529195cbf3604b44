//===- TableElementwise.cpp - Rows of the table: element by element -------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

namespace imc::onnximport {

IMC_ONNX_LOWERING(Arithmetic)
IMC_ONNX_LOWERING(BitCast)
IMC_ONNX_LOWERING(BitShift)
IMC_ONNX_LOWERING(Cast)
IMC_ONNX_LOWERING(CastLike)
IMC_ONNX_LOWERING(Clip)
IMC_ONNX_LOWERING(Comparison)
IMC_ONNX_LOWERING(Gelu)
IMC_ONNX_LOWERING(IsInf)
IMC_ONNX_LOWERING(IsNaN)
IMC_ONNX_LOWERING(Logic)
IMC_ONNX_LOWERING(Mod)
IMC_ONNX_LOWERING(PRelu)
IMC_ONNX_LOWERING(Pow)
IMC_ONNX_LOWERING(Unary)
IMC_ONNX_LOWERING(Variadic)
IMC_ONNX_LOWERING(Where)

static void addFunctions(OpList &list) {
  auto op = [&](llvm::StringRef name, std::vector<int> versions,
                llvm::StringRef body, unsigned types = Floats) {
    list.op(name, std::move(versions), lowerUnary).on(types).to(body);
  };
  op("Abs", {6, 13}, "linalg.generic (math.absf; integers compare and select)",
     Numbers);
  op("Acos", {7, 22}, "linalg.generic (math.acos)");
  op("Acosh", {9, 22}, "linalg.generic (math.acosh)");
  op("Asin", {7, 22}, "linalg.generic (math.asin)");
  op("Asinh", {9, 22}, "linalg.generic (math.asinh)");
  op("Atan", {7, 22}, "linalg.generic (math.atan)");
  op("Atanh", {9, 22}, "linalg.generic (math.atanh)");
  op("BitwiseNot", {18}, "linalg.generic (arith.xori)", Integers);
  op("Ceil", {6, 13}, "linalg.generic (math.ceil)");
  op("Celu", {12, 28}, "linalg.generic (math.expm1, arith.select)");
  op("Cos", {7, 22}, "linalg.generic (math.cos)");
  op("Cosh", {9, 22}, "linalg.generic (math.cosh)");
  op("Elu", {6, 22}, "linalg.generic (math.expm1, arith.select)");
  op("Erf", {9, 13}, "linalg.generic (math.erf)", Numbers);
  op("Exp", {6, 13}, "linalg.generic (math.exp)");
  op("Floor", {6, 13}, "linalg.generic (math.floor)");
  op("HardSigmoid", {6, 22},
     "linalg.generic (arith.mulf, arith.addf, arith.maximumf, arith.minimumf)");
  op("HardSwish", {14, 22}, "linalg.generic (as HardSigmoid, and arith.mulf)");
  op("LeakyRelu", {6, 16}, "linalg.generic (arith.cmpf, arith.select)");
  op("Log", {6, 13}, "linalg.generic (math.log)");
  op("Mish", {18, 22}, "linalg.generic (math.exp, math.log1p, math.tanh)");
  op("Neg", {6, 13}, "linalg.generic (arith.negf or arith.subi)",
     Floats | SignedIntegers);
  op("Not", {1}, "linalg.generic (arith.xori)", Booleans);
  op("Reciprocal", {6, 13}, "linalg.generic (arith.divf)");
  op("Relu", {6, 13, 14}, "linalg.generic (arith.maximumf or arith.maxsi)",
     Floats | SignedIntegers);
  op("Round", {11, 22}, "linalg.generic (math.roundeven)");
  op("Selu", {6, 22}, "linalg.generic (math.expm1, arith.select)");
  op("Shrink", {9}, "linalg.generic (arith.cmpf, arith.select)", Numbers);
  op("Sigmoid", {6, 13}, "linalg.generic (math.exp, arith.divf)");
  op("Sign", {9, 13}, "linalg.generic (comparisons and arith.select)", Numbers);
  op("Sin", {7, 22}, "linalg.generic (math.sin)");
  op("Sinh", {9, 22}, "linalg.generic (math.sinh)");
  op("Softplus", {1, 22}, "linalg.generic (math.exp, math.log1p)");
  op("Softsign", {1, 22}, "linalg.generic (math.absf, arith.divf)");
  op("Sqrt", {6, 13}, "linalg.generic (math.sqrt)");
  op("Swish", {24}, "linalg.generic (as Sigmoid, and arith.mulf)");
  op("Tan", {7, 22}, "linalg.generic (math.tan)");
  op("Tanh", {6, 13}, "linalg.generic (math.tanh)");
  op("ThresholdedRelu", {10, 22}, "linalg.generic (arith.cmpf, arith.select)");

  list.op("Gelu", {20}, lowerGelu)
      .on(Floats)
      .to("linalg.generic (math.erf; math.tanh when approximate)");
  list.op("IsInf", {10, 20}, lowerIsInf)
      .on(Floats)
      .to("linalg.generic (arith.cmpf)");
  list.op("IsNaN", {9, 13, 20}, lowerIsNaN)
      .on(Floats)
      .to("linalg.generic (arith.cmpf)");
  list.op("Clip", {6, 11, 12, 13}, lowerClip)
      .inputs(1, 3)
      .on(Numbers, 3)
      .to("linalg.generic (maximum, minimum)");
  list.op("BitCast", {26}, lowerBitCast)
      .on(Numbers | Booleans)
      .to("linalg.generic (arith.bitcast); nothing between integers")
      .except("(U)INT4");
  list.op("Cast", {6, 9, 13, 19, 21, 23, 24, 25, 28}, lowerCast)
      .on(AllTypes)
      .to("linalg.generic (the conversion of arith); a stored weight is "
          "converted to floats at import")
      .except("STRING, floats of 8 or fewer bits, (U)INT2");
  list.op("CastLike", {15, 19, 21, 23, 24, 25}, lowerCastLike)
      .inputs(2)
      .on(AllTypes)
      .to("as Cast")
      .except("as Cast");
}

void addElementwiseOps(OpList &list) {
  addFunctions(list);

  auto op = [&](llvm::StringRef name, std::vector<int> versions,
                mlir::LogicalResult (*lower)(Node &), unsigned types,
                llvm::StringRef body) {
    list.op(name, std::move(versions), lower).inputs(2).on(types, 2).to(body);
  };
  op("Add", {6, 7, 13, 14}, lowerArithmetic, Numbers,
     "linalg.generic (arith.addf or arith.addi)");
  op("Div", {6, 7, 13, 14}, lowerArithmetic, Numbers,
     "linalg.generic (arith.divf; integers: toward zero, by 0 gives 0)");
  op("Mul", {6, 7, 13, 14}, lowerArithmetic, Numbers,
     "linalg.generic (arith.mulf or arith.muli)");
  op("Sub", {6, 7, 13, 14}, lowerArithmetic, Numbers,
     "linalg.generic (arith.subf or arith.subi)");
  op("And", {1, 7}, lowerLogic, Booleans, "linalg.generic (arith.andi)");
  op("Or", {1, 7}, lowerLogic, Booleans, "linalg.generic (arith.ori)");
  op("Xor", {1, 7}, lowerLogic, Booleans, "linalg.generic (arith.xori)");
  op("BitwiseAnd", {18}, lowerLogic, Integers, "linalg.generic (arith.andi)");
  op("BitwiseOr", {18}, lowerLogic, Integers, "linalg.generic (arith.ori)");
  op("BitwiseXor", {18}, lowerLogic, Integers, "linalg.generic (arith.xori)");
  op("BitShift", {11, 28}, lowerBitShift, Integers,
     "linalg.generic (arith.shli, arith.shrui, arith.shrsi)");
  op("Equal", {1, 7, 11, 13, 19}, lowerComparison, Numbers | Booleans,
     "linalg.generic (arith.cmpf or arith.cmpi)");
  op("Greater", {1, 7, 9, 13}, lowerComparison, Numbers,
     "linalg.generic (arith.cmpf or arith.cmpi)");
  op("GreaterOrEqual", {12, 16}, lowerComparison, Numbers,
     "linalg.generic (arith.cmpf or arith.cmpi)");
  op("Less", {1, 7, 9, 13}, lowerComparison, Numbers,
     "linalg.generic (arith.cmpf or arith.cmpi)");
  op("LessOrEqual", {12, 16}, lowerComparison, Numbers,
     "linalg.generic (arith.cmpf or arith.cmpi)");
  op("Mod", {10, 13, 28}, lowerMod, Numbers,
     "linalg.generic (arith.remf, arith.remsi or arith.remui; integers by 0 "
     "give 0)");
  op("PRelu", {6, 7, 9, 16}, lowerPRelu, Numbers,
     "linalg.generic (comparison, multiplication, arith.select)");
  list.op("Pow", {1, 7, 12, 13, 15}, lowerPow)
      .inputs(2)
      .on(Numbers, 1)
      .to("linalg.generic (math.powf; arith.muli between integers; x·x for a "
          "known exponent of 2)");

  for (auto [name, body] :
       {std::pair<llvm::StringRef, llvm::StringRef>{
            "Max", "linalg.generic (arith.maximumf, arith.maxsi, arith.maxui)"},
        {"Min", "linalg.generic (arith.minimumf, arith.minsi, arith.minui)"}})
    list.op(name, {6, 8, 12, 13}, lowerVariadic)
        .inputs(1, -1)
        .on(Numbers, -1)
        .to(body);
  list.op("Mean", {6, 8, 13}, lowerVariadic)
      .inputs(1, -1)
      .on(Floats, -1)
      .to("linalg.generic (arith.addf, arith.divf)");
  list.op("Sum", {6, 8, 13}, lowerVariadic)
      .inputs(1, -1)
      .on(Floats, -1)
      .to("linalg.generic (arith.addf)");
  list.op("Where", {9, 16}, lowerWhere)
      .inputs(3)
      .on(Booleans)
      .to("linalg.generic (arith.select)");
}

} // namespace imc::onnximport
