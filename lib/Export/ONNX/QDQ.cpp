//===- QDQ.cpp - Reads the integers out of a quantized module -------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Export/ONNX.h"

#include "QDQGraph.h"
#include "dialects/imc/IR/IMC.h"
#include "imc/Support/OutputFile.h"
#include "imc/Transforms/Constants.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/Phase.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

using namespace mlir;
using namespace imc;
using onnxexport::Product;

/// Raw elements of a constant; fails, with a diagnostic at `op`, without.
template <typename T>
static FailureOr<std::vector<T>> readConstant(Operation *op, Value value,
                                              StringRef what) {
  ElementsAttr attribute;
  std::vector<char> storage;
  if (value && matchPattern(value, m_Constant(&attribute))) {
    ArrayRef<char> raw = getRawData(attribute, storage);
    if (raw.size() == attribute.getNumElements() * sizeof(T)) {
      const T *data = reinterpret_cast<const T *>(raw.data());
      return std::vector<T>(data, data + attribute.getNumElements());
    }
  }
  return op->emitOpError("cannot be exported: ")
         << what
         << " is not constant; give the model with its weights, and ranges by "
            "--calibrate (activations=calibrated)";
}

static FailureOr<std::vector<int16_t>> readWeights(Operation *op, Value value) {
  if (getElementTypeOrSelf(value).isInteger(16))
    return readConstant<int16_t>(op, value, "its weight");
  FailureOr<std::vector<int8_t>> bytes =
      readConstant<int8_t>(op, value, "its weight");
  if (failed(bytes))
    return failure();
  return std::vector<int16_t>(bytes->begin(), bytes->end());
}

/// The index of the ONNX node that an op comes from: the line of its location.
static int64_t nodeIndex(Location loc) {
  while (auto name = dyn_cast<NameLoc>(loc))
    loc = name.getChildLoc();
  auto file = dyn_cast<FileLineColLoc>(loc);
  return file ? static_cast<int64_t>(file.getLine()) : -1;
}

static FailureOr<Product> readProduct(Operation *op) {
  Product product;
  product.name = getLayerName(op->getLoc());
  product.node = nodeIndex(op->getLoc());
  product.channelFirst = isa<Conv2DOp>(op);
  auto quantize = op->getOperand(0).getDefiningOp<QuantizeOp>();
  DequantizeOp dequantize;
  for (Operation *user : op->getUsers())
    if (auto candidate = dyn_cast<DequantizeOp>(user))
      dequantize = candidate;
  if (!quantize || !dequantize)
    return op->emitOpError("cannot be exported: it does not stand between "
                           "imc.quantize and imc.dequantize; give the module "
                           "of phase 'quantized'");
  FailureOr<std::vector<float>> scale =
      readConstant<float>(op, quantize.getScale(), "the scale of its input");
  if (failed(scale))
    return failure();
  FailureOr<std::vector<int32_t>> zeroPoint = readConstant<int32_t>(
      op, quantize.getZeroPoint(), "the zero point of its input");
  FailureOr<std::vector<int16_t>> weights = readWeights(op, op->getOperand(1));
  FailureOr<std::vector<float>> weightScale =
      readConstant<float>(op, dequantize.getWScale(), "its weight scale");
  if (failed(zeroPoint) || failed(weights) || failed(weightScale))
    return failure();
  product.scale = scale->front();
  product.zeroPoint = zeroPoint->front();
  product.inputBits = quantize.getBits();
  if (auto bits =
          op->getAttrOfType<IntegerAttr>(IMCDialect::weightBitsAttrName))
    product.weightBits = bits.getInt();
  product.weights = std::move(*weights);
  if (matchPattern(dequantize.getBias(), m_Constant())) {
    FailureOr<std::vector<float>> bias =
        readConstant<float>(op, dequantize.getBias(), "its bias");
    if (failed(bias))
      return failure();
    product.bias = std::move(*bias);
  }
  product.weightScale = std::move(*weightScale);
  llvm::append_range(
      product.shape,
      cast<RankedTensorType>(op->getOperand(1).getType()).getShape());
  return product;
}

