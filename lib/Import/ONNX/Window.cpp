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

/// Numbers of a window beyond this are damage, and products of two must fit.
static constexpr int64_t kMaxWindowNumber = int64_t(1) << 30;

static LogicalResult readList(Node &node, StringRef name, size_t count,
                              int64_t smallest,
                              SmallVector<int64_t, 4> &values) {
  if (failed(node.attribute(name, values)))
    return failure();
  if (values.size() != count) {
    node.error() << "attribute '" << name << "' has " << values.size()
                 << " values, a 2-D window takes " << count;
    return failure();
  }
  for (int64_t value : values)
    if (value < smallest || value > kMaxWindowNumber) {
      node.error() << "attribute '" << name << "' has the value " << value
                   << ", which must be between " << smallest << " and 2^30";
      return failure();
    }
  return success();
}

FailureOr<Window> readWindow(Node &node, ArrayRef<int64_t> input,
                             ArrayRef<int64_t> kernel, bool pool) {
  if (input.size() != 4) {
    node.error() << "the input has rank " << input.size()
                 << "; only 2-D windows over NxCxHxW are supported";
    return failure();
  }
  SmallVector<int64_t, 4> strides(2, 1), dilations(2, 1), pads(4, 0);
  std::string autoPad = "NOTSET";
  int64_t ceilMode = 0;
  if (failed(readList(node, "strides", 2, 1, strides)) ||
      failed(readList(node, "dilations", 2, 1, dilations)) ||
      failed(readList(node, "pads", 4, 0, pads)) ||
      failed(node.attribute("auto_pad", autoPad)))
    return failure();
  if (pool && failed(node.attribute("ceil_mode", ceilMode)))
    return failure();
  if (autoPad != "NOTSET" && autoPad != "SAME_UPPER" &&
      autoPad != "SAME_LOWER" && autoPad != "VALID") {
    node.error() << "auto_pad '" << autoPad
                 << "' is none of NOTSET, SAME_UPPER, SAME_LOWER, VALID";
    return failure();
  }

  Window window;
  for (int d = 0; d < 2; ++d) {
    WindowDim &dim = window[d];
    dim.in = input[2 + d];
    dim.kernel = kernel[d];
    dim.stride = strides[d];
    dim.dilation = dilations[d];
    if (dim.kernel < 1 || dim.kernel > kMaxWindowNumber) {
      node.error() << "the kernel " << shapeText(kernel)
                   << " has a dimension outside 1 to 2^30";
      return failure();
    }
    if (StringRef(autoPad).starts_with("SAME")) {
      dim.out = (dim.in + dim.stride - 1) / dim.stride;
      int64_t total = std::max<int64_t>(0, (dim.out - 1) * dim.stride +
                                               dim.extent() - dim.in);
      dim.begin = autoPad == "SAME_UPPER" ? total / 2 : total - total / 2;
      dim.end = total - dim.begin;
      continue;
    }
    if (autoPad == "NOTSET") {
      dim.begin = pads[d];
      dim.end = pads[2 + d];
    }
    int64_t room = dim.in + dim.begin + dim.end - dim.extent();
    if (room < 0) {
      node.error() << "the window of " << dim.extent()
                   << " elements does not fit the padded input of "
                   << dim.in + dim.begin + dim.end
                   << "; the input shape is too small for this model";
      return failure();
    }
    if (pool && (dim.begin >= dim.kernel || dim.end >= dim.kernel)) {
      node.error() << "the padding " << std::max(dim.begin, dim.end)
                   << " is not smaller than the kernel " << dim.kernel
                   << ", so a window could lie in the padding alone";
      return failure();
    }
    dim.out = room / dim.stride + 1;
    if (ceilMode != 0 && room % dim.stride != 0 &&
        dim.out * dim.stride < dim.in + dim.begin)
      ++dim.out;
  }
  return window;
}

FailureOr<Value> padWindow(Node &node, Value x, const Window &window,
                           bool needed, float padding) {
  SmallVector<int64_t, 4> low(4, 0), high(4, 0), shape(shapeOf(x));
  for (int d = 0; d < 2; ++d) {
    low[2 + d] = window[d].begin;
    high[2 + d] = needed ? window[d].neededEnd() : window[d].end;
    shape[2 + d] += low[2 + d] + high[2 + d];
  }
  if (failed(node.type(shape)))
    return failure();
  return pad(node.builder, node.loc, x, low, high,
             node.builder.getF32FloatAttr(padding));
}

Attribute stridesOf(Node &node, const Window &window) {
  return node.builder.getI64TensorAttr({window[0].stride, window[1].stride});
}

Attribute dilationsOf(Node &node, const Window &window) {
  return node.builder.getI64TensorAttr(
      {window[0].dilation, window[1].dilation});
}

} // namespace imc::onnximport
