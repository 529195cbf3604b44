//===- WorkloadTest.cpp - Models as tables of work
//--------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/Unit/Models/Networks.h"

#include <gtest/gtest.h>

using namespace imc;
using namespace imc::workload;

TEST(Workload, Convolution) {
  // ResNet-18's first layer: 7 x 7, stride 2, padding 3 on 3 x 224 x 224.
  Product p = convolution(1, 3, 224, 224, 64, 7, 7, 2, 3);
  EXPECT_EQ(p.windows, 112 * 112);
  EXPECT_EQ(p.rows, 147);
  EXPECT_EQ(p.cols, 64);
  EXPECT_EQ(p.macs(), 118013952);
  EXPECT_EQ(p.input_elements, 3 * 224 * 224);
  EXPECT_EQ(p.output_elements, 64 * 112 * 112);
  EXPECT_EQ(p.weight_elements, 9408);
  // Depthwise: one row block per channel.
  p = convolution(2, 32, 10, 10, 32, 3, 3, 1, 1, 32);
  EXPECT_EQ(p.windows, 200);
  EXPECT_EQ(p.rows, 9);
  EXPECT_EQ(p.cols, 1);
  EXPECT_EQ(p.groups, 32);
  EXPECT_EQ(p.weight_elements, 288);
  EXPECT_EQ(p.macs(), 57600);
}

TEST(Workload, MacsOfAllKinds) {
  Workload w{"mixed", 0, {}};
  w.layers.push_back({"a", "matmul", "", matmul(2, 3, 5)});
  w.layers.push_back({"b", "relu", "", Digital{100, 10, 10}});
  w.layers.push_back({"c", "batch_matmul", "", DynamicProduct{7, 1, 1}});
  EXPECT_EQ(w.macs(), 37);
  EXPECT_EQ(w.layers[1].macs(), 0);
  EXPECT_EQ(w.layers[0].digital(), nullptr);
  EXPECT_NE(w.layers[2].dynamicProduct(), nullptr);
  EXPECT_FALSE(bool(check(w)));
}

TEST(Workload, EdgesComeFromLayers) {
  Workload w{"edges", 0, {}};
  w.layers.push_back({"a", "matmul", "", matmul(2, 3, 5)});
  w.layers.push_back({"b", "batch_matmul", "", DynamicProduct{7, 1, 1}});
  w.layers[0].inputs = {Layer::modelInput};
  w.layers[1].inputs = {Layer::modelInput, 0};
  w.layers[1].right_inputs = {0};
  EXPECT_FALSE(bool(check(w)));
  EXPECT_EQ(batched(w, 3).layers[1].inputs, w.layers[1].inputs);
  EXPECT_EQ(batched(w, 3).layers[1].right_inputs, w.layers[1].right_inputs);
  auto complains = [&](std::vector<int64_t> inputs,
                       std::vector<int64_t> right) {
    Workload broken = w;
    broken.layers[1].inputs = std::move(inputs);
    broken.layers[1].right_inputs = std::move(right);
    std::string message = llvm::toString(check(broken));
    EXPECT_NE(message.find("layer 'b'"), std::string::npos) << message;
    return message.find("inputs must") != std::string::npos;
  };
  EXPECT_TRUE(complains({2}, {}));
  EXPECT_TRUE(complains({-2}, {}));
  EXPECT_TRUE(complains({0, 0}, {}));
  EXPECT_TRUE(complains({0, -1}, {}));
  EXPECT_NE(llvm::toString([&] {
              Workload broken = w;
              broken.layers[1].right_inputs = {1};
              return check(broken);
            }())
                .find("among the inputs"),
            std::string::npos);
}

TEST(Workload, KnownNetworksPass) {
  for (const Workload &w : {test::resnet18(), test::resnet50(), test::vgg16(),
                            test::alexnet(), test::mobilenetV3Large()})
    EXPECT_FALSE(bool(check(w))) << w.name;
}

TEST(Workload, Batch) {
  Workload one = test::mobilenetV3Large(), four = batched(one, 4);
  EXPECT_EQ(four.batch, 4);
  EXPECT_EQ(four.macs(), one.macs());
  EXPECT_EQ(four.parameters, one.parameters);
  for (size_t i = 0; i < one.layers.size(); ++i) {
    EXPECT_EQ(four.layers[i].macs(), 4 * one.layers[i].macs());
    EXPECT_EQ(four.layers[i].product()->weight_elements,
              one.layers[i].product()->weight_elements);
  }
  EXPECT_FALSE(bool(check(four)));
  EXPECT_EQ(batched(four, 2).batch, 8);
}

TEST(Workload, Refusals) {
  struct Case {
    const char *message;
    void (*damage)(Layer &);
  };
  const Case cases[] = {
      {"must be positive",
       [](Layer &l) { std::get<Product>(l.work).windows = 0; }},
      {"must be positive",
       [](Layer &l) { std::get<Product>(l.work).rows = -1; }},
      {"must be positive",
       [](Layer &l) { std::get<Product>(l.work).groups = 0; }},
      {"more than 2^53",
       [](Layer &l) { std::get<Product>(l.work).windows = int64_t(1) << 52; }},
      {"more than 2^53",
       [](Layer &l) { std::get<Product>(l.work).rows = int64_t(1) << 62; }},
      {"weight_elements",
       [](Layer &l) { std::get<Product>(l.work).weight_elements += 1; }},
      {"multiple of output_width",
       [](Layer &l) { std::get<Product>(l.work).output_width = 3; }},
      {"multiple of output_width",
       [](Layer &l) { std::get<Product>(l.work).output_width = 0; }},
      {"multiple of kernel_width",
       [](Layer &l) { std::get<Product>(l.work).kernel_width = 2; }},
      {"multiple of kernel_width",
       [](Layer &l) { std::get<Product>(l.work).kernel_width = 0; }},
      {"element counts",
       [](Layer &l) { std::get<Product>(l.work).input_elements = -1; }},
      {"digital work", [](Layer &l) { l.work = Digital{-1, 0, 0}; }},
      {"digital work",
       [](Layer &l) { l.work = Digital{0, int64_t(1) << 54, 0}; }},
      {"dynamic product", [](Layer &l) { l.work = DynamicProduct{1, 1, -1}; }},
      {"dynamic product",
       [](Layer &l) { l.work = DynamicProduct{INT64_MAX, 1, 1}; }},
  };
  for (const Case &c : cases) {
    Workload w{"net", 0, {{"fc", "matmul", "", matmul(4, 30, 20)}}};
    ASSERT_FALSE(bool(check(w)));
    c.damage(w.layers[0]);
    llvm::Error error = check(w);
    ASSERT_TRUE(bool(error)) << c.message;
    std::string message = llvm::toString(std::move(error));
    EXPECT_NE(message.find(c.message), std::string::npos) << message;
    EXPECT_NE(message.find("model 'net', layer 'fc' (matmul)"),
              std::string::npos)
        << message;
  }
}
