//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Archive.h"
#include "imc/Search/Pareto.h"

#include <algorithm>
#include <limits>

using namespace imc::search;

namespace {
constexpr std::size_t leafCapacity = 20;

/// A box of the tree. `low` and `high` bound every point below; removals leave
/// them too wide, which costs time and never correctness.
struct Node {
  std::vector<double> low, high;
  std::vector<std::unique_ptr<Node>> children; // inner node
  std::vector<double> rows;                    // leaf: objectives, and
  std::vector<std::uint32_t> slots;            // the design of each row

  bool isLeaf() const { return children.empty(); }
  bool isEmpty() const { return children.empty() && slots.empty(); }
};
} // namespace

struct Archive::Tree {
  explicit Tree(std::size_t m) : m(m), root(std::make_unique<Node>()) {}

  enum class Verdict { Covered, Equal, New };

  std::size_t m;
  std::unique_ptr<Node> root;
  std::vector<ArchivedDesign> pool; // slots in use and free ones
  std::vector<std::uint32_t> freeSlots;
  std::uint32_t equalSlot = 0; // after Verdict::Equal
  std::size_t removed = 0;     // since the boxes were last tight

  std::size_t size() const { return pool.size() - freeSlots.size(); }

  void release(std::uint32_t slot) {
    freeSlots.push_back(slot);
    ++removed;
  }

  void releaseAll(Node &node) {
    for (std::uint32_t slot : node.slots)
      release(slot);
    for (auto &child : node.children)
      releaseAll(*child);
    node = Node();
  }

  /// Compares y with everything that could be comparable and removes what it
  /// dominates. A covered y dominates nothing, since members do not dominate
  /// each other; so nothing is removed in vain.
  Verdict challenge(Node &node, const double *y) {
    if (node.isEmpty())
      return Verdict::New;
    const bool aboveLow = covers(node.low.data(), y, m);
    const bool belowHigh = covers(y, node.high.data(), m);
    if (!aboveLow && !belowHigh)
      return Verdict::New;
    // Strictness keeps a point equal to y out of both shortcuts.
    if (aboveLow && dominates(node.high.data(), y, m))
      return Verdict::Covered;
    if (belowHigh && dominates(y, node.low.data(), m)) {
      releaseAll(node);
      return Verdict::New;
    }
    if (!node.isLeaf()) {
      for (std::size_t i = 0; i < node.children.size();) {
        const Verdict verdict = challenge(*node.children[i], y);
        if (verdict != Verdict::New)
          return verdict;
        if (node.children[i]->isEmpty())
          node.children.erase(node.children.begin() + i);
        else
          ++i;
      }
      return Verdict::New;
    }
    for (std::size_t i = 0; i < node.slots.size();) {
      const double *row = &node.rows[i * m];
      const bool rowCovers = covers(row, y, m);
      const bool rowCovered = covers(y, row, m);
      if (rowCovers) {
        equalSlot = node.slots[i];
        return rowCovered ? Verdict::Equal : Verdict::Covered;
      }
      if (!rowCovered) {
        ++i;
        continue;
      }
      release(node.slots[i]);
      node.slots[i] = node.slots.back();
      node.slots.pop_back();
      std::copy(node.rows.end() - m, node.rows.end(),
                node.rows.begin() + i * m);
      node.rows.resize(node.rows.size() - m);
    }
    return Verdict::New;
  }

  /// True if a point below the node dominates y.
  bool dominated(const Node &node, const double *y) const {
    if (node.isEmpty() || !covers(node.low.data(), y, m))
      return false;
    if (dominates(node.high.data(), y, m))
      return true;
    for (std::size_t i = 0; i < node.slots.size(); ++i)
      if (dominates(&node.rows[i * m], y, m))
        return true;
    for (const auto &child : node.children)
      if (dominated(*child, y))
        return true;
    return false;
  }

