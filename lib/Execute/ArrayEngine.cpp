//===- ArrayEngine.cpp - Products computed outside of compiled code -------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/ArrayEngine.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

using namespace imc;
using namespace imc::execute;
using namespace mlir;

ArrayEngine::~ArrayEngine() = default;

void ArrayEngine::runWide(int64_t, const void *, int64_t *) {
  llvm_unreachable("callEngine gives wide products to engines that take them");
}

/// The second word of a descriptor is the aligned pointer; buffers that cross
/// the call have the identity layout and offset 0.
void imc::execute::callEngineFromCode(void *engine, int64_t index, int64_t,
                                      void *input, int64_t, void *result) {
  static_cast<ArrayEngine *>(engine)->run(index,
                                          static_cast<uint8_t **>(input)[1],
                                          static_cast<int32_t **>(result)[1]);
}

void imc::execute::callWideEngineFromCode(void *engine, int64_t index, int64_t,
                                          void *input, int64_t, void *result) {
  static_cast<ArrayEngine *>(engine)->runWide(
      index, static_cast<void **>(input)[1],
      static_cast<int64_t **>(result)[1]);
}

static mapping::Encoding toMapping(EncodingKind kind) {
  switch (kind) {
  case EncodingKind::Offset:
    return mapping::Encoding::Offset;
  case EncodingKind::Differential:
    return mapping::Encoding::Differential;
  case EncodingKind::TwosComplement:
    return mapping::Encoding::TwosComplement;
  }
  llvm_unreachable("no such encoding");
}

/// The stored weights of a product, or a diagnostic.
static FailureOr<ArrayRef<char>> weightsOf(EncodeWeightsOp encode) {
  ElementsAttr value;
  if (!matchPattern(encode.getW(), m_Constant(&value)))
    return encode.emitOpError(
        "has weights that are no constant, which an array engine needs");
  ArrayRef<char> bytes;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    if (resource.getRawHandle().getBlob())
      bytes = resource.getData();
  } else {
    bytes = cast<DenseElementsAttr>(value).getRawData();
  }
  const ShapedType type = value.getShapedType();
  if (static_cast<int64_t>(bytes.size()) !=
      type.getNumElements() * type.getElementTypeBitWidth() / 8)
    return encode.emitOpError("has weights of ")
           << bytes.size() << " bytes where their type " << value.getType()
           << " needs " << type.getElementTypeBitWidth() / 8
           << " per element; splats and absent data cannot be given to an "
              "array engine";
  return bytes;
}

static FailureOr<ArrayProduct> describe(const TiledProduct &product) {
  FailureOr<ArrayRef<char>> weights = weightsOf(product.encode);
  if (failed(weights))
    return failure();
  auto shapeOf = [](Value value) {
    return SmallVector<int64_t, 4>(
        cast<RankedTensorType>(value.getType()).getShape());
  };
  UnfoldOp unfold = product.unfold;
  ShiftAddOp shiftAdd = product.shiftAdd;
  EncodeWeightsOp encode = product.encode;
  MVMOp mvm = product.mvm;
  FailureOr<int64_t> trips = countTrips(shiftAdd);
  if (failed(trips))
    return failure();
  ArrayProduct out;
  out.trips = *trips;
  out.name = getLayerName(shiftAdd.getLoc());
  out.input_shape = shapeOf(unfold.getX());
  out.output_shape = shapeOf(shiftAdd.getInit());
  out.kernel.assign(unfold.getKernel().begin(), unfold.getKernel().end());
  out.strides.assign(unfold.getStrides().begin(), unfold.getStrides().end());
  out.dilations.assign(unfold.getDilations().begin(),
                       unfold.getDilations().end());
  out.groups = unfold.getGroups();
  out.groups_per_pack = unfold.getGroupsPerPack();
  if (getElementTypeOrSelf(encode.getW()).isInteger(16))
    out.wide_weights =
        ArrayRef(reinterpret_cast<const int16_t *>(weights->data()),
                 weights->size() / 2);
  else
    out.weights = ArrayRef(reinterpret_cast<const int8_t *>(weights->data()),
                           weights->size());
  out.weight_shape = shapeOf(encode.getW());
  out.tiling = readTiling(product);
  EncodingAttr encoding = encode.getEncoding();
  out.encoding = toMapping(encoding.getKind());
  out.weight_bits = encoding.getWeightBits();
  out.cell_bits = encoding.getCellBits();
  out.input_bits = mvm.getInput().getBits();
  out.dac_bits = mvm.getInput().getDacBits();
  out.adc_bits = mvm.getReadout().getAdcBits();
  out.range_bits = mvm.getReadout().getRangeBits();
  out.range = static_cast<mapping::Range>(mvm.getReadout().getPolicy());
  out.ties = static_cast<mapping::Ties>(mvm.getReadout().getTies());
  return out;
}

