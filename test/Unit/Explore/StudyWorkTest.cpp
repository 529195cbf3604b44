//===- StudyWorkTest.cpp - Several processes on one study -----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/Study.h"
#include "lib/Explore/SharedProblem.h"

#include "TestUtil.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace imc::explore;
using Kind = Study::Work::Kind;

static void good(llvm::Error error) {
  if (error)
    ADD_FAILURE() << llvm::toString(std::move(error));
}

static EvaluationRow answer(const std::string &key, double value) {
  EvaluationRow row;
  row.key = key;
  row.objectives = {value};
  return row;
}

TEST(StudyWork, SeveralProcessesMakeOneStudyAtOnce) {
  const std::string path =
      ::testing::TempDir() + "at-once-" + std::to_string(getpid()) + ".study";
  for (int round = 0; round != 60; ++round) {
    int gate[2];
    ASSERT_EQ(pipe(gate), 0);
    std::vector<pid_t> makers;
    for (int i = 0; i != 4; ++i) {
      const pid_t maker = fork();
      ASSERT_GE(maker, 0);
      if (maker == 0) {
        close(gate[1]);
        char byte;
        (void)!read(gate[0], &byte, 1); // until the gate is closed
        auto study = Study::openOrCreate(path);
        const bool failed = !study;
        if (failed)
          llvm::errs() << llvm::toString(study.takeError()) << "\n";
        _exit(failed);
      }
      makers.push_back(maker);
    }
    close(gate[0]);
    close(gate[1]);
    for (pid_t maker : makers) {
      int status = 0;
      waitpid(maker, &status, 0);
      EXPECT_EQ(status, 0);
    }
    must(Study::open(path));
    for (const char *suffix : {"", "-wal", "-shm", "-journal"})
      llvm::sys::fs::remove(path + suffix);
    ASSERT_FALSE(::testing::Test::HasFailure()) << round;
  }
}

TEST(StudyWork, ADesignIsClaimedOnceAndAnsweredForAll) {
  Study study = must(Study::create(":memory:"));
  auto alive = [](llvm::StringRef) { return true; };
  std::vector<std::string> keys = {"a", "b", "c"};
  size_t next = 0;
  auto first = must(study.claimWork(keys, next, 2, "one", alive));
  EXPECT_EQ(next, 2u);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].kind, Kind::Free);
  next = 0;
  auto second = must(study.claimWork(keys, next, 2, "two", alive));
  ASSERT_EQ(second.size(), 3u);
  EXPECT_EQ(second[0].kind, Kind::Taken);
  EXPECT_EQ(second[1].kind, Kind::Taken);
  EXPECT_EQ(second[2].kind, Kind::Free);

  good(study.finishWork({answer("a", 0.1)}));
  next = 0;
  auto third = must(study.claimWork(keys, next, 2, "two", alive));
  ASSERT_EQ(third[0].kind, Kind::Known);
  EXPECT_EQ(third[0].row.objectives, std::vector<double>{0.1});
  EXPECT_EQ(third[1].kind, Kind::Taken);
}

TEST(StudyWork, ClaimsOfTheDeadAreTakenOver) {
  Study study = must(Study::create(":memory:"));
  std::vector<std::string> keys = {"a"};
  size_t next = 0;
  must(study.claimWork(keys, next, 1, "dead",
                       [](llvm::StringRef) { return true; }));
  next = 0;
  auto works = must(study.claimWork(
      keys, next, 1, "two", [](llvm::StringRef who) { return who != "dead"; }));
  EXPECT_EQ(works[0].kind, Kind::Free);
}

TEST(StudyWork, FinishedGenerationsLeaveNoWork) {
  Study study = must(Study::create(":memory:"));
  std::vector<std::string> keys = {"a"};
  size_t next = 0;
  auto alive = [](llvm::StringRef) { return true; };
  must(study.claimWork(keys, next, 1, "one", alive));
  good(study.finishWork({answer("a", 0.3)}));
  EvaluationRow row = answer("a", 0.3);
  row.id = 1;
  good(study.append({0, 1, 1, 1, 0}, {row}));
  next = 0;
  auto works = must(study.claimWork(keys, next, 1, "two", alive));
  EXPECT_EQ(works[0].kind, Kind::Known);
  EXPECT_EQ(works[0].row.objectives, std::vector<double>{0.3});
  // The other process stores the same rows; a different one is refused.
  good(study.append({0, 1, 1, 1, 0}, {row}));
  row.objectives = {0.30000000000000004};
  llvm::Error error = study.append({0, 1, 1, 1, 0}, {row});
  EXPECT_NE(llvm::toString(std::move(error)).find("stored already and differs"),
            std::string::npos);
  EXPECT_EQ(must(study.rows())[0].objectives, std::vector<double>{0.3});
}

TEST(StudyWork, AProcessIsKnownByItsStart) {
  EXPECT_TRUE(isProcessAlive(processName()));
  EXPECT_FALSE(isProcessAlive(""));
  // The number of a process may be given again; its start time is not.
  EXPECT_FALSE(isProcessAlive(processName() + "1"));
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  pid_t child = fork();
  if (child == 0) {
    std::string name = processName();
    ssize_t written = write(pipes[1], name.data(), name.size());
    _exit(written == ssize_t(name.size()) ? 0 : 1);
  }
  char buffer[200];
  ssize_t length = read(pipes[0], buffer, sizeof(buffer));
  ASSERT_GT(length, 0);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_FALSE(isProcessAlive(llvm::StringRef(buffer, size_t(length))));
}
