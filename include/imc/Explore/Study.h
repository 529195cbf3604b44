//===- Study.h - Every evaluation of a search, on disk --------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A study is one SQLite file in write-ahead mode: what was searched (meta),
// one row per evaluated design, one row per generation, and the final front.
// A generation is one transaction, so a process that is killed loses at most
// the generation that it was working on. The tables are documented in
// docs/spec/study.md; kSchemaVersion changes whenever their meaning does.
//
// Not thread-safe: one thread owns a Study. Another process may read the file
// at any time.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXPLORE_STUDY_H
#define IMC_EXPLORE_STUDY_H

#include "imc/Explore/Design.h"

#include <cstdint>
#include <memory>
#include <optional>

struct sqlite3;

namespace imc::explore {

/// One evaluated design.
struct EvaluationRow {
  int64_t id = 0;                  ///< from 1, in the order of evaluation
  int64_t generation = 0;          ///< that asked for it, from 0
  std::string key;                 ///< choice index per knob, "3,0,7"
  std::vector<std::string> values; ///< value per knob, order of the space
  std::vector<double> objectives;  ///< empty when the design has no cost
  double violation = 0;            ///< 0: feasible
  std::vector<std::string> broken; ///< names of the rules it breaks
};

/// State of the archive after a generation.
struct GenerationRow {
  int64_t number = 0;
  uint64_t evaluated = 0; ///< so far
  uint64_t feasible = 0;  ///< so far
  uint64_t front = 0;     ///< non-dominated designs so far
  double hypervolume = 0; ///< see docs/spec/study.md
};

/// How many evaluated designs break a rule.
struct Rejection {
  std::string rule;
  uint64_t count = 0;
};

class Study {
public:
  /// Version of the tables.
  static constexpr int64_t kSchemaVersion = 1;

  /// Makes a new study. ":memory:" keeps it in memory. A file that exists is
  /// refused: a study is never overwritten.
  static llvm::Expected<Study> create(llvm::StringRef path);
  /// Opens an existing study; refuses what is no study or has another schema.
  static llvm::Expected<Study> open(llvm::StringRef path);

  /// Text under `key`, or nothing.
  llvm::Expected<std::optional<std::string>> meta(llvm::StringRef key) const;
  /// All pairs, sorted by key.
  llvm::Expected<std::vector<std::pair<std::string, std::string>>>
  allMeta() const;
  /// Sets all pairs in one transaction.
  llvm::Error
  setMeta(const std::vector<std::pair<std::string, std::string>> &pairs);

  /// Adds the rows and sets the generation's state in one transaction. Rows
  /// already stored under the same key stay as they are.
  llvm::Error append(const GenerationRow &generation,
                     const std::vector<EvaluationRow> &rows);

  /// All rows by id.
  llvm::Expected<std::vector<EvaluationRow>> rows() const;
  llvm::Expected<std::vector<GenerationRow>> generations() const;
  /// Broken rules, most frequent first; counts designs, not occurrences.
  llvm::Expected<std::vector<Rejection>> rejections() const;

  /// Replaces the front: (evaluation id, front point as JSON text).
  llvm::Error
  setFront(const std::vector<std::pair<int64_t, std::string>> &points);
  llvm::Expected<std::vector<std::string>> front() const;

  const std::string &path() const { return file; }

private:
  struct Close {
    void operator()(sqlite3 *handle) const;
  };
  Study(std::unique_ptr<sqlite3, Close> handle, std::string file)
      : handle(std::move(handle)), file(std::move(file)) {}
  static llvm::Expected<Study> connect(llvm::StringRef path, int flags);
  llvm::Error run(const char *sql) const;
  llvm::Error fail(const llvm::Twine &doing) const;
  template <typename Body>
  llvm::Error transaction(Body body) const;

  std::unique_ptr<sqlite3, Close> handle;
  std::string file;

  friend class Statement;
};

} // namespace imc::explore

#endif // IMC_EXPLORE_STUDY_H
