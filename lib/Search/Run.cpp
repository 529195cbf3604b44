//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Run.h"
#include "imc/Search/Pareto.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>

using namespace imc::search;

using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

namespace {
/// Evaluates batches on a fixed set of threads. Threads take chunks from a
/// counter, which balances designs of unequal cost; results land in the place
/// of their design, so who computed what leaves no trace.
class Evaluator {
public:
  Evaluator(const Problem &problem, unsigned threads)
      : problem(problem), numThreads(threads) {
    for (unsigned i = 1; i < threads; ++i)
      workers.emplace_back([this] { work(); });
  }

  ~Evaluator() {
    {
      std::lock_guard<std::mutex> lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    for (std::thread &worker : workers)
      worker.join();
  }

  Status evaluate(const std::vector<Genome> &batch,
                  std::vector<Evaluation> &into) {
    designs = batch.data();
    results = into.data();
    count = batch.size();
    // A few chunks per thread: enough to balance, few enough for problems that
    // gain from large batches.
    chunk = workers.empty()
                ? count
                : std::max<std::size_t>(1, count / (4 * numThreads));
    cursor = 0;
    if (workers.empty()) {
      consume();
    } else {
      {
        std::lock_guard<std::mutex> lock(mutex);
        busy = workers.size();
        ++round;
      }
      wake.notify_all();
      consume();
      std::unique_lock<std::mutex> lock(mutex);
      idle.wait(lock, [this] { return busy == 0; });
    }
    if (failure.empty())
      return {};
    return Error{"evaluating a design threw an exception (" + failure +
                 "); report the failure as an infeasible design with a reason"};
  }

private:
  void consume() {
    for (;;) {
      const std::size_t begin = cursor.fetch_add(chunk);
      if (begin >= count)
        return;
      const std::size_t n = std::min(chunk, count - begin);
      // Nothing may be thrown across the library's border or out of a thread.
      try {
        problem.evaluate(designs + begin, n, results + begin);
      } catch (const std::exception &e) {
        fail(e.what());
      } catch (...) {
        fail("of unknown type");
      }
    }
  }

  void fail(const char *what) {
    std::lock_guard<std::mutex> lock(mutex);
    if (failure.empty())
      failure = what;
  }

  void work() {
    std::uint64_t seenRound = 0;
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return stopping || round != seenRound; });
      if (stopping)
        return;
      seenRound = round;
      lock.unlock();
      consume();
      lock.lock();
      if (--busy == 0)
        idle.notify_one();
    }
  }

  const Problem &problem;
  unsigned numThreads;
  std::vector<std::thread> workers;

  const Genome *designs = nullptr;
  Evaluation *results = nullptr;
  std::size_t count = 0, chunk = 1;
  std::atomic<std::size_t> cursor{0};

  std::mutex mutex;
  std::condition_variable wake, idle;
  std::uint64_t round = 0;
  std::size_t busy = 0;
  bool stopping = false;
  std::string failure;
};
} // namespace

static Status checkOptions(const Problem &problem, const RunOptions &options) {
  const std::size_t m = problem.objectiveNames().size();
  if (m == 0)
    return Error{"the search has no objective; name at least one"};
  if (options.budget == 0)
    return Error{"the search budget is 0 designs; allow at least 1"};
  if (options.threads == 0)
    return Error{"the search was given 0 threads; use at least 1"};
  if (!options.scale)
    return {};
  const ObjectiveScale &scale = *options.scale;
  if (scale.ideal.size() != m || scale.nadir.size() != m)
    return Error{"the scale of the hypervolume has " +
                 std::to_string(scale.ideal.size()) + " ideal and " +
                 std::to_string(scale.nadir.size()) + " nadir values for " +
                 std::to_string(m) + " objectives; give one of each"};
  for (std::size_t i = 0; scale.log && i < m; ++i)
    if (!(scale.ideal[i] > 0) || !(scale.nadir[i] > 0))
      return Error{"the scale of the hypervolume takes logarithms, but ideal "
                   "or nadir of '" +
                   problem.objectiveNames()[i] +
                   "' is not positive; correct it or set log to false"};
  return {};
}

/// Ideal and nadir of the feasible evaluations, if there are any.
static std::optional<ObjectiveScale>
scaleOf(const std::vector<Evaluation> &evaluations, std::size_t m, bool log) {
  std::optional<ObjectiveScale> scale;
  for (const Evaluation &evaluation : evaluations) {
    if (!evaluation.isFeasible())
      continue;
    if (!scale)
      scale = ObjectiveScale{evaluation.objectives, evaluation.objectives, log};
    for (std::size_t i = 0; i < m; ++i) {
      scale->ideal[i] = std::min(scale->ideal[i], evaluation.objectives[i]);
      scale->nadir[i] = std::max(scale->nadir[i], evaluation.objectives[i]);
    }
  }
  return scale;
}

