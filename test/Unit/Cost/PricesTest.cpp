//===- PricesTest.cpp - Prices of single actions, worked by hand
//-----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include <cmath>

using namespace imc;
using namespace imc::cost;

/// Relative difference of at most `tolerance`.
#define EXPECT_CLOSE(actual, expected, tolerance)                              \
  EXPECT_NEAR(actual, expected, std::abs(expected) * (tolerance))

/// The shipped machine at its nominal supply, so that factors of E-VDD are 1.
static machine::Machine nominal(const char *name) {
  machine::Machine m = test::shipped(name);
  m.technology.vdd_v = m.technology.vdd_nominal_v;
  return m;
}

/// Energy in pJ, with what leaks during one conversion, and area in um2 of the
/// machine's converter at `rate` conversions per second.
static std::pair<double, double> converterAt(machine::Machine m, double rate) {
  m.timing.cycle_time_ns = 1e9 / rate;
  machine::Operating o = operate(m, {});
  machine::ConverterPrice p = machine::priceConverter(o);
  return {(p.conversion + p.leakage * o.cycle).in(units::pJ),
          p.area.in(units::um2)};
}

// Points that the authors of the regression publish with their tool.
TEST(Adc, SurveyPoints) {
  struct Case {
    double node;
    int64_t bits;
    double rate, pj, um2;
  };
  const Case cases[] = {
      {32, 4, 1e7, 0.923749, 2159.64}, {32, 6, 1e7, 1.06509, 2253.61},
      {32, 8, 1e7, 1.71371, 2598.14},  {32, 10, 1e7, 3.30967, 3163.49},
      {65, 8, 1e7, 6.49448, 7824.07},  {22, 10, 1e9, 6.89446, 6241.64},
  };
  machine::Machine m = nominal("rram-32nm");
  for (const Case &c : cases) {
    m.technology.node_nm = c.node;
    m.technology.quoted_node_nm = c.node;
    m.adc.bits = c.bits;
    EXPECT_CLOSE(converterAt(m, c.rate).first, c.pj, 1e-5) << c.bits;
    EXPECT_CLOSE(converterAt(m, c.rate).second, c.um2, 1e-5) << c.bits;
  }
}

TEST(Adc, ConversionAndLeakage) {
  // 100 ns per cycle: 1e7 conversions/s. 8 bits: 1.71371 pJ, of which 80 % per
  // conversion and 20 % x 1e7 /s = 3.42742 uW per converter. 256 columns,
  // 64 per converter: 4 converters.
  machine::Machine m = nominal("rram-32nm");
  m.timing.cycle_time_ns = 100;
  m.adc.bits = 8;
  m.adc.share = 64;
  Prices p = priceDesign(m, {});
  EXPECT_CLOSE(p.conversion, 0.8 * 1.71371e-12, 1e-5);
  EXPECT_CLOSE(p.array_leakage_w, 4 * 3.42742e-6, 1e-5);
  // Used at 6 bits: 1.06509 pJ; what leaks is still the 8-bit converter.
  mapping::Knobs knobs;
  knobs.adc_bits = 6;
  Prices q = priceDesign(m, knobs);
  EXPECT_CLOSE(q.conversion, 0.8 * 1.06509e-12, 1e-5);
  EXPECT_EQ(q.array_leakage_w, p.array_leakage_w);
  EXPECT_EQ(q.area_mm2, p.area_mm2);
}

TEST(Adc, ShareBeyondTheColumns) {
  // A converter never leaves its array: 32 columns, share 128 is share 32.
  machine::Machine a = nominal("rram-32nm"), b = a;
  a.array.cols = b.array.cols = 32;
  a.adc.share = 128;
  b.adc.share = 32;
  EXPECT_EQ(a.adcsPerArray(), 1);
  EXPECT_EQ(priceDesign(a, {}).area_mm2, priceDesign(b, {}).area_mm2);
  // 100 columns, share 64: two converters.
  a.array.cols = 100;
  a.adc.share = 64;
  EXPECT_EQ(a.adcsPerArray(), 2);
}

TEST(Cell, Rram) {
  // (0.5 V)^2 x 10 ns x mean input 0.5 = 1.25e-9 V2 s. Mean conductance at
  // level 0.5: 1/900000 + (1/6000 - 1/900000) / 2 = 8.38889e-5 S.
  // Energy 1.048611e-13 J; a cell at level 0: 1.25e-9 / 900000 = 1.38889e-15 J.
  Prices p = priceDesign(nominal("rram-32nm"), {});
  EXPECT_CLOSE(p.cell_read, 1.048611e-13, 1e-6);
  EXPECT_CLOSE(p.idle_read, 1.388889e-15, 1e-6);
  // A differential pair halves the mean level: 1/900000 + 0.25 x 1.655556e-4
  // = 4.25e-5 S, 5.3125e-14 J.
  mapping::Knobs knobs;
  knobs.encoding = mapping::Encoding::Differential;
  EXPECT_CLOSE(priceDesign(nominal("rram-32nm"), knobs).cell_read, 5.3125e-14,
               1e-6);
}

