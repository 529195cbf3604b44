//===- Latency.h - How the blocks of a product follow each other -*- C++ -*-==//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// E-TIME-6 to E-TIME-9: what the schedule `layers` takes for a product whose
// parts load, multiply, hand on and store block after block, in closed form.
// Nothing here loops over cores, blocks or windows. Units: bits, windows, s.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_COST_LATENCY_H
#define IMC_LIB_COST_LATENCY_H

#include "Parts.h"
#include "imc/Cost/Cost.h"

namespace imc::cost::detail {

/// Cores that share a link: all of them where there is but one.
inline int64_t coresOfLink(const machine::Machine &m, const Prices &p) {
  return p.noc_links <= 1 ? int64_t(1) << 40 : m.hierarchy.tiles_per_group;
}

/// Place of a core among those of its link.
IMC_INLINE int64_t placeOnLink(int64_t core, int64_t group) {
  return core < group ? core : core - floorDiv(core, group) * group;
}

/// How a product is cut: what its parts take, copies that share a core, windows
/// of a copy, cores of a copy and of all.
struct Parts {
  Shares shares;
  int64_t bundle, per_copy, of_copy, cores;
};

/// A product of copies of `arrays` arrays in cores of `macros`.
IMC_INLINE Parts partsOf(const workload::Product &p, const Shares &shares,
                         int64_t arrays, int64_t copies, int64_t macros) {
  const int64_t ofCopy = arrays <= macros ? 1 : ceilDiv(arrays, macros);
  if (copies == 1)
    return {shares, 1, p.windows, ofCopy, ofCopy};
  Parts parts = {shares, 1, ceilDiv(p.windows, copies), ofCopy,
                 copies * ofCopy};
  if (arrays < macros) {
    parts.bundle = std::min(copies, floorDiv(macros, arrays));
    parts.cores = ceilDiv(copies, parts.bundle);
  }
  return parts;
}

/// Where products begin that are placed one after the other (Cores.h): the same
/// as mapping::place without most of its divisions.
struct CoreCursor {
  int64_t macros, group;
  int64_t at = 0;   ///< place of the core among the `group` of its link
  int64_t used = 0; ///< arrays of it that are taken

