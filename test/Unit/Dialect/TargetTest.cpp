//===- TargetTest.cpp - The machine attribute against machine files -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/imc/IR/IMC.h"
#include "imc/Machine/Unset.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace imc;
using machine::Field;
using machine::FieldType;

namespace {
struct TargetTest : testing::Test {
  TargetTest() { context.loadDialect<IMCDialect>(); }

  /// Random values in the ranges of the schema, some of them open.
  /// Contradictions between fields are avoided by always leaving one field
  /// open.
  machine::TargetSpec randomSpec(std::mt19937_64 &random) {
    auto draw = [&](const Field &field) {
      double share = double(random() >> 11) / 9007199254740992.0;
      double value = field.min + share * (field.max - field.min);
      return field.type == FieldType::Real ? value : std::floor(value);
    };
    machine::TargetSpec spec;
    spec.name = "random \"chip\"\n";
    spec.description = "é, tab\t and \\";
    for (const machine::Component &component : machine::schema())
      for (const Field &field : component.fields) {
        // A kind comes before the fields that only some kinds have.
        std::vector<double> kinds;
        for (const Field *kind : component.kindFields()) {
          kinds.push_back(kind->get(spec.values));
          if (const machine::Knob *knob = spec.findKnob(kind->path()))
            kinds.insert(kinds.end(), knob->values.begin(), knob->values.end());
        }
        if (!field.kinds.empty() && llvm::none_of(kinds, [&](double kind) {
              return field.belongsTo(int64_t(kind));
            })) {
          field.set(spec.values, machine::unsetValue(field));
          continue;
        }
        double value = draw(field);
        bool open = random() % 8 == 0 || field.path() == "cell.bits";
        if (open) {
          machine::Knob knob{field.path(), {value}};
          double other = draw(field);
          if (other != value)
            knob.values.push_back(other);
          spec.knobs.push_back(knob);
        } else if (!field.required && random() % 2) {
          value = field.default_value;
        }
        field.set(spec.values, value);
        if (random() % 4 == 0)
          spec.sources[field.path()] = "page " + std::to_string(random() % 100);
      }
    spec.expected.push_back({"tops", 0.1, "table", 0.05});
    spec.expected.push_back({"area_mm2", 1e-300, "", 0});
    return spec;
  }

  std::string print(mlir::Attribute attribute) {
    std::string text;
    llvm::raw_string_ostream(text) << attribute;
    return text;
  }

