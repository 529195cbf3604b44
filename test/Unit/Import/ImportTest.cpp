//===- ImportTest.cpp - Whole models through the ONNX importer ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/imc/IR/IMC.h"
#include "imc/Import/ONNX.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "gtest/gtest.h"

using namespace mlir;

static std::string modelPath(StringRef name) {
  return (Twine(IMC_SOURCE_DIR) + "/models/" + name).str();
}

namespace {

class ImportTest : public testing::Test {
protected:
  ImportTest() {
    context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
      messages += diagnostic.str() + "\n";
    });
  }

  OwningOpRef<ModuleOp> import(StringRef name,
                               std::vector<std::string> shapes = {}) {
    imc::ONNXImportOptions options;
    for (const std::string &text : shapes)
      options.shapes.push_back(
          llvm::cantFail(imc::parseONNXShapeBinding(text)));
    auto module = imc::importONNX(modelPath(name), &context, options);
    return failed(module) ? OwningOpRef<ModuleOp>() : std::move(*module);
  }

  template <typename Op>
  static int count(ModuleOp module) {
    int n = 0;
    module.walk([&](Op) { ++n; });
    return n;
  }

  MLIRContext context;
  std::string messages;
};

/// A model, its trained parameters, and its products by kind.
struct Expected {
  const char *file;
  int64_t parameters;
  int convs, depthwise, matmuls;
};

class ImportModelTest : public ImportTest,
                        public testing::WithParamInterface<Expected> {};

} // namespace

TEST_P(ImportModelTest, ParametersAndProducts) {
  const Expected &expected = GetParam();
  std::vector<std::string> shapes;
  if (StringRef(expected.file).contains("_N."))
    shapes.push_back("N=4");
  OwningOpRef<ModuleOp> module = import(expected.file, shapes);
  ASSERT_TRUE(module) << messages;
  EXPECT_EQ(messages, "");
  EXPECT_TRUE(succeeded(verify(*module)));
  auto parameters =
      (*module)->getAttrOfType<IntegerAttr>("imc.parameters").getInt();
  EXPECT_EQ(parameters, expected.parameters);
  EXPECT_EQ((*module)->getAttrOfType<StringAttr>("imc.phase").getValue(),
            "imported");
  EXPECT_EQ(count<linalg::Conv2DNchwFchwOp>(*module), expected.convs);
  EXPECT_EQ(count<linalg::DepthwiseConv2DNchwChwOp>(*module),
            expected.depthwise);
  EXPECT_EQ(count<linalg::MatmulOp>(*module), expected.matmuls);
}

// Parameters of the networks as exported (BatchNorm folded into Conv); the
// products are counted in the files.
INSTANTIATE_TEST_SUITE_P(
    Models, ImportModelTest,
    testing::Values(
        Expected{"resnet18.onnx", 11684712, 20, 0, 1},
        Expected{"resnet18_o20.onnx", 11684712, 20, 0, 1},
        Expected{"resnet50.onnx", 25530472, 53, 0, 1},
        Expected{"vgg16.onnx", 138357544, 13, 0, 3},
        Expected{"alexnet.onnx", 61100840, 5, 0, 3},
        Expected{"mobilenet_v3_large.onnx", 5470832, 47, 15, 2},
        Expected{"mobilenet_v3_large_o20.onnx", 5470832, 47, 15, 2},
        Expected{"trained-small/digits_mlp_N.onnx", 17226, 0, 0, 3},
        Expected{"trained-small/digits_cnn_N.onnx", 14378, 3, 0, 1},
        Expected{"trained-small/glyphs_lenet_N.onnx", 84728, 2, 0, 3},
        Expected{"trained-small/glyphs_resnet8.onnx", 79108, 9, 0, 1},
        Expected{"trained-small/glyphs_resnet8_N.onnx", 79108, 9, 0, 1}),
    [](const auto &info) {
      std::string name = info.param.file;
      for (char &c : name)
        if (!std::isalnum(static_cast<unsigned char>(c)))
          c = '_';
      return name;
    });

