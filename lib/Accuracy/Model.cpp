//===- Model.cpp - Accuracy of designs in closed form ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Accuracy/Model.h"

#include "ProductSample.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>

using namespace imc;
using namespace imc::accuracy;
using llvm::Expected;

//===----------------------------------------------------------------------===//
// Designs
//===----------------------------------------------------------------------===//

ArraySettings accuracy::settingsOf(const machine::Machine &m,
                                   const mapping::Knobs &k) {
  ArraySettings s;
  crossbar::Arrays &a = s.arrays;
  switch (k.encoding) {
  case mapping::Encoding::Offset:
    a.encoding = crossbar::Encoding::Offset;
    break;
  case mapping::Encoding::Differential:
    a.encoding = crossbar::Encoding::Differential;
    break;
  case mapping::Encoding::TwosComplement:
    a.encoding = crossbar::Encoding::TwosComplement;
    break;
  }
  a.weight_bits = k.weight_bits;
  a.cell_bits = m.cell.bits;
  a.input_bits = k.input_bits;
  a.dac_bits = m.dac.bits;
  a.rows = m.drivenRows();
  a.cols = m.array.cols;
  s.readout.adc_bits = mapping::adcBits(k, m);
  const int64_t range = mapping::rangeBits(m);
  switch (k.range) {
  case mapping::Range::Full:
    if (range < mapping::losslessBits(m)) {
      s.readout.range = crossbar::Range::Bits;
      s.readout.range_bits = range;
    }
    break;
  case mapping::Range::Filled:
    s.readout.range = crossbar::Range::Filled;
    break;
  case mapping::Range::Lossless:
    s.readout.range = crossbar::Range::Lossless;
    break;
  case mapping::Range::Layer:
    s.readout.range = crossbar::Range::Layer;
    break;
  case mapping::Range::Array:
    s.readout.range = crossbar::Range::Array;
    break;
  case mapping::Range::Column:
    s.readout.range = crossbar::Range::Column;
    break;
  case mapping::Range::Phase:
    s.readout.range = crossbar::Range::Phase;
    break;
  }
  switch (k.ties) {
  case mapping::Ties::HalfUp:
    break;
  case mapping::Ties::HalfEven:
    s.readout.ties = crossbar::Ties::HalfEven;
    break;
  case mapping::Ties::Floor:
    s.readout.ties = crossbar::Ties::Floor;
    break;
  }
  s.packing = k.group_packing;
  return s;
}

int64_t accuracy::groupsPerPack(const crossbar::Shape &shape,
                                const ArraySettings &settings) {
  if (shape.groups == 1)
    return 1;
  switch (settings.packing) {
  case mapping::GroupPacking::Single:
    break;
  case mapping::GroupPacking::Diagonal:
    return std::max<int64_t>(
        1, std::min(
               {shape.groups, settings.arrays.rows / shape.k,
                settings.arrays.cols /
                    (shape.n * crossbar::columnsPerWeight(settings.arrays))}));
  case mapping::GroupPacking::Dense:
    return shape.groups;
  }
  return 1;
}

//===----------------------------------------------------------------------===//
// Networks
//===----------------------------------------------------------------------===//

/// Of a range that sums are counted for: which, and what it follows from.
using RangeKey = std::tuple<int, int, double>;
using SumsKey = std::tuple<int, int64_t, int64_t, int64_t, int64_t, int64_t,
                           int64_t, int64_t, RangeKey>;
using DesignKey = std::tuple<SumsKey, int64_t, int64_t, int, int, int>;
using Sums = std::vector<ProductSample>;

struct Model::Known {
  std::mutex mutex;
  std::map<SumsKey, std::shared_ptr<const Sums>> sums;
  std::vector<SumsKey> order; ///< of `sums`, oldest first
  size_t bytes = 0;           ///< of `sums`
  std::map<DesignKey, Prediction> designs;
  std::map<int64_t, crossbar::LevelMoments> levels; ///< by bits of a cell
  std::vector<std::vector<int32_t>> results;        ///< resultsOf(), by product
};

Model::Model() : cache(std::make_shared<Known>()) {}

