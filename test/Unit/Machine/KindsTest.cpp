//===- KindsTest.cpp - Equations of components, by hand -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlainMachine.h"
#include "imc/Machine/Scaling.h"

#include "gtest/gtest.h"

#include <cmath>
#include <set>

using namespace imc::machine;
using namespace imc::test;
using namespace imc::units;

TEST(Kinds, HaveUniqueNamesAndOneUsualEach) {
  for (const Socket &socket : sockets()) {
    llvm::ArrayRef<Kind> kinds = kindsOf(socket.slot);
    ASSERT_FALSE(kinds.empty());
    std::set<std::string> names, fields;
    size_t own = 0;
    for (const Kind &kind : kinds) {
      EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
      EXPECT_EQ(kind.usual, &kind == kinds.begin()) << kind.name;
      EXPECT_EQ(kind.offset, own);
      own += kind.own.size();
    }
    EXPECT_LE(own, socket.room) << socket.component;
    for (const Field &field : findComponent(socket.component)->fields)
      EXPECT_TRUE(fields.insert(field.name).second) << field.path();
  }
}

TEST(Kinds, EverySlotHasAnEquationPerKind) {
  for (const Socket &socket : sockets()) {
    EXPECT_GE(kindsOf(socket.slot).size(), 2u) << socket.component;
    for (const Kind &kind : kindsOf(socket.slot)) {
      const int equations = !!kind.cell + !!kind.driver + !!kind.converter +
                            !!kind.adder + !!kind.buffer + !!kind.network +
                            !!kind.memory + !!kind.lanes;
      EXPECT_EQ(equations, 1) << kind.name;
      EXPECT_EQ(!kind.network, !kind.network_area) << kind.name;
    }
  }
}

TEST(Kinds, ChargeCell) {
  Machine m = plain();
  set(m, "cell.kind", "sram");
  set(m, "cell.capacitance_ff", "2");
  m.activity.input_density = 0.5;
  Operating o(m);
  o.dynamic = 4; // at twice the supply
  EXPECT_DOUBLE_EQ(priceCell(o).read.in(fJ), 2 * 4 * 0.5);
  EXPECT_EQ(priceCell(o).idle.si(), 0);
}

TEST(Kinds, CurrentCellSwingsPartly) {
  Machine m = plain();
  set(m, "cell.kind", "sram_current");
  set(m, "cell.capacitance_ff", "2");
  set(m, "cell.current_swing_v", "0.25");
  EXPECT_DOUBLE_EQ(priceCell(Operating(m)).read.in(fJ), 2 * 0.25);
}

TEST(Kinds, DigitalCellPaysPerInputBit) {
  Machine m = plain();
  set(m, "cell.kind", "sram_digital");
  set(m, "cell.capacitance_ff", "0.35");
  set(m, "cell.digital_gate_um2", "0.6");
  m.dac.bits = 2;
  m.array.active_rows = 5; // two row sets share a gate
  CellPrice p = priceCell(Operating(m));
  EXPECT_DOUBLE_EQ(p.read.in(fJ), 2 * 0.35);
  EXPECT_DOUBLE_EQ(p.area.in(um2), 2 * 0.6 / 2);
}

TEST(Kinds, PhaseChangeReadsAsAResistor) {
  Machine m = plain();
  set(m, "cell.kind", "pcm");
  set(m, "cell.read_voltage_v", "0.2");
  set(m, "cell.on_resistance_ohm", "20000");
  set(m, "cell.off_resistance_ohm", "1000000");
  m.cell.read_pulse_ns = 10;
  // 0.04 V2 x 10 ns / 20 kOhm = 20 fJ; at level 0 0.4 fJ.
  CellPrice p = priceCell(Operating(m));
  EXPECT_NEAR(p.read.in(fJ), 20, 1e-9);
  EXPECT_NEAR(p.idle.in(fJ), 0.4, 1e-9);
  EXPECT_TRUE(cellKind(m).nonvolatile);
}

