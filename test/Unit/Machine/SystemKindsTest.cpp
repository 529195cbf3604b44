//===- SystemKindsTest.cpp - Buffers, networks, memories, lanes by hand ---===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PlainMachine.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace imc::machine;
using namespace imc::test;
using namespace imc::units;

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
