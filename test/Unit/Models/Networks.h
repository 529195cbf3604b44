//===- Networks.h - Layer tables of well-known networks ---------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The products of torchvision's networks at 224 x 224, typed from their
// published layer tables: an oracle for counts that does not go through the
// importer. Digital work between products is left out unless asked for.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_MODELS_NETWORKS_H
#define IMC_TEST_UNIT_MODELS_NETWORKS_H

#include "imc/Workload/Workload.h"

#include <algorithm>

namespace imc::test {

/// Builds a network layer by layer, following the feature map.
class NetworkBuilder {
public:
  explicit NetworkBuilder(std::string name, int64_t channels = 3,
                          int64_t size = 224)
      : channels(channels), size(size) {
    network.name = std::move(name);
  }

  /// Square convolution that moves the feature map on.
  void conv(int64_t out, int64_t kernel, int64_t stride, int64_t padding,
            int64_t groups = 1) {
    branch(out, kernel, stride, padding, groups);
    channels = out;
    size = (size + 2 * padding - kernel) / stride + 1;
  }
  /// A convolution beside the main path.
  void branch(int64_t out, int64_t kernel, int64_t stride, int64_t padding,
              int64_t groups = 1) {
    add("conv2d", workload::convolution(1, channels, size, size, out, kernel,
                                        kernel, stride, padding, groups));
  }
  void pool(int64_t kernel, int64_t stride, int64_t padding = 0) {
    size = (size + 2 * padding - kernel) / stride + 1;
  }
  void fc(int64_t in, int64_t out) {
    add("matmul", workload::matmul(1, in, out));
  }
  void digital(int64_t operations) {
    workload::Digital work{operations, operations, operations};
    network.layers.push_back(
        {"digital" + std::to_string(network.layers.size()), "relu", "", work});
  }

  int64_t channels, size;
  workload::Workload network;

private:
  void add(const char *op, const workload::Product &product) {
    network.parameters += product.weight_elements;
    network.layers.push_back(
        {op + std::to_string(network.layers.size()), op, "", product});
  }
};

inline workload::Workload resnet18() {
  NetworkBuilder b("resnet18");
  b.conv(64, 7, 2, 3);
  b.pool(3, 2, 1);
  for (int64_t out : {64, 128, 256, 512})
    for (int block = 0; block < 2; ++block) {
      int64_t stride = block == 0 && out != 64 ? 2 : 1;
      if (stride == 2)
        b.branch(out, 1, 2, 0);
      b.conv(out, 3, stride, 1);
      b.conv(out, 3, 1, 1);
    }
  b.fc(512, 1000);
  return b.network;
}

/// Version 1.5: the stride sits in the 3 x 3 convolution.
inline workload::Workload resnet50() {
  NetworkBuilder b("resnet50");
  b.conv(64, 7, 2, 3);
  b.pool(3, 2, 1);
  int64_t width = 64;
  for (int blocks : {3, 4, 6, 3}) {
    for (int block = 0; block < blocks; ++block) {
      int64_t stride = block == 0 && width != 64 ? 2 : 1;
      if (block == 0)
        b.branch(4 * width, 1, stride, 0);
      b.conv(width, 1, 1, 0);
      b.conv(width, 3, stride, 1);
      b.conv(4 * width, 1, 1, 0);
    }
    width *= 2;
  }
  b.fc(2048, 1000);
  return b.network;
}

inline workload::Workload vgg16() {
  NetworkBuilder b("vgg16");
  int64_t out = 64;
  for (int convs : {2, 2, 3, 3, 3}) {
    for (int i = 0; i < convs; ++i)
      b.conv(out, 3, 1, 1);
    b.pool(2, 2);
    out = std::min<int64_t>(512, 2 * out);
  }
  b.fc(512 * 7 * 7, 4096);
  b.fc(4096, 4096);
  b.fc(4096, 1000);
  return b.network;
}

/// Without groups, as torchvision has it.
inline workload::Workload alexnet() {
  NetworkBuilder b("alexnet");
  b.conv(64, 11, 4, 2);
  b.pool(3, 2);
  b.conv(192, 5, 1, 2);
  b.pool(3, 2);
  b.conv(384, 3, 1, 1);
  b.conv(256, 3, 1, 1);
  b.conv(256, 3, 1, 1);
  b.fc(256 * 6 * 6, 4096);
  b.fc(4096, 4096);
  b.fc(4096, 1000);
  return b.network;
}

inline workload::Workload mobilenetV3Large() {
  struct Block {
    int64_t kernel, expanded, out;
    bool squeeze;
    int64_t stride, squeezed;
  };
  static const Block blocks[] = {
      {3, 16, 16, false, 1, 0},    {3, 64, 24, false, 2, 0},
      {3, 72, 24, false, 1, 0},    {5, 72, 40, true, 2, 24},
      {5, 120, 40, true, 1, 32},   {5, 120, 40, true, 1, 32},
      {3, 240, 80, false, 2, 0},   {3, 200, 80, false, 1, 0},
      {3, 184, 80, false, 1, 0},   {3, 184, 80, false, 1, 0},
      {3, 480, 112, true, 1, 120}, {3, 672, 112, true, 1, 168},
      {5, 672, 160, true, 2, 168}, {5, 960, 160, true, 1, 240},
      {5, 960, 160, true, 1, 240},
  };
  NetworkBuilder b("mobilenet_v3_large");
  b.conv(16, 3, 2, 1);
  for (const Block &block : blocks) {
    if (block.expanded != b.channels)
      b.conv(block.expanded, 1, 1, 0);
    b.conv(block.expanded, block.kernel, block.stride, block.kernel / 2,
           block.expanded);
    if (block.squeeze) {
      b.fc(block.expanded, block.squeezed);
      b.fc(block.squeezed, block.expanded);
    }
    b.conv(block.out, 1, 1, 0);
  }
  b.conv(960, 1, 1, 0);
  b.fc(960, 1280);
  b.fc(1280, 1000);
  return b.network;
}

} // namespace imc::test

#endif // IMC_TEST_UNIT_MODELS_NETWORKS_H
