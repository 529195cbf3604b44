//===- Model.h - Accuracy of designs in closed form -------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a search believes of the accuracy of a network on a design: errors of
// its products, of ideal cells on a sample of windows, of devices by
// crossbar::SumStatistics, added up by how much the outputs feel each of them,
// and a monotone curve from there to top-1 that was fitted to simulations
// (Fit.h). docs/howto/search-for-accuracy.md has the method.
//
// A model is a JSON file. It holds what it was made from, with digests: a
// search refuses a model of other weights.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_ACCURACY_MODEL_H
#define IMC_ACCURACY_MODEL_H

#include "imc/Accuracy/Kriging.h"
#include "imc/Crossbar/Noise.h"
#include "imc/Machine/Machine.h"
#include "imc/Mapping/Mapping.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/JSON.h"

#include <map>
#include <memory>
#include <mutex>
#include <tuple>

namespace imc::accuracy {

/// MD5 of a file's bytes.
llvm::Expected<std::string> fileDigest(llvm::StringRef path);

/// Everything of a design that results depend on.
struct ArraySettings {
  crossbar::Arrays arrays;
  crossbar::Readout readout;
  mapping::GroupPacking packing = mapping::GroupPacking::Single;
};
/// The readout is what imc.mvm computes: range_bits of the machine.
ArraySettings settingsOf(const machine::Machine &machine,
                         const mapping::Knobs &knobs);
/// groups_per_pack of a product.
int64_t groupsPerPack(const crossbar::Shape &shape,
                      const ArraySettings &settings);

/// A product with weights and inputs of 8 bits.
struct LayerData {
  std::string name;
  crossbar::Shape shape; ///< groups_per_pack is not set
  std::vector<int8_t> weights;
  std::vector<uint8_t> codes; ///< windows x G*K
  int64_t windows = 0;
  /// Windows of the samples that calibrated ranges follow from.
  std::vector<uint8_t> calibration; ///< calibrationWindows x G*K
  int64_t calibrationWindows = 0;
  /// Mean square of the outputs' error over that of the product's results, for
  /// a small error of this product alone.
  double gain = 0;
  /// The same for a constant error of each output, which no mean over
  /// windows takes away.
  double biasGain = 0;
  double weight = 1; ///< of both, fitted
  /// Fitted, of constant errors, gains and offsets beside the others.
  double biasWeight = 1, gainWeight = 1, offsetWeight = 1;
};

/// A design that was simulated.
struct SimulatedDesign {
  std::string text; ///< as --set takes it
  double noise = 0; ///< what the model adds up for it
  double top1 = 0;  ///< mean over trials
  double deviation = 0;
  int64_t trials = 1;
  /// What a model that was corrected by the other designs predicts for it.
  double fromOthers = 0;
};

struct Prediction {
  double noise = 0;    ///< noise over signal of the outputs
  double rounding = 0; ///< part of it that fewer bits than 8 are
  double draws = 0;    ///< part of it that draws of the device change
  double top1 = 0;
  double uncorrected = 0; ///< top1 by the curve alone
  /// Of top-1 between draws of the device; 0 without one.
  double deviation = 0;
  std::vector<crossbar::RelativeError> layers; ///< of converters and cells
  std::vector<double> roundings; ///< error over signal of fewer bits, by layer
  int64_t weightBits = 8, inputBits = 8;

  /// Share of draws whose top-1 is at least `floor`, by a normal distribution.
  double yield(double floor) const;
};

class Model {
public:
  Model();
  /// Digests are MD5 of the files.
  std::string name, modelDigest, dataDigest;
  std::string deviceText; ///< as in its file; empty: ideal devices
  double timeS = 0;
  int64_t samples = 0, skip = 0; ///< of the data
  double integers = 0;           ///< top-1 of integer products of 8 bits
  /// The same for other bits of weights and inputs.
  std::map<std::pair<int64_t, int64_t>, double> integersAt;
  double chance = 0; ///< of guessing, 1 / classes
  std::vector<LayerData> layers;
  /// 2 L x 2 L: products of the outputs' errors for relative gain errors and
  /// offsets of each of the L products, over the outputs' mean square. What all
  /// results of a product share adds up with its sign.
  std::vector<double> shared;
  std::vector<SimulatedDesign> fitted;
  std::optional<crossbar::Device> device;

  /// Sums of the errors of all products, weighted. Thread safe; arrays and
  /// statistics of sums are kept for each combination of rows, cells, phases
  /// and bits, and for each range whose steps follow from the sums. Refused:
  /// calibrated ranges of a model without windows of calibration.
  llvm::Expected<Prediction> predict(const ArraySettings &settings) const;

  /// Chooses the curve and the products' weights so that predictions of these
  /// designs come near their simulations: least squares by coordinate descent,
  /// weights of products held near 1; then the correction, to what is left.
  /// Fills `fitted`.
  llvm::Error
  fit(llvm::ArrayRef<std::pair<ArraySettings, SimulatedDesign>> designs);
  /// Share of the way from guessing to all that integers get right that is left
  /// with this noise: the curve.
  double curve(double noise) const;

  llvm::json::Value toJSON() const;
  static llvm::Expected<Model> parse(llvm::StringRef text,
                                     llvm::StringRef file);
  static llvm::Expected<Model> read(llvm::StringRef path);

  // Fitted.
  double midpoint = 1, steepness = 1.5;    ///< of the curve, in noise
  double gainWeight = 1, offsetWeight = 1; ///< of the two halves of `shared`
  double deviationScale = 0;               ///< of the spread between draws
  /// Of top-1, over places of predictions; not for designs that lose nothing.
  Kriging correction;

  /// Coordinates of a design: the prediction by the curve (log odds), and each
  /// product's residual with rounding and bias (log10), gain and offset, and
  /// with a device what its draws change (log10).
  std::vector<double> placeOf(const Prediction &prediction) const;
  /// Empty for a model without layers.
  std::vector<size_t> placeBlocks() const;

private:
  void add(Prediction &prediction) const;
  void correct(Prediction &prediction) const;
  struct Known;
  mutable std::shared_ptr<Known> cache;
};

} // namespace imc::accuracy

#endif // IMC_ACCURACY_MODEL_H
