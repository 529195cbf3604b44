//===- Archive.cpp - NumPy archives ---------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Execute/Archive.h"

#include "llvm/ADT/ScopeExit.h"

#include <zip.h>

#include <memory>

using namespace imc::execute;
using llvm::StringRef;
using llvm::Twine;

static llvm::Error refuse(const Twine &what) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), what);
}

/// The inflated bytes of entry `index`.
static llvm::Expected<std::string> inflate(zip_t *archive, zip_uint64_t index,
                                           const Twine &where) {
  zip_stat_t stat;
  if (zip_stat_index(archive, index, 0, &stat) != 0 ||
      !(stat.valid & ZIP_STAT_SIZE))
    return refuse(where + ": " + zip_strerror(archive));
  if (stat.size > uint64_t(maxArchiveEntryBytes))
    return refuse(where + " holds " + Twine(stat.size) + " bytes, more than " +
                  Twine(maxArchiveEntryBytes) + "; split the data");
  std::unique_ptr<zip_file_t, int (*)(zip_file_t *)> file(
      zip_fopen_index(archive, index, 0), zip_fclose);
  if (!file)
    return refuse(where + ": " + zip_strerror(archive));
  // In pieces: a header may promise what the file does not hold.
  std::string bytes;
  while (bytes.size() < stat.size) {
    const size_t have = bytes.size();
    bytes.resize(std::min<size_t>(size_t(stat.size), have + (size_t(1) << 22)));
    const zip_int64_t got =
        zip_fread(file.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0)
      return refuse(where + ": " + zip_file_strerror(file.get()));
    if (got == 0)
      return refuse(where + " ends after " + Twine(have) + " of " +
                    Twine(stat.size) + " bytes; write the file anew");
    bytes.resize(have + size_t(got));
  }
  // The checksum is compared where the entry ends.
  char past = 0;
  if (const zip_int64_t got = zip_fread(file.get(), &past, 1); got != 0)
    return refuse(where + ": " +
                  (got < 0 ? zip_file_strerror(file.get())
                           : "longer than its header says"));
  return bytes;
}

llvm::Expected<std::map<std::string, Tensor>>
imc::execute::readNpz(StringRef path) {
  int code = 0;
  zip_t *archive =
      zip_open(path.str().c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code);
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    llvm::scope_exit done([&] { zip_error_fini(&error); });
    return refuse("cannot read '" + path + "': " + zip_error_strerror(&error) +
                  "; give an archive that numpy.savez wrote");
  }
  llvm::scope_exit close([&] { zip_discard(archive); });

  std::map<std::string, Tensor> arrays;
  const zip_int64_t entries = zip_get_num_entries(archive, 0);
  for (zip_int64_t i = 0; i < entries; ++i) {
    StringRef name = zip_get_name(archive, zip_uint64_t(i), 0);
    const std::string entry = ("'" + path + "': array '").str();
    if (!name.consume_back(".npy"))
      return refuse(entry + name +
                    "' is no .npy file; give an archive that "
                    "numpy.savez wrote");
    const std::string where = entry + name.str() + "'";
    llvm::Expected<std::string> bytes =
        inflate(archive, zip_uint64_t(i), where);
    if (!bytes)
      return bytes.takeError();
    llvm::Expected<Tensor> tensor = parseNpy(*bytes, where);
    if (!tensor)
      return tensor.takeError();
    if (!arrays.emplace(name.str(), std::move(*tensor)).second)
      return refuse(where + " is there twice");
  }
  return arrays;
}
