//===- OutputFile.h - Files that are written whole or not at all ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every file that a tool leaves behind is written to a temporary name in the
// same folder and renamed when it is complete: a reader never sees half a
// file, and a failed run leaves the previous one untouched.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_SUPPORT_OUTPUTFILE_H
#define IMC_SUPPORT_OUTPUTFILE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace imc {

/// Writes what `write` prints to `path`, by way of a temporary file and a
/// rename; `-` is standard output. Fails with the path, the system's reason and
/// what to do when the folder is missing or not writable; `path` is then as it
/// was before.
llvm::Error writeFile(llvm::StringRef path,
                      llvm::function_ref<void(llvm::raw_ostream &)> write);

/// Fails now rather than after hours of work: checks that `path` (not `-`)
/// could be created by writeFile. Leaves nothing behind.
llvm::Error checkWritable(llvm::StringRef path);

} // namespace imc

#endif // IMC_SUPPORT_OUTPUTFILE_H
