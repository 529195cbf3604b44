//===- Study.cpp - Every evaluation of a search, on disk ------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/Study.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"

#include <sqlite3.h>

namespace json = llvm::json;

namespace imc::explore {

// Marks the file as ours ("imcS"), so that any other SQLite file is refused.
static constexpr int kApplicationId = 0x696d6353;

static const char *const kTables = R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE evaluation (
  id INTEGER PRIMARY KEY,
  generation INTEGER NOT NULL,
  key TEXT NOT NULL UNIQUE,
  knobs TEXT NOT NULL,
  objectives TEXT,
  violation REAL NOT NULL,
  violations TEXT NOT NULL
);
CREATE TABLE generation (
  number INTEGER PRIMARY KEY,
  evaluated INTEGER NOT NULL,
  feasible INTEGER NOT NULL,
  front INTEGER NOT NULL,
  hypervolume REAL NOT NULL
);
CREATE TABLE front (
  id INTEGER PRIMARY KEY REFERENCES evaluation(id),
  point TEXT NOT NULL
);
)sql";

/// A prepared statement; columns and parameters count from 0 and 1.
class Statement {
public:
  Statement(const Study &study, const char *sql) : study(study) {
    code = sqlite3_prepare_v2(study.handle.get(), sql, -1, &statement, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement); }
  Statement(const Statement &) = delete;

