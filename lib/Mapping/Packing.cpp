//===- Packing.cpp - Tiles of several products in one array ---------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Packing.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

using namespace imc::mapping;
using namespace imc::mapping::packing;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

//===----------------------------------------------------------------------===//
// Text form, input, solution
//===----------------------------------------------------------------------===//

llvm::ArrayRef<StringRef> Problem::algorithms() {
  static const StringRef names[] = {"one_per_array", "diagonal", "shelf"};
  return names;
}

Expected<Problem> Problem::parse(const json::Value &value) {
  return parseFields<Problem>(
      value, "problem", Problem::kind, [](Fields &fields, Problem &p) {
        p.rows = fields.integer("rows");
        p.cols = fields.integer("cols");
        fields.objects("tiles", [&](Fields &tile) {
          p.tiles.push_back({tile.string("name", ""), tile.integer("rows"),
                             tile.integer("cols"), tile.integer("step", 0)});
        });
      });
}

Expected<Solution> Solution::parse(const json::Value &value) {
  return parseFields<Solution>(
      value, "solution", Problem::kind, [](Fields &fields, Solution &s) {
        for (const std::vector<int64_t> &p : fields.tuples("positions", 3))
          s.positions.push_back({p[0], p[1], p[2]});
      });
}

json::Value imc::mapping::packing::toJSON(const Problem &p) {
  json::Array tiles;
  for (const Tile &t : p.tiles)
    tiles.push_back(json::Object{{"name", t.name},
                                 {"rows", t.rows},
                                 {"cols", t.cols},
                                 {"step", t.step}});
  return json::Object{{"problem", Problem::kind},
                      {"rows", p.rows},
                      {"cols", p.cols},
                      {"tiles", std::move(tiles)}};
}

json::Value imc::mapping::packing::toJSON(const Solution &s) {
  json::Array positions;
  for (const Position &p : s.positions)
    positions.push_back(json::Array{p.array, p.row, p.col});
  return json::Object{{"solution", Problem::kind},
                      {"positions", std::move(positions)}};
}

static std::string nameOf(const Problem &p, size_t i) {
  return label("tiles", i, p.tiles[i].name);
}

Error imc::mapping::packing::check(const Problem &p) {
  for (auto [field, value] :
       {std::pair("rows", p.rows), std::pair("cols", p.cols)})
    if (value < 1 || value > Problem::maxCells)
      return invalid(Twine("'") + field + "' is " + Twine(value) +
                     ", must be from 1 to 2^22");
  if (p.rows * p.cols > Problem::maxCells)
    return invalid("'rows' x 'cols' is " + Twine(p.rows * p.cols) +
                   ", must be at most 2^22 cells");
  if (p.tiles.empty())
    return invalid("'tiles' is empty");
  if (p.tiles.size() > size_t(std::numeric_limits<int32_t>::max()))
    return invalid("'tiles' has " + Twine(p.tiles.size()) +
                   " entries, must have less than 2^31");
  for (const auto &[i, t] : llvm::enumerate(p.tiles)) {
    if (t.rows < 1 || t.rows > p.rows || t.cols < 1 || t.cols > p.cols)
      return invalid(nameOf(p, i) + " has " + Twine(t.rows) + " x " +
                     Twine(t.cols) + " cells, must have 1 x 1 to " +
                     Twine(p.rows) + " x " + Twine(p.cols) +
                     "; cut it into tiles that fit");
    if (t.step < 0)
      return invalid(nameOf(p, i) + ": 'step' is " + Twine(t.step) +
                     ", must be 0 or more");
  }
  return Error::success();
}

