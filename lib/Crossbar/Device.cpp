//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CellDraw.h"
#include "Impl.h"

#include <algorithm>
#include <cmath>

using namespace imc::crossbar;

double Curve::at(double v) const {
  size_t p = 0;
  while (p + 1 < pieces.size() && v >= pieces[p + 1].from)
    ++p;
  const Piece &piece = pieces[p];
  const std::vector<double> &c = piece.coefficients;
  double value = 0;
  switch (piece.form) {
  case Form::Polynomial:
    for (size_t i = c.size(); i-- > 0;)
      value = value * v + c[i];
    break;
  case Form::Log:
    value = c[0] + c[1] * std::log(v);
    break;
  case Form::Log10:
    value = c[0] + c[1] * std::log10(v);
    break;
  case Form::Power:
    value = c[0] * std::pow(v, c[1]);
    break;
  }
  if (piece.min)
    value = std::max(value, *piece.min);
  if (piece.max)
    value = std::min(value, *piece.max);
  return value;
}

Device imc::crossbar::idealDevice() {
  Device device;
  device.name = "ideal";
  device.max_us = 100;
  return device;
}

static std::string text(double v) {
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "%.6g", v);
  return buffer;
}

static llvm::Error refuse(const Device &device, const std::string &message) {
  return fail(
      (device.file.empty() ? "device '" + device.name + "'" : device.file) +
      ": " + message);
}

std::optional<FieldProblem> imc::crossbar::findProblem(const Device &d) {
  const struct {
    const char *name;
    double value, least, most;
  } limits[] = {
      {"cell.min_us", d.min_us, 0, 1e9},
      {"cell.max_us", d.max_us, 0, 1e9},
      {"programming.sigma_relative", d.sigma_relative.value_or(0), 0, 10},
      {"programming.sigma_fraction", d.sigma_fraction.value_or(0), 0, 10},
      {"programming.sigma_log", d.sigma_log.value_or(0), 0, 5},
      {"programming.floor_us", d.floor_us, 0, 1e9},
      {"drift.reference_s", d.drift ? d.drift->reference_s : 1, 1e-12, 1e12},
      {"read_noise.sigma_relative", d.read_sigma_relative.value_or(0), 0, 10},
      {"read_noise.sigma_us", d.read_sigma_us.value_or(0), 0, 1e9},
      {"read_noise.flicker.read_s", d.flicker ? d.flicker->read_s : 1, 1e-15,
       1e12},
      {"faults.stuck_off_rate", d.stuck_off_rate, 0, 1},
      {"faults.stuck_on_rate", d.stuck_on_rate, 0, 1},
      {"line.segment_ohm", d.segment_ohm, 0, 1e6},
      {"converter.gain_relative", d.converter_gain_relative, -0.99, 10},
      {"converter.gain_sigma_relative", d.converter_gain_sigma_relative, 0, 1},
      {"converter.offset_lsb", d.converter_offset_lsb, -1e6, 1e6},
      {"converter.offset_sigma_lsb", d.converter_offset_sigma_lsb, 0, 1e6},
      {"converter.noise_sigma_lsb", d.converter_noise_sigma_lsb, 0, 1e6},
      {"driver.gain_sigma_relative", d.driver_gain_sigma_relative, 0, 1},
      {"driver.offset_sigma_lsb", d.driver_offset_sigma_lsb, 0, 1e3},
  };
  for (const auto &l : limits)
    if (!(l.value >= l.least && l.value <= l.most))
      return FieldProblem{l.name, "is " + text(l.value) + ", must be " +
                                      text(l.least) + " to " + text(l.most)};
  if (d.max_us <= d.min_us)
    return FieldProblem{"cell.max_us", "is " + text(d.max_us) +
                                           ", must be above 'cell.min_us', " +
                                           text(d.min_us)};
  if (bool(d.sigma_relative) + bool(d.sigma_fraction) + bool(d.sigma_log) +
          int(!d.sigma_us.empty()) >
      1)
    return FieldProblem{"programming",
                        "has more than one kind of spread; it may be "
                        "sigma_relative, sigma_fraction, sigma_log or "
                        "sigma_us"};
  if (bool(d.read_sigma_relative) + bool(d.read_sigma_us) + bool(d.flicker) > 1)
    return FieldProblem{"read_noise",
                        "has more than one kind of noise; it may be "
                        "sigma_relative, sigma_us or flicker"};
  if (d.drift && d.relaxation)
    return FieldProblem{"relaxation", "and 'drift' are two models of one "
                                      "thing; keep one"};
  if (d.flicker && bool(d.flicker->relative) == bool(d.flicker->us))
    return FieldProblem{"read_noise.flicker",
                        "needs either 'relative' or 'us'"};
  if (d.stuck_off_rate + d.stuck_on_rate > 1)
    return FieldProblem{"faults", "has rates that add up to " +
                                      text(d.stuck_off_rate + d.stuck_on_rate) +
                                      ", must be at most 1"};
  return std::nullopt;
}

