//===- Nests.cpp - Layers to execute, and work on the lanes ---------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopNest.h"

#include <map>
#include <set>

using namespace imc;
using namespace imc::test;

Nest imc::test::matmulNest(int64_t windows, int64_t rows, int64_t cols,
                           int64_t groups) {
  Nest nest;
  nest.windows = windows;
  nest.rows = rows;
  nest.cols = cols;
  nest.groups = groups;
  nest.source.resize(size_t(windows));
  for (std::vector<int64_t> &window : nest.source) {
    nest.firstLine.push_back(int64_t(nest.lines.size()));
    nest.lastLine.push_back(int64_t(nest.lines.size()));
    nest.lines.emplace_back();
    for (int64_t g = 0; g < groups; ++g)
      for (int64_t k = 0; k < rows; ++k) {
        const int64_t channel = int64_t(window.size());
        if (nest.channelOf.size() == window.size())
          nest.channelOf.push_back(channel);
        nest.lines.back().push_back({nest.elements, channel});
        window.push_back(nest.elements++);
      }
  }
  return nest;
}

Nest imc::test::convolutionNest(int64_t batch, int64_t channels, int64_t height,
                                int64_t width, int64_t filters,
                                int64_t kernelHeight, int64_t kernelWidth,
                                int64_t stride, int64_t padding,
                                int64_t groups) {
  Nest nest;
  nest.groups = groups;
  // Elements in memory order; channels are dealt to the groups in turn.
  std::map<std::vector<int64_t>, int64_t> at; // (image, channel, y, x)
  std::vector<std::vector<int64_t>> channelsOf(groups), filtersOf(groups);
  for (int64_t c = 0, g = 0; c < channels; ++c) {
    channelsOf[g].push_back(c);
    if (int64_t(channelsOf[g].size()) * groups == channels)
      ++g;
  }
  for (int64_t f = 0, g = 0; f < filters; ++f) {
    filtersOf[g].push_back(f);
    if (int64_t(filtersOf[g].size()) * groups == filters)
      ++g;
  }
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t g = 0; g < groups; ++g)
      for (int64_t c : channelsOf[g])
        for (int64_t y = 0; y < height; ++y)
          for (int64_t x = 0; x < width; ++x)
            at[{b, c, y, x}] = nest.elements++;
  std::map<std::pair<int64_t, int64_t>, int64_t> lineOf; // (image, y)
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t y = -padding; y < height + padding; ++y) {
      lineOf[{b, y}] = int64_t(nest.lines.size());
      nest.lines.emplace_back();
      for (int64_t g = 0; g < groups; ++g)
        for (int64_t c : channelsOf[g])
          for (int64_t x = 0; x < width; ++x) {
            auto found = at.find({b, c, y, x});
            nest.lines.back().push_back(
                {found == at.end() ? -1 : found->second, c});
          }
    }
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t c : channelsOf[g])
      nest.channelOf.insert(nest.channelOf.end(), kernelHeight * kernelWidth,
                            c);
  // Slide the kernel over the padded image.
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t y = -padding; y + kernelHeight <= height + padding;
         y += stride)
      for (int64_t x = -padding; x + kernelWidth <= width + padding;
           x += stride) {
        nest.source.emplace_back();
        nest.firstLine.push_back(lineOf.at({b, y}));
        nest.lastLine.push_back(lineOf.at({b, y + kernelHeight - 1}));
        for (int64_t g = 0; g < groups; ++g) {
          int64_t rows = 0;
          for (int64_t c : channelsOf[g])
            for (int64_t ky = 0; ky < kernelHeight; ++ky)
              for (int64_t kx = 0; kx < kernelWidth; ++kx, ++rows) {
                auto found = at.find({b, c, y + ky, x + kx});
                nest.source.back().push_back(found == at.end() ? -1
                                                               : found->second);
              }
          nest.rows = rows;
        }
        ++nest.windows;
      }
  nest.cols = int64_t(filtersOf[0].size());
  return nest;
}

void imc::test::fillBuffer(double capacityBits, int64_t words, int64_t wordBits,
                           double &used, double &overflow) {
  for (int64_t w = 0; w < words; ++w)
    for (int64_t b = 0; b < wordBits; ++b)
      ++(used < capacityBits ? used : overflow);
}

/// Digital work takes the lanes of all tiles.
static void takeAllTiles(const machine::Machine &m, cost::Counts &counts) {
  counts.tiles = counts.groups = 0;
  for (int64_t g = 0; g < m.hierarchy.groups; ++g) {
    ++counts.groups;
    for (int64_t t = 0; t < m.hierarchy.tiles_per_group; ++t)
      ++counts.tiles;
  }
}

Walked imc::test::executeOnLanes(int64_t windows, int64_t rows, int64_t cols,
                                 int64_t groups, const machine::Machine &m,
                                 const mapping::Knobs &k) {
  Walked out;
  cost::Counts &c = out.counts;
  takeAllTiles(m, c);
  auto bits = [](double &count, int64_t n) {
    for (int64_t b = 0; b < n; ++b)
      ++count;
  };
  int64_t inputs = 0, outputs = 0;
  std::set<std::vector<int64_t>> here; // operands at the lanes
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t w = 0; w < windows; ++w)
      for (int64_t n = 0; n < cols; ++n) {
        for (int64_t r = 0; r < rows; ++r) {
          for (const std::vector<int64_t> &operand :
               {std::vector<int64_t>{0, g, w, r}, {1, g, r, n}})
            if (here.insert(operand).second) {
              ++inputs;
              bits(c.global_reads, k.input_bits);
              bits(c.noc_bits, k.input_bits);
              bits(c.tile_writes, k.input_bits);
              bits(c.tile_reads, k.input_bits);
            }
          ++c.macs;
        }
        ++outputs;
        bits(c.tile_writes, k.input_bits);
        bits(c.tile_reads, k.input_bits);
        bits(c.noc_bits, k.input_bits);
        bits(c.global_writes, k.input_bits);
      }
  double used = 0;
  const double capacity = m.global_buffer.size_mib * 1024 * 1024 * 8;
  fillBuffer(capacity, inputs, k.input_bits, used, c.spill_bits);
  fillBuffer(capacity, outputs, k.input_bits, used, c.spill_bits);
  return out;
}

Walked imc::test::executeElementwise(int64_t inputs, int64_t outputs,
                                     int64_t operationsPerOutput,
                                     const machine::Machine &m,
                                     const mapping::Knobs &k) {
  Walked out;
  cost::Counts &c = out.counts;
  takeAllTiles(m, c);
  for (int64_t i = 0; i < inputs; ++i)
    for (int64_t b = 0; b < k.input_bits; ++b)
      ++c.tile_reads;
  for (int64_t o = 0; o < outputs; ++o) {
    for (int64_t i = 0; i < operationsPerOutput; ++i)
      ++c.operations;
    for (int64_t b = 0; b < k.input_bits; ++b)
      ++c.tile_writes;
  }
  return out;
}
