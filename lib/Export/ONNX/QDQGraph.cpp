//===- QDQGraph.cpp - Puts quantization into an ONNX graph ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "QDQGraph.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include <cmath>
#include <cstring>
#include <functional>
#include <optional>

using namespace imc::onnxexport;
using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

static_assert(
#if defined(__BYTE_ORDER__)
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
#else
    true,
#endif
    "raw data of ONNX is little endian");

/// Versions at which QuantizeLinear and what stands beside it mean what the
/// export writes.
static constexpr int64_t firstOpset = 10, clipOpset = 11, axisOpset = 13,
                         int4Opset = 21, int16Opset = 21;
/// Of the file format, that opset 21 came with.
static constexpr int64_t int16Format = 10;

static llvm::Error refuse(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static bool isDefaultDomain(StringRef domain) {
  return domain.empty() || domain == "ai.onnx";
}

/// Calls `see` for every node of a graph and of the graphs inside its nodes.
static void
forEachNode(const onnx::GraphProto &graph,
            const std::function<void(const onnx::NodeProto &)> &see) {
  for (const onnx::NodeProto &node : graph.node()) {
    see(node);
    for (const onnx::AttributeProto &attribute : node.attribute()) {
      if (attribute.has_g())
        forEachNode(attribute.g(), see);
      for (const onnx::GraphProto &inner : attribute.graphs())
        forEachNode(inner, see);
    }
  }
}

static const onnx::AttributeProto *find(const onnx::NodeProto &node,
                                        StringRef name) {
  for (const onnx::AttributeProto &attribute : node.attribute())
    if (attribute.name() == name)
      return &attribute;
  return nullptr;
}

static std::string describe(const Product &product,
                            const onnx::NodeProto &node) {
  return "node '" + product.name + "' (" + node.op_type() + ")";
}

template <typename T>
static std::string bytesOf(ArrayRef<T> values) {
  return std::string(reinterpret_cast<const char *>(values.data()),
                     values.size() * sizeof(T));
}

/// Two values of 4 bits per byte, the first in the low half.
static std::string packed(ArrayRef<int16_t> values) {
  std::string bytes((values.size() + 1) / 2, '\0');
  for (size_t i = 0; i < values.size(); ++i)
    bytes[i / 2] = static_cast<char>(
        static_cast<unsigned char>(bytes[i / 2]) |
        ((static_cast<unsigned char>(values[i]) & 15u) << (i % 2 ? 4 : 0)));
  return bytes;
}

/// As elements of INT4, INT8 or INT16.
static std::string integersOf(int type, ArrayRef<int16_t> values) {
  if (type == onnx::TensorProto::INT4)
    return packed(values);
  if (type == onnx::TensorProto::INT16)
    return bytesOf(values);
  return bytesOf(
      ArrayRef<int8_t>(std::vector<int8_t>(values.begin(), values.end())));
}

QDQGraph::QDQGraph(onnx::ModelProto &model)
    : model(model), graph(*model.mutable_graph()) {
  for (const onnx::OperatorSetIdProto &entry : model.opset_import())
    if (isDefaultDomain(entry.domain()))
      opset = entry.version();
  auto take = [&](const std::string &name) {
    if (!name.empty())
      names.insert(name);
  };
  forEachNode(graph, [&](const onnx::NodeProto &node) {
    take(node.name());
    for (const std::string &name : node.input())
      take(name);
    for (const std::string &name : node.output())
      take(name);
  });
  for (const onnx::TensorProto &tensor : graph.initializer()) {
    take(tensor.name());
    tensors[tensor.name()] = &tensor;
  }
  for (const onnx::ValueInfoProto &input : graph.input())
    take(input.name());
  for (int i = 0; i < graph.node_size(); ++i)
    for (const std::string &output : graph.node(i).output())
      producer[output] = i;
}

/// Ops whose inputs, attributes or defaults another version changed between
/// opset 10 and 13; a node of them cannot be taken over as it is.
static bool changesUpTo13(StringRef op) {
  static constexpr StringRef changed[] = {"Pad",
                                          "Clip",
                                          "Resize",
                                          "Upsample",
                                          "Scatter",
                                          "Dropout",
                                          "Softmax",
                                          "Hardmax",
                                          "LogSoftmax",
                                          "Squeeze",
                                          "Unsqueeze",
                                          "Split",
                                          "ReduceSum",
                                          "Loop",
                                          "If",
                                          "Scan",
                                          "NonMaxSuppression"};
  return llvm::is_contained(changed, op);
}

/// Ops whose operands or defaults change between opsets 13 and 21.
static bool changesUpTo21(StringRef op) {
  static constexpr StringRef changed[] = {"BatchNormalization",
                                          "GroupNormalization",
                                          "ReduceMax",
                                          "ReduceMean",
                                          "ReduceMin",
                                          "ReduceProd",
                                          "ReduceL1",
                                          "ReduceL2",
                                          "ReduceLogSum",
                                          "ReduceLogSumExp",
                                          "ReduceSumSquare",
                                          "Split",
                                          "Resize",
                                          "Upsample",
                                          "GridSample",
                                          "DFT"};
  return llvm::is_contained(changed, op);
}

llvm::Error QDQGraph::prepare(ArrayRef<Product> products,
                              std::vector<std::string> &notes) {
  int64_t needed = firstOpset;
  std::string why = "QuantizeLinear";
  for (const Product &product : products) {
    if (product.inputBits < 8 && needed < clipOpset)
      needed = clipOpset, why = "inputs of fewer than 8 bits";
    if (!llvm::all_equal(product.weightScale) && needed < axisOpset)
      needed = axisOpset, why = "one weight scale per channel";
    if ((product.inputBits > 8 || product.weightBits > 8) &&
        needed < int16Opset)
      needed = int16Opset, why = "operands of more than 8 bits";
  }
  if (opset >= needed)
    return llvm::Error::success();
  if (opset < firstOpset)
    return refuse("the model has opset " + Twine(opset) + ", and " + why +
                  " needs " + Twine(needed) +
                  "; convert it to opset 13 or later first");
  std::string stuck;
  forEachNode(graph, [&](const onnx::NodeProto &node) {
    if (stuck.empty() && isDefaultDomain(node.domain()) &&
        ((opset < axisOpset && changesUpTo13(node.op_type())) ||
         (needed > axisOpset && changesUpTo21(node.op_type()))))
      stuck = "node '" + node.name() + "' (" + node.op_type() + ")";
  });
  if (stuck.empty() && model.functions_size())
    stuck = "a local function";
  if (!stuck.empty())
    return refuse("the model has opset " + Twine(opset) + ", " + why +
                  " needs " + Twine(needed) + ", and " + stuck +
                  " would mean something else there; convert the model to "
                  "opset " +
                  Twine(std::max(needed, axisOpset)) +
                  " or later first, or quantize " +
                  (needed > axisOpset ? "to at most 8 bits"
                                      : "weights per tensor and inputs to 8 "
                                        "bits"));
  for (onnx::OperatorSetIdProto &entry : *model.mutable_opset_import())
    if (isDefaultDomain(entry.domain()))
      entry.set_version(needed);
  notes.push_back("opset raised from " + std::to_string(opset) + " to " +
                  std::to_string(needed) + " for " + why);
  if (needed >= int16Opset && model.ir_version() < int16Format)
    model.set_ir_version(int16Format);
  opset = needed;
  return llvm::Error::success();
}

std::string QDQGraph::unique(std::string name) {
  std::string result = name;
  for (int i = 1; !names.insert(result).second; ++i)
    result = name + "_" + std::to_string(i);
  return result;
}

onnx::NodeProto &QDQGraph::add(int64_t before, StringRef op,
                               std::vector<std::string> inputs,
                               std::string output) {
  onnx::NodeProto &node = inserted[before].emplace_back();
  node.set_op_type(op.str());
  node.set_name(unique(output + "_node"));
  for (std::string &input : inputs)
    node.add_input(std::move(input));
  node.add_output(std::move(output));
  return node;
}

std::string QDQGraph::constant(const std::string &name, int type,
                               ArrayRef<int64_t> dims, std::string bytes) {
  onnx::TensorProto *tensor = graph.add_initializer();
  tensor->set_name(unique(name));
  tensor->set_data_type(type);
  for (int64_t dim : dims)
    tensor->add_dims(dim);
  tensor->set_raw_data(std::move(bytes));
  return tensor->name();
}

std::string QDQGraph::roundedInput(const Product &p, const std::string &input) {
  std::string &result = rounded[{input, p.scale, p.zeroPoint, p.inputBits}];
  if (!result.empty())
    return result;
  const bool nibbles = p.inputBits == 4 && opset >= int4Opset;
  const std::string scale = constant(input + "_scale", onnx::TensorProto::FLOAT,
                                     {}, bytesOf(ArrayRef(p.scale)));
  const bool wide = p.inputBits > 8;
  const int type = wide      ? onnx::TensorProto::UINT16
                   : nibbles ? onnx::TensorProto::UINT4
                             : onnx::TensorProto::UINT8;
  const std::string zeroPoint =
      constant(input + "_zero_point", type, {},
               wide ? bytesOf(ArrayRef(static_cast<uint16_t>(p.zeroPoint)))
                    : std::string(1, static_cast<char>(p.zeroPoint)));
  std::string x = input;
  if (p.inputBits < (wide ? 16 : 8) && !nibbles) {
    // The outermost codes; their quotients by the scale round to them again.
    const float top = static_cast<float>((1 << p.inputBits) - 1);
    const float zero = static_cast<float>(p.zeroPoint);
    const float lo = (0.0f - zero) * p.scale, hi = (top - zero) * p.scale;
    std::string clipped = unique(input + "_clipped");
    add(p.node, "Clip",
        {x,
         constant(input + "_lowest", onnx::TensorProto::FLOAT, {},
                  bytesOf(ArrayRef(lo))),
         constant(input + "_highest", onnx::TensorProto::FLOAT, {},
                  bytesOf(ArrayRef(hi)))},
        clipped);
    x = clipped;
  }
  std::string codes = unique(input + "_quantized");
  add(p.node, "QuantizeLinear", {x, scale, zeroPoint}, codes);
  result = unique(input + "_dequantized");
  add(p.node, "DequantizeLinear", {codes, scale, zeroPoint}, result);
  return result;
}

std::string QDQGraph::dequantizedWeight(const Product &p,
                                        const std::string &weight,
                                        ArrayRef<int64_t> dims, int64_t axis,
                                        bool transposed) {
  auto &[result, first] = weights[{weight, p.channelFirst || transposed}];
  // A stored matrix that two nodes use with other bits is stored twice.
  if (!result.empty() && first->weights == p.weights &&
      first->weightScale == p.weightScale)
    return result;
  first = &p;
  std::vector<int16_t> values = p.weights;
  if (transposed) {
    const int64_t rows = p.shape[0], cols = p.shape[1];
    for (int64_t n = 0; n < cols; ++n)
      for (int64_t k = 0; k < rows; ++k)
        values[n * rows + k] = p.weights[k * cols + n];
  }
  const bool nibbles = p.weightBits <= 4 && opset >= int4Opset;
  const int type = p.weightBits > 8 ? onnx::TensorProto::INT16
                   : nibbles        ? onnx::TensorProto::INT4
                                    : onnx::TensorProto::INT8;
  const bool perTensor = llvm::all_equal(p.weightScale);
  ArrayRef<float> scales(p.weightScale);
  std::vector<int64_t> scaleDims;
  if (perTensor)
    scales = scales.take_front(1);
  else
    scaleDims.push_back(static_cast<int64_t>(scales.size()));
  const std::vector<int16_t> zeros(scales.size());
  const std::string stored =
      constant(weight + "_quantized", type, dims, integersOf(type, values));
  const std::string scale = constant(
      weight + "_scale", onnx::TensorProto::FLOAT, scaleDims, bytesOf(scales));
  const std::string zeroPoint = constant(weight + "_zero_point", type,
                                         scaleDims, integersOf(type, zeros));
  result = unique(weight + "_dequantized");
  onnx::NodeProto &node =
      add(p.node, "DequantizeLinear", {stored, scale, zeroPoint}, result);
  if (!perTensor) {
    onnx::AttributeProto *attribute = node.add_attribute();
    attribute->set_name("axis");
    attribute->set_type(onnx::AttributeProto::INT);
    attribute->set_i(axis);
  }
  return result;
}

const onnx::TensorProto *QDQGraph::stored(const std::string &name) const {
  if (auto found = tensors.find(name); found != tensors.end())
    return found->second;
  auto made = producer.find(name);
  if (made == producer.end())
    return nullptr;
  const onnx::NodeProto &node = graph.node(made->second);
  if (node.op_type() == "Identity" && isDefaultDomain(node.domain()))
    return stored(node.input(0));
  const onnx::AttributeProto *value =
      node.op_type() == "Constant" ? find(node, "value") : nullptr;
  return value ? &value->t() : nullptr;
}

/// The elements of a stored tensor when it is FLOAT and not in another file.
static std::optional<std::vector<float>>
floats(const onnx::TensorProto *tensor) {
  if (!tensor || tensor->data_type() != onnx::TensorProto::FLOAT ||
      tensor->data_location() == onnx::TensorProto::EXTERNAL)
    return std::nullopt;
  if (!tensor->has_raw_data())
    return std::vector<float>(tensor->float_data().begin(),
                              tensor->float_data().end());
  std::vector<float> values(tensor->raw_data().size() / sizeof(float));
  std::memcpy(values.data(), tensor->raw_data().data(),
              values.size() * sizeof(float));
  return values;
}

/// That the integers are those of this weight: no rounding moves a value by
/// more than half a step, other than into the ends of the range.
llvm::Error QDQGraph::checkWeight(const Product &p, const onnx::NodeProto &node,
                                  const std::string &weight, bool transposed) {
  const onnx::TensorProto *tensor = stored(weight);
  if (!tensor || tensor->data_location() == onnx::TensorProto::EXTERNAL)
    return llvm::Error::success();
  std::optional<std::vector<float>> known = floats(tensor);
  if (!known || known->size() != p.weights.size())
    return refuse(describe(p, node) + ": weight '" + weight +
                  "' does not have the elements of its shape");
  const std::vector<float> &values = *known;
  const float alpha = [&] {
    const onnx::AttributeProto *attribute = find(node, "alpha");
    return attribute && node.op_type() == "Gemm" ? attribute->f() : 1.0f;
  }();
  const int top = (1 << (p.weightBits - 1)) - 1;
  const int64_t inner =
      p.channelFirst ? p.weights.size() / p.weightScale.size() : p.shape[1];
  for (size_t i = 0; i < p.weights.size(); ++i) {
    const int64_t row = i / inner, column = i % inner;
    const size_t at = transposed ? column * p.shape[0] + row : i;
    const float scale = p.weightScale[p.channelFirst ? row : column];
    const float real = alpha * values[at];
    const int code = p.weights[i];
    if (std::abs(code) == top && code * real >= 0)
      continue;
    // The product is off by half a unit in its last place.
    const float slack = 0.5001f + 1e-6f * static_cast<float>(std::abs(code));
    if (std::fabs(real - code * scale) > slack * scale)
      return refuse(describe(p, node) +
                    ": the integers of the compiled model "
                    "are not those of weight '" +
                    weight +
                    "'; export the model that was compiled, unchanged");
  }
  return llvm::Error::success();
}

llvm::Error QDQGraph::setBias(const Product &p, onnx::NodeProto &node) {
  if (p.bias.empty())
    return llvm::Error::success();
  const bool hasBias = node.input_size() > 2 && !node.input(2).empty();
  onnx::AttributeProto *beta = nullptr;
  for (onnx::AttributeProto &attribute : *node.mutable_attribute())
    if (node.op_type() == "Gemm" && attribute.name() == "beta")
      beta = &attribute;
  std::vector<float> known(p.bias.size());
  if (hasBias) {
    std::optional<std::vector<float>> values = floats(stored(node.input(2)));
    if (!values || (values->size() != known.size() && values->size() != 1)) {
      // A bias of another form is no part of the product: it stays, and the
      // product's own is zero unless it was corrected.
      if (llvm::all_of(p.bias, [](float b) { return b == 0; }))
        return llvm::Error::success();
      return refuse(describe(p, node) + ": bias '" + node.input(2) +
                    "' has no value per channel, so that its correction cannot "
                    "be written; leave --bias-correction out");
    }
    for (size_t n = 0; n < known.size(); ++n)
      known[n] =
          (*values)[values->size() == 1 ? 0 : n] * (beta ? beta->f() : 1.0f);
  }
  if (known == p.bias)
    return llvm::Error::success();
  const auto channels = static_cast<int64_t>(p.bias.size());
  const std::string base = hasBias ? node.input(2) : node.output(0) + "_bias";
  const std::string bias =
      constant(base + "_corrected", onnx::TensorProto::FLOAT, {channels},
               bytesOf(ArrayRef(p.bias)));
  if (node.op_type() == "MatMul") {
    const std::string result = node.output(0);
    const std::string sums = unique(result + "_uncorrected");
    node.set_output(0, sums);
    add(p.node + 1, "Add", {sums, bias}, result);
    return llvm::Error::success();
  }
  if (beta)
    beta->set_f(1.0f);
  if (hasBias)
    replaced.insert(node.input(2));
  while (node.input_size() < 3)
    node.add_input("");
  node.set_input(2, bias);
  return llvm::Error::success();
}

llvm::Error QDQGraph::quantize(const Product &p) {
  if (p.node < 0 || p.node >= graph.node_size())
    return refuse("product '" + p.name +
                  "' has no node in the graph (it comes from a local function "
                  "or a graph inside a node); inline it first");
  onnx::NodeProto &node = *graph.mutable_node(static_cast<int>(p.node));
  const std::string here = describe(p, node);
  const StringRef op = node.op_type();
  if (!isDefaultDomain(node.domain()) ||
      !(op == "Conv" || op == "Gemm" || op == "MatMul"))
    return refuse(here + ": its products cannot stand between QuantizeLinear "
                         "and DequantizeLinear; only Conv, Gemm and MatMul "
                         "with a stored weight can");
  const std::string &name = node.name().empty() ? node.output(0) : node.name();
  if (p.name != name && !StringRef(p.name).starts_with(name + "@"))
    return refuse(here + ": node " + Twine(p.node) + " of the model is '" +
                  name +
                  "', another one; products of local functions and inner "
                  "graphs cannot be exported: inline them first");
  const std::string input = node.input(0), weight = node.input(1);
  const onnx::TensorProto *tensor = stored(weight);
  if (!tensor)
    return refuse(here + ": its weight '" + weight +
                  "' is no initializer; fold the constants of the model "
                  "first, and put the activation on the left");
  if (tensor->data_type() != onnx::TensorProto::FLOAT)
    return refuse(here + ": weight '" + weight + "' has the type " +
                  onnx::TensorProto::DataType_Name(
                      onnx::TensorProto::DataType(tensor->data_type())) +
                  "; only FLOAT models can be exported");
  std::vector<int64_t> dims(tensor->dims().begin(), tensor->dims().end());
  int64_t elements = 1;
  for (int64_t dim : dims)
    elements *= dim;
  const onnx::AttributeProto *transB = find(node, "transB");
  const bool transposed = op == "Gemm" && transB && transB->i();
  if (elements != static_cast<int64_t>(p.weights.size()) ||
      (op != "Conv" && dims.size() != 2))
    return refuse(here + ": weight '" + weight + "' has " + Twine(elements) +
                  " elements in " + Twine(dims.size()) +
                  " dimensions, the product of the compiled model " +
                  Twine(p.weights.size()) +
                  "; a node is exported when it is one product with a matrix "
                  "or filter of its own shape");
  if (llvm::Error error = checkWeight(p, node, weight, transposed))
    return error;
  // The factor is in the stored integers.
  if (op == "Gemm")
    for (onnx::AttributeProto &attribute : *node.mutable_attribute())
      if (attribute.name() == "alpha")
        attribute.set_f(1.0f);
  const std::string x = roundedInput(p, input);
  const std::string w = dequantizedWeight(
      p, weight, dims, p.channelFirst || transposed ? 0 : 1, transposed);
  node.set_input(0, x);
  node.set_input(1, w);
  return setBias(p, node);
}

llvm::Error QDQGraph::quantizeRecurrent(const Product &input,
                                        const Product &state,
                                        std::vector<std::string> &notes) {
  const bool known = input.node >= 0 && input.node < graph.node_size();
  onnx::NodeProto *node =
      known ? graph.mutable_node(static_cast<int>(input.node)) : nullptr;
  const StringRef op = node ? StringRef(node->op_type()) : "";
  const Product *const products[] = {&input, &state};
  auto refuseNode = [&](const Twine &why) {
    return refuse("node '" + input.name + "' (" + op + ") is two products, " +
                  why + "; split the node in the model");
  };
  if (!node || !isDefaultDomain(node->domain()) ||
      !(op == "LSTM" || op == "GRU" || op == "RNN"))
    return refuseNode("whose operands have no QuantizeLinear of their own in "
                      "ONNX");
  for (auto [index, p] : llvm::enumerate(products)) {
    const std::string &weight = node->input(static_cast<int>(index) + 1);
    const onnx::TensorProto *tensor = stored(weight);
    if (!tensor || tensor->data_type() != onnx::TensorProto::FLOAT ||
        tensor->dims_size() != 3 || tensor->dims(0) != 1 ||
        tensor->dims(1) != p->shape[1] || tensor->dims(2) != p->shape[0])
      return refuseNode("and weight '" + weight +
                        "' is no FLOAT initializer of one direction with the "
                        "shape of its product");
    if (llvm::Error error = checkWeight(*p, *node, weight, true))
      return error;
  }
  node->set_input(0, roundedInput(input, node->input(0)));
  for (auto [index, p] : llvm::enumerate(products)) {
    const int operand = static_cast<int>(index) + 1;
    const std::string weight = node->input(operand);
    node->set_input(operand,
                    dequantizedWeight(*p, weight, {1, p->shape[1], p->shape[0]},
                                      /*axis=*/1, /*transposed=*/true));
  }
  notes.push_back("node '" + input.name + "' (" + op.str() +
                  "): its state is rounded at every step in imc, which ONNX "
                  "cannot say; there it stays in float");
  return llvm::Error::success();
}

void QDQGraph::finish() {
  google::protobuf::RepeatedPtrField<onnx::NodeProto> nodes;
  for (int i = 0; i <= graph.node_size(); ++i) {
    if (auto found = inserted.find(i); found != inserted.end())
      for (onnx::NodeProto &node : found->second)
        *nodes.Add() = std::move(node);
    if (i < graph.node_size())
      nodes.Add()->Swap(graph.mutable_node(i));
  }
  graph.mutable_node()->Swap(&nodes);

  // Constants of the weights and biases that were replaced, and those alone.
  for (const auto &[key, value] : weights)
    replaced.insert(key.first);
  llvm::StringSet<> used;
  for (bool changed = true; changed;) {
    changed = false;
    used.clear();
    forEachNode(graph, [&](const onnx::NodeProto &node) {
      for (const std::string &input : node.input())
        used.insert(input);
    });
    for (const onnx::ValueInfoProto &output : graph.output())
      used.insert(output.name());
    for (int i = graph.node_size() - 1; i >= 0; --i) {
      const onnx::NodeProto &node = graph.node(i);
      if ((node.op_type() != "Constant" && node.op_type() != "Identity") ||
          !replaced.contains(node.output(0)) || used.contains(node.output(0)))
        continue;
      for (const std::string &input : node.input())
        replaced.insert(input);
      graph.mutable_node()->DeleteSubrange(i, 1);
      changed = true;
    }
  }
  auto isDead = [&](const std::string &name) {
    return replaced.contains(name) && !used.contains(name);
  };
  for (int i = graph.initializer_size() - 1; i >= 0; --i)
    if (isDead(graph.initializer(i).name()))
      graph.mutable_initializer()->DeleteSubrange(i, 1);
  for (int i = graph.input_size() - 1; i >= 0; --i)
    if (isDead(graph.input(i).name()))
      graph.mutable_input()->DeleteSubrange(i, 1);
  // From version 4 on, an initializer need not be an input as well.
  if (model.ir_version() < 4)
    model.set_ir_version(4);
}
