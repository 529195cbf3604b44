//===- Layer.h - Counting and pricing of one layer --------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The inner loop of the cost model, inline so that the detailed evaluation and
// the fast path compile the very same expressions. No function here calls pow,
// exp or the allocator.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_COST_LAYER_H
#define IMC_LIB_COST_LAYER_H

#include "Latency.h"
#include "Sqnr.h"
#include "imc/Cost/Cost.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace imc::cost::detail {

/// Whole bits, so that counts stay whole and their sums exact.
inline double globalBits(const machine::Machine &m) {
  return real(static_cast<int64_t>(m.global_buffer.size_mib * 8388608.0));
}

/// What the actions of a product follow from. Whole numbers, exact below 2^53.
struct Operands {
  // As in workload::Product.
  double windows, groups, rows, cols, weights, input_elements, output_elements;
  // As in its tiling and geometry.
  double columns_per_weight, phases, groups_per_pack, packs, strips,
      column_tiles, cut_weights;
  double part_rows, part_outputs; ///< Shares
  double inputs;                  ///< bits that all parts load
  double word;                    ///< bits of an activation

  IMC_INLINE Operands() = default;
  IMC_INLINE Operands(const Sizes &i, const mapping::Tiling &t,
                      const Geometry &g, double loaded, double bits)
      : windows(i.windows), groups(i.groups), rows(i.group_rows),
        cols(i.group_cols), weights(i.weights),
        input_elements(i.input_elements), output_elements(i.output_elements),
        columns_per_weight(real(t.columns_per_weight)), phases(real(t.phases)),
        groups_per_pack(real(t.groups_per_pack)), packs(real(t.packs)),
        strips(real(t.strips)), column_tiles(real(t.column_tiles)),
        cut_weights(g.cut_weights), part_rows(g.shares.rows),
        part_outputs(g.shares.outputs), inputs(loaded), word(bits) {}
};

/// Of E-COUNT-4: each part loads the input rows of its `n` windows, as far as
/// the channels go that its strips need.
IMC_INLINE double loadedBits(const workload::Product &p, const Sizes &i,
                             const Shares &shares, int64_t n, double word) {
  return (i.input_elements + haloElements(p, n)) / i.input_channels *
         shares.channels * word;
}

/// E-COUNT-1 to E-COUNT-6. `accumulator`: bits of a partial sum.
IMC_INLINE void countActions(Counts &c, const Operands &o, double accumulator,
                             double globalBits) {
  const double results = o.windows * (o.groups * o.cols);
  const double rows = o.groups * o.rows;
  const double columns = o.groups * o.cols * o.columns_per_weight;
  const double cells = o.weights * o.columns_per_weight;

  // E-COUNT-1: every column tile of a strip has drivers of its own.
  c.row_drives = o.windows * o.phases * rows * o.column_tiles;
  // E-COUNT-2: a driven row crosses all columns of its pack; those of other
  // groups hold level 0. The last pack may have fewer groups.
  const double others = o.packs - 1;
  const double last = o.groups - others * o.groups_per_pack;
  c.cell_reads = o.windows * o.phases * cells;
  c.idle_reads =
      o.windows * o.phases * (o.rows * o.cols * o.columns_per_weight) *
          (others * o.groups_per_pack * o.groups_per_pack + last * last) -
      c.cell_reads;
  // E-COUNT-3: every array that holds columns of a weight adds to its results.
  c.conversions = o.windows * o.phases * o.strips * columns;
  c.strip_adds =
      results * (o.strips - 1) + o.windows * o.cut_weights * o.strips;

  // E-COUNT-4: a part reads the rows of its strips for each window; it sums
  // what its arrays add to an output before it writes it.
  const double outputs = o.output_elements * o.word;
  const double sums = o.windows * o.part_outputs;
  const double partials = sums * accumulator;
  c.tile_writes = o.inputs + partials;
  c.tile_reads = o.windows * o.part_rows * o.word + partials;
  // E-COUNT-5
  c.global_reads = o.inputs;
  c.global_writes = outputs;
  // E-COUNT-6: partial sums go from one part of a copy to the next.
  c.noc_bits = o.inputs + outputs + (sums - results) * accumulator;
  c.spill_bits =
      std::max(0.0, o.input_elements * o.word + outputs - globalBits);
}

