//===- Study.cpp - Every evaluation of a search, on disk ------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StudyStatement.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/xxhash.h"

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
  violations TEXT NOT NULL,
  checksum INTEGER NOT NULL
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
CREATE TABLE shard (
  name TEXT NOT NULL,
  number INTEGER NOT NULL,
  evaluated INTEGER NOT NULL,
  feasible INTEGER NOT NULL,
  front INTEGER NOT NULL,
  hypervolume REAL NOT NULL,
  PRIMARY KEY (name, number)
) WITHOUT ROWID;
CREATE TABLE work (
  key TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  objectives TEXT,
  violation REAL,
  violations TEXT
) WITHOUT ROWID;
)sql";

void Study::Close::operator()(sqlite3 *handle) const { sqlite3_close(handle); }

llvm::Error Study::fail(const llvm::Twine &doing) const {
  std::string reason = sqlite3_errmsg(handle.get());
  switch (sqlite3_errcode(handle.get()) & 0xff) {
  case SQLITE_FULL:
  case SQLITE_IOERR:
    reason += ": what was stored before is safe; make room, then go on with "
              "--resume";
    break;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    reason += ": the file is damaged; restore a copy or search again under "
              "another name";
    break;
  case SQLITE_READONLY:
  case SQLITE_CANTOPEN:
    reason += ": the folder and the file must be writable";
    break;
  case SQLITE_BUSY:
    reason += ": another process holds it; end that one or name another study";
    break;
  }
  return makeError("study '" + file + "': cannot " + doing + ": " + reason);
}

