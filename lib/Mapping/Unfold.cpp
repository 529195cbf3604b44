//===- Unfold.cpp - Convolutions with several positions per load ----------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Unfold.h"

#include "Axes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"

#include <algorithm>
#include <numeric>

using namespace imc;
using namespace imc::mapping;
using unfolding::Pair;

std::optional<WideAxis> imc::mapping::widen(int64_t inputs, int64_t kernel,
                                            int64_t stride, int64_t dilation,
                                            int64_t positions) {
  WideAxis a;
  a.inputs = inputs;
  const int64_t outputs = (inputs - (kernel - 1) * dilation - 1) / stride + 1;
  if (positions == 1) {
    a.kernel = kernel;
    a.stride = stride;
    a.dilation = dilation;
    a.windows = outputs;
    a.extent = inputs;
    return a;
  }
  // Without the inputs that a kernel of one element jumps over there are no
  // gaps.
  if (kernel == 1 && stride > 1) {
    a.sample = stride;
    a.inputs = outputs;
    stride = 1;
  }
  if (kernel == 1)
    dilation = 1;
  a.dilation = std::gcd(stride, dilation);
  const int64_t span = (positions - 1) * stride + (kernel - 1) * dilation;
  a.kernel = span / a.dilation + 1;
  a.position = stride / a.dilation;
  a.element = dilation / a.dilation;
  a.stride = positions * stride;
  a.windows = (outputs + positions - 1) / positions;
  a.extent = std::max(a.inputs, (a.windows - 1) * a.stride + span + 1);
  unfolding::Layer layer;
  layer.image = {1, a.inputs};
  layer.kernel = {1, kernel};
  layer.stride = {1, stride};
  layer.dilation = {1, dilation};
  const int64_t met =
      unfolding::detail::axis(layer, 1, unfolding::Layout::Window, positions)
          .rows;
  if (met != a.kernel)
    return std::nullopt;
  return a;
}

/// The convolution that a product comes from.
static unfolding::Layer layerOf(const workload::Product &p) {
  unfolding::Layer l;
  l.channels = p.rows / p.kernel_elements;
  l.outputs = p.cols;
  l.groups = p.groups;
  const int64_t high = p.kernel_elements / p.kernel_width;
  l.image = {p.image_rows, p.image_cols};
  l.kernel = {high, p.kernel_width};
  l.stride = {p.stride_rows, p.stride_cols};
  l.dilation = {high > 1 ? (p.kernel_rows - 1) / (high - 1) : 1,
                p.dilation_cols};
  l.count = p.windows / (p.output_width * p.output_rows);
  return l;
}

// workload::setLayer knows this one.
static_assert(static_cast<int64_t>(UnfoldingRule::Im2col) == 0);

std::optional<std::array<WideAxis, 2>>
imc::mapping::widen(const workload::Product &p, Pair positions) {
  if (!p.hasImages())
    return std::nullopt;
  const unfolding::Layer l = layerOf(p);
  std::array<WideAxis, 2> axes;
  for (int d : {0, 1}) {
    std::optional<WideAxis> a = widen(l.image[d], l.kernel[d], l.stride[d],
                                      l.dilation[d], positions[d]);
    if (!a)
      return std::nullopt;
    axes[d] = *a;
  }
  return axes;
}

bool imc::mapping::mayUnfold(const workload::Product &p, Pair positions) {
  return p.hasImages() && p.copies == 0 && positions[0] >= 1 &&
         positions[1] >= 1 && positions[0] <= p.output_rows &&
         positions[1] <= p.output_width && widen(p, positions);
}

workload::Product imc::mapping::unfolded(const workload::Product &p,
                                         Pair positions) {
  workload::Product q = p;
  if (positions == Pair{1, 1})
    return q;
  const auto [high, wide] = *widen(p, positions);
  const unfolding::Layer l = layerOf(p);
  // What is taken out of an image leaves its padding behind.
  if (high.sample > 1 || wide.sample > 1) {
    q.row_elements = l.channels * l.groups * wide.inputs;
    q.input_elements = l.count * q.row_elements * high.inputs;
    q.padding_rows = 0;
    q.input_rows = high.inputs;
  }
  q.windows = l.count * high.windows * wide.windows;
  q.kernel_elements = high.kernel * wide.kernel;
  q.kernel_width = wide.kernel;
  q.rows = l.channels * q.kernel_elements;
  q.cols = p.cols * positions[0] * positions[1];
  q.weight_elements = q.groups * q.rows * q.cols;
  q.output_elements = q.windows * q.groups * q.cols;
  q.output_rows = high.windows;
  q.output_width = wide.windows;
  q.kernel_rows = (high.kernel - 1) * high.dilation + 1;
  q.stride_rows = high.stride;
  q.image_rows = high.extent;
  q.stride_cols = wide.stride;
  q.dilation_cols = wide.dilation;
  q.image_cols = wide.extent;
  q.zero_macs = q.windows * q.rows * q.cols * q.groups - p.macs() / p.trips;
  return q;
}