/// Columns that the converters of an array serve per phase.
IMC_INLINE double phaseColumns(const machine::Machine &m,
                               const mapping::Tiling &t) {
  return real(std::min(std::min(m.adc.share, t.cols), t.pack_cols));
}

/// E-COUNT-1 to E-COUNT-8: a product with stored weights on a chip, or a part
/// of one, of `capacity` arrays. `g`: its geometry.
IMC_INLINE Counts countProduct(const workload::Product &p, const Sizes &sizes,
                               const mapping::Tiling &t, const Geometry &g,
                               int64_t copies, int64_t rounds, int64_t capacity,
                               const machine::Machine &m,
                               const mapping::Knobs &k, const Parts &parts) {
  Counts c;
  const int64_t macros = m.hierarchy.macros_per_tile;
  const int64_t arrays = arraysOf(t);
  const int64_t bundle = parts.bundle, perCopy = parts.per_copy;
  const double word = real(p.inputBits(k.input_bits)); // E-MIXED
  const double phases = real(t.phases);
  const double cells = real(p.weight_elements * t.columns_per_weight);
  countActions(c,
               Operands(sizes, t, g,
                        loadedBits(p, sizes, g.shares, bundle * perCopy, word),
                        word),
               real(m.shift_add.accumulator_bits), globalBits(m));

  // E-COUNT-7: where the layer runs (A-CORE).
  const int64_t held = copies * arrays;
  const int64_t working = std::min(held, capacity);
  const int64_t tiles = bundle > 1 || arrays <= capacity
                            ? parts.cores
                            : copies * ceilDiv(capacity, macros);
  c.arrays = real(working);
  c.tiles = real(tiles);
  c.groups = tiles <= m.hierarchy.tiles_per_group
                 ? 1
                 : real(ceilDiv(tiles, m.hierarchy.tiles_per_group));
  int64_t turns = t.turns();
  // The first array is full in all rounds but the last.
  if (const int64_t full = rounds - 1; full > 0)
    turns = full * t.row_sets +
            std::min(t.row_sets, t.tiles() - full * capacity * t.row_sets);
  c.serial_products = real(perCopy) * real(turns);
  c.serial_phases = c.serial_products * phases;
  c.phase_columns = phaseColumns(m, t);

  // E-COUNT-8: cells written during the inference; the arrays of a tile one
  // after the other, tiles side by side (A-WRITE).
  if (rounds > 0) {
    c.reload_bits = real(p.weight_elements) * real(p.weightBits(k.weight_bits));
    c.cell_writes = cells * real(copies);
    // Rounds that take the whole chip; a product that has such has one copy.
    const int64_t filled =
        held > capacity ? static_cast<int64_t>(real(held) / real(capacity)) : 0;
    // With several copies the first tile is the fullest.
    const int64_t rest = filled == 0 && arrays < macros
                             ? bundle * arrays
                             : held - filled * capacity;
    const int64_t busiest =
        filled * std::min(macros, capacity) + std::min(macros, rest);
    c.row_writes =
        real(busiest) * real(t.turns()) * real(std::min(t.rows, t.pack_rows));
  }
  return c;
}

/// E-LOOP: iterations that follow one another, from what was counted of one.
inline void countTrips(Counts &c, const workload::Product &p, int64_t rounds) {
  const double trips = real(p.trips), writings = real(p.writings(rounds));
  for (double *count :
       {&c.row_drives, &c.cell_reads, &c.idle_reads, &c.conversions,
        &c.strip_adds, &c.tile_reads, &c.tile_writes, &c.global_reads,
        &c.global_writes, &c.noc_bits, &c.spill_bits, &c.serial_products,
        &c.serial_phases})
    *count *= trips;
  for (double *count : {&c.reload_bits, &c.cell_writes, &c.row_writes})
    *count *= writings;
}