TEST_F(ImportTest, NamesAndLocations) {
  OwningOpRef<ModuleOp> module = import("resnet18.onnx");
  ASSERT_TRUE(module) << messages;
  EXPECT_EQ(module->getSymName(), "resnet18");
  auto main = module->lookupSymbol<func::FuncOp>("main");
  ASSERT_TRUE(main);
  EXPECT_EQ(main.getArgAttrOfType<StringAttr>(0, "imc.name").getValue(),
            "input");
  EXPECT_EQ(main.getResultAttrOfType<StringAttr>(0, "imc.name").getValue(),
            "logits");
  linalg::Conv2DNchwFchwOp first;
  module->walk([&](linalg::Conv2DNchwFchwOp op) {
    first = op;
    return WalkResult::interrupt();
  });
  auto name = dyn_cast<NameLoc>(first.getLoc());
  ASSERT_TRUE(name);
  EXPECT_EQ(name.getName().getValue(), "/conv1/Conv");
  auto place = dyn_cast<FileLineColLoc>(name.getChildLoc());
  ASSERT_TRUE(place);
  EXPECT_EQ(place.getFilename().getValue(), modelPath("resnet18.onnx"));
  EXPECT_EQ(place.getLine(), 0u);
  // Its weight is known by name and shape only, its bias is stored.
  auto weight = first.getInputs()[1].getDefiningOp<imc::MissingWeightOp>();
  ASSERT_TRUE(weight);
  EXPECT_EQ(weight.getName(), "onnx::Conv_193");
  auto bias = first.getOutputs()[0].getDefiningOp<linalg::BroadcastOp>();
  ASSERT_TRUE(bias);
  EXPECT_TRUE(isa<DenseResourceElementsAttr>(
      bias.getInput().getDefiningOp<arith::ConstantOp>().getValue()));
}

TEST_F(ImportTest, EveryOpBelongsToANode) {
  OwningOpRef<ModuleOp> module = import("mobilenet_v3_large_o20.onnx");
  ASSERT_TRUE(module) << messages;
  // Not inside regions: upstream gives the bodies of named ops no location.
  auto main = module->lookupSymbol<func::FuncOp>("main");
  for (Operation &op : main.getBody().front().without_terminator())
    EXPECT_TRUE(isa<NameLoc>(op.getLoc()));
}

TEST_F(ImportTest, WeightOfGemmIsTransposedAtImport) {
  OwningOpRef<ModuleOp> module =
      import("trained-small/digits_mlp_N.onnx", {"N=3"});
  ASSERT_TRUE(module) << messages;
  SmallVector<linalg::MatmulOp> products;
  module->walk([&](linalg::MatmulOp op) { products.push_back(op); });
  ASSERT_EQ(products.size(), 3u);
  auto constant = products[0].getInputs()[1].getDefiningOp<arith::ConstantOp>();
  ASSERT_TRUE(constant);
  auto type = cast<RankedTensorType>(constant.getType());
  EXPECT_EQ(type.getShape(), (ArrayRef<int64_t>{64, 128}));
  auto values = cast<DenseResourceElementsAttr>(constant.getValue());
  ASSERT_TRUE(values.getData().data());
  EXPECT_EQ(values.getData().size(), 64u * 128u * 4u);
}

TEST_F(ImportTest, SymbolicBatchMustBeBound) {
  EXPECT_FALSE(import("trained-small/digits_cnn_N.onnx"));
  EXPECT_NE(messages.find("bind it with --shape N=<n>"), std::string::npos)
      << messages;
  messages.clear();
  EXPECT_TRUE(import("trained-small/digits_cnn_N.onnx", {"input=2x1x8x8"}));
  EXPECT_EQ(messages, "");
}

TEST_F(ImportTest, BindingsThatDoNotFitAreRefused) {
  const char *model = "trained-small/digits_cnn_N.onnx";
  EXPECT_FALSE(import(model, {"M=2"}));
  EXPECT_NE(messages.find("binds nothing; the model has input 'input', "
                          "dimension 'N'"),
            std::string::npos)
      << messages;
  messages.clear();
  EXPECT_FALSE(import(model, {"N=2", "input=3x1x8x8"}));
  EXPECT_NE(messages.find("is bound to 2 and to 3"), std::string::npos)
      << messages;
  messages.clear();
  EXPECT_FALSE(import(model, {"input=2x3x8x8"}));
  EXPECT_NE(messages.find("fixed to 1"), std::string::npos) << messages;
  messages.clear();
  EXPECT_FALSE(import(model, {"input=2x64"}));
  EXPECT_NE(messages.find("has 4 dimensions"), std::string::npos) << messages;
}

TEST_F(ImportTest, ShapeTextIsChecked) {
  for (const char *text :
       {"", "=3", "N", "N=", "N=-1", "x=1x", "x=1xax2", "x=1 2"}) {
    auto binding = imc::parseONNXShapeBinding(text);
    EXPECT_FALSE(bool(binding)) << text;
    llvm::consumeError(binding.takeError());
  }
  auto binding = imc::parseONNXShapeBinding("a=b=2x3");
  ASSERT_TRUE(bool(binding));
  EXPECT_EQ(binding->name, "a=b");
  EXPECT_EQ(binding->dims, (SmallVector<int64_t, 4>{2, 3}));
}

TEST_F(ImportTest, UnreadableFiles) {
  EXPECT_FALSE(import("no-such-model.onnx"));
  EXPECT_NE(messages.find("cannot read the model"), std::string::npos);
  messages.clear();
  EXPECT_FALSE(import("README.md"));
  EXPECT_NE(messages.find("not an ONNX model"), std::string::npos) << messages;
}
