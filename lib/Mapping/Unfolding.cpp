//===- Unfolding.cpp - Convolutions as matrices ---------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Axes.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace imc::mapping;
using namespace imc::mapping::unfolding;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

//===----------------------------------------------------------------------===//
// Text form
//===----------------------------------------------------------------------===//

static llvm::ArrayRef<StringRef> layoutNames() {
  static const StringRef names[] = {"window", "split", "shift"};
  return names;
}

static llvm::ArrayRef<StringRef> objectiveNames() {
  static const StringRef names[] = {"products", "steps", "conversions",
                                    "inputs"};
  return names;
}

/// A pair of integers, `fallback` without the member.
static Pair readPair(Fields &fields, StringRef name, Pair fallback) {
  std::vector<int64_t> two = {fallback[0], fallback[1]};
  if (fields.has(name))
    two = fields.integers(name);
  if (two.size() != 2) {
    fields.fail(name, "must be [height, width]");
    return fallback;
  }
  return {two[0], two[1]};
}

Expected<Problem> Problem::parse(const json::Value &value) {
  return parseFields<Problem>(
      value, "problem", Problem::kind, [](Fields &fields, Problem &p) {
        p.rows = fields.integer("rows");
        p.cols = fields.integer("cols");
        p.columns_per_weight = fields.integer("columns_per_weight", 1);
        p.arrays = fields.integer("arrays", 0);
        if (fields.has("objective"))
          p.objective = static_cast<Objective>(
              fields.choice("objective", objectiveNames()));
        fields.objects("layers", [&](Fields &layer) {
          Layer l;
          l.name = layer.string("name", "");
          l.channels = layer.integer("channels");
          l.outputs = layer.integer("outputs");
          l.image = readPair(layer, "image", {1, 1});
          l.kernel = readPair(layer, "kernel", {1, 1});
          l.stride = readPair(layer, "stride", {1, 1});
          l.dilation = readPair(layer, "dilation", {1, 1});
          l.groups = layer.integer("groups", 1);
          l.count = layer.integer("count", 1);
          l.columns_per_weight = layer.integer("columns_per_weight", 0);
          p.layers.push_back(std::move(l));
        });
      });
}

Expected<Solution> Solution::parse(const json::Value &value) {
  return parseFields<Solution>(
      value, "solution", Problem::kind, [](Fields &fields, Solution &s) {
        fields.objects("choices", [&](Fields &choice) {
          Choice c;
          c.layout = {
              static_cast<Layout>(choice.choice("height", layoutNames())),
              static_cast<Layout>(choice.choice("width", layoutNames()))};
          c.positions = readPair(choice, "positions", {1, 1});
          c.rows = choice.integer("rows");
          c.cols = choice.integer("cols");
          s.choices.push_back(c);
        });
      });
}

json::Value imc::mapping::unfolding::toJSON(const Problem &p) {
  json::Array layers;
  for (const Layer &l : p.layers) {
    json::Object layer{{"name", l.name},
                       {"channels", l.channels},
                       {"outputs", l.outputs},
                       {"image", json::Array(l.image)},
                       {"kernel", json::Array(l.kernel)},
                       {"stride", json::Array(l.stride)},
                       {"dilation", json::Array(l.dilation)},
                       {"groups", l.groups},
                       {"count", l.count}};
    if (l.columns_per_weight)
      layer["columns_per_weight"] = l.columns_per_weight;
    layers.push_back(std::move(layer));
  }
  return json::Object{{"problem", Problem::kind},
                      {"rows", p.rows},
                      {"cols", p.cols},
                      {"columns_per_weight", p.columns_per_weight},
                      {"arrays", p.arrays},
                      {"objective", objectiveNames()[size_t(p.objective)]},
                      {"layers", std::move(layers)}};
}

json::Value imc::mapping::unfolding::toJSON(const Solution &s) {
  json::Array choices;
  for (const Choice &c : s.choices)
    choices.push_back(
        json::Object{{"height", layoutNames()[size_t(c.layout[0])]},
                     {"width", layoutNames()[size_t(c.layout[1])]},
                     {"positions", json::Array(c.positions)},
                     {"rows", c.rows},
                     {"cols", c.cols}});
  return json::Object{{"solution", Problem::kind},
                      {"choices", std::move(choices)}};
}

//===----------------------------------------------------------------------===//
// Input
//===----------------------------------------------------------------------===//

/// Most positions, rows and columns of one matrix: the sum of all windows of a
/// dimension stays small.
static constexpr int64_t maxExtent = int64_t(1) << 24;

