//===- TargetTest.cpp - Open fields and how they close
//----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Files.h"

using namespace imc;
using namespace imc::machine;

static TargetSpec withOpenRows() {
  return llvm::cantFail(parseTarget(
      test::changed("  rows: 256", "  rows: {knob: [64, 128]}"), "chip.yaml"));
}

static std::string text(llvm::Error error) {
  return error ? llvm::toString(std::move(error)) : "";
}

TEST(TargetSpec, AnOpenFieldStopsTheMachine) {
  TargetSpec spec = withOpenRows();
  llvm::Expected<Machine> machine = spec.machine();
  ASSERT_FALSE(bool(machine));
  std::string message = llvm::toString(machine.takeError());
  EXPECT_EQ(message,
            "target 'rram-32nm' leaves machine.rows open; set it (--set "
            "machine.rows=64) or let `imc search` choose");
  EXPECT_EQ(text(spec.resolve("machine.rows", 128)), "");
  EXPECT_EQ(llvm::cantFail(spec.machine()).array.rows, 128);
}

TEST(TargetSpec, ResolveRefuses) {
  TargetSpec spec = withOpenRows();
  EXPECT_EQ(text(spec.resolve("machine.rows", 256)),
            "'array.rows' is 256, target 'rram-32nm' allows 64, 128");
  EXPECT_NE(text(spec.resolve("machine.rows", "wide")), "");
  EXPECT_NE(text(spec.resolve("machine.rows", 0)), "");
  EXPECT_NE(text(spec.resolve("machine.row", 64)), "");
  EXPECT_NE(text(spec.resolve("pass.encoding", "offset")), "");
  EXPECT_EQ(spec.knobs.size(), 1u);
}

TEST(TargetSpec, ClosedFieldsMayBeSetToAnythingInRange) {
  TargetSpec spec = withOpenRows();
  EXPECT_EQ(text(spec.resolve("machine.cols", "77")), "");
  EXPECT_EQ(text(spec.resolve("cell.kind", "sram")), "");
  spec.resolveAll();
  EXPECT_EQ(spec.values.array.rows, 64);
  // The file speaks of resistive cells only; 0 would be free.
  llvm::Expected<Machine> machine = spec.machine();
  ASSERT_FALSE(bool(machine));
  EXPECT_EQ(llvm::toString(machine.takeError()),
            "target 'rram-32nm': 'cell.capacitance_ff' (Capacitance of sram "
            "switched per cell and phase, fF) is missing, but 'cell.kind' is "
            "sram, which needs it: give it (--set machine.cell.capacitance_ff"
            "=...) or keep the kind");
  EXPECT_EQ(text(spec.resolve("cell.capacitance_ff", "1")), "");
  // Two bits per SRAM cell: only the whole machine shows the contradiction.
  machine = spec.machine();
  ASSERT_FALSE(bool(machine));
  EXPECT_EQ(llvm::toString(machine.takeError()),
            "target 'rram-32nm': 'cell.bits' is 2 but 'cell.kind' is sram: an "
            "SRAM cell stores 1 bit; set cell.bits to 1 or cell.kind to rram");
}

TEST(TargetSpec, Ranges) {
  EXPECT_EQ(llvm::cantFail(expandRange(0.5, 0.85, 0.05, 0)).size(), 8u);
  EXPECT_EQ(llvm::cantFail(expandRange(0.1, 0.3, 0.1, 0)),
            (std::vector<double>{0.1, 0.2, 0.3}));
  EXPECT_EQ(llvm::cantFail(expandRange(32, 512, 0, 2)),
            (std::vector<double>{32, 64, 128, 256, 512}));
  EXPECT_EQ(llvm::cantFail(expandRange(3, 3, 1, 0)), (std::vector<double>{3}));
  const double inf = std::numeric_limits<double>::infinity();
  const double bad[][4] = {{1, 2, 0, 0},   {1, 2, 1, 2},   {1, 2, -1, 0},
                           {1, 2, 0, 1},   {0, 2, 0, 2},   {2, 1, 1, 0},
                           {1, inf, 1, 0}, {1, 2, inf, 0}, {1, 2, 0, inf},
                           {0, 1, 1e-9, 0}};
  for (const auto &b : bad) {
    auto values = expandRange(b[0], b[1], b[2], b[3]);
    EXPECT_FALSE(bool(values)) << b[0] << " " << b[1] << " " << b[2];
    llvm::consumeError(values.takeError());
  }
}

TEST(Targets, FoundByNameOrFile) {
  std::string file = test::targetDirs()[0] + "/sram-32nm/target.yaml";
  TargetSpec a = llvm::cantFail(loadTarget("sram-32nm", test::targetDirs()));
  TargetSpec b = llvm::cantFail(loadTarget(file, {}));
  EXPECT_TRUE(a == b);
  EXPECT_EQ(a.file, file);
  EXPECT_EQ(listTargets({"/no/such/folder"}), std::vector<std::string>());
}

TEST(Targets, UnknownNamesListWhatThereIs) {
  auto spec = loadTarget("rram-33nm", test::targetDirs());
  ASSERT_FALSE(bool(spec));
  std::string message = llvm::toString(spec.takeError());
  EXPECT_EQ(message.find("unknown target 'rram-33nm'; there are "), 0u);
  for (const std::string &name : listTargets(test::targetDirs()))
    EXPECT_NE(message.find(name), std::string::npos) << message;
  EXPECT_NE(message.find(", or give a file"), std::string::npos) << message;
  for (const char *name : {"", "..", "components"}) {
    auto none = loadTarget(name, test::targetDirs());
    EXPECT_FALSE(bool(none)) << name;
    llvm::consumeError(none.takeError());
  }
}
