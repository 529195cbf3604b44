//===- MutationTest.cpp - Every fault is caught by the rule meant for it --===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each case injects one fault into a sound program whose tables still hang
// together, and names the rule that has to find it.
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include "imc/Program/IO.h"
#include "imc/Program/Verify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

using namespace imc::program;
using namespace imc::program::test;

namespace {

struct Case {
  const char *fault;
  Program (*base)();
  const char *rule;
  std::function<void(Program &)> inject;
};

/// Names are those of the test.
std::ostream &operator<<(std::ostream &os, const Case &c) {
  return os << c.fault;
}

std::vector<Instruction> &streamOf(Program &p, int64_t core) {
  for (Stream &stream : p.streams)
    if (stream.core == core)
      return stream.instructions;
  abort();
}

/// The n-th instruction of this kind in a core's stream.
size_t find(Program &p, int64_t core, Opcode opcode, int n = 0) {
  std::vector<Instruction> &body = streamOf(p, core);
  for (size_t at = 0; at < body.size(); ++at)
    if (body[at].opcode == opcode && n-- == 0)
      return at;
  abort();
}
Instruction &instruction(Program &p, int64_t core, Opcode opcode, int n = 0) {
  return streamOf(p, core)[find(p, core, opcode, n)];
}
void drop(Program &p, int64_t core, Opcode opcode, int n = 0) {
  std::vector<Instruction> &body = streamOf(p, core);
  body.erase(body.begin() + static_cast<long>(find(p, core, opcode, n)));
}
void duplicate(Program &p, int64_t core, Opcode opcode, int n = 0) {
  std::vector<Instruction> &body = streamOf(p, core);
  size_t at = find(p, core, opcode, n);
  body.insert(body.begin() + static_cast<long>(at), body[at]);
}
/// Moves the instruction at `from` to stand at `to`.
void move(std::vector<Instruction> &body, size_t from, size_t to) {
  Instruction i = body[from];
  body.erase(body.begin() + static_cast<long>(from));
  body.insert(body.begin() + static_cast<long>(to), i);
}
Part &partOf(Program &p, const char *product, int n = 0) {
  for (Part &part : p.parts)
    if (p.products[part.product].name == product && n-- == 0)
      return part;
  abort();
}
int64_t numberOf(Program &p, Part &part) { return &part - p.parts.data(); }
Tensor &tensorOf(Program &p, const char *name) {
  for (Tensor &t : p.tensors)
    if (t.name == name)
      return t;
  abort();
}
Product &productOf(Program &p, const char *name) {
  for (Product &q : p.products)
    if (q.name == name)
      return q;
  abort();
}

constexpr int64_t controller = Stream::controller;

// convolutions(): conv1 in cores 0 and 1 (2 copies, 1 copy), conv2 in cores 2
// to 4 (a chain), depthwise in core 5, fc behind it.
const Case cases[] = {
    // Arrays.
    {"two products on one array", convolutions, "single-writer",
     [](Program &p) {
       partOf(p, "fc").first_array = partOf(p, "depthwise").first_array;
     }},
    {"part outside its core", convolutions, "capacity",
     [](Program &p) { partOf(p, "conv1", 1).first_array = 7; }},
    {"part in another core than its arrays", convolutions, "capacity",
     [](Program &p) { partOf(p, "conv1").core = 3; }},
    {"large copy off the core boundary", convolutions, "alignment",
     [](Program &p) { partOf(p, "conv2", 2).first_array += 1; }},
    {"part starts inside an array", convolutions, "alignment",
     [](Program &p) {
       partOf(p, "conv2", 0).slot_end -= 1;
       partOf(p, "conv2", 1).slot_begin -= 1;
     }},
    {"fewer copies than the product has", convolutions, "slots",
     [](Program &p) { partOf(p, "conv1", 0).copies = 1; }},
    {"slots of nobody", convolutions, "slots",
     [](Program &p) { partOf(p, "conv2", 2).slot_end -= 1; }},
    {"slots of two parts", convolutions, "slots",
     [](Program &p) { partOf(p, "conv2", 1).slot_begin -= 2; }},
    {"wrong number of strips", convolutions, "tiling",
     [](Program &p) { productOf(p, "conv2").tiling.strips += 1; }},
    {"wrong windows per copy", convolutions, "tiling",
     [](Program &p) { productOf(p, "conv1").windows_per_copy += 1; }},
    {"windows below the image", convolutions, "tiling",
     [](Program &p) { productOf(p, "conv1").geometry.image_rows -= 1; }},

    // Windows and chains.
    {"windows of two parts", convolutions, "windows",
     [](Program &p) { partOf(p, "conv1", 1).first_window -= 1; }},
    {"windows of nobody", convolutions, "windows",
     [](Program &p) { partOf(p, "conv1", 1).windows -= 1; }},
    {"more windows than the copies' share", convolutions, "windows",
     [](Program &p) {
       partOf(p, "conv1", 0).windows += 2;
       partOf(p, "conv1", 1).first_window += 2;
       partOf(p, "conv1", 1).windows -= 2;
     }},
    {"block that leaves copies idle", convolutions, "block",
     [](Program &p) { partOf(p, "conv1", 0).block = 3; }},
    {"chain cut", convolutions, "chain",
     [](Program &p) {
       partOf(p, "conv2", 0).next = -1;
       partOf(p, "conv2", 1).previous = -1;
     }},
    {"chain out of order", convolutions, "chain",
     [](Program &p) {
       std::swap(partOf(p, "conv2", 1).next, partOf(p, "conv2", 1).previous);
     }},
    {"store before the chain's end", convolutions, "chain",
     [](Program &p) {
       instruction(p, 2, Opcode::Send).opcode = Opcode::Store;
     }},

    // Order in a stream.
    {"load missing", convolutions, "order",
     [](Program &p) { drop(p, 0, Opcode::Load); }},
    {"product missing", convolutions, "order",
     [](Program &p) { drop(p, 0, Opcode::Mvm); }},
    {"store missing", convolutions, "incomplete",
     [](Program &p) { drop(p, 5, Opcode::Store); }},
    {"last block missing", convolutions, "incomplete",
     [](Program &p) { --instruction(p, 0, Opcode::Loop).count; }},
    {"product before its load", convolutions, "order",
     [](Program &p) {
       size_t at = find(p, 0, Opcode::Load);
       std::swap(streamOf(p, 0)[at], streamOf(p, 0)[at + 1]);
     }},
    {"store before its product", convolutions, "order",
     [](Program &p) {
       size_t at = find(p, 0, Opcode::Mvm);
       std::swap(streamOf(p, 0)[at], streamOf(p, 0)[at + 1]);
     }},
    {"partial sums not received", convolutions, "order",
     [](Program &p) { drop(p, 3, Opcode::Receive); }},
    {"windows done twice", convolutions, "windows",
     [](Program &p) { duplicate(p, 0, Opcode::Mvm); }},
    {"one iteration too many", convolutions, "windows",
     [](Program &p) { ++instruction(p, 0, Opcode::Loop).count; }},
    {"wrong stride", convolutions, "windows",
     [](Program &p) { ++instruction(p, 0, Opcode::Store).stride[0]; }},
    {"wrong first window", convolutions, "windows",
     [](Program &p) { ++instruction(p, 1, Opcode::Load).first; }},
    {"block too long", convolutions, "block",
     [](Program &p) { partOf(p, "conv1", 0).block -= 2; }},
    {"three loads ahead", pipelined, "block",
     [](Program &p) {
       // The first block of conv1, and the loop over the others.
       std::vector<Instruction> &body = streamOf(p, 0);
       size_t at = find(p, 0, Opcode::Loop);
       std::vector<Instruction> loads(3, body[at + 1]);
       for (int i = 0; i < 3; ++i) {
         loads[i].first = i;
         loads[i].stride[0] = 0;
       }
       body.insert(body.begin() + static_cast<long>(at), loads.begin(),
                   loads.end());
     }},
    {"work of another core", convolutions, "core",
     [](Program &p) {
       std::vector<Instruction> &body = streamOf(p, 0);
       Instruction load = body[find(p, 0, Opcode::Load)];
       load.stride[0] = 0;
       drop(p, 0, Opcode::Load);
       std::vector<Instruction> &other = streamOf(p, 7);
       other.insert(other.begin() + 1, load);
     }},

    // Messages.
    {"sums never sent", convolutions, "deadlock",
     [](Program &p) { drop(p, 2, Opcode::Send); }},
    {"sums sent twice", convolutions, "windows",
     [](Program &p) { duplicate(p, 2, Opcode::Send); }},
    {"sender in other blocks than the receiver", convolutions, "pairing",
     [](Program &p) {
       // One block more in the loop of the sender, each a window shorter.
       partOf(p, "conv2", 0).block = 4;
       std::vector<Instruction> &body = streamOf(p, 2);
       int64_t part = numberOf(p, partOf(p, "conv2", 0));
       auto of = [&](const Instruction &i) {
         return i.index == part && i.opcode != Opcode::Step &&
                i.opcode != Opcode::Loop;
       };
       for (Instruction &i : body)
         if (of(i) && i.stride[0] == 5)
           i.stride[0] = i.count = 4;
         else if (i.opcode == Opcode::Loop)
           i.count = 8;
       body.erase(std::remove_if(body.begin(), body.end(),
                                 [&](const Instruction &i) {
                                   return of(i) && i.stride[0] == 0 &&
                                          i.opcode != Opcode::End;
                                 }),
                  body.end());
     }},
    {"waiting in a circle", streaming, "deadlock",
     [](Program &p) {
       // Core 0 does the last layer's wait before its first work.
       int64_t last = p.products.back().inputs[0];
       Instruction wait;
       wait.opcode = Opcode::Wait;
       wait.index = last;
       wait.count = 1;
       streamOf(p, 0).insert(streamOf(p, 0).begin(), wait);
     }},

    // Tensors.
    {"step missing between writer and reader", pipelined, "read-before-write",
     [](Program &p) {
       for (int64_t core = 0; core < p.chip.cores; ++core)
         drop(p, core, Opcode::Step, 1);
     }},
    {"layer in the step of another", convolutions, "step",
     [](Program &p) {
       for (int64_t core = 0; core < p.chip.cores; ++core)
         drop(p, core, Opcode::Step, 2);
     }},
    {"steps backwards", convolutions, "step",
     [](Program &p) {
       std::swap(instruction(p, 7, Opcode::Step, 2).index,
                 instruction(p, 7, Opcode::Step, 3).index);
     }},
    {"wait missing", streaming, "read-before-write",
     [](Program &p) {
       std::vector<Instruction> &body = streamOf(p, partOf(p, "conv2").core);
       int64_t relu = productOf(p, "conv2").inputs[0];
       body.erase(std::remove_if(body.begin(), body.end(),
                                 [&](const Instruction &i) {
                                   return i.opcode == Opcode::Wait &&
                                          i.index == relu;
                                 }),
                  body.end());
     }},
    {"wait for a row too few", streaming, "read-before-write",
     [](Program &p) {
       int64_t relu = productOf(p, "conv2").inputs[0];
       for (Instruction &i : streamOf(p, partOf(p, "conv2").core))
         if (i.opcode == Opcode::Wait && i.index == relu)
           --i.count;
     }},
    {"wait for rows that never come", streaming, "wait",
     [](Program &p) { instruction(p, 0, Opcode::Wait).count = 7; }},
    {"live tensors share memory", convolutions, "global-buffer",
     [](Program &p) {
       tensorOf(p, "relu1").region.offset =
           tensorOf(p, "conv1").region.offset + 8;
     }},
    {"tensor beyond the buffer", convolutions, "global-buffer",
     [](Program &p) {
       tensorOf(p, "fc").region.offset = p.chip.global_buffer_bits - 8;
     }},
    {"tensor larger than its region", convolutions, "global-buffer",
     [](Program &p) { --tensorOf(p, "conv2").region.size; }},
    {"tensor given up while it is needed", convolutions, "lifetime",
     [](Program &p) { --tensorOf(p, "conv2").last_step; }},
    {"tensor written before it has its place", convolutions, "lifetime",
     [](Program &p) { ++tensorOf(p, "conv2").first_step; }},
    {"too few versions", pipelined, "version",
     [](Program &p) {
       Tensor &t = tensorOf(p, "relu1");
       t.region.size = t.region.size / t.versions * (t.versions - 1);
       --t.versions;
     }},
    {"two writers of a tensor", convolutions, "single-writer",
     [](Program &p) { p.products[1].output = p.products[0].output; }},
    {"input that is written", convolutions, "single-writer",
     [](Program &p) { tensorOf(p, "conv1").first_step = -1; }},
    {"tensor of nobody", convolutions, "single-writer",
     [](Program &p) {
       p.tensors.push_back(p.tensors.back());
       p.tensors.back().region.offset = p.chip.global_buffer_bits / 2;
     }},

    // Tile buffers.
    {"parts share a tile buffer", pipelined, "tile-buffer",
     [](Program &p) { partOf(p, "conv2").lines.offset = 8; }},
    {"sums over lines", convolutions, "tile-buffer",
     [](Program &p) {
       partOf(p, "conv2").accumulators.offset = partOf(p, "conv2").lines.offset;
     }},
    {"part beyond the tile buffer", convolutions, "tile-buffer",
     [](Program &p) {
       partOf(p, "fc").lines.offset = p.chip.tile_buffer_bits;
     }},
    {"no room for the input rows", convolutions, "tile-buffer",
     [](Program &p) { partOf(p, "conv1").lines.size = 3 * 3 * 10 * 8; }},
    {"no room for two blocks of sums", convolutions, "tile-buffer",
     [](Program &p) { --partOf(p, "conv1").accumulators.size; }},

    // Cells.
    {"arrays not written", reloading, "programmed",
     [](Program &p) { drop(p, 0, Opcode::Write); }},
    {"written too late", reloading, "programmed",
     [](Program &p) {
       std::vector<Instruction> &body = streamOf(p, 0);
       size_t at = find(p, 0, Opcode::Write);
       move(body, at, at + 2 + (body[at + 1].opcode == Opcode::Loop));
     }},
    {"overwritten while at work", reloading, "overwrite",
     [](Program &p) {
       std::vector<Instruction> &body = streamOf(p, 0);
       move(body, find(p, 0, Opcode::Write, 1), find(p, 0, Opcode::Write) + 1);
     }},
    {"written behind a load that waits for it", reloading, "write",
     [](Program &p) {
       size_t at = find(p, 0, Opcode::Write);
       move(streamOf(p, 0), at, at + 1);
     }},
    {"rounds in one step", reloading, "step",
     [](Program &p) {
       for (int64_t core = 0; core < p.chip.cores; ++core)
         drop(p, core, Opcode::Step, 2);
       drop(p, controller, Opcode::Step, 2);
     }},
    {"written twice", reloading, "write",
     [](Program &p) { duplicate(p, 0, Opcode::Write, 1); }},
    {"weights that stay are written", convolutions, "rewritable",
     [](Program &p) {
       Instruction write;
       write.opcode = Opcode::Write;
       write.index = 0;
       streamOf(p, 0).push_back(write);
     }},
    {"chip that cannot rewrite", reloading, "rewritable",
     [](Program &p) { p.chip.rewritable = false; }},
    {"written over weights that stay", attention, "single-writer",
     [](Program &p) {
       Part &part = partOf(p, "scores");
       part.first_array = partOf(p, "query").first_array;
       part.core = partOf(p, "query").core;
     }},
    {"operand written before it is there", attention, "read-before-write",
     [](Program &p) {
       int64_t core = partOf(p, "scores").core;
       move(streamOf(p, core), find(p, core, Opcode::Write), 1);
     }},
    {"round that is none", reloading, "rounds",
     [](Program &p) { partOf(p, "fc1").round = 1; }},
    {"weights not fetched", reloading, "fetch",
     [](Program &p) { drop(p, controller, Opcode::Fetch, 1); }},
    {"weights fetched twice", reloading, "fetch",
     [](Program &p) { duplicate(p, controller, Opcode::Fetch, 1); }},
    {"weights fetched in another step", reloading, "fetch",
     [](Program &p) {
       move(streamOf(p, controller), find(p, controller, Opcode::Fetch, 0),
            find(p, controller, Opcode::Step, 1));
     }},
    {"spill of another step", convolutions, "step",
     [](Program &p) {
       Instruction spill;
       spill.opcode = Opcode::Spill;
       spill.index = 1;
       spill.count = 8;
       streamOf(p, controller).push_back(spill);
     }},

    // Kernels and passes.
    {"core that leaves out a kernel", convolutions, "kernel",
     [](Program &p) { drop(p, 6, Opcode::Vector); }},
    {"kernel done twice", convolutions, "kernel",
     [](Program &p) { duplicate(p, 6, Opcode::Vector); }},
    {"pieces of a kernel out of order", streaming, "kernel",
     [](Program &p) {
       std::swap(instruction(p, 3, Opcode::Vector, 1).first,
                 instruction(p, 3, Opcode::Vector, 2).first);
     }},
    {"inference missing", pipelined, "incomplete",
     [](Program &p) {
       for (int64_t core = 0; core < p.chip.cores; ++core)
         for (Instruction &i : streamOf(p, core))
           if (i.opcode == Opcode::Step && i.stride[0] == 1)
             --(&i)[-1].count;
     }},
};

class MutationTest : public testing::TestWithParam<Case> {};

} // namespace

TEST_P(MutationTest, IsCaught) {
  Program program = GetParam().base();
  ASSERT_EQ(llvm::toString(verify(program)), "");
  const std::string before = text(program);
  GetParam().inject(program);
  ASSERT_NE(text(program), before);
  ASSERT_EQ(llvm::toString(check(program)), "")
      << "the tables must hang together";
  const std::string problems = "\n" + llvm::toString(verify(program));
  EXPECT_NE(problems.find("\n" + std::string(GetParam().rule) + ": "),
            std::string::npos)
      << problems;
}

INSTANTIATE_TEST_SUITE_P(Faults, MutationTest, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case> &info) {
                           std::string name = info.param.fault;
                           for (char &c : name)
                             if (!isalnum(c))
                               c = '_';
                           return name;
                         });
