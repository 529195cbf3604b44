//===- Device.h - Memory cells, drivers and converters as data --*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What cells store and arrays read, as distributions (X-DEV and on, in
// docs/crossbar.md). A device is a YAML file in targets/devices; the unit of
// every constant is part of its name: us (microsiemens), ohm, s, lsb (steps of
// a converter), relative (to the value itself), fraction (of max_us), log
// (natural logarithm).
//
// A fit holds in the range of its curve. Levels outside of it are refused, and
// so is a fit whose conductances were normalized to another maximum than the
// device has, unless the file says that it scales.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_CROSSBAR_DEVICE_H
#define IMC_CROSSBAR_DEVICE_H

#include "imc/Crossbar/Crossbar.h"

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>
#include <vector>

namespace imc::crossbar {

/// A function of a conductance, in pieces (X-FIT).
struct Curve {
  enum class Of { Fraction, Conductance }; ///< G / max_us, or G in us
  enum class Form {
    Polynomial, ///< sum_i c_i v^i
    Log,        ///< c_0 + c_1 ln v
    Log10,      ///< c_0 + c_1 log10 v
    Power       ///< c_0 v^c_1
  };
  struct Piece {
    double from = 0, to = 0; ///< of the variable
    Form form = Form::Polynomial;
    std::vector<double> coefficients;
    std::optional<double> min, max; ///< the value is limited to
  };
  Of of = Of::Fraction;
  std::vector<Piece> pieces; ///< ascending, without gaps
  /// Maximum that the fit's fractions refer to; 0: any.
  double fitted_max_us = 0;
  /// The value is proportional to the maximum: PCM's sigma in us.
  bool scales_with_max = false;

  double from() const { return pieces.front().from; }
  double to() const { return pieces.back().to; }
  /// Beyond the ends the outer pieces go on: only spread leads there.
  double at(double v) const;
};

/// Cells (X-DEV). Level u of 2^b has the conductance
/// min_us + u (max_us - min_us) / (2^b - 1).
struct Device {
  std::string name, description, citation, file;

  double min_us = 0, max_us = 0;
  /// A column of cells at min_us is subtracted from every converter's input, so
  /// that the level 0 counts as 0 whatever the ratio of on and off.
  bool reference_column = false;

  // Programming (X-PROG): at most one of these. Results below floor_us are
  // floor_us.
  std::optional<double> sigma_relative, sigma_fraction, sigma_log;
  struct TimedCurve {
    std::optional<double> time_s; ///< the only time that it holds for
    Curve sigma_us;
  };
  std::vector<TimedCurve> sigma_us;
  double floor_us = 0;

  // Drift (X-DRIFT): G (1 + t / reference_s)^-nu, nu = |normal(mean, sigma)|.
  struct Drift {
    double reference_s = 0;
    Curve exponent_mean, exponent_sigma;
  };
  std::optional<Drift> drift;
  // Relaxation (X-RELAX): G + normal(mean ln t, sigma ln t + sigma_us).
  struct Relaxation {
    double mean_us_per_log_s = 0, sigma_us_per_log_s = 0, sigma_us = 0;
  };
  std::optional<Relaxation> relaxation;

  // Read noise (X-NOISE): at most one of relative, in us, or a curve times
  // sqrt(ln((T + read_s) / (2 read_s))), T = t + reference_s of the drift; the
  // curve is relative to G(t) at the programmed fraction, or in us at G(t).
  struct Flicker {
    std::optional<Curve> relative, us;
    double read_s = 0;
  };
  std::optional<double> read_sigma_relative, read_sigma_us;
  std::optional<Flicker> flicker;

  // Faults (X-FAULT): shares of cells that stay at min_us and at max_us.
  double stuck_off_rate = 0, stuck_on_rate = 0;

  // Bit lines (X-IR): resistance between neighbouring cells; 0: none.
  double segment_ohm = 0;
  bool idle_rows_grounded = false; ///< otherwise cut off by their transistors

  // Converters and drivers (X-CONV): one draw for each, and noise of each
  // conversion.
  double converter_gain_relative = 0, converter_gain_sigma_relative = 0;
  double converter_offset_lsb = 0, converter_offset_sigma_lsb = 0;
  double converter_noise_sigma_lsb = 0;
  double driver_gain_sigma_relative = 0, driver_offset_sigma_lsb = 0;

  bool needsTime() const { return drift || relaxation || flicker; }
  bool hasReadNoise() const {
    return read_sigma_relative || read_sigma_us || flicker;
  }
};

/// Ideal cells between 0 and 100 us: a start for devices made in memory.
Device idealDevice();

/// What `device` says of a cell with this target; closed forms.
struct CellModel {
  double target_us = 0;
  double sigma_us = 0; ///< of programming, before floor_us; lognormal: of ln G
  double nu_mean = 0, nu_sigma = 0;
  double relax_mean_us = 0, relax_sigma_us = 0;
};
/// Refused: targets and times outside of what the device's fits hold for, with
/// field, value and range.
llvm::Expected<CellModel> modelOf(const Device &device, double targetUs,
                                  double timeS);

/// Mean and standard deviation after programming, with floor_us (a normal
/// distribution whose lower end is collected there): the bias of clamping.
struct Moments {
  double mean_us = 0, sigma_us = 0;
};
Moments programmedMoments(const Device &device, const CellModel &model);

/// Cells with one target: conductance and standard deviation of a read.
llvm::Error drawCells(const Device &device, double targetUs, const Draw &draw,
                      int64_t count, float *conductanceUs, float *readSigmaUs);

/// Checks the fields against each other.
llvm::Error check(const Device &device);

/// Reads a device. Errors carry file:line, field, value and what it may be.
llvm::Expected<Device> parseDevice(llvm::StringRef text, llvm::StringRef file);
/// `nameOrPath` is a file (it has a '/' or ends in .yaml or .yml) or a name,
/// searched as DIR/devices/NAME.yaml. The error lists the names that there are.
llvm::Expected<Device> loadDevice(llvm::StringRef nameOrPath,
                                  llvm::ArrayRef<std::string> searchDirs);
std::vector<std::string> listDevices(llvm::ArrayRef<std::string> searchDirs);

} // namespace imc::crossbar

#endif // IMC_CROSSBAR_DEVICE_H
