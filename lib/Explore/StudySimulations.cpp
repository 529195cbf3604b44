//===- StudySimulations.cpp - Simulated designs of a study ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A table that only studies have whose search simulated: the others stay as
// they are, byte for byte, and so does their schema.
//
//===----------------------------------------------------------------------===//

#include "StudyStatement.h"

#include "llvm/Support/xxhash.h"

using namespace imc::explore;

/// XXH3 (64 bits) of everything that the row says.
static int64_t checksum(const SimulationRow &row) {
  std::string text;
  for (double value : {row.top1, row.deviation, row.yield})
    text.append(reinterpret_cast<const char *>(&value), sizeof(value));
  text.append(reinterpret_cast<const char *>(&row.trials), sizeof(row.trials));
  text += row.model + "\n" + row.key + "\n";
  return int64_t(llvm::xxh3_64bits(llvm::StringRef(text)));
}

llvm::Error Study::addSimulations(const std::vector<SimulationRow> &rows) {
  return transaction([&]() -> llvm::Error {
    if (llvm::Error error =
            run("CREATE TABLE IF NOT EXISTS simulation (model TEXT NOT NULL, "
                "key TEXT NOT NULL, top1 REAL NOT NULL, deviation REAL NOT "
                "NULL, yield REAL NOT NULL, trials INTEGER NOT NULL, checksum "
                "INTEGER NOT NULL, PRIMARY KEY (model, key)) WITHOUT ROWID"))
      return error;
    Statement insert(*this, "INSERT OR IGNORE INTO simulation VALUES "
                            "(?, ?, ?, ?, ?, ?, ?)");
    for (const SimulationRow &row : rows) {
      const int64_t check = checksum(row);
      insert.bind(1, row.model);
      insert.bind(2, row.key);
      insert.bind(3, row.top1);
      insert.bind(4, row.deviation);
      insert.bind(5, row.yield);
      insert.bind(6, row.trials);
      insert.bind(7, check);
      if (!insert.execute())
        return insert.finish("store a simulation of '" + row.model + "'");
      if (sqlite3_changes(handle.get()) != 0)
        continue;
      Statement query(*this, "SELECT checksum FROM simulation WHERE model = ? "
                             "AND key = ?");
      query.bind(1, row.model);
      query.bind(2, row.key);
      if (!query.step() || query.integer(0) != check)
        return makeError("study '" + file + "': the simulation of '" +
                         row.model + "' on " + row.key +
                         " is stored already and differs: the simulator is "
                         "another one, or the file is damaged; nothing was "
                         "overwritten");
    }
    return llvm::Error::success();
  });
}

llvm::Expected<std::vector<SimulationRow>> Study::simulations() const {
  std::vector<SimulationRow> rows;
  {
    Statement there(*this, "SELECT 1 FROM sqlite_schema WHERE name = "
                           "'simulation'");
    if (!there.step()) {
      if (llvm::Error error = there.finish("look for simulations"))
        return std::move(error);
      return rows;
    }
  }
  Statement query(*this, "SELECT model, key, top1, deviation, yield, trials, "
                         "checksum FROM simulation ORDER BY model, key");
  while (query.step()) {
    SimulationRow row{query.text(0), query.text(1), query.real(2),
                      query.real(3), query.real(4), query.integer(5)};
    if (query.integer(6) != checksum(row))
      return makeError("study '" + file + "': the simulation of '" + row.model +
                       "' on " + row.key +
                       " is damaged (its columns do not fit its checksum): "
                       "restore the file or search again");
    rows.push_back(std::move(row));
  }
  if (llvm::Error error = query.finish("read the simulations"))
    return std::move(error);
  return rows;
}