TEST(Cell, Sram) {
  // 0.8 fF x (0.9 V)^2 x 0.5 x 0.5 = 0.162 fJ; an empty cell adds nothing.
  Prices p = priceDesign(nominal("sram-32nm"), {});
  EXPECT_CLOSE(p.cell_read, 0.162e-15, 1e-9);
  EXPECT_EQ(p.idle_read, 0);
}

TEST(Driver, RowLine) {
  // 256 cells of sqrt(48) x 32 nm = 0.221703 um: 256 x (0.2 + 0.2 x 0.221703)
  // fF = 62.5512 fF; x 0.81 V2 x 0.5 = 25.3332 fJ. One bit: no converter.
  machine::Machine m = nominal("rram-32nm");
  EXPECT_CLOSE(priceDesign(m, {}).row_drive, 25.3332e-15, 1e-5);
  // 4 bits add 4 x 40.5 fJ.
  m.dac.bits = 4;
  EXPECT_CLOSE(priceDesign(m, {}).row_drive, (25.3332 + 162) * 1e-15, 1e-5);
}

TEST(Adder, Energy) {
  // 32 bits x 5.83 fJ.
  EXPECT_CLOSE(priceDesign(nominal("rram-32nm"), {}).strip_add, 186.56e-15,
               1e-9);
}

TEST(Buffer, Fit) {
  // 64 KiB x 256 bits, read: 0.0741 x 64^0.564 x 256^0.647 pJ
  // = 0.0741 x 10.4393 x 36.1541 = 27.967 pJ (CACTI: 29.56).
  machine::Machine m = nominal("rram-32nm");
  m.tile_buffer.size_kib = 64;
  m.tile_buffer.width_bits = 256;
  m.hierarchy = {1, 1, 1};
  Prices p = priceDesign(m, {});
  EXPECT_CLOSE(p.tile_read_bit * 256, 27.967e-12, 1e-4);
  EXPECT_CLOSE(p.tile_read_bit * 256, 29.56e-12, 0.10);
  // Write: 0.0480 x 64^0.461 x 256^0.847 = 0.0480 x 6.8021 x 109.593 = 35.783.
  EXPECT_CLOSE(p.tile_write_bit * 256, 35.783e-12, 1e-4);
  // Area: 1.63e-3 x 64^0.961 x 256^0.062 = 1.63e-3 x 54.4175 x 1.41028
  // = 0.12509 mm2.
  EXPECT_CLOSE(p.area[size_t(Area::TileBuffer)], 0.12509, 1e-4);
}

TEST(Buffer, SlowerThanTheClock) {
  // 8 MiB: 0.472 x 8192^0.269 = 5.3298 ns: three cycles of 2 ns per access.
  machine::Machine m = nominal("rram-32nm");
  m.global_buffer.size_mib = 8;
  m.timing.cycle_time_ns = 2;
  EXPECT_CLOSE(priceDesign(m, {}).global_bit, 6e-9 / 2048, 1e-12);
  m.timing.cycle_time_ns = 6;
  EXPECT_CLOSE(priceDesign(m, {}).global_bit, 6e-9 / 2048, 1e-12);
  // At 0.6 V it is 2.197 times as slow: 11.71 ns, two cycles.
  m.technology.vdd_v = 0.6;
  EXPECT_CLOSE(priceDesign(m, {}).global_bit, 12e-9 / 2048, 1e-12);
}

// 15 x 1e-9 / 1e-9 is above 15 in doubles; a pulse of n clocks takes n.
TEST(Time, PulsesOfWholeClocks) {
  machine::Machine m = nominal("rram-32nm");
  for (int64_t clocks = 1; clocks <= 200; ++clocks)
    for (double cycle : {1.0, 2.0, 2.5, 5.0}) {
      m.timing.cycle_time_ns = cycle;
      m.cell.read_pulse_ns = double(clocks) * cycle;
      EXPECT_EQ(priceDesign(m, {}).read_cycles, double(clocks)) << cycle;
    }
  m.timing.cycle_time_ns = 1;
  m.cell.read_pulse_ns = 15.001;
  EXPECT_EQ(priceDesign(m, {}).read_cycles, 16);
}

