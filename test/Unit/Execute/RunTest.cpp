//===- RunTest.cpp - imc run's logic and calibration ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Run.h"

#include "imc/Execute/Calibrate.h"

#include "dialects/imc/IR/IMC.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace imc::execute;

static Tensor f32(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<float> values) {
  Tensor tensor = Tensor::zeros(ElementType::F32, shape);
  llvm::copy(values, tensor.as<float>().begin());
  return tensor;
}

TEST(Compare, FindsTheLargestDifferencesAndCountsFailures) {
  Difference d = compare(f32({2, 2}, {1.0f, 2.5f, 0.0f, -4.0f}),
                         f32({2, 2}, {1.0f, 2.0f, 0.0f, -4.5f}), 0.12, 0);
  EXPECT_EQ(d.largestAbsolute, 0.5);
  EXPECT_EQ(d.largestRelative, 0.25);
  EXPECT_EQ(d.position, 1);
  EXPECT_EQ(d.failures, 1); // 0.5 > 0.12 · 2, but 0.5 <= 0.12 · 4.5
}

TEST(Compare, NotANumberEqualsOnlyItself) {
  float nan = std::nanf(""), inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(compare(f32({2}, {nan, inf}), f32({2}, {nan, inf}), 0, 0).failures,
            0);
  for (auto [got, want] : {std::pair{nan, 1.0f}, {1.0f, nan}, {inf, -inf}}) {
    Difference d = compare(f32({1}, {got}), f32({1}, {want}), 1e9, 1e9);
    EXPECT_EQ(d.failures, 1) << got << " " << want;
    EXPECT_TRUE(std::isinf(d.largestAbsolute));
  }
}

namespace {
class RunTest : public ::testing::Test {
protected:
  RunTest()
      : handler(&context, [this](mlir::Diagnostic &diagnostic) {
          diagnostics += diagnostic.str() + "\n";
          return mlir::success();
        }) {
    mlir::DialectRegistry registry;
    registerExecutionDialects(registry);
    context.appendDialectRegistry(registry);
    llvm::SmallString<128> path;
    if (!llvm::sys::fs::createUniqueDirectory("imc-run", path))
      folder = path.str().str();
  }
  ~RunTest() override { (void)llvm::sys::fs::remove_directories(folder); }

  /// y = x + [1, 2, 3], as a module with named ports.
  void parseAdd() {
    parse(R"(
      func.func @main(%x: tensor<3xf32> {imc.name = "x"}) -> (tensor<3xf32> {imc.name = "y"}) {
        %c = arith.constant dense<[1., 2., 3.]> : tensor<3xf32>
        %y = arith.addf %x, %c : tensor<3xf32>
        return %y : tensor<3xf32>
      })");
  }
  void parse(llvm::StringRef source) {
    module = mlir::parseSourceString<mlir::ModuleOp>(source, &context);
    ASSERT_TRUE(module) << diagnostics;
  }
  int run(const RunOptions &options) {
    out.clear();
    err.clear();
    llvm::raw_string_ostream outStream(out), errStream(err);
    return runCommand(*module, options, outStream, errStream);
  }
  std::string write(const std::string &name, const Tensor &tensor) {
    std::string path = folder + "/" + name;
    std::string parent = path.substr(0, path.rfind('/'));
    EXPECT_FALSE(llvm::sys::fs::create_directories(parent));
    EXPECT_FALSE(llvm::errorToBool(writeNpyFiles({path}, {tensor})));
    return path;
  }

  mlir::MLIRContext context;
  std::string diagnostics, folder, out, err;
  mlir::ScopedDiagnosticHandler handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};
} // namespace

TEST_F(RunTest, RunsWritesAndCompares) {
  parseAdd();
  write("in/input_0.npy", f32({3}, {10, 20, 30}));
  write("want/output_0.npy", f32({3}, {11, 22, 33}));
  RunOptions options;
  options.inputs = {folder + "/in"};
  options.outputDirectory = folder + "/out/deeper";
  options.compareDirectory = folder + "/want";
  options.relativeTolerance = options.absoluteTolerance = 0;
  EXPECT_EQ(run(options), 0) << err;
  EXPECT_NE(out.find("output_0 'y' 3xf32: largest absolute difference 0"),
            std::string::npos)
      << out;
  auto written = readTensor(folder + "/out/deeper/output_0.npy");
  ASSERT_TRUE(static_cast<bool>(written));
  EXPECT_EQ(written->at(2), 33);

  write("want/output_0.npy", f32({3}, {11, 22.5, 33}));
  EXPECT_EQ(run(options), 1);
  EXPECT_NE(out.find("1 of 3 elements past rtol 0"), std::string::npos) << out;
  EXPECT_NE(out.find("worst at [1]"), std::string::npos) << out;
  EXPECT_NE(err.find("by more than the tolerance"), std::string::npos) << err;
  options.absoluteTolerance = 0.5;
  EXPECT_EQ(run(options), 0) << out;

  options.compareDirectory.clear();
  EXPECT_EQ(run(options), 0);
  EXPECT_EQ(out, "output_0 'y' 3xf32: smallest 11.00 at [0], largest 33.00 at "
                 "[2]\n");
}

