//===- StudyTest.cpp - The SQLite study -----------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/Study.h"

#include "TestUtil.h"
#include "imc/Support/OutputFile.h"

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace imc::explore;

namespace {

EvaluationRow row(int64_t id, std::vector<double> objectives, double violation,
                  std::vector<std::string> broken = {}) {
  EvaluationRow r;
  r.id = id;
  r.generation = 0;
  r.key = std::to_string(id) + ",0";
  r.values = {std::to_string(id), "offset"};
  r.objectives = std::move(objectives);
  r.violation = violation;
  r.broken = std::move(broken);
  return r;
}

TEST(Study, KeepsEveryDigitAndEveryViolation) {
  TempFolder folder;
  std::string file = folder.file("s.db");
  double ugly = 0.1 + 0.2;
  {
    Study study = must(Study::create(file));
    ASSERT_FALSE(bool(study.setMeta({{"seed", "7"}, {"aggregate", "max"}})));
    ASSERT_FALSE(bool(
        study.append({0, 2, 1, 1, 1.0 / 3}, {row(1, {ugly, 1e-300}, 0),
                                             row(2, {}, 1.5, {"capacity"})})));
  }
  Study study = must(Study::open(file));
  auto rows = must(study.rows());
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].objectives, (std::vector<double>{ugly, 1e-300}));
  EXPECT_EQ(rows[0].values, (std::vector<std::string>{"1", "offset"}));
  EXPECT_TRUE(rows[1].objectives.empty());
  EXPECT_EQ(rows[1].violation, 1.5);
  ASSERT_EQ(rows[1].broken.size(), 1u);
  EXPECT_EQ(rows[1].broken[0], "capacity");
  EXPECT_EQ(must(study.generations())[0].hypervolume, 1.0 / 3);
  EXPECT_EQ(must(study.meta("seed")), "7");
  EXPECT_EQ(must(study.meta("nothing")), std::nullopt);
}

TEST(Study, CountsDesignsPerRule) {
  Study study = must(Study::create(":memory:"));
  ASSERT_FALSE(bool(study.append(
      {0, 3, 0, 0, 0}, {row(1, {}, 1, {"capacity", "area_mm2 <= 800"}),
                        row(2, {}, 1, {"capacity"}), row(3, {1, 2}, 0)})));
  auto rejections = must(study.rejections());
  ASSERT_EQ(rejections.size(), 2u);
  EXPECT_EQ(rejections[0].rule, "capacity");
  EXPECT_EQ(rejections[0].count, 2u);
  EXPECT_EQ(rejections[1].rule, "area_mm2 <= 800");
  EXPECT_EQ(rejections[1].count, 1u);
}

TEST(Study, NeverOverwritesAFile) {
  TempFolder folder;
  std::string file = folder.file("s.db");
  must(Study::create(file));
  std::string text = errorOf(Study::create(file));
  EXPECT_HAS(text, file);
  EXPECT_HAS(text, "--resume");
}

TEST(Study, RefusesOtherFiles) {
  TempFolder folder;
  EXPECT_HAS(errorOf(Study::open(folder.file("none.db"))), "does not exist");

  std::string noise = folder.file("noise.db");
  ASSERT_FALSE(bool(imc::writeFile(noise, [](llvm::raw_ostream &stream) {
    stream << std::string(5000, 'x');
  })));
  EXPECT_HAS(errorOf(Study::open(noise)), noise);

  std::string other = folder.file("other.db");
  sqlite3 *handle = nullptr;
  ASSERT_EQ(sqlite3_open(other.c_str(), &handle), SQLITE_OK);
  sqlite3_exec(handle, "CREATE TABLE t(x)", nullptr, nullptr, nullptr);
  sqlite3_close(handle);
  EXPECT_HAS(errorOf(Study::open(other)), "is no study");

  std::string newer = folder.file("newer.db");
  must(Study::create(newer));
  ASSERT_EQ(sqlite3_open(newer.c_str(), &handle), SQLITE_OK);
  sqlite3_exec(handle, "PRAGMA user_version=99", nullptr, nullptr, nullptr);
  sqlite3_close(handle);
  EXPECT_HAS(errorOf(Study::open(newer)), "schema version 99");

  EXPECT_HAS(errorOf(Study::create("/nonexistent/folder/s.db")),
             "/nonexistent/folder/s.db");
}

TEST(Study, AKilledProcessKeepsWholeGenerations) {
  TempFolder folder;
  std::string file = folder.file("s.db");
  int said[2]; // a byte per generation: disks may be slow
  ASSERT_EQ(pipe(said), 0);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    close(said[0]);
    auto study = Study::create(file);
    for (int64_t g = 0; study; ++g) {
      std::vector<EvaluationRow> rows;
      for (int64_t i = 0; i < 50; ++i)
        rows.push_back(row(g * 50 + i + 1, {1.0 * g, 2.0 * i}, 0));
      if (study->append({g, uint64_t(g + 1) * 50, 0, 0, 0}, rows) ||
          write(said[1], "", 1) != 1)
        _exit(1);
    }
    _exit(1);
  }
  close(said[1]);
  char byte;
  for (int g = 0; g != 3; ++g)
    EXPECT_EQ(read(said[0], &byte, 1), 1);
  usleep(20000); // somewhere in a later one
  kill(child, SIGKILL);
  close(said[0]);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));

  Study study = must(Study::open(file));
  auto rows = must(study.rows());
  auto generations = must(study.generations());
  ASSERT_GE(generations.size(), 3u);
  EXPECT_EQ(rows.size(), generations.size() * 50);
  EXPECT_EQ(generations.back().evaluated, rows.size());
}

} // namespace
