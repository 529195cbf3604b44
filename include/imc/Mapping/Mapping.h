//===- Mapping.h - Products on arrays ---------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The decisions between a model and a machine: how weights become cells, how a
// matrix is cut into arrays, how many copies of a product the chip holds and
// where they lie. The passes write these decisions to the IR and the search
// takes them straight from here. The rules are those of docs/Architecture.md,
// section 3; the crossbar counts agree with PIMCOMP's (Sun et al., DAC 2023)
// for ungrouped products.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MAPPING_MAPPING_H
#define IMC_MAPPING_MAPPING_H

#include "imc/Machine/Machine.h"
#include "imc/Mapping/Cores.h"
#include "imc/Workload/Workload.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace imc::mapping {

//===----------------------------------------------------------------------===//
// Knobs
//===----------------------------------------------------------------------===//

/// How a signed weight becomes unsigned cells.
enum class Encoding { Offset, Differential, TwosComplement };
/// How the groups of a grouped product share arrays.
enum class GroupPacking { Single, Diagonal, Dense };
/// Whether products get more than one copy, and by which rule
/// (Replication.h): equal windows per copy, the step that saves most time per
/// array, the least time of the slowest product, or of all of them.
enum class Replication {
  None,
  Balanced,
  MarginalGain,
  ExactBottleneck,
  ExactSum
};
/// Which sums converters cover: those of any weights on all driven rows, or on
/// the rows that are filled; all that the known weights allow, in steps of 1;
/// or what data need, by layer, array, converter or phase (docs/crossbar.md,
/// X-RANGE). Cases as in #imc.readout.
enum class Range { Full, Filled, Lossless, Layer, Array, Column, Phase };
/// Where a sum half between two codes goes.
enum class Ties { HalfUp, HalfEven, Floor };
/// Where products of two activations run: on the digital unit, on arrays into
/// which the right operand is written each time, or where energy times latency
/// of the layer is less.
enum class DynamicProducts { Digital, Arrays, Auto };

/// Whether the models of a set take turns on the chip, each written before it
/// runs, or all stay on it.
enum class Residency { Alone, Together };

/// What stays on a chip that is too small for all weights: nothing, what fits
/// with most cells per array first, or the products that save most writes.
enum class Segments { SwapAll, ResidentBest, Exact };

/// How many output positions of a convolution one load computes, each in
/// columns of its own (Unfolding.h): one; by the rules of published mappings;
/// or, layer by layer within the arrays of the chip, what takes the fewest
/// products of arrays, the fewest loads, or by the cost model the least time
/// (cost::chooseUnfolding).
enum class UnfoldingRule { Im2col, Sdk, VariableWindow, Products, Steps, Auto };

/// Pass decisions.
struct Knobs {
  int64_t weight_bits = 8; ///< 2..16, signed
  int64_t input_bits = 8;  ///< 1..16, unsigned
  int64_t adc_bits = 0;    ///< resolution used; 0: all that the machine has
  Encoding encoding = Encoding::Offset;
  Range range = Range::Full;
  Ties ties = Ties::HalfUp;
  GroupPacking group_packing = GroupPacking::Single;
  Replication replication = Replication::None;
  DynamicProducts dynamic_products = DynamicProducts::Digital;
  Residency residency = Residency::Alone;
  Segments segments = Segments::SwapAll;
  UnfoldingRule unfolding = UnfoldingRule::Im2col;
};
bool operator==(const Knobs &a, const Knobs &b);

/// What a knob may be set to.
struct KnobInfo {
  const char *name; ///< "weight_bits", used as "pass.weight_bits"
  const char *doc;
  int64_t min, max;                ///< of a number; 0..n-1 of a named choice
  std::vector<const char *> names; ///< of a named choice
};
const std::vector<KnobInfo> &knobSchema();

/// By name, with or without "pass."; null when there is none.
const KnobInfo *findKnob(llvm::StringRef name);

