//===- OneModelOfTheNumbersTest.cpp - Passes and search agree -------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// On random (model, design) pairs: the cost that the passes write on the IR is,
// to the last digit, what cost::evaluate and cost::Pricer say of the extracted
// workload; and the passes refuse exactly the designs that the fast path finds
// impossible. IMC_TEST_SEED sets the seed, which is printed.
//
//===----------------------------------------------------------------------===//

#include "RandomModel.h"

#include "imc/Cost/Pricer.h"
#include "imc/Cost/Unfold.h"
#include "imc/Import/ONNX.h"
#include "imc/Pipelines/Pipelines.h"
#include "imc/Transforms/Extract.h"
#include "imc/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/Transforms/AllInterfaces.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/TensorTilingInterfaceImpl.h"
#include "llvm/Support/FileSystem.h"
#include "gtest/gtest.h"

#include <cstdio>
#include <cstdlib>

using namespace mlir;
using namespace imc;

namespace {

struct Design {
  machine::TargetSpec spec;
  mapping::Knobs knobs;
  std::vector<LayerBits> layers;
};

uint64_t seed() {
  const char *text = std::getenv("IMC_TEST_SEED");
  uint64_t value = text ? std::strtoull(text, nullptr, 10) : 20261121;
  std::printf("seed %llu (IMC_TEST_SEED)\n",
              static_cast<unsigned long long>(value));
  return value;
}

/// A shipped machine with random fields, and random pass decisions. Small chips
/// and too few ADC bits are wanted too: refusals have to agree as well.
Design randomDesign(test::Random &random) {
  Design design;
  const char *name = random.chance(50) ? "rram-32nm" : "sram-32nm";
  design.spec =
      llvm::cantFail(machine::loadTarget(name, getDefaultTargetDirs()));
  machine::Machine &m = design.spec.values;
  m.technology.vdd_v = 0.5 + 0.05 * double(random.in(0, 8));
  if (machine::cellKind(m).nonvolatile)
    m.cell.bits = random.in(1, 8);
  m.timing.cycle_time_ns = random.pick({1.0, 2.0, 4.0, 6.0, 10.0});
  m.array.rows = random.pick<int64_t>({16, 32, 64, 128, 256, 512});
  if (random.pick<int64_t>({0, 1}))
    m.array.active_rows = m.array.rows / random.pick<int64_t>({1, 2, 4, 16});
  m.array.cols = random.pick<int64_t>({16, 32, 64, 128, 256, 512});
  m.hierarchy.groups = random.pick<int64_t>({1, 1, 2, 8, 32});
  m.hierarchy.tiles_per_group = random.pick<int64_t>({1, 2, 4, 16});
  m.hierarchy.macros_per_tile = random.pick<int64_t>({2, 4, 16, 64});
  m.global_buffer.size_mib = random.pick({0.5, 2.0, 8.0});
  m.adc.bits = random.in(4, 12);
  m.adc.share = random.pick<int64_t>({1, 8, 64, 128});
  m.dac.bits = random.pick<int64_t>({1, 2, 4, 8});
  mapping::Knobs &k = design.knobs;
  k.weight_bits = random.in(2, 8);
  k.input_bits = random.in(1, 8);
  k.adc_bits = random.chance(50) ? 0 : random.in(4, 12);
  k.encoding =
      static_cast<mapping::Encoding>(random.in(0, random.chance(30) ? 2 : 1));
  k.range =
      static_cast<mapping::Range>(random.chance(50) ? 0 : random.in(1, 5));
  k.ties = static_cast<mapping::Ties>(random.in(0, 2));
  k.group_packing = static_cast<mapping::GroupPacking>(random.in(0, 2));
  k.replication = static_cast<mapping::Replication>(random.in(0, 4));
  k.dynamic_products = static_cast<mapping::DynamicProducts>(random.in(0, 2));
  k.unfolding = static_cast<mapping::UnfoldingRule>(
      random.chance(50) ? 0 : random.in(1, 5));
  return design;
}

/// Decisions about single products of a model.
void decideLayers(Design &design, const workload::Workload &workload,
                  test::Random &random) {
  for (const workload::Layer &layer : workload.layers)
    if (const workload::Product *p = layer.product();
        p && random.chance(30) &&
        llvm::none_of(design.layers, [&](const LayerBits &other) {
          return other.layer == layer.name;
        })) {
      LayerBits own;
      own.layer = layer.name;
      if (p->hasImages() && random.chance(70))
        own.unfolding = random.in(0, 5);
      if (random.chance(50))
        own.adcBits = random.in(4, 8);
      design.layers.push_back(own);
    }
}

/// Names, kinds, all counts and what reads whose results are equal.
bool sameWork(const workload::Workload &a, const workload::Workload &b) {
  auto counts = [](const workload::Layer &layer) -> std::vector<int64_t> {
    if (const workload::Product *p = layer.product())
      return {p->windows,        p->rows,           p->cols,
              p->groups,         p->input_elements, p->output_elements,
              p->weight_elements};
    if (const workload::Digital *d = layer.digital())
      return {d->operations, d->input_elements, d->output_elements};
    const workload::DynamicProduct *d = layer.dynamicProduct();
    return {d->macs, d->input_elements, d->output_elements, d->windows,
            d->rows, d->cols,           d->groups};
  };
  if (a.name != b.name || a.parameters != b.parameters ||
      a.layers.size() != b.layers.size())
    return false;
  for (size_t i = 0; i < a.layers.size(); ++i)
    if (a.layers[i].name != b.layers[i].name ||
        a.layers[i].op != b.layers[i].op ||
        a.layers[i].shape != b.layers[i].shape ||
        a.layers[i].work.index() != b.layers[i].work.index() ||
        a.layers[i].inputs != b.layers[i].inputs ||
        a.layers[i].right_inputs != b.layers[i].right_inputs ||
        a.layers[i].output != b.layers[i].output ||
        counts(a.layers[i]) != counts(b.layers[i]))
      return false;
  return true;
}

class OneModelOfTheNumbers : public ::testing::Test {
protected:
  OneModelOfTheNumbers() {
    DialectRegistry registry;
    registry
        .insert<IMCDialect, arith::ArithDialect, func::FuncDialect,
                linalg::LinalgDialect, scf::SCFDialect, tensor::TensorDialect,
                bufferization::BufferizationDialect>();
    registerONNXImportDialects(registry);
    linalg::registerAllDialectInterfaceImplementations(registry);
    tensor::registerTilingInterfaceExternalModels(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    context.disableMultithreading();
  }

  static double number(DictionaryAttr dictionary, StringRef key) {
    Attribute value = dictionary.get(key);
    if (auto real = dyn_cast_or_null<FloatAttr>(value))
      return real.getValueAsDouble();
    if (auto integer = dyn_cast_or_null<IntegerAttr>(value))
      return static_cast<double>(integer.getInt());
    ADD_FAILURE() << "imc.cost has no " << key.str();
    return -1;
  }

  /// Compares a pair; true when the design was possible.
  bool comparePair(ModuleOp imported, const Design &design,
                   const std::string &what);

  MLIRContext context;
};

bool OneModelOfTheNumbers::comparePair(ModuleOp imported, const Design &design,
                                       const std::string &what) {
  SCOPED_TRACE(what);
  CompileOptions options;
  options.target = design.spec;
  options.knobs = design.knobs;
  options.quantization.layers = design.layers;

  // The fast path.
  OwningOpRef<ModuleOp> quantized = imported.clone();
  EXPECT_TRUE(succeeded(compileTo(*quantized, Phase::Quantized, options)));
  FailureOr<workload::Workload> workload = extractWorkload(*quantized);
  EXPECT_TRUE(succeeded(workload));
  if (failed(workload))
    return false;
  // The search reads imported modules: they say the same.
  FailureOr<workload::Workload> early = extractWorkload(imported);
  EXPECT_TRUE(succeeded(early));
  EXPECT_TRUE(succeeded(early) && sameWork(*early, *workload));
  machine::Machine machine = llvm::cantFail(design.spec.machine());
  cost::Cost detailed = cost::evaluate(ArrayRef<workload::Workload>(*workload),
                                       machine, design.knobs);
  cost::Pricer pricer({*workload});
  cost::DesignCost fast;
  pricer.price(machine, design.knobs, fast);

  // The passes. Rules that make a design impossible to build are errors there.
  std::string message;
  LogicalResult compiled = failure();
  OwningOpRef<ModuleOp> module = imported.clone();
  {
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == DiagnosticSeverity::Error &&
          message.empty())
        message = diagnostic.str();
      return success();
    });
    compiled = compileTo(*module, Phase::Costed, options);
  }
  bool impossible =
      llvm::any_of(fast.violations, [](const cost::RuleBroken &broken) {
        return broken.rule == mapping::Rule::Capacity ||
               broken.rule == mapping::Rule::Encoding ||
               broken.rule == mapping::Rule::AdcBits;
      });
  EXPECT_EQ(failed(compiled), impossible) << message;
  if (failed(compiled))
    return false;

  auto written =
      (*module)->getAttrOfType<DictionaryAttr>(IMCDialect::costAttrName);
  EXPECT_TRUE(written);
  if (!written)
    return false;
  const cost::ModelCost &model = detailed.models.front();
  const cost::ModelFigures &figures = fast.models.front();
  // Exact equality of doubles, on purpose.
  EXPECT_EQ(number(written, "energy_j"), figures.energy_j);
  EXPECT_EQ(number(written, "latency_s"), figures.latency_s);
  EXPECT_EQ(number(written, "area_mm2"), fast.area_mm2);
  EXPECT_EQ(number(written, "power_density_w_mm2"),
            figures.power_density_w_mm2);
  EXPECT_EQ(number(written, "sqnr_db"), figures.sqnr_db);
  EXPECT_EQ(number(written, "adc_lost_bits"), double(figures.adc_lost_bits));
  EXPECT_EQ(number(written, "logical_arrays"), double(figures.logical_arrays));
  EXPECT_EQ(number(written, "placed_arrays"), double(figures.placed_arrays));
  EXPECT_EQ(number(written, "capacity"), double(fast.capacity));
  EXPECT_EQ(number(written, "energy_j"), model.energy_j);
  EXPECT_EQ(number(written, "latency_s"), model.latency_s);
  EXPECT_EQ(number(written, "edap_js_mm2"), model.edap_js_mm2);
  EXPECT_EQ(number(written, "utilization"), model.utilization);
  EXPECT_EQ(number(written, "load_energy_j"), model.load_energy_j);
  EXPECT_EQ(number(written, "macs"), double(model.macs));
  EXPECT_EQ(number(written, "mvms"), double(model.mvms));
  EXPECT_EQ(number(written, "parameters"), double(model.parameters));
  EXPECT_EQ(cast<BoolAttr>(written.get("feasible")).getValue(), fast.feasible);
  auto violations = cast<ArrayAttr>(written.get("violations"));
  EXPECT_EQ(violations.size(), fast.violations.size());
  for (size_t i = 0;
       i < std::min<size_t>(violations.size(), fast.violations.size()); ++i) {
    auto entry = cast<DictionaryAttr>(violations[i]);
    EXPECT_EQ(cast<StringAttr>(entry.get("rule")).str(),
              mapping::ruleName(fast.violations[i].rule));
    EXPECT_EQ(number(entry, "value"), fast.violations[i].value);
  }

  // Layer by layer, and the workload itself, read from the tiled IR.
  std::vector<Operation *> ops;
  FailureOr<workload::Workload> again = extractWorkload(*module, &ops);
  EXPECT_TRUE(succeeded(again));
  const workload::Workload wide =
      cost::unfold(*workload, machine, design.knobs);
  if (failed(again) || !sameWork(*again, wide)) {
    ADD_FAILURE() << "the tiled module does other work than the quantized one";
    return true;
  }
  for (size_t i = 0; i < ops.size(); ++i) {
    auto layer =
        ops[i]->getAttrOfType<DictionaryAttr>(IMCDialect::costAttrName);
    EXPECT_TRUE(layer);
    if (!layer)
      continue;
    EXPECT_EQ(number(layer, "energy_j"), model.layers[i].total_energy_j)
        << again->layers[i].name;
    EXPECT_EQ(number(layer, "latency_s"), model.layers[i].latency_s)
        << again->layers[i].name;
  }
  return true;
}

