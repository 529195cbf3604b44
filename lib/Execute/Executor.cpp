//===- Executor.cpp - Compile a module once, run it many times ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Executor.h"

#include "CodeGenerator.h"

#include "imc/Execute/ArrayEngine.h"

#include "imc/Conversion/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/TargetParser/Host.h"

using namespace imc::execute;
using namespace mlir;

/// Marks arguments and results whose integers are unsigned.
static constexpr StringLiteral unsignedAttrName = "imc.unsigned";

/// The function's name in the compiled copy: `main` is special to LLVM.
static constexpr StringLiteral compiledName = "imc_entry";

std::string Port::describe() const {
  Tensor tensor;
  tensor.type = type;
  tensor.shape = shape;
  return tensor.describe();
}

struct Executor::Impl {
  std::vector<Port> inputs, outputs;
  /// Weights, in argument order; data() points into the context.
  std::vector<ElementsAttr> constants;
  std::unique_ptr<LoadedObject> code;
  bool wasCached = false;
};

Executor::Executor(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Executor::~Executor() = default;
ArrayRef<Port> Executor::inputs() const { return impl->inputs; }
ArrayRef<Port> Executor::outputs() const { return impl->outputs; }
bool Executor::wasCached() const { return impl->wasCached; }

//===----------------------------------------------------------------------===//
// Compile
//===----------------------------------------------------------------------===//

/// The element type of a tensor of `type`; integers of the IR have no sign.
static std::optional<ElementType> toElementType(Type type, bool isUnsigned) {
  if (type.isF16())
    return ElementType::F16;
  if (type.isBF16())
    return ElementType::BF16;
  if (type.isF32())
    return ElementType::F32;
  if (type.isF64())
    return ElementType::F64;
  if (type.isInteger(1))
    return ElementType::Bool;
  isUnsigned |= type.isUnsignedInteger();
  if (type.isInteger(8))
    return isUnsigned ? ElementType::U8 : ElementType::I8;
  if (type.isInteger(16))
    return isUnsigned ? ElementType::U16 : ElementType::I16;
  if (type.isInteger(32))
    return isUnsigned ? ElementType::U32 : ElementType::I32;
  if (type.isInteger(64))
    return isUnsigned ? ElementType::U64 : ElementType::I64;
  return std::nullopt;
}

/// The port of one argument or result, or a diagnostic.
static FailureOr<Port> makePort(func::FuncOp function, Type type,
                                Attribute name, bool isUnsigned,
                                const Twine &position) {
  Port port;
  auto string = dyn_cast_or_null<StringAttr>(name);
  port.name = string ? string.str() : position.str();
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return function.emitError()
           << "cannot run '" << function.getSymName() << "': " << position
           << " ('" << port.name << "') has type " << type
           << ", expected a ranked tensor";
  if (!tensor.hasStaticShape())
    return function.emitError()
           << "cannot run '" << function.getSymName() << "': " << position
           << " ('" << port.name << "') has the dynamic shape " << type
           << "; bind it at import (--shape " << port.name << "=...)";
  port.shape.assign(tensor.getShape().begin(), tensor.getShape().end());
  if (std::optional<ElementType> element =
          toElementType(tensor.getElementType(), isUnsigned))
    port.type = *element;
  else
    return function.emitError()
           << "cannot run '" << function.getSymName() << "': " << position
           << " ('" << port.name << "') has element type "
           << tensor.getElementType()
           << ", expected f16, bf16, f32, f64, i1, i8, i16, i32 or i64";
  return port;
}

static LogicalResult makePorts(func::FuncOp function, std::vector<Port> &inputs,
                               std::vector<Port> &outputs) {
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    FailureOr<Port> port = makePort(
        function, type, function.getArgAttr(i, "imc.name"),
        bool(function.getArgAttr(i, unsignedAttrName)), "input_" + Twine(i));
    if (failed(port))
      return failure();
    inputs.push_back(std::move(*port));
  }
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    FailureOr<Port> port =
        makePort(function, type, function.getResultAttr(i, "imc.name"),
                 bool(function.getResultAttr(i, unsignedAttrName)),
                 "output_" + Twine(i));
    if (failed(port))
      return failure();
    outputs.push_back(std::move(*port));
  }
  return success();
}