IMC_INLINE Counts countProduct(const workload::Product &p,
                               const mapping::Tiling &t, int64_t copies,
                               int64_t rounds, int64_t capacity,
                               const machine::Machine &m,
                               const mapping::Knobs &k, Parts &parts) {
  const Geometry g = geometryOf(p, t, m);
  parts =
      partsOf(p, g.shares, arraysOf(t), copies, m.hierarchy.macros_per_tile);
  Counts c =
      countProduct(p, Sizes(p), t, g, copies, rounds, capacity, m, k, parts);
  if (p.trips > 1)
    countTrips(c, p, rounds);
  return c;
}

/// E-COUNT-9: digital work runs on the lanes of all tiles, next to the tile
/// buffers (A-FUSED).
inline Counts countDigital(const workload::Digital &d,
                           const machine::Machine &m, const mapping::Knobs &k) {
  Counts c;
  const double word = real(k.input_bits);
  c.operations = real(d.operations);
  c.tile_reads = real(d.input_elements) * word;
  c.tile_writes = real(d.output_elements) * word;
  c.tiles = real(m.tiles());
  c.groups = real(m.hierarchy.groups);
  return c;
}

/// E-COUNT-10: products of two activations fetch both operands from the global
/// buffer.
inline Counts countDynamic(const workload::DynamicProduct &d,
                           const machine::Machine &m, const mapping::Knobs &k) {
  Counts c;
  const double word = real(k.input_bits);
  const double inputs = real(d.input_elements) * word;
  const double outputs = real(d.output_elements) * word;
  c.macs = real(d.macs);
  c.tile_reads = c.tile_writes = inputs + outputs;
  c.global_reads = inputs;
  c.global_writes = outputs;
  c.noc_bits = inputs + outputs;
  const double trips = real(d.trips); // E-LOOP
  c.spill_bits = std::max(0.0, inputs + outputs - trips * globalBits(m));
  c.tiles = real(m.tiles());
  c.groups = real(m.hierarchy.groups);
  return c;
}

/// A product of two activations whose right operand is written into arrays.
struct Written {
  Counts counts;
  Parts parts;
  double inputs;  ///< bits of the left operand that parts load
  double operand; ///< bits of the right one
  double moved;   ///< the same, as often as parts hold weights of it
};

/// E-COUNT-11: a product of two activations on `arrays` arrays into which its
/// right operand is written, in as many rounds as that takes (A-WRITTEN).
inline Written countWritten(const workload::DynamicProduct &d,
                            const mapping::Tiling &t, int64_t arrays,
                            const machine::Machine &m,
                            const mapping::Knobs &k) {
  const workload::Product p = d.stored();
  const int64_t rounds = ceilDiv(t.arrays(), arrays);
  Written w;
  Counts &c = w.counts;
  c = countProduct(p, t, 1, rounds, arrays, m, k, w.parts);
  w.inputs = c.global_reads;
  const double word = real(k.input_bits);
  w.operand = real(p.weight_elements) * word;
  // Each element goes to the tiles that hold cells of it and through their
  // buffers.
  w.moved = weightsOf(p, t, slotsOf(t, m)) * word;
  c.reload_bits = 0;
  c.global_reads += w.operand;
  c.noc_bits += w.moved;
  c.tile_writes += w.moved;
  c.tile_reads += w.moved;
  c.spill_bits = std::max(0.0, real(p.input_elements) * word + w.operand +
                                   c.global_writes - globalBits(m));
  return w;
}

inline Counts countLayer(const workload::Layer &layer,
                         const mapping::Tiling &tiling, int64_t copies,
                         int64_t rounds, const machine::Machine &m,
                         const mapping::Knobs &k, int64_t firstArray) {
  Parts parts;
  if (const workload::Product *p = layer.product())
    return countProduct(*p, tiling, copies, rounds,
                        m.arrays() - (rounds > 0 ? firstArray : 0), m, k,
                        parts);
  if (const workload::Digital *d = layer.digital())
    return countDigital(*d, m, k);
  return countDynamic(*layer.dynamicProduct(), m, k);
}