TEST_F(OneModelOfTheNumbers, RandomModelsAndDesigns) {
  test::Random random(seed());
  int compared = 0, refused = 0, pairs = 0;
  for (; compared < 220 && pairs < 2000; ++pairs) {
    OwningOpRef<ModuleOp> module = test::RandomModel(&context, random).build();
    Design design = randomDesign(random);
    if (llvm::Expected<machine::Machine> machine = design.spec.machine();
        !machine) {
      llvm::consumeError(machine.takeError());
      continue;
    }
    if (random.chance(50))
      if (FailureOr<workload::Workload> workload = extractWorkload(*module);
          succeeded(workload))
        decideLayers(design, *workload, random);
    (comparePair(*module, design, "pair " + std::to_string(pairs)) ? compared
                                                                   : refused)++;
    if (HasFailure())
      break;
  }
  std::printf(
      "%d pairs compared, %d designs refused by passes and fast path alike\n",
      compared, refused);
  EXPECT_GE(compared, 200);
  EXPECT_GE(refused, 10) << "the random designs no longer reach the limits";
}

TEST_F(OneModelOfTheNumbers, StructuralModels) {
  const char *setting = std::getenv("IMC_SHARED");
  std::string folder = (setting ? std::string(setting)
                                : std::string(IMC_SOURCE_DIR) + "/../shared") +
                       "/models/";
  if (!llvm::sys::fs::exists(folder + "resnet18.onnx"))
    GTEST_SKIP() << "no models in " << folder << " (set IMC_SHARED)";
  test::Random random(seed());
  struct {
    const char *name;
    int64_t parameters, macs;
  } networks[] = {{"resnet18", 11684712, 1814073344},
                  {"vgg16", 138357544, 15470264320},
                  {"alexnet", 61100840, 714188480},
                  {"mobilenet_v3_large", 5470832, 216589760}};
  int compared = 0;
  for (const auto &network : networks) {
    FailureOr<OwningOpRef<ModuleOp>> module =
        importONNX(folder + network.name + ".onnx", &context);
    ASSERT_TRUE(succeeded(module)) << network.name;
    FailureOr<workload::Workload> workload = extractWorkload(**module);
    ASSERT_TRUE(succeeded(workload)) << network.name;
    EXPECT_EQ(workload->macs(), network.macs);
    EXPECT_EQ(workload->parameters, network.parameters);
    EXPECT_EQ(workload->input_elements, 3 * 224 * 224);
    // No loops: everything reads earlier results, and one is returned.
    EXPECT_EQ(workload->layers.front().inputs,
              std::vector<int64_t>{workload::Layer::modelInput});
    int returned = 0;
    for (const auto &[index, layer] : llvm::enumerate(workload->layers)) {
      EXPECT_FALSE(layer.inputs.empty()) << layer.name << ":" << layer.op;
      if (!layer.inputs.empty()) {
        EXPECT_LT(layer.inputs.back(), int64_t(index)) << layer.name;
      }
      returned += layer.output;
    }
    EXPECT_EQ(returned, 1);
    EXPECT_TRUE(workload->layers.back().output);
    for (int i = 0; i < 8; ++i) {
      Design design = randomDesign(random);
      // Large enough for most of them.
      design.spec.values.hierarchy = {32, 16, 64};
      if (llvm::Expected<machine::Machine> machine = design.spec.machine();
          !machine) {
        llvm::consumeError(machine.takeError());
        continue;
      }
      if (i % 2)
        decideLayers(design, *workload, random);
      compared += comparePair(**module, design,
                              std::string(network.name) + ", design " +
                                  std::to_string(i));
    }
  }
  std::printf("%d pairs of structural models compared\n", compared);
  EXPECT_GE(compared, 8);
}

} // namespace
