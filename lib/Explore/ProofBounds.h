//===- ProofBounds.h - What many designs of a space have in common --------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bounds of the cost model for branch and bound, in two stages.
//
// Some knobs open: necessary conditions of capacity and area, by intervals.
// The cells of a model on a non-volatile chip must exist, whatever the mapping;
// in the accounting of the source paper (E-LEG-1) every term of the area but
// that of tiles grows with rows, columns, arrays and buffer.
//
// Few knobs open: the model itself, over what is open. Area is a function of
// machine and precisions (E-AREA), so it is priced for every combination of
// open knobs, and its least value is exact. In the accounting of the source
// paper, supply, clock and buffer are left to the end: there, energy does not
// depend on clock and buffer (E-LEG-5), latency is cycles times clock
// (E-LEG-3), and area does not depend on the clock and grows with the buffer
// (E-LEG-1). So the smallest open clock and buffer give lower bounds of all
// three, exactly.
//
// The closed model: for every combination of the knobs that decide what an
// array is, energy and time of the work that no mapping avoids (each weight is
// read, each result converted, for each window), on the fewest arrays for
// energy, area and standby power, which grow with arrays and buffer, and on the
// most for time: copies of all products share them. Clocks and supplies that
// no design can have are left out.
//
// Many knobs open: each price and each count at its least, for every number of
// arrays (BoxBounds.cpp). This is the bound of spaces that are too large for
// combinations, of layers that decide for themselves and of unfolded windows.
//
// A knob with conditions keeps the target's value where they do not hold; as
// long as it is open whether they do, it may have that value, too.
//
// Sampled against evaluations by ProofTest.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_EXPLORE_PROOFBOUNDS_H
#define IMC_LIB_EXPLORE_PROOFBOUNDS_H

#include "LeastPrices.h"
#include "imc/Cost/Cost.h"
#include "imc/Explore/JointProblem.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <limits>
#include <map>
#include <optional>

namespace imc::explore {

class ProofBounds final : public search::Bounds {
public:
  explicit ProofBounds(const JointProblem &problem);

  std::vector<size_t> order() const override { return knobOrder; }
  search::Bound bound(const search::Genome &design,
                      size_t fixed) const override;
  search::Bound boundBox(const search::Genome &design) const override;

private:
  /// What a knob does in the argument above; others decide structure.
  enum class Role { Structure, Supply, Buffer, Clock, Mapping };
  Role roleOf(const KnobChoices &knob) const;

  /// Calls visit(value) for every value that a knob may have in this node.
  void eachValue(const search::Genome &design, size_t knob,
                 llvm::function_ref<void(double)> visit) const;
  size_t countValues(const search::Genome &design, size_t knob) const;
  /// Whether the conditions of a knob hold; absent: some are open.
  std::optional<bool> isActive(const search::Genome &design, size_t knob) const;
  /// The least or largest of these values.
  double least(const search::Genome &design, size_t knob) const;
  double largest(const search::Genome &design, size_t knob) const;
  /// Machine and knobs with open knobs at their least value.
  void decode(const search::Genome &design, Decoded &decoded) const;
  /// The same into `scratch`; false where fields contradict each other. Other
  /// values of open knobs may not.
  bool decodeValid(const search::Genome &design) const;

  double mostCells(const search::Genome &design) const;
  /// Every knob that decides structure has one value.
  bool isDecided(const search::Genome &design) const;
  int64_t fewestColumns(const search::Genome &design) const;
  bool cellsMissing(const search::Genome &design) const;
  double leastLegacyArea(const search::Genome &design) const;
  void boundLegacyOpen(const search::Genome &design, double area,
                       search::Bound &bound) const;
  std::vector<double> lowObjectives(const JointProblem::Figures &figures) const;
  void boundLegacy(const search::Genome &design, search::Bound &bound) const;
  bool areaExceeded(const search::Genome &design) const;
  void boundClosed(const search::Genome &design, double mostCombinations,
                   search::Bound &bound) const;
  /// What no design with this machine, but `arrays` arrays at most, is below;
  /// `needed`: arrays that hold all weights of the largest model.
  std::vector<cost::ModelFigures>
  leastFigures(const machine::Machine &machine, const mapping::Knobs &knobs,
               const cost::Prices &prices, double arrays, bool copies,
               bool digital, double &needed) const;
  /// What holds of all designs with these open knobs.
  search::Bound boundNode(const search::Genome &design, size_t fixed,
                          double mostCombinations) const;

