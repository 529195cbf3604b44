//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C side of search_overhead.py: one NSGA-II run on IMC-MIX with its CPU
// time split into driver and evaluation, and the same evaluator and hypervolume
// for whatever is compared with it.
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Run.h"
#include "test/Unit/Search/IMCMix.h"

#include <cstdio>
#include <ctime>

using namespace imc::search;
using namespace imc::search::test;

/// CPU time of this thread in seconds: what other processes do does not count.
static double cpuSeconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

namespace {
/// IMC-MIX with the CPU time of its evaluations.
class Timed final : public Problem {
public:
  const Space &space() const override { return inner.space(); }
  const std::vector<std::string> &objectiveNames() const override {
    return inner.objectiveNames();
  }
  const std::vector<std::string> &constraintNames() const override {
    return inner.constraintNames();
  }
  void evaluate(const Genome *designs, std::size_t count,
                Evaluation *results) const override {
    const double before = cpuSeconds();
    inner.evaluate(designs, count, results);
    seconds += cpuSeconds() - before;
  }
  mutable double seconds = 0; // one thread only

private:
  IMCMix inner;
};
} // namespace

extern "C" {

/// Runs NSGA-II on one thread. Returns 0, or 1 after printing an error.
/// out: driver seconds, evaluation seconds (CPU), share of the exact
/// hypervolume.
int imcSearchRun(std::uint64_t seed, std::uint64_t budget,
                 std::uint64_t population, double *out) {
  Timed problem;
  auto algorithm =
      makeAlgorithm("nsga2", {{"log_objectives", "true"},
                              {"population", std::to_string(population)}});
  if (!algorithm) {
    std::fprintf(stderr, "error: %s\n", algorithm.message().c_str());
    return 1;
  }
  RunOptions options(budget, seed);
  options.scale = IMCMix::exactScale();
  const double before = cpuSeconds();
  auto result = run(problem, **algorithm, options);
  const double total = cpuSeconds() - before;
  if (!result) {
    std::fprintf(stderr, "error: %s\n", result.message().c_str());
    return 1;
  }
  out[0] = total - problem.seconds;
  out[1] = problem.seconds;
  out[2] = result->archive.hypervolume(IMCMix::exactScale()) /
           IMCMix::exactHypervolume();
  return 0;
}

/// Prices n designs of 12 indices into rows of 3 objectives and 3 constraints.
void imcMixEvaluate(const std::int32_t *genes, std::uint64_t n, double *out) {
  static const IMCMix problem;
  Genome design(12);
  for (std::uint64_t i = 0; i < n; ++i) {
    design.assign(genes + 12 * i, genes + 12 * (i + 1));
    const std::array<double, 6> values = problem.price(design);
    std::copy(values.begin(), values.end(), out + 6 * i);
  }
}

/// Share of the exact hypervolume of n rows of 3 objectives (any, not only
/// non-dominated ones).
double imcMixShare(const double *rows, std::uint64_t n) {
  Archive archive(3);
  for (std::uint64_t i = 0; i < n; ++i)
    archive.insert({}, {0, i}, {rows[3 * i], rows[3 * i + 1], rows[3 * i + 2]});
  return archive.hypervolume(IMCMix::exactScale()) / IMCMix::exactHypervolume();
}

/// Numbers of values of the 12 knobs.
void imcMixCounts(std::int32_t *counts) {
  const IMCMix problem;
  for (const Knob &knob : problem.space().knobs())
    *counts++ = knob.count;
}
}
