//===- imc-batch.cpp - Many models, each in a process of its own ----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For tests that run thousands of small models: loads the compiler once, then
// forks a child per job, so that a job costs milliseconds and a crash costs one
// job. Reads one JSON object per line, writes one per job as it ends
// (docs/howto/run-many-models.md).
//
// Exit status: 0 when every job has a result, whatever it is; 1 after an error
// of this program; 2 wrong usage.
//
//===----------------------------------------------------------------------===//

#include "Children.h"

#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <deque>
#include <unistd.h>

using namespace llvm;

namespace imc::batch {
namespace {

struct BatchOptions {
  unsigned jobs = 1;
  Limits limits;
  bool importOnly = false;
};

/// Lines of standard input as they come.
class Lines {
public:
  /// -1 at the end of the input.
  int descriptor() const { return ended ? -1 : STDIN_FILENO; }

  /// Reads once, without blocking when the descriptor is readable.
  void fill() {
    char buffer[65536];
    ssize_t count = read(STDIN_FILENO, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR)
      return;
    if (count > 0)
      pending.append(buffer, count);
    else
      ended = true;
    size_t begin = 0;
    for (size_t end; (end = pending.find('\n', begin)) != std::string::npos;
         begin = end + 1)
      add(StringRef(pending).slice(begin, end));
    pending.erase(0, begin);
    if (ended) {
      add(pending);
      pending.clear();
    }
  }

  bool empty() const { return lines.empty(); }

  /// The next line that is not blank, and its number from 1.
  std::pair<std::string, size_t> pop() {
    auto line = std::move(lines.front());
    lines.pop_front();
    return line;
  }

private:
  void add(StringRef line) {
    ++number;
    if (!line.trim().empty())
      lines.emplace_back(line.str(), number);
  }

  std::string pending;
  std::deque<std::pair<std::string, size_t>> lines;
  size_t number = 0;
  bool ended = false;
};

int runBatch(const BatchOptions &options) {
  driver::Session session;
  session.context().disableMultithreading();
  if (failed(warmUp(session)))
    return 1;
  if (unsigned threads = countThreads(); threads != 1)
    return driver::fail("cannot fork: the compiler has started " +
                        Twine(threads - 1) + " thread(s)");

  Children children(session, options.limits);
  Lines lines;
  auto print = [](json::Object result) {
    outs() << json::Value(std::move(result)) << "\n";
    outs().flush();
  };
  while (lines.descriptor() >= 0 || !lines.empty() || children.count()) {
    while (children.count() < options.jobs && !lines.empty()) {
      auto [text, number] = lines.pop();
      Expected<Job> job = parseJob(text);
      if (!job)
        return driver::fail("line " + Twine(number) + ": " +
                            toString(job.takeError()));
      job->importOnly |= options.importOnly;
      if (Error error = children.start(*job))
        return driver::fail(std::move(error));
    }
    // More lines are of no use while every place is taken.
    bool wantsLines = lines.empty() && children.count() < options.jobs;
    if (!children.count() && !wantsLines)
      continue;
    if (children.wait(wantsLines ? lines.descriptor() : -1, print))
      lines.fill();
  }
  return 0;
}

} // namespace
} // namespace imc::batch

int main(int argc, char **argv) {
  CLI::App app{"Imports, compiles and runs one model per line of standard "
               "input, each in a process of its own.",
               "imc-batch"};
  imc::batch::BatchOptions options;
  app.add_option("--jobs", options.jobs, "Children at a time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--timeout", options.limits.seconds, "Seconds per job")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--memory", options.limits.memory,
                 "MiB of address space per job")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--import-only", options.importOnly,
               "Stop after the import; print the types of the outputs");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return imc::batch::runBatch(options);
}
