//===- StudyFiles.h - Check, export and merge studies ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What can be done with study files after a search. Exports hold nothing that
// differs between two runs of one search (no seconds, no host), so equal
// searches export equal bytes. Formats: docs/spec/study.md, section 5.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXPLORE_STUDYFILES_H
#define IMC_EXPLORE_STUDYFILES_H

#include "imc/Explore/Study.h"

#include "llvm/Support/raw_ostream.h"

namespace imc::explore {

enum class ExportFormat { CSV, JSON };

/// "csv" or "json"; the error lists them.
llvm::Expected<ExportFormat> parseExportFormat(llvm::StringRef name);

/// Writes all evaluations in order; JSON also has the search's description and
/// generations. Fails on damaged rows.
llvm::Error exportStudy(const Study &study, ExportFormat format,
                        llvm::raw_ostream &out);

/// Reads every table and row; one line of figures for `imc study check`.
llvm::Expected<std::string> checkStudy(const Study &study);

/// Makes `output` from finished studies of one problem (same version, space,
/// target, models, objectives, aggregate, regret references; algorithms, seeds
/// and budgets may differ). Designs are numbered by key, so the order of
/// `inputs` does not show in a single byte of the result; the histories of the
/// shards are kept. Refused: fewer than two shards; another problem; a shard
/// that has not ended; one shard twice; a design with different answers in two
/// shards; an output that exists.
llvm::Error mergeStudies(llvm::ArrayRef<std::string> inputs,
                         llvm::StringRef output);

} // namespace imc::explore

#endif // IMC_EXPLORE_STUDYFILES_H
