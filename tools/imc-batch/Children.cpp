//===- Children.cpp - Processes that each do one job ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Children.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace llvm;

namespace imc::batch {

/// Messages are cut here: a crash inside a pass may print a whole module.
static constexpr size_t longestMessage = 4000;

/// How a child says that the job was refused. Not 1: libraries that give up,
/// sanitizers among them, exit with that.
static constexpr int refusedStatus = 3;

unsigned countThreads() {
  unsigned count = 0;
  std::error_code error;
  for (sys::fs::directory_iterator it("/proc/self/task", error), end;
       it != end && !error; it.increment(error))
    ++count;
  return count;
}

/// Bytes of address space in use; 0 when the system does not say.
static rlim_t addressSpace() {
  auto file = MemoryBuffer::getFileAsStream("/proc/self/statm");
  unsigned long long pages = 0;
  if (!file || (*file)->getBuffer().split(' ').first.getAsInteger(10, pages))
    return 0;
  return pages * sysconf(_SC_PAGESIZE);
}

static Error systemError(const char *what) {
  int code = errno;
  return createStringError(std::error_code(code, std::generic_category()),
                           Twine(what) + ": " + std::strerror(code));
}

Error Children::start(const Job &job) {
  int messages[2], report[2];
  if (pipe(messages))
    return systemError("pipe");
  if (pipe(report)) {
    Error error = systemError("pipe");
    close(messages[0]);
    close(messages[1]);
    return error;
  }
  // What is buffered here would be printed by both.
  outs().flush();
  pid_t pid = fork();
  if (pid == 0) {
    close(messages[0]);
    close(report[0]);
    work(job, messages[1], report[1]);
  }
  Error error = pid < 0 ? systemError("fork") : Error::success();
  close(messages[1]);
  close(report[1]);
  if (error) {
    close(messages[0]);
    close(report[0]);
    return error;
  }
  Child child;
  child.id = job.id;
  child.pid = pid;
  child.messages = messages[0];
  child.report = report[0];
  child.begin = Clock::now();
  children.push_back(std::move(child));
  return Error::success();
}

void Children::work(const Job &job, int messages, int report) {
  int null = open("/dev/null", O_RDWR);
  dup2(null, STDIN_FILENO);
  dup2(messages, STDOUT_FILENO);
  dup2(messages, STDERR_FILENO);
  if (rlim_t used = addressSpace()) {
    rlimit limit;
    limit.rlim_cur = limit.rlim_max =
        used + static_cast<rlim_t>(limits.memory) * 1024 * 1024;
    setrlimit(RLIMIT_AS, &limit);
  }
  rlimit noCore = {0, 0};
  setrlimit(RLIMIT_CORE, &noCore);

  json::Object result;
  int status = runJob(session, job, result);
  outs().flush();
  errs().flush();
  if (status == 0) {
    raw_fd_ostream os(report, /*shouldClose=*/false);
    os << json::Value(std::move(result));
  }
  // No destructors: the parent's state is not ours to tear down.
  _exit(status == 0 ? 0 : refusedStatus);
}

/// Appends what can be read; closes the descriptor and makes it -1 at its end.
static void drain(int &descriptor, std::string &text, size_t limit) {
  char buffer[4096];
  ssize_t count;
  do
    count = read(descriptor, buffer, sizeof buffer);
  while (count < 0 && errno == EINTR);
  if (count > 0) {
    size_t room = limit - std::min(limit, text.size());
    text.append(buffer, std::min<size_t>(count, room));
    return;
  }
  close(descriptor);
  descriptor = -1;
}

json::Object Children::finish(Child &child) {
  int status = 0;
  while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
    ;
  double seconds =
      std::chrono::duration<double>(Clock::now() - child.begin).count();

  json::Object result;
  std::string message = StringRef(child.messageText).rtrim().str();
  auto prepend = [&](const Twine &text) {
    message = (message.empty() ? text : text + ": " + message).str();
  };
  StringRef verdict = "refused";
  if (child.killed) {
    verdict = "timeout";
    prepend(formatv("killed after {0:f1} s", limits.seconds).str());
  } else if (WIFSIGNALED(status)) {
    verdict = "crash";
    prepend("signal " + Twine(WTERMSIG(status)) + " (" +
            strsignal(WTERMSIG(status)) + ")");
  } else if (WEXITSTATUS(status) == 0) {
    Expected<json::Value> report = json::parse(child.reportText);
    if (report && report->getAsObject()) {
      result = std::move(*report->getAsObject());
      verdict = "ok";
    } else {
      consumeError(report.takeError());
      verdict = "crash";
      prepend("the child ended without a report");
    }
  } else if (WEXITSTATUS(status) != refusedStatus) {
    verdict = "crash";
    prepend("exit status " + Twine(WEXITSTATUS(status)));
  }
  result["id"] = json::fixUTF8(child.id);
  result["status"] = verdict;
  result["message"] = json::fixUTF8(message);
  result["seconds"] = seconds;
  return result;
}

bool Children::wait(int extra, function_ref<void(json::Object)> done) {
  std::vector<pollfd> descriptors;
  if (extra >= 0)
    descriptors.push_back({extra, POLLIN, 0});
  Clock::time_point now = Clock::now();
  double remaining = limits.seconds;
  for (const Child &child : children) {
    if (child.messages >= 0)
      descriptors.push_back({child.messages, POLLIN, 0});
    if (child.report >= 0)
      descriptors.push_back({child.report, POLLIN, 0});
    double spent = std::chrono::duration<double>(now - child.begin).count();
    remaining = std::min(remaining, std::max(0.0, limits.seconds - spent));
  }
  int milliseconds =
      children.empty() ? -1 : static_cast<int>(remaining * 1000) + 1;
  poll(descriptors.data(), descriptors.size(), milliseconds);

  auto isReady = [&](int descriptor) {
    return any_of(descriptors, [&](const pollfd &entry) {
      return entry.fd == descriptor && entry.revents;
    });
  };
  now = Clock::now();
  for (auto it = children.begin(); it != children.end();) {
    Child &child = *it;
    if (child.messages >= 0 && isReady(child.messages))
      drain(child.messages, child.messageText, longestMessage);
    if (child.report >= 0 && isReady(child.report))
      drain(child.report, child.reportText, SIZE_MAX);
    double spent = std::chrono::duration<double>(now - child.begin).count();
    if (spent > limits.seconds && !child.killed) {
      kill(child.pid, SIGKILL);
      child.killed = true;
    }
    if (child.messages < 0 && child.report < 0) {
      done(finish(child));
      it = children.erase(it);
    } else {
      ++it;
    }
  }
  return extra >= 0 && isReady(extra);
}

} // namespace imc::batch