/// Sets a knob from text or from a number (named choices: index). The error
/// names the knob and what it may be.
llvm::Error setKnob(Knobs &knobs, llvm::StringRef name, llvm::StringRef text);
llvm::Error setKnob(Knobs &knobs, llvm::StringRef name, int64_t value);

/// Value as a number (named choices: index) and as text.
llvm::Expected<int64_t> getKnob(const Knobs &knobs, llvm::StringRef name);
llvm::Expected<std::string> printKnob(const Knobs &knobs, llvm::StringRef name);
/// Text of a value of a knob: "8", "differential".
std::string formatKnob(const KnobInfo &info, int64_t value);

/// What may be decided for one layer alone: copies, bits and how a convolution
/// is unfolded.
const std::vector<KnobInfo> &layerKnobSchema();

/// "layer.NAME.copies" or "layer.MODEL:NAME.copies".
struct LayerKnob {
  std::string layer; ///< NAME, or MODEL:NAME; may hold dots and colons
  const KnobInfo *field;
};
/// Whether the knob is one of single layers, by its first word.
bool isLayerKnob(llvm::StringRef name);
llvm::Expected<LayerKnob> parseLayerKnob(llvm::StringRef name);
/// Value of a field of a layer from text (named choices: index); the error
/// names `knob` and what it may be.
llvm::Expected<int64_t> parseLayerValue(llvm::StringRef knob,
                                        const KnobInfo &field,
                                        llvm::StringRef text);
/// The layer of `model` that LayerKnob::layer means, of a set of `models`
/// models: empty if another model's. A single model needs no prefix.
llvm::StringRef layerOfModel(llvm::StringRef layer, llvm::StringRef model,
                             size_t models);

//===----------------------------------------------------------------------===//
// Violations
//===----------------------------------------------------------------------===//

/// The physical and logical limits that a design can break. ruleName() and
/// ruleUnit() give the words that results print.
enum class Rule {
  Encoding,       ///< the encoding does not go with the bits of a cell
  AdcBits,        ///< more ADC bits asked for than the machine has
  AdcRange,       ///< converters clip more than the bits that they lack
  Capacity,       ///< more arrays needed than a non-volatile chip has
  SupplyVoltage,  ///< supply at or below the threshold voltage
  CycleTime,      ///< clock faster than the logic at this supply
  ExternalMemory, ///< weights or activations overflow and there is no memory
  PowerDensity,   ///< average power over area above the cooling limit
  ModelBits,      ///< knobs ask for other bits than a quantized model has, or
                  ///< for fewer than one of its products has of its own
  Accounting,     ///< machine.accounting.model has no price for it
  Endurance,      ///< cells are worn out before their time
  PeakPower,      ///< power of one layer over area above the supply's limit
  Residency,      ///< copies of one model where others want to stay
};
const char *ruleName(Rule rule);
const char *ruleUnit(Rule rule);

struct Violation {
  Rule rule;
  double value;      ///< what the design has
  double limit;      ///< what it may have
  std::string where; ///< model, layer or knob
};

/// Limits of the knobs on this machine (Encoding, AdcBits, AdcRange).
std::vector<Violation> check(const Knobs &knobs,
                             const machine::Machine &machine);

/// The bits that the conversions of `product` may not have of their own: more
/// than those of the knobs, for which clock and adders are built, or fewer than
/// leastAdcBits(). Value and limit, if a limit is broken.
std::optional<std::pair<int64_t, int64_t>>
checkOwnAdcBits(const workload::Product &product, const Knobs &knobs,
                const machine::Machine &machine);

//===----------------------------------------------------------------------===//
// Tiling
//===----------------------------------------------------------------------===//

/// One product on arrays of the machine's size (docs/Architecture.md, 3).
struct Tiling {
  int64_t packs = 0;        ///< P, sets of groups that share arrays
  int64_t strips = 0;       ///< S, arrays down the rows of a pack
  int64_t column_tiles = 0; ///< T, arrays across the columns of a pack
  int64_t rows = 0;         ///< R, rows of an array driven at once
  int64_t cols = 0;         ///< C, of the machine's arrays
  int64_t groups_per_pack = 0;
  int64_t columns_per_weight = 0;
  int64_t phases = 0;        ///< input phases of dac_bits each
  int64_t lossless_bits = 0; ///< ADC bits that never lose anything
  int64_t pack_rows = 0;     ///< K', rows that a pack fills
  int64_t pack_cols = 0;     ///< N', columns that a pack fills