llvm::Error imc::crossbar::check(const Device &device) {
  if (std::optional<FieldProblem> problem = findProblem(device))
    return refuse(device, "'" + problem->field + "' " + problem->message);
  return llvm::Error::success();
}

/// The value of a fit at a target, or why it does not hold there.
static llvm::Expected<double> valueAt(const Device &d, const Curve &curve,
                                      const char *field, double targetUs) {
  const bool fraction = curve.of == Curve::Of::Fraction;
  double scale = 1;
  if (fraction && curve.fitted_max_us > 0 && curve.fitted_max_us != d.max_us) {
    if (!curve.scales_with_max)
      return refuse(d, std::string("'") + field + "' is a fit of cells up to " +
                           text(curve.fitted_max_us) +
                           " us, 'cell.max_us' is " + text(d.max_us) +
                           "; use those cells, or a fit that scales");
    scale = d.max_us / curve.fitted_max_us;
  }
  const double v = fraction ? targetUs / d.max_us : targetUs;
  const double slack = 1e-9 * std::max(1.0, std::abs(curve.to()));
  if (v < curve.from() - slack || v > curve.to() + slack)
    return refuse(d, std::string("'") + field + "' holds from " +
                         text(curve.from()) + " to " + text(curve.to()) +
                         (fraction ? " of max_us" : " us") + ", a level has " +
                         text(v) +
                         "; choose 'cell.min_us' and 'cell.max_us' inside of "
                         "the fit");
  return scale * curve.at(v);
}

llvm::Expected<CellModel>
imc::crossbar::modelOf(const Device &d, double targetUs, double timeS) {
  CellModel m;
  m.target_us = targetUs;
  if (!(timeS >= 0))
    return refuse(d, "the time is " + text(timeS) + " s, must not be negative");
  if (d.sigma_relative)
    m.sigma_us = *d.sigma_relative * targetUs;
  if (d.sigma_fraction)
    m.sigma_us = *d.sigma_fraction * d.max_us;
  if (d.sigma_log)
    m.sigma_us = *d.sigma_log;
  if (!d.sigma_us.empty()) {
    const Device::TimedCurve *curve = nullptr;
    std::string times;
    for (const Device::TimedCurve &c : d.sigma_us) {
      if (!c.time_s || *c.time_s == timeS)
        curve = &c;
      if (c.time_s)
        times += (times.empty() ? "" : ", ") + text(*c.time_s);
    }
    if (!curve)
      return refuse(d, "'programming.sigma_us' was measured " + times +
                           " s after programming, not " + text(timeS) +
                           " s; ask for one of these times");
    llvm::Expected<double> sigma =
        valueAt(d, curve->sigma_us, "programming.sigma_us", targetUs);
    if (!sigma)
      return sigma.takeError();
    m.sigma_us = std::max(0.0, *sigma);
  }
  if (d.drift) {
    llvm::Expected<double> mean =
        valueAt(d, d.drift->exponent_mean, "drift.exponent_mean", targetUs);
    if (!mean)
      return mean.takeError();
    llvm::Expected<double> sigma =
        valueAt(d, d.drift->exponent_sigma, "drift.exponent_sigma", targetUs);
    if (!sigma)
      return sigma.takeError();
    m.nu_mean = *mean;
    m.nu_sigma = *sigma;
  }
  if (d.relaxation && timeS > 0) {
    if (timeS < 1)
      return refuse(d, "'relaxation' holds from 1 s on, the time is " +
                           text(timeS) + " s");
    const double log = std::log(timeS);
    m.relax_mean_us = d.relaxation->mean_us_per_log_s * log;
    m.relax_sigma_us =
        d.relaxation->sigma_us_per_log_s * log + d.relaxation->sigma_us;
  }
  if (d.flicker) {
    llvm::Expected<double> value =
        d.flicker->relative
            ? valueAt(d, *d.flicker->relative, "read_noise.flicker.relative",
                      targetUs)
            : valueAt(d, *d.flicker->us, "read_noise.flicker.us", targetUs);
    if (!value)
      return value.takeError();
  }
  return m;
}

Moments imc::crossbar::programmedMoments(const Device &d, const CellModel &m) {
  if (d.sigma_log) {
    const double s2 = m.sigma_us * m.sigma_us;
    const double mean = m.target_us * std::exp(s2 / 2);
    return {mean, mean * std::sqrt(std::expm1(s2))};
  }
  if (m.sigma_us == 0)
    return {std::max(m.target_us, d.floor_us), 0};
  // A normal distribution whose part below the floor lies at the floor.
  const double a = (m.target_us - d.floor_us) / m.sigma_us;
  const double cdf = 0.5 * std::erfc(-a / std::sqrt(2.0));
  const double pdf = std::exp(-a * a / 2) / std::sqrt(2 * std::acos(-1.0));
  const double mean = a * cdf + pdf; // above the floor, in sigmas
  const double square = (a * a + 1) * cdf + a * pdf;
  return {d.floor_us + m.sigma_us * mean,
          m.sigma_us * std::sqrt(std::max(0.0, square - mean * mean))};
}