Error imc::mapping::unfolding::check(const Problem &p) {
  for (auto [field, value, least] :
       {std::tuple("rows", p.rows, 1), std::tuple("cols", p.cols, 1),
        std::tuple("columns_per_weight", p.columns_per_weight, 1),
        std::tuple("arrays", p.arrays, 0)})
    if (value < least || value > largestNumber)
      return invalid("'" + Twine(field) + "' is " + Twine(value) +
                     ", must be from " + Twine(least) + " to 2^53");
  if (p.layers.empty())
    return invalid("'layers' is empty");
  for (const auto &[i, l] : llvm::enumerate(p.layers)) {
    const std::string where = label("layers", int64_t(i), l.name);
    for (auto [field, value] :
         {std::tuple("channels", l.channels), std::tuple("outputs", l.outputs),
          std::tuple("groups", l.groups), std::tuple("count", l.count),
          std::tuple("image[0]", l.image[0]),
          std::tuple("image[1]", l.image[1]),
          std::tuple("kernel[0]", l.kernel[0]),
          std::tuple("kernel[1]", l.kernel[1]),
          std::tuple("stride[0]", l.stride[0]),
          std::tuple("stride[1]", l.stride[1]),
          std::tuple("dilation[0]", l.dilation[0]),
          std::tuple("dilation[1]", l.dilation[1])})
      if (value < 1 || value > maxExtent)
        return invalid(where + ": '" + field + "' is " + Twine(value) +
                       ", must be from 1 to 2^24");
    if (l.columns_per_weight < 0 || l.columns_per_weight > largestNumber)
      return invalid(where + ": 'columns_per_weight' is " +
                     Twine(l.columns_per_weight) + ", must be from 0 to 2^53");
    for (int d : {0, 1})
      if (int64_t span = (l.kernel[d] - 1) * l.dilation[d] + 1;
          span > l.image[d])
        return invalid(where + ": the kernel spans " + Twine(span) + " of " +
                       Twine(l.image[d]) + (d ? " columns" : " rows") +
                       " of the image");
    if (!figures(p, l, detail::im2col(p)))
      return invalid(where + ": counts more than 2^53");
  }
  return Error::success();
}

//===----------------------------------------------------------------------===//
// What a choice takes
//===----------------------------------------------------------------------===//

/// Different numbers among q * stride + k * dilation, q < n, k < kernel.
static int64_t distinct(int64_t n, int64_t kernel, int64_t stride,
                        int64_t dilation) {
  // Windows meet others that lie a multiple of `apart` further on.
  int64_t apart = 1;
  while (apart * stride % dilation != 0)
    ++apart;
  const int64_t jump = std::min(kernel, apart * stride / dilation);
  int64_t count = 0;
  for (int64_t first = 0; first < std::min(apart, n); ++first)
    count += kernel + ((n - first + apart - 1) / apart - 1) * jump;
  return count;
}

detail::Axis detail::axis(const Layer &l, int d, Layout layout,
                          int64_t positions) {
  const int64_t all = l.positions(d), kernel = l.kernel[d];
  switch (layout) {
  case Layout::Window:
    return {layout,
            positions,
            (all + positions - 1) / positions,
            1,
            distinct(positions, kernel, l.stride[d], l.dilation[d]),
            positions};
  case Layout::Split:
    return {layout, 1, all, kernel, 1, 1};
  case Layout::Shift:
    return {layout, 1, distinct(all, kernel, l.stride[d], l.dilation[d]),
            1,      1, kernel};
  }
  llvm_unreachable("not a layout");
}

namespace {

/// A count that knows when it is more than 2^53.
struct Count {
  int64_t value;
  bool ok = true;
  Count operator*(int64_t other) const {
    __extension__ typedef __int128 Wide;
    const Wide product = Wide(value) * other;
    return {int64_t(product), ok && product <= largestNumber};
  }
};

} // namespace

std::optional<Figures> detail::figures(const Problem &p, const Layer &l,
                                       const Axis &high, const Axis &wide,
                                       int64_t cutRows, int64_t cutCols) {
  const Count loads = Count{l.count} * high.loads * wide.loads;
  const Count matrices = Count{l.groups} * high.matrices * wide.matrices;
  const Count rows = Count{l.channels} * high.rows * wide.rows;
  const Count cols =
      Count{l.outputs} * high.slots * wide.slots * p.columnsPerWeight(l);
  if (!loads.ok || !matrices.ok || !rows.ok || !cols.ok)
    return std::nullopt;
  const int64_t strips = (rows.value + cutRows - 1) / cutRows;
  const int64_t tiles = (cols.value + cutCols - 1) / cutCols;
  const Count arrays = matrices * strips * tiles;
  const Count products = arrays * loads.value;
  const Count conversions = matrices * strips * cols.value * loads.value;
  const Count inputs = matrices * rows.value * loads.value;
  if (!arrays.ok || !products.ok || !conversions.ok || !inputs.ok)
    return std::nullopt;
  return Figures{loads.value,  matrices.value, rows.value,
                 cols.value,   strips,         tiles,
                 arrays.value, products.value, conversions.value,
                 inputs.value};
}