  void bind(int i, llvm::StringRef text) {
    if (code == SQLITE_OK)
      code = sqlite3_bind_text(statement, i, text.data(), text.size(),
                               SQLITE_TRANSIENT);
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

void Study::Close::operator()(sqlite3 *handle) const { sqlite3_close(handle); }

llvm::Error Study::fail(const llvm::Twine &doing) const {
  return makeError("study '" + file + "': cannot " + doing + ": " +
                   sqlite3_errmsg(handle.get()));
}

llvm::Error Study::run(const char *sql) const {
  if (sqlite3_exec(handle.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return fail("run '" + llvm::StringRef(sql).take_front(40) + "'");
  return llvm::Error::success();
}

template <typename Body>
llvm::Error Study::transaction(Body body) const {
  if (llvm::Error error = run("BEGIN IMMEDIATE"))
    return error;
  if (llvm::Error error = body()) {
    llvm::consumeError(run("ROLLBACK"));
    return error;
  }
  return run("COMMIT");
}

llvm::Expected<Study> Study::connect(llvm::StringRef path, int flags) {
  sqlite3 *raw = nullptr;
  int code = sqlite3_open_v2(path.str().c_str(), &raw, flags, nullptr);
  Study study(std::unique_ptr<sqlite3, Close>(raw), path.str());
  if (code != SQLITE_OK)
    return study.fail("open it");
  // Readers (a report of a running search) may hold a lock for a moment.
  sqlite3_busy_timeout(raw, 10000);
  // NORMAL loses nothing when the process dies; only a power cut may cost the
  // last transactions, and never the file.
  if (llvm::Error error = study.run("PRAGMA journal_mode=WAL; "
                                    "PRAGMA synchronous=NORMAL; "
                                    "PRAGMA foreign_keys=ON"))
    return std::move(error);
  return study;
}

llvm::Expected<Study> Study::create(llvm::StringRef path) {
  if (path != ":memory:" && llvm::sys::fs::exists(path))
    return makeError("study '" + path +
                     "' exists already: add --resume to continue it, or name "
                     "another file");
  auto study = connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (!study)
    return study.takeError();
  std::string marks =
      "PRAGMA application_id=" + std::to_string(kApplicationId) +
      "; PRAGMA user_version=" + std::to_string(kSchemaVersion);
  if (llvm::Error error = study->run(marks.c_str()))
    return std::move(error);
  if (llvm::Error error =
          study->transaction([&] { return study->run(kTables); }))
    return std::move(error);
  return study;
}

llvm::Expected<Study> Study::open(llvm::StringRef path) {
  if (!llvm::sys::fs::exists(path))
    return makeError("study '" + path +
                     "' does not exist: make one with imc search --study");
  auto study = connect(path, SQLITE_OPEN_READWRITE);
  if (!study)
    return study.takeError();
  int64_t application = 0, version = 0;
  {
    Statement id(*study, "PRAGMA application_id");
    if (id.step())
      application = id.integer(0);
    Statement user(*study, "PRAGMA user_version");
    if (user.step())
      version = user.integer(0);
  }
  if (application != kApplicationId)
    return makeError("'" + path +
                     "' is no study of imc search: name the file that --study "
                     "wrote");
  if (version != kSchemaVersion)
    return makeError("study '" + path + "' has schema version " +
                     llvm::Twine(version) + ", this program reads version " +
                     llvm::Twine(kSchemaVersion) +
                     ": use the program that wrote it, or search again");
  return study;
}

llvm::Expected<std::optional<std::string>>
Study::meta(llvm::StringRef key) const {
  Statement query(*this, "SELECT value FROM meta WHERE key = ?");
  query.bind(1, key);
  std::optional<std::string> value;
  if (query.step())
    value = query.text(0);
  if (llvm::Error error = query.finish("read '" + key + "'"))
    return std::move(error);
  return value;
}

llvm::Expected<std::vector<std::pair<std::string, std::string>>>
Study::allMeta() const {
  Statement query(*this, "SELECT key, value FROM meta ORDER BY key");
  std::vector<std::pair<std::string, std::string>> pairs;
  while (query.step())
    pairs.emplace_back(query.text(0), query.text(1));
  if (llvm::Error error = query.finish("read the meta table"))
    return std::move(error);
  return pairs;
}

llvm::Error
Study::setMeta(const std::vector<std::pair<std::string, std::string>> &pairs) {
  return transaction([&]() -> llvm::Error {
    Statement insert(*this, "INSERT OR REPLACE INTO meta VALUES (?, ?)");
    for (const auto &[key, value] : pairs) {
      insert.bind(1, key);
      insert.bind(2, value);
      if (!insert.execute())
        return insert.finish("store '" + key + "'");
    }
    return llvm::Error::success();
  });
}

static std::string print(json::Value value) {
  std::string text;
  llvm::raw_string_ostream(text) << value;
  return text;
}

llvm::Error Study::append(const GenerationRow &generation,
                          const std::vector<EvaluationRow> &rows) {
  return transaction([&]() -> llvm::Error {
    Statement insert(*this, "INSERT OR IGNORE INTO evaluation (id, generation, "
                            "key, knobs, objectives, violation, violations) "
                            "VALUES (?, ?, ?, ?, ?, ?, ?)");
    for (const EvaluationRow &row : rows) {
      json::Array knobs;
      for (const std::string &value : row.values)
        knobs.push_back(knobValueToJSON(value));
      insert.bind(1, row.id);
      insert.bind(2, row.generation);
      insert.bind(3, row.key);
      insert.bind(4, print(std::move(knobs)));
      if (row.objectives.empty())
        insert.bindNull(5);
      else
        insert.bind(5, print(json::Array(row.objectives)));
      insert.bind(6, row.violation);
      insert.bind(7, print(json::Array(row.broken)));
      if (!insert.execute())
        return insert.finish("store evaluation " + llvm::Twine(row.id));
    }
    Statement state(*this,
                    "INSERT OR REPLACE INTO generation VALUES (?, ?, ?, ?, ?)");
    state.bind(1, generation.number);
    state.bind(2, int64_t(generation.evaluated));
    state.bind(3, int64_t(generation.feasible));
    state.bind(4, int64_t(generation.front));
    state.bind(5, generation.hypervolume);
    if (!state.execute())
      return state.finish("store generation " + llvm::Twine(generation.number));
    return llvm::Error::success();
  });
}

/// Reads the JSON columns of a row; false when they are damaged.
static bool readColumns(const Statement &query, EvaluationRow &row) {
  auto knobs = json::parse(query.text(3));
  auto broken = json::parse(query.text(6));
  bool good = bool(knobs) && bool(broken) && knobs->getAsArray() &&
              broken->getAsArray();
  if (good) {
    for (const json::Value &value : *knobs->getAsArray())
      row.values.push_back(knobValueFromJSON(value));
    for (const json::Value &value : *broken->getAsArray()) {
      auto rule = value.getAsString();
      if (!rule)
        return false;
      row.broken.push_back(rule->str());
    }
  }
  if (!knobs)
    llvm::consumeError(knobs.takeError());
  if (!broken)
    llvm::consumeError(broken.takeError());
  if (!good || query.isNull(4))
    return good;
  auto objectives = json::parse(query.text(4));
  if (!objectives) {
    llvm::consumeError(objectives.takeError());
    return false;
  }
  if (!objectives->getAsArray())
    return false;
  for (const json::Value &value : *objectives->getAsArray()) {
    auto number = value.getAsNumber();
    if (!number)
      return false;
    row.objectives.push_back(*number);
  }
  return true;
}

llvm::Expected<std::vector<EvaluationRow>> Study::rows() const {
  Statement query(*this, "SELECT id, generation, key, knobs, objectives, "
                         "violation, violations FROM evaluation ORDER BY id");
  std::vector<EvaluationRow> rows;
  while (query.step()) {
    EvaluationRow row;
    row.id = query.integer(0);
    row.generation = query.integer(1);
    row.key = query.text(2);
    row.violation = query.real(5);
    if (!readColumns(query, row))
      return makeError("study '" + file + "': evaluation " +
                       llvm::Twine(row.id) +
                       " is damaged (its columns are no valid JSON): restore "
                       "the file or search again");
    rows.push_back(std::move(row));
  }
  if (llvm::Error error = query.finish("read the evaluations"))
    return std::move(error);
  return rows;
}

llvm::Expected<std::vector<GenerationRow>> Study::generations() const {
  Statement query(*this, "SELECT number, evaluated, feasible, front, "
                         "hypervolume FROM generation ORDER BY number");
  std::vector<GenerationRow> rows;
  while (query.step())
    rows.push_back({query.integer(0), uint64_t(query.integer(1)),
                    uint64_t(query.integer(2)), uint64_t(query.integer(3)),
                    query.real(4)});
  if (llvm::Error error = query.finish("read the generations"))
    return std::move(error);
  return rows;
}

llvm::Expected<std::vector<Rejection>> Study::rejections() const {
  Statement query(*this, "SELECT v.value AS rule, "
                         "COUNT(DISTINCT e.id) AS n FROM evaluation e, "
                         "json_each(e.violations) v GROUP BY rule "
                         "ORDER BY n DESC, rule");
  std::vector<Rejection> rejections;
  while (query.step())
    rejections.push_back({query.text(0), uint64_t(query.integer(1))});
  if (llvm::Error error = query.finish("count the broken rules"))
    return std::move(error);
  return rejections;
}

llvm::Error
Study::setFront(const std::vector<std::pair<int64_t, std::string>> &points) {
  return transaction([&]() -> llvm::Error {
    if (llvm::Error error = run("DELETE FROM front"))
      return error;
    Statement insert(*this, "INSERT INTO front VALUES (?, ?)");
    for (const auto &[id, point] : points) {
      insert.bind(1, id);
      insert.bind(2, point);
      if (!insert.execute())
        return insert.finish("store front point " + llvm::Twine(id));
    }
    return llvm::Error::success();
  });
}

llvm::Expected<std::vector<std::string>> Study::front() const {
  Statement query(*this, "SELECT point FROM front ORDER BY id");
  std::vector<std::string> points;
  while (query.step())
    points.push_back(query.text(0));
  if (llvm::Error error = query.finish("read the front"))
    return std::move(error);
  return points;
}

} // namespace imc::explore
