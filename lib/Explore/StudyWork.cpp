//===- StudyWork.cpp - Several processes on one study ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StudyStatement.h"

namespace imc::explore {

llvm::Expected<std::vector<Study::Work>>
Study::claimWork(llvm::ArrayRef<std::string> keys, size_t &next, size_t most,
                 llvm::StringRef owner,
                 llvm::function_ref<bool(llvm::StringRef)> isAlive) {
  std::vector<Work> works;
  size_t at = next;
  llvm::Error error = transaction([&]() -> llvm::Error {
    Statement stored(*this, "SELECT objectives, violation, violations FROM "
                            "evaluation WHERE key = ?");
    Statement working(*this, "SELECT objectives, violation, violations, owner "
                             "FROM work WHERE key = ?");
    Statement claim(*this, "INSERT OR REPLACE INTO work (key, owner) "
                           "VALUES (?, ?)");
    for (size_t claimed = 0; at < keys.size() && claimed < most; ++at) {
      Work &work = works.emplace_back();
      for (Statement *query : {&stored, &working}) {
        query->bind(1, keys[at]);
        if (query->step()) {
          if (!query->isNull(1)) {
            work.kind = Work::Known;
            work.row.violation = query->real(1);
            if (!readAnswer(query->text(0), query->text(2), work.row))
              return makeError("study '" + file + "': design " + keys[at] +
                               " is damaged (its answer is no valid JSON): "
                               "restore the file or search again");
          } else if (std::string other = query->text(3);
                     other != owner && isAlive(other)) {
            work.kind = Work::Taken;
          }
        }
        if (llvm::Error error = query->finish("look for design " + keys[at]))
          return error;
        query->reset();
        if (work.kind == Work::Known)
          break;
      }
      if (work.kind != Work::Free)
        continue;
      claim.bind(1, keys[at]);
      claim.bind(2, owner);
      if (!claim.execute())
        return claim.finish("claim design " + keys[at]);
      ++claimed;
    }
    return llvm::Error::success();
  });
  if (error)
    return std::move(error);
  next = at;
  return works;
}

llvm::Error Study::finishWork(const std::vector<EvaluationRow> &rows) {
  return transaction([&]() -> llvm::Error {
    Statement update(*this, "UPDATE work SET objectives = ?, violation = ?, "
                            "violations = ? WHERE key = ?");
    Columns columns;
    for (const EvaluationRow &row : rows) {
      columns.setAnswer(row);
      if (columns.objectives.empty())
        update.bindNull(1);
      else
        update.bind(1, columns.objectives);
      update.bind(2, row.violation);
      update.bind(3, columns.violations);
      update.bind(4, row.key);
      if (!update.execute())
        return update.finish("store design " + row.key);
    }
    return llvm::Error::success();
  });
}

llvm::Error Study::setShards(const std::vector<ShardRow> &shards) {
  return transaction([&]() -> llvm::Error {
    Statement insert(*this, "INSERT INTO shard VALUES (?, ?, ?, ?, ?, ?)");
    for (const ShardRow &shard : shards) {
      insert.bind(1, shard.name);
      insert.bind(2, shard.state.number);
      insert.bind(3, int64_t(shard.state.evaluated));
      insert.bind(4, int64_t(shard.state.feasible));
      insert.bind(5, int64_t(shard.state.front));
      insert.bind(6, shard.state.hypervolume);
      if (!insert.execute())
        return insert.finish("store shard '" + shard.name + "'");
    }
    return llvm::Error::success();
  });
}

llvm::Expected<std::vector<ShardRow>> Study::shards() const {
  Statement query(*this, "SELECT name, number, evaluated, feasible, front, "
                         "hypervolume FROM shard ORDER BY name, number");
  std::vector<ShardRow> rows;
  while (query.step())
    rows.push_back({query.text(0),
                    {query.integer(1), uint64_t(query.integer(2)),
                     uint64_t(query.integer(3)), uint64_t(query.integer(4)),
                     query.real(5)}});
  if (llvm::Error error = query.finish("read the shards"))
    return std::move(error);
  return rows;
}

} // namespace imc::explore