TEST_F(RunTest, RefusesByNameWithoutWritingAnything) {
  parseAdd();
  std::string input = write("x.npy", f32({3}, {10, 20, 30}));
  std::string wrong = write("wrong.npy", f32({4}, {}));
  RunOptions options;
  options.outputDirectory = folder + "/out";
  EXPECT_EQ(run(options), 1);
  EXPECT_NE(err.find("no inputs"), std::string::npos) << err;
  options.inputs = {folder + "/absent.npy"};
  EXPECT_EQ(run(options), 1);
  EXPECT_NE(err.find("absent.npy"), std::string::npos) << err;
  options.inputs = {wrong};
  EXPECT_EQ(run(options), 1);
  EXPECT_EQ(err, "error: input 'x' is 4xf32, but the model takes 3xf32\n");
  options.inputs = {input, input};
  EXPECT_EQ(run(options), 1);
  EXPECT_NE(err.find("takes 1 input(s), x (3xf32), but 2 were given"),
            std::string::npos)
      << err;
  options.inputs = {input};
  write("want/output_0.npy", f32({4}, {}));
  options.compareDirectory = folder + "/want";
  EXPECT_EQ(run(options), 1);
  EXPECT_NE(err.find("output_0 is 4xf32, but output 'y' is 3xf32"),
            std::string::npos)
      << err;
  EXPECT_FALSE(llvm::sys::fs::exists(folder + "/out"));
  options.compareDirectory.clear();
  options.outputDirectory = input + "/out"; // below a file
  EXPECT_EQ(run(options), 1);
  EXPECT_NE(err.find("cannot be created"), std::string::npos) << err;
}

TEST_F(RunTest, RefusesAMissingWeightByName) {
  parse(R"(
    func.func @main(%x: tensor<1x4xf32>) -> tensor<1x2xf32> {
      %w = imc.missing_weight "fc.weight" : tensor<4x2xf32>
      %z = arith.constant dense<0.0> : tensor<1x2xf32>
      %y = imc.matmul ins(%x, %w : tensor<1x4xf32>, tensor<4x2xf32>) outs(%z : tensor<1x2xf32>) -> tensor<1x2xf32>
      return %y : tensor<1x2xf32>
    })");
  RunOptions options;
  options.inputs = {write("x.npy", f32({1, 4}, {}))};
  EXPECT_EQ(run(options), 1);
  EXPECT_NE(diagnostics.find("the data of weight 'fc.weight'"),
            std::string::npos)
      << diagnostics;
}

TEST_F(RunTest, CalibrationFindsTheRangeOverAllSamples) {
  parse(R"(
    func.func @main(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
      %w = arith.constant dense<[[1., 2.], [3., -4.]]> : tensor<2x2xf32>
      %z = arith.constant dense<0.0> : tensor<1x2xf32>
      %h = imc.matmul ins(%x, %w : tensor<1x2xf32>, tensor<2x2xf32>) outs(%z : tensor<1x2xf32>) -> tensor<1x2xf32>
      %y = imc.matmul ins(%h, %w : tensor<1x2xf32>, tensor<2x2xf32>) outs(%z : tensor<1x2xf32>) -> tensor<1x2xf32>
      return %y : tensor<1x2xf32>
    })");
  auto samples = splitSamples(*module, {f32({2, 2}, {1, 1, -2, 0.5})});
  ASSERT_TRUE(static_cast<bool>(samples))
      << llvm::toString(samples.takeError());
  ASSERT_EQ(samples->size(), 2u);
  ASSERT_TRUE(mlir::succeeded(calibrate(*module, *samples))) << diagnostics;
  std::vector<std::pair<double, double>> ranges;
  module->walk([&](imc::MatmulOp op) {
    auto range = op->getAttrOfType<mlir::ArrayAttr>("imc.range");
    ASSERT_TRUE(range);
    ranges.emplace_back(
        llvm::cast<mlir::FloatAttr>(range[0]).getValueAsDouble(),
        llvm::cast<mlir::FloatAttr>(range[1]).getValueAsDouble());
  });
  ASSERT_EQ(ranges.size(), 2u);
  EXPECT_EQ(ranges[0], (std::pair<double, double>(-2, 1)));
  // x = (1, 1) gives (4, -2), x = (-2, 0.5) gives (-0.5, -6).
  EXPECT_EQ(ranges[1], (std::pair<double, double>(-6, 4)));
  EXPECT_EQ(module->lookupSymbol<mlir::func::FuncOp>("main").getNumResults(),
            1u);

  auto wrong = splitSamples(*module, {f32({2, 3}, {})});
  EXPECT_NE(llvm::toString(wrong.takeError()).find("input 0 is 2x3xf32"),
            std::string::npos);
  EXPECT_TRUE(mlir::failed(calibrate(*module, {})));
  float nan = std::nanf("");
  EXPECT_TRUE(mlir::failed(calibrate(*module, {{f32({1, 2}, {nan, 1})}})));
  EXPECT_NE(diagnostics.find("its input holds nan"), std::string::npos);
}
