//===- Stream.cpp - Rows as they come -------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Nothing but rows of tensors separates layers. Products and kernels are cut
// into chunks; a chunk begins when the rows that it needs are there. All cores
// take the chunks in one order, in which every chunk comes after those that
// make its rows: so no core can wait for another that waits for it. Chunks are
// ordered by the number of chunks that must come before them one after the
// other, which lets layers take turns.
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

#include <algorithm>
#include <map>

using namespace imc;
using namespace imc::schedule;
using namespace imc::schedule::detail;
using llvm::Error;
using llvm::Twine;
using program::Instruction;
using program::Opcode;
using program::Part;
using program::Product;

/// Chunks of a product or kernel, and instructions that chunks may cost before
/// there are fewer of them.
static constexpr int64_t mostChunks = 16;
static constexpr int64_t mostInstructions = 2'000'000;

Error Builder::numberStream() {
  int64_t offset = 0;
  for (program::Tensor &tensor : program.tensors) {
    const bool isInput =
        modelInput != none && &tensor == &program.tensors[modelInput];
    tensor.first_step = isInput ? -1 : 0;
    tensor.last_step = 0;
    tensor.region = {offset, tensor.elements * tensor.bits};
    offset += tensor.region.size;
  }
  const int64_t capacity = program.chip.global_buffer_bits;
  if (capacity > 0 && offset > capacity)
    return refuse("global buffer: without steps model '" + workload.name +
                  "' holds all its " + Twine(offset) +
                  " bits of activations, the chip has " + Twine(capacity) +
                  ": raise machine.global_buffer.size_mib to " +
                  Twine(ceilDiv(offset, 8388608)) +
                  ", or schedule layer by layer");
  return Error::success();
}

/// Leading rows of an input tensor of `rows` rows that windows before `end`
/// need (docs/isa.md, "Geometry").
static int64_t rowsBefore(const program::Geometry &g, int64_t rows,
                          int64_t end) {
  const int64_t images = g.windows / (g.windows_per_row * g.window_rows);
  if (end >= g.windows || rows % images != 0)
    return rows;
  const int64_t row = (end - 1) / g.windows_per_row;
  const int64_t seen =
      row % g.window_rows * g.stride_rows + g.kernel_rows - g.padding_rows;
  // Windows that see nothing but padding wait for a row all the same.
  return std::max<int64_t>(1, row / g.window_rows * (rows / images) +
                                  std::clamp<int64_t>(seen, 0, rows / images));
}

static int64_t elementsOf(const workload::Layer &layer) {
  return std::visit([](const auto &work) { return work.output_elements; },
                    layer.work);
}

static bool isQuantization(const workload::Layer &layer) {
  return layer.op == "quantize";
}

static bool isPooling(const workload::Layer &layer) {
  return llvm::StringRef(layer.op).starts_with("pooling");
}

/// By layer: rows that a product behind it sees in its result, perhaps through
/// element-wise work; 0 where none does.
static std::vector<int64_t> expectedRows(const workload::Workload &workload) {
  std::vector<int64_t> rows(workload.layers.size(), 0);
  for (size_t i = workload.layers.size(); i-- > 0;) {
    const workload::Layer &layer = workload.layers[i];
    if (!layer.rowwise || isPooling(layer))
      continue;
    int64_t seen = rows[i];
    if (const workload::Product *p = layer.product())
      seen =
          p->row_elements > 0 && layer.inputs.size() == 1
              ? p->windows / (p->output_width * p->output_rows) * p->input_rows
              : 0;
    for (int64_t input : layer.inputs)
      if (seen > 0 && input >= 0 && input < int64_t(i) &&
          (layer.product() || isQuantization(layer) ||
           elementsOf(workload.layers[input]) == elementsOf(layer)))
        rows[input] = seen;
  }
  return rows;
}

bool Builder::countRows(const std::vector<size_t> &members,
                        const std::vector<int64_t> &expected,
                        std::vector<int64_t> &rowsOf) const {
  // Poolings before a member, in this kernel: shares that are rounded up twice
  // are too small.
  std::map<size_t, bool> pooled;
  std::vector<int64_t> found;
  for (size_t m : members) {
    const workload::Layer &layer = workload.layers[m];
    if (!layer.rowwise)
      return false;
    int64_t rows = 0;
    bool &behind = pooled[m];
    for (int64_t input : layer.inputs) {
      if (input == workload::Layer::modelInput || input >= int64_t(m))
        continue;
      int64_t there = rowsOf[input];
      if (auto member = llvm::find(members, size_t(input));
          member != members.end()) {
        there = found[size_t(member - members.begin())];
        behind |= pooled[size_t(input)];
      }
      if (there <= 1)
        continue; // there as a whole
      // Operands of another size are read as a whole; padding is not counted.
      if ((rows != 0 && rows != there) ||
          (!isQuantization(layer) && !isPooling(layer) &&
           elementsOf(workload.layers[input]) != elementsOf(layer)))
        return false;
      rows = there;
    }
    if (isPooling(layer) && rows > 0) {
      if (behind)
        return false;
      behind = true;
      rows = expected[m];
    }
    if (rows <= 1)
      return false;
    found.push_back(rows);
  }
  for (auto [m, rows] : llvm::zip_equal(members, found))
    rowsOf[m] = rows;
  return true;
}