/// The raw bytes of a constant, or an empty array when a resource has no data.
static ArrayRef<char> rawBytes(ElementsAttr value) {
  if (auto dense = dyn_cast<DenseElementsAttr>(value))
    return dense.getRawData();
  return cast<DenseResourceElementsAttr>(value).getData();
}

static Location constantLocation(func::FuncOp function, unsigned argument) {
  return function.getArgument(argument).getLoc();
}

/// Collects the values of the added arguments, checking that all are there.
static LogicalResult collectConstants(func::FuncOp function, unsigned first,
                                      std::vector<ElementsAttr> &constants) {
  for (unsigned i = first; i < function.getNumArguments(); ++i) {
    auto value = function.getArgAttrOfType<ElementsAttr>(
        i, imc::externalConstantAttrName);
    if (!value)
      continue; // an out-parameter
    auto resource = dyn_cast<DenseResourceElementsAttr>(value);
    size_t expected = value.getShapedType().getNumElements() *
                      value.getElementType().getIntOrFloatBitWidth() / 8;
    if (resource && (!resource.getRawHandle().getBlob() ||
                     rawBytes(value).size() != expected))
      return emitError(constantLocation(function, i))
             << "resource '" << resource.getRawHandle().getKey() << "' of type "
             << value.getType() << " has no data of " << expected
             << " bytes; write the module with its resources";
    constants.push_back(value);
  }
  return success();
}

/// The width of the host's vector registers.
static unsigned hostVectorBits() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  if (features.lookup("avx512f") && features.lookup("avx512vl") &&
      features.lookup("avx512bw"))
    return 512;
  return features.lookup("avx2") ? 256 : 128;
}

