//===- Recurrent.h - What LSTM, GRU and RNN share ---------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_IMPORT_ONNX_RECURRENT_H
#define IMC_LIB_IMPORT_ONNX_RECURRENT_H

#include "Build.h"
#include "Node.h"

namespace imc::onnximport {

/// One of the functions that ONNX's recurrent ops may use.
struct Activation {
  enum class Kind {
    Affine,
    Elu,
    HardSigmoid,
    LeakyRelu,
    Relu,
    ScaledTanh,
    Sigmoid,
    Softplus,
    Softsign,
    Tanh,
    ThresholdedRelu,
  };
  Kind kind;
  /// Set for the functions that have the parameter.
  std::optional<float> alpha, beta;

  /// With ONNX's defaults; names count in any case of letters.
  static std::optional<Activation> named(llvm::StringRef name);
  mlir::Value apply(mlir::OpBuilder &b, mlir::Location l, mlir::Value x) const;
};

/// The loop over time of one op; the ops differ in `prepare` and `step`.
/// Shapes: state BxH, gates of a step BxGH.
class Recurrence {
public:
  Recurrence(Node &node, int64_t gates, unsigned states)
      : node(node), gates(gates), states(states) {}
  virtual ~Recurrence() = default;

  mlir::LogicalResult readShapes();
  /// `standard` are the default functions of one direction.
  mlir::LogicalResult readActivations(llvm::ArrayRef<llvm::StringRef> standard);
  /// Lowers all directions and sets the node's outputs.
  mlir::LogicalResult run();

protected:
  /// Materializes what the steps of a direction need, before the loop.
  virtual mlir::LogicalResult prepare(int64_t direction) = 0;
  /// The next state (`states` tensors) from the projected input of the step.
  virtual llvm::SmallVector<mlir::Value>
  step(mlir::OpBuilder &b, mlir::Location l, int64_t direction, mlir::Value x,
       llvm::ArrayRef<mlir::Value> state) = 0;

  /// Elements [begin, begin + count) of the direction's row of an input DxN.
  mlir::FailureOr<mlir::Value> vector(unsigned input, int64_t direction,
                                      int64_t begin, int64_t count);
  /// Gates [gate, gate + count) of an input DxGHxN, transposed: N x count·H.
  mlir::FailureOr<mlir::Value> matrix(unsigned input, int64_t direction,
                                      int64_t gate, int64_t count);
  /// x · w from zero.
  mlir::Value product(mlir::OpBuilder &b, mlir::Location l, mlir::Value x,
                      mlir::Value w);
  /// Columns of `count` gates from gate `index` on.
  mlir::Value gate(mlir::OpBuilder &b, mlir::Location l, mlir::Value gates,
                   int64_t index, int64_t count = 1);
  /// One elementwise op with several results BxH.
  llvm::SmallVector<mlir::Value>
  combine(mlir::OpBuilder &b, mlir::Location l,
          llvm::ArrayRef<Operand> operands, unsigned results,
          llvm::function_ref<llvm::SmallVector<mlir::Value>(
              mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>
              body);
  /// x limited to [-clip, clip] if the op clips, then activation `index`.
  mlir::Value activate(mlir::OpBuilder &b, mlir::Location l, int64_t direction,
                       int64_t index, mlir::Value x) const;
  mlir::Type element() const {
    return irType(node.builder.getContext(), node.elementType(0));
  }

  Node &node;
  const int64_t gates;
  const unsigned states; ///< 2 for LSTM (h and c), else 1
  int64_t steps = 0, batch = 0, inputSize = 0, hidden = 0, directions = 1;
  int64_t layout = 0;
  bool reverse = false;
  /// The last gate's recurrent bias belongs into the step (GRU).
  bool biasInside = false;
  std::optional<float> clip;
  std::vector<Activation> activations;

private:
  mlir::FailureOr<mlir::Value> initialState(unsigned input, int64_t direction);
  /// X·Wᵀ plus biases for all steps: TxBxGH.
  mlir::FailureOr<mlir::Value> projection(int64_t direction);
  mlir::FailureOr<llvm::SmallVector<mlir::Value>>
  runDirection(int64_t direction);
  /// Past the end of a sequence the state stays; the result is what the
  /// sequence shows, zero there.
  mlir::Value holdFinished(mlir::OpBuilder &b, mlir::Location l,
                           mlir::Value lengths, mlir::Value time,
                           llvm::ArrayRef<mlir::Value> old,
                           llvm::SmallVectorImpl<mlir::Value> &next);
};

} // namespace imc::onnximport

#endif // IMC_LIB_IMPORT_ONNX_RECURRENT_H
