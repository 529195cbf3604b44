//===- CodeGenerator.cpp - LLVM dialect to machine code -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CodeGenerator.h"

#include "imc/Execute/ArrayEngine.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/ExecutionEngine/Orc/CompileUtils.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/Caching.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

using namespace imc::execute;
using llvm::StringRef;

/// The function of the object that run() calls.
static constexpr llvm::StringLiteral runName = "imc_run";

static llvm::Error refuse(const llvm::Twine &what) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), what);
}

//===----------------------------------------------------------------------===//
// Key
//===----------------------------------------------------------------------===//

std::string imc::execute::objectKey(mlir::ModuleOp module, unsigned optLevel) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << LLVM_VERSION_STRING << "\n-O" << optLevel << "\n"
     << llvm::sys::getProcessTriple() << " " << llvm::sys::getHostCPUName();
  std::vector<std::string> features;
  for (const auto &feature : llvm::sys::getHostCPUFeatures())
    if (feature.second)
      features.push_back(feature.first().str());
  llvm::sort(features);
  os << " " << llvm::join(features, ",") << "\n";

  // Any function of this library finds the program that holds it.
  std::string program = llvm::sys::fs::getMainExecutable(
      nullptr, reinterpret_cast<void *>(&imc::execute::objectKey));
  llvm::sys::fs::file_status status;
  if (!llvm::sys::fs::status(program, status))
    os << program << " " << status.getSize() << " "
       << status.getLastModificationTime().time_since_epoch().count() << "\n";
  // With the data of small resources, which becomes part of the code.
  module.print(os);
  std::array<uint8_t, 32> hash =
      llvm::SHA256::hash(llvm::arrayRefFromStringRef(text));
  return llvm::toHex(hash, /*LowerCase=*/true);
}

//===----------------------------------------------------------------------===//
// Generate
//===----------------------------------------------------------------------===//

/// Adds `void imc_run(void **arguments)`, which calls `entry`.
static llvm::Error addRun(llvm::Module &module, StringRef entry) {
  llvm::Function *callee = module.getFunction(entry);
  if (!callee)
    return refuse("the compiled module has no function '" + entry + "'");
  llvm::LLVMContext &context = module.getContext();
  auto *pointer = llvm::PointerType::getUnqual(context);
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context),
                                       {pointer}, /*isVarArg=*/false);
  auto *run = llvm::Function::Create(type, llvm::Function::ExternalLinkage,
                                     runName, module);
  llvm::IRBuilder<> builder(llvm::BasicBlock::Create(context, "", run));
  llvm::SmallVector<llvm::Value *> arguments;
  for (unsigned i = 0; i < callee->arg_size(); ++i)
    arguments.push_back(builder.CreateLoad(
        pointer, builder.CreateConstGEP1_32(pointer, run->getArg(0), i)));
  builder.CreateCall(callee, arguments);
  builder.CreateRetVoid();
  return llvm::Error::success();
}

