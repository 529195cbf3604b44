//===- Pricer.cpp - The fast path
//------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Pricer.h"

#include "Batch.h"
#include "Limits.h"
#include "imc/Cost/Legacy.h"
#include "imc/Cost/Unfold.h"
#include "imc/Support/Clones.h"

#include "llvm/ADT/STLExtras.h"

#include <atomic>
#include <map>
#include <mutex>

using namespace imc;
using namespace imc::cost;
using mapping::Rule;

/// Names and shapes do not cost anything: only the numbers count.
static bool sameWork(const workload::Layer &a, const workload::Layer &b) {
  if (a.work.index() != b.work.index())
    return false;
  if (const workload::Product *p = a.product())
    return *p == *b.product();
  if (const workload::Digital *d = a.digital()) {
    const workload::Digital *e = b.digital();
    return d->operations == e->operations &&
           d->input_elements == e->input_elements &&
           d->output_elements == e->output_elements;
  }
  const workload::DynamicProduct *d = a.dynamicProduct();
  const workload::DynamicProduct *e = b.dynamicProduct();
  return d->macs == e->macs && d->input_elements == e->input_elements &&
         d->output_elements == e->output_elements && d->windows == e->windows &&
         d->rows == e->rows && d->cols == e->cols && d->groups == e->groups &&
         d->trips == e->trips;
}

/// More would leave the caches of a processor.
static constexpr size_t kMemoBytes = 16 << 20;

GeometryMemo::Row GeometryMemo::find(uint64_t pricer, size_t products,
                                     size_t models, const Key &key) {
  const size_t size = products * sizeof(Packed) + models * sizeof(int64_t);
  // A full one serves what it has.
  if (owner != pricer ||
      ((rows.size() + 1) * size > kMemoBytes && !rows.contains(key)))
    clear();
  owner = pricer;
  const auto [known, fresh] = rows.try_emplace(key, rows.size());
  if (fresh) {
    packed.resize(packed.size() + products);
    ends.resize(ends.size() + models);
  }
  return {packed.data() + known->second * products,
          ends.data() + known->second * models, fresh};
}

void GeometryMemo::clear() {
  rows.clear();
  packed.clear();
  ends.clear();
}

/// Returns whether all numbers fit.
static bool pack(const Geometry &g, GeometryMemo::Packed &to) {
  bool fits = true;
  auto set = [&](auto &field, double value) {
    using Field = std::remove_reference_t<decltype(field)>;
    fits &= value <= std::numeric_limits<Field>::max();
    field = fits ? static_cast<Field>(value) : 0;
  };
  set(to.channels, g.shares.channels);
  set(to.rows, g.shares.rows);
  set(to.outputs, g.shares.outputs);
  set(to.cut_weights, g.cut_weights);
  set(to.groups_per_pack, detail::real(g.groups_per_pack));
  set(to.packs, detail::real(g.packs));
  set(to.strips, detail::real(g.strips));
  set(to.column_tiles, detail::real(g.column_tiles));
  return fits;
}

/// Of a product of `rows` rows per group on arrays that drive `driven`.
IMC_INLINE static Geometry unpack(const GeometryMemo::Packed &p, int64_t rows,
                                  int64_t driven) {
  const int64_t full = detail::floorDiv(rows, driven);
  return {{static_cast<double>(p.channels), static_cast<double>(p.rows),
           static_cast<double>(p.outputs)},
          p.groups_per_pack,
          p.packs,
          p.strips,
          p.column_tiles,
          static_cast<double>(p.cut_weights),
          detail::real(full),
          rows - full * driven};
}

/// Tiles of one copy.
IMC_INLINE static int64_t tilesOf(const GeometryMemo::Packed &p) {
  return static_cast<int64_t>(p.packs) * p.strips * p.column_tiles;
}

