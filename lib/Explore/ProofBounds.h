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
// Sampled against evaluations by ProofTest.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_EXPLORE_PROOFBOUNDS_H
#define IMC_LIB_EXPLORE_PROOFBOUNDS_H

#include "imc/Explore/JointProblem.h"

namespace imc::explore {

class ProofBounds final : public search::Bounds {
public:
  explicit ProofBounds(const JointProblem &problem);

  std::vector<size_t> order() const override { return knobOrder; }
  search::Bound bound(const search::Genome &design,
                      size_t fixed) const override;

private:
  /// What a knob does in the argument above; others decide structure.
  enum class Role { Structure, Supply, Buffer, Clock, Mapping };
  Role roleOf(const KnobChoices &knob) const;

  /// The value of a knob in this node: fixed, or the least or largest open one.
  double least(const search::Genome &design, size_t knob) const;
  double largest(const search::Genome &design, size_t knob) const;
  /// Machine and knobs with open knobs at their least value.
  void decode(const search::Genome &design, Decoded &decoded) const;

  double mostCells(const search::Genome &design) const;
  int64_t fewestColumns(const search::Genome &design) const;
  bool cellsMissing(const search::Genome &design) const;
  double leastLegacyArea(const search::Genome &design) const;
  void boundLegacyOpen(const search::Genome &design, double area,
                       search::Bound &bound) const;
  std::vector<double> lowObjectives(const JointProblem::Figures &figures) const;
  void boundLegacy(search::Genome design, search::Bound &bound) const;
  bool areaExceeded(search::Genome design) const;
  /// Calls visit(design) for every combination of the open knobs in `knobs`.
  template <typename Visit>
  void forEach(search::Genome &design, llvm::ArrayRef<size_t> knobs,
               Visit &&visit) const;

  const JointProblem &problem;
  bool legacy;
  bool nothingKnown = false; ///< conditions, or knobs of the accounting
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
  mutable std::vector<char> open; ///< by knob, of the node being bounded
  mutable cost::DesignCost priced;
  mutable Decoded scratch;
};

} // namespace imc::explore

#endif // IMC_LIB_EXPLORE_PROOFBOUNDS_H
