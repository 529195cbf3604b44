//===- LayerBits.cpp - Decisions about single layers ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Transforms/LayerBits.h"

#include "dialects/imc/IR/IMC.h"
#include "imc/Mapping/Mapping.h"
#include "imc/Transforms/Extract.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/StringSaver.h"

using namespace mlir;
using namespace imc;

static llvm::Error refuse(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// Sets field `name` of `bits`; the error says what the field may be.
static llvm::Error setField(LayerBits &bits, StringRef name, int64_t value) {
  int64_t *field = llvm::StringSwitch<int64_t *>(name)
                       .Case("weight_bits", &bits.weightBits)
                       .Case("input_bits", &bits.inputBits)
                       .Case("copies", &bits.copies)
                       .Default(nullptr);
  if (!field)
    return refuse("layer '" + bits.layer + "' has no field '" + name +
                  "'; use weight_bits, input_bits or copies");
  const mapping::KnobInfo &info = *llvm::find_if(
      mapping::layerKnobSchema(),
      [&](const mapping::KnobInfo &k) { return name == k.name; });
  if (value < info.min || value > info.max)
    return refuse("layer '" + bits.layer + "': " + name + " = " + Twine(value) +
                  " is out of range; it takes " + Twine(info.min) + " to " +
                  Twine(info.max));
  *field = value;
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
                  "' is no layer.NAME.weight_bits=BITS, "
                  "layer.NAME.input_bits=BITS or layer.NAME.copies=COPIES");
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
                    "' is no object with weight_bits, input_bits or copies");
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

llvm::Expected<std::vector<LayerBits>>
imc::layersOfModel(ArrayRef<LayerBits> layers, StringRef model,
                   ArrayRef<std::string> all) {
  std::vector<LayerBits> own;
  for (const LayerBits &bits : layers) {
    StringRef name = mapping::layerOfModel(bits.layer, model, all.size());
    if (!name.empty()) {
      own.push_back(bits);
      own.back().layer = name.str();
    } else if (llvm::none_of(all, [&](StringRef other) {
                 return !mapping::layerOfModel(bits.layer, other, all.size())
                             .empty();
               })) {
      return refuse("layer '" + bits.layer +
                    "' does not say of which model: with several models write "
                    "layer.MODEL:" +
                    bits.layer + " with one of " + llvm::join(all, ", "));
    }
  }
  return own;
}

LogicalResult imc::setLayerBits(ModuleOp module, ArrayRef<LayerBits> layers) {
  if (layers.empty())
    return success();
  llvm::BumpPtrAllocator allocator;
  llvm::StringSaver names(allocator); // what the keys point to
  llvm::MapVector<StringRef, SmallVector<Operation *>> all, floats;
  module.walk([&](Operation *op) {
    if (!isa<Conv2DOp, MatmulOp>(op))
      return;
    StringRef name = names.save(getLayerName(op->getLoc()));
    all[name].push_back(op);
    if (getElementTypeOrSelf(op->getOperand(0)).isF32())
      floats[name].push_back(op);
  });
  Builder builder(module.getContext());
  for (const LayerBits &bits : layers) {
    const auto &products = bits.hasBits() ? floats : all;
    auto found = products.find(bits.layer);
    if (found == products.end()) {
      InFlightDiagnostic diagnostic =
          module.emitError("layer '")
          << bits.layer
          << (bits.hasBits() ? "' has no float product to set "
                               "bits of; layers with one are "
                             : "' has no product to copy; "
                               "layers with one are ");
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
      if (bits.copies)
        op->setAttr(IMCDialect::copiesAttrName,
                    builder.getI64IntegerAttr(bits.copies));
    }
  }
  return success();
}
