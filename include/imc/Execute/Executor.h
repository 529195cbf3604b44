//===- Executor.h - Compile a module once, run it many times ----*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs a module of any phase on the host: imc ops are lowered to linalg, linalg
// to loops, loops to LLVM, and LLVM's just-in-time compiler makes machine code.
//
// Numbers: no fast-math, and no order that depends on the machine's vector
// width; two phases whose integer parts agree give the same bits. Long float
// rows are added in partial sums (`imc-vectorize-loops`), the rest in the order
// of the ops' definition (input channel, kernel row, kernel column), in large
// float products (`imc-vectorize-products`) by fused multiply-adds where the
// host has them; which ones depends on the op alone.
//
// Weights are passed to the compiled code by pointer; they are neither copied
// nor compiled.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXECUTE_EXECUTOR_H
#define IMC_EXECUTE_EXECUTOR_H

#include "imc/Execute/Tensor.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/ArrayRef.h"

#include <memory>
#include <string>
#include <vector>

namespace imc::execute {

class ArrayEngine;

struct ExecutorOptions {
  /// Optimization level of the code generator, 0 to 3. At 3, LLVM unrolls the
  /// loops of kernels and then vectorizes less: ResNet-18 compiles and runs
  /// three times slower than at 2.
  unsigned optLevel = 2;
  /// The function to run; empty means `main`.
  std::string entry;
  /// A folder that keeps compiled code between processes, made when it is not
  /// there. Empty: nothing is kept. The code in it is run without further
  /// checks, so that only those who may run programs as this user may be able
  /// to write there.
  std::string cacheDirectory;
  /// Computes the products on arrays (ArrayEngine.h); null: compiled code does.
  /// It must outlive the executor.
  ArrayEngine *engine = nullptr;
};

/// One input or output of the compiled function.
struct Port {
  /// The model's tensor name (`imc.name`), or "input_0" and so on.
  std::string name;
  /// Integers of the IR have no sign. Those of an argument or result with the
  /// unit attribute `imc.unsigned` are unsigned; without it a port says I8 to
  /// I64, and inputs take U8 to U64 as well.
  ElementType type;
  std::vector<int64_t> shape;

  /// "1x3x224x224xf32", as Tensor::describe.
  std::string describe() const;
};

/// A compiled function. Not thread safe: compiled code is, but run() checks and
/// hands over tensors without locking.
class Executor {
public:
  /// Compiles a copy of `module`, which stays as it is. Errors are diagnostics
  /// at the op that cannot be run: a weight without data, a dynamic shape, an
  /// op that has no lowering, an entry function that is not there.
  ///
  /// The context must outlive the executor: the weights live in it.
  static llvm::FailureOr<std::unique_ptr<Executor>>
  compile(mlir::ModuleOp module, const ExecutorOptions &options = {});

  ~Executor();

  /// Runs the function once. `inputs` are in graph order; the number, shapes
  /// and types are checked, and an error names the input, what it is and what
  /// was expected.
  llvm::Expected<std::vector<Tensor>> run(llvm::ArrayRef<Tensor> inputs);

  /// Whether the code came from the cache.
  bool wasCached() const;

  llvm::ArrayRef<Port> inputs() const;
  llvm::ArrayRef<Port> outputs() const;

  /// Checks number, types and shapes of `inputs` as run() does.
  llvm::Error checkInputs(llvm::ArrayRef<Tensor> inputs) const;

private:
  struct Impl;
  explicit Executor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// The two halves of the pipeline that Executor::compile runs. The first lowers
/// imc ops to linalg on tensors and turns large constants into arguments after
/// the inputs (`imc-externalize-constants`).
void buildLoweringPipelineToLinalg(mlir::OpPassManager &pm);

/// The second bufferizes and lowers to the LLVM dialect; tensors that functions
/// return become trailing out-parameters. `vectorBits` is the width of the
/// host's vector registers: 128, 256 or 512.
void buildLoweringPipelineToLLVM(mlir::OpPassManager &pm,
                                 unsigned vectorBits = 256);

/// Registers the dialects, interface implementations and translations that the
/// pipeline needs. Executor::compile does this for the module's context, too.
void registerExecutionDialects(mlir::DialectRegistry &registry);

} // namespace imc::execute

#endif // IMC_EXECUTE_EXECUTOR_H