  mlir::MLIRContext context;
};

TEST_F(TargetTest, StructAttributeTextAndYamlSayTheSame) {
  std::mt19937_64 random(20261121);
  for (int i = 0; i < 50; ++i) {
    machine::TargetSpec spec = randomSpec(random);
    auto target = TargetAttr::get(&context, spec);
    ASSERT_TRUE(target.getSpec() == spec);
    // Through text.
    mlir::Attribute parsed = mlir::parseAttribute(print(target), &context);
    ASSERT_EQ(parsed, target) << print(target);
    // Through a machine file and back.
    auto read = machine::parseTarget(machine::toYAML(target.getSpec()), "x");
    ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
    ASSERT_EQ(TargetAttr::get(&context, *read), target);
  }
}

TEST_F(TargetTest, ShippedMachinesRoundTrip) {
  for (const char *name : {"rram-32nm", "sram-32nm"}) {
    auto spec =
        machine::loadTarget(name, {std::string(IMC_SOURCE_DIR "/targets")});
    ASSERT_TRUE(bool(spec)) << llvm::toString(spec.takeError());
    auto target = TargetAttr::get(&context, *spec);
    EXPECT_EQ(mlir::parseAttribute(print(target), &context), target);
    EXPECT_TRUE(target.getSpec() == *spec);
  }
}

TEST_F(TargetTest, ContradictionIsADiagnosticNotAnAbort) {
  auto spec = machine::loadTarget("rram-32nm",
                                  {std::string(IMC_SOURCE_DIR "/targets")});
  ASSERT_TRUE(bool(spec)) << llvm::toString(spec.takeError());
  spec->resolveAll();
  spec->values.cell.on_resistance_ohm = 0;
  std::string message;
  mlir::ScopedDiagnosticHandler handler(
      &context,
      [&](mlir::Diagnostic &diagnostic) { message = diagnostic.str(); });
  auto unknown = mlir::UnknownLoc::get(&context);
  EXPECT_FALSE(TargetAttr::getChecked([&] { return mlir::emitError(unknown); },
                                      &context, *spec));
  EXPECT_NE(message.find("cell.on_resistance_ohm"), std::string::npos)
      << message;
}

TEST_F(TargetTest, MachineOfAnOpNamesOpenFields) {
  auto spec = machine::loadTarget("rram-32nm",
                                  {std::string(IMC_SOURCE_DIR "/targets")});
  ASSERT_TRUE(bool(spec)) << llvm::toString(spec.takeError());
  spec->resolveAll();
  auto closed = TargetAttr::get(&context, *spec);
  spec->knobs.push_back({"array.rows", {64, 128}});
  spec->values.array.rows = 64;
  auto open = TargetAttr::get(&context, *spec);

  std::string message;
  mlir::ScopedDiagnosticHandler handler(
      &context,
      [&](mlir::Diagnostic &diagnostic) { message = diagnostic.str(); });
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  EXPECT_TRUE(failed(getMachine(*module)));
  EXPECT_NE(message.find("imc.target"), std::string::npos) << message;
  (*module)->setAttr("imc.target", open);
  EXPECT_TRUE(failed(getMachine(*module)));
  EXPECT_NE(message.find("machine.rows"), std::string::npos) << message;
  (*module)->setAttr("imc.target", closed);
  auto machine = getMachine(*module);
  ASSERT_TRUE(succeeded(machine));
  EXPECT_TRUE(*machine == closed.getSpec().values);
}

TEST_F(TargetTest, InterfaceAnswersForAClosedMachine) {
  auto spec = machine::loadTarget("rram-32nm",
                                  {std::string(IMC_SOURCE_DIR "/targets")});
  ASSERT_TRUE(bool(spec)) << llvm::toString(spec.takeError());
  spec->resolveAll();
  spec->values.array = {32, 16, 0};
  spec->values.cell.bits = 2;
  spec->values.dac.bits = 1;
  spec->values.hierarchy = {2, 3, 4};
  auto target = mlir::cast<TargetAttrInterface>(
      mlir::Attribute(TargetAttr::get(&context, *spec)));
  std::string message;
  mlir::ScopedDiagnosticHandler handler(
      &context,
      [&](mlir::Diagnostic &diagnostic) { message = diagnostic.str(); });
  auto emitError = [&] {
    return mlir::emitError(mlir::UnknownLoc::get(&context));
  };
  auto shape = target.getArrayShape(emitError);
  ASSERT_TRUE(succeeded(shape));
  EXPECT_EQ(shape->rows, 32);
  EXPECT_EQ(shape->columns, 16);
  EXPECT_EQ(*target.getCapacity(emitError), 24);
  EXPECT_EQ(*target.getSlicesPerWeight(emitError, EncodingKind::Offset, 8), 4);
  EXPECT_EQ(
      *target.getSlicesPerWeight(emitError, EncodingKind::Differential, 8), 8);
  EXPECT_EQ(*target.getSlicesPerWeight(emitError, EncodingKind::Offset, 16), 8);
  EXPECT_TRUE(
      failed(target.getSlicesPerWeight(emitError, EncodingKind::Offset, 17)));

  const char *text = R"mlir(
    %u, %fits, %wide, %acc, %acc2 = "test.values"() : () -> (tensor<1x4x1x32xi8>,
      tensor<1x1x1x32x16xi8>, tensor<1x1x1x32x32xi8>, tensor<1x4x1x16xi32>, tensor<1x4x1x32xi32>)
    %a = imc.mvm ins(%u, %fits : tensor<1x4x1x32xi8>, tensor<1x1x1x32x16xi8>) outs(%acc : tensor<1x4x1x16xi32>)
      input = #imc.input<bits = 8, dac_bits = 1>
      readout = #imc.readout<adc_bits = 8, lossless_bits = 8, policy = full> -> tensor<1x4x1x16xi32>
    %b = imc.mvm ins(%u, %wide : tensor<1x4x1x32xi8>, tensor<1x1x1x32x32xi8>) outs(%acc2 : tensor<1x4x1x32xi32>)
      input = #imc.input<bits = 8, dac_bits = 1>
      readout = #imc.readout<adc_bits = 8, lossless_bits = 8, policy = full> -> tensor<1x4x1x32xi32>
    %c = imc.mvm ins(%u, %fits : tensor<1x4x1x32xi8>, tensor<1x1x1x32x16xi8>) outs(%acc : tensor<1x4x1x16xi32>)
      input = #imc.input<bits = 8, dac_bits = 2>
      readout = #imc.readout<adc_bits = 8, lossless_bits = 9, policy = full> -> tensor<1x4x1x16xi32>
  )mlir";
  context.allowUnregisteredDialects();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  ASSERT_TRUE(module) << message;
  llvm::SmallVector<mlir::Operation *> ops;
  module->walk([&](MVMOp op) { ops.push_back(op); });
  ASSERT_EQ(ops.size(), 3u);
  EXPECT_TRUE(succeeded(target.verifyArrayOp(ops[0])));
  EXPECT_TRUE(failed(target.verifyArrayOp(ops[1])));
  EXPECT_NE(message.find("1x1x1x32x16"), std::string::npos) << message;
  EXPECT_TRUE(failed(target.verifyArrayOp(ops[2])));
  EXPECT_NE(message.find("2 bits per phase"), std::string::npos) << message;
}
} // namespace