static bool sameFolder(StringRef a, StringRef b) {
  auto folder = [](StringRef path) -> SmallString<128> {
    SmallString<128> absolute(path);
    (void)llvm::sys::fs::make_absolute(absolute);
    llvm::sys::path::remove_filename(absolute);
    return absolute;
  };
  SmallString<128> left = folder(a), right = folder(b);
  return left == right || llvm::sys::fs::equivalent(Twine(left), Twine(right));
}

FailureOr<ONNXExportSummary> imc::exportQDQ(ModuleOp module, StringRef source,
                                            StringRef path) {
  if (failed(requirePhase(module, Phase::Quantized, "ONNX export")))
    return failure();
  ONNXExportSummary summary;
  std::vector<Product> products;
  llvm::DenseMap<int64_t, Operation *> nodes;
  bool refused = false;
  module.walk([&](Operation *op) {
    if (!isa<Conv2DOp, MatmulOp>(op))
      return;
    if (op->hasAttr(IMCDialect::inputBitsAttrName)) {
      ++summary.integers;
      return;
    }
    FailureOr<Product> product = readProduct(op);
    if (failed(product)) {
      refused = true;
      return;
    }
    nodes.try_emplace(product->node, op);
    products.push_back(std::move(*product));
  });
  if (refused)
    return failure();
  if (products.empty())
    return module.emitError("ONNX export: there is no float product to "
                            "quantize; the model is in integers already");
  // By node; those of one node in their order.
  std::vector<std::pair<int64_t, size_t>> order;
  for (const auto &[index, product] : llvm::enumerate(products))
    order.emplace_back(product.node, index);
  llvm::sort(order);
  std::vector<Product> sorted;
  for (const auto &entry : order)
    sorted.push_back(std::move(products[entry.second]));
  products = std::move(sorted);

  auto buffer = llvm::MemoryBuffer::getFile(source, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return module.emitError("ONNX export: cannot read '")
           << source << "': " << buffer.getError().message();
  onnx::ModelProto model;
  google::protobuf::io::ArrayInputStream stream(
      (*buffer)->getBufferStart(),
      static_cast<int>((*buffer)->getBufferSize()));
  if ((*buffer)->getBufferSize() > size_t(std::numeric_limits<int>::max()) ||
      !model.ParsePartialFromZeroCopyStream(&stream))
    return module.emitError("ONNX export: '")
           << source << "' is not an ONNX model of at most 2 GiB";

  onnxexport::QDQGraph graph(model);
  if (llvm::Error error = graph.prepare(products, summary.notes))
    return module.emitError("ONNX export: ")
           << llvm::toString(std::move(error));
  for (size_t i = 0, end; i < products.size(); i = end) {
    for (end = i + 1; end < products.size(); ++end)
      if (products[end].node != products[i].node)
        break;
    Operation *op = nodes[products[i].node];
    if (end - i > 2)
      return op->emitError("ONNX export: node '")
             << products[i].name << "' is " << end - i
             << " products, whose operands have no QuantizeLinear of their own "
                "in ONNX; split the node in the model";
    llvm::Error error =
        end - i == 2 ? graph.quantizeRecurrent(products[i], products[i + 1],
                                               summary.notes)
                     : graph.quantize(products[i]);
    if (error)
      return op->emitError("ONNX export: ") << llvm::toString(std::move(error));
  }
  graph.finish();
  summary.products = static_cast<int64_t>(products.size());

  for (const onnx::TensorProto &tensor : model.graph().initializer())
    if (tensor.data_location() == onnx::TensorProto::EXTERNAL &&
        !sameFolder(source, path))
      return module.emitError("ONNX export: initializer '")
             << tensor.name()
             << "' stays in an external file beside the model, which '" << path
             << "' would not find; write the output into the folder of '"
             << source << "'";
  if (model.ByteSizeLong() > size_t(std::numeric_limits<int>::max()))
    return module.emitError("ONNX export: the model would have ")
           << model.ByteSizeLong()
           << " bytes, more than the 2 GiB that protobuf can write; store the "
              "weights of the original as external data";
  std::string bytes;
  if (!model.SerializePartialToString(&bytes))
    return module.emitError("ONNX export: '")
           << source << "' cannot be written again by protobuf";
  if (llvm::Error error =
          imc::writeFile(path, [&](llvm::raw_ostream &os) { os << bytes; }))
    return module.emitError("ONNX export: ")
           << llvm::toString(std::move(error));
  return summary;
}
