//===- ModelFile.cpp - Models of accuracy as files ------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Accuracy/Model.h"

#include "llvm/Support/Base64.h"
#include "llvm/Support/MD5.h"
#include "llvm/Support/MemoryBuffer.h"

#include <numeric>

using namespace imc;
using namespace imc::accuracy;
using llvm::Error;
using llvm::Expected;
using llvm::Twine;
namespace json = llvm::json;

static constexpr const char *kFormat = "imc accuracy model 3";

Expected<std::string> accuracy::fileDigest(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return llvm::createStringError(buffer.getError(),
                                   "cannot read '" + path +
                                       "': " + buffer.getError().message());
  llvm::MD5 hash;
  hash.update((*buffer)->getBuffer());
  return std::string(hash.final().digest());
}

template <typename T>
static std::string pack(const std::vector<T> &values) {
  return llvm::encodeBase64(llvm::StringRef(
      reinterpret_cast<const char *>(values.data()), values.size()));
}

json::Value Model::toJSON() const {
  json::Array products, designs, tops;
  for (const LayerData &l : layers)
    products.push_back(
        json::Object{{"name", l.name},
                     {"groups", l.shape.groups},
                     {"rows", l.shape.k},
                     {"cols", l.shape.n},
                     {"windows", l.windows},
                     {"gain", l.gain},
                     {"bias_gain", l.biasGain},
                     {"weight", l.weight},
                     {"bias_weight", l.biasWeight},
                     {"gain_weight", l.gainWeight},
                     {"offset_weight", l.offsetWeight},
                     {"weights", pack(l.weights)},
                     {"codes", pack(l.codes)},
                     {"calibration_windows", l.calibrationWindows},
                     {"calibration", pack(l.calibration)}});
  for (const auto &[bits, top1] : integersAt)
    tops.push_back(json::Array{bits.first, bits.second, top1});
  for (const SimulatedDesign &d : fitted)
    designs.push_back(json::Object{{"design", d.text},
                                   {"noise", d.noise},

                                   {"top1", d.top1},
                                   {"deviation", d.deviation},
                                   {"trials", d.trials},
                                   {"from_others", d.fromOthers}});
  json::Object out{{"format", kFormat},
                   {"model", name},
                   {"model_digest", modelDigest},
                   {"data_digest", dataDigest},
                   {"samples", samples},
                   {"skip", skip},

                   {"integers", integers},
                   {"chance", chance},
                   {"midpoint", midpoint},
                   {"steepness", steepness},
                   {"gain_weight", gainWeight},
                   {"offset_weight", offsetWeight},
                   {"shared", json::Array(shared)},
                   {"integers_at", std::move(tops)},
                   {"deviation_scale", deviationScale},
                   {"layers", std::move(products)},
                   {"fitted", std::move(designs)}};
  if (!correction.empty()) {
    json::Array centres;
    for (const Kriging::Centre &c : correction.centres) {
      json::Array numbers(c.place);
      numbers.push_back(c.weight);
      centres.push_back(std::move(numbers));
    }
    out["correction"] = json::Object{{"scales", json::Array(correction.scales)},
                                     {"nugget", correction.nugget},
                                     {"centres", std::move(centres)}};
  }
  if (device)
    out["device"] = json::Object{
        {"name", device->name}, {"text", deviceText}, {"time_s", timeS}};
  return out;
}