/// Statistics of so many combinations are kept, and so many bytes; one takes a
/// few megabytes, where steps differ within products some tens.
static constexpr size_t maxKept = 64, maxBytes = size_t(256) << 20;

static size_t bytesOf(const Sums &sums) {
  size_t all = 0;
  for (const ProductSample &p : sums)
    all += p.bytes();
  return all;
}

double Prediction::yield(double floor) const {
  if (deviation <= 0)
    return top1 >= floor ? 1 : 0;
  return 0.5 * std::erfc((floor - top1) / deviation * 0.7071067811865476);
}

double Model::curve(double noise) const {
  return 1 / (1 + std::pow(std::max(noise, 0.0) / midpoint, steepness));
}

/// What is left of a product's signal; none at all counts as a thousandth.
static double leftOf(const crossbar::RelativeError &e) {
  return std::max(1e-3, 1 + e.gain);
}

void Model::add(Prediction &p) const {
  const size_t count = layers.size();
  p.noise = p.rounding = p.draws = 0;
  std::vector<double> v(2 * count);
  for (size_t l = 0; l != count; ++l) {
    const crossbar::RelativeError &e = p.layers[l];
    const double left = leftOf(e);
    const double gain = layers[l].gain * layers[l].weight / (left * left);
    const double biasGain = layers[l].biasGain * layers[l].weight *
                            layers[l].biasWeight / (left * left);
    p.noise += gain * (e.residual + p.roundings[l]) + biasGain * e.bias;
    p.draws += gain * e.noise + biasGain * e.noise_bias;
    p.rounding += layers[l].gain * layers[l].weight * p.roundings[l];
    // Relative to what is left, so that a signal that is gone counts as much.
    v[l] = e.gain / left * std::sqrt(gainWeight * layers[l].gainWeight);
    v[count + l] =
        e.offset / left * std::sqrt(offsetWeight * layers[l].offsetWeight);
  }
  double together = 0;
  for (size_t i = 0; i != v.size(); ++i)
    for (size_t j = 0; j != v.size(); ++j)
      together += v[i] * v[j] * shared[i * v.size() + j];
  p.noise += std::max(0.0, together);
  const auto at = integersAt.find({p.weightBits, p.inputBits});
  const double whole = curve(p.rounding);
  // Without a measurement for these bits, their rounding is noise like other.
  const double top = at == integersAt.end()
                         ? chance + (integers - chance) * whole
                         : at->second;
  p.top1 = chance + (top - chance) * std::min(1.0, curve(p.noise) / whole);
  // Noise that draws change spreads top-1 by the slope of the curve.
  p.deviation = deviationScale *
                std::max(0.0, (top - chance) / whole *
                                  (curve(p.noise) - curve(p.noise + p.draws)));
}

std::vector<size_t> Model::placeBlocks() const {
  const size_t count = layers.size();
  std::vector<size_t> blocks = {1, count, count, count, count};
  if (device)
    blocks.push_back(count);
  return blocks;
}

std::vector<double> Model::placeOf(const Prediction &p) const {
  // All products together weigh as much as the prediction, before scales.
  const double scale = 1 / std::sqrt(double(layers.size()));
  const double share = std::clamp(p.uncorrected, 0.02, 0.98);
  std::vector<double> place{std::log(share / (1 - share))};
  for (size_t l = 0; l != layers.size(); ++l)
    place.push_back(scale *
                    std::log10(1e-3 + std::max(0.0, p.layers[l].residual +
                                                        p.roundings[l])));
  for (const crossbar::RelativeError &e : p.layers)
    place.push_back(scale * std::log10(1e-3 + std::max(0.0, e.bias)));
  for (const crossbar::RelativeError &e : p.layers)
    place.push_back(scale * 4 * e.gain);
  for (const crossbar::RelativeError &e : p.layers)
    place.push_back(scale * std::asinh(3 * e.offset));
  // Errors of cells are the same for all images, those of converters are not:
  // as much of either is not worth the same.
  if (device)
    for (const crossbar::RelativeError &e : p.layers)
      place.push_back(scale * std::log10(1e-3 + e.noise + e.noise_bias));
  return place;
}

