//===- DrawnDesigns.h - Random designs of a space ---------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a model of accuracy is fitted to and compared with.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TOOLS_DRAWNDESIGNS_H
#define IMC_TOOLS_DRAWNDESIGNS_H

#include "imc/Accuracy/Model.h"
#include "imc/Explore/SpaceFile.h"

#include <random>
#include <set>

namespace imc::driver {

/// A design of the space, as far as results depend on it.
struct Drawn {
  std::string text;
  accuracy::ArraySettings settings;
};

/// Random designs of a space that a machine can have.
class Drawer {
public:
  Drawer(const explore::SpaceFile &space, machine::Machine base, uint64_t seed)
      : space(space), base(std::move(base)), random(seed) {}

  llvm::Expected<Drawn> next();
  /// Of `count` that are drawn those with settings that are not in `seen`, to
  /// which they are added.
  llvm::Expected<std::vector<Drawn>> next(int64_t count,
                                          std::set<std::string> &seen);
  /// The design that its text names.
  llvm::Expected<Drawn> read(llvm::StringRef text) const;

private:
  /// Nothing if no such machine can be built.
  llvm::Expected<std::optional<Drawn>>
  make(llvm::ArrayRef<int32_t> choices) const;

  const explore::SpaceFile &space;
  machine::Machine base;
  std::mt19937_64 random;
};

/// Designs that earlier runs simulated and their top-1 by trial, by what
/// results depend on.
using Earlier = std::map<std::string, std::pair<Drawn, std::vector<double>>>;

/// Reads a report of imc accuracy-model --json. Refused: one that was not made
/// from what `wanted` says, and designs that `drawer` does not know.
llvm::Error readReport(const std::string &file,
                       const llvm::json::Object &wanted, const Drawer &drawer,
                       Earlier &into);

} // namespace imc::driver

#endif // IMC_TOOLS_DRAWNDESIGNS_H
