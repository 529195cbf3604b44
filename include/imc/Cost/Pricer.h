//===- Pricer.h - Prices designs for the search -----------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The cost model as a function of the design alone. What depends only on the
// models is prepared once: equal layers of a model are priced once per design
// and summed in program order, so every figure is the same double that
// `evaluate` gives.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_COST_PRICER_H
#define IMC_COST_PRICER_H

#include "imc/Cost/Cost.h"

#include "llvm/ADT/DenseMap.h"

#include <array>
#include <memory>
#include <tuple>
#include <vector>

namespace imc::cost {

/// What the search needs to know of one model on one design.
struct ModelFigures {
  double energy_j = 0;
  double latency_s = 0;
  double power_density_w_mm2 = 0;
  double sqnr_db = 0;
  int64_t adc_lost_bits = 0;
  int64_t logical_arrays = 0;
  int64_t placed_arrays = 0;
};

/// A violation without text. `model` is an index into the pricer's models, or
/// -1 for the machine and the knobs.
struct RuleBroken {
  mapping::Rule rule;
  int model;
  double value, limit;
};

/// The geometry of all products of a pricer by what it depends on: designs of a
/// search have few kinds of arrays and cores. Bounded: it starts anew when
/// full.
class GeometryMemo {
public:
  /// Rows and columns of an array, columns per weight, group packing (with
  /// encoding and bits per cell where bits are mixed), arrays of a core, and
  /// tiles that an array holds.
  using Key = std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t>;
  /// The numbers of a Geometry but for the strips of a group, which follow from
  /// its rows: less than a third of the size.
  struct Packed {
    uint32_t channels, rows, outputs, cut_weights;
    uint16_t groups_per_pack, packs, strips, column_tiles;
  };
  struct Row {
    Packed *products;
    int64_t *ends; ///< where one copy of each product ends, per model
    bool fresh;    ///< the caller has to fill it in
  };

  /// The row of `products` and `models`, valid until the next call. `owner`
  /// numbers the pricer.
  Row find(uint64_t owner, size_t products, size_t models, const Key &key);
  void clear();

private:
  uint64_t owner = 0;
  llvm::DenseMap<Key, size_t> rows;
  std::vector<Packed> packed;
  std::vector<int64_t> ends;
};

/// One product on the whole chip (E-LEG-3 to E-LEG-6).
struct LegacyCounts {
  int64_t arrays = 0;     ///< of one copy
  int64_t cycles = 0;     ///< of the layer
  int64_t copies = 0;     ///< that share its windows
  double cells = 0;       ///< used, times vectors
  double rows = 0;        ///< used, times column tiles and vectors
  double columns = 0;     ///< of the arrays, used or not, times vectors
  double conversions = 0; ///< used columns times vectors
  double additions = 0;   ///< of partial sums
  double cell_writes = 0; ///< of volatile arrays
  double memory_bits = 0; ///< weights fetched from outside
};

/// Counts of the last structure in the accounting of the source paper: designs
/// that differ in supply, clock or buffer only have them in common.
struct LegacyMemo {
  std::array<int64_t, 11> key{};    ///< pricer, and all that counts depend on
  std::vector<LegacyCounts> counts; ///< of the products of all models
};

/// One priced design. Reuse the object: hardly anything is allocated after the
/// first design, and what designs have in common is not computed again.
struct DesignCost {
  bool feasible = true;
  double area_mm2 = 0;
  int64_t capacity = 0; ///< arrays of the chip
  std::vector<ModelFigures> models;
  std::vector<RuleBroken> violations;

private:
  friend class Pricer;
  struct Layer {
    double energy_j, latency_s, noise;
  };
  std::vector<Layer> layers;
  std::vector<mapping::Tiling> tilings;
  std::vector<mapping::Demand> demands;
  std::vector<Geometry> geometry;
  GeometryMemo memo;
  LegacyMemo legacy;
};

/// Immutable after construction: one pricer serves any number of threads, each
/// with its own DesignCost.
class Pricer {
public:
  explicit Pricer(std::vector<workload::Workload> workloads);
  Pricer(Pricer &&);
  ~Pricer();
  Pricer(const Pricer &) = delete; // shapes point into the models

  /// Prices a design: all models of the pricer, in order. Same doubles as
  /// evaluate(workloads(), machine, knobs).
  void price(const machine::Machine &machine, const mapping::Knobs &knobs,
             DesignCost &result) const;

  llvm::ArrayRef<workload::Workload> workloads() const { return models; }

  /// Different layers that are priced per design, of how many in all.
  size_t uniqueLayers() const { return unique; }
  size_t totalLayers() const { return total; }

private:
  /// As price, for machines with the accounting of arXiv:2603.03880.
  void priceLegacy(const machine::Machine &machine, const mapping::Knobs &knobs,
                   DesignCost &result) const;

  /// A layer that occurs `count` times in its model.
  struct Shape {
    const workload::Layer *layer;
    int64_t count;
  };
  /// What the price of a product reads of it, without names: side by side.
  struct Work {
    explicit Work(const workload::Product &p)
        : product(p), sizes(p), own_bits(p.hasOwnBits()),
          alone(p.trips > 1 || p.adc_bits != 0) {}
    workload::Product product;
    Sizes sizes;
    bool own_bits;
    bool alone; ///< priced by itself: in a loop, or with conversions of its own
  };
  struct Model {
    std::vector<Shape> products; ///< different ones
    std::vector<Work> works;     ///< of these
    std::vector<Shape> others;   ///< different digital and dynamic layers
    /// Program order. Slots are those of all members of the first product, of
    /// the second, ..., then one of each of the others.
    std::vector<uint32_t> order;
    size_t slots = 0; ///< of products
    /// Some product has no resolution of conversions of its own.
    bool convertsAsAll = false;
  };
  std::vector<workload::Workload> models;
  std::vector<Model> prepared;
  size_t unique = 0, total = 0;
  size_t uniqueProducts = 0; ///< of all models
  bool mixed = false;        ///< some product has bits of its own
  uint32_t ownRules = 0;     ///< bit r: some has unfolding rule r of its own
  uint64_t number;           ///< of this pricer, since the program began

  /// Pricers of the workloads that pass.unfolding makes of these, by what it
  /// looks at; `auto`, which looks at all, keeps none. Bounded: starts anew
  /// when full.
  struct Unfoldings;
  std::unique_ptr<Unfoldings> unfoldings;
  /// That of a design.
  std::shared_ptr<const Pricer> unfolded(const machine::Machine &machine,
                                         const mapping::Knobs &knobs) const;
};

} // namespace imc::cost

#endif // IMC_COST_PRICER_H