/// Converters and cells change nothing.
static bool losesNothing(const Prediction &p) {
  return llvm::all_of(p.layers, [](const crossbar::RelativeError &e) {
    return e.total() == 0;
  });
}

void Model::correct(Prediction &p) const {
  p.uncorrected = p.top1;
  if (!correction.empty() && !losesNothing(p))
    p.top1 = std::clamp(p.top1 + correction.at(placeOf(p)), 0.0, 1.0);
}

static llvm::Error ofProduct(const LayerData &layer, llvm::Error error) {
  return llvm::createStringError("product '" + layer.name +
                                 "': " + llvm::toString(std::move(error)));
}

Expected<Prediction> Model::predict(const ArraySettings &settings) const {
  Known &known = *cache;
  const crossbar::Arrays &a = settings.arrays;
  const crossbar::Readout &r = settings.readout;
  const bool groups = llvm::any_of(
      layers, [](const LayerData &l) { return l.shape.groups > 1; });
  const SumsKey key{int(a.encoding),
                    a.weight_bits,
                    a.cell_bits,
                    a.input_bits,
                    a.dac_bits,
                    a.rows,
                    groups ? int64_t(settings.packing) : 0,
                    groups || r.range == crossbar::Range::Array ? a.cols : 0,
                    isCounted(settings)
                        ? RangeKey(int(r.range), int(r.criterion), r.quantile)
                        : RangeKey(-1, 0, 0)};
  const DesignKey design{key,
                         r.adc_bits,
                         r.range == crossbar::Range::Bits ? r.range_bits : 0,
                         int(r.range),
                         int(r.ties),
                         int(r.step)};
  std::shared_ptr<const Sums> sums;
  const crossbar::LevelMoments *levels = nullptr;
  {
    std::lock_guard<std::mutex> lock(known.mutex);
    if (auto found = known.designs.find(design); found != known.designs.end())
      return found->second;
    if (auto found = known.sums.find(key); found != known.sums.end())
      sums = found->second;
    for (size_t l = known.results.size(); l != layers.size(); ++l) {
      Expected<std::vector<int32_t>> results = resultsOf(layers[l]);
      if (!results)
        return ofProduct(layers[l], results.takeError());
      known.results.push_back(std::move(*results));
    }
    if (device) {
      auto found = known.levels.find(a.cell_bits);
      if (found == known.levels.end()) {
        Expected<crossbar::LevelMoments> moments =
            crossbar::levelMoments(*device, a.cell_bits, timeS);
        if (!moments)
          return moments.takeError();
        found = known.levels.emplace(a.cell_bits, std::move(*moments)).first;
      }
      levels = &found->second;
    }
  }
  if (!sums) {
    auto made = std::make_shared<Sums>();
    for (auto [layer, results] : llvm::zip_equal(layers, known.results)) {
      Expected<ProductSample> sample =
          ProductSample::create(layer, settings, results, device.has_value());
      if (!sample)
        return ofProduct(layer, sample.takeError());
      made->push_back(std::move(*sample));
    }
    sums = made;
    std::lock_guard<std::mutex> lock(known.mutex);
    if (known.sums.emplace(key, sums).second) {
      known.order.push_back(key);
      known.bytes += bytesOf(*sums);
      while (known.order.size() > 1 &&
             (known.order.size() > maxKept || known.bytes > maxBytes)) {
        const auto oldest = known.sums.find(known.order.front());
        known.bytes -= bytesOf(*oldest->second);
        known.sums.erase(oldest);
        known.order.erase(known.order.begin());
      }
    }
  }
  Prediction out;
  for (auto [layer, sample] : llvm::zip_equal(layers, *sums)) {
    Expected<crossbar::RelativeError> error =
        sample.error(settings.readout, device ? &*device : nullptr, levels);
    if (!error)
      return ofProduct(layer, error.takeError());
    out.roundings.push_back(sample.rounding());
    out.layers.push_back(*error);
  }
  out.weightBits = a.weight_bits;
  out.inputBits = a.input_bits;
  add(out);
  correct(out);
  std::lock_guard<std::mutex> lock(known.mutex);
  known.designs.emplace(design, out);
  return out;
}

//===----------------------------------------------------------------------===//
// Fitting
//===----------------------------------------------------------------------===//

