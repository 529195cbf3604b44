//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// X-STAT where steps differ within a product.
//
//===----------------------------------------------------------------------===//

#include "NoiseRanges.h"

using namespace imc::crossbar;

double SumStatistics::Ranges::stepOf(size_t source, const Arrays &arrays,
                                     const Readout &r, double high) const {
  const Source &s = sources[source];
  const auto top = int64_t(high);
  return double(r.range == Range::Filled
                    ? filledStep(arrays, r, s.rows, top)
                    : calibratedStep(s.histogram, bin_shift, r, top));
}

/// Whether what was counted for `a` answers for `b`.
bool SumStatistics::countedFor(const Readout &b) const {
  if (!ranges)
    return false;
  const Readout &a = ranges->readout;
  if (a.range != b.range)
    return false;
  if (!isCalibrated(b.range))
    return true;
  // Histograms are kept where the error is made least, of quantiles the ends.
  return a.criterion == b.criterion &&
         (a.criterion == Criterion::SquaredError || a.quantile == b.quantile);
}

llvm::Expected<RangeCounter>
RangeCounter::create(const Product::Impl &i, const Readout &readout,
                     size_t numClasses, int64_t stride, int64_t shift) {
  const bool filled =
      readout.range == Range::Filled && i.shape.groups_per_pack > 1;
  RangeCounter counter;
  counter.ranges = std::make_shared<Ranges>();
  Ranges &r = *counter.ranges;
  r.readout = readout;
  r.bin_shift = i.bin_shift;
  if (!filled && !isCalibrated(readout.range))
    return counter;
  if (!filled)
    if (llvm::Error error = i.checkCounted(readout.range))
      return std::move(error);

  // Sources: one for each histogram, or for those of one end.
  std::vector<size_t> sourceOf;
  std::map<int64_t, size_t> known;
  for (const Histogram &h : i.histograms) {
    if (filled)
      break;
    Histogram kept = h;
    if (readout.criterion == Criterion::Quantile) {
      keepQuantile(kept, readout.quantile);
      const int64_t end = h.total ? int64_t(kept.bins.size()) : 0;
      const auto [found, added] = known.emplace(end, r.sources.size());
      sourceOf.push_back(found->second);
      if (!added)
        continue;
    } else {
      sourceOf.push_back(r.sources.size());
    }
    r.sources.push_back({std::move(kept), 0});
  }
  if (readout.range == Range::Layer)
    return counter;
  auto sourceAt = [&](const Segment &s, int64_t j, int64_t n, int64_t p) {
    if (!filled)
      return sourceOf[i.histogramOf(readout.range, s.pack, s.strip, j,
                                    s.local_group * i.shape.n + n, size_t(p))];
    const int64_t rows = i.filledRows(s.pack, s.strip);
    const auto [found, added] = known.emplace(rows, r.sources.size());
    if (added)
      r.sources.push_back({{}, rows});
    return found->second;
  };

  const auto numPhases = int64_t(i.phases.size());
  const int64_t perKind = i.numConverters() * numPhases;
  counter.numPhases = numPhases;
  counter.shift = shift;
  counter.numOutputs = i.shape.groups * i.shape.n;
  int64_t most = 0;
  for (const Segment &s : i.segments)
    most = std::max(most, s.rows);
  r.outputs = (counter.numOutputs + stride - 1) / stride;
  std::vector<std::vector<Ranges::Use>> uses(size_t(r.outputs) * numClasses);
  std::map<std::pair<size_t, size_t>, uint32_t> groupOf;
  std::vector<int64_t> bounds;
  for (const Segment &s : i.segments) {
    std::vector<uint32_t> &table = counter.tables.emplace_back();
    table.reserve(size_t(perKind * i.shape.n));
    for (int64_t j = 0; j < i.numConverters(); ++j)
      for (int64_t p = 0; p < numPhases; ++p)
        for (int64_t n = 0; n < i.shape.n; ++n) {
          const auto at =
              size_t((s.rows == most ? 0 : perKind) + j * numPhases + p);
          const size_t source = sourceAt(s, j, n, p);
          const auto [found, added] =
              groupOf.emplace(std::pair(at, source), uint32_t(r.groups.size()));
          const uint32_t g = found->second;
          if (added) {
            r.groups.push_back({at, source, 0, 0, 0, {}});
            bounds.push_back(1);
          }
          table.push_back(g);
          bounds[g] = std::max<int64_t>(
              bounds[g], i.bounds[i.entryOf(s.group, n, j, s.strip)]);
          r.groups[g].strips += 1 / double(counter.numOutputs);
          const int64_t output = s.group * i.shape.n + n;
          if (output % stride)
            continue;
          std::vector<Ranges::Use> &of =
              uses[size_t(output / stride) * numClasses + at];
          if (of.empty() || of.back().group != g)
            of.push_back({g, 0});
          of.back().strips += 1;
        }
  }
  for (const std::vector<Ranges::Use> &of : uses) {
    r.first.push_back(r.uses.size());
    r.uses.insert(r.uses.end(), of.begin(), of.end());
  }
  r.first.push_back(r.uses.size());
  for (int64_t bound : bounds) {
    const int64_t top = bound >> shift;
    counter.lowest.push_back(i.is_signed ? -top - 1 : 0);
    counter.counters.emplace_back(size_t(top - counter.lowest.back() + 1), 0);
  }
  return counter;
}

std::shared_ptr<const SumStatistics::Ranges>
RangeCounter::finish(std::vector<float> totals, std::vector<double> exact) {
  for (size_t g = 0; g != counters.size(); ++g) {
    Ranges::Group &group = ranges->groups[g];
    group.counts = occurred(counters[g], lowest[g], shift);
    std::tie(group.mean, group.variance) = momentsOf(group.counts);
  }
  if (!isUniform()) {
    ranges->totals = std::move(totals);
    ranges->exact = std::move(exact);
  }
  return ranges;
}
