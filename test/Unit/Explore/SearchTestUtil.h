//===- SearchTestUtil.h - Small models and spaces for search tests --------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_EXPLORE_SEARCHTESTUTIL_H
#define IMC_TEST_UNIT_EXPLORE_SEARCHTESTUTIL_H

#include "imc/Explore/SearchCommand.h"

#include "TestUtil.h"

/// The machine of targets/<name>.
inline imc::machine::TargetSpec testTarget(llvm::StringRef name) {
  return must(imc::machine::loadTarget(
      name, {std::string(IMC_SOURCE_DIR) + "/targets"}));
}

/// The problem of a space file with these models.
inline std::unique_ptr<imc::explore::JointProblem>
problemOf(llvm::StringRef text, std::vector<imc::workload::Workload> models,
          imc::explore::Goal goal) {
  imc::explore::SpaceFile file = must(imc::explore::parseSpace(text, "s.yaml"));
  return must(imc::explore::JointProblem::create(
      file, testTarget(file.target), std::move(models), std::move(goal)));
}

inline imc::workload::Layer layer(std::string name, std::string op,
                                  imc::workload::Product product) {
  return {std::move(name), std::move(op), "", product};
}

/// Two convolutions and a classifier.
inline imc::workload::Workload smallCNN() {
  using namespace imc::workload;
  Workload w;
  w.name = "cnn";
  w.layers = {
      layer("conv1", "conv2d", convolution(1, 3, 32, 32, 16, 3, 3, 1, 1)),
      {"relu1", "relu", "", Digital{16 * 32 * 32, 16384, 16384}},
      layer("conv2", "conv2d", convolution(1, 16, 32, 32, 32, 3, 3, 2, 1)),
      layer("fc", "matmul", matmul(1, 8192, 10))};
  w.parameters = 100000;
  return w;
}

/// Two matrix products.
inline imc::workload::Workload smallMLP() {
  using namespace imc::workload;
  Workload w;
  w.name = "mlp";
  w.layers = {layer("fc1", "matmul", matmul(4, 784, 300)),
              {"relu", "relu", "", Digital{1200, 1200, 1200}},
              layer("fc2", "matmul", matmul(4, 300, 10))};
  w.parameters = 238510;
  return w;
}

/// A space with feasible and infeasible designs, 5 x 4 x 4 x 5 x 3 x 2 x 2 x 3.
inline const char *const kSmallSpace = R"(target: rram-32nm
knobs:
  machine.rows: [32, 64, 128, 256, 512]
  machine.cols: {min: 32, max: 256, factor: 2}
  machine.cell_bits: [1, 2, 4, 8]
  machine.adc_bits: [4, 6, 8, 9, 10]
  machine.macros_per_tile: [4, 16, 64]
  pass.weight_bits: [6, 8]
  pass.encoding: [offset, differential]
  pass.replication: [none, balanced]
  machine.cycle_time_ns: [1, 2, 8]
constraints:
  area_mm2: "<= 400"
  sqnr_db: ">= 10"
)";

/// Compiles a design as the cost model does; stands for the passes.
inline llvm::Expected<imc::cost::Cost>
compileLikeTheModel(const std::vector<imc::workload::Workload> &workloads,
                    size_t model, const imc::explore::Decoded &design) {
  return imc::cost::evaluate(
      workloads[model],
      imc::mapping::plan(workloads[model], design.machine, design.knobs),
      design.machine, design.knobs);
}

/// A search with its log and output as text.
struct TestSearch {
  TempFolder folder;
  imc::explore::SearchOptions options;
  std::string out, log;

  TestSearch(llvm::StringRef space = kSmallSpace) {
    options.version = "0.1.0";
    options.spaceFile = folder.file("space.yaml");
    write(options.spaceFile, space);
    options.budget = 400;
    options.front = "-";
  }
  static void write(const std::string &file, llvm::StringRef text) {
    std::error_code error;
    llvm::raw_fd_ostream stream(file, error);
    stream << text;
  }
  int run(std::vector<imc::workload::Workload> workloads = {smallCNN(),
                                                            smallMLP()},
          imc::explore::CompileDesign compile = nullptr) {
    std::vector<imc::explore::SearchModel> models;
    for (const auto &w : workloads)
      models.push_back({w.name + ".onnx", w});
    if (!compile)
      compile = [&](size_t m, const imc::explore::Decoded &d, llvm::StringRef) {
        return compileLikeTheModel(workloads, m, d);
      };
    out.clear();
    log.clear();
    llvm::raw_string_ostream outStream(out), logStream(log);
    return imc::explore::searchCommand(
        options, std::move(models),
        [](llvm::StringRef name) -> llvm::Expected<imc::machine::TargetSpec> {
          return imc::machine::loadTarget(
              name, {std::string(IMC_SOURCE_DIR) + "/targets"});
        },
        compile, outStream, logStream);
  }
  imc::explore::Front front() {
    return must(imc::explore::frontFromJSON(must(llvm::json::parse(out))));
  }
  /// The points of the front as text: equal exactly when the archives are.
  std::string points() {
    imc::explore::Front f = front();
    std::string text;
    llvm::raw_string_ostream stream(text);
    for (const auto &point : f.points)
      stream << imc::explore::toJSON(point, f.objectives) << '\n';
    return text;
  }
};

#endif // IMC_TEST_UNIT_EXPLORE_SEARCHTESTUTIL_H
