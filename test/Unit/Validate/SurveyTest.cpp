//===- SurveyTest.cpp - Published points as machines ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Validate/Validate.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace imc;
using namespace imc::validate;

static const std::vector<std::string> folders = {std::string(IMC_SOURCE_DIR) +
                                                 "/targets"};

static machine::TargetSpec base(const char *name) {
  auto spec = machine::loadTarget(name, folders);
  if (!spec)
    ADD_FAILURE() << llvm::toString(spec.takeError());
  return spec ? *spec : machine::TargetSpec();
}

/// 64 rows, 16 results of 4-bit weights, 4-bit inputs, 28 nm, 0.8 V.
static Point point(const char *device) {
  Point p;
  p.id = "A";
  p.kind = "silicon";
  p.device = device;
  p.node_nm = 28;
  p.vdd_v = 0.8;
  p.dot_len = 64;
  p.n_adc = 16;
  p.in_bits = 4;
  p.w_bits = 4;
  p.adc_bits = 5;
  p.tops_w = 10;
  return p;
}

static Design designed(const Point &p, const char *target) {
  auto d = design(p, base(target));
  if (!d)
    ADD_FAILURE() << llvm::toString(d.takeError());
  return d ? *d : Design();
}

/// Energy of one invocation of one array in fJ.
static double energyOf(const Design &d) {
  const machine::Machine &m = d.machine;
  const double results =
      static_cast<double>(m.array.cols) /
      static_cast<double>(mapping::columnsPerWeight(d.knobs, m.cell.bits));
  return cost::figures(m, d.knobs).fj_per_mac *
         static_cast<double>(m.drivenRows()) * results;
}

TEST(Survey, KindsOfPoints) {
  Point p = point("SRAM");
  EXPECT_STREQ(kindOf(p)->name, "sram_analog");
  p.compute = "DIMC";
  EXPECT_STREQ(kindOf(p)->name, "sram_digital");
  p.compute = "";
  p.cell = "6T+D";
  EXPECT_STREQ(kindOf(p)->name, "sram_digital");
  p.compute = "AIMC:QS";
  EXPECT_STREQ(kindOf(p)->name, "sram_analog");
  p.device = "RRAM";
  EXPECT_STREQ(kindOf(p)->name, "rram");
  p.device = "MRAM";
  EXPECT_EQ(kindOf(p), nullptr);
}

// E-SURVEY-3: 4 phases x 0.64 V2 x (64 x 64 cells x 1.74 fF + 16 conversions x
// 5 bits x 4.2 fF).
TEST(Survey, EnergyOfAnAnalogPointByHand) {
  Design d = designed(point("SRAM"), "survey-sram-analog");
  EXPECT_EQ(d.phases, 4);
  EXPECT_EQ(d.machine.array.cols, 64);
  EXPECT_NEAR(energyOf(d), 4 * 0.64 * (4096 * 1.74 + 16 * 5 * 4.2), 1e-6);
}

// 4 phases x 0.64 V2 x (4096 x 0.175 x 0.5 gates + 64 x 64 rows' lines at half
// + 16 trees of (64 x 5 - 11) adders at half + 16 x 14-bit accumulators).
TEST(Survey, EnergyOfADigitalPointByHand) {
  Point p = point("SRAM");
  p.compute = "DIMC";
  Design d = designed(p, "survey-sram-digital");
  const double line = 0.35 + 0.2 * std::sqrt(130) * 0.028;
  EXPECT_NEAR(energyOf(d),
              4 * 0.64 *
                  (4096 * 0.175 * 0.5 + 4096 * line * 0.5 +
                   16 * (64 * 5 - 11) * 4.2 * 0.5 + 16 * 14 * (4.2 + 2.1)),
              1e-6);
}