/// What tilings of a product that has bits of its own have in common: rare, so
/// that it stays out of the loops.
__attribute__((noinline)) static mapping::Tiling
ownTiling(const workload::Product &product, const machine::Machine &machine,
          const mapping::Knobs &knobs) {
  return mapping::tilingOf(machine, mapping::knobsOf(product, knobs));
}

/// Bits that its converters lose.
__attribute__((noinline)) static int64_t
ownLostBits(const workload::Product &product, const machine::Machine &machine,
            const mapping::Knobs &knobs) {
  return mapping::lostBits(mapping::knobsOf(product, knobs), machine);
}

static std::atomic<uint64_t> numPricers = 0;

//===----------------------------------------------------------------------===//
// Other unfoldings
//===----------------------------------------------------------------------===//

struct Pricer::Unfoldings {
  std::mutex mutex;
  std::map<std::array<int64_t, 9>, std::shared_ptr<const Pricer>> pricers;
  /// Each holds a copy of all models.
  static constexpr size_t most = 256;
};

Pricer::Pricer(Pricer &&) = default;
Pricer::~Pricer() = default;

std::shared_ptr<const Pricer>
Pricer::unfolded(const machine::Machine &machine,
                 const mapping::Knobs &knobs) const {
  auto make = [&] {
    std::vector<workload::Workload> wide;
    for (const workload::Workload &model : models)
      wide.push_back(cost::unfold(model, machine, knobs));
    return std::make_shared<const Pricer>(std::move(wide));
  };
  // What a price decides depends on all of the design.
  auto asks = [&](mapping::UnfoldingRule rule) {
    return knobs.unfolding == rule || (ownRules >> uint32_t(rule) & 1) != 0;
  };
  if (asks(mapping::UnfoldingRule::Auto))
    return make();
  const bool byChip = asks(mapping::UnfoldingRule::Products) ||
                      asks(mapping::UnfoldingRule::Steps);
  // Products with bits of their own have other columns per weight.
  const std::array<int64_t, 9> key = {
      static_cast<int64_t>(knobs.unfolding),
      machine.drivenRows(),
      machine.array.cols,
      mapping::columnsPerWeight(knobs, machine.cell.bits),
      mixed ? static_cast<int64_t>(knobs.encoding) : 0,
      mixed ? machine.cell.bits : 0,
      byChip ? machine.arrays() : 0,
      byChip ? machine.hierarchy.macros_per_tile : 0,
      byChip ? machine.rowSets() : 0};
  {
    std::lock_guard lock(unfoldings->mutex);
    if (auto known = unfoldings->pricers.find(key);
        known != unfoldings->pricers.end())
      return known->second;
  }
  std::shared_ptr<const Pricer> pricer = make();
  std::lock_guard lock(unfoldings->mutex);
  if (unfoldings->pricers.size() >= Unfoldings::most)
    unfoldings->pricers.clear();
  return unfoldings->pricers.try_emplace(key, std::move(pricer)).first->second;
}

Pricer::Pricer(std::vector<workload::Workload> workloads)
    : models(std::move(workloads)), number(++numPricers),
      unfoldings(std::make_unique<Unfoldings>()) {
  for (const workload::Workload &workload : models) {
    Model model;
    // (is product, index in its list), turned into one index at the end.
    std::vector<std::pair<bool, uint32_t>> order;
    for (const workload::Layer &layer : workload.layers) {
      bool isProduct = layer.product() != nullptr;
      std::vector<Shape> &list = isProduct ? model.products : model.others;
      auto known = llvm::find_if(
          list, [&](const Shape &s) { return sameWork(*s.layer, layer); });
      order.emplace_back(isProduct, uint32_t(known - list.begin()));
      if (known == list.end()) {
        list.push_back({&layer, 1});
        if (isProduct) {
          model.works.emplace_back(*layer.product());
          model.convertsAsAll |= layer.product()->adc_bits == 0;
        }
      } else
        ++known->count;
    }
    uint32_t slots = 0;
    std::vector<uint32_t> next; // slot of each product
    for (const Shape &shape : model.products) {
      next.push_back(slots);
      slots += uint32_t(shape.count);
    }
    for (auto [isProduct, index] : order)
      model.order.push_back(isProduct ? next[index]++ : slots + index);
    model.slots = slots;
    unique += model.products.size() + model.others.size();
    uniqueProducts += model.products.size();
    total += workload.layers.size();
    mixed |= workload.mixed_bits;
    for (const Shape &shape : model.products)
      if (const workload::Product &p = *shape.layer->product();
          p.hasOwnUnfolding())
        ownRules |= uint32_t(1) << p.unfolding;
    prepared.push_back(std::move(model));
  }
}

