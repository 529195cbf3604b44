//===- SharedProblem.cpp - One search by several processes ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SharedProblem.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <unistd.h>

using namespace imc::explore;
namespace search = imc::search;

/// Designs that are claimed at once: few enough that nobody waits long at the
/// end of a generation, enough to pay for the transaction.
static constexpr size_t kClaim = 32;

/// A file of the kernel, whose size says 0; "" when there is none.
static std::string readProc(const std::string &path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// When process `pid` started, in ticks since the boot; "" when there is none.
static std::string startOf(llvm::StringRef pid) {
  std::string text = readProc("/proc/" + pid.str() + "/stat");
  // Fields after the name, which may hold spaces and parentheses.
  llvm::SmallVector<llvm::StringRef> fields;
  llvm::StringRef(text).rsplit(')').second.trim().split(fields, ' ');
  // A zombie has ended, whoever still has to ask for its status.
  if (fields.size() < 20 || fields[0] == "Z" || fields[0] == "X")
    return "";
  return fields[19].str();
}

static std::string boot() {
  return llvm::StringRef(readProc("/proc/sys/kernel/random/boot_id"))
      .trim()
      .str();
}

std::string imc::explore::processName() {
  std::string pid = std::to_string(getpid());
  return boot() + " " + pid + " " + startOf(pid);
}

bool imc::explore::isProcessAlive(llvm::StringRef name) {
  auto [system, rest] = name.split(' ');
  auto [pid, start] = rest.split(' ');
  return system == boot() && !start.empty() && startOf(pid) == start;
}

void SharedProblem::evaluate(const search::Genome *designs, size_t count,
                             search::Evaluation *results) const {
  const std::vector<std::string> &rules = constraintNames();
  std::vector<std::string> keys(count);
  for (size_t i = 0; i < count; ++i)
    keys[i] = space().encode(designs[i]).str();
  std::vector<size_t> open(count);
  for (size_t i = 0; i < count; ++i)
    open[i] = i;

  auto must = [](llvm::Error error) {
    if (error)
      throw std::runtime_error(llvm::toString(std::move(error)));
  };
  auto take = [&](size_t i, const EvaluationRow &row) {
    results[i].objectives = row.objectives;
    results[i].violation = row.violation;
    for (const std::string &rule : row.broken) {
      auto at = llvm::find(rules, rule);
      if (at == rules.end())
        throw std::runtime_error("study '" + study.path() +
                                 "' names the unknown rule '" + rule +
                                 "': it is damaged; search again");
      results[i].reasons.push_back(int32_t(at - rules.begin()));
    }
  };
  while (!open.empty()) {
    std::vector<std::string> wanted;
    for (size_t i : open)
      wanted.push_back(keys[i]);
    std::vector<size_t> left;
    bool worked = false;
    for (size_t next = 0; next < open.size();) {
      size_t begin = next;
      std::vector<Study::Work> works;
      {
        std::lock_guard<std::mutex> lock(mutex);
        auto found =
            study.claimWork(wanted, next, kClaim, owner, isProcessAlive);
        if (!found)
          must(found.takeError());
        works = std::move(*found);
      }
      std::vector<search::Genome> mine;
      std::vector<size_t> places;
      for (size_t w = 0; w < works.size(); ++w) {
        size_t i = open[begin + w];
        if (works[w].kind == Study::Work::Known)
          take(i, works[w].row);
        else if (works[w].kind == Study::Work::Taken)
          left.push_back(i);
        else {
          mine.push_back(designs[i]);
          places.push_back(i);
        }
      }
      if (mine.empty())
        continue;
      worked = true;
      std::vector<search::Evaluation> answers(mine.size());
      problem.evaluate(mine.data(), mine.size(), answers.data());
      std::vector<EvaluationRow> rows(mine.size());
      for (size_t m = 0; m < mine.size(); ++m) {
        rows[m].key = keys[places[m]];
        rows[m].objectives = answers[m].objectives;
        rows[m].violation = answers[m].violation;
        for (int32_t reason : answers[m].reasons)
          rows[m].broken.push_back(rules[reason]);
        results[places[m]] = std::move(answers[m]);
      }
      std::lock_guard<std::mutex> lock(mutex);
      must(study.finishWork(rows));
    }
    open = std::move(left);
    if (!worked && !open.empty())
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}