TEST(Delay, AlphaPower) {
  machine::Machine m = nominal("rram-32nm");
  EXPECT_EQ(delayFactor(m.technology), 1);
  // 0.6 V: 0.6 / 0.9 x (0.55 / 0.25)^1.3 = 0.66667 x 2.78707 = 1.85805.
  m.technology.vdd_v = 0.6;
  EXPECT_CLOSE(delayFactor(m.technology), 1.85805, 1e-5);
  EXPECT_CLOSE(priceDesign(m, {}).min_cycle_ns, 1.333 * 1.85805, 1e-5);
  // At and below the threshold: finite, and slower than anything legal.
  m.technology.vdd_v = 0.35;
  double at = delayFactor(m.technology);
  m.technology.vdd_v = 0.2;
  EXPECT_TRUE(std::isfinite(delayFactor(m.technology)));
  EXPECT_GT(at, 50);
}

TEST(Voltage, SquareAndLinear) {
  machine::Machine m = nominal("sram-32nm"), half = m;
  half.technology.vdd_v = 0.45;
  Prices a = priceDesign(m, {}), b = priceDesign(half, {});
  EXPECT_CLOSE(b.conversion, a.conversion / 4, 1e-12);
  EXPECT_CLOSE(b.cell_read, a.cell_read / 4, 1e-12);
  EXPECT_CLOSE(b.row_drive, a.row_drive / 4, 1e-12);
  EXPECT_CLOSE(b.tile_read_bit, a.tile_read_bit / 4, 1e-12);
  EXPECT_CLOSE(b.noc_bit, a.noc_bit / 4, 1e-12);
  EXPECT_CLOSE(b.operation, a.operation / 4, 1e-12);
  EXPECT_CLOSE(b.leakage_w, a.leakage_w / 2, 1e-12);
  EXPECT_EQ(b.memory_bit, a.memory_bit); // has a supply of its own
  EXPECT_EQ(b.area_mm2, a.area_mm2);
}

TEST(Noc, HopsAndWires) {
  // One group, chip of A mm2: one router hop and 1.5 group sides of wire at
  // 0.2 fF/um x 0.81 V2 = 0.162 fJ/um.
  machine::Machine m = nominal("rram-32nm");
  m.hierarchy = {1, 4, 4};
  Prices p = priceDesign(m, {});
  double side = std::sqrt(p.area_mm2 * 1e6);
  EXPECT_CLOSE(p.noc_bit, 0.081e-12 + 1.5 * 0.162e-15 * side, 1e-9);
  EXPECT_CLOSE(p.noc_hops, 2 * 2e-9, 1e-12); // 1 hop of 2 cycles of 2 ns
  // 16 groups: 1, 1 on average to the side (2, 1, 0, 1) and 1.5 (0 to 3) down
  // make 3.5 hops of a quarter of the chip's side.
  m.hierarchy = {16, 4, 4};
  p = priceDesign(m, {});
  side = std::sqrt(p.area_mm2 * 1e6) / 4;
  EXPECT_CLOSE(p.noc_bit,
               3.5 * (0.081e-12 + 0.162e-15 * side) + 0.5 * 0.162e-15 * side,
               1e-9);
  EXPECT_CLOSE(p.noc_hops, 4 * 2 * 2e-9, 1e-12);
}

TEST(Area, ByHand) {
  // 2 x 3 x 5 = 30 arrays of 64 x 32. Cells: 30 x 2048 x 48 x (0.032 um)^2 =
  // 30 x 100.663 um2. Rows: 30 x 64 x (4.95 + 2 x 1.095) um2. Control: 30 x
  // 364. Share 16: 2 converters per array.
  machine::Machine m = nominal("rram-32nm");
  m.array.rows = 64;
  m.array.cols = 32;
  m.adc.share = 16;
  m.hierarchy = {2, 3, 5};
  Prices p = priceDesign(m, {});
  EXPECT_CLOSE(p.area[size_t(Area::Cells)], 30 * 100.6633e-6, 1e-6);
  EXPECT_CLOSE(p.area[size_t(Area::Drivers)], 30 * 64 * 7.14e-6, 1e-9);
  EXPECT_CLOSE(p.area[size_t(Area::Control)], 30 * 364e-6, 1e-9);
  EXPECT_CLOSE(p.area[size_t(Area::ShiftAdd)], 30 * 2 * 354e-6, 1e-9);
  double adc = converterAt(m, 5e8).second;
  EXPECT_CLOSE(p.area[size_t(Area::Adc)], 30 * (2 * adc + 32 * 3.2) * 1e-6,
               1e-9);
  EXPECT_CLOSE(p.area[size_t(Area::Noc)], 2 * 0.15, 1e-12);
  EXPECT_CLOSE(p.area[size_t(Area::Digital)], 6 * 16 * 754e-6, 1e-9);
}