// 2.5 uS at 0.5 V for the time of the row, whatever the phases, and lines and
// conversions at 0.8 V.
TEST(Survey, EnergyOfAResistivePointByHand) {
  Point p = point("RRAM");
  p.t_ns = 20;
  Design d = designed(p, "survey-rram");
  EXPECT_EQ(d.machine.timing.cycle_time_ns, 5);
  const double line = 0.35 + 0.2 * std::sqrt(48) * 0.028;
  EXPECT_NEAR(energyOf(d),
              4096 * 2.5 * 0.25 * 20 + 4 * 0.64 * (4096 * line + 16 * 5 * 4.2),
              1e-6);
  p.t_ns.reset();
  EXPECT_EQ(designed(p, "survey-rram").machine.cell.read_pulse_ns, 10);
}

// E-SURVEY-2 and E-SURVEY-4.
TEST(Survey, ColumnsOfAWeight) {
  Point p = point("SRAM");
  p.w_bits = 1.5;
  EXPECT_EQ(designed(p, "survey-sram-analog").machine.array.cols, 16);
  Point r = point("RRAM");
  r.cols = 32;
  Design d = designed(r, "survey-rram");
  EXPECT_EQ(d.machine.array.cols, 32);
  EXPECT_EQ(d.machine.cell.bits, 2);
  r.cols = 512;
  EXPECT_EQ(designed(r, "survey-rram").machine.array.cols, 64);
  r.cell = "1T1R pair per weight";
  r.n_adc.reset();
  r.cols = 256;
  d = designed(r, "survey-rram");
  EXPECT_EQ(d.machine.array.cols, 256);
  EXPECT_EQ(mapping::columnsPerWeight(d.knobs, d.machine.cell.bits), 2);
}

// E-SURVEY-3 and E-SURVEY-5.
TEST(Survey, WhatIsNotReported) {
  Point p = point("SRAM");
  p.dot_len.reset();
  p.rows_active = 32;
  p.rows = 256;
  EXPECT_EQ(designed(p, "survey-sram-analog").machine.drivenRows(), 32);
  p.rows_active.reset();
  EXPECT_EQ(designed(p, "survey-sram-analog").machine.drivenRows(), 256);
  p.rows.reset();
  auto none = design(p, base("survey-sram-analog"));
  ASSERT_FALSE(bool(none));
  EXPECT_NE(llvm::toString(none.takeError()).find("dot_len"),
            std::string::npos);

  Point q = point("SRAM");
  q.vdd_v.reset();
  q.node_nm = 65;
  EXPECT_DOUBLE_EQ(designed(q, "survey-sram-analog").machine.technology.vdd_v,
                   1.1);
  q.node_nm = 28;
  EXPECT_DOUBLE_EQ(designed(q, "survey-sram-analog").machine.technology.vdd_v,
                   0.86);
  q.node_nm = 4;
  EXPECT_DOUBLE_EQ(designed(q, "survey-sram-analog").machine.technology.vdd_v,
                   0.75);

  // 64 x 15 needs 10 bits; more cannot be had, fewer are taken.
  for (auto [reported, taken] : {std::pair(12, 10), {0, 10}, {7, 7}}) {
    Point r = point("SRAM");
    if (reported)
      r.adc_bits = reported;
    else
      r.adc_bits.reset();
    EXPECT_EQ(designed(r, "survey-sram-analog").machine.adc.bits, taken);
  }
}

// E-SURVEY-6: cells of the array beyond those at work are row sets: they take
// area, not energy.
TEST(Survey, AllCellsTakeArea) {
  Point p = point("SRAM");
  Design lean = designed(p, "survey-sram-analog");
  EXPECT_FALSE(lean.all_cells);
  p.rows = 512;
  p.cols = 128;
  Design whole = designed(p, "survey-sram-analog");
  EXPECT_TRUE(whole.all_cells);
  EXPECT_EQ(whole.machine.array.rows * whole.machine.array.cols, 512 * 128);
  EXPECT_DOUBLE_EQ(energyOf(whole), energyOf(lean));
  EXPECT_GT(cost::figures(whole.machine).area_mm2,
            cost::figures(lean.machine).area_mm2);
}