  /// Place of the first core of a product.
  IMC_INLINE int64_t place(const Parts &parts, int64_t arrays, int64_t copies) {
    const bool large = arrays > macros;
    const int64_t taken = large ? macros : parts.bundle * arrays;
    if (used > 0 && used + taken > macros) {
      at = at + 1 < group ? at + 1 : 0;
      used = 0;
    }
    const int64_t first = at;
    if (parts.cores == 1) {
      used += taken;
      return first;
    }
    at = placeOnLink(at + parts.cores - 1, group);
    used = large ? arrays - (parts.of_copy - 1) * macros
                 : (copies - (parts.cores - 1) * parts.bundle) * arrays;
    return first;
  }
};

/// What a product does in one round, or in all where its weights stay: its
/// fullest part, and how many others there are.
struct Round {
  double parts;     ///< cores at work
  double senders;   ///< of one copy, that hand partial sums on
  double storers;   ///< of all copies, that store results
  double sharing;   ///< parts on the busiest link
  double windows;   ///< of the fullest part
  double block;     ///< of them, in a block
  double blocks;    ///< of the fullest part
  double crossings; ///< blocks that begin another row of windows
  bool together;    ///< all parts begin them at the same time
  double serial;    ///< products of an array per window of the part
  // Bits.
  double first_load; ///< that the fullest part loads for its first block
  double loads;      ///< ... for all of them
  double all_loads;  ///< of all parts,
  double ratio;      ///< over that of the fullest
  double reads;      ///< of its tile buffer, per window
  double sums;       ///< partial sums, per window
  double sent;       ///< of a part that sends, per window
  double stored;     ///< of a part that stores, per window
  double global;     ///< over the global buffer
  double all_link;   ///< over all links that the parts use,
  double link;       ///< over the busiest
  double part_loads; ///< that a part loads on average,
  int64_t of_copy;   ///< of parts of a copy
};

/// A product: `rounds` that fill the chip, and the last one.
struct Flow {
  Round last, full;
  double rounds;
  bool writes;                       ///< cells are written before each round
  double fetched_full, fetched_last; ///< bits of weights per round
  double rows_full, rows_last;       ///< written one after the other
  double operand; ///< bits of an operand that is written, of all rounds
  double moved;   ///< the same, over the network
};

/// E-TIME-7: the busiest link. The parts lie in neighbouring cores, the first
/// of which is core `at` of a group of `group` that share a link.
IMC_INLINE void shareLinks(Round &r, int64_t at, int64_t group) {
  const int64_t n = static_cast<int64_t>(r.parts);
  r.sharing = r.parts;
  r.link = r.all_link;
  const int64_t first = group - at;
  if (n <= first)
    return;
  // The pieces of the first and the last group, and those between.
  const int64_t behind = n - first;
  const int64_t between = behind < group ? 0 : floorDiv(behind, group);
  const int64_t last = behind - between * group;
  r.sharing = real(between > 0 ? group : std::max(first, last));
  if (r.senders == 0) {
    r.link *= r.sharing / r.parts;
    return;
  }
  // A message from the piece before takes this link, too.
  const int64_t perCopy = r.of_copy;
  const auto sends = static_cast<int64_t>(r.senders),
             stores = static_cast<int64_t>(r.storers * real(perCopy) / r.parts);
  const double message = r.windows * r.sent, result = r.windows * r.stored;
  struct Cut {
    double before; ///< bits of the parts before it
    double over;   ///< that come from them
  };
  auto cutAt = [&](int64_t x) {
    const int64_t copy = x < perCopy ? 0 : floorDiv(x, perCopy);
    const int64_t part = x - copy * perCopy;
    return Cut{real(x) * r.part_loads +
                   real(copy * sends + std::min(part, sends)) * message +
                   real(copy * stores +
                        std::max<int64_t>(0, part - perCopy + stores)) *
                       result,
               part > 0 && part <= sends ? message : 0};
  };
  const Cut front = cutAt(first);
  Cut back = front;
  r.link = front.before;
  if (between > 0) {
    const Cut next = cutAt(first + group);
    r.link = std::max(r.link, next.before - front.before + front.over);
    back = next;
    if (between > 1) {
      const Cut before = cutAt(n - last - group);
      back = cutAt(n - last);
      r.link = std::max(r.link, back.before - before.before + before.over);
    }
  }
  if (last > 0)
    r.link = std::max(r.link, r.all_link - back.before + back.over);
}

/// Rows of windows that `windows` of them begin at least.
IMC_INLINE int64_t rowsOf(const workload::Product &p, const Sizes &i,
                          int64_t windows) {
  // One more or less where the inverse is rounded.
  int64_t rows = static_cast<int64_t>(real(windows) * i.inverse_width);
  rows += rows * p.output_width < windows;
  return rows * p.output_width < windows ? rows + 1 : rows;
}

/// E-TIME-6: windows of a block (docs/scheduling.md), where two blocks need
/// `line` bits per input row and `sums` bits of partial sums per window.
IMC_INLINE int64_t blockOf(const workload::Product &p, const Sizes &i,
                           int64_t perCopy, int64_t copies, int64_t windows,
                           double line, double sums, double room) {
  for (int64_t ofCopy = (perCopy + 63) / 64;; ofCopy /= 2) {
    const int64_t block = std::min(ofCopy * copies, windows);
    if (ofCopy == 1 || room <= 0)
      return block;
    const int64_t both = std::min(2 * block, windows);
    const double rest = room - 2 * real(block) * sums;
    if (p.row_elements == 0) {
      if (real(both) * line <= rest)
        return block;
      continue;
    }
    // The worst place of two blocks is one window before the end of a row of
    // windows, or one common divisor of both.
    auto bits = [&](int64_t place) {
      return real(rowsOf(p, i, both - place) * p.stride_rows + p.kernel_rows) *
             line;
    };
    if (bits(1) <= rest ||
        (both != windows && bits(std::gcd(p.output_width, block)) <= rest))
      return block;
  }
}

/// The blocks of a part of `windows` windows, whose input rows have `line`
/// bits.
IMC_INLINE void cutBlocks(Round &r, const workload::Product &p, const Sizes &i,
                          int64_t perCopy, int64_t copies, int64_t windows,
                          double line, double room) {
  const int64_t block =
      blockOf(p, i, perCopy, copies, windows, line, r.sums, room);
  r.windows = real(windows);
  r.block = real(block);
  r.blocks = real(ceilDiv(windows, block));
  r.crossings = 0;
  r.together = false;
  int64_t rows = block;
  if (p.row_elements) {
    if (block < p.output_width) {
      rows = p.kernel_rows;
      r.crossings = real(windows - block) * i.inverse_width;
      r.together = rowsOf(p, i, windows) * p.output_width == windows;
    } else {
      rows = (rowsOf(p, i, block) - 1) * p.stride_rows + p.kernel_rows;
    }
  }
  r.first_load = std::min(r.loads, real(rows) * line);
}

/// Copies that lie in one core each, several of which may share one: a part is
/// all copies of a core. `inputs`: bits that all parts load; `at`: as in
/// shareLinks.
IMC_INLINE void fillCores(Round &r, const workload::Product &p, const Sizes &i,
                          const mapping::Tiling &t, int64_t copies,
                          double inputs, const Parts &whole, int64_t at,
                          int64_t group, const machine::Machine &m,
                          double word) {
  const double room = real(static_cast<int64_t>(m.tile_buffer.size_kib * 8192));
  const double line = i.line * word;
  const int64_t windows = std::min(whole.bundle * whole.per_copy, p.windows);
  r.senders = r.sent = 0;
  r.all_loads = inputs;
  r.reads = i.rows * word;
  r.sums = i.outputs * real(m.shift_add.accumulator_bits);
  r.stored = i.result * word;
  r.global = r.all_link = r.link = inputs + real(p.output_elements) * word;
  if (copies == 1) {
    r.parts = r.storers = r.ratio = r.sharing = 1;
    r.serial = real(t.turns());
    r.loads = inputs;
    cutBlocks(r, p, i, windows, 1, windows, line, room);
    return;
  }
  r.parts = r.storers = real(whole.cores);
  r.serial = real(t.turns()) / real(whole.bundle);
  r.ratio = i.windows / real(windows);
  r.loads = inputs * i.inverse_windows * real(windows);
  cutBlocks(r, p, i, whole.per_copy, whole.bundle, windows, line, room);
  r.of_copy = 1;
  r.part_loads = 0;
  shareLinks(r, at, group);
}

/// Copies that lie in several cores each. Their parts from `storer` on hold
/// columns of the last strip, those before `sender` hand on.
struct Chain {
  int64_t sender, storer;
  double results, stored; ///< bits; stored: of a storer, per window
  double inputs;          ///< bits that all parts of all rounds load
  double ofStorers;       ///< 1 / number
};

/// What does not depend on which arrays of a copy are at work.
IMC_INLINE Chain fillChain(Round &r, const workload::Product &p, const Sizes &i,
                           const mapping::Tiling &t, int64_t copies,
                           double inputs, const Parts &whole,
                           const machine::Machine &m, double word) {
  const int64_t macros = m.hierarchy.macros_per_tile;
  const double accumulator = real(m.shift_add.accumulator_bits);
  const double room = real(static_cast<int64_t>(m.tile_buffer.size_kib * 8192));
  const int64_t slots = macros * t.row_sets, tiles = t.tiles();
  const int64_t all = whole.of_copy;
  Chain c = {0, 0, real(p.output_elements) * word, 0, inputs, 0};
  if (t.strips > 1 && t.packs == 1) {
    const int64_t before = tiles - t.column_tiles;
    c.storer = floorDiv(before, slots);
    c.sender = c.storer * slots == before ? c.storer : c.storer + 1;
  } else if (t.strips > 1 && slots % (t.strips * t.column_tiles) != 0) {
    c.sender = all - 1;
  }
  c.sender = std::min(c.sender, all - 1); // the last part has nobody behind
  double high, wide;                      // rows and outputs of a part
  if (t.packs > 1) {
    const double share = real(slots) / real(tiles);
    high = std::min(i.rows, whole.shares.rows * share);
    wide = std::min(i.outputs, whole.shares.outputs * share);
  } else if (slots >= t.column_tiles) {
    high = std::min(i.rows, real(ceilDiv(slots, t.column_tiles) * t.rows));
    wide = i.outputs;
  } else {
    high = std::min(i.rows, real(t.rows));
    wide =
        std::min(i.outputs, real(slots * t.cols) / real(t.columns_per_weight));
  }
  const double used = std::min(
      i.channels,
      p.kernel_elements == 1
          ? high
          : real(ceilDiv(static_cast<int64_t>(high), p.kernel_elements)));
  c.ofStorers = 1 / real(all - c.storer);
  c.stored = i.result * word * c.ofStorers;
  r.serial = real(t.turns());
  r.loads = inputs * used / (whole.shares.channels * real(copies));
  r.reads = high * word;
  r.sums = wide * accumulator;
  r.sent = c.sender > 0 ? (whole.shares.outputs - i.outputs) * accumulator /
                              real(c.sender)
                        : 0;
  cutBlocks(r, p, i, whole.per_copy, 1, whole.per_copy,
            i.line * word * (used / i.channels), room);
  return c;
}

/// Parts [first, first + parts) of each copy at work.
IMC_INLINE void fillParts(Round &r, const Chain &c, int64_t copies,
                          int64_t first, int64_t parts, int64_t all, int64_t at,
                          int64_t group) {
  const int64_t sends = std::clamp<int64_t>(c.sender - first, 0, parts),
                stores =
                    std::clamp<int64_t>(first + parts - c.storer, 0, parts);
  r.parts = real(copies * parts);
  r.senders = real(sends);
  r.storers = real(copies * stores);
  r.all_loads = parts == all ? c.inputs : c.inputs * (real(parts) / real(all));
  r.ratio = r.all_loads / r.loads;
  r.stored = stores > 0 ? c.stored : 0;
  r.global = r.all_loads + c.results * (real(stores) * c.ofStorers);
  r.all_link = r.all_loads + real(copies) * r.windows *
                                 (r.senders * r.sent + real(stores) * r.stored);
  r.of_copy = parts;
  r.part_loads = r.all_loads / r.parts;
  shareLinks(r, at, group);
}

/// `f` is new. `inputs`: bits that all parts of all rounds load; `at`: as in
/// shareLinks.
IMC_INLINE void fillFlow(Flow &f, const workload::Product &p, const Sizes &i,
                         const mapping::Tiling &t, int64_t copies,
                         int64_t rounds, int64_t capacity, int64_t at,
                         double inputs, const Parts &whole,
                         const machine::Machine &m, const mapping::Knobs &k,
                         const Prices &prices) {
  const int64_t group = coresOfLink(m, prices);
  const int64_t arrays = arraysOf(t), macros = m.hierarchy.macros_per_tile;
  const int64_t before = rounds > 1 ? (rounds - 1) * capacity : 0;
  const double word = real(p.inputBits(k.input_bits));
  if (before == 0 && arrays <= macros) {
    fillCores(f.last, p, i, t, copies, inputs, whole, at, group, m, word);
  } else {
    const int64_t all = whole.of_copy;
    const Chain c = fillChain(f.last, p, i, t, copies, inputs, whole, m, word);
    if (before > 0) {
      f.full = f.last;
      fillParts(f.full, c, copies, 0, ceilDiv(capacity, macros), all, at,
                group);
      fillParts(f.last, c, copies, floorDiv(before, macros),
                ceilDiv(arrays - before, macros), all, at, group);
    } else {
      fillParts(f.last, c, copies, 0, all, all, at, group);
    }
  }
  f.writes = rounds > 0;
  if (rounds == 0)
    return;
  const double bits =
      real(p.weight_elements) * real(p.weightBits(k.weight_bits));
  const double ofArray = real(t.turns()) * real(std::min(t.rows, t.pack_rows));
  f.operand = 0;
  f.rounds = real(before > 0 ? rounds - 1 : 0);
  f.fetched_last = bits;
  if (before > 0) {
    f.fetched_full = bits * (real(capacity) / real(arrays));
    f.fetched_last -= f.rounds * f.fetched_full;
    f.rows_full = real(std::min(macros, capacity)) * ofArray;
  }
  const int64_t fullest = whole.bundle * (arrays - before);
  f.rows_last = real(std::min(macros, fullest)) * ofArray;
}

/// What a round takes, and what each of its resources is busy for.
struct Passage {
  double seconds;
  double arrays, port, link, global;
  double chain, tail;
};

/// E-TIME-8, E-TIME-9. `product`: one product of an array; `shorter`: what the
/// first one of a step waits for (E-TIME-1).
IMC_INLINE void passRound(Passage &t, const Round &r, double product,
                          double shorter, const Prices &p) {
  const double hops = p.noc_hops;
  t.arrays = r.windows * r.serial * product + shorter;
  t.port = (r.loads + r.windows * (r.reads + 2 * r.sums)) * p.tile_bit;
  t.global = r.global * p.global_bit;
  const double ofBlock = r.block * r.serial * product;
  const double portOfBlock = r.block * (r.reads + r.sums) * p.tile_bit;
  const double longest = std::max(ofBlock, portOfBlock);

  // E-TIME-8: before the first products all parts load, after the last ones
  // all store; one after the other where they share a resource.
  const double load = r.first_load;
  const double loads = load * r.ratio;
  const double ownLoad =
      load * std::max({p.tile_bit, p.noc_bit_time, p.global_bit});
  const double allLoads = std::max(
      {load * p.tile_bit, std::min(r.sharing * load, loads) * p.noc_bit_time,
       loads * p.global_bit});
  const double end = r.windows - (r.blocks - 1) * r.block;
  const double store = end * r.stored, read = end * r.sums * p.tile_bit;
  t.tail = std::max({read, store * p.noc_bit_time, store * p.global_bit});
  const double allStores =
      std::max({read, std::min(r.sharing, r.storers) * store * p.noc_bit_time,
                r.storers * store * p.global_bit});
  // E-TIME-9: partial sums of a block pass the parts of a copy one by one.
  const double message = r.sent * p.noc_bit_time, sums = r.sums * p.tile_bit;
  t.chain = r.senders * (end * std::max(message, sums) + hops);
  // Of a single block they pass the first parts while the others load.
  const double early =
      r.blocks == 1 ? std::min(t.chain, allLoads - ownLoad) : 0;
  const double ends =
      2 * hops + std::max(allLoads - early + t.tail, ownLoad + allStores);
  // Rows that the next block needs but the one behind it did not.
  double stalls = 0;
  if (r.crossings > 0) {
    const double sharing = r.together ? r.ratio : 1;
    const double bit =
        std::max({p.tile_bit, std::min(sharing, r.sharing) * p.noc_bit_time,
                  sharing * p.global_bit});
    stalls =
        std::max(0.0, (r.loads - load) * bit + r.crossings * (hops - longest));
  }

  // At the front of a busy chain the message before it is still on the link.
  const double ofMessage = r.block * std::max(message, sums);
  const double front = r.blocks > 1 ? std::max(2 * ofMessage, ofMessage + hops)
                                    : ofMessage + hops;

  // A shared resource that is busy throughout waits for the first products
  // only, where its loads of two blocks are over before.
  auto busy = [&](double seconds, double one, double sharing) {
    return seconds + hops +
           std::max(0.0, longest + 2 * hops - (2 * sharing - 1) * one);
  };
  const double others =
      std::max({t.arrays + stalls + ends + t.chain,
                t.port + std::max(0.0, allLoads - ownLoad - early) + 2 * hops +
                    std::max(0.0, ofBlock - portOfBlock) + t.chain,
                busy(t.global, load * p.global_bit, r.parts)});
  t.link = r.link * p.noc_bit_time;
  t.seconds =
      std::max(others, busy(t.link, load * p.noc_bit_time, r.sharing) +
                           std::max(0.0, r.senders - r.sharing) * front +
                           std::min(r.senders, r.sharing) * hops);
}

} // namespace imc::cost::detail

#endif // IMC_LIB_COST_LATENCY_H
