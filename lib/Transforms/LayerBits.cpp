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

/// "weight_bits, input_bits, copies, adc_bits or unfolding".
static std::string fieldNames() {
  std::string text;
  const std::vector<mapping::KnobInfo> &schema = mapping::layerKnobSchema();
  for (const auto &[i, info] : llvm::enumerate(schema))
    text += std::string(i == 0                   ? ""
                        : i + 1 == schema.size() ? " or "
                                                 : ", ") +
            info.name;
  return text;
}

/// Field `name` of a layer; the error names those that there are.
static llvm::Expected<const mapping::KnobInfo *> findField(StringRef layer,
                                                           StringRef name) {
  for (const mapping::KnobInfo &info : mapping::layerKnobSchema())
    if (name == info.name)
      return &info;
  return refuse("layer '" + layer + "' has no field '" + name + "'; use " +
                fieldNames());
}

/// Sets a field of `bits`; the error says what it may be.
static llvm::Error setField(LayerBits &bits, const mapping::KnobInfo &info,
                            int64_t value) {
  const StringRef name = info.name;
  if (value < info.min || value > info.max)
    return refuse("layer '" + bits.layer + "': " + name + " = " + Twine(value) +
                  " is out of range; it takes " + Twine(info.min) + " to " +
                  Twine(info.max));
  if (name == "unfolding")
    bits.unfolding = value;
  else
    *llvm::StringSwitch<int64_t *>(name)
         .Case("weight_bits", &bits.weightBits)
         .Case("input_bits", &bits.inputBits)
         .Case("copies", &bits.copies)
         .Case("adc_bits", &bits.adcBits) = value;
  return llvm::Error::success();
}

/// The same of a named choice.
static llvm::Error setField(LayerBits &bits, const mapping::KnobInfo &info,
                            StringRef choice) {
  auto at = llvm::find(info.names, choice);
  if (at == info.names.end())
    return refuse("layer '" + bits.layer + "': " + info.name + " = " + choice +
                  " does not exist; it takes " + llvm::join(info.names, ", "));
  return setField(bits, info, at - info.names.begin());
}

std::vector<std::pair<const char *, int64_t>>
imc::fieldsOf(const LayerBits &layer) {
  std::vector<std::pair<const char *, int64_t>> fields;
  for (auto [name, value] : {std::pair("weight_bits", layer.weightBits),
                             std::pair("input_bits", layer.inputBits),
                             std::pair("copies", layer.copies),
                             std::pair("adc_bits", layer.adcBits)})
    if (value)
      fields.emplace_back(name, value);
  if (layer.unfolding)
    fields.emplace_back("unfolding", *layer.unfolding);
  return fields;
}

llvm::Expected<LayerBits> imc::parseLayerBits(StringRef assignment) {
  auto [path, text] = assignment.rsplit('=');
  StringRef rest = path;
  auto [layer, field] = rest.consume_front("layer.")
                            ? rest.rsplit('.')
                            : std::pair<StringRef, StringRef>();
  const auto malformed = [&] {
    return refuse("'" + assignment +
                  "' is no layer.NAME.weight_bits=BITS, "
                  "layer.NAME.input_bits=BITS, "
                  "layer.NAME.copies=COPIES, layer.NAME.adc_bits=BITS or "
                  "layer.NAME.unfolding=RULE");
  };
  if (layer.empty() || field.empty() || text.empty())
    return malformed();
  llvm::Expected<const mapping::KnobInfo *> info = findField(layer, field);
  if (!info)
    return info.takeError();
  LayerBits bits;
  bits.layer = layer.str();
  int64_t value;
  llvm::Error error = llvm::Error::success();
  if (!(*info)->names.empty())
    error = setField(bits, **info, text);
  else if (text.getAsInteger(10, value))
    error = llvm::joinErrors(std::move(error), malformed());
  else
    error = setField(bits, **info, value);
  if (error)
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
      return refuse(path + ": layer '" + bits.layer + "' is no object with " +
                    fieldNames());
    for (const auto &[field, value] : *fields) {
      llvm::Expected<const mapping::KnobInfo *> info =
          findField(bits.layer, field);
      if (!info)
        return refuse(path + ": " + llvm::toString(info.takeError()));
      const std::optional<int64_t> count = value.getAsInteger();
      const std::optional<StringRef> choice = value.getAsString();
      const bool named = !(*info)->names.empty();
      if (named ? !choice : !count)
        return refuse(path + ": layer '" + bits.layer +
                      "': " + StringRef(field) +
                      (named ? " is no name" : " is no integer"));
      if (llvm::Error error = named ? setField(bits, **info, *choice)
                                    : setField(bits, **info, *count))
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

namespace {
/// Products of each layer.
using Products = llvm::MapVector<StringRef, SmallVector<Operation *>>;
} // namespace

/// The layer has none of `products`, which `purpose` is about.
static LogicalResult refuseLayer(ModuleOp module, const LayerBits &bits,
                                 StringRef purpose, const Products &products) {
  InFlightDiagnostic diagnostic = module.emitError("layer '")
                                  << bits.layer << "' has no " << purpose
                                  << "; layers with one are ";
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

LogicalResult imc::setLayerBits(ModuleOp module, ArrayRef<LayerBits> layers) {
  if (layers.empty())
    return success();
  llvm::BumpPtrAllocator allocator;
  llvm::StringSaver names(allocator); // what the keys point to
  Products all, floats, convolutions;
  module.walk([&](Operation *op) {
    if (!isa<Conv2DOp, MatmulOp>(op))
      return;
    StringRef name = names.save(getLayerName(op->getLoc()));
    all[name].push_back(op);
    if (getElementTypeOrSelf(op->getOperand(0)).isF32())
      floats[name].push_back(op);
    if (isa<Conv2DOp>(op))
      convolutions[name].push_back(op);
  });
  Builder builder(module.getContext());
  for (const LayerBits &bits : layers) {
    auto set = [&](const Products &products, StringRef purpose, StringRef name,
                   Attribute value) -> LogicalResult {
      auto found = products.find(bits.layer);
      if (found == products.end())
        return refuseLayer(module, bits, purpose, products);
      for (Operation *op : found->second)
        op->setAttr(name, value);
      return success();
    };
    const std::tuple<int64_t, const Products *, StringRef, StringRef>
        numbers[] = {
            {bits.weightBits, &floats, "float product to set bits of",
             IMCDialect::weightBitsAttrName},
            {bits.inputBits, &floats, "float product to set bits of",
             IMCDialect::inputBitsAttrName},
            {bits.copies, &all, "product to copy", IMCDialect::copiesAttrName},
            {bits.adcBits, &all, "product to convert sums of",
             IMCDialect::adcBitsAttrName}};
    for (const auto &[value, products, purpose, name] : numbers)
      if (value && failed(set(*products, purpose, name,
                              builder.getI64IntegerAttr(value))))
        return failure();
    if (bits.unfolding &&
        failed(set(convolutions, "convolution to unfold",
                   IMCDialect::unfoldingAttrName,
                   builder.getStringAttr(mapping::formatKnob(
                       *mapping::findKnob("unfolding"), *bits.unfolding)))))
      return failure();
    for (Operation *op : all[bits.layer])
      if (auto rule =
              op->getAttrOfType<StringAttr>(IMCDialect::unfoldingAttrName);
          rule && rule != "im2col" && op->hasAttr(IMCDialect::copiesAttrName))
        return op->emitError("layer '")
               << bits.layer
               << "' has copies of its own, which keep one position per load; "
                  "leave out its copies or its unfolding";
  }
  return success();
}
