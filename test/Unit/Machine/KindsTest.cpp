//===- KindsTest.cpp - Equations of components, by hand -------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Machine/Kind.h"
#include "imc/Machine/Scaling.h"
#include "imc/Machine/Target.h"

#include "gtest/gtest.h"

#include <cmath>
#include <set>

using namespace imc::machine;
using namespace imc::units;

/// A machine with everything 0 but what the test sets; 1 V, 100 nm, 10 rows of
/// 10 columns.
static Machine plain() {
  Machine m;
  m.technology.node_nm = 100;
  m.technology.vdd_v = m.technology.vdd_nominal_v = 1;
  m.array.rows = m.array.cols = 10;
  m.dac.bits = 1;
  m.adc.bits = 4;
  m.activity.input_density = m.activity.weight_density = 1;
  return m;
}

static void set(Machine &m, const char *field, const char *value) {
  llvm::Error error = setField(m, field, llvm::StringRef(value));
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
}

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

/// A field of the kinds below, by number.
static void set(Machine &m, const char *field, double value) {
  llvm::Error error = setField(m, field, value);
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
}

/// `plain` with 2 tiles in each of `groups` groups.
static Machine grouped(int64_t groups) {
  Machine m = plain();
  m.hierarchy.groups = groups;
  m.hierarchy.tiles_per_group = 2;
  return m;
}

// E-BUF at the anchor of the fit: CACTI says 29.56 pJ and 0.101 mm2 for 64 KiB
// of 256 bits at 32 nm.
TEST(Kinds, PowerLawsOfBuffers) {
  Machine m = plain();
  m.buffer_fit = {0.0741, 0.564, 0.647,   0.0480, 0.461, 0.847, 1.63e-3,
                  0.961,  0.062, 6.86e-5, 0.929,  0.472, 0.269};
  m.tile_buffer.size_kib = 64;
  m.tile_buffer.width_bits = 256;
  const BufferPrice p = priceTileBuffer(Operating(m));
  EXPECT_NEAR(256 * p.read_bit.in(pJ), 29.56, 0.1 * 29.56);
  EXPECT_NEAR(256 * p.read_bit.in(pJ),
              0.0741 * std::pow(64, 0.564) * std::pow(256, 0.647), 1e-9);
  EXPECT_NEAR(p.area.count, 0.101, 0.25 * 0.101);
  EXPECT_NEAR(p.access.count, 0.472 * std::pow(64, 0.269), 1e-12);
}

// E-EDRAM with the eDRAM of PUMA's simulator (17.2 pJ per 256 bits, 0.086 mm2
// and 0.46 mW per 64 KiB, 2 ns), refreshed every 40 us: 524,288 bits x 2 x
// 0.0672 pJ / 40 us = 1.7616 mW per bank.
TEST(Kinds, EDRAMIsRefreshedBankByBank) {
  Machine m = plain();
  set(m, "global_buffer.kind", "edram");
  set(m, "global_buffer.edram_bank_kib", 64);
  set(m, "global_buffer.edram_read_pj_per_bit", 17.2 / 256);
  set(m, "global_buffer.edram_write_pj_per_bit", 17.2 / 256);
  set(m, "global_buffer.edram_bank_mm2", 0.086);
  set(m, "global_buffer.edram_bank_leakage_mw", 0.46);
  set(m, "global_buffer.edram_access_ns", 2);
  set(m, "global_buffer.edram_retention_us", 40);
  m.global_buffer.size_mib = 8.625; // PUMA: 138 banks
  m.global_buffer.width_bits = 256;
  const BufferPrice p = priceGlobalBuffer(Operating(m));
  EXPECT_DOUBLE_EQ(256 * p.read_bit.in(pJ), 17.2);
  EXPECT_DOUBLE_EQ(p.write_bit.in(pJ), p.read_bit.in(pJ));
  EXPECT_DOUBLE_EQ(p.area.count, 138 * 0.086);
  EXPECT_NEAR(p.leakage.in(mW), 138 * (0.46 + 524288 * 2 * 17.2 / 256 / 40e3),
              1e-6);
  EXPECT_NEAR(p.leakage.in(mW) / 138, 0.46 + 1.7613, 1e-4);
  EXPECT_EQ(p.access.count, 2);
  // A bank that is not full is a bank; its empty cells are not refreshed.
  m.global_buffer.size_mib = 0.07; // 71.68 KiB
  EXPECT_DOUBLE_EQ(priceGlobalBuffer(Operating(m)).area.count, 2 * 0.086);
  // Twice the retention time, half of the refresh.
  const double before = priceGlobalBuffer(Operating(m)).leakage.in(mW);
  set(m, "global_buffer.edram_retention_us", 80);
  EXPECT_NEAR(priceGlobalBuffer(Operating(m)).leakage.in(mW)-2 * 0.46,
              (before - 2 * 0.46) / 2, 1e-9);
}

