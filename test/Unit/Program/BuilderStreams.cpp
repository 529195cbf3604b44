//===- BuilderStreams.cpp - Streams of small programs ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include <algorithm>

using namespace imc::program;
using namespace imc::program::test;

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

static Instruction make(Opcode opcode, int64_t index, int64_t first = 0,
                        int64_t count = 0, int64_t stride = 0) {
  Instruction i;
  i.opcode = opcode;
  i.index = index;
  i.first = first;
  i.count = count;
  i.stride[0] = stride;
  return i;
}

void Builder::emitPart(int64_t index, std::vector<Instruction> &out) {
  const Part &part = p.parts[index];
  if (part.windows == 0)
    return;
  auto block = [&](int64_t first, int64_t count, int64_t stride) {
    out.push_back(make(Opcode::Load, index, first, count, stride));
    out.push_back(make(Opcode::Mvm, index, first, count, stride));
    if (part.previous >= 0)
      out.push_back(make(Opcode::Receive, index, first, count, stride));
    if (part.next >= 0)
      out.push_back(make(Opcode::Send, index, first, count, stride));
    if (stores(p.products[part.product], part))
      out.push_back(make(Opcode::Store, index, first, count, stride));
  };
  int64_t full = part.windows / part.block;
  int64_t rest = part.windows % part.block;
  if (full > 1) {
    out.push_back(make(Opcode::Loop, 0, 0, full));
    block(part.first_window, part.block, part.block);
    out.push_back(make(Opcode::End, 0));
  } else if (full == 1) {
    block(part.first_window, part.block, 0);
  }
  if (rest > 0)
    block(part.first_window + full * part.block, rest, 0);
}

void Builder::layers() {
  std::vector<Instruction> controller;
  std::vector<std::vector<Instruction>> cores(p.chip.cores);
  for (int64_t layer = 0; layer < nextLayer; ++layer) {
    controller.push_back(make(Opcode::Step, layer));
    for (auto &core : cores)
      core.push_back(make(Opcode::Step, layer));
    for (size_t k = 0; k < p.kernels.size(); ++k)
      if (p.kernels[k].step == layer)
        for (auto &core : cores)
          core.push_back(make(Opcode::Vector, k, 0, p.kernels[k].pieces));
    for (size_t q = 0; q < p.products.size(); ++q) {
      const Product &product = p.products[q];
      const int64_t round = layer - product.step;
      if (round < 0 || round >= std::max<int64_t>(1, product.rounds))
        continue;
      if (product.operand < 0 && product.rounds > 0)
        controller.push_back(make(Opcode::Fetch, q, round));
      for (bool writes : {true, false})
        for (size_t i = 0; i < p.parts.size(); ++i) {
          const Part &part = p.parts[i];
          if (part.product != static_cast<int64_t>(q) || part.round != round)
            continue;
          if (writes && product.rounds > 0)
            cores[part.core].push_back(make(Opcode::Write, i));
          if (!writes)
            emitPart(i, cores[part.core]);
        }
    }
  }
  p.streams.push_back({Stream::controller, controller});
  for (int64_t core = 0; core < p.chip.cores; ++core)
    p.streams.push_back({core, cores[core]});
}