IMC_CLONES void Pricer::price(const machine::Machine &machine,
                              const mapping::Knobs &knobs,
                              DesignCost &result) const {
  if (knobs.unfolding != mapping::UnfoldingRule::Im2col || ownRules != 0) {
    mapping::Knobs done = knobs;
    done.unfolding = mapping::UnfoldingRule::Im2col;
    return unfolded(machine, knobs)->price(machine, done, result);
  }
  if (usesLegacy(machine))
    return priceLegacy(machine, knobs, result);
  const mapping::Tiling common = mapping::tilingOf(machine, knobs);
  // Columns per weight of a product that has bits of its own follow from these.
  const int64_t own = mixed ? static_cast<int64_t>(knobs.encoding) << 8 |
                                  machine.cell.bits << 16
                            : 0;
  const GeometryMemo::Row memo =
      result.memo.find(number, uniqueProducts, models.size(),
                       {common.rows, common.cols, common.columns_per_weight,
                        static_cast<int64_t>(knobs.group_packing) | own,
                        machine.hierarchy.macros_per_tile, common.row_sets});
  // One of many rows, read while the prices are worked out.
  if (!memo.fresh)
    for (size_t i = 0; i < uniqueProducts; i += 2) // 48 of 64 bytes
      __builtin_prefetch(memo.products + i);
  const Prices prices = priceDesign(machine, knobs);
  result.area_mm2 = prices.area_mm2;
  result.capacity = machine.arrays();
  result.models.resize(models.size());
  result.violations.clear();
  int where = -1;
  int64_t allArrays = 0;
  auto report = [&](Rule rule, double value, double limit) {
    result.violations.push_back({rule, where, value, limit});
  };
  detail::checkDesign(machine, knobs, prices, report);

  const double word = detail::real(knobs.input_bits);
  const double tiles = detail::real(machine.tiles());
  const int64_t group = detail::coresOfLink(machine, prices);
  const int64_t lostBits = mapping::lostBits(knobs, machine);
  static thread_local detail::Batch ofThread; // zero at first
  detail::Batch &batch = ofThread;
  batch.used = 0;
  GeometryMemo::Packed *next = memo.products;
  bool kept = true;
  for (size_t i = 0, e = prepared.size(); i != e; ++i) {
    const Model &model = prepared[i];
    ModelFigures &figures = result.models[i];
    const size_t products = model.products.size();
    result.tilings.resize(std::max(result.tilings.size(), model.others.size()));
    result.demands.resize(std::max(result.demands.size(), products));
    result.geometry.resize(std::max(result.geometry.size(), products));
    result.layers.resize(
        std::max(result.layers.size(), model.slots + model.others.size()));

    const GeometryMemo::Packed *const packed = next;
    int64_t logical = 0, lost = model.convertsAsAll ? lostBits : 0;
    for (size_t u = 0; u != products; ++u, ++next) {
      const Shape &shape = model.products[u];
      const workload::Product &product = model.works[u].product;
      const mapping::Tiling *base = &common;
      mapping::Tiling own;
      if (model.works[u].own_bits) {
        own = ownTiling(product, machine, knobs);
        base = &own;
        if (product.adc_bits)
          lost = std::max(lost, ownLostBits(product, machine, knobs));
      }
      if (memo.fresh) {
        mapping::Tiling t = *base;
        mapping::cut(product, knobs, t);
        result.geometry[u] = detail::geometryOf(product, t, machine);
        kept &= pack(result.geometry[u], *next);
      }
      const int64_t tiles =
          memo.fresh ? detail::tilesOf(result.geometry[u]) : tilesOf(*next);
      const int64_t sets = common.row_sets;
      const int64_t arrays = sets == 1 ? tiles : (tiles + sets - 1) / sets;
      logical += arrays * shape.count;
      result.demands[u] = {product.windows,
                           arrays,
                           shape.count,
                           std::min(tiles, sets) * product.trips,
                           product.weight_elements * base->columns_per_weight,
                           product.copies};
    }
    int64_t dynamicArrays = 0;
    if (knobs.dynamic_products != mapping::DynamicProducts::Digital)
      for (size_t u = 0; u != model.others.size(); ++u)
        if (const auto *d = model.others[u].layer->dynamicProduct();
            d && mapping::mayUseArrays(*d, machine, knobs)) {
          mapping::Tiling &t = result.tilings[u];
          t = mapping::tile(*d, machine, knobs);
          dynamicArrays = std::max(dynamicArrays, t.arrays());
        }
    // Equal products in order of first appearance, as mapping::groupProducts.
    const llvm::ArrayRef<mapping::Demand> demands(result.demands.data(),
                                                  products);
    if (memo.fresh)
      memo.ends[i] =
          mapping::endOfOneCopy(demands, machine.hierarchy.macros_per_tile);
    const mapping::Allocation allocation =
        mapping::allocate(demands, memo.ends[i], dynamicArrays, machine, knobs);

    const bool splits = !allocation.stay.empty();
    // Where chips are rewritten, products that take turns begin behind those
    // that stay.
    const int64_t shared =
        detail::placeOnLink(allocation.stay_arrays / allocation.core, group);
    detail::CoreCursor cursor = {allocation.core, group};
    int64_t placed = 0, staying = 0;
    double memoryBits = 0, writes = 0, power = 0;
    detail::Priced priced;
    DesignCost::Layer *slot = result.layers.data();
    auto finish = [&]() __attribute__((noinline)) {
      batch.price(machine, prices, !allocation.resident);
      for (size_t b = 0; b != batch.used; ++b) {
        memoryBits += batch.memory_bits[b] * detail::real(batch.members[b]);
        power = std::max(power, batch.power[b]);
        slot = std::fill_n(slot, batch.members[b],
                           DesignCost::Layer{batch.energy[b], batch.latency[b],
                                             batch.noise[b]});
      }
      batch.used = 0;
    };
    // E-LOOP and conversions of its own are rare: by itself, behind those
    // before it.
    auto addAlone = [&](const Work &work, const mapping::Tiling &t,
                        const Geometry &cut, const detail::Parts &parts,
                        int64_t copies, int64_t rounds, int64_t capacity,
                        int64_t at, int64_t members,
                        double noise) __attribute__((noinline)) {
      finish();
      detail::Flow flow;
      detail::Passage passage;
      const Prices own = pricesOf(work.product, prices, machine, knobs);
      const Counts counts = detail::timeProduct(
          work.product, work.sizes, t, cut, parts, copies, rounds, capacity, at,
          machine, knobs, own, flow, passage);
      const detail::Total cost = detail::totalOf(
          detail::energiesOf(counts, own, passage.seconds, passage.arrays),
          passage.seconds);
      memoryBits +=
          (counts.spill_bits + counts.reload_bits) * detail::real(members);
      power = std::max(power, detail::powerOf(cost.energy, cost.latency));
      slot = std::fill_n(slot, members,
                         DesignCost::Layer{cost.energy, cost.latency, noise});
    };
    auto wordOf = [&](const Work &work) IMC_INLINE_LAMBDA {
      return work.own_bits ? work.product.inputBits(knobs.input_bits)
                           : knobs.input_bits;
    };
    // Compiled once for chips that hold everything, without what rewriting
    // takes.
    auto addProducts = [&](auto resident) IMC_INLINE_LAMBDA {
      for (size_t u = 0; u != products; ++u) {
        const Shape &shape = model.products[u];
        const Work &work = model.works[u];
        const workload::Product &product = work.product;
        const mapping::Demand &demand = result.demands[u];
        const Geometry cut = memo.fresh
                                 ? result.geometry[u]
                                 : unpack(packed[u], product.rows, common.rows);
        mapping::Tiling t = common;
        if (work.own_bits)
          t = ownTiling(product, machine, knobs);
        detail::cut(product, cut, t);
        detail::Flow flow;
        detail::Passage full;
        const double noise =
            work.own_bits ? detail::ownNoise(product, t, prices, machine, knobs)
                          : detail::noise(product, cut, prices);
        // What is fetched and written where arrays are written.
        double inputs = 0, reload = 0, cells = 0;
        auto add = [&](const detail::Parts &parts, int64_t copies,
                       int64_t rounds, int64_t capacity, int64_t at,
                       int64_t members) IMC_INLINE_LAMBDA {
          if (LLVM_UNLIKELY(work.alone))
            return addAlone(work, t, cut, parts, copies, rounds, capacity, at,
                            members, noise);
          const double working =
              detail::real(std::min(copies * demand.arrays, capacity));
          batch.push(detail::Operands(work.sizes, t, cut, inputs,
                                      detail::real(wordOf(work))),
                     detail::phaseColumns(machine, t), working, flow, noise,
                     members, !resident, full, reload, cells);
          if (batch.full())
            finish();
        };
        auto fill = [&](const detail::Parts &parts, int64_t copies,
                        int64_t rounds, int64_t capacity,
                        int64_t at) IMC_INLINE_LAMBDA {
          inputs = detail::loadedBits(product, work.sizes, cut.shares,
                                      parts.bundle * parts.per_copy,
                                      detail::real(wordOf(work)));
          detail::fillFlow(flow, product, work.sizes, t, copies, rounds,
                           capacity, at, inputs, parts, machine, knobs, prices);
        };
        auto partsOf = [&](int64_t copies) IMC_INLINE_LAMBDA {
          return detail::partsOf(product, cut.shares, demand.arrays, copies,
                                 allocation.core);
        };
        // Members whose weights stay lie each in a place of its own; they cost
        // the same where those are equal.
        const int64_t stay = resident ? shape.count
                             : splits ? allocation.stay[u]
                                      : 0;
        if (stay > 0) {
          const int64_t copies =
              resident ? mapping::residentCopies(allocation, demands, u) : 1;
          const detail::Parts parts = partsOf(copies);
          int64_t at = cursor.place(parts, demand.arrays, copies);
          fill(parts, copies, 0, result.capacity, at);
          int64_t equal = 1;
          for (int64_t i = 1; i < stay; ++i) {
            const int64_t next = cursor.place(parts, demand.arrays, copies);
            if (next == at || std::max(next, at) + parts.cores <= group) {
              ++equal;
              continue;
            }
            add(parts, copies, 0, result.capacity, at, equal);
            equal = 1;
            at = next;
            detail::shareLinks(flow.last, at, group);
          }
          add(parts, copies, 0, result.capacity, at, equal);
          (resident ? placed : staying) += copies * demand.arrays * stay;
        }
        if (const int64_t turns = shape.count - stay; !resident && turns > 0) {
          const mapping::Copies c = mapping::copiesOf(allocation, demands, u);
          const detail::Parts parts = partsOf(c.copies);
          fill(parts, c.copies, c.rounds, allocation.shared(), shared);
          if (c.rounds > 1) {
            const detail::ArrayTimes times(detail::real(t.phases),
                                           detail::phaseColumns(machine, t),
                                           prices);
            detail::passRound(full, flow.full, times.product, times.shorter,
                              prices);
          }
          reload = work.sizes.weights *
                   detail::real(product.weightBits(knobs.weight_bits));
          cells = work.sizes.weights * detail::real(t.columns_per_weight) *
                  detail::real(c.copies);
          add(parts, c.copies, c.rounds, allocation.shared(), shared, turns);
          writes += detail::real(c.rounds * turns * product.writings(c.rounds));
          placed = std::max(
              placed, std::min(c.copies * demand.arrays, allocation.shared()));
        }
      }
    };
    if (allocation.resident)
      addProducts(std::true_type());
    else
      addProducts(std::false_type());
    finish();
    placed += staying;
    for (size_t u = 0; u != model.others.size(); ++u) {
      const workload::Layer &layer = *model.others[u].layer;
      if (const workload::Digital *digital = layer.digital()) {
        const detail::DigitalPrice d =
            detail::priceDigital(*digital, word, tiles, prices);
        power = std::max(power, detail::powerOf(d.energy, d.latency));
        *slot++ = {d.energy, d.latency, 0};
        continue; // nothing of it leaves the chip
      }
      const workload::DynamicProduct &dynamic = *layer.dynamicProduct();
      Counts counts;
      double noise = 0;
      if (mapping::mayUseArrays(dynamic, machine, knobs)) {
        const mapping::Tiling &t = result.tilings[u];
        const int64_t arrays = std::min(t.arrays(), allocation.spare);
        const mapping::PlacedDynamic placement = {0, t, arrays,
                                                  knobs.dynamic_products};
        if (detail::priceDynamic(dynamic, placement, machine, knobs, prices,
                                 counts, priced)) {
          noise = detail::noise(dynamic.stored(), t, prices);
          writes += detail::real(detail::ceilDiv(t.arrays(), arrays) *
                                 model.others[u].count);
          lost = std::max(lost, lostBits);
        }
      } else {
        counts = detail::countDynamic(dynamic, machine, knobs);
        detail::price(counts, prices, priced, dynamic.trips);
      }
      power =
          std::max(power, detail::powerOf(priced.total_energy, priced.latency));
      *slot++ = {priced.total_energy, priced.latency, noise};
      memoryBits += (counts.spill_bits + counts.reload_bits) *
                    detail::real(model.others[u].count);
    }

    // Program order, as in the detailed evaluation: floating-point sums depend
    // on it. Adding the zero noise of digital work changes nothing.
    double energy = 0, latency = 0, noise = 0;
    for (uint32_t index : model.order) {
      const DesignCost::Layer &layer = result.layers[index];
      energy += layer.energy_j;
      latency += layer.latency_s;
      noise += layer.noise;
    }
    figures.energy_j = energy;
    figures.latency_s = latency;
    figures.sqnr_db = detail::sqnrDb(noise);
    figures.adc_lost_bits = lost;
    figures.logical_arrays = logical;
    figures.placed_arrays = placed;
    figures.power_density_w_mm2 =
        detail::powerDensity(energy, latency, prices.area_mm2);

    where = static_cast<int>(i);
    detail::checkModel(models[i], machine, knobs, prices, allocation.needed,
                       !allocation.fits && allocation.resident, memoryBits,
                       figures.power_density_w_mm2, power / prices.area_mm2,
                       latency, writes, report);
    if (knobs.residency == mapping::Residency::Together)
      allArrays = mapping::endOfOneCopy(demands, allocation.core, allArrays);
  }
  if (!kept)
    result.memo.clear();
  where = -1;
  detail::checkSet(machine, knobs, models.size(), allArrays, report);
  result.feasible = result.violations.empty();
}