/// Energy by component and time by bound of what was counted.
struct Priced {
  std::array<double, numEnergies> energy;
  std::array<double, numTimes> time;
  /// What each stream takes alone (E-TIME-1 to E-TIME-3) in the order of Time,
  /// Chain and Fill what they add (E-TIME-8, E-TIME-9); and what rewriting its
  /// cells takes before (E-TIME-5).
  std::array<double, numTimes> alone;
  double fetch, write;
  double drain; ///< of Fill, behind the last product
  double total_energy, latency;
};

inline constexpr size_t at(Time time) { return static_cast<size_t>(time); }

/// What each stream of a layer takes alone (E-TIME-1 to E-TIME-3), in the order
/// of Time; and what rewriting its cells takes before them (E-TIME-5).
struct Streams {
  std::array<double, numTimes> time;
  double fetch, write;
};

/// Of work that is not cut into blocks: on lanes, or counts by themselves.
/// `iterations` follow one another.
inline Streams streamsOf(const Counts &c, const Prices &p, int64_t iterations) {
  // E-TIME-1: while the converters work on the columns of one input phase, the
  // rows of the next are driven (sample and hold); the shorter of the two
  // shows once, at the start.
  const double longer = std::max(p.read_cycles, c.phase_columns);
  const double shorter = std::min(p.read_cycles, c.phase_columns);
  const double compute = c.serial_phases > 0
                             ? (c.serial_phases * longer + shorter) * p.cycle +
                                   c.serial_products * p.setup
                             : 0;
  // E-TIME-2: one port per buffer; data spread evenly over the tiles at work.
  const double tileBuffer =
      (c.tile_reads + c.tile_writes) * p.tile_bit / c.tiles;
  const double globalBuffer = (c.global_reads + c.global_writes) * p.global_bit;
  // E-TIME-3
  const double noc = c.noc_bits > 0 ? c.noc_bits * p.noc_bit_time /
                                              std::min(c.groups, p.noc_links) +
                                          real(iterations) * p.noc_hops
                                    : 0;
  const double spill = c.spill_bits * p.memory_bit_time;
  const double digital = (c.operations + c.macs) * p.lane_operation;
  return {{compute, tileBuffer, globalBuffer, noc, spill, 0, digital},
          c.reload_bits * p.memory_bit_time,
          c.row_writes * p.row_write};
}

/// The slowest of what streams.
inline size_t slowest(const std::array<double, numTimes> &alone) {
  size_t bound = 0;
  for (size_t i = 1; i != at(Time::Chain); ++i)
    if (alone[i] > alone[bound])
      bound = i;
  return bound;
}

/// E-ENERGY of a layer that takes `latency` and computes for `compute`.
IMC_INLINE std::array<double, numEnergies>
energiesOf(const Counts &c, const Prices &p, double latency, double compute) {
  return {
      c.cell_reads * p.cell_read + c.idle_reads * p.idle_read,
      c.row_drives * p.row_drive,
      c.conversions * p.conversion,
      c.conversions * p.shift_add + c.strip_adds * p.strip_add,
      c.tile_reads * p.tile_read_bit + c.tile_writes * p.tile_write_bit,
      c.global_reads * p.global_read_bit + c.global_writes * p.global_write_bit,
      c.noc_bits * p.noc_bit,
      (c.spill_bits + c.reload_bits) * p.memory_bit,
      c.cell_writes * p.cell_write,
      c.operations * p.operation + c.macs * p.mac,
      // Converters of waiting arrays are gated (A-GATE).
      p.leakage_w * latency + c.arrays * p.array_leakage_w * compute,
  };
}

/// Energy and time of a layer without their parts: what the fast path needs.
struct Total {
  double energy, latency;
};

IMC_INLINE Total totalOf(const std::array<double, numEnergies> &energy,
                         double latency) {
  double total = 0;
  for (double e : energy)
    total += e;
  return {total, latency};
}

