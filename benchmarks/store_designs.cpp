//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Stored designs per second: a search of IMC-MIX with archive and study, as
// imc search runs it, on one thread. Prints the CPU time of the evaluations
// apart. With --tell every generation that is safe is reported on standard
// output, for scripts/kill_searches.py, which kills this program while it
// writes.
//
//   store_designs FILE.db [DESIGNS [BATCH]] [--tell]
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/Study.h"
#include "imc/Search/Run.h"
#include "test/Unit/Search/IMCMix.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

using namespace imc;
using search::test::IMCMix;

static double cpuSeconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

int main(int argc, char **argv) {
  bool tell = argc > 1 && !std::strcmp(argv[argc - 1], "--tell");
  argc -= tell;
  if (argc < 2) {
    std::fprintf(stderr, "usage: store_designs FILE.db [DESIGNS [BATCH]] "
                         "[--tell]\n");
    return 2;
  }
  uint64_t budget = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 200000;
  std::string batch = argc > 3 ? argv[3] : "1000";
  auto fail = [](const std::string &message) {
    std::fprintf(stderr, "error: %s\n", message.c_str());
    return 1;
  };

  IMCMix problem;
  auto study = explore::Study::create(argv[1]);
  if (!study)
    return fail(llvm::toString(study.takeError()));
  auto algorithm = search::makeAlgorithm(
      "nsga2", {{"log_objectives", "true"}, {"population", batch}});
  if (!algorithm)
    return fail(algorithm.message());
  std::vector<std::vector<std::string>> texts;
  for (const search::Knob &knob : problem.space().knobs()) {
    texts.emplace_back();
    for (int32_t i = 0; i < knob.count; ++i)
      texts.back().push_back(std::to_string(32 + i));
  }

  search::RunOptions options(budget, /*seed=*/1);
  options.scale = IMCMix::exactScale();
  std::vector<explore::EvaluationRow> pending;
  double storing = 0;
  std::string failure;
  options.onEvaluated =
      [&](const search::EvaluatedDesign &seen) -> search::Status {
    explore::EvaluationRow row;
    row.id = int64_t(seen.index) + 1;
    row.generation = int64_t(seen.generation);
    row.key = seen.key.str();
    for (size_t i = 0; i < seen.design.size(); ++i)
      row.values.push_back(texts[i][seen.design[i]]);
    row.objectives = seen.evaluation.objectives;
    row.violation = seen.evaluation.violation;
    for (int32_t reason : seen.evaluation.reasons)
      row.broken.push_back(problem.constraintNames()[reason]);
    pending.push_back(std::move(row));
    return {};
  };
  options.onGeneration = [&](const search::Generation &state) {
    double before = cpuSeconds();
    if (llvm::Error error = study->append(
            {int64_t(state.index), state.evaluated, state.feasible,
             state.frontSize, state.hypervolume.value_or(0)},
            pending)) {
      failure = llvm::toString(std::move(error));
      return false;
    }
    storing += cpuSeconds() - before;
    pending.clear();
    if (tell) {
      std::printf("%llu\n", (unsigned long long)state.evaluated);
      std::fflush(stdout);
    }
    return true;
  };
  double before = cpuSeconds();
  auto result = search::run(problem, **algorithm, options);
  double cpu = cpuSeconds() - before;
  if (!result)
    return fail(result.message());
  if (!failure.empty())
    return fail(failure);
  double n = double(result->evaluated);
  std::fprintf(tell ? stderr : stdout,
               "%.0f designs: %.0f per s (wall), %.0f per CPU s; of %.2f us "
               "per design %.2f in the evaluator, %.2f in the study, the rest "
               "in algorithm and archive (front %zu)\n",
               n, n / result->seconds, n / cpu, 1e6 * cpu / n,
               1e6 * result->evaluationSeconds / n, 1e6 * storing / n,
               result->archive.size());
  return 0;
}