Error imc::mapping::packing::verify(const Problem &p, const Solution &s) {
  const size_t count = p.tiles.size();
  if (s.positions.size() != count)
    return invalid("'positions' has " + Twine(s.positions.size()) +
                   " entries for " + Twine(count) + " tiles");
  for (const auto &[i, at] : llvm::enumerate(s.positions))
    if (at.array < 0 || at.row < 0 || at.col < 0 ||
        at.row > p.rows - p.tiles[i].rows || at.col > p.cols - p.tiles[i].cols)
      return invalid(nameOf(p, i) + " at array " + Twine(at.array) + ", row " +
                     Twine(at.row) + ", column " + Twine(at.col) +
                     " is not inside");
  // Array after array, step after step.
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t(0));
  auto key = [&](size_t i) {
    return std::tuple(s.positions[i].array, p.tiles[i].step, i);
  };
  llvm::sort(order, [&](size_t a, size_t b) { return key(a) < key(b); });
  // The last tile to take a cell, row or column; old ones are of other arrays
  // or steps.
  std::vector<int32_t> cells(size_t(p.rows * p.cols), -1);
  std::vector<int64_t> rows(size_t(p.rows), -1), cols(size_t(p.cols), -1);
  auto sharing = [&](size_t i, int64_t other, const char *what, int64_t n) {
    return invalid(nameOf(p, i) + " and " + nameOf(p, size_t(other)) +
                   " share " + what + " " + Twine(n) + " of array " +
                   Twine(s.positions[i].array));
  };
  auto sameArray = [&](size_t i, int64_t other) {
    return other >= 0 &&
           s.positions[size_t(other)].array == s.positions[i].array;
  };
  auto atOnce = [&](size_t i, int64_t other) {
    return sameArray(i, other) &&
           p.tiles[size_t(other)].step == p.tiles[i].step;
  };
  for (size_t i : order) {
    const Tile &t = p.tiles[i];
    const Position &at = s.positions[i];
    for (int64_t r = at.row; r != at.row + t.rows; ++r) {
      if (atOnce(i, rows[size_t(r)]))
        return sharing(i, rows[size_t(r)], "row", r);
      rows[size_t(r)] = int64_t(i);
      for (int64_t c = at.col; c != at.col + t.cols; ++c) {
        int32_t &cell = cells[size_t(r * p.cols + c)];
        if (sameArray(i, cell))
          return sharing(i, cell, "a cell of row", r);
        cell = int32_t(i);
      }
    }
    for (int64_t c = at.col; c != at.col + t.cols; ++c) {
      if (atOnce(i, cols[size_t(c)]))
        return sharing(i, cols[size_t(c)], "column", c);
      cols[size_t(c)] = int64_t(i);
    }
  }
  return Error::success();
}

int64_t imc::mapping::packing::objective(const Problem &p, const Solution &s) {
  llvm::DenseSet<int64_t> arrays;
  for (const Position &at : s.positions)
    arrays.insert(at.array);
  return int64_t(arrays.size());
}

std::string imc::mapping::packing::objectiveUnit(const Problem &p) {
  return "arrays";
}

static int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t imc::mapping::packing::lowerBound(const Problem &p) {
  int64_t cells = 0;
  std::map<int64_t, std::pair<int64_t, int64_t>> steps; // rows, columns
  for (const Tile &t : p.tiles) {
    cells += t.rows * t.cols;
    steps[t.step].first += t.rows;
    steps[t.step].second += t.cols;
  }
  int64_t bound = ceilDiv(cells, p.rows * p.cols);
  for (const auto &[step, lines] : steps)
    bound = std::max(
        {bound, ceilDiv(lines.first, p.rows), ceilDiv(lines.second, p.cols)});
  return bound;
}

//===----------------------------------------------------------------------===//
// Algorithms
//===----------------------------------------------------------------------===//

/// Tiles with the largest key first, equal ones in order.
template <typename Key>
static std::vector<size_t> largestFirst(const Problem &p, Key key) {
  std::vector<size_t> order(p.tiles.size());
  std::iota(order.begin(), order.end(), size_t(0));
  llvm::sort(order, [&](size_t a, size_t b) {
    auto keyA = key(p.tiles[a]), keyB = key(p.tiles[b]);
    return keyA > keyB || (keyA == keyB && a < b);
  });
  return order;
}