//===----------------------------------------------------------------------===//
// Draws
//===----------------------------------------------------------------------===//

CellDraw::CellDraw(const Device &device, double timeS) : device(device) {
  off = float(device.min_us);
  on = float(device.max_us);
  floor = float(device.floor_us);
  lognormal = bool(device.sigma_log);
  const double most = 4294967296.0;
  // Below the first number: stuck at off; below the second: stuck at on.
  offBelow = uint64_t(device.stuck_off_rate * most + 0.5);
  onBelow =
      uint64_t((device.stuck_off_rate + device.stuck_on_rate) * most + 0.5);
  if (device.drift)
    logTime = float(std::log1p(timeS / device.drift->reference_s));
  if (device.flicker) {
    const double t = timeS + (device.drift ? device.drift->reference_s : 0.0);
    const double r = device.flicker->read_s;
    flicker = float(std::sqrt(std::max(0.0, std::log((t + r) / (2 * r)))));
  }
}

CellDraw::Cell CellDraw::operator()(const CellModel &m, float z, float zDrift,
                                    float zRelax, uint32_t fault) const {
  const auto target = float(m.target_us), sigma = float(m.sigma_us);
  float g = lognormal ? target * std::exp(sigma * z) : target + sigma * z;
  g = std::max(g, floor);
  const float programmed = g;
  if (device.drift) {
    const float nu = std::abs(float(m.nu_mean) + float(m.nu_sigma) * zDrift);
    g *= std::exp(-nu * logTime);
  }
  g += float(m.relax_mean_us) + float(m.relax_sigma_us) * zRelax;
  g = std::max(g, 0.0f);
  if (fault < offBelow)
    g = off;
  else if (fault < onBelow)
    g = on;
  float read = 0;
  if (device.read_sigma_relative)
    read = float(*device.read_sigma_relative) * g;
  else if (device.read_sigma_us)
    read = float(*device.read_sigma_us);
  else if (device.flicker && device.flicker->relative)
    read = g * flicker *
           float(device.flicker->relative->at(double(programmed / on)));
  else if (device.flicker)
    read = flicker * float(std::max(0.0, device.flicker->us->at(double(g))));
  return {g, read};
}

llvm::Error imc::crossbar::checkDraw(const Device &device, const Draw &draw) {
  if (draw.layer < 0 || draw.layer >= 4096)
    return fail("'layer' is " + std::to_string(draw.layer) +
                ", must be 0 to 4095");
  if (draw.trial < 0 || draw.trial >= (int64_t(1) << 20))
    return fail("'trial' is " + std::to_string(draw.trial) +
                ", must be 0 to 1048575");
  if (device.flicker && draw.time_s <= 0 && !device.drift)
    return refuse(device, "'read_noise.flicker' needs the time since "
                          "programming, which is 0");
  return check(device);
}

llvm::Error imc::crossbar::drawCells(const Device &device, double targetUs,
                                     const Draw &draw, int64_t count,
                                     float *conductanceUs, float *readSigmaUs) {
  if (llvm::Error error = checkDraw(device, draw))
    return error;
  llvm::Expected<CellModel> model = modelOf(device, targetUs, draw.time_s);
  if (!model)
    return model.takeError();
  const CellDraw cell(device, draw.time_s);
  const Kernels &k = kernels(Isa::Best);
  const RandomKey key(draw);
  constexpr int64_t chunk = 1024;
  AlignedVector<float> z(chunk), drift(chunk), relax(chunk);
  AlignedVector<uint32_t> fault(chunk);
  for (int64_t first = 0; first < count; first += chunk) {
    const auto c1 = uint32_t(first / chunk);
    key.normals(k, c1, 0, Purpose::Program, chunk, z.data());
    key.normals(k, c1, 0, Purpose::Drift, chunk, drift.data());
    key.normals(k, c1, 0, Purpose::Relax, chunk, relax.data());
    key.uniforms(k, c1, 0, Purpose::Fault, chunk, fault.data());
    for (int64_t i = 0; i < std::min(chunk, count - first); ++i) {
      const auto at = size_t(i);
      const CellDraw::Cell c =
          cell(*model, z[at], drift[at], relax[at], fault[at]);
      conductanceUs[first + i] = c.conductance_us;
      if (readSigmaUs)
        readSigmaUs[first + i] = c.read_sigma_us;
    }
  }
  return llvm::Error::success();
}