namespace {
/// Fields of an object; remembers the first that is wrong.
struct Fields {
  const json::Object *object;
  std::string where, &problem;
  void wrong(llvm::StringRef key, llvm::StringRef kind) {
    if (problem.empty())
      problem = where + "." + key.str() + ": expected " + kind.str();
  }
  template <typename T>
  void get(llvm::StringRef key, T &out) {
    if constexpr (std::is_same_v<T, std::string>) {
      if (auto v = object->getString(key))
        out = v->str();
      else
        wrong(key, "a string");
    } else if constexpr (std::is_same_v<T, int64_t>) {
      if (auto v = object->getInteger(key); v && *v >= 0)
        out = *v;
      else
        wrong(key, "a whole number, 0 or more");
    } else if (auto v = object->getNumber(key)) {
      out = *v;
    } else {
      wrong(key, "a number");
    }
  }
  template <typename T>
  void bytes(llvm::StringRef key, int64_t count, std::vector<T> &out) {
    std::string text;
    get(key, text);
    std::vector<char> decoded;
    if (Error error = llvm::decodeBase64(text, decoded)) {
      llvm::consumeError(std::move(error));
      return wrong(key, "base64");
    }
    if (int64_t(decoded.size()) != count)
      return wrong(key, std::to_string(count) + " bytes, not " +
                            std::to_string(decoded.size()));
    out.assign(decoded.begin(), decoded.end());
  }
};
} // namespace