  int64_t row_sets = 1; ///< tiles that one array holds, one at work

  /// Tiles of one copy, each as large as what an array drives at once.
  int64_t tiles() const { return packs * strips * column_tiles; }
  /// Arrays of one copy; tile i lies in array i / row_sets.
  int64_t arrays() const { return (tiles() + row_sets - 1) / row_sets; }
  /// Tiles that the fullest array works on one after the other.
  int64_t turns() const { return tiles() < row_sets ? tiles() : row_sets; }
  /// Matrix-vector products per inference: windows x row strips (x packs).
  int64_t mvms(int64_t windows) const { return windows * packs * strips; }
};

/// Columns that one weight takes: its bit slices, times two if differential.
int64_t columnsPerWeight(const Knobs &knobs, int64_t cellBits);

/// The knobs with what `product` has of its own: bits and its unfolding.
Knobs knobsOf(const workload::Product &product, const Knobs &knobs);

/// Smallest ADC resolution that represents every column sum:
/// ceil(log2(rows * (2^dacBits - 1) * (2^cellBits - 1) + 1)).
int64_t losslessBits(int64_t rows, int64_t dacBits, int64_t cellBits);
/// Of the rows that a machine drives at once.
int64_t losslessBits(const machine::Machine &machine);

/// ADC resolution that a design uses.
int64_t adcBits(const Knobs &knobs, const machine::Machine &machine);

/// Fewest bits that pass.adc_bits may ask for: the survey's fit of converters
/// begins at 4, unless `adc.sense_fj` prices one comparator. Cheap for 0 and 4
/// and more, which is what searches ask about.
int64_t leastAdcBits(const Knobs &knobs, const machine::Machine &machine);

/// Bits of the sums that the converters cover: those of the largest sum less
/// adc.clip_bits, at least 1.
int64_t rangeBits(const machine::Machine &machine);

/// Bits of the largest sum that the converters do not resolve or do not cover:
/// 0 if they report every sum as it is.
int64_t lostBits(const Knobs &knobs, const machine::Machine &machine);

/// Most adc.clip_bits that gain anything: the bits that the converters lack.
/// Beyond, codes would be left over. 0 unless pass.range is full.
int64_t mostClipBits(const Knobs &knobs, const machine::Machine &machine);

/// What the tilings of all products on a design have in common.
Tiling tilingOf(const machine::Machine &machine, const Knobs &knobs);
/// Fills in the rest for a product: its packs, strips and column tiles.
void cut(const workload::Product &product, const Knobs &knobs, Tiling &tiling);

/// Cuts a product. The knobs must be legal (check).
Tiling tile(const workload::Product &product, const machine::Machine &machine,
            const Knobs &knobs);

/// Cuts the right operand of a product of two activations. Its pairs of
/// matrices share arrays as far as they fit (GroupPacking::Diagonal), whatever
/// the knob says of stored weights.
Tiling tile(const workload::DynamicProduct &product,
            const machine::Machine &machine, const Knobs &knobs);

//===----------------------------------------------------------------------===//
// Placement
//===----------------------------------------------------------------------===//

/// One product placed: copy k occupies tiling.arrays() arrays from
/// firstArrayOf(k) on (Cores.h) and computes windows [k q, (k + 1) q) of all
/// M, q = ceil(M / copies).
struct PlacedProduct {
  size_t layer = 0; ///< index into Workload::layers
  Tiling tiling;
  int64_t copies = 1;
  int64_t first_array = 0; ///< of copy 0
  /// Times that the arrays from first_array to the end of the chip are written
  /// for this product; 0: its weights stay.
  int64_t rounds = 0;
  /// `core`: arrays of a core, macros_per_tile.
  int64_t firstArrayOf(int64_t copy, int64_t core) const {
    return mapping::firstArrayOf(copy, copies, first_array, tiling.arrays(),
                                 core);
  }
};

