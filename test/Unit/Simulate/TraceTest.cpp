//===- TraceTest.cpp - Traces that viewers read ---------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Simulate/Simulate.h"

#include "Builder.h"

#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

using namespace imc;
using namespace imc::test;

namespace {

struct Span {
  int64_t from, to; // ps
};
using Engine = std::pair<int64_t, int64_t>;

/// Spans by process and thread; fails where they overlap.
std::map<Engine, std::vector<Span>> readTrace(const std::string &text,
                                              int64_t &named) {
  llvm::Expected<llvm::json::Value> parsed = llvm::json::parse(text);
  if (!parsed) {
    ADD_FAILURE() << llvm::toString(parsed.takeError());
    return {};
  }
  std::map<Engine, std::vector<Span>> spans;
  for (const llvm::json::Value &v :
       *parsed->getAsObject()->getArray("traceEvents")) {
    const llvm::json::Object &o = *v.getAsObject();
    named += *o.getString("name") == "thread_name";
    if (*o.getString("ph") != "X")
      continue;
    const auto from = std::llround(*o.getNumber("ts") * 1e6),
               length = std::llround(*o.getNumber("dur") * 1e6);
    EXPECT_GE(length, 0);
    spans[{*o.getInteger("pid"), *o.getInteger("tid")}].push_back(
        {from, from + length});
  }
  for (auto &[engine, list] : spans) {
    std::sort(list.begin(), list.end(),
              [](const Span &a, const Span &b) { return a.from < b.from; });
    for (size_t i = 1; i < list.size(); ++i)
      EXPECT_GE(list[i].from, list[i - 1].to)
          << "process " << engine.first << " thread " << engine.second;
  }
  return spans;
}

TEST(Trace, SpansOfAnEngineNeverOverlap) {
  std::mt19937_64 random(3);
  int traced = 0;
  while (traced < 20) {
    const machine::Machine m = smallMachine(random);
    mapping::Knobs k;
    if (!mapping::check(k, m).empty())
      continue;
    Builder b(m, k);
    int steps = 0;
    for (int i = 0; i < 3; ++i) {
      const ConvShape s = smallConv(random);
      steps += b.product("conv \"" + std::to_string(i) + "\"\n", s.geometry(),
                         mapping::tile(s.product(), m, k),
                         std::min<int64_t>(s.geometry().windows, 3), 4);
    }
    if (steps < 2)
      continue;
    b.kernel("relu", 1000, 640);
    ++traced;
    const cost::Prices prices = cost::priceDesign(m, k);
    std::string whole, second;
    int64_t named = 0;
    {
      llvm::raw_string_ostream os(whole);
      simulate::Options options;
      options.trace = &os;
      const simulate::Result r =
          llvm::cantFail(simulate::simulate(b.program, prices, m, options));
      os.flush();
      auto spans = readTrace(whole, named);
      int64_t count = steps + 1; // and a mark for each step
      double busy = 0;
      for (auto &[engine, list] : spans) {
        count += int64_t(list.size());
        if (engine == Engine{0, 1})
          for (const Span &s : list)
            busy += double(s.to - s.from) * 1e-12;
      }
      EXPECT_EQ(count, r.trace_events);
      EXPECT_NEAR(busy, r.global_buffer, 1e-6 * busy + 1e-11);
      EXPECT_GT(named, 3);
    }
    {
      llvm::raw_string_ostream os(second);
      simulate::Options options;
      options.trace = &os;
      options.trace_begin = 1;
      options.trace_end = 2;
      const simulate::Result r =
          llvm::cantFail(simulate::simulate(b.program, prices, m, options));
      os.flush();
      const double from = r.steps[1].start * 1e12, to = r.steps[1].end * 1e12;
      for (auto &[engine, list] : readTrace(second, named))
        for (const Span &s : list) {
          EXPECT_GE(double(s.from), from - 1);
          EXPECT_LE(double(s.to), to + 1);
        }
      EXPECT_NE(second.find("\"steps\":\"[1, 2)\""), std::string::npos);
      EXPECT_LT(second.size(), whole.size());
    }
  }
}

} // namespace
