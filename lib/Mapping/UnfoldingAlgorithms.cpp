//===- UnfoldingAlgorithms.cpp - Best unfoldings --------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Axes.h"
#include "imc/Mapping/Unfold.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <tuple>

using namespace imc::mapping;
using namespace imc::mapping::unfolding;
using namespace imc::mapping::unfolding::detail;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

llvm::ArrayRef<StringRef> Problem::algorithms() {
  static const StringRef names[] = {
      "im2col",  "shift",  "sdk",  "variable_window",
      "windows", "greedy", "exact"};
  return names;
}

//===----------------------------------------------------------------------===//
// Rules for one layer
//===----------------------------------------------------------------------===//

Choice detail::im2col(const Problem &p) {
  Choice c;
  c.rows = p.rows;
  c.cols = p.cols;
  return c;
}

static Choice shift(const Problem &p) {
  Choice c = im2col(p);
  c.layout = {Layout::Shift, Layout::Shift};
  return c;
}

static Choice window(const Problem &p, int64_t high, int64_t wide) {
  Choice c = im2col(p);
  c.positions = {high, wide};
  return c;
}

static Choice sdk(const Problem &p, const Layer &l) {
  Choice best = im2col(p);
  const Figures base = *figures(p, l, best);
  int64_t least = base.products;
  // Strips and tiles grow with the window.
  for (int64_t n = 2; n <= std::min(l.positions(0), l.positions(1)); ++n) {
    const Choice c = window(p, n, n);
    const std::optional<Figures> f = figures(p, l, c);
    if (!f || f->strips > base.strips || f->tiles > base.tiles)
      break;
    if (f->products < least) {
      least = f->products;
      best = c;
    }
  }
  return best;
}

static Choice variableWindow(const Problem &p, const Layer &l) {
  Choice best = im2col(p);
  int64_t least = figures(p, l, best)->products;
  for (int64_t high = 1; high <= l.positions(0); ++high) {
    const Axis y = axis(l, 0, Layout::Window, high);
    for (int64_t wide = 1; wide <= l.positions(1); ++wide) {
      const Axis x = axis(l, 1, Layout::Window, wide);
      const int64_t patch = y.rows * x.rows,
                    columns = high * wide * p.columnsPerWeight(l);
      if (patch > p.rows || columns > p.cols)
        break;
      Choice c = window(p, high, wide);
      c.rows = p.rows / patch * patch;
      c.cols = p.cols / columns * columns;
      const std::optional<Figures> f = figures(p, l, c);
      if (f && f->products < least) {
        least = f->products;
        best = c;
      }
    }
  }
  return best;
}

//===----------------------------------------------------------------------===//
// All layers
//===----------------------------------------------------------------------===//

namespace {

/// A choice of a layer that none with fewer arrays beats.
struct Option {
  int64_t arrays, amount;
  size_t order; ///< among those of the layer
  Choice choice;
};

} // namespace

/// Options of a layer, more and more arrays for less and less. All layouts, or
/// windows without gaps;
/// of the windows with equally many loads the smallest, which takes no more of
/// anything. O(sqrt(height * width)) pairs.
static std::vector<Option> optionsOf(const Problem &p, const Layer &l,
                                     bool windows) {
  std::vector<Axis> axes[2];
  for (int d : {0, 1}) {
    const int64_t all = l.positions(d);
    for (int64_t positions = 1;;) {
      const Axis a = axis(l, d, Layout::Window, positions);
      if (!windows ||
          widen(l.image[d], l.kernel[d], l.stride[d], l.dilation[d], positions))
        axes[d].push_back(a);
      const int64_t fewer = a.loads - 1;
      if (fewer == 0)
        break;
      positions = (all + fewer - 1) / fewer;
    }
    if (l.kernel[d] > 1 && !windows)
      for (Layout layout : {Layout::Split, Layout::Shift})
        axes[d].push_back(axis(l, d, layout, 1));
  }
  std::vector<Option> options;
  for (const Axis &y : axes[0])
    for (const Axis &x : axes[1]) {
      const std::optional<Figures> f =
          detail::figures(p, l, y, x, p.rows, p.cols);
      if (!f || (p.arrays > 0 && f->arrays > p.arrays))
        continue;
      Choice c = im2col(p);
      c.layout = {y.layout, x.layout};
      c.positions = {y.positions, x.positions};
      options.push_back(
          {f->arrays, amount(p.objective, *f), options.size(), c});
    }
  // Of equals the first, so that im2col wins where nothing else does better.
  llvm::sort(options, [](const Option &a, const Option &b) {
    return std::tuple(a.arrays, a.amount, a.order) <
           std::tuple(b.arrays, b.amount, b.order);
  });
  size_t kept = 0;
  for (const Option &o : options)
    if (kept == 0 || o.amount < options[kept - 1].amount)
      options[kept++] = o;
  options.resize(kept);
  return options;
}

static Error tooFew(const Problem &p, int64_t needed) {
  return invalid("the layers need " + Twine(needed) + " arrays, 'arrays' is " +
                 Twine(p.arrays));
}