std::optional<Figures> imc::mapping::unfolding::figures(const Problem &p,
                                                        const Layer &l,
                                                        const Choice &c) {
  return detail::figures(p, l, detail::axis(l, 0, c.layout[0], c.positions[0]),
                         detail::axis(l, 1, c.layout[1], c.positions[1]),
                         c.rows, c.cols);
}

int64_t detail::amount(Objective objective, const Figures &f) {
  switch (objective) {
  case Objective::Products:
    return f.products;
  case Objective::Steps:
    return f.loads;
  case Objective::Conversions:
    return f.conversions;
  case Objective::Inputs:
    return f.inputs;
  }
  llvm_unreachable("not an objective");
}

//===----------------------------------------------------------------------===//
// Solution
//===----------------------------------------------------------------------===//

Error imc::mapping::unfolding::verify(const Problem &p, const Solution &s) {
  if (s.choices.size() != p.layers.size())
    return invalid("'choices' has " + Twine(s.choices.size()) +
                   " entries for " + Twine(p.layers.size()) + " layers");
  int64_t arrays = 0, total = 0;
  for (const auto &[i, l] : llvm::enumerate(p.layers)) {
    const Choice &c = s.choices[i];
    const std::string where = label("layers", int64_t(i), l.name);
    for (int d : {0, 1}) {
      const int64_t most = c.layout[d] == Layout::Window ? l.positions(d) : 1;
      if (c.positions[d] < 1 || c.positions[d] > most)
        return invalid(where + ": 'positions[" + Twine(d) + "]' is " +
                       Twine(c.positions[d]) + ", must be from 1 to " +
                       Twine(most));
    }
    for (auto [field, value, most] : {std::tuple("rows", c.rows, p.rows),
                                      std::tuple("cols", c.cols, p.cols)})
      if (value < 1 || value > most)
        return invalid(where + ": '" + field + "' is " + Twine(value) +
                       ", must be from 1 to " + Twine(most) +
                       ", those of an array");
    const std::optional<Figures> f = figures(p, l, c);
    if (!f || f->arrays > largestNumber - arrays)
      return invalid(where + ": counts more than 2^53");
    arrays += f->arrays;
    const int64_t value = detail::amount(p.objective, *f);
    if (value > largestNumber - total)
      return invalid(where + ": counts more than 2^53");
    total += value;
    if (p.arrays > 0 && arrays > p.arrays)
      return invalid(where + " ends at array " + Twine(arrays) + " of " +
                     Twine(p.arrays));
  }
  return Error::success();
}

int64_t imc::mapping::unfolding::objective(const Problem &p,
                                           const Solution &s) {
  int64_t total = 0;
  for (const auto &[l, c] : llvm::zip_equal(p.layers, s.choices))
    total += detail::amount(p.objective, *figures(p, l, c));
  return total;
}

std::string imc::mapping::unfolding::objectiveUnit(const Problem &p) {
  switch (p.objective) {
  case Objective::Products:
    return "products of arrays per inference";
  case Objective::Steps:
    return "loads one after the other per inference";
  case Objective::Conversions:
    return "column sums read per inference";
  case Objective::Inputs:
    return "elements sent to arrays per inference";
  }
  llvm_unreachable("not an objective");
}

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

namespace {

/// What the loads of one dimension do, from the definitions in the header.
struct Walk {
  const Layer &layer;
  int d;
  Layout layout;
  int64_t positions;
  std::vector<int64_t> places; ///< of a load: offsets of rows; else all inputs

