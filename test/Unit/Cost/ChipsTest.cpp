//===- ChipsTest.cpp - Shipped machines against their own figures ---------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Common.h"

#include "imc/Machine/Target.h"

#include <cmath>

using namespace imc;
using namespace imc::cost;

/// Relative difference of at most `tolerance`.
#define EXPECT_CLOSE(actual, expected, tolerance)                              \
  EXPECT_NEAR(actual, expected, std::abs(expected) * (tolerance))

static std::vector<std::string> folders() {
  return {std::string(IMC_SOURCE_DIR) + "/targets"};
}

static machine::TargetSpec load(const std::string &name) {
  return llvm::cantFail(machine::loadTarget(name, folders()));
}

/// Figures of a machine by name, as `imc targets NAME --json` gives them.
static llvm::json::Object figuresOf(const machine::TargetSpec &spec) {
  return toJSON(figures(llvm::cantFail(spec.machine())));
}

TEST(Chips, EveryTargetMeetsItsExpectations) {
  const std::vector<std::string> names = machine::listTargets(folders());
  EXPECT_GE(names.size(), 19u);
  for (const std::string &name : names) {
    const machine::TargetSpec spec = load(name);
    EXPECT_FALSE(spec.citation.empty()) << name;
    // Base machines of `imc validate` are no chips: points.csv is what they
    // are compared with (test/python/test_validate.py).
    EXPECT_EQ(spec.expected.empty(),
              llvm::StringRef(name).starts_with("survey-"))
        << name;
    const llvm::json::Object object = figuresOf(spec);
    for (const machine::ExpectedFigure &figure : spec.expected) {
      std::optional<double> value = object.getNumber(figure.name);
      ASSERT_TRUE(value.has_value()) << name << " " << figure.name;
      EXPECT_FALSE(figure.source.empty()) << name << " " << figure.name;
      EXPECT_CLOSE(*value, figure.value, figure.error)
          << name << " " << figure.name;
    }
  }
}

TEST(Chips, AtMostThreeCalibratedConstantsEach) {
  size_t calibrated = 0;
  for (const std::string &name : machine::listTargets(folders())) {
    size_t count = 0;
    for (const auto &[field, source] : load(name).sources)
      count += llvm::StringRef(source).contains("calibrated (");
    EXPECT_LE(count, 3u) << name;
    calibrated += count;
  }
  // The marks are there at all.
  EXPECT_GE(calibrated, 8u);
}

namespace {
/// Mean of |model / reported - 1| over the targets that expect the figure.
struct Mean {
  size_t targets = 0;
  double error = 0;
};
} // namespace

static Mean meanError(llvm::ArrayRef<const char *> names,
                      llvm::StringRef figure) {
  Mean mean;
  for (const char *name : names) {
    const machine::TargetSpec spec = load(name);
    const llvm::json::Object object = figuresOf(spec);
    for (const machine::ExpectedFigure &expected : spec.expected)
      if (expected.name == figure) {
        const double ratio = *object.getNumber(figure) / expected.value;
        ::testing::Test::RecordProperty(
            (llvm::Twine(name) + "." + figure).str(), std::to_string(ratio));
        mean.error += std::abs(ratio - 1);
        ++mean.targets;
      }
  }
  mean.error /= static_cast<double>(mean.targets);
  return mean;
}

TEST(Chips, SevenOfZigZagIMC) {
  const char *names[] = {"papistas-22nm",       "jssc2023-28nm",
                         "isscc2023-7.8-22nm",  "isscc2022-15.5-28nm",
                         "isscc2022-11.7-28nm", "isscc2023-7.2-28nm",
                         "isscc2023-16.3-28nm"};
  const Mean area = meanError(names, "area_mm2");
  EXPECT_EQ(area.targets, 7u);
  EXPECT_LE(area.error, 0.13);
  const Mean delay = meanError(names, "cycle_time_ns");
  EXPECT_EQ(delay.targets, 7u);
  EXPECT_LE(delay.error, 0.05);
  // Those whose data are known.
  const Mean energy = meanError(names, "fj_per_mac");
  EXPECT_EQ(energy.targets, 4u);
  EXPECT_LE(energy.error, 0.04);
  for (const char *name : names)
    for (const auto &[field, source] : load(name).sources)
      EXPECT_FALSE(llvm::StringRef(source).contains("calibrated")) << field;
}