/// Index of the option of each layer, from the fewest arrays on.
static std::vector<size_t> greedy(const Problem &p,
                                  llvm::ArrayRef<std::vector<Option>> options) {
  std::vector<size_t> at(options.size(), 0);
  int64_t left = p.arrays;
  for (const std::vector<Option> &o : options)
    left -= o.front().arrays;
  while (true) {
    __extension__ typedef __int128 Wide;
    Wide bestSaves = 0, bestArrays = 1;
    size_t layer = 0, option = 0;
    for (size_t i = 0; i != options.size(); ++i)
      for (size_t o = at[i] + 1; o < options[i].size(); ++o) {
        const Wide saves = options[i][at[i]].amount - options[i][o].amount;
        const Wide more = options[i][o].arrays - options[i][at[i]].arrays;
        if (more <= left && saves * bestArrays > bestSaves * more) {
          bestSaves = saves;
          bestArrays = more;
          layer = i;
          option = o;
        }
      }
    if (bestSaves == 0)
      return at;
    left -= int64_t(bestArrays);
    at[layer] = option;
  }
}

static Expected<std::vector<size_t>>
exact(const Problem &p, llvm::ArrayRef<std::vector<Option>> options) {
  // What is reached with the layers so far; nothing with fewer arrays is as
  // good.
  struct State {
    int64_t arrays, amount;
    size_t option, from;
  };
  std::vector<int64_t> later(options.size() + 1, 0);
  for (size_t i = options.size(); i-- > 0;)
    later[i] = later[i + 1] + options[i].front().arrays;
  std::vector<std::vector<State>> table;
  table.push_back({{0, 0, 0, 0}});
  int64_t entries = 0;
  for (size_t i = 0; i != options.size(); ++i) {
    const std::vector<State> &before = table.back();
    std::vector<State> next;
    entries += int64_t(before.size() * options[i].size());
    if (entries > Problem::maxStates)
      return invalid("exact needs a table of more than 2^24 entries; use "
                     "greedy");
    for (size_t s = 0; s != before.size(); ++s)
      for (size_t o = 0; o != options[i].size(); ++o)
        if (int64_t arrays = before[s].arrays + options[i][o].arrays;
            arrays + later[i + 1] <= p.arrays)
          next.push_back(
              {arrays, before[s].amount + options[i][o].amount, o, s});
    llvm::sort(next, [](const State &a, const State &b) {
      return std::tuple(a.arrays, a.amount, a.option, a.from) <
             std::tuple(b.arrays, b.amount, b.option, b.from);
    });
    size_t kept = 0;
    for (const State &s : next)
      if (kept == 0 || s.amount < next[kept - 1].amount)
        next[kept++] = s;
    next.resize(kept);
    table.push_back(std::move(next));
  }
  std::vector<size_t> at(options.size());
  size_t state = table.back().size() - 1;
  for (size_t i = options.size(); i-- > 0;) {
    at[i] = table[i + 1][state].option;
    state = table[i + 1][state].from;
  }
  return at;
}

Expected<Solution> imc::mapping::unfolding::solve(const Problem &p,
                                                  StringRef algorithm) {
  Expected<size_t> index =
      indexOf(algorithm, Problem::algorithms(), "algorithm");
  if (!index)
    return index.takeError();
  Solution s;
  if (*index < 4) {
    int64_t arrays = 0;
    for (const auto &[i, l] : llvm::enumerate(p.layers)) {
      s.choices.push_back(*index == 0   ? im2col(p)
                          : *index == 1 ? shift(p)
                          : *index == 2 ? sdk(p, l)
                                        : variableWindow(p, l));
      const std::optional<Figures> f = figures(p, l, s.choices.back());
      if (!f || f->arrays > largestNumber - arrays)
        return invalid(label("layers", int64_t(i), l.name) +
                       ": counts more than 2^53");
      arrays += f->arrays;
    }
    if (p.arrays > 0 && arrays > p.arrays)
      return tooFew(p, arrays);
    return s;
  }
  std::vector<std::vector<Option>> options;
  int64_t least = 0;
  for (size_t i = 0; i != p.layers.size(); ++i) {
    options.push_back(optionsOf(p, p.layers[i], *index == 4));
    if (options.back().empty())
      return invalid(label("layers", int64_t(i), p.layers[i].name) +
                     ": needs more arrays than 'arrays', " + Twine(p.arrays));
    least += options.back().front().arrays;
  }
  std::vector<size_t> at;
  if (p.arrays == 0) {
    for (const std::vector<Option> &o : options)
      at.push_back(o.size() - 1);
  } else if (least > p.arrays) {
    return tooFew(p, least);
  } else if (*index == 5) {
    at = greedy(p, options);
  } else {
    Expected<std::vector<size_t>> best = exact(p, options);
    if (best) {
      at = std::move(*best);
    } else if (*index == 4) {
      llvm::consumeError(best.takeError());
      at = greedy(p, options);
    } else {
      return best.takeError();
    }
  }
  for (const auto &[o, chosen] : llvm::zip_equal(options, at))
    s.choices.push_back(o[chosen].choice);
  return s;
}