Expected<Model> Model::parse(llvm::StringRef text, llvm::StringRef file) {
  auto refuse = [&](const Twine &what) {
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   file + ": " + what +
                                       "; make the file with imc "
                                       "accuracy-model");
  };
  Expected<json::Value> value = json::parse(text);
  if (!value)
    return refuse(llvm::toString(value.takeError()));
  const json::Object *top = value->getAsObject();
  if (!top || top->getString("format") != llvm::StringRef(kFormat))
    return refuse(Twine("is no model of accuracy (format '") + kFormat + "')");
  Model m;
  std::string problem;
  Fields f{top, "model", problem};
  f.get("model", m.name);
  f.get("model_digest", m.modelDigest);
  f.get("data_digest", m.dataDigest);
  f.get("samples", m.samples);
  f.get("skip", m.skip);

  f.get("integers", m.integers);
  f.get("chance", m.chance);
  f.get("midpoint", m.midpoint);
  f.get("steepness", m.steepness);
  f.get("gain_weight", m.gainWeight);
  f.get("offset_weight", m.offsetWeight);
  f.get("deviation_scale", m.deviationScale);
  const json::Array *layers = top->getArray("layers"),
                    *fitted = top->getArray("fitted");
  if (!layers || layers->empty() || !fitted)
    f.wrong("layers and fitted", "arrays");
  if (!(m.midpoint > 0) || !(m.steepness > 0))
    f.wrong("midpoint and steepness", "positive numbers");
  if (!problem.empty())
    return refuse(problem);
  // Far above any network, and their products far below 2^63.
  constexpr int64_t most = int64_t(1) << 20;
  for (auto [i, item] : llvm::enumerate(*layers)) {
    const json::Object *object = item.getAsObject();
    if (!object)
      return refuse("model.layers[" + Twine(i) + "]: expected an object");
    Fields l{object, "model.layers[" + std::to_string(i) + "]", problem};
    LayerData layer;
    l.get("name", layer.name);
    l.get("groups", layer.shape.groups);
    l.get("rows", layer.shape.k);
    l.get("cols", layer.shape.n);
    l.get("windows", layer.windows);
    l.get("calibration_windows", layer.calibrationWindows);
    l.get("gain", layer.gain);
    l.get("bias_gain", layer.biasGain);
    l.get("weight", layer.weight);
    l.get("bias_weight", layer.biasWeight);
    l.get("gain_weight", layer.gainWeight);
    l.get("offset_weight", layer.offsetWeight);
    for (int64_t extent :
         {layer.shape.groups, layer.shape.k, layer.shape.n, layer.windows})
      if (extent < 1 || extent > most)
        l.wrong("groups, rows, cols and windows", "1 to 1048576");
    if (!problem.empty())
      return refuse(problem);
    l.bytes("weights", layer.shape.groups * layer.shape.k * layer.shape.n,
            layer.weights);
    l.bytes("codes", layer.windows * layer.shape.groups * layer.shape.k,
            layer.codes);
    if (layer.calibrationWindows > most)
      l.wrong("calibration_windows", "at most 1048576");
    else
      l.bytes("calibration",
              layer.calibrationWindows * layer.shape.groups * layer.shape.k,
              layer.calibration);
    if (!problem.empty())
      return refuse(problem);
    m.layers.push_back(std::move(layer));
  }
  const json::Array *shared = top->getArray("shared"),
                    *tops = top->getArray("integers_at");
  const size_t wanted = 4 * m.layers.size() * m.layers.size();
  if (!shared || shared->size() != wanted || !tops)
    return refuse("model.shared and integers_at: expected arrays, shared of " +
                  Twine(wanted) + " numbers");
  for (const json::Value &v : *shared) {
    if (!v.getAsNumber())
      return refuse("model.shared: expected numbers");
    m.shared.push_back(*v.getAsNumber());
  }
  for (const json::Value &v : *tops) {
    const json::Array *entry = v.getAsArray();
    if (!entry || entry->size() != 3 || !(*entry)[0].getAsInteger() ||
        !(*entry)[1].getAsInteger() || !(*entry)[2].getAsNumber())
      return refuse("model.integers_at: expected [weight bits, input bits, "
                    "top-1]");
    m.integersAt[{*(*entry)[0].getAsInteger(), *(*entry)[1].getAsInteger()}] =
        *(*entry)[2].getAsNumber();
  }
  for (auto [i, item] : llvm::enumerate(*fitted)) {
    const json::Object *object = item.getAsObject();
    if (!object)
      return refuse("model.fitted[" + Twine(i) + "]: expected an object");
    Fields d{object, "model.fitted[" + std::to_string(i) + "]", problem};
    SimulatedDesign design;
    d.get("design", design.text);
    d.get("noise", design.noise);

    d.get("top1", design.top1);
    d.get("deviation", design.deviation);
    d.get("trials", design.trials);
    d.get("from_others", design.fromOthers);
    if (!problem.empty())
      return refuse(problem);
    m.fitted.push_back(std::move(design));
  }
  if (const json::Value *value = top->get("device")) {
    const json::Object *object = value->getAsObject();
    if (!object)
      return refuse("model.device: expected an object");
    Fields d{object, "model.device", problem};
    std::string deviceName;
    d.get("name", deviceName);
    d.get("text", m.deviceText);
    d.get("time_s", m.timeS);
    if (!problem.empty())
      return refuse(problem);
    Expected<crossbar::Device> device =
        crossbar::parseDevice(m.deviceText, deviceName);
    if (!device)
      return refuse(llvm::toString(device.takeError()));
    m.device = std::move(*device);
  }
  if (const json::Value *value = top->get("correction")) {
    // Rows of numbers; `count` of them each.
    auto numbers = [&](const json::Value &v, size_t count,
                       std::vector<double> &out) {
      const json::Array *list = v.getAsArray();
      if (!list || list->size() != count)
        return false;
      for (const json::Value &n : *list) {
        if (!n.getAsNumber())
          return false;
        out.push_back(*n.getAsNumber());
      }
      return true;
    };
    m.correction.setBlocks(m.placeBlocks());
    // The place and its weight.
    const size_t perCentre =
        1 + std::accumulate(m.correction.blocks.begin(),
                            m.correction.blocks.end(), size_t(0));
    const json::Object *object = value->getAsObject();
    const json::Array *centres = object ? object->getArray("centres") : nullptr;
    m.correction.scales.clear();
    bool good = centres && object->get("scales") &&
                object->getNumber("nugget") &&
                numbers(*object->get("scales"), m.correction.blocks.size(),
                        m.correction.scales);
    if (good) {
      m.correction.nugget = *object->getNumber("nugget");
      for (const json::Value &v : *centres) {
        Kriging::Centre centre;
        good &= numbers(v, perCentre, centre.place);
        if (!good)
          break;
        centre.weight = centre.place.back();
        centre.place.pop_back();
        m.correction.centres.push_back(std::move(centre));
      }
    }
    if (!good)
      return refuse(
          "model.correction: expected scales, nugget and centres of " +
          Twine(perCentre) + " numbers");
  }
  return m;
}

Expected<Model> Model::read(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return llvm::createStringError(buffer.getError(),
                                   "cannot read '" + path +
                                       "': " + buffer.getError().message());
  return parse((*buffer)->getBuffer(), path);
}
