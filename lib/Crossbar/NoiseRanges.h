//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sums counted by the range that their converters share, where a product has
// more than one (X-STAT).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_CROSSBAR_NOISERANGES_H
#define IMC_LIB_CROSSBAR_NOISERANGES_H

#include "imc/Crossbar/Noise.h"

#include "Impl.h"

namespace imc::crossbar {

/// Bins that hold something: their middles, and how much. Bin 0 is number
/// `lowest`, of 2^shift sums.
std::vector<std::pair<double, double>>
occurred(const std::vector<uint64_t> &bins, int64_t lowest, int64_t shift);
/// Their mean and variance.
std::pair<double, double>
momentsOf(const std::vector<std::pair<double, double>> &counts);

struct SumStatistics::Ranges {
  Readout readout; ///< whose range, criterion, quantile and step were counted
  int64_t bin_shift = 0;
  /// What the step of a range follows from: sums of calibration, or the rows
  /// that a strip's groups fill.
  struct Source {
    Histogram histogram;
    int64_t rows = 0;
  };
  std::vector<Source> sources;
  /// Sums of a class that converters of one range read. None where the product
  /// has one range.
  struct Group {
    size_t of = 0; ///< class
    size_t source = 0;
    double strips = 0;             ///< that an output has, on average
    double mean = 0, variance = 0; ///< of the sums
    std::vector<std::pair<double, double>> counts;
  };
  std::vector<Group> groups;
  /// Strips of a chosen output in a group: of output o and class c those from
  /// first[o * classes + c] on.
  struct Use {
    size_t group = 0;
    double strips = 0;
  };
  std::vector<Use> uses;
  std::vector<size_t> first;
  /// Of chosen outputs: sums over strips (windows x outputs x classes), and
  /// exact results around their mean (windows x outputs).
  int64_t outputs = 0;
  std::vector<float> totals;
  std::vector<double> exact;

  /// Step of the converters of a source; codes end at `high`.
  double stepOf(size_t source, const Arrays &arrays, const Readout &readout,
                double high) const;
};

/// Sorts sums into the groups of a product while they are counted.
class RangeCounter {
public:
  using Ranges = SumStatistics::Ranges;
  /// Refused: calibrated ranges that were not counted.
  static llvm::Expected<RangeCounter> create(const Product::Impl &impl,
                                             const Readout &readout,
                                             size_t numClasses, int64_t stride,
                                             int64_t shift);
  /// Whether the product has one range only, and nothing is to be sorted.
  bool isUniform() const { return tables.empty(); }
  /// Sums of segment u in a class, one for each of its outputs.
  void count(size_t u, int64_t j, int64_t p, const int32_t *sums, int64_t n) {
    const uint32_t *groups = &tables[u][size_t((j * numPhases + p) * n)];
    for (int64_t o = 0; o < n; ++o) {
      const uint32_t g = groups[o];
      ++counters[g][size_t((sums[o] >> shift) - lowest[g])];
    }
  }
  /// The groups with their moments; totals and exact results as in Ranges.
  std::shared_ptr<const Ranges> finish(std::vector<float> totals,
                                       std::vector<double> exact);

private:
  std::shared_ptr<Ranges> ranges;
  int64_t numPhases = 0, shift = 0, numOutputs = 0;
  std::vector<std::vector<uint32_t>> tables; ///< groups, by segment
  std::vector<std::vector<uint64_t>> counters;
  std::vector<int64_t> lowest;
};

} // namespace imc::crossbar

#endif // IMC_LIB_CROSSBAR_NOISERANGES_H
