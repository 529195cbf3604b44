//===- Batched.h - Algorithms that learn batch by batch ---------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The bookkeeping of ask and tell for algorithms that decide on the answers of
// a whole batch: ids, outstanding answers, refusals.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_SEARCH_ALGORITHMS_BATCHED_H
#define IMC_LIB_SEARCH_ALGORITHMS_BATCHED_H

#include "imc/Search/Algorithm.h"

namespace imc::search {

class Batched : public Algorithm {
public:
  Status start(const SearchContext &context) final {
    space = &context.space;
    names = context.objectiveNames;
    seed = context.seed;
    bounds = context.bounds;
    batch = Batch();
    answers.clear();
    answered.clear();
    outstanding = 0;
    round = 0;
    return begin();
  }

  Batch ask(std::size_t limit) final {
    if (outstanding > 0)
      return {};
    if (!batch.designs.empty())
      learn(batch.designs, answers);
    batch.firstId += batch.designs.size();
    batch.designs.clear();
    propose(limit, batch.designs);
    ++round;
    outstanding = batch.designs.size();
    answers.resize(outstanding);
    answered.assign(outstanding, false);
    return batch;
  }

  Status tell(std::uint64_t id, const Evaluation &evaluation) final {
    const std::uint64_t i = id - batch.firstId;
    if (id < batch.firstId || i >= answered.size() || answered[i])
      return Error{name + ": design " + std::to_string(id) +
                   " was told but is not outstanding; tell each id of the last "
                   "ask() once"};
    if (Status status = check(batch.designs[i], evaluation); !status)
      return status;
    answers[i] = evaluation;
    answered[i] = true;
    --outstanding;
    return {};
  }

protected:
  explicit Batched(std::string name) : name(std::move(name)) {}

  /// Forgets everything.
  virtual Status begin() = 0;
  /// Adds at most `limit` new canonical designs; none: finished.
  virtual void propose(std::size_t limit, std::vector<Genome> &designs) = 0;
  /// Takes the answers to what propose() gave last.
  virtual void learn(const std::vector<Genome> &designs,
                     const std::vector<Evaluation> &evaluations) = 0;
  /// Refuses an answer that cannot be used.
  virtual Status check(const Genome &, const Evaluation &) const { return {}; }

  const std::string name;
  const Space *space = nullptr;
  const Bounds *bounds = nullptr;
  std::vector<std::string> names;
  std::uint64_t seed = 0;
  std::uint32_t round = 0; ///< batches proposed before this one

private:
  Batch batch;
  std::vector<Evaluation> answers;
  std::vector<bool> answered;
  std::size_t outstanding = 0;
};

} // namespace imc::search

#endif // IMC_LIB_SEARCH_ALGORITHMS_BATCHED_H