namespace {

/// One product or kernel.
struct Node {
  int64_t product = -1, kernel = -1;
  int64_t chunks = 1;
  bool streams = false; ///< takes its inputs row by row
  bool early = false;   ///< hands over leading rows before its end
  std::vector<int64_t> inputs, outputs;
  /// After each chunk: chunks that came before it one after the other, itself
  /// included.
  std::vector<int64_t> depth;
};

/// Windows of a part that belong to a chunk: whole blocks.
struct Share {
  int64_t begin, end;
};

} // namespace

static Share shareOf(const Part &part, int64_t chunk, int64_t chunks) {
  const int64_t blocks = ceilDiv(part.windows, part.block);
  auto at = [&](int64_t k) {
    return part.first_window +
           std::min(part.windows, blocks * k / chunks * part.block);
  };
  return {at(chunk), at(chunk + 1)};
}

Error Builder::writeStream() {
  // Nodes in program order.
  std::vector<Node> nodes;
  std::map<int64_t, std::vector<size_t>> membersOf; // of kernels: layers
  for (size_t layer = 0; layer != workload.layers.size(); ++layer) {
    if (kernelOf[layer] != none) {
      membersOf[kernelOf[layer]].push_back(layer);
      continue;
    }
    Node node;
    node.product = productOf[layer];
    const Product &product = program.products[node.product];
    node.streams = workload.layers[layer].rowwise && product.inputs.size() == 1;
    node.inputs = product.inputs;
    node.outputs = {product.output};
    nodes.push_back(std::move(node));
  }
  for (auto &[index, layers] : membersOf) {
    Node node;
    node.kernel = index;
    node.inputs = program.kernels[index].inputs;
    node.outputs = program.kernels[index].outputs;
    nodes.push_back(std::move(node));
  }
  auto levelOfNode = [&](const Node &node) {
    return levelOf[node.kernel != none ? program.kernels[node.kernel].layer
                                       : program.products[node.product].layer];
  };
  // Kernels of a level read products of lower ones, products kernels of lower
  // ones: levels are an order.
  llvm::sort(nodes, [&](const Node &a, const Node &b) {
    return std::tuple(levelOfNode(a), a.kernel, a.product) <
           std::tuple(levelOfNode(b), b.kernel, b.product);
  });

  // Rows of tensors: rows of windows behind a product, carried on by
  // element-wise work; 1 where a tensor is there as a whole or not at all.
  const int64_t chunks = std::clamp<int64_t>(
      mostInstructions / (8 * (int64_t(program.parts.size()) + 1)), 1,
      mostChunks);
  std::vector<int64_t> maker(program.tensors.size(), none); // node
  const std::vector<int64_t> expected = expectedRows(workload);
  std::vector<int64_t> rowsOf(workload.layers.size(), 0);
  auto comesEarly = [&](const Node &node) {
    return llvm::any_of(node.inputs, [&](int64_t input) {
      return maker[input] != none && nodes[maker[input]].early;
    });
  };
  for (size_t n = 0; n != nodes.size(); ++n) {
    Node &node = nodes[n];
    for (int64_t output : node.outputs)
      maker[output] = n;
    if (node.product != none) {
      const Product &product = program.products[node.product];
      program.tensors[product.output].rows = rowsOf[product.layer] =
          product.geometry.windows / product.geometry.windows_per_row;
      auto [begin, end] = partsOf[node.product];
      int64_t blocks = 1;
      for (int64_t i = begin; i != end; ++i)
        if (program.parts[i].windows > 0)
          blocks = std::max(blocks, ceilDiv(program.parts[i].windows,
                                            program.parts[i].block));
      // Parts beside each other hand over leading rows only at their end: they
      // are cut only where their own rows come one after the other.
      node.early =
          llvm::none_of(llvm::ArrayRef(program.parts).slice(begin, end - begin),
                        [](const Part &part) {
                          return part.windows > 0 && part.first_window != 0;
                        });
      const bool cuts = node.early || (node.streams && comesEarly(node));
      node.chunks = cuts ? std::min(chunks, blocks) : 1;
      continue;
    }
    node.streams = countRows(membersOf[node.kernel], expected, rowsOf);
    if (!node.streams)
      continue;
    node.early = comesEarly(node);
    int64_t pieces = chunks;
    for (size_t layer : membersOf[node.kernel])
      if (tensorOf[layer] != none) {
        program.tensors[tensorOf[layer]].rows = rowsOf[layer];
        pieces = std::min(pieces, rowsOf[layer]);
      }
    node.chunks = program.kernels[node.kernel].pieces = pieces;
  }

  // Leading rows of a tensor after chunk `k` of its maker.
  auto rowsAfter = [&](int64_t tensor, int64_t k) {
    const Node &node = nodes[maker[tensor]];
    const int64_t rows = program.tensors[tensor].rows;
    if (k + 1 >= node.chunks)
      return rows;
    if (node.kernel != none)
      return (k + 1) * rows / node.chunks;
    // Up to the first window that some part has not stored.
    const Product &product = program.products[node.product];
    int64_t windows = product.geometry.windows;
    auto [begin, end] = partsOf[node.product];
    for (int64_t i = begin; i != end; ++i) {
      const Part &part = program.parts[i];
      if (part.windows == 0)
        continue;
      const Share share = shareOf(part, k, node.chunks);
      if (share.end < part.first_window + part.windows)
        windows = std::min(windows, share.end);
    }
    return windows / product.geometry.windows_per_row;
  };
  auto rowsNeeded = [&](const Node &node, int64_t tensor, int64_t k,
                        int64_t lastWindow) {
    const int64_t rows = program.tensors[tensor].rows;
    if (!node.streams)
      return rows;
    return node.kernel != none
               ? ceilDiv((k + 1) * rows, node.chunks)
               : rowsBefore(program.products[node.product].geometry, rows,
                            lastWindow);
  };

  struct Item {
    int64_t depth;
    size_t node;
    int64_t chunk;
  };
  std::vector<Item> items;
  for (size_t n = 0; n != nodes.size(); ++n) {
    Node &node = nodes[n];
    for (int64_t k = 0; k != node.chunks; ++k) {
      int64_t last = 0;
      if (node.product != none) {
        auto [begin, end] = partsOf[node.product];
        for (int64_t i = begin; i != end; ++i)
          if (program.parts[i].windows > 0)
            last =
                std::max(last, shareOf(program.parts[i], k, node.chunks).end);
      }
      int64_t depth = k > 0 ? node.depth.back() : 0;
      for (int64_t input : node.inputs) {
        if (maker[input] == none)
          continue;
        const Node &from = nodes[maker[input]];
        const int64_t needed = rowsNeeded(node, input, k, last);
        int64_t first = 0;
        while (rowsAfter(input, first) < needed)
          ++first;
        depth = std::max(depth, from.depth[first]);
      }
      node.depth.push_back(depth + 1);
      items.push_back({depth + 1, n, k});
    }
  }
  llvm::sort(items, [](const Item &a, const Item &b) {
    return std::tuple(a.depth, a.node, a.chunk) <
           std::tuple(b.depth, b.node, b.chunk);
  });

  program.streams.push_back(
      {program::Stream::allCores, {{Opcode::Step, 0, 0, {0, 0}, 0}}});
  // Rows that a core has waited for; of kernels, that all cores have.
  std::map<std::pair<int64_t, int64_t>, int64_t> granted;
  auto waitFor = [&](int64_t core, int64_t tensor, int64_t rows,
                     std::vector<Instruction> &out) {
    if (maker[tensor] == none)
      return;
    int64_t &have = granted[{core, tensor}];
    if (have >= rows)
      return;
    have = rows;
    out.push_back({Opcode::Wait, tensor, 0, {0, 0}, rows});
  };
  for (const Item &item : items) {
    const Node &node = nodes[item.node];
    if (node.kernel != none) {
      std::vector<Instruction> out;
      for (int64_t input : node.inputs)
        waitFor(program::Stream::allCores, input,
                rowsNeeded(node, input, item.chunk, 0), out);
      out.push_back({Opcode::Vector, node.kernel, item.chunk, {0, 0}, 1});
      if (program.streams.back().core == program::Stream::allCores)
        llvm::append_range(program.streams.back().instructions, out);
      else
        program.streams.push_back({program::Stream::allCores, std::move(out)});
      continue;
    }
    auto [begin, end] = partsOf[node.product];
    for (int64_t i = begin; i != end; ++i) {
      const Part &part = program.parts[i];
      if (part.windows == 0)
        continue;
      const Share share = shareOf(part, item.chunk, node.chunks);
      if (share.begin == share.end)
        continue;
      std::vector<Instruction> out;
      for (int64_t input : node.inputs)
        waitFor(part.core, input,
                rowsNeeded(node, input, item.chunk, share.end), out);
      writeWindows(part, i, share.begin, share.end, out);
      program.streams.push_back({part.core, std::move(out)});
    }
  }
  return Error::success();
}
