//===- Serve.h - Search and pricing for other programs --------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `imc serve`: ask/tell and prices as one JSON object per line on standard
// input and output, for schedulers and the Python package. The requests and
// answers are listed in docs/spec/serve.md. A request that cannot be served is
// answered by {"error": text} and changes nothing.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXPLORE_SERVE_H
#define IMC_EXPLORE_SERVE_H

#include "imc/Explore/SearchCommand.h"

#include <istream>

namespace imc::explore {

struct ServeOptions {
  std::string version;
  std::string spaceFile; ///< empty: the knobs come with the request "open"
  /// What `spaceFile` says, if it is no YAML; empty: it is read.
  std::string spaceText;
  std::vector<std::string> objectives; ///< empty: those of the space file
  std::string aggregate = "geomean";   ///< any but regret
};

/// Answers requests until `in` ends or {"do": "quit"}. Returns the exit status:
/// 1 when space, target or models are refused, before any request is read.
int serveCommand(const ServeOptions &options, std::vector<SearchModel> models,
                 const LoadTarget &loadTarget, std::istream &in,
                 llvm::raw_ostream &out, llvm::raw_ostream &log);

} // namespace imc::explore

#endif // IMC_EXPLORE_SERVE_H
