//===- TextTest.cpp - Programs as assembly --------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include "imc/Program/IO.h"
#include "imc/Program/Verify.h"

#include <gtest/gtest.h>

using namespace imc::program;
using namespace imc::program::test;

static std::string parseError(llvm::StringRef source) {
  llvm::Expected<Program> program = parseText(source, "x.imcp");
  if (program)
    return "";
  return llvm::toString(program.takeError());
}

static const char *const head =
    "program 1 \"m\"\nschedule layers\ninferences 1\nchip target=\"t\" "
    "cores=2\n";

static std::string bodyError(const std::string &body) {
  return parseError(head + body);
}

TEST(TextTest, RoundTripIsExact) {
  std::mt19937_64 generator(1);
  std::vector<Program> programs = {convolutions(), reloading(), attention(),
                                   pipelined(), streaming()};
  for (int i = 0; i < 200; ++i)
    programs.push_back(random(generator));
  for (const Program &program : programs) {
    ASSERT_EQ(llvm::toString(check(program)), "");
    std::string once = text(program);
    llvm::Expected<Program> again = parseText(once, "x");
    ASSERT_TRUE(bool(again)) << llvm::toString(again.takeError());
    EXPECT_EQ(text(*again), once);
  }
}

TEST(TextTest, EveryFieldIsKept) {
  // One record of each kind whose fields all differ from their defaults.
  std::string source =
      "program 1 \"a\\22b\\\\\\0Ac\"\nschedule stream\ninferences 7\n"
      "chip target=\"t\" cores=3 arrays_per_core=4 cores_per_group=5 "
      "array_rows=6 array_cols=7 driven_rows=8 tile_buffer_bits=9 "
      "global_buffer_bits=10 weight_bits=11 input_bits=12 accumulator_bits=13 "
      "rewritable=1\n"
      "\ntensor 0 \"t\" space=external region=2+3 elements=4 bits=5 versions=6 "
      "rows=7 first_step=-1 last_step=8\n"
      "\nproduct 0 \"p\" layer=8 step=1 inputs=[2, 3] output=4 operand=5 "
      "copies=6 "
      "windows_per_copy=7 rounds=8\n"
      "  geometry windows=9 rows=10 cols=11 groups=12 kernel_elements=13 "
      "kernel_rows=14 stride_rows=15 windows_per_row=16 window_rows=17 "
      "image_rows=18 padding_rows=19 tensor_rows=33 row_elements=20\n"
      "  tiling packs=21 strips=22 column_tiles=23 rows=24 cols=25 "
      "groups_per_pack=26 columns_per_weight=27 phases=28 lossless_bits=29 "
      "pack_rows=30 pack_cols=31 row_sets=32\n"
      "\npart 0 product=1 core=2 round=3 first_array=4 copies=5 slot_begin=6 "
      "slot_end=7 first_window=8 windows=9 block=10 previous=11 next=12 "
      "lines=13+14 accumulators=15+16\n"
      "\nkernel 0 \"k\" op=\"o\" layer=9 step=1 operations=2 macs=3 "
      "tile_read_bits=4 "
      "tile_write_bits=5 global_read_bits=6 global_write_bits=7 pieces=8 "
      "inputs=[9] outputs=[10, 11]\n"
      "\ncores {\n"
      "  step s1\n"
      "  loop 2 {\n"
      "    loop 3 {\n"
      "      wait t0, -4 + 5*i - 6*j, 7\n"
      "    }\n"
      "    step s0, 0 + 1*i\n"
      "  }\n"
      "}\n"
      "\ncore 2 {\n"
      "  write p0\n"
      "  load p0, 0, 1\n"
      "  mvm p0, 0, 1\n"
      "  receive p0, 0, 1\n"
      "  send p0, 0, 1\n"
      "  store p0, 0, 1\n"
      "  vector k0, 0, 1 ; k\n"
      "}\n"
      "\nidle {\n"
      "  step s3\n"
      "}\n"
      "\ncontroller {\n"
      "  fetch w0, 3 ; p\n"
      "  spill s1, 4\n"
      "}\n";
  llvm::Expected<Program> program = parseText(source, "x");
  ASSERT_TRUE(bool(program)) << llvm::toString(program.takeError());
  EXPECT_EQ(text(*program), source);
  EXPECT_EQ(program->model, "a\"b\\\nc");
  EXPECT_EQ(program->tensors[0].space, Space::External);
  EXPECT_EQ(program->products[0].tiling.row_sets, 32);
  EXPECT_EQ(program->parts[0].accumulators.size, 16);
  EXPECT_EQ(program->streams[0].core, Stream::allCores);
  EXPECT_EQ(program->streams[0].instructions[3].stride[1], -6);
}

