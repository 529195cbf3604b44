//===- Archive.h - NumPy archives -------------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A `.npz` file is a zip archive of `.npy` files, stored or deflated
// (numpy.savez, numpy.savez_compressed). libzip reads it.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXECUTE_ARCHIVE_H
#define IMC_EXECUTE_ARCHIVE_H

#include "imc/Execute/Tensor.h"

#include <map>
#include <string>

namespace imc::execute {

/// Largest array that an archive may hold, in bytes after inflation: what a
/// small file of zeros could inflate to is bounded by it.
constexpr int64_t maxArchiveEntryBytes = int64_t(1) << 32;

/// The arrays of a `.npz` file by name (without `.npy`). The error names the
/// file, the array, what was found and what to do: no archive, encrypted, an
/// entry that is no `.npy`, above maxArchiveEntryBytes or damaged (its CRC is
/// checked).
llvm::Expected<std::map<std::string, Tensor>> readNpz(llvm::StringRef path);

} // namespace imc::execute

#endif // IMC_EXECUTE_ARCHIVE_H