Expected<RunResult> imc::search::run(const Problem &problem,
                                     Algorithm &algorithm,
                                     const RunOptions &options) {
  const Clock::time_point started = Clock::now();
  if (Status status = checkOptions(problem, options); !status)
    return status.error();
  const Space &space = problem.space();
  const std::size_t m = problem.objectiveNames().size();
  const SearchContext context{space, problem.objectiveNames(), options.seed,
                              options.budget, problem.bounds()};
  if (Status status = algorithm.start(context); !status)
    return status.error();

  RunResult result(m);
  result.scale = options.scale;
  const bool logScale =
      m <= options.hypervolumeObjectives &&
      (options.scale ? options.scale->log : options.logHypervolume);
  for (const std::string &name : problem.constraintNames())
    result.constraints.push_back({name, 0, 0});

  Evaluator evaluator(problem, options.threads);
  std::vector<Evaluation> answers;  // of the batch
  std::vector<Genome> unknown;      // designs to evaluate, and
  std::vector<Evaluation> computed; // their evaluations
  std::vector<std::size_t> places;  // in the batch
  std::vector<bool> isKnown;

  while (result.evaluated < options.budget) {
    const std::uint64_t rest = options.budget - result.evaluated;
    Batch batch =
        algorithm.ask(std::size_t(std::min<std::uint64_t>(rest, SIZE_MAX)));
    const std::size_t n = batch.designs.size();
    if (n == 0) {
      result.spaceFinished = true;
      break;
    }
    for (const Genome &design : batch.designs)
      if (!space.contains(design))
        return Error{"the search algorithm proposed {" +
                     space.describe(design) +
                     "}, which is not in the space; this is a defect of the "
                     "algorithm or of the space's canonicalizer"};

    // What is known is answered; the rest is evaluated.
    answers.resize(n);
    const std::vector<Genome> *toEvaluate = &batch.designs;
    std::vector<Evaluation> *into = &answers;
    isKnown.assign(n, false);
    if (options.lookup) {
      unknown.clear();
      places.clear();
      for (std::size_t i = 0; i < n; ++i) {
        const Genome &design = batch.designs[i];
        if (auto known = options.lookup(design, space.encode(design))) {
          answers[i] = std::move(*known);
          isKnown[i] = true;
          ++result.lookedUp;
        } else {
          unknown.push_back(design);
          places.push_back(i);
        }
      }
      computed.resize(unknown.size());
      toEvaluate = &unknown;
      into = &computed;
    }
    if (!toEvaluate->empty()) {
      for (Evaluation &evaluation : *into)
        evaluation.clear();
      const Clock::time_point before = Clock::now();
      Status status = evaluator.evaluate(*toEvaluate, *into);
      result.evaluationSeconds += secondsSince(before);
      if (!status)
        return status.error();
    }
    if (options.lookup)
      for (std::size_t i = 0; i < places.size(); ++i)
        std::swap(answers[places[i]], computed[i]);

    const std::uint64_t generation = result.history.size();
    for (std::size_t i = 0; i < n; ++i) {
      const Genome &design = batch.designs[i];
      const Evaluation &answer = answers[i];
      if (Status status = checkEvaluation(problem, design, answer); !status)
        return status.error();
      const Key key = space.encode(design);
      const EvaluatedDesign seen{result.evaluated, generation, design, key,
                                 answer};
      if (options.onEvaluated && !isKnown[i])
        if (Status status = options.onEvaluated(seen); !status)
          return status.error();
      if (Status status = algorithm.tell(batch.firstId + i, answer); !status)
        return status.error();
      ++result.evaluated;
      if (answer.isFeasible()) {
        ++result.feasible;
        if (logScale)
          for (std::size_t j = 0; j < m; ++j)
            if (!(answer.objectives[j] > 0))
              return Error{"objective '" + problem.objectiveNames()[j] +
                           "' of design {" + space.describe(design) + "} is " +
                           std::to_string(answer.objectives[j]) +
                           ", but the recorded hypervolume takes logarithms; "
                           "make it positive or set log to false"};
        result.archive.insert(design, key, answer.objectives);
      }
      for (std::int32_t reason : answer.reasons) {
        ++result.constraints[reason].broken;
        result.constraints[reason].alone += answer.reasons.size() == 1;
      }
    }

    Generation state;
    state.index = generation;
    state.evaluated = result.evaluated;
    state.lookedUp = result.lookedUp;
    state.feasible = result.feasible;
    state.frontSize = result.archive.size();
    if (m <= options.hypervolumeObjectives && result.feasible > 0) {
      if (!result.scale)
        result.scale = scaleOf(answers, m, options.logHypervolume);
      state.hypervolume = result.archive.hypervolume(*result.scale);
    }
    result.history.push_back(state);
    if (options.onGeneration && !options.onGeneration(state)) {
      result.stopped = true;
      break;
    }
  }
  result.proof = algorithm.proof();
  if (result.proof && result.proof->complete) {
    result.proof->lowerBounds = result.archive.ideal();
    result.proof->lowerBounds.resize(m,
                                     std::numeric_limits<double>::infinity());
  }
  result.seconds = secondsSince(started);
  return result;
}