static llvm::Expected<llvm::orc::JITTargetMachineBuilder> hostBuilder() {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  return llvm::orc::JITTargetMachineBuilder::detectHost();
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
imc::execute::generateObject(mlir::ModuleOp module, StringRef entry,
                             unsigned optLevel) {
  llvm::Expected<llvm::orc::JITTargetMachineBuilder> builder = hostBuilder();
  if (!builder)
    return builder.takeError();
  builder->setCodeGenOptLevel(
      static_cast<llvm::CodeGenOptLevel>(std::min(optLevel, 3u)));
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> machine =
      builder->createTargetMachine();
  if (!machine)
    return machine.takeError();

  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code =
      mlir::translateModuleToLLVMIR(module, context);
  if (!code)
    return refuse("it cannot be translated to LLVM IR");
  code->setDataLayout((*machine)->createDataLayout());
  code->setTargetTriple((*machine)->getTargetTriple());
  if (llvm::Error error = addRun(*code, entry))
    return std::move(error);
  // What nobody else calls may be inlined and removed.
  for (llvm::Function &function : *code)
    if (!function.isDeclaration() && function.getName() != runName)
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
  if (llvm::Error error = mlir::makeOptimizingTransformer(
          optLevel, /*sizeLevel=*/0, machine->get())(code.get()))
    return std::move(error);
  return llvm::orc::SimpleCompiler(**machine)(*code);
}

//===----------------------------------------------------------------------===//
// Cache
//===----------------------------------------------------------------------===//

ObjectCache::ObjectCache(std::string directory)
    : directory(std::move(directory)) {}

/// The file layout and the atomic writes are LLVM's, as of its ThinLTO cache.
static llvm::Expected<llvm::FileCache>
openCache(const std::string &directory,
          std::unique_ptr<llvm::MemoryBuffer> &found) {
  return llvm::localCache("imc", "imc", directory,
                          [&found](size_t, const llvm::Twine &,
                                   std::unique_ptr<llvm::MemoryBuffer> buffer) {
                            found = std::move(buffer);
                          });
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
ObjectCache::lookup(StringRef key) {
  std::unique_ptr<llvm::MemoryBuffer> found;
  llvm::Expected<llvm::FileCache> cache = openCache(directory, found);
  if (!cache)
    return cache.takeError();
  llvm::Expected<llvm::AddStreamFn> miss = (*cache)(0, key, "");
  if (!miss)
    return miss.takeError();
  return found;
}

llvm::Error ObjectCache::store(StringRef key,
                               const llvm::MemoryBuffer &object) {
  std::unique_ptr<llvm::MemoryBuffer> found;
  llvm::Expected<llvm::FileCache> cache = openCache(directory, found);
  if (!cache)
    return cache.takeError();
  llvm::Expected<llvm::AddStreamFn> miss = (*cache)(0, key, "");
  if (!miss)
    return miss.takeError();
  if (!*miss)
    return llvm::Error::success(); // another process has been faster
  llvm::Expected<std::unique_ptr<llvm::CachedFileStream>> stream =
      (*miss)(0, "");
  if (!stream)
    return stream.takeError();
  *(*stream)->OS << object.getBuffer();
  if (llvm::Error error = (*stream)->commit())
    return error;
  llvm::pruneCache(directory, llvm::CachePruningPolicy());
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Load
//===----------------------------------------------------------------------===//

llvm::Expected<std::unique_ptr<LoadedObject>>
LoadedObject::load(std::unique_ptr<llvm::MemoryBuffer> object,
                   ArrayEngine *engine) {
  llvm::Expected<llvm::orc::JITTargetMachineBuilder> builder = hostBuilder();
  if (!builder)
    return builder.takeError();
  llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>> jit =
      llvm::orc::LLJITBuilder()
          .setJITTargetMachineBuilder(std::move(*builder))
          .create();
  if (!jit)
    return jit.takeError();
  // Memory and mathematical functions come from this process.
  auto process = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      (*jit)->getDataLayout().getGlobalPrefix());
  if (!process)
    return process.takeError();
  (*jit)->getMainJITDylib().addGenerator(std::move(*process));
  if (engine) {
    llvm::orc::SymbolMap symbols;
    symbols[(*jit)->mangleAndIntern(engineSymbol)] = {
        llvm::orc::ExecutorAddr::fromPtr(static_cast<void *>(engine)),
        llvm::JITSymbolFlags::Exported};
    for (const char *name : engineWideCallSymbols)
      symbols[(*jit)->mangleAndIntern(name)] = {
          llvm::orc::ExecutorAddr::fromPtr(&callWideEngineFromCode),
          llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
    symbols[(*jit)->mangleAndIntern(engineCallSymbol)] = {
        llvm::orc::ExecutorAddr::fromPtr(&callEngineFromCode),
        llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
    if (llvm::Error error = (*jit)->getMainJITDylib().define(
            llvm::orc::absoluteSymbols(std::move(symbols))))
      return std::move(error);
  }
  if (llvm::Error error = (*jit)->addObjectFile(std::move(object)))
    return std::move(error);
  llvm::Expected<llvm::orc::ExecutorAddr> address = (*jit)->lookup(runName);
  if (!address)
    return address.takeError();
  std::unique_ptr<LoadedObject> loaded(new LoadedObject);
  loaded->jit = std::move(*jit);
  loaded->function = address->toPtr<void (*)(void **)>();
  return loaded;
}
