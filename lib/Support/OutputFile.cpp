//===- OutputFile.cpp - Files that are written whole or not at all --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Support/OutputFile.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

static Error unwritable(StringRef path, const Twine &reason) {
  return createStringError(inconvertibleErrorCode(),
                           Twine("cannot write '") + path + "': " + reason +
                               "; give a path in an existing, writable folder");
}

Error imc::checkWritable(StringRef path) {
  if (path == "-")
    return Error::success();
  if (path.empty())
    return unwritable(path, "the path is empty");
  if (sys::fs::is_directory(path))
    return unwritable(path, "it is a folder");
  SmallString<128> model(path);
  model += ".%%%%%%.tmp";
  Expected<sys::fs::TempFile> file = sys::fs::TempFile::create(model);
  if (!file)
    return unwritable(path, toString(file.takeError()));
  return file->discard();
}

Error imc::writeFile(StringRef path, function_ref<void(raw_ostream &)> write) {
  if (path == "-") {
    write(outs());
    outs().flush();
    return Error::success();
  }
  if (Error error = checkWritable(path))
    return error;
  SmallString<128> model(path);
  model += ".%%%%%%.tmp";
  Expected<sys::fs::TempFile> file =
      sys::fs::TempFile::create(model, sys::fs::all_read | sys::fs::all_write);
  if (!file)
    return unwritable(path, toString(file.takeError()));
  {
    raw_fd_ostream stream(file->FD, /*shouldClose=*/false);
    write(stream);
    stream.flush();
    if (std::error_code code = stream.error()) {
      stream.clear_error();
      consumeError(file->discard());
      return unwritable(path, code.message());
    }
  }
  if (Error error = file->keep(path)) {
    std::string reason = toString(std::move(error));
    return unwritable(path, reason);
  }
  return Error::success();
}
