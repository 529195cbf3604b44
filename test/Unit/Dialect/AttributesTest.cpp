//===- AttributesTest.cpp - Arithmetic of encodings, readouts, placements -===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/imc/IR/IMC.h"

#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

#include <cmath>
#include <set>

using namespace imc;

namespace {
struct AttributesTest : testing::Test {
  AttributesTest() { context.loadDialect<IMCDialect>(); }
  mlir::MLIRContext context;
};

// Every encoding of every width: the columns of a weight, weighted by their
// coefficients and less the offset, are the weight itself.
TEST_F(AttributesTest, EveryWeightDecodesToItself) {
  for (auto kind : {EncodingKind::Offset, EncodingKind::Differential,
                    EncodingKind::TwosComplement})
    for (int64_t n = 2; n <= 8; ++n)
      for (int64_t b = 1; b <= (kind == EncodingKind::TwosComplement ? 1 : n);
           ++b) {
        auto encoding = EncodingAttr::get(&context, kind, n, b);
        auto coefficients = encoding.coefficients();
        ASSERT_EQ(int64_t(coefficients.size()), encoding.columnsPerWeight());
        for (int64_t w = encoding.minWeight(); w <= encoding.maxWeight(); ++w) {
          auto cells = encoding.cells(w);
          ASSERT_EQ(cells.size(), coefficients.size());
          int64_t value = -encoding.offset();
          for (size_t j = 0; j < cells.size(); ++j) {
            ASSERT_LT(cells[j], 1 << b);
            value += coefficients[j] * cells[j];
          }
          ASSERT_EQ(value, w) << "n " << n << ", b " << b;
        }
      }
}

TEST_F(AttributesTest, EncodingsOfTheArchitecturePage) {
  auto offset = EncodingAttr::get(&context, EncodingKind::Offset, 8, 3);
  EXPECT_EQ(offset.columnsPerWeight(), 3); // ceil(8 / 3)
  EXPECT_EQ(offset.offset(), 128);
  auto differential =
      EncodingAttr::get(&context, EncodingKind::Differential, 8, 2);
  EXPECT_EQ(differential.columnsPerWeight(), 8); // 2 * ceil(7 / 2)
  EXPECT_EQ(differential.minWeight(), -127);
  auto bits = EncodingAttr::get(&context, EncodingKind::TwosComplement, 4, 1);
  EXPECT_EQ(bits.coefficients(), (llvm::SmallVector<int64_t>{1, 2, 4, -8}));
}

TEST_F(AttributesTest, PhasesRoundUp) {
  EXPECT_EQ(InputAttr::get(&context, 8, 1).phases(), 8);
  EXPECT_EQ(InputAttr::get(&context, 8, 3).phases(), 3);
}

TEST_F(AttributesTest, LosslessBitsHoldTheLargestSum) {
  EXPECT_EQ(ReadoutAttr::losslessBits(127, 1, 1), 7);
  EXPECT_EQ(ReadoutAttr::losslessBits(128, 1, 1), 8); // 128 needs 8 bits
  EXPECT_EQ(ReadoutAttr::losslessBits(128, 1, 2), 9); // 384
  EXPECT_EQ(ReadoutAttr::losslessBits(1, 1, 1), 1);
}

TEST_F(AttributesTest, ReadoutRoundsToItsStepAndSaturates) {
  auto coarse = ReadoutAttr::get(&context, 6, 8, ReadoutPolicy::Full);
  EXPECT_EQ(coarse.shift(), 2);
  EXPECT_EQ(coarse.read(5), 4);     // 1.25 steps
  EXPECT_EQ(coarse.read(6), 8);     // 1.5 steps, halves go up
  EXPECT_EQ(coarse.read(255), 252); // the last of 64 codes
  auto lossless = ReadoutAttr::get(&context, 8, 8, ReadoutPolicy::Full);
  for (int64_t sum = 0; sum < 256; ++sum)
    EXPECT_EQ(lossless.read(sum), sum);
}

TEST_F(AttributesTest, TiesAndPolicies) {
  auto readout = [&](ReadoutPolicy policy, ReadoutTies ties) {
    return ReadoutAttr::get(&context, 6, 8, 8, policy, ties);
  };
  const auto even = readout(ReadoutPolicy::Full, ReadoutTies::HalfEven);
  const auto floor = readout(ReadoutPolicy::Full, ReadoutTies::Floor);
  for (int64_t sum = 0; sum < 256; ++sum) {
    const auto nearest = static_cast<int64_t>(std::nearbyint(sum / 4.0));
    EXPECT_EQ(even.read(sum), std::min<int64_t>(nearest, 63) * 4);
    EXPECT_EQ(floor.read(sum), sum / 4 * 4);
  }
  // Steps of 1, however few the bits.
  const auto proved = readout(ReadoutPolicy::Lossless, ReadoutTies::HalfUp);
  EXPECT_FALSE(proved.isLossless());
  for (int64_t sum = 0; sum < 256; ++sum)
    EXPECT_EQ(proved.read(sum), std::min<int64_t>(sum, 63));
  for (ReadoutPolicy policy : {ReadoutPolicy::Filled, ReadoutPolicy::Layer,
                               ReadoutPolicy::Array, ReadoutPolicy::Column}) {
    EXPECT_FALSE(readout(policy, ReadoutTies::HalfUp).hasFixedSteps());
    EXPECT_FALSE(readout(policy, ReadoutTies::HalfUp).isLossless());
  }
}

TEST_F(AttributesTest, ReadoutClipsBeyondItsRange) {
  auto readout = [&](int64_t adcBits, int64_t rangeBits) {
    return ReadoutAttr::get(&context, adcBits, /*lossless_bits=*/8, rangeBits,
                            ReadoutPolicy::Full);
  };
  // Steps of 1 up to 63.
  ReadoutAttr fine = readout(6, 6);
  EXPECT_EQ(fine.shift(), 0);
  EXPECT_EQ(fine.lastCode(), 63);
  EXPECT_FALSE(fine.isLossless());
  for (int64_t sum = 0; sum < 256; ++sum)
    EXPECT_EQ(fine.read(sum), std::min<int64_t>(sum, 63));
  // Steps of 2 up to 126, halves go up.
  ReadoutAttr middle = readout(6, 7);
  for (int64_t sum = 0; sum < 256; ++sum)
    EXPECT_EQ(middle.read(sum), std::min<int64_t>((sum + 1) / 2 * 2, 126));
  // More codes than the range has: they stay without use.
  ReadoutAttr narrow = readout(8, 5);
  EXPECT_EQ(narrow.lastCode(), 31);
  for (int64_t sum = 0; sum < 256; ++sum)
    EXPECT_EQ(narrow.read(sum), std::min<int64_t>(sum, 31));
  // The whole range is what is meant without one.
  EXPECT_EQ(readout(6, 8),
            ReadoutAttr::get(&context, 6, 8, ReadoutPolicy::Full));
  EXPECT_TRUE(readout(8, 8).isLossless());
  EXPECT_TRUE(readout(9, 8).isLossless());
  EXPECT_FALSE(readout(7, 8).isLossless());
}

TEST_F(AttributesTest, PlacementCountsThroughCopiesPacksAndStrips) {
  auto placement = PlacementAttr::get(&context, 10, 2, 3, 4, 5, 1, 1);
  EXPECT_EQ(placement.arraysPerCopy(), 60);
  EXPECT_EQ(placement.arrays(), 120);
  int64_t next = 10;
  for (int64_t k = 0; k < 2; ++k)
    for (int64_t p = 0; p < 3; ++p)
      for (int64_t s = 0; s < 4; ++s)
        for (int64_t t = 0; t < 5; ++t)
          EXPECT_EQ(placement.array(k, p, s, t), next++);
}

TEST_F(AttributesTest, RowSetsShareAnArray) {
  // Ten tiles, four to an array: three arrays, the last one half full.
  auto placement = PlacementAttr::get(&context, 7, 2, 1, 5, 2, 4, 1);
  EXPECT_EQ(placement.arraysPerCopy(), 3);
  EXPECT_EQ(placement.arrays(), 6);
  std::set<std::pair<int64_t, int64_t>> seen;
  for (int64_t k = 0; k < 2; ++k)
    for (int64_t s = 0; s < 5; ++s)
      for (int64_t t = 0; t < 2; ++t) {
        EXPECT_EQ(placement.array(k, 0, s, t), 7 + 3 * k + (2 * s + t) / 4);
        EXPECT_TRUE(seen.insert({placement.array(k, 0, s, t),
                                 placement.rowSet(0, s, t)})
                        .second);
      }
}

TEST_F(AttributesTest, CopiesAreAlignedToCores) {
  // Three arrays per copy, cores of eight: bundles of two copies, for which the
  // rest of the first core must have room.
  auto small = PlacementAttr::get(&context, 10, 5, 1, 1, 3, 1, 8);
  const int64_t firsts[] = {10, 13, 16, 19, 24};
  for (int64_t k = 0; k < 5; ++k) {
    EXPECT_EQ(small.firstArrayOf(k), firsts[k]);
    EXPECT_EQ(small.array(k, 0, 0, 2), firsts[k] + 2);
  }
  EXPECT_EQ(small.arrays(), 15);
  // Ten arrays begin a core and fill one and a quarter.
  auto large = PlacementAttr::get(&context, 8, 3, 1, 5, 2, 1, 8);
  for (int64_t k = 0; k < 3; ++k)
    EXPECT_EQ(large.array(k, 0, 4, 1), 8 + 16 * k + 9);
}
} // namespace
