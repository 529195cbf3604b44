//===- BinaryTest.cpp - Programs as bytes ---------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include "imc/Program/IO.h"
#include "imc/Program/Verify.h"
#include "llvm/Support/CRC.h"
#include "llvm/Support/Endian.h"

#include <gtest/gtest.h>

using namespace imc::program;
using namespace imc::program::test;

static std::string bytesOf(const Program &program) {
  std::string bytes;
  llvm::raw_string_ostream os(bytes);
  writeBinary(program, os);
  return bytes;
}

static std::string readError(const std::string &bytes) {
  llvm::Expected<Program> program = readBinary(bytes, "x.bin");
  return program ? "" : llvm::toString(program.takeError());
}

/// The checksum that goes with damaged bytes.
static void repair(std::string &bytes) {
  size_t size = bytes.size() - 4;
  uint32_t crc = llvm::crc32(
      llvm::ArrayRef(reinterpret_cast<const uint8_t *>(bytes.data()), size));
  llvm::support::endian::write32le(&bytes[size], crc);
}

TEST(BinaryTest, RoundTripIsExact) {
  std::mt19937_64 generator(2);
  std::vector<Program> programs = {convolutions(), reloading(), attention(),
                                   pipelined(), streaming()};
  for (int i = 0; i < 200; ++i)
    programs.push_back(random(generator));
  for (const Program &program : programs) {
    std::string bytes = bytesOf(program);
    llvm::Expected<Program> again = parse(bytes, "x");
    ASSERT_TRUE(bool(again)) << llvm::toString(again.takeError());
    EXPECT_EQ(text(*again), text(program));
    EXPECT_EQ(bytesOf(*again), bytes);
  }
}

TEST(BinaryTest, IsSmallerThanText) {
  Program program = convolutions();
  EXPECT_LT(4 * bytesOf(program).size(), text(program).size());
}

TEST(BinaryTest, ErrorsNameWhatIsWrong) {
  std::string good = bytesOf(convolutions());
  EXPECT_EQ(readError("ELF!"),
            "x.bin: byte 0: a program starts with 'IMCP', this does not");
  EXPECT_EQ(readError("IMCP\1"),
            "x.bin: only 5 bytes: the file is cut short; write it again");
  std::string bad = good;
  bad[4] = 9;
  EXPECT_EQ(readError(bad), "x.bin: byte 4: version 9, this program reads "
                            "version 4: write the file again, or use its text "
                            "form");
  bad = good;
  bad[good.size() / 2] ^= 1;
  EXPECT_EQ(readError(bad), "x.bin: the checksum of its " +
                                std::to_string(good.size()) +
                                " bytes is wrong: the file is cut short or "
                                "damaged; write it again");
  bad = good;
  bad.insert(bad.size() - 4, "abc");
  repair(bad);
  EXPECT_EQ(readError(bad), "x.bin: byte " + std::to_string(good.size() - 4) +
                                ": the program ends here, but 3 bytes follow; "
                                "the file is damaged");
  // The model's name, longer than the file.
  bad = good;
  bad[8] = 0x7f;
  bad.resize(60);
  repair(bad);
  EXPECT_EQ(readError(bad), "x.bin: byte 8: model: length 127, but only 47 "
                            "bytes follow; the file is damaged");
}

TEST(BinaryTest, CutAnywhereIsRefused) {
  const std::string good = bytesOf(attention());
  for (size_t size = 0; size < good.size(); ++size) {
    std::string cut = good.substr(0, size);
    EXPECT_NE(readError(cut), "");
    if (size >= 12) {
      repair(cut);
      EXPECT_NE(readError(cut), "") << size;
    }
  }
}

TEST(BinaryTest, AnyBytesAreReadOrRefused) {
  std::mt19937_64 generator(3);
  const std::string good = bytesOf(convolutions());
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bad = good;
    for (uint64_t n = generator() % 4 + 1; n > 0; --n)
      bad[generator() % bad.size()] = static_cast<char>(generator());
    repair(bad);
    llvm::Expected<Program> program = readBinary(bad, "x");
    if (program)
      llvm::consumeError(check(*program));
    else if (llvm::toString(program.takeError()).substr(0, 2) == "x:")
      ++refused;
  }
  EXPECT_GT(refused, 2000);
}