inline void price(const Counts &c, const Prices &p, Priced &out,
                  int64_t iterations = 1) {
  const Streams streams = streamsOf(c, p, iterations);
  out.alone = streams.time;
  out.fetch = streams.fetch;
  out.write = streams.write;
  out.drain = 0;
  // E-TIME-4: everything that streams overlaps; the slowest bounds the layer.
  out.time.fill(0);
  const size_t bound = slowest(out.alone);
  out.time[bound] = out.alone[bound];
  // E-TIME-5: arrays cannot compute while they are written; weights are
  // written as they arrive.
  out.time[at(out.fetch >= out.write ? Time::Memory : Time::Programming)] +=
      std::max(out.fetch, out.write);
  out.latency = out.alone[bound] + std::max(out.fetch, out.write);
  out.energy = energiesOf(c, p, out.latency, out.alone[at(Time::Compute)]);
  out.total_energy = totalOf(out.energy, out.latency).energy;
}

/// One product of an array, and what the first one of a step waits for
/// (E-TIME-1).
struct ArrayTimes {
  double product, shorter;
  IMC_INLINE ArrayTimes(double phases, double phaseColumns, const Prices &p)
      : product(phases * std::max(p.read_cycles, phaseColumns) * p.cycle +
                p.setup),
        shorter(std::min(p.read_cycles, phaseColumns) * p.cycle) {}
};

/// Fills in the rounds of a product, and what the last one and each full one
/// take by themselves.
IMC_INLINE void passRounds(Flow &f, Passage &last, Passage &full,
                           const Counts &c, double inputs, const Parts &parts,
                           const workload::Product &product, const Sizes &sizes,
                           const mapping::Tiling &tiling, int64_t copies,
                           int64_t rounds, int64_t capacity, int64_t at,
                           const machine::Machine &m, const mapping::Knobs &k,
                           const Prices &p) {
  const ArrayTimes times(real(tiling.phases), c.phase_columns, p);
  fillFlow(f, product, sizes, tiling, copies, rounds, capacity, at, inputs,
           parts, m, k, p);
  passRound(last, f.last, times.product, times.shorter, p);
  if (f.writes && f.rounds > 0)
    passRound(full, f.full, times.product, times.shorter, p);
}

/// All rounds of a product (E-TIME-5 to E-TIME-9): `seconds` from the first
/// cell that is written, or the first load, to the last store. `t` is the last
/// round.
IMC_INLINE void passageOf(Passage &t, const Passage &full, const Counts &c,
                          const Flow &f, const Prices &p) {
  double first = t.seconds, fetched = 0;
  if (f.writes) {
    // Cells are written before the blocks of their round. An operand comes over
    // the network.
    auto programming = [&](const Round &r, double bits, double rows) {
      double seconds = std::max(bits * p.memory_bit_time, rows * p.row_write);
      if (f.operand > 0) {
        const double others = f.rounds > 0 ? f.rounds * f.full.parts : 0;
        const double share = r.parts / (others + f.last.parts);
        const double part = f.moved * share / r.parts;
        seconds = std::max({seconds, f.operand * share * p.global_bit,
                            part * r.sharing * p.noc_bit_time,
                            2 * part * p.tile_bit}) +
                  p.noc_hops;
      }
      return seconds;
    };
    t.seconds += programming(f.last, f.fetched_last, f.rows_last);
    first = t.seconds;
    fetched = f.fetched_last * p.memory_bit_time;
    if (f.rounds > 0) {
      first = full.seconds + programming(f.full, f.fetched_full, f.rows_full);
      fetched = f.fetched_full * p.memory_bit_time;
      t.seconds += f.rounds * first;
      t.arrays += f.rounds * full.arrays;
      t.port += f.rounds * full.port;
      t.link += f.rounds * full.link;
      t.global += f.rounds * full.global;
      t.chain += f.rounds * full.chain;
      t.tail += f.rounds * full.tail;
    }
  }
  // What overflows goes out and in behind the weights of the first round.
  t.seconds +=
      std::max(0.0, fetched + c.spill_bits * p.memory_bit_time - first);
}

