//===- CodeGenerator.h - LLVM dialect to machine code -----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Machine code of the host as an object file in memory, which can be kept in a
// folder and loaded again by another process.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_EXECUTE_CODEGENERATOR_H
#define IMC_LIB_EXECUTE_CODEGENERATOR_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>

namespace imc::execute {

class ArrayEngine;

/// Names the code that `module` and `optLevel` will become on this host: a hash
/// of the module's text with the data of its resources, the processor and its
/// features, the version of LLVM, and this program (path, size, time), since
/// another build may lower the same module in another way.
std::string objectKey(mlir::ModuleOp module, unsigned optLevel);

/// Compiles a module of the LLVM dialect. The object defines
/// `imc_run(void **arguments)`, which calls the function `entry` with the
/// pointers in `arguments`.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
generateObject(mlir::ModuleOp module, llvm::StringRef entry, unsigned optLevel);

/// A folder of object files (llvm::localCache: files are written whole, under
/// a temporary name first; old ones are removed now and then).
class ObjectCache {
public:
  explicit ObjectCache(std::string directory);

  /// The object of this key, or null.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
  lookup(llvm::StringRef key);

  /// Keeps `object`, of which no file was there.
  llvm::Error store(llvm::StringRef key, const llvm::MemoryBuffer &object);

private:
  std::string directory;
};

/// An object file that has been linked into this process; what it calls of an
/// array engine goes to `engine`.
class LoadedObject {
public:
  static llvm::Expected<std::unique_ptr<LoadedObject>>
  load(std::unique_ptr<llvm::MemoryBuffer> object,
       ArrayEngine *engine = nullptr);

  /// UBSan's check of function types reads what its compiler puts before each
  /// function; before generated code there is nothing, perhaps not even a page.
#ifdef __clang__
  __attribute__((no_sanitize("function")))
#endif
  void run(void **arguments) const {
    function(arguments);
  }

private:
  LoadedObject() = default;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  void (*function)(void **) = nullptr;
};

} // namespace imc::execute

#endif // IMC_LIB_EXECUTE_CODEGENERATOR_H
