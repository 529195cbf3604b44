//===- Noise.h - Errors of a product in closed form -------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What converters and cells add to a product, without running it for every
// choice of them (X-STAT, X-MODEL and X-SPREAD in docs/crossbar.md). The sums
// that converters read are counted once for weights, windows of inputs, rows,
// cells and phases; any number of converters and devices are then a few
// thousand operations each.
//
// Method: the error e = Q(S) - S of a converter is split by linear regression
// on the sum (Bussgang) into a part that follows S, whose correlations between
// slices and phases were measured, and a rest that is taken as uncorrelated.
// Cells add a mean error and a variance that follow from moments of levels.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_CROSSBAR_NOISE_H
#define IMC_CROSSBAR_NOISE_H

#include "imc/Crossbar/Crossbar.h"
#include "imc/Crossbar/Device.h"

#include <memory>
#include <vector>

namespace imc::crossbar {

/// Error of a product relative to its signal, the mean square of the exact
/// results around their mean for each output (the part that depends on the
/// input). Pure numbers.
struct RelativeError {
  double gain = 0;   ///< slope of the error on the signal; -1: nothing is left
  double offset = 0; ///< mean error of all results, over the signal's root
  double bias = 0;   ///< mean square of the outputs' mean errors, less `offset`
  double residual = 0; ///< mean square of the rest
  /// Parts of `residual` and `bias` that each draw of a device changes.
  double noise = 0, noise_bias = 0;

  /// All of it: what an experiment measures as error over signal.
  double total() const {
    return gain * gain + offset * offset + bias + residual;
  }
};

/// Moments of a cell of each level, in steps between levels (X-SPREAD).
struct LevelMoments {
  std::vector<double> mean;     ///< of the conductance, less the level
  std::vector<double> variance; ///< between cells
  std::vector<double> read;     ///< mean variance of a read
};
/// Of cells of `bits` bits of `device`, from `count` draws of every level.
/// Refused: what drawCells refuses, and line.segment_ohm, which this model does
/// not know.
llvm::Expected<LevelMoments> levelMoments(const Device &device, int64_t bits,
                                          double timeS, int64_t count = 4096);

/// Sums of a product that were counted, and what converters make of them.
class SumStatistics {
public:
  /// Counts the sums of `product` (its arrays; its readout and device do not
  /// matter) over M windows, for ranges that are the same whatever the data,
  /// and for the range of `ranges`: a calibrated one, which follows from what
  /// the product's `calibrate` counted, or Filled where groups share arrays.
  /// That takes a few times the memory. Refused: codes beyond input_bits, no
  /// windows, calibrated ranges before `calibrate`.
  static llvm::Expected<SumStatistics> measure(const Product &product,
                                               const uint8_t *codes, int64_t m,
                                               const Readout &ranges = {});

  /// Errors of `readout` on ideal cells, or with `device` on cells whose levels
  /// have these moments. Refused: ranges (with a criterion and quantile) that
  /// were not counted.
  llvm::Expected<RelativeError>
  error(const Readout &readout, const Device *device = nullptr,
        const LevelMoments *levels = nullptr) const;

  /// Mean square of the exact results around their means by output.
  double signal() const { return signalSquare; }
  /// Memory that this takes.
  size_t bytes() const;

  struct Ranges; ///< lib/Crossbar/NoiseRanges.h
private:
  bool countedFor(const Readout &readout) const;
  /// Sums of one converter of a weight, in one phase, in strips of one kind.
  struct Class {
    double place = 0; ///< coefficient of the converter times the phase's weight
    int64_t converter = 0, phase = 0;
    double strips = 0;             ///< of the kind that an output has
    int64_t rows = 0;              ///< of these strips
    double mean = 0, variance = 0; ///< of the sums
    /// Sums that occurred (middles of bins), and how often.
    std::vector<std::pair<double, double>> counts;
  };
  /// Variance that cells add to the sums of an output, over all strips; by
  /// converter and phase, and by converter for whole codes.
  struct CellSpread {
    std::vector<double> cells, reads; ///< J x phases
    std::vector<double> codes;        ///< J
    std::vector<double> means;        ///< J, part that all windows share
  };
  CellSpread cellSpread(const LevelMoments &levels) const;
  /// What drivers, converters and the means of levels add to results.
  struct CellError {
    double variance = 0;                    ///< between draws
    double mean = 0, square = 0, along = 0; ///< of what all draws share
  };
  /// Converters of one step: of a class, or of one range in it.
  struct Converters {
    size_t of = 0;     ///< class
    double strips = 0; ///< that an output has, on average
    double step = 1;
  };
  CellError otherError(const Device &device, const LevelMoments &levels,
                       const std::vector<Converters> &converters) const;
  /// How they read sums: Q(S + nu) = S + e(S) + pass nu + rest, nu what cells
  /// add, e a line in S with this mean.
  struct Line {
    double mean = 0, slope = 0, pass = 1, rest = 0, count = 0;
  };
  /// Of counted sums with this mean and variance; noise of mean square `noise`
  /// on sums whose mean is `noiseMean`.
  Line lineOf(const std::vector<std::pair<double, double>> &counts, double mean,
              double variance, double noise, double noiseMean, double step,
              const Readout &readout, double high) const;
  /// What lines add up to in results: mean, mean square, mean product with the
  /// signal, and variance of the outputs' means.
  struct Followed {
    double mean = 0, square = 0, along = 0, bias = 0;
  };
  Followed follow(const std::vector<Line> &lines) const;
  /// Lines of groups. What no line of an output follows goes to `rest`.
  Followed followGroups(const std::vector<Line> &lines, double &rest) const;
  /// Steps of a range that is one for the product, or Filled of arrays that
  /// hold one group: `bits`, codes up to `high`; by class.
  std::vector<double> stepsOf(const Readout &readout, int64_t bits,
                              double high) const;

  Arrays arrays;
  std::vector<Class> classes;
  std::shared_ptr<const Ranges> ranges;
  bool isSigned = false;
  std::vector<double> products; ///< E[Y_c Y_d], Y the sum over strips
  std::vector<double> meanOf;   ///< E[Y_c]
  std::vector<double> between;  ///< covariance over outputs of the means of Y_c
  std::vector<double> withSignal; ///< E[Y_c y], y around its mean by output
  double signalSquare = 0;

  // Cells: inputs and weights of the counted windows.
  Shape shape;
  std::vector<int8_t> weights; ///< G x K x N
  std::vector<uint8_t> codes;  ///< windows x G*K
  int64_t windows = 0;
  std::vector<double> digitSquare; ///< sum over windows of digit^2, per phase
                                   ///< and row: phases x G*K
  std::vector<double> codeSquare, codeMean; ///< the same of codes, G*K
  std::vector<double> phaseWeights;
};

} // namespace imc::crossbar

#endif // IMC_CROSSBAR_NOISE_H