inline void price(const Counts &c, const Passage &t, const Prices &p,
                  Priced &out) {
  out.alone = {t.arrays, t.port, t.global, t.link,
               c.spill_bits * p.memory_bit_time};
  out.fetch = c.reload_bits * p.memory_bit_time;
  out.write = c.row_writes * p.row_write;
  out.latency = t.seconds;
  const size_t bound = slowest(out.alone);
  const double before = std::max(out.fetch, out.write);
  const double rest = std::max(0.0, t.seconds - before - out.alone[bound]);
  const double chain = std::min(rest, t.chain);
  out.alone[at(Time::Chain)] = chain;
  out.alone[at(Time::Fill)] = rest - chain;
  out.drain = std::min(rest - chain, t.tail);
  out.time.fill(0);
  out.time[bound] = out.alone[bound];
  out.time[at(out.fetch >= out.write ? Time::Memory : Time::Programming)] +=
      before;
  out.time[at(Time::Chain)] = chain;
  out.time[at(Time::Fill)] = rest - chain;
  out.energy = energiesOf(c, p, t.seconds, t.arrays);
  out.total_energy = totalOf(out.energy, t.seconds).energy;
}

/// The same of a product in a loop, from the last and the full rounds of one
/// iteration (E-LOOP).
inline void passTrips(Passage &t, const Passage &full, Counts &c, Flow &f,
                      const workload::Product &product, int64_t rounds,
                      const Prices &p) {
  const bool writes = f.writes, once = writes && product.writings(rounds) == 1;
  f.writes = writes && !once;
  passageOf(t, full, c, f, p);
  f.writes = writes;
  const double trips = real(product.trips);
  for (double *seconds :
       {&t.seconds, &t.arrays, &t.port, &t.link, &t.global, &t.chain, &t.tail})
    *seconds *= trips;
  // Before the first iteration.
  if (once)
    t.seconds +=
        std::max(f.fetched_last * p.memory_bit_time, f.rows_last * p.row_write);
  countTrips(c, product, rounds);
}

/// Counts and times a product with stored weights, the first of which lie in
/// core `at` of a group. `f` receives how its parts work.
IMC_INLINE Counts timeProduct(const workload::Product &p, const Sizes &sizes,
                              const mapping::Tiling &t, const Geometry &g,
                              const Parts &parts, int64_t copies,
                              int64_t rounds, int64_t capacity, int64_t at,
                              const machine::Machine &m,
                              const mapping::Knobs &k, const Prices &prices,
                              Flow &f, Passage &passage) {
  Counts c =
      countProduct(p, sizes, t, g, copies, rounds, capacity, m, k, parts);
  Passage full;
  passRounds(f, passage, full, c, c.global_reads, parts, p, sizes, t, copies,
             rounds, capacity, at, m, k, prices);
  if (p.trips > 1)
    passTrips(passage, full, c, f, p, rounds, prices);
  else
    passageOf(passage, full, c, f, prices);
  return c;
}

/// The same for a right operand that is written into arrays.
inline Counts timeWritten(const workload::DynamicProduct &d,
                          const mapping::Tiling &t, int64_t arrays,
                          const machine::Machine &m, const mapping::Knobs &k,
                          const Prices &prices, Passage &passage) {
  const Written w = countWritten(d, t, arrays, m, k);
  const workload::Product p = d.stored();
  Flow f;
  Passage full;
  // In the last whole cores of the chip.
  const int64_t macros = m.hierarchy.macros_per_tile;
  const int64_t core = m.tiles() - ceilDiv(arrays, macros);
  passRounds(f, passage, full, w.counts, w.inputs, w.parts, p, Sizes(p), t, 1,
             ceilDiv(t.arrays(), arrays), arrays,
             placeOnLink(core, coresOfLink(m, prices)), m, k, prices);
  f.fetched_full = f.fetched_last = 0;
  f.operand = w.operand;
  f.moved = w.moved;
  passageOf(passage, full, w.counts, f, prices);
  return w.counts;
}

/// Writes what was counted and priced to the cost of a layer.
inline void describe(const Counts &counts, const Priced &priced,
                     LayerCost &cost) {
  cost.counts = counts;
  cost.alone_s = priced.alone;
  cost.fetch_s = priced.fetch;
  cost.write_s = priced.write;
  cost.drain_s = priced.drain;
  cost.energy_j = priced.energy;
  cost.latency_by_s = priced.time;
  cost.total_energy_j = priced.total_energy;
  cost.latency_s = priced.latency;
  cost.bound_by = static_cast<Time>(
      std::max_element(priced.time.begin(), priced.time.end()) -
      priced.time.begin());
}