/// Whether one copy of all products lies on the chip.
static bool fits(const workload::Workload &workload,
                 llvm::ArrayRef<Pair> positions,
                 const machine::Machine &machine, const Knobs &knobs,
                 int64_t capacity, int64_t &end) {
  workload::Workload copy;
  for (const auto &[layer, pair] : llvm::zip_equal(workload.layers, positions))
    if (const workload::Product *p = layer.product())
      copy.layers.push_back({layer.name, "", "", unfolded(*p, pair)});
  std::vector<PlacedProduct> placed(copy.layers.size());
  for (auto [i, layer] : llvm::enumerate(copy.layers)) {
    placed[i].layer = i;
    placed[i].tiling = tile(*layer.product(), machine, knobs);
  }
  end = 0;
  for (const ProductGroup &group : groupProducts(copy, placed))
    end = endOfOneCopy(group.demand, machine.hierarchy.macros_per_tile, end);
  return end <= capacity;
}

bool imc::mapping::hasOwnUnfolding(const workload::Workload &workload) {
  return llvm::any_of(workload.layers, [](const workload::Layer &layer) {
    return layer.product() && layer.product()->hasOwnUnfolding();
  });
}

namespace {

/// Positions of all layers, one rule after the other.
class Unfolder {
public:
  Unfolder(const workload::Workload &workload, const machine::Machine &machine,
           const Knobs &knobs, int64_t arrays)
      : workload(workload), machine(machine), knobs(knobs), alone(knobs),
        chip(std::min(arrays, machine.arrays())),
        positions(workload.layers.size(), Pair{1, 1}) {
    alone.group_packing = GroupPacking::Single;
  }
  /// Decides the layers of `rule`.
  void decide(UnfoldingRule rule);
  std::vector<Pair> take() { return std::move(positions); }

private:
  /// Convolutions of `rule` as a problem; `layers` are their indices.
  unfolding::Problem problemOf(UnfoldingRule rule,
                               std::vector<size_t> &layers) const;
  /// Whether `algorithm` finds positions of `layers`.
  bool solve(const unfolding::Problem &problem, llvm::StringRef algorithm,
             llvm::ArrayRef<size_t> layers);
  /// The same within the arrays that the other layers leave.
  bool solveWithin(unfolding::Problem &problem, llvm::ArrayRef<size_t> layers);

  const workload::Workload &workload;
  const machine::Machine &machine;
  const Knobs &knobs;
  Knobs alone;
  int64_t chip;
  std::vector<Pair> positions;
};

} // namespace

unfolding::Problem Unfolder::problemOf(UnfoldingRule rule,
                                       std::vector<size_t> &layers) const {
  unfolding::Problem problem;
  problem.rows = machine.drivenRows();
  problem.cols = machine.array.cols;
  problem.columns_per_weight = columnsPerWeight(knobs, machine.cell.bits);
  for (const auto &[i, layer] : llvm::enumerate(workload.layers)) {
    const workload::Product *p = layer.product();
    if (!p || unfoldingOf(*p, knobs) != rule || !mayUnfold(*p, {1, 1}))
      continue;
    layers.push_back(i);
    problem.layers.push_back(layerOf(*p));
    problem.layers.back().name = layer.name;
    if (p->weight_bits)
      problem.layers.back().columns_per_weight =
          columnsPerWeight(knobsOf(*p, knobs), machine.cell.bits);
  }
  return problem;
}

