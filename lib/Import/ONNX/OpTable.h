//===- OpTable.h - The supported ONNX ops -----------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One line per op: the versions that the lowering knows, how many inputs and
// outputs it takes, the function that lowers it, and the text of the reference
// page. The importer obeys this table and docs/reference/onnx-ops.md prints it.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_OPTABLE_H
#define IMC_LIB_IMPORT_ONNX_OPTABLE_H

#include "ElementType.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <vector>

namespace imc::onnximport {

class Node;

/// Opsets of the default domain that are read. Below 6 many ops had other
/// attributes; above 28, they may have changed without our knowing.
constexpr int64_t kMinOpset = 6;
constexpr int64_t kMaxOpset = 28;

struct OpEntry {
  llvm::StringRef name;
  /// The "since versions" that the lowering implements, ascending. The one that
  /// applies is the last that does not exceed the model's opset.
  std::vector<int> versions;
  mlir::LogicalResult (*lower)(Node &) = nullptr;
  int minInputs = 1;
  int maxInputs = 1;       ///< -1: any number
  int outputs = 1;         ///< later outputs are refused when they are used
  unsigned types = F32;    ///< TypeSet that input 0 may have
  int sameType = 1;        ///< so many first inputs share a type; -1: all
  llvm::StringRef becomes; ///< what of the IR
  llvm::StringRef limits;  ///< what of the op is refused

  // How a row of the table is written.
  OpEntry &inputs(int least, int most) {
    minInputs = least;
    maxInputs = most;
    return *this;
  }
  OpEntry &inputs(int count) { return inputs(count, count); }
  OpEntry &results(int most) {
    outputs = most;
    return *this;
  }
  /// The types of input 0, which the first `same` inputs share.
  OpEntry &on(unsigned set, int same = 1) {
    types = set;
    sameType = same;
    return *this;
  }
  OpEntry &to(llvm::StringRef ir) {
    becomes = ir;
    return *this;
  }
  OpEntry &except(llvm::StringRef refused) {
    limits = refused;
    return *this;
  }
};

/// The table while it is put together; one input and one output of FLOAT unless
/// said otherwise.
class OpList {
public:
  OpEntry &op(llvm::StringRef name, std::vector<int> versions,
              mlir::LogicalResult (*lower)(Node &)) {
    entries.emplace_back();
    OpEntry &entry = entries.back();
    entry.name = name;
    entry.versions = std::move(versions);
    entry.lower = lower;
    return entry;
  }
  std::vector<OpEntry> entries;
};

// The rows of the table by family (Table*.cpp).
void addElementwiseOps(OpList &list);
void addShapeOps(OpList &list);
void addProductOps(OpList &list);
void addRecurrentOps(OpList &list);
void addWindowOps(OpList &list);
void addNormalizationOps(OpList &list);
void addReduceOps(OpList &list);
void addQuantizeOps(OpList &list);

/// All supported ops in alphabetical order.
llvm::ArrayRef<OpEntry> opTable();

/// The entry of `name`, or null.
const OpEntry *findOp(llvm::StringRef name);

/// Why an op that is not in the table is not there, and what to do instead.
llvm::StringRef explainUnsupported(llvm::StringRef name);

/// Declares a lowering function beside the table that names it.
#define IMC_ONNX_LOWERING(NAME) mlir::LogicalResult lower##NAME(Node &node);

IMC_ONNX_LOWERING(Identity) // what an op without effect becomes

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_OPTABLE_H
