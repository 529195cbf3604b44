//===- Archive.h - All non-dominated designs ever seen ----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The answer of a search: exact and unbounded, so nothing found is ever lost to
// a population that had no room for it. Its content is a function of the *set*
// of designs shown to it, not of their order: shards merge to the same archive
// in any order.
//
// Designs are kept in an ND-tree (Jaszkiewicz, Lust: ND-Tree-based update,
// IEEE TEC 22(5), 2018): nodes know the box around their points, so most of the
// archive is skipped without looking at it. An insertion into 10^5 points costs
// microseconds, where a list would cost a tenth of a millisecond.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_ARCHIVE_H
#define IMC_SEARCH_ARCHIVE_H

#include "imc/Search/Problem.h"

#include <memory>

namespace imc::search {

/// One member of a front.
struct ArchivedDesign {
  Genome design;
  Key key;
  std::vector<double> objectives;

  friend bool operator==(const ArchivedDesign &a, const ArchivedDesign &b) {
    return a.key == b.key && a.design == b.design &&
           a.objectives == b.objectives;
  }
};

/// How objectives are brought to one scale before a hypervolume is taken:
/// (x − ideal) / (nadir − ideal), of log2 x when `log` is set; the reference
/// point is 1.1 in every scaled objective. A zero span counts as 1.
struct ObjectiveScale {
  std::vector<double> ideal;
  std::vector<double> nadir;
  bool log = false;
};

/// The set of non-dominated feasible designs. Not thread-safe; movable.
class Archive {
public:
  explicit Archive(std::size_t numObjectives);
  ~Archive();
  Archive(Archive &&);
  Archive &operator=(Archive &&);

  /// Shows a feasible design. Returns true if it is now a member: no other
  /// design dominates it, and of several designs with the same objectives it
  /// has the smallest key. Members that it dominates leave.
  bool insert(const Genome &design, Key key,
              const std::vector<double> &objectives);

  /// True if a member dominates a design of these objectives.
  bool beats(const std::vector<double> &objectives) const;

  /// Shows every member of another archive of as many objectives.
  void merge(const Archive &other);

  std::size_t size() const;
  bool empty() const { return size() == 0; }
  std::size_t numObjectives() const;

  /// The members by ascending objectives (first objective first).
  std::vector<ArchivedDesign> front() const;
  /// Their objectives, row after row, in no particular order.
  std::vector<double> objectiveRows() const;

  /// Smallest and largest member value of every objective; empty if no member.
  std::vector<double> ideal() const;
  std::vector<double> nadir() const;

  /// Hypervolume of the members in this scale (see ObjectiveScale). `log` needs
  /// positive objectives and a positive ideal.
  double hypervolume(const ObjectiveScale &scale) const;

private:
  struct Tree;
  std::unique_ptr<Tree> tree;
};

} // namespace imc::search

#endif // IMC_SEARCH_ARCHIVE_H
