//===- LayerBits.cpp - Precision of single layers -------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/LayerBits.h"

#include "dialects/imc/IR/IMC.h"
#include "imc/Transforms/Extract.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace imc;

static llvm::Error refuse(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// Sets field `name` of `bits`; the error says what the field may be.
static llvm::Error setField(LayerBits &bits, StringRef name, int64_t value) {
  const bool weight = name == "weight_bits";
  if (!weight && name != "input_bits")
    return refuse("layer '" + bits.layer + "' has no field '" + name +
                  "'; use weight_bits or input_bits");
  const int64_t least = weight ? 2 : 1;
  if (value < least || value > 8)
    return refuse("layer '" + bits.layer + "': " + name + " = " + Twine(value) +
                  " is out of range; it takes " + Twine(least) + " to 8");
  (weight ? bits.weightBits : bits.inputBits) = value;
  return llvm::Error::success();
}

llvm::Expected<LayerBits> imc::parseLayerBits(StringRef assignment) {
  auto [path, text] = assignment.rsplit('=');
  StringRef rest = path;
  auto [layer, field] = rest.consume_front("layer.")
                            ? rest.rsplit('.')
                            : std::pair<StringRef, StringRef>();
  int64_t value;
  if (layer.empty() || field.empty() || text.getAsInteger(10, value))
    return refuse("'" + assignment +
                  "' is no layer.NAME.weight_bits=BITS or "
                  "layer.NAME.input_bits=BITS");
  LayerBits bits;
  bits.layer = layer.str();
  if (llvm::Error error = setField(bits, field, value))
    return std::move(error);
  return bits;
}

llvm::Expected<std::vector<LayerBits>> imc::readLayerBits(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return refuse("cannot read '" + path + "': " + buffer.getError().message());
  llvm::Expected<llvm::json::Value> json =
      llvm::json::parse((*buffer)->getBuffer());
  if (!json)
    return refuse(path + ": " + llvm::toString(json.takeError()));
  const llvm::json::Object *object = json->getAsObject();
  if (!object)
    return refuse(path + ": expected an object of layers, as in {\"conv1\": "
                         "{\"weight_bits\": 4}}");
  std::vector<LayerBits> result;
  for (const auto &[name, value] : *object) {
    LayerBits bits;
    bits.layer = StringRef(name).str();
    const llvm::json::Object *fields = value.getAsObject();
    if (!fields)
      return refuse(path + ": layer '" + bits.layer +
                    "' is no object with weight_bits or input_bits");
    for (const auto &[field, number] : *fields) {
      std::optional<int64_t> count = number.getAsInteger();
      if (!count)
        return refuse(path + ": layer '" + bits.layer +
                      "': " + StringRef(field) + " is no integer");
      if (llvm::Error error = setField(bits, field, *count))
        return refuse(path + ": " + llvm::toString(std::move(error)));
    }
    result.push_back(std::move(bits));
  }
  return result;
}

LogicalResult imc::setLayerBits(ModuleOp module, ArrayRef<LayerBits> layers) {
  if (layers.empty())
    return success();
  llvm::MapVector<StringRef, SmallVector<Operation *>> products;
  std::vector<std::string> names; // what the keys point to
  module.walk([&](Operation *op) {
    if (isa<Conv2DOp, MatmulOp>(op) &&
        getElementTypeOrSelf(op->getOperand(0)).isF32())
      names.push_back(getLayerName(op->getLoc()));
  });
  size_t next = 0;
  module.walk([&](Operation *op) {
    if (isa<Conv2DOp, MatmulOp>(op) &&
        getElementTypeOrSelf(op->getOperand(0)).isF32())
      products[names[next++]].push_back(op);
  });
  Builder builder(module.getContext());
  for (const LayerBits &bits : layers) {
    auto found = products.find(bits.layer);
    if (found == products.end()) {
      InFlightDiagnostic diagnostic = module.emitError("layer '")
                                      << bits.layer
                                      << "' has no float product to set bits "
                                         "of; layers with one are ";
      constexpr size_t most = 12;
      for (auto [i, entry] : llvm::enumerate(products)) {
        if (i == most) {
          diagnostic << " and " << products.size() - most << " more";
          break;
        }
        diagnostic << (i ? ", " : "") << "'" << entry.first << "'";
      }
      return diagnostic;
    }
    for (Operation *op : found->second) {
      if (bits.weightBits)
        op->setAttr(IMCDialect::weightBitsAttrName,
                    builder.getI64IntegerAttr(bits.weightBits));
      if (bits.inputBits)
        op->setAttr(IMCDialect::inputBitsAttrName,
                    builder.getI64IntegerAttr(bits.inputBits));
    }
  }
  return success();
}