llvm::Error Study::run(const char *sql) const {
  if (sqlite3_exec(handle.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return fail("run '" + llvm::StringRef(sql).take_front(40) + "'");
  return llvm::Error::success();
}

llvm::Expected<Study> Study::connect(llvm::StringRef path, int flags) {
  sqlite3 *raw = nullptr;
  int code = sqlite3_open_v2(path.str().c_str(), &raw, flags, nullptr);
  Study study(std::unique_ptr<sqlite3, Close>(raw), path.str());
  if (code != SQLITE_OK)
    return study.fail("open it");
  // Other processes may hold a lock for a moment.
  sqlite3_busy_timeout(raw, 20000);
  if (flags & SQLITE_OPEN_READONLY)
    return study;
  // NORMAL loses nothing when the process dies; only a power cut may cost the
  // last transactions, and never the file. Keys arrive in random order: their
  // index should stay in memory (64 MiB) up to about a million designs, and its
  // pages should be copied into the main file once per 16 MiB, not per 4.
  constexpr const char *settings = "PRAGMA journal_mode=WAL; "
                                   "PRAGMA synchronous=NORMAL; "
                                   "PRAGMA wal_autocheckpoint=4096; "
                                   "PRAGMA cache_size=-65536; "
                                   "PRAGMA foreign_keys=ON";
  // Two processes that turn a new file to WAL at once each wait for the other:
  // SQLite gives up at once then, whatever the timeout. The next try finds it
  // done.
  for (int tries = 0; tries != 2000; ++tries) {
    if (sqlite3_exec(raw, settings, nullptr, nullptr, nullptr) == SQLITE_OK)
      return study;
    if ((sqlite3_errcode(raw) & 0xff) != SQLITE_BUSY)
      break;
    sqlite3_sleep(10);
  }
  return study.fail("set it up");
}

llvm::Error Study::makeTables() {
  // The marks of the file stand in the same transaction as its tables, so a
  // maker that is killed leaves an empty database or a whole study.
  return transaction([&]() -> llvm::Error {
    {
      Statement count(*this, "SELECT COUNT(*) FROM sqlite_schema");
      if (!count.step())
        return count.finish("count its tables");
      if (count.integer(0) != 0) // another process was quicker
        return llvm::Error::success();
    }
    std::string marks =
        "PRAGMA application_id=" + std::to_string(kApplicationId) +
        "; PRAGMA user_version=" + std::to_string(kSchemaVersion);
    if (llvm::Error error = run(marks.c_str()))
      return error;
    return run(kTables);
  });
}

/// The maker of a file was killed while SQLite wrote the first page: only the
/// journal beside it can tell, and rolling it back is a write.
static bool wasKilledAtBirth(llvm::StringRef path) {
  uint64_t size = 0;
  return llvm::sys::fs::exists(path + "-journal") &&
         !llvm::sys::fs::file_size(path, size) && size <= 4096;
}

llvm::Expected<bool> Study::inspect(llvm::StringRef path) {
  // Read-only, so that a file which is somebody else's stays as it is.
  auto study = connect(path, SQLITE_OPEN_READONLY);
  if (!study)
    return study.takeError();
  if (wasKilledAtBirth(path)) {
    sqlite3 *raw = nullptr;
    sqlite3_open_v2(path.str().c_str(), &raw, SQLITE_OPEN_READWRITE, nullptr);
    std::unique_ptr<sqlite3, Close> repair(raw);
    sqlite3_exec(raw, "SELECT COUNT(*) FROM sqlite_schema", nullptr, nullptr,
                 nullptr); // what is wrong shows below
  }
  // One look: another process may be making the study.
  llvm::consumeError(study->run("BEGIN"));
  int64_t application = 0, version = 0, tables = 0;
  for (auto [sql, into] : {std::pair("PRAGMA application_id", &application),
                           {"PRAGMA user_version", &version},
                           {"SELECT COUNT(*) FROM sqlite_schema", &tables}}) {
    Statement query(*study, sql);
    if (query.step())
      *into = query.integer(0);
    else if (llvm::Error error = query.finish("read it"))
      return makeError("'" + path + "' is no study of imc search (" +
                       llvm::toString(std::move(error)) +
                       "): name the file that --study wrote");
  }
  if (application == 0 && version == 0 && tables == 0)
    return true;
  if (application != kApplicationId)
    return makeError("'" + path +
                     "' is no study of imc search: name the file that --study "
                     "wrote");
  if (version != kSchemaVersion)
    return makeError("study '" + path + "' has schema version " +
                     llvm::Twine(version) + ", this program reads version " +
                     llvm::Twine(kSchemaVersion) +
                     ": use the program that wrote it, or search again");
  Statement check(*study, "PRAGMA quick_check(1)");
  bool row = check.step();
  if (!row || check.text(0) != "ok")
    return makeError(
        "study '" + path + "' is damaged: " +
        (row ? check.text(0)
             : std::string(sqlite3_errmsg(study->handle.get()))) +
        ": restore a copy, or search again under another name; it was left as "
        "it is");
  return false;
}

llvm::Expected<Study> Study::create(llvm::StringRef path) {
  if (path != ":memory:" && llvm::sys::fs::exists(path))
    return makeError("study '" + path +
                     "' exists already: add --resume to continue it, or name "
                     "another file");
  auto study = connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (!study)
    return study.takeError();
  if (llvm::Error error = study->makeTables())
    return std::move(error);
  return study;
}

bool Study::exists(llvm::StringRef path) { return llvm::sys::fs::exists(path); }

llvm::Expected<Study> Study::open(llvm::StringRef path) {
  if (!llvm::sys::fs::exists(path))
    return makeError("study '" + path +
                     "' does not exist: make one with imc search --study");
  auto empty = inspect(path);
  if (!empty)
    return empty.takeError();
  auto study = connect(path, SQLITE_OPEN_READWRITE);
  if (study && *empty)
    if (llvm::Error error = study->makeTables())
      return std::move(error);
  return study;
}

llvm::Expected<Study> Study::openOrCreate(llvm::StringRef path) {
  if (llvm::sys::fs::exists(path))
    return open(path);
  auto study = connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (!study)
    return study.takeError();
  if (llvm::Error error = study->makeTables())
    return std::move(error);
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

llvm::Expected<std::string> Study::need(llvm::StringRef key) const {
  auto value = meta(key);
  if (!value)
    return value.takeError();
  if (!*value)
    return makeError("study '" + file + "' lacks '" + key +
                     "': its search has not begun or not ended; go on with "
                     "the same imc search command and --resume");
  return **value;
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

llvm::Expected<bool> Study::claimMeta(
    llvm::StringRef key,
    const std::vector<std::pair<std::string, std::string>> &pairs) {
  bool claimed = false;
  llvm::Error error = transaction([&]() -> llvm::Error {
    auto there = meta(key);
    if (!there)
      return there.takeError();
    if (*there)
      return llvm::Error::success();
    claimed = true;
    Statement insert(*this, "INSERT OR REPLACE INTO meta VALUES (?, ?)");
    for (const auto &[name, value] : pairs) {
      insert.bind(1, name);
      insert.bind(2, value);
      if (!insert.execute())
        return insert.finish("store '" + name + "'");
    }
    return llvm::Error::success();
  });
  if (error)
    return std::move(error);
  return claimed;
}

//===----------------------------------------------------------------------===//
// Evaluations
//===----------------------------------------------------------------------===//

/// XXH3 (64 bits) of everything that the row says.
static int64_t checksum(const EvaluationRow &row, llvm::StringRef knobs,
                        llvm::StringRef objectives, llvm::StringRef violations,
                        std::string &scratch) {
  scratch.clear();
  auto number = [&](const auto &value) {
    scratch.append(reinterpret_cast<const char *>(&value), sizeof(value));
  };
  number(row.id);
  number(row.generation);
  number(row.violation);
  for (llvm::StringRef text :
       {llvm::StringRef(row.key), knobs, objectives, violations}) {
    scratch.append(text.data(), text.size());
    scratch += '\n';
  }
  return int64_t(llvm::xxh3_64bits(llvm::StringRef(scratch)));
}

llvm::Error Study::checkKept(const EvaluationRow &row, int64_t check) const {
  Statement query(*this, "SELECT checksum FROM evaluation WHERE key = ?");
  query.bind(1, row.key);
  if (query.step() && query.integer(0) == check)
    return llvm::Error::success();
  if (llvm::Error error =
          query.finish("compare evaluation " + llvm::Twine(row.id)))
    return error;
  return makeError("study '" + file + "': evaluation " + llvm::Twine(row.id) +
                   " (design " + row.key +
                   ") is stored already and differs: another search writes to "
                   "this study, the evaluator is not deterministic, or the "
                   "file is damaged; nothing was overwritten");
}

llvm::Error Study::append(const GenerationRow &generation,
                          const std::vector<EvaluationRow> &rows) {
  return transaction([&]() -> llvm::Error {
    Statement insert(*this, "INSERT OR IGNORE INTO evaluation VALUES "
                            "(?, ?, ?, ?, ?, ?, ?, ?)");
    Columns columns;
    std::string scratch;
    for (const EvaluationRow &row : rows) {
      columns.setKnobs(row);
      columns.setAnswer(row);
      insert.bind(1, row.id);
      insert.bind(2, row.generation);
      insert.bind(3, row.key);
      insert.bind(4, columns.knobs);
      if (columns.objectives.empty())
        insert.bindNull(5);
      else
        insert.bind(5, columns.objectives);
      insert.bind(6, row.violation);
      insert.bind(7, columns.violations);
      int64_t check = checksum(row, columns.knobs, columns.objectives,
                               columns.violations, scratch);
      insert.bind(8, check);
      if (!insert.execute())
        return insert.finish("store evaluation " + llvm::Twine(row.id));
      if (sqlite3_changes(handle.get()) == 0)
        if (llvm::Error error = checkKept(row, check))
          return error;
    }
    Statement any(*this, "SELECT 1 FROM work LIMIT 1");
    if (any.step()) {
      Statement done(*this, "DELETE FROM work WHERE key = ?");
      for (const EvaluationRow &row : rows) {
        done.bind(1, row.key);
        if (!done.execute())
          return done.finish("end the work on " + row.key);
      }
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

llvm::Expected<std::vector<EvaluationRow>> Study::rows() const {
  Statement query(*this, "SELECT id, generation, key, knobs, objectives, "
                         "violation, violations, checksum FROM evaluation "
                         "ORDER BY id");
  std::vector<EvaluationRow> rows;
  std::string scratch;
  while (query.step()) {
    EvaluationRow row;
    row.id = query.integer(0);
    row.generation = query.integer(1);
    row.key = query.text(2);
    std::string knobs = query.text(3), objectives = query.text(4),
                violations = query.text(6);
    row.violation = query.real(5);
    bool good = query.integer(7) ==
                    checksum(row, knobs, objectives, violations, scratch) &&
                readAnswer(objectives, violations, row) &&
                eachElement(knobs, [&](const llvm::json::Value &value) {
                  row.values.push_back(knobValueFromJSON(value));
                  return true;
                });
    if (!good)
      return makeError("study '" + file + "': evaluation " +
                       llvm::Twine(row.id) +
                       " is damaged (its columns do not fit its checksum): "
                       "restore the file or search again");
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