TEST(Sqnr, Lossless) {
  // 8-bit weights: noise 4^-8; 8-bit inputs: 4^-8 / 4. One layer of any size.
  machine::Machine m = nominal("rram-32nm");
  Prices p = priceDesign(m, {});
  workload::Product product = workload::matmul(1, 256, 10);
  mapping::Tiling t = mapping::tile(product, m, {});
  EXPECT_CLOSE(noiseToSignal(product, t, p), 1.25 / 65536, 1e-12);
  workload::Workload w{"one", 0, {{"fc", "matmul", "", product}}};
  Cost cost = evaluate({w}, m, {});
  EXPECT_EQ(cost.models[0].adc_lost_bits, 0);
  // -10 log10(1.25 / 65536) = 47.1957 dB.
  EXPECT_NEAR(cost.models[0].sqnr_db, 47.1957, 1e-3);
}

TEST(Sqnr, DroppedBits) {
  // 256 rows, 1-bit inputs, 2-bit cells: 10 bits; 8-bit converter: 2 lost.
  // Step 4: residues 0, 1, 2, 3 are off by 0, -1, +2, +1: mean 1/2, variance
  // 15/12. Squares of the slices 1 + 16 + 256 + 4096 = 4369, of the phases
  // (4^8 - 1)/3 = 21845; slices 85, phases 255. Signal of one row: 4^8/12 x
  // 4^8/3. One strip over 256 rows: 15/12 x 4369 x 21845 / (4^16/36) / 256 =
  // 0.00390613 and (85 x 255 / 2)^2 / (4^16/36) / 256 = 0.00384557.
  machine::Machine m = nominal("rram-32nm");
  m.adc.bits = 8;
  Prices p = priceDesign(m, {});
  workload::Product product = workload::matmul(1, 256, 10);
  mapping::Tiling t = mapping::tile(product, m, {});
  EXPECT_EQ(t.lossless_bits, 10);
  EXPECT_CLOSE(noiseToSignal(product, t, p),
               1.25 / 65536 + 0.00390613 + 0.00384557, 1e-5);
  // 257 rows need two strips, whose means add up.
  product = workload::matmul(1, 257, 10);
  t = mapping::tile(product, m, {});
  EXPECT_CLOSE(noiseToSignal(product, t, p),
               1.25 / 65536 + (0.00390613 * 2 + 0.00384557 * 4) * 256 / 257,
               1e-5);
  workload::Workload w{"one", 0, {{"fc", "matmul", "", product}}};
  EXPECT_EQ(evaluate({w}, m, {}).models[0].adc_lost_bits, 2);
}

TEST(Figures, ByHand) {
  // One array of 256 x 256, 2-bit cells: 64 weights per row. 8 phases of
  // max(10 ns / 2 ns = 5, share 128) = 128 cycles = 256 ns:
  // 2 x 256 x 64 / (8 x 256 ns) = 0.016 TOPS.
  machine::Machine m = nominal("rram-32nm");
  m.hierarchy = {1, 1, 1};
  Figures f = figures(m);
  EXPECT_CLOSE(f.tops, 0.016, 1e-9);
  Prices p = priceDesign(m, {});
  double phase = 256 * p.row_drive + 65536 * p.cell_read +
                 256 * (p.conversion + p.strip_add) +
                 (p.leakage_w + p.array_leakage_w) * 256e-9;
  EXPECT_CLOSE(f.energy_per_cycle_pj, phase / 128 * 1e12, 1e-9);
  EXPECT_CLOSE(f.fj_per_mac, phase * 8 / (256 * 64) * 1e15, 1e-9);
  EXPECT_CLOSE(f.tops_per_w, 2000 / f.fj_per_mac, 1e-9);
  EXPECT_CLOSE(f.tops_per_mm2, f.tops / f.area_mm2, 1e-12);
  EXPECT_EQ(f.area_mm2, p.area_mm2);
}

TEST(Cycle, RegisterSplitsThePeriod) {
  // E-CYCLE on the digital template: gate, tree and accumulator in a row; with
  // a register the slower of the two.
  machine::Machine m = nominal("zigzag-dimc-28nm");
  const machine::Operating o = operate(m, {});
  const double first =
      (machine::priceCell(o).settle + machine::priceConverter(o).time)
          .in(units::ns);
  const double second = machine::priceAdder(o).time.in(units::ns);
  EXPECT_CLOSE(shortestCycle(o).in(units::ns), first + second, 1e-12);
  ASSERT_FALSE(bool(machine::setField(m, "shift_add.place_pipelined", 1.0)));
  EXPECT_CLOSE(shortestCycle(operate(m, {})).in(units::ns), first, 1e-12);
  ASSERT_FALSE(bool(machine::setField(m, "shift_add.place_gates", 1000.0)));
  EXPECT_CLOSE(shortestCycle(operate(m, {})).in(units::ns), 47.8, 1e-9);
}
