//===- PointsTest.cpp - Tables of published points ------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Validate/Points.h"

#include "llvm/ADT/Twine.h"

#include <gtest/gtest.h>

#include <string>

using namespace imc::validate;
using llvm::StringRef;

static const std::string header =
    "id,chip,set,kind,device,cell,compute,year,node_nm,rows,cols,rows_active,"
    "dot_len,n_adc,n_macro,adc_bits,in_bits,w_bits,in_bits_per_cycle,vdd_V,"
    "t_ns,basis,tops_w,tops_mm2,area_mm2,pJ_per_invocation,fJ_per_mac";

/// The error of reading `rows` below the header, or "".
static std::string errorOf(const std::string &text) {
  llvm::Expected<std::vector<Point>> points = parsePoints(text, "p.csv");
  return points ? "" : llvm::toString(points.takeError());
}

static std::string row(const std::string &node, const std::string &vdd,
                       const std::string &basis = "1b") {
  return header + "\nA,chip,s,silicon,SRAM,6T,AIMC,2020," + node +
         ",64,64,,64,16,1,4,1,1,," + vdd + ",10," + basis + ",100,,,,\n";
}

TEST(Points, EmptyFieldsAreNotReported) {
  auto points = parsePoints(row("28", ""), "p.csv");
  ASSERT_TRUE(bool(points)) << llvm::toString(points.takeError());
  ASSERT_EQ(points->size(), 1u);
  const Point &p = points->front();
  EXPECT_EQ(p.id, "A");
  EXPECT_EQ(p.line, 2u);
  EXPECT_EQ(*p.node_nm, 28);
  EXPECT_FALSE(p.vdd_v.has_value());
  EXPECT_FALSE(p.rows_active.has_value());
  EXPECT_TRUE(p.one_bit_basis);
  EXPECT_EQ(*p.tops_w, 100);
  EXPECT_TRUE(p.target.empty());
}

TEST(Points, QuotesHoldCommasQuotesAndLineBreaks) {
  std::string text = row("28", "0.9");
  const size_t at = text.find("chip,s,");
  text.replace(at, 4, "\"a, \"\"b\"\"\nc\"");
  text += "B,,,silicon,RRAM,,,,22,,,,8,,,,1,1,,,,,5,,,,\r\n";
  auto points = parsePoints(text, "p.csv");
  ASSERT_TRUE(bool(points)) << llvm::toString(points.takeError());
  ASSERT_EQ(points->size(), 2u);
  EXPECT_EQ((*points)[0].chip, "a, \"b\"\nc");
  EXPECT_EQ((*points)[1].line, 4u);
  EXPECT_FALSE((*points)[1].one_bit_basis);
}

TEST(Points, ColumnsInAnyOrderAndUnknownOnesAreTaken) {
  auto points =
      parsePoints("target,more," + header +
                      "\nisaac,?,A,,,silicon,,,,,,,,,,,,,,,,,,,,,,,\n",
                  "p.csv");
  ASSERT_TRUE(bool(points)) << llvm::toString(points.takeError());
  EXPECT_EQ(points->front().target, "isaac");
}

// 0 converters, 0 bits of a converter that is not there, 0.00 TOPS/mm2.
TEST(Points, ZeroOfACountIsNotReported) {
  std::string text = row("28", "0.9");
  const std::string some = ",64,64,,64,16,1,4,1,1,",
                    none = ",0,0,,64,0,1,0,1,1,";
  text.replace(text.find(some), some.size(), none);
  const std::string figures = "1b,100,,";
  text.replace(text.find(figures), figures.size(), "1b,100,0.00,");
  auto points = parsePoints(text, "p.csv");
  ASSERT_TRUE(bool(points)) << llvm::toString(points.takeError());
  const Point &p = points->front();
  EXPECT_FALSE(p.rows || p.cols || p.n_adc || p.adc_bits || p.tops_mm2);
  EXPECT_EQ(*p.n_macro, 1);
  // A supply, a node or a time is never 0.
  EXPECT_NE(errorOf(row("28", "0")).find("'vdd_V' is 0;"), std::string::npos);
}

TEST(Points, NumbersThatNothingCouldHaveAreRefused) {
  for (const char *bad : {"nan", "inf", "-28", "0", "1e30", "28nm", "0x1c"}) {
    const std::string error = errorOf(row(bad, "0.9"));
    EXPECT_NE(error.find("p.csv:2: 'node_nm' is "), std::string::npos) << error;
    EXPECT_NE(error.find(bad), std::string::npos) << error;
    EXPECT_NE(error.find("give a number from 1 to 1000"), std::string::npos)
        << error;
  }
  EXPECT_NE(errorOf(row("28", "-0.9")).find("'vdd_V'"), std::string::npos);
  EXPECT_NE(errorOf(row("28", "0.9", "2b")).find("native or 1b"),
            std::string::npos);
}

TEST(Points, DamagedTablesAreRefusedWithTheLine) {
  EXPECT_NE(errorOf("").find("p.csv:1: no header"), std::string::npos);
  EXPECT_NE(errorOf("id,kind\nA,silicon\n").find("node_nm"), std::string::npos);
  EXPECT_NE(errorOf(header + ",id\n").find("'id' is there twice"),
            std::string::npos);
  EXPECT_NE(errorOf(header + "\nA,b\n").find("p.csv:2: 2 fields"),
            std::string::npos);
  EXPECT_NE(
      errorOf(row("28", "0.9") + row("28", "0.9").substr(header.size() + 1))
          .find("p.csv:3: 'id' is 'A', as in line 2"),
      std::string::npos);
  EXPECT_NE(errorOf(header + "\n\"A,b\n").find("p.csv:2: a quote is never"),
            std::string::npos);
  EXPECT_NE(errorOf(header + "\nA\"b\",\n").find("a quote inside a field"),
            std::string::npos);
  EXPECT_NE(errorOf(header + "\n\"A\"b,\n").find("after a closing quote"),
            std::string::npos);
  EXPECT_NE(errorOf(header + std::string("\nA\0,", 4)).find("zero byte"),
            std::string::npos);
}
