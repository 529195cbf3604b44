//===- Window.cpp - Windows of convolutions and pools -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Window.h"
#include "Build.h"

using namespace mlir;

namespace imc::onnximport {

/// Numbers of a window beyond this are damage, and the product of one with a
/// dimension must fit.
static constexpr int64_t kMaxWindowNumber = int64_t(1) << 28;

LogicalResult readWindowList(Node &node, StringRef name, size_t count,
                             int64_t smallest,
                             SmallVector<int64_t, 4> &values) {
  if (failed(node.attribute(name, values)))
    return failure();
  if (values.size() != count) {
    node.error() << "attribute '" << name << "' has " << values.size()
                 << " values, the window of this input takes " << count;
    return failure();
  }
  for (int64_t value : values)
    if (value < smallest || value > kMaxWindowNumber) {
      node.error() << "attribute '" << name << "' has the value " << value
                   << ", which must be between " << smallest << " and 2^28";
      return failure();
    }
  return success();
}

FailureOr<std::string> readAutoPad(Node &node) {
  std::string autoPad = "NOTSET";
  if (failed(node.attribute("auto_pad", autoPad)))
    return failure();
  if (autoPad != "NOTSET" && autoPad != "SAME_UPPER" &&
      autoPad != "SAME_LOWER" && autoPad != "VALID") {
    node.error() << "auto_pad '" << autoPad
                 << "' is none of NOTSET, SAME_UPPER, SAME_LOWER, VALID";
    return failure();
  }
  return autoPad;
}

LogicalResult checkKernel(Node &node, ArrayRef<int64_t> input,
                          ArrayRef<int64_t> kernel) {
  if (kernel.empty() || input.size() != kernel.size() + 2) {
    node.error() << "the input is " << shapeText(input)
                 << ", which is not NxC and one dimension or more, as many as "
                    "the kernel's "
                 << kernel.size();
    return failure();
  }
  for (int64_t size : kernel)
    if (size < 1 || size > kMaxWindowNumber) {
      node.error() << "the kernel " << shapeText(kernel)
                   << " has a dimension outside 1 to 2^28";
      return failure();
    }
  return success();
}

/// Whether a dilated window steps over all data. Only one that starts in the
/// padding before can, and only if a step is longer than the data.
static bool missesData(const WindowDim &dim) {
  if (dim.in >= dim.dilation)
    return false;
  for (int64_t o = 0; o < dim.out && o * dim.stride < dim.begin; ++o) {
    int64_t before = dim.begin - o * dim.stride;
    int64_t tap = (before + dim.dilation - 1) / dim.dilation;
    if (tap * dim.dilation - before >= dim.in)
      return true;
  }
  return false;
}

FailureOr<Window> readWindow(Node &node, ArrayRef<int64_t> input,
                             ArrayRef<int64_t> kernel, bool pool) {
  if (failed(checkKernel(node, input, kernel)))
    return failure();
  size_t rank = kernel.size();
  SmallVector<int64_t, 4> strides(rank, 1), dilations(rank, 1),
      pads(2 * rank, 0);
  int64_t ceilMode = 0;
  if (failed(readWindowList(node, "strides", rank, 1, strides)) ||
      failed(readWindowList(node, "dilations", rank, 1, dilations)) ||
      failed(readWindowList(node, "pads", 2 * rank, 0, pads)))
    return failure();
  FailureOr<std::string> autoPad = readAutoPad(node);
  if (failed(autoPad) ||
      (pool && failed(node.attribute("ceil_mode", ceilMode))))
    return failure();

  Window window;
  for (size_t d = 0; d < rank; ++d) {
    WindowDim &dim = window.emplace_back();
    dim.in = input[2 + d];
    dim.kernel = kernel[d];
    dim.stride = strides[d];
    dim.dilation = dilations[d];
    if (StringRef(*autoPad).starts_with("SAME")) {
      dim.out = (dim.in + dim.stride - 1) / dim.stride;
      int64_t total = std::max<int64_t>(0, (dim.out - 1) * dim.stride +
                                               dim.extent() - dim.in);
      dim.begin = *autoPad == "SAME_UPPER" ? total / 2 : total - total / 2;
      dim.end = total - dim.begin;
      continue;
    }
    if (*autoPad == "NOTSET") {
      dim.begin = pads[d];
      dim.end = pads[rank + d];
    }
    int64_t room = dim.in + dim.begin + dim.end - dim.extent();
    if (room < 0) {
      node.error() << "the window of " << dim.extent()
                   << " elements does not fit the padded input of "
                   << dim.in + dim.begin + dim.end
                   << "; the input shape is too small for this model";
      return failure();
    }
    if (pool && (dim.begin >= dim.extent() || dim.end >= dim.extent())) {
      node.error() << "the padding " << std::max(dim.begin, dim.end)
                   << " is not smaller than the window's extent "
                   << dim.extent()
                   << ", so that a window could lie in the padding alone";
      return failure();
    }
    dim.out = room / dim.stride + 1;
    // VALID has no padding to reach into: the formula of ceil_mode gives the
    // same as without it.
    if (ceilMode != 0 && *autoPad == "NOTSET" && room % dim.stride != 0 &&
        dim.out * dim.stride < dim.in + dim.begin)
      ++dim.out;
    if (pool && missesData(dim)) {
      node.error() << "with dilation " << dim.dilation << " and padding "
                   << dim.begin << " a window steps over all " << dim.in
                   << " elements of the input, and its result is not defined";
      return failure();
    }
  }
  return window;
}

FailureOr<Value> padWindow(Node &node, Value x, const Window &window,
                           bool needed, TypedAttr padding) {
  SmallVector<int64_t, 4> shape(shapeOf(x));
  SmallVector<int64_t, 4> low(shape.size(), 0), high(shape.size(), 0);
  for (auto [d, dim] : llvm::enumerate(window)) {
    low[2 + d] = dim.begin;
    high[2 + d] = needed ? dim.neededEnd() : dim.end;
    shape[2 + d] += low[2 + d] + high[2 + d];
  }
  if (failed(node.type(shape)))
    return failure();
  return pad(node.builder, node.loc, x, low, high, padding);
}

Attribute stridesOf(Node &node, const Window &window) {
  SmallVector<int64_t, 3> strides;
  for (const WindowDim &dim : window)
    strides.push_back(dim.stride);
  return node.builder.getI64TensorAttr(strides);
}

Attribute dilationsOf(Node &node, const Window &window) {
  SmallVector<int64_t, 3> dilations;
  for (const WindowDim &dim : window)
    dilations.push_back(dim.dilation);
  return node.builder.getI64TensorAttr(dilations);
}

} // namespace imc::onnximport