/// Layer l of inference t runs in beat t + l: a prologue of the first beats, a
/// loop, an epilogue of the last ones.
void Builder::pipeline() {
  const int64_t depth = nextLayer;
  for (Tensor &t : p.tensors) {
    t.versions = t.last_step - std::max<int64_t>(t.first_step, 0) + 1;
    t.region = {0, t.elements * t.bits * t.versions};
  }
  int64_t at = 0;
  for (Tensor &t : p.tensors) {
    t.region.offset = at;
    at += t.region.size;
  }
  std::vector<std::vector<Instruction>> cores(p.chip.cores);
  auto work = [&](int64_t firstLayer, int64_t lastLayer) {
    for (int64_t layer = lastLayer; layer >= firstLayer; --layer) {
      for (size_t k = 0; k < p.kernels.size(); ++k)
        if (p.kernels[k].step == layer)
          for (auto &core : cores)
            core.push_back(make(Opcode::Vector, k, 0, p.kernels[k].pieces));
      for (size_t i = 0; i < p.parts.size(); ++i)
        if (p.products[p.parts[i].product].step == layer)
          emitPart(i, cores[p.parts[i].core]);
    }
  };
  auto toAll = [&](const Instruction &instruction) {
    for (auto &core : cores)
      core.push_back(instruction);
  };
  assert(p.inferences >= depth);
  for (int64_t beat = 0; beat < depth - 1; ++beat) {
    toAll(make(Opcode::Step, beat));
    work(0, beat);
  }
  toAll(make(Opcode::Loop, 0, 0, p.inferences - depth + 1));
  toAll(make(Opcode::Step, depth - 1, 0, 0, 1));
  work(0, depth - 1);
  toAll(make(Opcode::End, 0));
  for (int64_t layer = 1; layer < depth; ++layer) {
    toAll(make(Opcode::Step, p.inferences + layer - 1));
    work(layer, depth - 1);
  }
  for (int64_t core = 0; core < p.chip.cores; ++core)
    p.streams.push_back({core, cores[core]});
}

/// Every core does its work layer by layer, without steps; before each load it
/// waits for the rows that the block needs. Blocks are written one by one.
void Builder::stream() {
  for (Tensor &t : p.tensors) {
    t.first_step = std::min<int64_t>(t.first_step, 0);
    t.last_step = 0;
  }
  std::vector<std::vector<Instruction>> cores(p.chip.cores);
  for (int64_t layer = 0; layer < nextLayer; ++layer) {
    for (size_t k = 0; k < p.kernels.size(); ++k) {
      Kernel &kernel = p.kernels[k];
      if (kernel.step != layer)
        continue;
      kernel.pieces = p.tensors[kernel.outputs[0]].rows;
      for (auto &core : cores)
        for (int64_t piece = 0; piece < kernel.pieces; ++piece) {
          for (int64_t t : kernel.inputs)
            if (int64_t rows = p.tensors[t].rows; p.tensors[t].first_step >= 0)
              core.push_back(make(Opcode::Wait, t, 0,
                                  ceilDiv((piece + 1) * rows, kernel.pieces)));
          core.push_back(make(Opcode::Vector, k, piece, 1));
        }
    }
    for (size_t i = 0; i < p.parts.size(); ++i) {
      const Part &part = p.parts[i];
      const Product &q = p.products[part.product];
      const Geometry &g = q.geometry;
      if (q.step != layer)
        continue;
      std::vector<Instruction> &core = cores[part.core];
      for (int64_t done = 0; done < part.windows;) {
        int64_t count = std::min(part.block, part.windows - done);
        int64_t last = part.first_window + done + count - 1;
        for (int64_t t : q.inputs) {
          int64_t rows = p.tensors[t].rows, perImage = rows;
          int64_t images = g.windows / (g.windows_per_row * g.window_rows);
          if (last < g.windows - 1 && rows % images == 0) {
            perImage /= images;
            int64_t row = last / g.windows_per_row;
            rows = row / g.window_rows * perImage +
                   std::clamp<int64_t>(row % g.window_rows * g.stride_rows +
                                           g.kernel_rows - g.padding_rows,
                                       0, perImage);
          }
          if (p.tensors[t].first_step >= 0)
            core.push_back(make(Opcode::Wait, t, 0, rows));
        }
        Part one = part;
        one.first_window += done;
        one.windows = one.block = count;
        std::swap(p.parts[i], one);
        emitPart(i, core);
        std::swap(p.parts[i], one);
        done += count;
      }
    }
  }
  for (int64_t core = 0; core < p.chip.cores; ++core)
    p.streams.push_back({core, cores[core]});
}

Program Builder::finish() {
  p.schedule == Schedule::Pipeline ? pipeline()
  : p.schedule == Schedule::Stream ? stream()
                                   : layers();
  return std::move(p);
}
