//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C side of search_overhead.py and search_quality.py: runs on IMC-MIX and
// on continuous problems with their CPU time split into driver and evaluation,
// and the same evaluators and hypervolumes for whatever is compared with them.
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Pareto.h"
#include "imc/Search/Run.h"
#include "test/Unit/Search/ContinuousProblems.h"
#include "test/Unit/Search/IMCMix.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <optional>

using namespace imc::search;
using namespace imc::search::test;

/// CPU time of this thread in seconds: what other processes do does not count.
static double cpuSeconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

namespace {
/// A problem with the CPU time of its evaluations.
class Timed final : public Problem {
public:
  explicit Timed(const Problem &inner) : inner(inner) {}
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
  const Problem &inner;
};

/// Runs an algorithm by name; prints what it refuses.
std::optional<RunResult> runTimed(const Timed &problem, Algorithm &algorithm,
                                  const RunOptions &options, double *seconds) {
  const double before = cpuSeconds();
  auto result = run(problem, algorithm, options);
  *seconds = cpuSeconds() - before - problem.seconds;
  if (result)
    return std::move(*result);
  std::fprintf(stderr, "error: %s\n", result.message().c_str());
  return std::nullopt;
}

std::unique_ptr<Algorithm> make(const char *name, std::uint64_t population,
                                bool logarithms) {
  auto algorithm =
      makeAlgorithm(name, {{"population", std::to_string(population)},
                           {"log_objectives", logarithms ? "true" : "false"}});
  if (algorithm)
    return std::move(*algorithm);
  std::fprintf(stderr, "error: %s\n", algorithm.message().c_str());
  return nullptr;
}
} // namespace

extern "C" {

/// Runs NSGA-II on one thread. Returns 0, or 1 after printing an error.
/// out: driver seconds, evaluation seconds (CPU), share of the exact
/// hypervolume.
int imcSearchRun(std::uint64_t seed, std::uint64_t budget,
                 std::uint64_t population, double *out) {
  static const IMCMix inner;
  Timed problem(inner);
  auto algorithm = make("nsga2", population, true);
  if (!algorithm)
    return 1;
  RunOptions options(budget, seed);
  options.scale = IMCMix::exactScale();
  auto result = runTimed(problem, *algorithm, options, &out[0]);
  if (!result)
    return 1;
  out[1] = problem.seconds;
  out[2] = result->archive.hypervolume(IMCMix::exactScale()) /
           IMCMix::exactHypervolume();
  return 0;
}

/// Runs an algorithm on zdt1, zdt2, zdt3 or dtlz2 as imcSearchRun does. out:
/// driver seconds, evaluation seconds, hypervolume of the last population and
/// of the archive (reference point 1.1 everywhere).
int imcContinuousRun(const char *name, const char *algorithmName,
                     std::uint64_t seed, std::uint64_t budget,
                     std::uint64_t population, double *out) {
  const Continuous inner(name);
  Timed problem(inner);
  auto algorithm = make(algorithmName, population, false);
  if (!algorithm)
    return 1;
  RunOptions options(budget, seed);
  options.hypervolumeObjectives = 0;
  auto result = runTimed(problem, *algorithm, options, &out[0]);
  if (!result)
    return 1;
  out[1] = problem.seconds;
  algorithm->ask(1); // lets the last batch join the population
  const std::size_t m = inner.objectiveNames().size();
  const std::vector<double> reference(m, 1.1);
  std::vector<double> rows;
  for (const Genome &design : algorithm->population()) {
    double f[3];
    inner.price(design, f);
    rows.insert(rows.end(), f, f + m);
  }
  out[2] = hypervolume(rows.data(), rows.size() / m, m, reference.data());
  rows = result->archive.objectiveRows();
  out[3] = hypervolume(rows.data(), rows.size() / m, m, reference.data());
  return 0;
}

/// Hypervolume of n rows of m objectives, reference point 1.1 everywhere.
double imcHypervolume(const double *rows, std::uint64_t n, std::uint64_t m) {
  const std::vector<double> reference(m, 1.1);
  return hypervolume(rows, n, m, reference.data());
}

/// Exhaustive search of IMC-MIX. out: CPU seconds, designs on the front, best
/// product of the objectives.
int imcMixExhaustive(double *out) {
  const IMCMix problem;
  auto algorithm = makeAlgorithm("exhaustive");
  RunOptions options(5'400'000, /*seed=*/1);
  options.hypervolumeObjectives = 0;
  const double before = cpuSeconds();
  auto result = run(problem, **algorithm, options);
  if (!result)
    return 1;
  out[0] = cpuSeconds() - before;
  out[1] = double(result->archive.size());
  out[2] = 1e300;
  for (const ArchivedDesign &d : result->archive.front())
    out[2] =
        std::min(out[2], d.objectives[0] * d.objectives[1] * d.objectives[2]);
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