// E-REG with Aladdin's register at 40 nm: 9 fJ and 5.98 um2 per bit.
TEST(Kinds, RegistersAreReadThroughATree) {
  Machine m = plain();
  set(m, "tile_buffer.kind", "registers");
  set(m, "tile_buffer.register_mux_ff", 2);
  set(m, "tile_buffer.register_write_fj_per_bit", 9);
  set(m, "tile_buffer.register_um2_per_bit", 5.98);
  set(m, "tile_buffer.register_leakage_nw_per_bit", 20);
  set(m, "tile_buffer.register_mux_ns", 0.1);
  m.tile_buffer.size_kib = 1; // 8,192 bits: 32 words
  m.tile_buffer.width_bits = 256;
  const BufferPrice p = priceTileBuffer(Operating(m));
  EXPECT_DOUBLE_EQ(p.write_bit.in(fJ), 9);
  EXPECT_DOUBLE_EQ(p.read_bit.in(fJ), 5 * 2);
  EXPECT_DOUBLE_EQ(p.area.count, 8192 * 5.98e-6);
  EXPECT_NEAR(p.leakage.in(uW), 8192 * 0.02, 1e-9);
  EXPECT_DOUBLE_EQ(p.access.count, 0.5);
}

// E-NOC: 4 groups of a 2 x 2 mesh are 1, 2, 2 and 3 routers away, a group is
// half of the chip wide.
TEST(Kinds, MeshHasALinkPerGroup) {
  Machine m = grouped(4);
  m.noc.router_pj_per_bit = 0.081;
  m.noc.router_area_mm2 = 0.15;
  m.noc.wire_ff_per_um = 0.2;
  m.noc.hop_cycles = 2;
  const Operating o(m);
  EXPECT_DOUBLE_EQ(networkArea(o).count, 0.6);
  const NetworkPrice p = priceNetwork(o, Mm2{4});
  EXPECT_NEAR(p.bit.in(pJ), 2 * 0.081 + 2.5 * 0.2e-3 * 1000, 1e-12);
  EXPECT_EQ(p.links, 4);
  EXPECT_EQ(p.hop_cycles, 4);
}

// E-BUS with ISAAC's bus: 0.054 pJ per bit, 7,500 um2 of drivers. On a chip of
// 2 mm x 2 mm with 2 rows of groups the comb is 2 + 2 x 2 mm long.
TEST(Kinds, BusChargesAllItsWire) {
  Machine m = grouped(4);
  set(m, "noc.kind", "bus");
  set(m, "noc.bus_pj_per_bit", 0.054);
  set(m, "noc.bus_um2_per_group", 7500);
  m.noc.wire_ff_per_um = 0.2;
  m.noc.hop_cycles = 1;
  Operating o(m);
  EXPECT_DOUBLE_EQ(networkArea(o).count, 0.03);
  NetworkPrice p = priceNetwork(o, Mm2{4});
  EXPECT_NEAR(p.bit.in(pJ), 0.054 + 0.2e-3 * 6000, 1e-12);
  EXPECT_EQ(p.links, 1); // one message at a time
  EXPECT_EQ(p.hop_cycles, 1);
  // Circuits scale by E-NODE, wires do not.
  o.dynamic = 0.5;
  p = priceNetwork(o, Mm2{4});
  EXPECT_NEAR(p.bit.in(pJ), 0.027 + 0.2e-3 * 6000, 1e-12);
}

// E-HTREE: 16 groups on 4 mm x 4 mm: 1 + 1 + 0.5 + 0.5 mm to each of them, as
// in an H-tree drawn by hand, and half of a group's 1 mm inside.
TEST(Kinds, TreeIsEquallyFarFromAllGroups) {
  Machine m = grouped(16);
  set(m, "noc.kind", "htree");
  set(m, "noc.htree_branch_ff_per_bit", 6.4);
  set(m, "noc.htree_branch_um2_per_bit", 8.82);
  m.noc.wire_ff_per_um = 0.2;
  m.noc.hop_cycles = 1;
  m.noc.link_bits = 256;
  const Operating o(m);
  const NetworkPrice p = priceNetwork(o, Mm2{16});
  EXPECT_NEAR(p.bit.in(pJ), 4 * 6.4e-3 + 0.2e-3 * 3500, 1e-12);
  EXPECT_EQ(p.links, 1);
  EXPECT_EQ(p.hop_cycles, 4);
  EXPECT_NEAR(networkArea(o).count, 15 * 256 * 8.82e-6, 1e-12);
  // A tree of one leaf is a wire.
  const Machine single = [&] {
    Machine n = m;
    n.hierarchy.groups = 1;
    return n;
  }();
  EXPECT_EQ(networkArea(Operating(single)).count, 0);
  EXPECT_NEAR(priceNetwork(Operating(single), Mm2{16}).bit.in(pJ),
              0.2e-3 * 2000, 1e-12);
}