/// A product of two activations that may be written into arrays: one copy of
/// its matrices, from the first array of a core on, in the last whole cores of
/// the chip that hold no weights.
struct PlacedDynamic {
  size_t layer = 0; ///< index into Workload::layers
  Tiling tiling;
  int64_t arrays = 0; ///< at work at once; 0: none is left for it
  DynamicProducts choice = DynamicProducts::Digital;
};

/// Whether a product of two activations may be written into arrays under these
/// knobs. `auto` leaves cells alone that wear out.
bool mayUseArrays(const workload::DynamicProduct &product,
                  const machine::Machine &machine, const Knobs &knobs);

/// All products of a model on the chip.
struct Plan {
  std::vector<PlacedProduct> products; ///< program order
  std::vector<PlacedDynamic> dynamics; ///< those with mayUseArrays()
  int64_t capacity = 0;                ///< arrays of the chip
  int64_t logical_arrays = 0;          ///< one copy of every product
  int64_t placed_arrays = 0; ///< arrays that hold weights, without those that
                             ///< stay empty between copies
  /// All weights are on the chip at once. Otherwise some may stay (rounds 0),
  /// and each other product has all other arrays for itself and is written
  /// before it runs, each inference.
  bool resident = true;
  std::vector<Violation> violations; ///< Capacity
};

/// Work of one kind that shares arrays: `count` equal products.
struct Demand {
  int64_t windows, arrays, count;
  int64_t turns = 1; ///< of the fullest array, for each window
  int64_t cells = 0; ///< of one product that hold weights
  /// Copies of each, decided before; 0: by the rule.
  int64_t copies = 0;
};

/// Equal products: they get arrays together.
struct ProductGroup {
  Demand demand;
  std::vector<size_t> members; ///< indices into the list of products
};

/// Groups `products` of a workload in order of first appearance: the order in
/// which they get arrays. Equal work needs equal tilings.
std::vector<ProductGroup> groupProducts(const workload::Workload &workload,
                                        llvm::ArrayRef<PlacedProduct> products);

/// First free array after ceil(windows / windowsPerCopy) copies of every
/// product (Demand::copies where that is set), placed in order from array
/// `cursor` on in cores of `core` arrays.
int64_t endOfCopies(llvm::ArrayRef<Demand> demands, int64_t windowsPerCopy,
                    int64_t core, int64_t cursor = 0);

/// As endOfCopies, for the fewest copies of every product: one, or those that
/// were decided before.
int64_t endOfOneCopy(llvm::ArrayRef<Demand> demands, int64_t core,
                     int64_t cursor = 0);

/// Smallest t for which ceil(windows / t) copies of every product whose copies
/// are not decided yet end within `capacity` arrays: the windows that the
/// slowest product handles one after the other. Needs one copy of everything to
/// fit. Adding copies never moves the end forward, so that bisection finds it.
/// O(products * log(range)). Cores of one array need no alignment.
int64_t balancedWindows(llvm::ArrayRef<Demand> demands, int64_t capacity,
                        int64_t core = 1);

/// Copies of every product, equally many for equal ones, that end within
/// `capacity` arrays by a rule that is neither None nor Balanced. Needs one
/// copy of everything to fit. Time is windows per copy x turns.
std::vector<int64_t> replicate(llvm::ArrayRef<Demand> demands, int64_t capacity,
                               int64_t core, Replication rule);

/// Products that stay on a chip that cannot hold all (E-STAY).
struct Stay {
  std::vector<int64_t> members; ///< of each demand: the first so many
  int64_t arrays = 0;           ///< whole cores that they take
  int64_t cells = 0;            ///< that they save writing
};

