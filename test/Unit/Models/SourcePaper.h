//===- SourcePaper.h - Layer lists of arXiv:2603.03880 ----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The networks that the source paper prices beside the four of Networks.h,
// rebuilt until layers, weights and multiply-accumulates equal the published
// sums. They are not the networks of the same name: ResNet-50 is the largest
// subnet of a once-for-all supernet, and each attention product stands as one
// product with stored weights whose vectors are the heads and whose rows are
// the tokens.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_MODELS_SOURCEPAPER_H
#define IMC_TEST_UNIT_MODELS_SOURCEPAPER_H

#include "Networks.h"

#include <utility>

namespace imc::test {

/// Stem of three 3 x 3 convolutions, 4 + 4 + 6 + 4 bottlenecks, shortcuts of
/// pooling and a 1 x 1 convolution.
inline workload::Workload paperResnet50() {
  NetworkBuilder b("ResNet50");
  b.conv(32, 3, 2, 1);
  b.conv(32, 3, 1, 1);
  b.conv(64, 3, 1, 1);
  b.pool(3, 2, 1);
  struct Stage {
    int64_t blocks, middle, out, stride;
  };
  for (const Stage &s : {Stage{4, 88, 256, 1}, Stage{4, 176, 512, 2},
                         Stage{6, 360, 1024, 2}, Stage{4, 720, 2048, 2}})
    for (int64_t block = 0; block < s.blocks; ++block) {
      int64_t stride = block == 0 ? s.stride : 1;
      if (block == 0)
        b.branch(s.out, 1, stride, 0);
      b.conv(s.middle, 1, 1, 0);
      b.conv(s.middle, 3, stride, 1);
      b.conv(s.out, 1, 1, 0);
    }
  b.fc(2048, 1000);
  return b.network;
}

inline workload::Workload densenet201() {
  NetworkBuilder b("DenseNet201");
  b.conv(64, 7, 2, 3);
  b.pool(3, 2, 1);
  int64_t channels = 64;
  for (int64_t layers : {6, 12, 48, 32}) {
    for (int64_t i = 0; i < layers; ++i) {
      b.channels = channels;
      b.conv(128, 1, 1, 0);
      b.conv(32, 3, 1, 1);
      channels += 32;
    }
    if (layers == 32)
      break;
    b.channels = channels;
    channels /= 2;
    b.conv(channels, 1, 1, 0);
    b.pool(2, 2);
  }
  b.fc(channels, 1000);
  return b.network;
}

/// A transformer of products with stored weights.
class TransformerBuilder {
public:
  TransformerBuilder(std::string name, int64_t tokens) : tokens(tokens) {
    network.name = std::move(name);
  }
  /// Every token times a matrix.
  void dense(int64_t in, int64_t out) { add(tokens, in, out); }
  /// Scores and weighted sum of all heads, as the paper has them.
  void attention(int64_t heads, int64_t headSize) {
    add(heads, tokens, tokens);
    add(heads, tokens, headSize);
  }
  void add(int64_t windows, int64_t rows, int64_t cols) {
    workload::Product product = workload::matmul(windows, rows, cols);
    network.parameters += product.weight_elements;
    network.layers.push_back({"matmul" + std::to_string(network.layers.size()),
                              "matmul", "", product});
  }
  int64_t tokens;
  workload::Workload network;
};

inline workload::Workload paperVit() {
  TransformerBuilder b("ViT", 197);
  b.network.layers.push_back(
      {"patches", "conv2d", "",
       workload::convolution(1, 3, 224, 224, 768, 16, 16, 16, 0)});
  for (int block = 0; block < 12; ++block) {
    for (int i = 0; i < 3; ++i)
      b.dense(768, 768);
    b.attention(12, 64);
    b.dense(768, 768);
    b.dense(768, 3072);
    b.dense(3072, 768);
  }
  b.add(1, 768, 1000);
  return b.network;
}

inline workload::Workload paperGpt2Medium() {
  TransformerBuilder b("GPT-2 medium", 256);
  for (int block = 0; block < 24; ++block) {
    b.dense(1024, 3072);
    b.attention(16, 64);
    b.dense(1024, 1024);
    b.dense(1024, 4096);
    b.dense(4096, 1024);
  }
  b.dense(1024, 50257);
  return b.network;
}

inline workload::Workload paperMobilebert() {
  TransformerBuilder b("MobileBERT", 139);
  b.dense(384, 512);
  for (int block = 0; block < 24; ++block) {
    b.dense(512, 128); // into the bottleneck, twice
    b.dense(512, 128);
    b.dense(128, 128);
    b.dense(128, 128);
    b.dense(512, 128);
    b.attention(4, 32);
    b.dense(128, 128);
    for (int i = 0; i < 4; ++i) {
      b.dense(128, 512);
      b.dense(512, 128);
    }
    b.dense(128, 512);
  }
  return b.network;
}

} // namespace imc::test

#endif // IMC_TEST_UNIT_MODELS_SOURCEPAPER_H