/// The tensor whose buffer `value` will be a view of.
static Value viewedTensor(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
             tensor::ExtractSliceOp, tensor::CastOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// Gives each result a buffer of its own: one that is returned twice, or as it
/// is and reshaped, cannot become two out-parameters.
static void copyRepeatedResults(func::FuncOp function) {
  function.walk([](func::ReturnOp op) {
    llvm::SmallPtrSet<Value, 4> seen;
    OpBuilder builder(op);
    for (OpOperand &operand : op->getOpOperands())
      if (!seen.insert(viewedTensor(operand.get())).second)
        operand.set(bufferization::AllocTensorOp::create(
            builder, op.getLoc(),
            cast<RankedTensorType>(operand.get().getType()),
            /*dynamicSizes=*/ValueRange(), /*copy=*/operand.get()));
  });
}

/// Our attributes mean nothing to LLVM, and some hold whole weights.
static void dropDialectAttributes(ModuleOp module) {
  auto isOurs = [](NamedAttribute attribute) {
    return attribute.getName().getValue().starts_with("imc.") ||
           attribute.getName() == imc::externalConstantAttrName;
  };
  module->walk([&](Operation *op) {
    for (NamedAttribute attribute : llvm::to_vector(op->getDiscardableAttrs()))
      if (isOurs(attribute))
        op->removeDiscardableAttr(attribute.getName());
    if (auto function = dyn_cast<FunctionOpInterface>(op)) {
      for (unsigned i = 0; i < function.getNumArguments(); ++i)
        for (NamedAttribute attribute :
             llvm::to_vector(function.getArgAttrs(i)))
          if (isOurs(attribute))
            function.removeArgAttr(i, attribute.getName());
      for (unsigned i = 0; i < function.getNumResults(); ++i)
        for (NamedAttribute attribute :
             llvm::to_vector(function.getResultAttrs(i)))
          if (isOurs(attribute))
            function.removeResultAttr(i, attribute.getName());
    }
  });
}

FailureOr<std::unique_ptr<Executor>>
Executor::compile(ModuleOp module, const ExecutorOptions &options) {
  MLIRContext *context = module.getContext();
  DialectRegistry registry;
  registerExecutionDialects(registry);
  context->appendDialectRegistry(registry);

  std::string entry = options.entry.empty() ? "main" : options.entry;
  OwningOpRef<ModuleOp> copy = module.clone();
  auto function = copy->lookupSymbol<func::FuncOp>(entry);
  if (!function || function.isExternal()) {
    module.emitError() << "cannot run: the module has no function '" << entry
                       << "' with a body";
    return failure();
  }
  auto impl = std::make_unique<Impl>();
  if (failed(makePorts(function, impl->inputs, impl->outputs)))
    return failure();
  function.setSymName(compiledName);
  function.setPublic();
  function->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                    UnitAttr::get(context));
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    function.setArgAttr(i,
                        bufferization::BufferizationDialect::kWritableAttrName,
                        BoolAttr::get(context, false));

  if (options.engine && failed(callEngine(*copy, *options.engine)))
    return failure();

  // Everything but the constants leaves before the pass that reads them; the
  // two halves of the pipeline meet at the function's arguments.
  {
    PassManager pm(context);
    buildLoweringPipelineToLinalg(pm);
    if (failed(pm.run(*copy)))
      return failure();
  }
  function = copy->lookupSymbol<func::FuncOp>(compiledName);
  if (failed(collectConstants(function, impl->inputs.size(), impl->constants)))
    return failure();
  context->loadDialect<bufferization::BufferizationDialect>();
  copyRepeatedResults(function);
  dropDialectAttributes(*copy);

  auto fail = [&](llvm::Error error) {
    return module.emitError()
           << "cannot compile the module: " << llvm::toString(std::move(error));
  };
  std::unique_ptr<ObjectCache> cache;
  std::string key;
  if (!options.cacheDirectory.empty()) {
    cache = std::make_unique<ObjectCache>(options.cacheDirectory);
    key = objectKey(*copy, options.optLevel);
    llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> object =
        cache->lookup(key);
    if (!object)
      return fail(object.takeError());
    if (*object) {
      llvm::Expected<std::unique_ptr<LoadedObject>> code =
          LoadedObject::load(std::move(*object), options.engine);
      if (!code)
        return fail(llvm::joinErrors(
            llvm::createStringError(
                llvm::inconvertibleErrorCode(),
                "the cached code in " + options.cacheDirectory +
                    " cannot be loaded; remove that folder"),
            code.takeError()));
      impl->code = std::move(*code);
      impl->wasCached = true;
      return std::unique_ptr<Executor>(new Executor(std::move(impl)));
    }
  }

  {
    PassManager pm(context);
    buildLoweringPipelineToLLVM(pm, hostVectorBits());
    if (failed(pm.run(*copy)))
      return failure();
  }
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> object = generateObject(
      *copy, ("_mlir_ciface_" + compiledName).str(), options.optLevel);
  if (!object)
    return fail(object.takeError());
  if (cache)
    if (llvm::Error error = cache->store(key, **object))
      return fail(std::move(error));
  llvm::Expected<std::unique_ptr<LoadedObject>> code =
      LoadedObject::load(std::move(*object), options.engine);
  if (!code)
    return fail(code.takeError());
  impl->code = std::move(*code);
  return std::unique_ptr<Executor>(new Executor(std::move(impl)));
}

//===----------------------------------------------------------------------===//
// Run
//===----------------------------------------------------------------------===//