/// What stays of products that do not fit within `capacity` arrays together,
/// so that the most cells stay and no other has more rounds than on the whole
/// chip. Exact up to what alignment to cores leaves empty: products that it
/// leaves no room for are given up, those that save least per array first.
/// O(products^2 * choices that no other beats).
Stay chooseStay(llvm::ArrayRef<Demand> demands, int64_t capacity, int64_t core,
                Segments rule);

/// How a model shares the chip, before single arrays are handed out.
struct Allocation {
  bool fits = true;     ///< one copy of every product at once
  bool resident = true; ///< see Plan::resident
  bool replicates = false;
  int64_t capacity = 0;
  int64_t core = 1;             ///< arrays of a core
  int64_t needed = 0;           ///< arrays without which it does not fit, with
                                ///< those that alignment to cores leaves empty
  int64_t windows_per_copy = 0; ///< of the slowest product, if balanced and
                                ///< resident
  std::vector<int64_t> copies;  ///< of each demand, by other rules; empty
                                ///< without them
  int64_t spare = 0; ///< arrays that products of two activations may use:
                     ///< whole cores
  /// Not resident: products of each demand that stay, empty where none does,
  /// and the first array of those that take turns.
  std::vector<int64_t> stay;
  int64_t stay_arrays = 0;
  /// Arrays that products which take turns have each.
  int64_t shared() const { return capacity - stay_arrays; }
};
/// `demands` in the order in which they get arrays. Copies that were decided
/// before have to stay: a chip that cannot hold all weights with them does not
/// fit, volatile or not. `dynamic` is the number of
/// arrays that the largest product with mayUseArrays() has, 0 without one:
/// copies leave it that many in whole cores, and with DynamicProducts::Arrays
/// the model does not fit where no core is left for it.
Allocation allocate(llvm::ArrayRef<Demand> demands, int64_t dynamic,
                    const machine::Machine &machine, const Knobs &knobs);
/// The same where `ofOneCopy`, endOfOneCopy() of the demands, is known.
Allocation allocate(llvm::ArrayRef<Demand> demands, int64_t ofOneCopy,
                    int64_t dynamic, const machine::Machine &machine,
                    const Knobs &knobs);

/// Copies of a product of demands[index], which `allocation` was made for, each
/// with at least one window; and how many times the arrays that it shares are
/// written for it, 0 if its weights stay. Of a demand with members in
/// Allocation::stay, those of the others; the members that stay have one copy.
struct Copies {
  int64_t copies, rounds;
};
Copies copiesOf(const Allocation &allocation, llvm::ArrayRef<Demand> demands,
                size_t index);
/// The same of an allocation that is resident, inline: searches ask for each
/// product of each design.
inline int64_t residentCopies(const Allocation &allocation,
                              llvm::ArrayRef<Demand> demands, size_t index) {
  if (const int64_t decided = demands[index].copies)
    return decided;
  if (!allocation.copies.empty())
    return allocation.copies[index];
  if (!allocation.replicates || !allocation.fits)
    return 1;
  // Exact below 2^53 and faster than the division of integers.
  return static_cast<int64_t>(static_cast<double>(demands[index].windows +
                                                  allocation.windows_per_copy -
                                                  1) /
                              static_cast<double>(allocation.windows_per_copy));
}

/// Tiles, replicates and places. Non-volatile chips that cannot hold one copy
/// get the violation Capacity; volatile ones go non-resident, with what
/// Knobs::segments lets stay. `balanced` gives
/// every product ceil(windows / balancedWindows) copies when resident, the
/// other rules what replicate() says, and all as many as fit when not.
Plan plan(const workload::Workload &workload, const machine::Machine &machine,
          const Knobs &knobs);

/// Proves a plan against workload and machine without knowing how it was made:
/// every product there once, in order, cut into enough arrays for its matrix,
/// no two copies on one array, no copy across the end of a core unless it
/// begins one and is larger, everything on the chip. The message names the
/// layer. A plan with violations fails.
llvm::Error verify(const Plan &plan, const workload::Workload &workload,
                   const machine::Machine &machine);

} // namespace imc::mapping

#endif // IMC_MAPPING_MAPPING_H