LogicalResult imc::execute::callEngine(ModuleOp module, ArrayEngine &engine) {
  SmallVector<ShiftAddOp> found;
  module.walk([&](ShiftAddOp op) { found.push_back(op); });
  if (found.empty())
    return success();

  MLIRContext *context = module.getContext();
  context->loadDialect<bufferization::BufferizationDialect, func::FuncDialect,
                       LLVM::LLVMDialect, memref::MemRefDialect>();
  OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
  auto pointer = LLVM::LLVMPointerType::get(context);
  // One function for each pair of element types; declared when first needed.
  auto calleeOf = [&](Type code, Type sum) {
    const StringRef name = sum.isInteger(32)
                               ? engineCallSymbol
                               : engineWideCallSymbols[code.isInteger(16)];
    if (auto known = module.lookupSymbol<func::FuncOp>(name))
      return known;
    auto callee = func::FuncOp::create(
        top, module.getLoc(), name,
        top.getFunctionType({pointer, top.getI64Type(),
                             UnrankedMemRefType::get(code, {}),
                             UnrankedMemRefType::get(sum, {})},
                            {}));
    callee.setPrivate();
    return callee;
  };
  LLVM::GlobalOp::create(top, module.getLoc(), top.getI8Type(),
                         /*isConstant=*/false, LLVM::Linkage::External,
                         engineSymbol, Attribute());

  for (auto [index, op] : llvm::enumerate(found)) {
    FailureOr<TiledProduct> product = matchTiledProduct(op);
    if (failed(product))
      return failure();
    FailureOr<ArrayProduct> described = describe(*product);
    if (failed(described))
      return failure();
    if (described->isWide() && !engine.takesWide())
      return op.emitOpError("has weights of ")
             << described->weight_bits << " and inputs of "
             << described->input_bits
             << " bits, which this engine does not take; it takes at most 8: "
                "use --at quantized, --arrays simulated, or fewer bits "
                "(pass.weight_bits, pass.input_bits)";
    if (llvm::Error error = engine.prepare(index, *described))
      return op.emitOpError() << llvm::toString(std::move(error));

    OpBuilder b(op);
    Location loc = op.getLoc();
    auto typeOf = [](Value value) {
      auto tensor = cast<RankedTensorType>(value.getType());
      return MemRefType::get(tensor.getShape(), tensor.getElementType());
    };
    Value x = product->unfold.getX();
    Value input = bufferization::ToBufferOp::create(b, loc, typeOf(x), x,
                                                    /*read_only=*/true);
    Value result = memref::AllocOp::create(b, loc, typeOf(op.getInit()));
    Value self = LLVM::AddressOfOp::create(b, loc, pointer, engineSymbol);
    Value number =
        arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(index));
    func::FuncOp callee =
        calleeOf(getElementTypeOrSelf(input), getElementTypeOrSelf(result));
    ArrayRef<Type> types = callee.getArgumentTypes();
    func::CallOp::create(
        b, loc, callee,
        ValueRange{self, number,
                   memref::CastOp::create(b, loc, types[2], input),
                   memref::CastOp::create(b, loc, types[3], result)});
    Value tensor = bufferization::ToTensorOp::create(
        b, loc, op.getInit().getType(), result, /*restrict=*/true,
        /*writable=*/true);
    op.getResult().replaceAllUsesWith(tensor);
    op.erase();
  }
  return success();
}
