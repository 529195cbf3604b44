//===- Children.h - Processes that each do one job --------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A child is a fork of this process: it starts with everything loaded, and
// whatever happens in it ends with it. Forking copies one thread only, so the
// parent must have no other.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TOOLS_IMC_BATCH_CHILDREN_H
#define IMC_TOOLS_IMC_BATCH_CHILDREN_H

#include "Job.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/JSON.h"

#include <chrono>
#include <cstdint>
#include <list>
#include <string>

namespace imc::batch {

struct Limits {
  /// Wall-clock seconds of a job; past them the child is killed.
  double seconds = 60;
  /// MiB of address space that a job may add to what the parent has.
  int64_t memory = 4096;
};

class Children {
public:
  Children(driver::Session &session, Limits limits)
      : session(session), limits(limits) {}

  /// Forks a child for `job`. The error is the system's.
  llvm::Error start(const Job &job);

  size_t count() const { return children.size(); }

  /// Waits until a child ends or `extra`, a descriptor to read from (-1: none),
  /// has something; calls `done` with the result object of each that ended:
  /// "id", "status" ("ok", "refused", "crash" or "timeout"), "message",
  /// "seconds", and what runJob reported. Returns whether `extra` is readable.
  bool wait(int extra, llvm::function_ref<void(llvm::json::Object)> done);

private:
  using Clock = std::chrono::steady_clock;
  struct Child {
    std::string id;
    int pid = -1;
    /// Standard output and error of the child, and the result of runJob; -1
    /// once closed.
    int messages = -1, report = -1;
    std::string messageText, reportText;
    Clock::time_point begin;
    bool killed = false;
  };

  [[noreturn]] void work(const Job &job, int messages, int report);
  llvm::json::Object finish(Child &child);

  driver::Session &session;
  Limits limits;
  std::list<Child> children;
};

/// Threads of this process, from /proc.
unsigned countThreads();

} // namespace imc::batch

#endif // IMC_TOOLS_IMC_BATCH_CHILDREN_H