  /// A product of a model with the knobs of its layer, or -1.
  struct BoxProduct {
    const workload::Product *product = nullptr;
    int64_t count = 1; ///< equal ones
    int copies = -1, weight_bits = -1, input_bits = -1, unfolding = -1;
    int other = -1; ///< of which no bound is known
  };
  /// A model, with sums over its other layers.
  struct BoxModel {
    std::vector<BoxProduct> products;
    double operations = 0, digital_inputs = 0, digital_outputs = 0;
    double macs = 0, dynamic_inputs = 0, dynamic_outputs = 0;
  };
  /// A product in a node: what it takes on one copy, at least, and the most
  /// copies.
  struct BoxWork {
    double count, windows, trips, seconds, arrays, copies;
    double most_arrays;  ///< of one copy, at most
    bool decided;        ///< the layer's own copies
    double tile, global; ///< seconds of one tile's port, of the global buffer
  };
  struct Arrays {
    double number, fewest_tiles, most_tiles;
    double core; ///< arrays of a tile, at least
  };
  void prepareBoxes();
  void boundRelaxed(const search::Genome &design, search::Bound &bound) const;
  const std::vector<Arrays> &arraysOf(const search::Genome &design) const;
  double leastColumns(const search::Genome &design, int64_t weightBits) const;
  double mostColumns(const search::Genome &design,
                     const BoxProduct &product) const;
  void leastNoise(const search::Genome &design,
                  std::vector<double> &noise) const;
  bool widens(const BoxProduct &product) const;
  int limitBroken(const JointProblem::Figures &low) const;

  /// Calls visit() for every combination of the values of `knobs`, which they
  /// have meanwhile.
  void forEach(const search::Genome &design, llvm::ArrayRef<size_t> knobs,
               llvm::function_ref<void()> visit) const;

  static constexpr double infinity = std::numeric_limits<double>::infinity();
  /// Intervals are added up in another order than prices; no bound may be
  /// larger than what it bounds because of that.
  static constexpr double slack = 1 - 1e-9;
  static double real(int64_t value) { return static_cast<double>(value); }

  const JointProblem &problem;
  bool legacy;
  bool nothingKnown = false; ///< knobs of the accounting
  bool kindIsOpen = false;   ///< of the cells
  bool copiesKnobs = false;  ///< of layers
  bool layered = false;      ///< some layer decides for itself
  /// Loads may compute several positions: of some layer, of all.
  bool unfolds = false, allUnfold = false;
  bool stops = false; ///< conversions of some layer after fewer bits
  std::vector<size_t> knobOrder;
  size_t structural = 0;      ///< knobs of order() up to the last structural
  size_t mapping = 0;         ///< first knob of order() without area
  std::vector<Role> roles;    ///< by knob
  std::vector<size_t> places; ///< of knobs in order()
  int areaConstraint = -1;    ///< index among the constraint names
  double areaLimit = 0;
  /// Knob of a field that the intervals look at, or -1.
  int rows = -1, cols = -1, bits = -1, groups = -1, tiles = -1, macros = -1,
      buffer = -1, clock = -1;
  int activeRows = -1, adcShare = -1, dacBits = -1, accumulator = -1;
  /// Knobs of the passes, or -1.
  int replication = -1, dynamic = -1, weightBits = -1, inputBits = -1,
      encoding = -1, segments = -1, packing = -1;
  std::vector<size_t> noiseKnobs; ///< that E-SQNR depends on
  int sqnrConstraint = -1;        ///< index among the constraint names
  double mostNoise = 0;           ///< over the signal, that it leaves
  /// Constraints that bounds of figures may break: metric, limit, index.
  std::vector<std::tuple<size_t, double, int>> upperLimits;
  std::vector<BoxModel> boxes; ///< by model
  std::unique_ptr<LeastPrices> prices;
  mutable LeastPrices::Values values; ///< of the node being bounded
  mutable std::map<std::vector<int32_t>, std::vector<Arrays>> arraysKnown;
  mutable std::map<std::vector<int32_t>, double> columnsKnown;
  mutable std::map<std::vector<int32_t>, std::vector<double>> noiseKnown;
  mutable std::vector<std::vector<BoxWork>> works;
  mutable std::vector<double> noises;
  std::vector<double> own; ///< by knob: where its conditions do not hold
  mutable std::vector<std::optional<double>> chosen; ///< by knob: forEach()
  mutable std::vector<char> open; ///< by knob, of the node being bounded
  mutable cost::DesignCost priced;
  mutable Decoded scratch;
};

} // namespace imc::explore

#endif // IMC_LIB_EXPLORE_PROOFBOUNDS_H