/// Whether a port of `type` takes `input`: integers without the mark of
/// unsigned ones may be either.
static bool accepts(ElementType type, const Tensor &input) {
  switch (type) {
  case ElementType::I8:
    return input.type == ElementType::I8 || input.type == ElementType::U8;
  case ElementType::I16:
    return input.type == ElementType::I16 || input.type == ElementType::U16;
  case ElementType::I32:
    return input.type == ElementType::I32 || input.type == ElementType::U32;
  case ElementType::I64:
    return input.type == ElementType::I64 || input.type == ElementType::U64;
  case ElementType::BF16: {
    // .npy files hold bfloat16 as f32; other f32 values would be rounded.
    if (input.type != ElementType::F32)
      return input.type == type;
    return llvm::all_of(input.as<uint32_t>(),
                        [](uint32_t bits) { return (bits & 0xffff) == 0; });
  }
  default:
    return input.type == type;
  }
}

/// The upper halves of floats, all of which are bfloat16.
static Tensor narrowToBFloat(const Tensor &wide) {
  Tensor tensor = Tensor::zeros(ElementType::BF16, wide.shape);
  for (auto [bits, value] :
       llvm::zip(tensor.as<uint16_t>(), wide.as<uint32_t>()))
    bits = value >> 16;
  return tensor;
}

llvm::Error Executor::checkInputs(ArrayRef<Tensor> inputs) const {
  auto refuse = [](const Twine &what) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(), what);
  };
  ArrayRef<Port> ports = impl->inputs;
  if (inputs.size() != ports.size()) {
    std::string names;
    for (const Port &port : ports)
      names += (names.empty() ? "" : ", ") + port.name + " (" +
               port.describe() + ")";
    return refuse("the model takes " + Twine(ports.size()) + " input(s), " +
                  names + ", but " + Twine(inputs.size()) + " were given");
  }
  for (auto [port, input] : llvm::zip(ports, inputs)) {
    if (!accepts(port.type, input) || port.shape != input.shape)
      return refuse(
          "input '" + port.name + "' is " + input.describe() +
          ", but the model takes " + port.describe() +
          (port.type == ElementType::BF16 && input.type == ElementType::F32
               ? "; round its values to bfloat16"
               : ""));
  }
  return llvm::Error::success();
}

/// A memref descriptor with identity layout, as LLVM's lowering lays it out:
/// allocated and aligned pointer, offset, sizes, strides.
static SmallVector<intptr_t> makeDescriptor(const void *data,
                                            ArrayRef<int64_t> shape) {
  SmallVector<intptr_t> words(3 + 2 * shape.size());
  words[0] = words[1] = reinterpret_cast<intptr_t>(data);
  words[2] = 0;
  int64_t stride = 1;
  for (int64_t i = shape.size() - 1; i >= 0; --i) {
    words[3 + i] = shape[i];
    words[3 + shape.size() + i] = stride;
    stride *= shape[i];
  }
  return words;
}

llvm::Expected<std::vector<Tensor>> Executor::run(ArrayRef<Tensor> inputs) {
  if (llvm::Error error = checkInputs(inputs))
    return std::move(error);
  std::vector<Tensor> outputs;
  for (const Port &port : impl->outputs)
    outputs.push_back(Tensor::zeros(port.type, port.shape));

  std::vector<SmallVector<intptr_t>> descriptors;
  std::vector<Tensor> narrowed;
  narrowed.reserve(inputs.size());
  for (auto [port, input] : llvm::zip(impl->inputs, inputs)) {
    const Tensor *tensor = &input;
    if (port.type != input.type && port.type == ElementType::BF16)
      tensor = &narrowed.emplace_back(narrowToBFloat(input));
    descriptors.push_back(makeDescriptor(tensor->data.data(), tensor->shape));
  }
  for (ElementsAttr constant : impl->constants)
    descriptors.push_back(makeDescriptor(rawBytes(constant).data(),
                                         constant.getShapedType().getShape()));
  for (Tensor &output : outputs)
    descriptors.push_back(makeDescriptor(output.data.data(), output.shape));

  std::vector<void *> arguments;
  for (SmallVector<intptr_t> &descriptor : descriptors)
    arguments.push_back(descriptor.data());
  impl->code->run(arguments.data());
  return outputs;
}