static Solution onePerArray(const Problem &p) {
  Solution s;
  for (size_t i = 0; i != p.tiles.size(); ++i)
    s.positions.push_back({int64_t(i), 0, 0});
  return s;
}

static Solution diagonal(const Problem &p) {
  Solution s{std::vector<Position>(p.tiles.size())};
  std::vector<std::pair<int64_t, int64_t>> used; // rows, columns of each array
  size_t open = 0; // arrays before this one are full
  for (size_t i : largestFirst(p, [&](const Tile &t) {
         return std::max(t.rows * p.cols, t.cols * p.rows);
       })) {
    const Tile &t = p.tiles[i];
    while (open != used.size() &&
           (used[open].first == p.rows || used[open].second == p.cols))
      ++open;
    auto found =
        std::find_if(used.begin() + open, used.end(), [&](const auto &u) {
          return u.first + t.rows <= p.rows && u.second + t.cols <= p.cols;
        });
    if (found == used.end())
      found = used.insert(used.end(), {0, 0});
    s.positions[i] = {found - used.begin(), found->first, found->second};
    found->first += t.rows;
    found->second += t.cols;
  }
  return s;
}

namespace {

/// Columns [first, end).
using Span = std::pair<int64_t, int64_t>;

struct Shelf {
  int64_t row, height;
  std::vector<Span> taken;
  std::set<int64_t> steps;
};

class Array {
public:
  int64_t free(const Problem &p) const { return p.rows * p.cols - cells; }

  bool place(const Tile &t, const Problem &p, Position &at) {
    for (Shelf &shelf : shelves)
      if (shelf.height >= t.rows && !shelf.steps.count(t.step) &&
          take(shelf, t, p, at))
        return true;
    Shelf higher{height, t.rows, {}, {}};
    if (height + t.rows > p.rows || !take(higher, t, p, at))
      return false;
    height += t.rows;
    shelves.push_back(std::move(higher));
    return true;
  }

private:
  /// Takes the first columns that are free on the shelf and that no tile of
  /// this step has.
  bool take(Shelf &shelf, const Tile &t, const Problem &p, Position &at) {
    std::vector<Span> &others = columns[t.step];
    int64_t col = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (const std::vector<Span> *spans : {&shelf.taken, &others})
        for (auto [first, end] : *spans)
          if (first < col + t.cols && col < end) {
            col = end;
            moved = true;
          }
    }
    if (col + t.cols > p.cols)
      return false;
    shelf.taken.emplace_back(col, col + t.cols);
    shelf.steps.insert(t.step);
    others.emplace_back(col, col + t.cols);
    cells += t.rows * t.cols;
    at.row = shelf.row;
    at.col = col;
    return true;
  }

  std::vector<Shelf> shelves;
  int64_t height = 0, cells = 0; ///< of shelves; of tiles
  std::map<int64_t, std::vector<Span>>
      columns; ///< that the tiles of a step take
};

} // namespace

static Solution shelf(const Problem &p) {
  Solution s{std::vector<Position>(p.tiles.size())};
  std::vector<Array> arrays;
  size_t open = 0; // arrays before this one are full
  for (size_t i : largestFirst(
           p, [](const Tile &t) { return std::pair(t.rows, t.cols); })) {
    Position &at = s.positions[i];
    while (open != arrays.size() && arrays[open].free(p) == 0)
      ++open;
    size_t n = open;
    while (n != arrays.size() && !arrays[n].place(p.tiles[i], p, at))
      ++n;
    if (n == arrays.size()) {
      arrays.emplace_back();
      arrays.back().place(p.tiles[i], p, at);
    }
    at.array = int64_t(n);
  }
  return s;
}

Expected<Solution> imc::mapping::packing::solve(const Problem &p,
                                                StringRef algorithm) {
  Expected<size_t> index =
      indexOf(algorithm, Problem::algorithms(), "algorithm");
  if (!index)
    return index.takeError();
  switch (*index) {
  case 0:
    return onePerArray(p);
  case 1:
    return diagonal(p);
  default:
    return shelf(p);
  }
}