  void widen(Node &node, const double *y) const {
    if (node.isEmpty()) {
      node.low.assign(y, y + m);
      node.high.assign(y, y + m);
      return;
    }
    for (std::size_t k = 0; k < m; ++k) {
      node.low[k] = std::min(node.low[k], y[k]);
      node.high[k] = std::max(node.high[k], y[k]);
    }
  }

  /// Squared distance with each objective in units of the whole archive's span.
  double distance(const double *a, const double *b) const {
    double sum = 0;
    for (std::size_t k = 0; k < m; ++k) {
      const double span = root->high[k] - root->low[k];
      const double d = span > 0 ? (a[k] - b[k]) / span : 0;
      sum += d * d;
    }
    return sum;
  }

  void add(Node &node, const double *y, std::uint32_t slot) {
    widen(node, y);
    if (!node.isLeaf()) {
      Node *nearest = nullptr;
      double least = std::numeric_limits<double>::infinity();
      std::vector<double> middle(m);
      for (auto &child : node.children) {
        for (std::size_t k = 0; k < m; ++k)
          middle[k] = (child->low[k] + child->high[k]) / 2;
        const double d = distance(y, middle.data());
        if (!nearest || d < least) {
          nearest = child.get();
          least = d;
        }
      }
      add(*nearest, y, slot);
      return;
    }
    node.slots.push_back(slot);
    node.rows.insert(node.rows.end(), y, y + m);
    if (node.slots.size() > leafCapacity)
      split(node);
  }

  /// Turns a full leaf into an inner node: m + 1 seeds far apart, every other
  /// point joins the nearest seed.
  void split(Node &node) const {
    const std::size_t n = node.slots.size();
    std::vector<std::size_t> seeds{0};
    std::vector<double> toSeeds(n, std::numeric_limits<double>::infinity());
    std::vector<std::size_t> owner(n, 0);
    for (;;) {
      const std::size_t newest = seeds.size() - 1;
      std::size_t farthest = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const double d =
            distance(&node.rows[i * m], &node.rows[seeds[newest] * m]);
        if (d < toSeeds[i]) {
          toSeeds[i] = d;
          owner[i] = newest;
        }
        if (toSeeds[i] > toSeeds[farthest])
          farthest = i;
      }
      if (seeds.size() == m + 1 || toSeeds[farthest] <= 0)
        break;
      seeds.push_back(farthest);
    }
    if (seeds.size() < 2) // spans too small to tell the points apart
      return;
    std::vector<std::unique_ptr<Node>> children(seeds.size());
    for (auto &child : children)
      child = std::make_unique<Node>();
    for (std::size_t i = 0; i < n; ++i) {
      Node &child = *children[owner[i]];
      const double *row = &node.rows[i * m];
      widen(child, row);
      child.slots.push_back(node.slots[i]);
      child.rows.insert(child.rows.end(), row, row + m);
    }
    node.slots.clear();
    node.rows.clear();
    node.children = std::move(children);
  }

  /// Builds the boxes anew once more has left than stayed.
  void tighten() {
    if (removed <= 2 * size() + 64)
      return;
    std::vector<ArchivedDesign> members;
    members.reserve(size());
    collect(*root, [&](std::uint32_t slot) {
      members.push_back(std::move(pool[slot]));
    });
    pool = std::move(members);
    freeSlots.clear();
    removed = 0;
    root = std::make_unique<Node>();
    for (std::size_t i = 0; i < pool.size(); ++i)
      add(*root, pool[i].objectives.data(), std::uint32_t(i));
  }

  template <typename Visitor>
  void collect(const Node &node, Visitor &&visit) const {
    for (std::uint32_t slot : node.slots)
      visit(slot);
    for (const auto &child : node.children)
      collect(*child, visit);
  }
};

Archive::Archive(std::size_t numObjectives)
    : tree(std::make_unique<Tree>(numObjectives)) {}
