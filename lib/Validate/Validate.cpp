//===- Validate.cpp - Prices points and compares --------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Validate/Validate.h"
#include "imc/Machine/Kind.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

#include <algorithm>
#include <cmath>

using namespace imc;
using namespace imc::validate;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

Agreement imc::validate::agreement(llvm::ArrayRef<double> ratios) {
  Agreement a;
  a.points = ratios.size();
  if (ratios.empty())
    return a;
  std::vector<double> factors;
  for (double ratio : ratios)
    factors.push_back(std::max(ratio, 1 / ratio));
  llvm::sort(factors);
  const size_t count = factors.size();
  a.within_2x = static_cast<double>(
                    llvm::count_if(factors, [](double f) { return f <= 2; })) /
                static_cast<double>(count);
  a.median_factor = (factors[(count - 1) / 2] + factors[count / 2]) / 2;
  return a;
}

// E-SURVEY-7: the figures of one input phase with all arrays at work (E-FIG),
// in the basis of the report.
static Ratios compare(const Point &point, const cost::Figures &f,
                      double macsPerInvocation, double arrays,
                      bool comparesArea) {
  const double basis = point.one_bit_basis ? *point.in_bits * *point.w_bits : 1;
  Ratios r;
  if (point.tops_w)
    r.tops_per_w = f.tops_per_w * basis / *point.tops_w;
  if (point.tops && !point.target.empty())
    r.tops = f.tops * basis / *point.tops;
  if (point.t_ns && !point.target.empty())
    r.time = 2e-3 * macsPerInvocation * arrays / f.tops / *point.t_ns;
  if (point.tops_mm2 && comparesArea)
    r.tops_per_mm2 = f.tops_per_mm2 * basis / *point.tops_mm2;
  if (point.area_mm2 && comparesArea)
    r.area = f.area_mm2 / *point.area_mm2;
  if (point.pj_per_invocation)
    r.energy =
        f.fj_per_mac * 1e-3 * macsPerInvocation / *point.pj_per_invocation;
  else if (point.fj_per_mac)
    r.energy = f.fj_per_mac / *point.fj_per_mac;
  return r;
}

/// Why a point is not priced, or nothing.
static std::string obstacle(const Point &point, const PointKind *kind) {
  if (point.kind != "silicon")
    return "kind is '" + point.kind + "': only silicon is compared";
  const bool speed = !point.target.empty() && (point.tops || point.t_ns);
  if (!speed && !point.tops_w && !point.tops_mm2 && !point.area_mm2 &&
      !point.pj_per_invocation && !point.fj_per_mac)
    return "the row reports no TOPS/W, TOPS/mm2, area or energy";
  if (point.target.empty() && !kind)
    return "no base machine for cells of '" + point.device +
           "': name a target in the column 'target'";
  return "";
}

/// E-SURVEY-8: a target's own machine at the supply, bits and data of the row.
static Expected<Design> ownDesign(const Point &point,
                                  machine::TargetSpec spec) {
  if (!point.in_bits || !point.w_bits)
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "the row has no in_bits or w_bits");
  if (point.vdd_v)
    if (Error error = spec.resolve("technology.vdd_v", *point.vdd_v))
      return error;
  if (point.toggle)
    if (Error error = spec.resolve("activity.input_density", *point.toggle))
      return error;
  Expected<machine::Machine> machine = spec.machine();
  if (!machine)
    return machine.takeError();
  Design d;
  d.target = spec.name;
  d.machine = *machine;
  d.knobs.weight_bits = static_cast<int64_t>(*point.w_bits);
  d.knobs.input_bits = static_cast<int64_t>(*point.in_bits);
  // Conversions that stop before the machine's last bit; 0: they do not.
  if (point.adc_bits && !machine::converterKind(*machine).exact &&
      *point.adc_bits < static_cast<double>(machine->adc.bits)) {
    d.knobs.adc_bits = static_cast<int64_t>(std::ceil(*point.adc_bits));
    machine::Machine coarse = *machine;
    coarse.adc.bits = d.knobs.adc_bits;
    if (Error error = machine::check(coarse))
      return error;
  }
  d.phases = std::ceil(*point.in_bits / static_cast<double>(machine->dac.bits));
  d.all_cells = true;
  return d;
}

Expected<std::vector<Result>>
imc::validate::validate(std::vector<Point> points,
                        llvm::ArrayRef<std::string> folders) {
  llvm::StringMap<machine::TargetSpec> targets;
  auto load = [&](StringRef name) -> Expected<const machine::TargetSpec *> {
    auto found = targets.find(name);
    if (found == targets.end()) {
      Expected<machine::TargetSpec> spec = machine::loadTarget(name, folders);
      if (!spec)
        return spec.takeError();
      found = targets.try_emplace(name, std::move(*spec)).first;
    }
    return &found->second;
  };

  std::vector<Result> results;
  for (Point &point : points) {
    Result result;
    result.kind = kindOf(point);
    result.reason = obstacle(point, result.kind);
    const bool own = !point.target.empty();
    // A target that does not exist is a mistake in any row.
    if (own || result.reason.empty()) {
      Expected<const machine::TargetSpec *> spec =
          load(own ? point.target : result.kind->target);
      if (!spec)
        return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                       "row '" + point.id + "', line " +
                                           std::to_string(point.line) + ": " +
                                           llvm::toString(spec.takeError()));
      if (result.reason.empty()) {
        Expected<Design> d =
            own ? ownDesign(point, **spec) : design(point, **spec);
        if (d) {
          result.target = d->target;
          result.figures = cost::figures(d->machine, d->knobs);
          const machine::Machine &m = d->machine;
          const double macs =
              static_cast<double>(m.drivenRows()) *
              static_cast<double>(m.array.cols / mapping::columnsPerWeight(
                                                     d->knobs, m.cell.bits));
          result.ratio = compare(point, result.figures, macs,
                                 static_cast<double>(m.arrays()), d->all_cells);
          const Ratios &r = result.ratio;
          if (!r.tops_per_w && !r.tops_per_mm2 && !r.area && !r.energy &&
              !r.tops && !r.time)
            result.reason = "the row reports areas only, and its rows and "
                            "columns are no array";
        } else {
          result.reason = llvm::toString(d.takeError());
        }
      }
    }
    result.point = std::move(point);
    results.push_back(std::move(result));
  }
  return results;
}