/// Prices a product of two activations that may be written into arrays where
/// the choice says (E-COUNT-10, E-COUNT-11); returns whether that is on arrays.
/// DynamicProducts::Auto takes the smaller product of energy and latency, the
/// digital unit where both are equal.
inline bool priceDynamic(const workload::DynamicProduct &d,
                         const mapping::PlacedDynamic &placed,
                         const machine::Machine &m, const mapping::Knobs &k,
                         const Prices &prices, Counts &counts, Priced &out) {
  using mapping::DynamicProducts;
  const bool possible =
      placed.arrays > 0 && placed.choice != DynamicProducts::Digital;
  if (!possible || placed.choice == DynamicProducts::Auto) {
    counts = countDynamic(d, m, k);
    price(counts, prices, out, d.trips);
    if (!possible)
      return false;
  }
  Priced arrays;
  Passage passage;
  const Counts written =
      timeWritten(d, placed.tiling, placed.arrays, m, k, prices, passage);
  price(written, passage, prices, arrays);
  if (placed.choice == DynamicProducts::Auto &&
      arrays.total_energy * arrays.latency >= out.total_energy * out.latency)
    return false;
  counts = written;
  out = arrays;
  return true;
}

/// What `price` makes of digital work, without its terms that are zero: sums
/// and products with zero leave every double as it is. Models have several
/// digital layers per product.
struct DigitalPrice {
  double energy, latency;
};
inline DigitalPrice priceDigital(const workload::Digital &d, double word,
                                 double tiles, const Prices &p) {
  const double operations = real(d.operations);
  const double reads = real(d.input_elements) * word;
  const double writes = real(d.output_elements) * word;
  const double latency = std::max((reads + writes) * p.tile_bit / tiles,
                                  operations * p.lane_operation);
  double energy = reads * p.tile_read_bit + writes * p.tile_write_bit;
  energy += operations * p.operation;
  energy += p.leakage_w * latency;
  return {energy, latency};
}

inline double powerOf(double energy, double latency) {
  return latency > 0 ? energy / latency : 0.0;
}

inline double powerDensity(double energy, double latency, double area) {
  return powerOf(energy, latency) / area;
}

/// Adds the next layer of a model, in program order, on a chip of `area` mm2.
inline void addLayer(ModelCost &model, LayerCost layer, double area) {
  model.energy_j += layer.total_energy_j;
  model.latency_s += layer.latency_s;
  model.peak_power_density_w_mm2 =
      std::max(model.peak_power_density_w_mm2,
               powerDensity(layer.total_energy_j, layer.latency_s, area));
  for (size_t c = 0; c != numEnergies; ++c)
    model.energy_by_component_j[c] += layer.energy_j[c];
  for (size_t c = 0; c != numTimes; ++c)
    model.latency_by_component_s[c] += layer.latency_by_s[c];
  model.layers.push_back(std::move(layer));
}

/// What follows from the sums once all layers are in. `cells`: programmed ones
/// of one copy; `noise`: sum of E-SQNR.
inline void deriveFigures(ModelCost &model, int64_t batch, double noise,
                          double cells, const machine::Machine &m,
                          const mapping::Knobs &k, double area) {
  model.sqnr_db = sqnrDb(noise);
  model.adc_error_bound = model.adc_lost_bits > 0 ? errorBound(m, k) : 0;
  model.power_density_w_mm2 =
      powerDensity(model.energy_j, model.latency_s, area);
  if (model.latency_s > 0) {
    model.throughput_per_s = real(batch) / model.latency_s;
    model.power_w = model.energy_j / model.latency_s;
  }
  model.edp_js = model.energy_j * model.latency_s;
  model.edap_js_mm2 = model.edp_js * area;
  const double held =
      real(model.logical_arrays) * real(m.array.rows * m.array.cols);
  if (held > 0)
    model.utilization = cells / held;
}

} // namespace imc::cost::detail

#endif // IMC_LIB_COST_LAYER_H