TEST(TextTest, ErrorsNamePlaceTokenAndWayOut) {
  EXPECT_EQ(parseError(""), "x.imcp:1:1: the text ends where 'program' is "
                            "expected");
  EXPECT_EQ(parseError("; only a comment\nprogran 1"),
            "x.imcp:2:1: 'progran' where 'program' is expected");
  EXPECT_EQ(parseError("program 2 \"\""),
            "x.imcp:1:9: the version of the text form is 2, but must lie in 1 "
            "to 1");
  EXPECT_EQ(parseError("program 1 \"m"),
            "x.imcp:1:11: the string has no end: close it with '\"' on the "
            "same line");
  EXPECT_EQ(parseError("program 1 \"\\zz\""),
            "x.imcp:1:11: '\\zz' in the model's name: write '\\\\' or two "
            "hexadecimal digits after '\\'");
  EXPECT_EQ(parseError("program 1 \"m\" schedule lazy"),
            "x.imcp:1:24: 'lazy' where a schedule (one of layers, pipeline, "
            "stream) is expected");
  EXPECT_EQ(bodyError("tensor 1 \"t\""),
            "x.imcp:5:8: tensor 1 where tensor 0 is expected: number them in "
            "order from 0");
  EXPECT_EQ(bodyError("tensor 0 \"t\" bits=65"),
            "x.imcp:5:19: bits is 65, but must lie in 0 to 64");
  EXPECT_EQ(bodyError("tensor 0 \"t\" bits=-3"),
            "x.imcp:5:19: bits is -3, but must lie in 0 to 64");
  EXPECT_EQ(bodyError("tensor 0 \"t\" elements=99999999999999999999999"),
            "x.imcp:5:23: elements is 99999999999999999999999, but must lie in "
            "0 to 9007199254740992");
  EXPECT_EQ(bodyError("tensor 0 \"t\" bit=8"),
            "x.imcp:5:14: a tensor has no field 'bit': the fields are space, "
            "region, elements, bits, versions, rows, first_step, last_step");
  EXPECT_EQ(bodyError("tensor 0 \"t\" bits=8 bits=8"),
            "x.imcp:5:21: 'bits' is set twice in this tensor: keep one");
  EXPECT_EQ(bodyError("tensor 0 \"t\" space=moon"),
            "x.imcp:5:20: 'moon' where space (one of global, external) is "
            "expected");
  EXPECT_EQ(bodyError("tensor 0 \"t\" region=3"),
            "x.imcp:5:22: the text ends where '+' before the size of a region "
            "(offset+size) is expected");
  EXPECT_EQ(bodyError("product 0 \"p\" tiling step=1"),
            "x.imcp:5:22: a product has no field 'step' in 'tiling': the "
            "fields are packs, strips, column_tiles, rows, cols, "
            "groups_per_pack, columns_per_weight, phases, lossless_bits, "
            "pack_rows, pack_cols, row_sets");
  EXPECT_EQ(bodyError("kernel 0 \"k\" inputs=[1 2]"),
            "x.imcp:5:24: '2' where ',' or ']' in a list is expected");
  EXPECT_EQ(bodyError("code 0 {}"),
            "x.imcp:5:1: 'code' opens no section: use tensor, product, part, "
            "kernel, core, cores, idle or controller");
  EXPECT_EQ(bodyError("core 0 {\n  jump p1\n}"),
            "x.imcp:6:3: 'jump' is no instruction: use one of loop, step, "
            "wait, write, load, mvm, receive, send, store, vector, fetch, "
            "spill");
  EXPECT_EQ(bodyError("core 0 { load k1, 0, 1 }"),
            "x.imcp:5:15: 'k1' where 'p' and a number, as 'load' takes it is "
            "expected");
  EXPECT_EQ(bodyError("core 0 { load p99999999999999999999, 0, 1 }"),
            "x.imcp:5:15: 'p99999999999999999999': the number must lie in 0 to "
            "9007199254740992");
  EXPECT_EQ(bodyError("core 0 { load p1 }"),
            "x.imcp:5:18: '}' where ',' before the value of 'load' is "
            "expected");
  EXPECT_EQ(bodyError("core 0 { load p1, 0 + 3*k, 1 }"),
            "x.imcp:5:25: 'k' where 'i' (iterations of the innermost loop) or "
            "'j' (of the next) is expected");
  EXPECT_EQ(bodyError("core 0 { load p1, 0 + 3*i - 1*i, 1 }"),
            "x.imcp:5:31: two strides of 'i': add them up");
  EXPECT_EQ(bodyError("core 0 { loop -1 {"),
            "x.imcp:5:15: the count of a loop is -1, but must lie in 0 to "
            "9007199254740992");
  EXPECT_EQ(bodyError("core 0 { loop 3 { load p1, 0, 1"),
            "x.imcp:5:32: the text ends where an instruction or '}' is "
            "expected");
  EXPECT_EQ(bodyError("core 0 { $ }"),
            "x.imcp:5:10: '$' where an instruction or '}' is expected");
}

TEST(TextTest, AnyTextIsReadOrRefused) {
  // Bytes of a good text replaced, dropped and repeated.
  std::mt19937_64 generator(7);
  const std::string good = text(convolutions());
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bad = good;
    for (int n = 0; n < 3; ++n) {
      size_t at = generator() % bad.size();
      switch (generator() % 4) {
      case 0:
        bad[at] = static_cast<char>(generator());
        break;
      case 1:
        bad.erase(at, generator() % 20);
        break;
      case 2:
        bad.insert(at, bad.substr(generator() % bad.size(), 30));
        break;
      default:
        bad.resize(at + 1);
      }
    }
    llvm::Expected<Program> program = parseText(bad, "x");
    if (program) {
      // What is read may still be nonsense: check() says so, or it prints.
      if (llvm::Error error = check(*program))
        llvm::consumeError(std::move(error));
      else
        text(*program);
    } else {
      ++refused;
      EXPECT_EQ(llvm::toString(program.takeError()).substr(0, 2), "x:");
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(TextTest, DeepNestingCostsNoStack) {
  std::string body = "core 0 {";
  for (int i = 0; i < 200000; ++i)
    body += "loop 1 {";
  for (int i = 0; i < 200001; ++i)
    body += "}";
  llvm::Expected<Program> program = parseText(head + body, "x");
  ASSERT_TRUE(bool(program));
  EXPECT_NE(llvm::toString(check(*program)).find("loops may be two deep"),
            std::string::npos);
}