llvm::Error
Model::fit(llvm::ArrayRef<std::pair<ArraySettings, SimulatedDesign>> designs) {
  cache = std::make_shared<Known>();
  correction = Kriging();
  std::vector<Prediction> predictions;
  for (const auto &[settings, design] : designs) {
    Expected<Prediction> p = predict(settings);
    if (!p)
      return p.takeError();
    predictions.push_back(std::move(*p));
  }
  // Logarithms of what is positive.
  const size_t count = layers.size();
  std::vector<double> x(4 + 4 * count, 0);
  x[0] = std::log(midpoint);
  x[1] = std::log(steepness);
  auto use = [&](const std::vector<double> &values) {
    midpoint = std::exp(values[0]);
    steepness = std::exp(values[1]);
    gainWeight = std::exp(values[2]);
    offsetWeight = std::exp(values[3]);
    for (size_t l = 0; l != count; ++l) {
      layers[l].weight = std::exp(values[4 + l]);
      layers[l].biasWeight = std::exp(values[4 + count + l]);
      layers[l].gainWeight = std::exp(values[4 + 2 * count + l]);
      layers[l].offsetWeight = std::exp(values[4 + 3 * count + l]);
    }
  };
  const double half = chance + (integers - chance) / 2;
  auto cost = [&](const std::vector<double> &values) {
    use(values);
    double sum = 0;
    for (size_t d = 0; d != designs.size(); ++d) {
      add(predictions[d]);
      const double e = predictions[d].top1 - designs[d].second.top1;
      // Designs that nobody would take need not be met as well.
      sum += (designs[d].second.top1 > half ? 1 : 0.3) * e * e;
    }
    for (size_t i = 2; i != values.size(); ++i)
      sum += 0.003 * values[i] * values[i];
    return sum;
  };
  double best = cost(x);
  std::vector<double> step(x.size(), 0.5);
  for (int round = 0; round < 400; ++round) {
    for (size_t i = 0; i != x.size(); ++i) {
      bool better = false;
      for (double sign : {1.0, -1.0}) {
        std::vector<double> y = x;
        y[i] += sign * step[i];
        const double c = cost(y);
        if (c < best && std::abs(y[i]) < 12) {
          best = c;
          x = std::move(y);
          better = true;
          break;
        }
      }
      step[i] *= better ? 1.5 : 0.6;
    }
    if (*std::max_element(step.begin(), step.end()) < 1e-4)
      break;
  }
  use(x);

  // What is left follows the same terms, in ways that no sum has.
  correction.setBlocks(placeBlocks());
  std::vector<Kriging::Place> places;
  std::vector<double> left, importance;
  std::vector<size_t> lossy;
  for (size_t d = 0; d != designs.size(); ++d) {
    add(predictions[d]);
    predictions[d].uncorrected = predictions[d].top1;
    if (losesNothing(predictions[d]))
      continue;
    lossy.push_back(d);
    places.push_back(placeOf(predictions[d]));
    left.push_back(designs[d].second.top1 - predictions[d].top1);
    importance.push_back(designs[d].second.top1 > half ? 1 : 0.2);
  }
  const std::vector<double> others =
      correction.fit(places, left, importance, /*rounds=*/8);

  // The spread between draws, by least squares through 0.
  double along = 0, square = 0;
  deviationScale = 1;
  for (size_t d = 0; d != designs.size(); ++d) {
    if (designs[d].second.trials < 2)
      continue;
    add(predictions[d]);
    along += predictions[d].deviation * designs[d].second.deviation;
    square += predictions[d].deviation * predictions[d].deviation;
  }
  deviationScale = square > 0 ? along / square : 0;
  fitted.clear();
  for (size_t d = 0; d != designs.size(); ++d) {
    add(predictions[d]);
    fitted.push_back(designs[d].second);
    fitted.back().noise = predictions[d].noise;
    fitted.back().fromOthers = predictions[d].top1;
  }
  for (size_t i = 0; i != lossy.size(); ++i) {
    double &value = fitted[lossy[i]].fromOthers;
    value = std::clamp(value + others[i], 0.0, 1.0);
  }
  cache = std::make_shared<Known>();
  return llvm::Error::success();
}