// E-DRAM: four DDR4-3200 devices of 8 Gb with 16 pins. Row: 1.2 V x (95 mA x
// 46.25 ns - 56 x 32.5 - 37 x 13.75) = 2,478 pJ for 16,384 bits; burst: 1.2 V x
// (290 - 56) mA / 51.2 Gb/s = 5.484 pJ; termination: 1.44 V2 / 82 Ohm / 2 /
// 3.2 Gb/s = 2.744 pJ. Standby: 4 x 1.2 V x (56 + 224 x 350/7800) mA.
TEST(Kinds, DataSheetOfDRAM) {
  Machine m = plain();
  set(m, "memory.kind", "dram_sheet");
  const std::pair<const char *, double> sheet[] = {
      {"channels", 1},     {"devices", 4},   {"pins", 16},
      {"rate_mt_s", 3200}, {"vdd_v", 1.2},   {"idd0_ma", 95},
      {"idd2n_ma", 37},    {"idd3n_ma", 56}, {"idd4r_ma", 302},
      {"idd4w_ma", 278},   {"idd5_ma", 280}, {"tras_ns", 32.5},
      {"trp_ns", 13.75},   {"trfc_ns", 350}, {"trefi_ns", 7800},
      {"page_bits", 16384}};
  for (auto [name, value] : sheet)
    set(m, (std::string("memory.sheet_") + name).c_str(), value);
  MemoryPrice p = priceMemory(Operating(m));
  EXPECT_NEAR(p.bit.in(pJ), 2478.0 / 16384 + 5.484375, 1e-9);
  EXPECT_NEAR(1 / p.bit_time.si(), 8 * 25.6e9 * (1 - 350.0 / 7800), 1);
  EXPECT_NEAR(p.standby.in(mW), 4 * 1.2 * (56 + 224 * 350.0 / 7800), 1e-9);
  EXPECT_FALSE(memoryKind(m).absent);
  set(m, "memory.sheet_termination_ohm", 82);
  p = priceMemory(Operating(m));
  EXPECT_NEAR(p.bit.in(pJ), 8.3796, 1e-4);
  // It has a supply of its own.
  Operating low(m);
  low.dynamic = low.supply = 0.5;
  EXPECT_EQ(priceMemory(low).bit.si(), p.bit.si());
  // Channels add bandwidth and standby power.
  set(m, "memory.sheet_channels", 2);
  EXPECT_NEAR(priceMemory(Operating(m)).bit_time / p.bit_time, 0.5, 1e-12);
  EXPECT_NEAR(priceMemory(Operating(m)).standby / p.standby, 2, 1e-12);
  EXPECT_EQ(contradictionOf(m), "");

  // Sheets that say the impossible.
  auto refused = [&](const char *field, double value) {
    Machine wrong = m;
    set(wrong, field, value);
    return contradictionOf(wrong);
  };
  EXPECT_NE(refused("memory.sheet_trfc_ns", 7800).find("trefi"),
            std::string::npos);
  EXPECT_NE(refused("memory.sheet_idd4w_ma", 56).find("idd4w"),
            std::string::npos);
  EXPECT_NE(refused("memory.sheet_idd5_ma", 20).find("idd5"),
            std::string::npos);
  EXPECT_NE(refused("memory.sheet_idd0_ma", 10).find("idd0"),
            std::string::npos);
}

TEST(Kinds, InterfacesOfMemoryDifferInNumbersOnly) {
  Machine m = plain();
  EXPECT_TRUE(memoryKind(m).absent);
  EXPECT_EQ(priceMemory(Operating(m)).bit_time.si(), 0);
  for (const char *name : {"lpddr4", "ddr3", "hbm2", "hbm3"}) {
    set(m, "memory.kind", name);
    m.memory.energy_pj_per_bit = 0;
    EXPECT_NE(contradictionOf(m).find("energy_pj_per_bit"), std::string::npos);
    m.memory.energy_pj_per_bit = 8;
    m.memory.bandwidth_gb_s = 25.6;
    EXPECT_EQ(contradictionOf(m), "");
    EXPECT_DOUBLE_EQ(priceMemory(Operating(m)).bit.in(pJ), 8);
    EXPECT_DOUBLE_EQ(1 / priceMemory(Operating(m)).bit_time.si(), 204.8e9);
    EXPECT_EQ(priceMemory(Operating(m)).standby.si(), 0);
  }
}

