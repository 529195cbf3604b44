//===- StudyStatement.h - SQLite for the parts of a study -----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prepared statements, transactions and the text of JSON columns, shared by
// Study.cpp (one process) and StudyWork.cpp (several).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_EXPLORE_STUDYSTATEMENT_H
#define IMC_LIB_EXPLORE_STUDYSTATEMENT_H

#include "imc/Explore/Study.h"

#include "llvm/ADT/StringMap.h"

#include <sqlite3.h>

namespace imc::explore {

/// A prepared statement; columns and parameters count from 0 and 1.
class Statement {
public:
  Statement(const Study &study, const char *sql) : study(study) {
    code = sqlite3_prepare_v2(study.handle.get(), sql, -1, &statement, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement); }
  Statement(const Statement &) = delete;

  /// The text must live until the statement has run.
  void bind(int i, llvm::StringRef text) {
    if (code == SQLITE_OK)
      code = sqlite3_bind_text(statement, i, text.data(), text.size(),
                               SQLITE_STATIC);
  }
  void bind(int i, int64_t value) {
    if (code == SQLITE_OK)
      code = sqlite3_bind_int64(statement, i, value);
  }
  void bind(int i, double value) {
    if (code == SQLITE_OK)
      code = sqlite3_bind_double(statement, i, value);
  }
  void bindNull(int i) {
    if (code == SQLITE_OK)
      code = sqlite3_bind_null(statement, i);
  }
  /// Makes a query ready for the next values.
  void reset() {
    if (code == SQLITE_ROW || code == SQLITE_DONE) {
      sqlite3_reset(statement);
      code = SQLITE_OK;
    }
  }
  /// True while there is a row; false at the end or on an error (finish()).
  bool step() {
    if (code == SQLITE_OK || code == SQLITE_ROW)
      code = sqlite3_step(statement);
    return code == SQLITE_ROW;
  }
  /// Runs a statement without rows and makes it ready for the next values.
  bool execute() {
    step();
    if (code != SQLITE_DONE)
      return false;
    sqlite3_reset(statement);
    code = SQLITE_OK;
    return true;
  }
  llvm::Error finish(const llvm::Twine &doing) {
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW)
      return llvm::Error::success();
    return study.fail(doing);
  }

  bool isNull(int i) const {
    return sqlite3_column_type(statement, i) == SQLITE_NULL;
  }
  std::string text(int i) const {
    auto *data = sqlite3_column_text(statement, i);
    return data ? std::string(reinterpret_cast<const char *>(data),
                              sqlite3_column_bytes(statement, i))
                : std::string();
  }
  int64_t integer(int i) const { return sqlite3_column_int64(statement, i); }
  double real(int i) const { return sqlite3_column_double(statement, i); }

private:
  const Study &study;
  sqlite3_stmt *statement = nullptr;
  int code = SQLITE_OK;
};

template <typename Body>
llvm::Error Study::transaction(Body body) const {
  if (llvm::Error error = run("BEGIN IMMEDIATE"))
    return error;
  if (llvm::Error error = body()) {
    llvm::consumeError(run("ROLLBACK"));
    return error;
  }
  if (llvm::Error error = run("COMMIT")) {
    llvm::consumeError(run("ROLLBACK"));
    return error;
  }
  return llvm::Error::success();
}

inline std::string printJSON(llvm::json::Value value) {
  std::string text;
  llvm::raw_string_ostream(text) << value;
  return text;
}

/// The columns of an evaluation as they are stored.
struct Columns {
  std::string knobs, objectives, violations;
  /// Texts of knob values and rules repeat for every design.
  llvm::StringMap<std::string> knobTexts, ruleTexts;

  void setKnobs(const EvaluationRow &row) {
    knobs = "[";
    for (const std::string &value : row.values) {
      auto [at, isNew] = knobTexts.try_emplace(value);
      if (isNew)
        at->second = printJSON(knobValueToJSON(value));
      if (knobs.size() > 1)
        knobs += ',';
      knobs += at->second;
    }
    knobs += ']';
  }
  void setAnswer(const EvaluationRow &row) {
    objectives.clear();
    for (double value : row.objectives) {
      objectives += objectives.empty() ? '[' : ',';
      objectives += shortest(value);
    }
    if (!objectives.empty())
      objectives += ']';
    violations = "[";
    for (const std::string &rule : row.broken) {
      auto [at, isNew] = ruleTexts.try_emplace(rule);
      if (isNew)
        at->second = printJSON(llvm::json::Value(rule));
      if (violations.size() > 1)
        violations += ',';
      violations += at->second;
    }
    violations += ']';
  }
};

/// Calls body(value) for every element; false when `text` is no JSON array.
template <typename Body>
bool eachElement(llvm::StringRef text, Body body) {
  auto value = llvm::json::parse(text);
  if (!value) {
    llvm::consumeError(value.takeError());
    return false;
  }
  const llvm::json::Array *array = value->getAsArray();
  if (!array)
    return false;
  for (const llvm::json::Value &element : *array)
    if (!body(element))
      return false;
  return true;
}

/// Reads objectives and broken rules; false when they are damaged.
inline bool readAnswer(llvm::StringRef objectives, llvm::StringRef violations,
                       EvaluationRow &row) {
  if (!objectives.empty() &&
      !eachElement(objectives, [&](const llvm::json::Value &v) {
        if (auto number = v.getAsNumber())
          row.objectives.push_back(*number);
        return v.getAsNumber().has_value();
      }))
    return false;
  return eachElement(violations, [&](const llvm::json::Value &v) {
    if (auto rule = v.getAsString())
      row.broken.push_back(rule->str());
    return v.getAsString().has_value();
  });
}

} // namespace imc::explore

#endif // IMC_LIB_EXPLORE_STUDYSTATEMENT_H