Archive::~Archive() = default;
Archive::Archive(Archive &&) = default;
Archive &Archive::operator=(Archive &&) = default;

std::size_t Archive::size() const { return tree->size(); }
std::size_t Archive::numObjectives() const { return tree->m; }

bool Archive::insert(const Genome &design, Key key,
                     const std::vector<double> &objectives) {
  assert(objectives.size() == tree->m && "wrong number of objectives");
  switch (tree->challenge(*tree->root, objectives.data())) {
  case Tree::Verdict::Covered:
    return false;
  case Tree::Verdict::Equal: {
    ArchivedDesign &member = tree->pool[tree->equalSlot];
    if (key < member.key) {
      member.design = design;
      member.key = key;
    }
    return member.key == key;
  }
  case Tree::Verdict::New:
    break;
  }
  std::uint32_t slot = std::uint32_t(tree->pool.size());
  if (tree->freeSlots.empty()) {
    tree->pool.push_back({design, key, objectives});
  } else {
    slot = tree->freeSlots.back();
    tree->freeSlots.pop_back();
    tree->pool[slot].design = design;
    tree->pool[slot].key = key;
    tree->pool[slot].objectives = objectives;
  }
  tree->add(*tree->root, objectives.data(), slot);
  tree->tighten();
  return true;
}

bool Archive::beats(const std::vector<double> &objectives) const {
  assert(objectives.size() == tree->m && "wrong number of objectives");
  return tree->dominated(*tree->root, objectives.data());
}

void Archive::merge(const Archive &other) {
  for (const ArchivedDesign &member : other.front())
    insert(member.design, member.key, member.objectives);
}

std::vector<ArchivedDesign> Archive::front() const {
  std::vector<ArchivedDesign> members;
  members.reserve(size());
  tree->collect(*tree->root, [&](std::uint32_t slot) {
    members.push_back(tree->pool[slot]);
  });
  std::sort(members.begin(), members.end(),
            [](const ArchivedDesign &a, const ArchivedDesign &b) {
              return a.objectives < b.objectives;
            });
  return members;
}

std::vector<double> Archive::objectiveRows() const {
  std::vector<double> rows;
  rows.reserve(size() * tree->m);
  tree->collect(*tree->root, [&](std::uint32_t slot) {
    const std::vector<double> &row = tree->pool[slot].objectives;
    rows.insert(rows.end(), row.begin(), row.end());
  });
  return rows;
}

/// One value per objective, folded over all rows.
template <typename Fold>
static std::vector<double> fold(const std::vector<double> &rows, std::size_t m,
                                Fold &&better) {
  if (rows.empty())
    return {};
  std::vector<double> best(rows.begin(), rows.begin() + m);
  for (std::size_t i = m; i < rows.size(); ++i)
    if (better(rows[i], best[i % m]))
      best[i % m] = rows[i];
  return best;
}

std::vector<double> Archive::ideal() const {
  return fold(objectiveRows(), tree->m,
              [](double a, double b) { return a < b; });
}

std::vector<double> Archive::nadir() const {
  return fold(objectiveRows(), tree->m,
              [](double a, double b) { return a > b; });
}

double Archive::hypervolume(const ObjectiveScale &scale) const {
  const std::size_t m = tree->m;
  assert(scale.ideal.size() == m && scale.nadir.size() == m);
  const auto level = [&](double x) { return scale.log ? portableLog2(x) : x; };
  std::vector<double> rows = objectiveRows();
  for (std::size_t k = 0; k < m; ++k) {
    const double low = level(scale.ideal[k]);
    const double span = level(scale.nadir[k]) - low;
    const double unit = span > 0 ? span : 1;
    for (std::size_t i = k; i < rows.size(); i += m)
      rows[i] = (level(rows[i]) - low) / unit;
  }
  const std::vector<double> reference(m, 1.1);
  return imc::search::hypervolume(rows.data(), size(), m, reference.data());
}