// The mean over all codes, by solving the ladder for each of them.
static double ladderByCodes(int n) {
  double sum = 0;
  for (int code = 0; code < (1 << n); ++code) {
    std::vector<double> diagonal(n, 5), right(n), v(n);
    diagonal.front() = n == 1 ? 2 : 4;
    if (n > 1)
      diagonal.back() = 3;
    for (int i = 0; i < n; ++i)
      right[i] = (code >> i) & 1;
    for (int i = 1; i < n; ++i) { // elimination
      double f = -2 / diagonal[i - 1];
      diagonal[i] -= f * -2;
      right[i] -= f * right[i - 1];
    }
    for (int i = n - 1; i >= 0; --i)
      v[i] = (right[i] + (i + 1 < n ? 2 * v[i + 1] : 0)) / diagonal[i];
    for (int i = 0; i < n; ++i)
      if ((code >> i) & 1)
        sum += 1 - v[i];
  }
  return sum / (1 << n);
}

TEST(Kinds, LadderIsTheMeanOverAllCodes) {
  Machine m = plain();
  set(m, "dac.kind", "ladder");
  set(m, "dac.ladder_ff", "1");
  for (int n = 1; n <= 8; ++n) {
    m.dac.bits = n;
    EXPECT_NEAR(priceDriver(Operating(m)).row.in(fJ), ladderByCodes(n), 1e-12)
        << n;
  }
}

TEST(Kinds, TemporalInputsTakeTime) {
  Machine m = plain();
  set(m, "dac.kind", "temporal");
  set(m, "dac.temporal_counter_fj", "3");
  m.dac.bits = 4;
  m.dac.gate_ff_per_cell = 0.5;
  DriverPrice p = priceDriver(Operating(m));
  EXPECT_EQ(p.pulses, 15);
  EXPECT_DOUBLE_EQ(p.row.in(fJ), 10 * 0.5 + 4 * 3);
}

TEST(Kinds, ConstantDriver) {
  Machine m = plain();
  set(m, "dac.kind", "constant");
  set(m, "dac.constant_row_pj", "0.417");
  set(m, "dac.constant_row_um2", "0.166");
  DriverPrice p = priceDriver(Operating(m));
  EXPECT_DOUBLE_EQ(p.row.in(pJ), 0.417);
  EXPECT_DOUBLE_EQ(p.area.in(um2), 0.166);
}

TEST(Kinds, FlashDoublesPerBit) {
  Machine m = plain();
  set(m, "adc.kind", "flash");
  set(m, "adc.flash_fj", "2");
  set(m, "adc.flash_um2", "5");
  m.adc.bits = 3;
  Operating o(m);
  o.precision.adc_bits = 2; // stopped early: 3 of 7 comparators
  ConverterPrice p = priceConverter(o);
  EXPECT_DOUBLE_EQ(p.conversion.in(fJ), 3 * 2);
  EXPECT_DOUBLE_EQ(p.area.in(um2), 7 * 5);
}

TEST(Kinds, ConstantConverterStopsEarly) {
  Machine m = plain();
  set(m, "adc.kind", "constant");
  set(m, "adc.constant_pj", "1.6");
  set(m, "adc.constant_um2", "1200");
  set(m, "adc.constant_ns", "0.8");
  m.adc.bits = 8;
  Operating o(m);
  o.precision.adc_bits = 4;
  ConverterPrice p = priceConverter(o);
  EXPECT_DOUBLE_EQ(p.conversion.in(pJ), 0.8);
  EXPECT_DOUBLE_EQ(p.time.in(ns), 0.4);
  EXPECT_DOUBLE_EQ(p.area.in(um2), 1200);
}

TEST(Kinds, AdderTree) {
  // 8 rows, 4-bit weights: 8 x 5 - (4 + 3 + 1) = 32 full adders per weight,
  // 8 on each of its 4 columns. Depth 2 sums, a carry in, 5 carries.
  Machine m = plain();
  set(m, "adc.kind", "adder_tree");
  set(m, "adc.tree_adder_ff", "1");
  set(m, "adc.tree_adder_um2", "2");
  set(m, "adc.tree_gate_ns", "1");
  set(m, "adc.tree_sum_gates", "3");
  set(m, "adc.tree_carry_in_gates", "4");
  set(m, "adc.tree_carry_gates", "1");
  m.array.rows = 8;
  Operating o(m);
  o.precision.weight_bits = o.precision.columns_per_weight = 4;
  ConverterPrice p = priceConverter(o);
  EXPECT_DOUBLE_EQ(p.conversion.in(fJ), 8);
  EXPECT_DOUBLE_EQ(p.area.in(um2), 16);
  EXPECT_DOUBLE_EQ(p.time.in(ns), 2 * 3 + 4 + 5);
}