TEST(Survey, MachinesThatCannotBeAreRefusedByField) {
  Point p = point("SRAM");
  p.n_adc = 9000;
  auto none = design(p, base("survey-sram-analog"));
  ASSERT_FALSE(bool(none));
  EXPECT_NE(llvm::toString(none.takeError()).find("array.cols"),
            std::string::npos);
  p.n_adc = 16.4; // a mean over arrays
  EXPECT_EQ(designed(p, "survey-sram-analog").machine.array.cols, 64);
  p.dot_len = 64.5;
  auto half = design(p, base("survey-sram-analog"));
  ASSERT_FALSE(bool(half));
  EXPECT_NE(llvm::toString(half.takeError()).find("array.active_rows"),
            std::string::npos);
}

TEST(Agreement, SharesAndMedians) {
  EXPECT_EQ(agreement({}).points, 0u);
  Agreement a = agreement({1, 0.5, 2, 0.25, 3});
  EXPECT_EQ(a.points, 5u);
  EXPECT_DOUBLE_EQ(a.within_2x, 0.6);
  EXPECT_DOUBLE_EQ(a.median_factor, 2);
  EXPECT_DOUBLE_EQ(agreement({1, 4}).median_factor, 2.5);
}

// Reported figures are compared with, never read by the pricing.
TEST(Validate, ReportedFiguresDoNotMoveThePrice) {
  Point p = point("SRAM");
  p.one_bit_basis = true;
  Point q = p;
  q.id = "B";
  q.tops_w = 20;
  q.pj_per_invocation = 1;
  auto results = validate::validate({p, q}, folders);
  ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
  EXPECT_DOUBLE_EQ(*(*results)[0].ratio.tops_per_w,
                   2 * *(*results)[1].ratio.tops_per_w);
  // One-bit TOPS/W counts every pair of bits.
  EXPECT_DOUBLE_EQ(*(*results)[0].ratio.tops_per_w,
                   (*results)[0].figures.tops_per_w * 16 / 10);
  // Energy of one invocation: 2 x 64 x 16 operations.
  EXPECT_NEAR(*(*results)[1].ratio.energy,
              2 * 64 * 16 / (*results)[1].figures.tops_per_w, 1e-9);
}

TEST(Validate, SkippedRowsSayWhy) {
  Point simulated = point("SRAM"), silent = point("SRAM"),
        magnetic = point("MRAM");
  simulated.kind = "simulated";
  silent.id = "B";
  silent.tops_w.reset();
  magnetic.id = "C";
  auto results = validate::validate({simulated, silent, magnetic}, folders);
  ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
  for (const Result &r : *results)
    EXPECT_FALSE(r.priced());
  EXPECT_NE((*results)[0].reason.find("simulated"), std::string::npos);
  EXPECT_NE((*results)[1].reason.find("reports no"), std::string::npos);
  EXPECT_NE((*results)[2].reason.find("MRAM"), std::string::npos);
}

TEST(Validate, RowsOfATargetHaveItsConstants) {
  Point p = point("SRAM");
  p.in_bits = p.w_bits = 8;
  p.vdd_v = 0.9;
  p.adc_bits.reset();
  p.target = "zigzag-aimc-28nm";
  p.tops_w = 9.622171;
  auto results = validate::validate({p}, folders);
  ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
  EXPECT_EQ(results->front().target, "zigzag-aimc-28nm");
  EXPECT_NEAR(*results->front().ratio.tops_per_w, 1, 1e-6);

  // At half the supply and with conversions of 4 bits it is better; 12 bits are
  // more than its converters have.
  Point low = p, coarse = p, fine = p;
  low.vdd_v = 0.45;
  coarse.adc_bits = 4;
  fine.adc_bits = 12;
  results = validate::validate({low, coarse, fine}, folders);
  ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
  EXPECT_NEAR(*(*results)[0].ratio.tops_per_w, 4, 1e-5);
  EXPECT_GT(*(*results)[1].ratio.tops_per_w, 1.5);
  EXPECT_NEAR(*(*results)[2].ratio.tops_per_w, 1, 1e-6);

  p.target = "nowhere-5nm";
  auto unknown = validate::validate({p}, folders);
  ASSERT_FALSE(bool(unknown));
  const std::string error = llvm::toString(unknown.takeError());
  EXPECT_NE(error.find("row 'A'"), std::string::npos) << error;
  EXPECT_NE(error.find("nowhere-5nm"), std::string::npos) << error;
}
