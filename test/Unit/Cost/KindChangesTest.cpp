//===- KindChangesTest.cpp - Other kinds of components --------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A machine file gives the figures of its own kinds. Another kind is priced
// with figures that somebody gave, or refused: never with zeros.
//
//===----------------------------------------------------------------------===//

#include "Common.h"
#include "imc/Machine/Unset.h"

#include <cmath>

using namespace imc;
using namespace imc::machine;

static bool isFinite(const cost::Prices &p) {
  double sum = p.area_mm2 + p.cell_read + p.idle_read + p.conversion +
               p.shift_add + p.strip_add + p.row_drive + p.tile_read_bit +
               p.tile_write_bit + p.global_read_bit + p.global_write_bit +
               p.noc_bit + p.memory_bit + p.cell_write + p.operation + p.mac +
               p.leakage_w + p.array_leakage_w + p.cycle + p.read_cycles +
               p.tile_bit + p.global_bit + p.noc_bit_time + p.memory_bit_time +
               p.row_write + p.lane_operation + p.min_cycle_ns;
  return std::isfinite(sum);
}

TEST(KindChanges, ArePricedWithGivenFiguresOrRefused) {
  int refused = 0, priced = 0, contradicting = 0;
  for (const std::string &name : test::shippedTargets()) {
    const TargetSpec spec = llvm::cantFail(
        loadTarget(name, {std::string(IMC_SOURCE_DIR) + "/targets"}));
    for (const Component &component : schema()) {
      const Field *kind = component.kindField();
      if (!kind)
        continue;
      for (size_t k = 0; k != kind->names.size(); ++k) {
        TargetSpec other = spec;
        llvm::cantFail(other.resolve(kind->path(), double(k)));
        other.resolveAll();
        const std::string where =
            name + " " + kind->path() + "=" + kind->names[k];
        llvm::Expected<Machine> machine = other.machine();
        if (!machine) {
          const std::string text = llvm::toString(machine.takeError());
          (text.find(" missing, but '") != std::string::npos ? refused
                                                             : contradicting)++;
          continue;
        }
        ++priced;
        for (const Component &c : schema())
          for (const Field &field : c.fields)
            EXPECT_FALSE(c.has(field, *machine) && isUnset(field.get(*machine)))
                << where << ": " << field.path();
        EXPECT_TRUE(isFinite(cost::priceDesign(*machine, {}))) << where;
      }
    }
  }
  EXPECT_GT(refused, 300);
  EXPECT_GT(priced, 100);
  EXPECT_GT(contradicting, 0);
}

/// Whoever gives the figures gets a price made of them.
TEST(KindChanges, GivenFiguresArePriced) {
  TargetSpec spec = llvm::cantFail(
      loadTarget("rram-32nm", {std::string(IMC_SOURCE_DIR) + "/targets"}));
  llvm::cantFail(spec.resolve("adc.kind", llvm::StringRef("flash")));
  llvm::Error missing = checkGiven(spec.values);
  EXPECT_TRUE(bool(missing));
  llvm::consumeError(std::move(missing));
  for (auto [path, value] : {std::pair("adc.flash_fj", 2.0),
                             {"adc.flash_um2", 1.0},
                             {"adc.flash_ns", 0.5}})
    llvm::cantFail(spec.resolve(path, value));
  const Machine m = llvm::cantFail(spec.machine());
  // 2^10 - 1 comparators of 2 fJ at the nominal supply.
  const double volts = m.technology.vdd_v / m.technology.vdd_nominal_v;
  EXPECT_NEAR(cost::priceDesign(m, {}).conversion,
              (std::exp2(double(m.adc.bits)) - 1) * 2e-15 * volts * volts,
              1e-20);
}