TEST(Scaling, TablePointsAndBetween) {
  // 32 to 7 nm at 0.8 V: (0.1776 x 0.64 - 0.09097 x 0.8 + 0.02447) /
  // (0.9559 x 0.64 - 0.7823 x 0.8 + 0.471).
  NodeScale s = scaleNode(32, 7);
  EXPECT_NEAR(s.energy, 0.065358 / 0.456936, 1e-9);
  EXPECT_NEAR(s.area, 0.0092 / 0.072, 1e-12);
  EXPECT_NEAR(s.delay, 7.0 / 32, 1e-12);
  NodeScale same = scaleNode(28, 28);
  EXPECT_EQ(same.energy, 1);
  EXPECT_EQ(same.area, 1);
  // There and back; a node between two of the table lies between them.
  EXPECT_NEAR(scaleNode(28, 65).energy * scaleNode(65, 28).energy, 1, 1e-12);
  EXPECT_GT(scaleNode(28, 32).energy, 1);
  EXPECT_LT(scaleNode(28, 20).energy, 1);
  // Beyond the ends.
  EXPECT_NEAR(scaleNode(7, 3.5).energy, std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(scaleNode(130, 260).area, 2, 1e-12);
}

// E-ADC-7: 5 bits of 2 fF at 1 V for the four columns of a weight.
TEST(Kinds, JoinedColumnsShareAConversion) {
  Machine m = plain();
  set(m, "adc.kind", "joined");
  set(m, "adc.joined_ff_per_bit", "2");
  set(m, "adc.joined_area_log10", "1");
  set(m, "adc.joined_area_log10_per_bit", "-0.25");
  set(m, "adc.joined_ns_per_bit", "0.5");
  m.adc.bits = 8;
  Operating o(m);
  o.precision.columns_per_weight = 4;
  o.precision.adc_bits = 5;
  const ConverterPrice p = priceConverter(o);
  EXPECT_DOUBLE_EQ(p.conversion.in(fJ), 5 * 2.0 / 4);
  // 10^(1 - 2) um2 per level.
  EXPECT_NEAR(p.area.in(um2), 0.1 * 256 / 4, 1e-12);
  EXPECT_DOUBLE_EQ(p.time.in(ns), 2.5);
}

TEST(Scaling, CapacitanceFollowsTheNodeThenItsRoot) {
  auto energy = [](double from, double to) {
    return scaleNode(from, to, NodeLaw::Capacitance).energy;
  };
  EXPECT_DOUBLE_EQ(energy(28, 65), 65.0 / 28);
  EXPECT_DOUBLE_EQ(energy(28, 22), 22.0 / 28);
  EXPECT_DOUBLE_EQ(energy(28, 5.5), 22.0 / 28 / 2);
  EXPECT_DOUBLE_EQ(energy(5.5, 28), 28.0 / 22 * 2);
  EXPECT_EQ(energy(7, 7), 1);
  // Area and delay are those of the other law.
  const NodeScale a = scaleNode(65, 7, NodeLaw::Capacitance),
                  b = scaleNode(65, 7, NodeLaw::StillmakerBaas);
  EXPECT_EQ(a.area, b.area);
  EXPECT_EQ(a.delay, b.delay);
  EXPECT_NE(a.energy, b.energy);
}

TEST(Kinds, AdderTreeOfAnotherShape) {
  // 40 full adders per weight on 4 columns, 7 gates of 1 ns.
  Machine m = plain();
  set(m, "adc.kind", "adder_tree");
  set(m, "adc.tree_adder_ff", "1");
  set(m, "adc.tree_adder_um2", "2");
  set(m, "adc.tree_gate_ns", "1");
  set(m, "adc.tree_sum_gates", "3");
  set(m, "adc.tree_adders", "40");
  set(m, "adc.tree_gates", "7");
  m.array.rows = 8;
  Operating o(m);
  o.precision.weight_bits = o.precision.columns_per_weight = 4;
  ConverterPrice p = priceConverter(o);
  EXPECT_DOUBLE_EQ(p.conversion.in(fJ), 10);
  EXPECT_DOUBLE_EQ(p.area.in(um2), 20);
  EXPECT_DOUBLE_EQ(p.time.in(ns), 7);
}

TEST(Kinds, ClosedFormPerWeight) {
  // 3 converters for the 4 columns of a weight, half of the weights at 0.
  Machine m = plain();
  set(m, "adc.kind", "closed_form");
  set(m, "adc.form_ff_per_bit", "2");
  set(m, "adc.form_area_log10", "1");
  m.activity.weight_density = 0.5;
  Operating o(m);
  o.precision.columns_per_weight = 4;
  o.precision.adc_bits = 4;
  EXPECT_DOUBLE_EQ(priceConverter(o).conversion.in(fJ), 8);
  EXPECT_NEAR(priceConverter(o).area.in(um2), 160, 1e-9);
  set(m, "adc.form_per_weight", "3");
  EXPECT_DOUBLE_EQ(priceConverter(o).conversion.in(fJ), 6);
  EXPECT_NEAR(priceConverter(o).area.in(um2), 120, 1e-9);
  set(m, "adc.form_gated", "1");
  EXPECT_DOUBLE_EQ(priceConverter(o).conversion.in(fJ), 3);
  EXPECT_NEAR(priceConverter(o).area.in(um2), 120, 1e-9);
}

TEST(Kinds, DigitalCellWaitsForItsAccess) {
  Machine m = plain();
  set(m, "cell.kind", "sram_digital");
  set(m, "cell.digital_gate_ns", "0.25");
  set(m, "cell.digital_access_ns", "0.5");
  EXPECT_DOUBLE_EQ(priceCell(Operating(m)).settle.in(ns), 0.75);
}

TEST(Kinds, PlaceValuesOfAnotherShape) {
  // Behind converters of 4 bits: 4 columns are joined by 4 x 3 + 4 x 1.5 = 18
  // full adders, then accumulated in 2 + 4 + 4 = 10 bits over two phases.
  Machine m = plain();
  set(m, "shift_add.kind", "place_value");
  set(m, "shift_add.place_adder_ff", "1");
  set(m, "shift_add.place_adder_um2", "1");
  set(m, "shift_add.place_gate_ns", "1");
  set(m, "shift_add.place_sum_gates", "3");
  set(m, "shift_add.place_carry_in_gates", "4");
  set(m, "shift_add.place_carry_gates", "1");
  set(m, "shift_add.place_register_ff", "0.5");
  set(m, "shift_add.place_register_um2", "2");
  set(m, "shift_add.place_adders", "-1");
  set(m, "shift_add.place_accumulator_bits", "-1");
  Operating o(m);
  o.precision.columns_per_weight = o.precision.weight_bits = 4;
  o.precision.adc_bits = 4;
  o.precision.input_bits = 2;
  AdderPrice p = priceAdder(o);
  EXPECT_DOUBLE_EQ(p.conversion.in(fJ), (18 + 10 + 5) / 4.0);
  EXPECT_DOUBLE_EQ(p.area.in(um2), (18 + 10 + 20) / 4.0);
  // One sum, a carry in, 3 carries; a carry in, 10 - 8 - 1 carries.
  EXPECT_DOUBLE_EQ(p.time.in(ns), 3 + 4 + 3 + 4 + 1);
  EXPECT_FALSE(p.registered);

  set(m, "shift_add.place_adders", "6");
  set(m, "shift_add.place_accumulator_bits", "0");
  set(m, "shift_add.place_gates", "9");
  set(m, "shift_add.place_registers", "8");
  set(m, "shift_add.place_activity", "0.5");
  set(m, "shift_add.place_pipelined", "1");
  const Energy strip = p.strip_add;
  p = priceAdder(o);
  EXPECT_DOUBLE_EQ(p.conversion.in(fJ), (3 + 4) / 4.0);
  EXPECT_DOUBLE_EQ(p.area.in(um2), (6 + 16) / 4.0);
  EXPECT_DOUBLE_EQ(p.time.in(ns), 9);
  EXPECT_TRUE(p.registered);
  // Partial sums of other arrays are as wide as before.
  EXPECT_EQ(p.strip_add.si(), strip.si());
}
