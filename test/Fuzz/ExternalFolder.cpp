//===- ExternalFolder.cpp - Good and bad files of external data -----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelMutator.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace imc::fuzz {

const char *const externalLocations[] = {"weights.bin",
                                         "sub/weights.bin",
                                         "short.bin",
                                         "sparse.bin",
                                         "link-in.bin",
                                         "link-out.bin",
                                         "hard.bin",
                                         "link-dir/secret.bin",
                                         "folder",
                                         "fifo",
                                         "no-such.bin",
                                         "../secret.bin",
                                         "sub/../../secret.bin",
                                         "sub/../weights.bin",
                                         "/etc/passwd",
                                         "/dev/zero",
                                         "",
                                         ".",
                                         "..",
                                         "weights.bin/",
                                         "./weights.bin",
                                         "loop.bin",
                                         "C:\\weights.bin",
                                         "weights.bin\n"};
const unsigned numExternalLocations = std::size(externalLocations);

std::string makeExternalFolder(const std::string &folder) {
  namespace fs = llvm::sys::fs;
  const std::string model = folder + "/model";
  bool ok = !fs::create_directories(model + "/sub") &&
            !fs::create_directories(model + "/folder");
  auto write = [&](const std::string &path, off_t bytes) {
    int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    ok &= file >= 0 && ::ftruncate(file, bytes) == 0;
    if (file >= 0)
      ::close(file);
  };
  write(folder + "/secret.bin", 1 << 20);
  write(model + "/weights.bin", 1 << 20);
  write(model + "/sub/weights.bin", 1 << 20);
  write(model + "/short.bin", 3);
  write(model + "/sparse.bin", off_t(64) << 20);
  auto made = [&](int status) { ok &= status == 0; };
  auto fresh = [&](const char *name) {
    std::string path = model + "/" + name;
    ::unlink(path.c_str());
    return path;
  };
  made(::symlink("weights.bin", fresh("link-in.bin").c_str()));
  made(::symlink("../secret.bin", fresh("link-out.bin").c_str()));
  made(::symlink("..", fresh("link-dir").c_str()));
  made(::symlink("loop.bin", fresh("loop.bin").c_str()));
  made(::link((folder + "/secret.bin").c_str(), fresh("hard.bin").c_str()));
  made(::mkfifo(fresh("fifo").c_str(), 0600));
  if (ok)
    return model;
  llvm::errs() << "cannot lay out files in '" << folder << "'\n";
  return "";
}

} // namespace imc::fuzz