bool Unfolder::solve(const unfolding::Problem &problem,
                     llvm::StringRef algorithm, llvm::ArrayRef<size_t> layers) {
  llvm::Expected<unfolding::Solution> s = unfolding::solve(problem, algorithm);
  if (!s) {
    llvm::consumeError(s.takeError());
    return false;
  }
  for (const auto &[i, choice] : llvm::zip_equal(layers, s->choices)) {
    const workload::Product &p = *workload.layers[i].product();
    positions[i] = widen(p, choice.positions) ? choice.positions : Pair{1, 1};
  }
  return true;
}

bool Unfolder::solveWithin(unfolding::Problem &problem,
                           llvm::ArrayRef<size_t> layers) {
  int64_t others = 0;
  bool dynamic = false;
  for (const auto &[i, layer] : llvm::enumerate(workload.layers)) {
    if (const workload::DynamicProduct *d = layer.dynamicProduct())
      dynamic |= d->isMatrixProduct();
    if (const workload::Product *p = layer.product();
        p && !llvm::is_contained(layers, i))
      others += tile(unfolded(*p, positions[i]), machine, alone).tiles() *
                std::max<int64_t>(1, p->copies);
  }
  const int64_t core = machine.hierarchy.macros_per_tile;
  const int64_t capacity = chip - (dynamic ? core : 0);
  // Tiles share arrays where not all rows are driven at once; what is lost at
  // the ends of cores and arrays is found out.
  const int64_t shared = machine.rowSets();
  problem.arrays = capacity * shared - others;
  while (problem.arrays > 0 && solve(problem, "windows", layers)) {
    int64_t end = 0;
    if (fits(workload, positions, machine, alone, capacity, end))
      return true;
    problem.arrays -=
        std::max<int64_t>({1, (end - capacity) * shared, problem.arrays / 16});
  }
  return false;
}

void Unfolder::decide(UnfoldingRule rule) {
  std::vector<size_t> layers;
  unfolding::Problem problem = problemOf(rule, layers);
  if (layers.empty())
    return;
  bool solved = false;
  if (llvm::Error error = unfolding::check(problem)) {
    llvm::consumeError(std::move(error)); // counts beyond 2^53
  } else if (rule == UnfoldingRule::Sdk) {
    solved = solve(problem, "sdk", layers);
  } else if (rule == UnfoldingRule::VariableWindow) {
    solved = solve(problem, "variable_window", layers);
  } else {
    problem.objective = rule == UnfoldingRule::Products
                            ? unfolding::Objective::Products
                            : unfolding::Objective::Steps;
    solved = solveWithin(problem, layers);
  }
  if (!solved)
    for (size_t i : layers)
      positions[i] = {1, 1};
}

std::vector<Pair>
imc::mapping::chooseUnfolding(const workload::Workload &workload,
                              const machine::Machine &machine,
                              const Knobs &knobs, int64_t arrays) {
  Unfolder unfolder(workload, machine, knobs, arrays);
  for (UnfoldingRule rule : {UnfoldingRule::Sdk, UnfoldingRule::VariableWindow,
                             UnfoldingRule::Products, UnfoldingRule::Steps})
    unfolder.decide(rule);
  return unfolder.take();
}

workload::Workload imc::mapping::unfold(workload::Workload workload,
                                        llvm::ArrayRef<Pair> positions) {
  for (size_t i = 0; i != positions.size(); ++i) {
    workload::Layer &layer = workload.layers[i];
    if (!layer.product())
      continue;
    workload::Product &p = std::get<workload::Product>(layer.work);
    p.unfolding = workload::Product().unfolding;
    if (positions[i] == Pair{1, 1})
      continue;
    const std::array<WideAxis, 2> axes = *widen(p, positions[i]);
    // Neither what was taken out of an image nor positions that lie apart go
    // row by row.
    if (axes[0].sample > 1 || axes[1].sample > 1)
      layer.rowwise = false;
    for (workload::Layer &reader : workload.layers)
      if (llvm::is_contained(reader.inputs, int64_t(i)))
        reader.rowwise = false;
    p = unfolded(p, positions[i]);
    const std::string outputs = std::to_string(p.groups * p.cols);
    layer.shape = outputs + "x" + std::to_string(p.rows / p.kernel_elements) +
                  "x" + std::to_string(p.kernel_elements / p.kernel_width) +
                  "x" + std::to_string(p.kernel_width) + " -> " + outputs +
                  "x" + std::to_string(p.output_rows) + "x" +
                  std::to_string(p.output_width);
  }
  return workload;
}