  Walk(const Layer &layer, int d, const Choice &c)
      : layer(layer), d(d), layout(c.layout[d]), positions(c.positions[d]) {
    if (layout == Layout::Split)
      places = {0};
    else
      for (int64_t o = 0, n = layout == Layout::Window ? positions
                                                       : layer.positions(d);
           o != n; ++o)
        for (int64_t k = 0; k != layer.kernel[d]; ++k)
          places.push_back(o * layer.stride[d] + k * layer.dilation[d]);
    llvm::sort(places);
    places.erase(std::unique(places.begin(), places.end()), places.end());
  }
  int64_t loads() const {
    if (layout == Layout::Shift)
      return int64_t(places.size());
    int64_t n = 0;
    while (n * positions < layer.positions(d))
      ++n;
    return n;
  }
  int64_t matrices() const {
    return layout == Layout::Split ? layer.kernel[d] : 1;
  }
  int64_t rows() const {
    return layout == Layout::Window ? int64_t(places.size()) : 1;
  }
  int64_t slots() const {
    return layout == Layout::Shift ? layer.kernel[d] : positions;
  }
  /// Input that a row meets, perhaps beyond the image.
  int64_t input(int64_t load, int64_t matrix, int64_t row) const {
    switch (layout) {
    case Layout::Window:
      return load * positions * layer.stride[d] + places[size_t(row)];
    case Layout::Split:
      return load * layer.stride[d] + matrix * layer.dilation[d];
    case Layout::Shift:
      return places[size_t(load)];
    }
    llvm_unreachable("not a layout");
  }
  /// Output that a column adds to, perhaps none.
  int64_t output(int64_t load, int64_t slot) const {
    int64_t o = load * positions + slot;
    if (layout == Layout::Shift) {
      const int64_t first = places[size_t(load)] - slot * layer.dilation[d];
      o = first % layer.stride[d] == 0 ? first / layer.stride[d] : -1;
    }
    return o < layer.positions(d) ? o : -1;
  }
  /// Kernel element in a cell; none: -1.
  int64_t element(int64_t matrix, int64_t row, int64_t slot) const {
    if (layout == Layout::Split)
      return matrix;
    if (layout == Layout::Shift)
      return slot;
    const int64_t off = places[size_t(row)] - slot * layer.stride[d];
    return off >= 0 && off % layer.dilation[d] == 0 &&
                   off / layer.dilation[d] < layer.kernel[d]
               ? off / layer.dilation[d]
               : -1;
  }
};

} // namespace

Run imc::mapping::unfolding::execute(const Problem &p, const Layer &l,
                                     const Choice &c,
                                     llvm::ArrayRef<int64_t> image,
                                     llvm::ArrayRef<int64_t> weights) {
  const Walk high(l, 0, c), wide(l, 1, c);
  const int64_t patch = high.rows() * wide.rows(), rows = l.channels * patch;
  const int64_t slots = high.slots() * wide.slots(), cols = l.outputs * slots;
  const Pair out = {l.positions(0), l.positions(1)};
  Run run;
  run.outputs.assign(size_t(l.groups * l.outputs * out[0] * out[1]), 0);
  run.loads = high.loads() * wide.loads();
  for (int64_t g = 0; g != l.groups; ++g)
    for (int64_t my = 0; my != high.matrices(); ++my)
      for (int64_t mx = 0; mx != wide.matrices(); ++mx)
        for (int64_t top = 0; top < rows; top += c.rows)
          for (int64_t left = 0; left < cols; left += c.cols) {
            // One array.
            const int64_t height = std::min(c.rows, rows - top);
            const int64_t width = std::min(c.cols, cols - left);
            ++run.arrays;
            std::vector<int64_t> cells(size_t(height * width), 0);
            for (int64_t r = 0; r != height; ++r)
              for (int64_t k = 0; k != width; ++k) {
                const int64_t row = top + r, col = left + k;
                const int64_t ky = high.element(my, row % patch / wide.rows(),
                                                col % slots / wide.slots());
                const int64_t kx =
                    wide.element(mx, row % wide.rows(), col % wide.slots());
                if (ky >= 0 && kx >= 0)
                  cells[size_t(r * width + k)] = weights[size_t(
                      (((g * l.outputs + col / slots) * l.channels +
                        row / patch) *
                           l.kernel[0] +
                       ky) *
                          l.kernel[1] +
                      kx)];
              }
            for (int64_t ly = 0; ly != high.loads(); ++ly)
              for (int64_t lx = 0; lx != wide.loads(); ++lx) {
                ++run.products;
                run.conversions += width;
                std::vector<int64_t> sums(size_t(width), 0);
                for (int64_t r = 0; r != height; ++r) {
                  const int64_t row = top + r;
                  const int64_t y =
                      high.input(ly, my, row % patch / wide.rows());
                  const int64_t x = wide.input(lx, mx, row % wide.rows());
                  // Tiles beside each other get the same elements.
                  run.inputs += left == 0;
                  if (y >= l.image[0] || x >= l.image[1])
                    continue;
                  const int64_t value = image[size_t(
                      ((g * l.channels + row / patch) * l.image[0] + y) *
                          l.image[1] +
                      x)];
                  for (int64_t k = 0; k != width; ++k)
                    sums[size_t(k)] += value * cells[size_t(r * width + k)];
                }
                for (int64_t k = 0; k != width; ++k) {
                  const int64_t col = left + k;
                  const int64_t oy =
                      high.output(ly, col % slots / wide.slots());
                  const int64_t ox = wide.output(lx, col % wide.slots());
                  if (oy >= 0 && ox >= 0)
                    run.outputs[size_t(
                        ((g * l.outputs + col / slots) * out[0] + oy) * out[1] +
                        ox)] += sums[size_t(k)];
                }
              }
          }
  return run;
}