// E-LANES and E-SIMD: Horowitz (ISSCC 2014) gives 0.1 pJ for an addition of 32
// bits and 0.2 pJ for a product of 8 at 45 nm.
TEST(Kinds, VectorUnitSplitsItsWords) {
  Machine m = grouped(3);
  set(m, "digital.kind", "simd");
  set(m, "digital.simd_width_bits", 128);
  set(m, "digital.simd_least_bits", 8);
  set(m, "digital.simd_add_fj_per_bit", 100.0 / 32);
  set(m, "digital.simd_multiply_fj_per_bit2", 200.0 / 64);
  m.shift_add.accumulator_bits = 32;
  Operating o(m);
  o.precision.input_bits = 8;
  LanePrice p = priceLanes(o);
  EXPECT_DOUBLE_EQ(p.mac.in(fJ), 200 + 100);
  EXPECT_DOUBLE_EQ(p.operation.in(fJ), 25);
  EXPECT_EQ(p.per_cycle, 6 * 16);
  // Narrower words take the narrowest element, wider ones fewer.
  o.precision.input_bits = 4;
  EXPECT_EQ(priceLanes(o).per_cycle, 6 * 16);
  EXPECT_DOUBLE_EQ(priceLanes(o).mac.in(fJ), 300);
  o.precision.input_bits = 32;
  p = priceLanes(o);
  EXPECT_EQ(p.per_cycle, 6 * 4);
  EXPECT_DOUBLE_EQ(p.operation.in(fJ), 100);
  EXPECT_DOUBLE_EQ(p.mac.in(fJ), 3200 + 100); // Horowitz: 3.1 + 0.1 pJ
  // The instruction is shared, registers are not.
  set(m, "digital.simd_instruction_pj", 1.6);
  set(m, "digital.simd_register_fj_per_bit", 9);
  o.precision.input_bits = 8;
  p = priceLanes(o);
  EXPECT_DOUBLE_EQ(p.operation.in(fJ), 25 + 24 * 9 + 100);
  EXPECT_DOUBLE_EQ(p.mac.in(fJ), 300 + 48 * 9 + 100);
  // Dally (NIPS 2015): 137 um2 per adder of 32, 282 per multiplier of 8 bits.
  set(m, "digital.simd_add_um2_per_bit", 137.0 / 32);
  set(m, "digital.simd_multiply_um2_per_bit2", 282.0 / 64);
  EXPECT_NEAR(priceLanes(o).area.count, 6 * 16 * (137 / 4.0 + 282) * 1e-6,
              1e-12);
  set(m, "digital.simd_leakage_nw_per_bit", 700);
  EXPECT_NEAR(priceLanes(o).leakage.in(uW), 6 * 128 * 0.7, 1e-9);
}

TEST(Kinds, LanesCostTheSameAtAnyWidth) {
  Machine m = grouped(3);
  m.digital.lanes_per_tile = 16;
  m.digital.operation_pj = 0.815;
  m.digital.mac_pj = 1.417;
  m.digital.lane_area_um2 = 754;
  m.digital.lane_leakage_uw = 5.6;
  Operating o(m);
  o.precision.input_bits = 2;
  const LanePrice p = priceLanes(o);
  EXPECT_DOUBLE_EQ(p.operation.in(pJ), 0.815);
  EXPECT_DOUBLE_EQ(p.mac.in(pJ), 1.417);
  EXPECT_EQ(p.per_cycle, 96);
  EXPECT_NEAR(p.area.count, 96 * 754e-6, 1e-12);
  EXPECT_NEAR(p.leakage.in(uW), 96 * 5.6, 1e-9);
}

// A kind that is chosen without its figures is refused by name, not priced with
// zeros.
TEST(Kinds, WithoutFiguresIsRefused) {
  const Machine shipped = [] {
    auto spec = loadTarget("rram-32nm", {IMC_SOURCE_DIR "/targets"});
    return llvm::cantFail(llvm::cantFail(std::move(spec)).machine());
  }();
  const std::pair<const char *, const char *> kinds[] = {
      {"tile_buffer", "edram"},
      {"tile_buffer", "registers"},
      {"global_buffer", "edram"},
      {"global_buffer", "registers"},
      {"noc", "bus"},
      {"noc", "htree"},
      {"memory", "dram_sheet"},
      {"digital", "simd"}};
  for (auto [component, kind] : kinds) {
    Machine m = shipped;
    set(m, (std::string(component) + ".kind").c_str(), kind);
    const std::string text = llvm::toString(check(m));
    EXPECT_NE(text.find(std::string("'") + component + "."), std::string::npos)
        << component << " " << kind << ": " << text;
  }
}
