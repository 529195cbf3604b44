//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Process.h"
#include "imc/Search/Guarded.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <sstream>

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

using namespace imc::search;

using Clock = std::chrono::steady_clock;

namespace {
enum class Ending { Answered, Failed, TimedOut };
} // namespace

/// Runs a program in a process group of its own and collects what it prints.
static Ending runProgram(const std::vector<std::string> &words, double seconds,
                         std::string &output) {
  int ends[2];
  // Close on exec: programs that other threads start meanwhile would keep the
  // pipe open.
  if (pipe2(ends, O_CLOEXEC) != 0)
    return Ending::Failed;
  std::vector<char *> arguments;
  for (const std::string &word : words)
    arguments.push_back(const_cast<char *>(word.c_str()));
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY,
                                   0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, arguments[0], &files, &attributes,
                                  arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  close(ends[1]);
  if (failed) {
    close(ends[0]);
    return Ending::Failed;
  }

  const Clock::time_point end =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(
                         std::chrono::duration<double>(seconds));
  const auto left = [&] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(end -
                                                                 Clock::now())
        .count();
  };
  constexpr std::size_t mostOutput = 1 << 20;
  bool timedOut = false;
  for (;;) {
    const auto milliseconds = left();
    pollfd ready{ends[0], POLLIN, 0};
    const int events =
        milliseconds <= 0
            ? 0
            : poll(&ready, 1, int(std::min<long long>(milliseconds, 1000)));
    if (events < 0 && errno == EINTR)
      continue;
    if (events == 0) {
      if (left() > 0)
        continue;
      timedOut = true;
      break;
    }
    char buffer[4096];
    const ssize_t count = read(ends[0], buffer, sizeof buffer);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      break; // it has closed its output
    if (output.size() < mostOutput)
      output.append(buffer, std::size_t(count));
  }
  close(ends[0]);
  int status = 0;
  // A program may close its output and go on.
  while (!timedOut && waitpid(child, &status, WNOHANG) == 0) {
    if (left() <= 0)
      timedOut = true;
    else
      usleep(500);
  }
  // Also what it left behind: nobody waits for that.
  kill(-child, SIGKILL);
  if (timedOut) {
    waitpid(child, &status, 0);
    return Ending::TimedOut;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? Ending::Answered
                                                       : Ending::Failed;
}

ProcessProblem::ProcessProblem(Space space, ProcessOptions given)
    : knobs(std::move(space)), options(std::move(given)),
      constraints(options.constraints) {
  constraints.push_back("evaluator_failed");
  constraints.push_back("evaluator_timed_out");
}

Expected<std::unique_ptr<ProcessProblem>>
ProcessProblem::create(Space space, ProcessOptions options) {
  if (options.command.empty())
    return Error{"the evaluator has no command; name a program"};
  if (options.objectives.empty())
    return Error{"the evaluator has no objective; name at least one"};
  if (!(options.timeoutSeconds > 0))
    return Error{"the time limit of the evaluator is " +
                 std::to_string(options.timeoutSeconds) +
                 " s; allow more than 0"};
  return std::unique_ptr<ProcessProblem>(
      new ProcessProblem(std::move(space), std::move(options)));
}

void ProcessProblem::evaluate(const Genome *designs, std::size_t count,
                              Evaluation *results) const {
  const std::int32_t failed = std::int32_t(options.constraints.size());
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::string> words = options.command;
    for (std::size_t k = 0; k < knobs.numKnobs(); ++k)
      words.push_back(knobs.knobs()[k].name + "=" +
                      (options.valueText ? options.valueText(k, designs[i][k])
                                         : std::to_string(designs[i][k])));
    std::string output;
    const Ending ending = runProgram(words, options.timeoutSeconds, output);
    Evaluation &result = results[i];
    if (ending != Ending::Answered) {
      result.violate(failed + (ending == Ending::TimedOut), Guarded::violation);
      continue;
    }
    std::istringstream line(output.substr(0, output.find('\n')));
    std::string word, name;
    std::vector<double> values;
    bool understood = true, isInfeasible = false;
    while (line >> word) {
      if (values.empty() && !isInfeasible && word == "infeasible") {
        isInfeasible = true;
        understood = bool(line >> name);
        continue;
      }
      char *end = nullptr;
      values.push_back(std::strtod(word.c_str(), &end));
      understood = understood && end != word.c_str() && *end == 0;
    }
    const auto at =
        std::find(options.constraints.begin(), options.constraints.end(), name);
    if (isInfeasible)
      understood = understood && values.size() == 1 && values[0] > 0 &&
                   values[0] < Guarded::violation &&
                   at != options.constraints.end();
    else
      understood = understood && values.size() == options.objectives.size();
    if (!understood)
      result.violate(failed, Guarded::violation);
    else if (isInfeasible)
      result.violate(std::int32_t(at - options.constraints.begin()), values[0]);
    else
      result.objectives = std::move(values);
  }
}
