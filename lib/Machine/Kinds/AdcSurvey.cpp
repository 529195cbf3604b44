//===- AdcSurvey.cpp - Regression over published converters
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"
#include <algorithm>

using namespace imc::machine;
using namespace imc::units;

namespace {
/// The order of the parameters below.
enum {
  Fom,
  FomRate,
  Cap,
  CapBits,
  Sndr,
  SndrBits,
  EnergyOne,
  EnergyNode,
  EnergyBits,
  AreaOne,
  AreaNode,
  AreaRate,
  AreaEnergy,
  LeakageShare,
  SenseFj,
  SenseUm2
};
} // namespace

// E-ADC-1: energy from the better-known of two Schreier figures of merit, one
// limited by the rate, one by the resolution.
static double lnEnergyPj(const double *own, double bits, double lnNode,
                         double lnRate) {
  const double fom = std::min(own[Fom] + own[FomRate] * lnRate,
                              own[Cap] + own[CapBits] * bits);
  const double sndr = own[Sndr] + own[SndrBits] * bits;
  const double ln10 = 2.302585092994046;
  return (sndr - fom) * (ln10 / 10) + own[EnergyOne] +
         own[EnergyNode] * lnNode + own[EnergyBits] * std::log(bits);
}

// E-ADC-3: one conversion per cycle; what leaks flows while the array works.
static ConverterPrice price(const Operating &o, const double *own) {
  ConverterPrice p;
  const int64_t used = o.precision.adc_bits, built = o.machine.adc.bits;
  const double perSecond = (1.0 / o.cycle).si();
  const double lnNode = std::log(o.machine.technology.node_nm);
  const double lnRate = std::log(perSecond);
  // E-ADC-4: the survey has no converters below 4 bits; comparators take over.
  auto comparators = [](int64_t bits) {
    return std::exp2(static_cast<double>(bits)) - 1;
  };
  // The regression knows the node.
  const double supply2 = o.dynamic / o.node_energy;
  auto energy = [&](int64_t bits) {
    return bits < 4 ? comparators(bits) * fJ(own[SenseFj]) * o.dynamic
                    : pJ(std::exp(lnEnergyPj(own, static_cast<double>(bits),
                                             lnNode, lnRate))) *
                          supply2;
  };
  const double share = built < 4 ? 0 : own[LeakageShare];
  p.conversion = energy(used) * (1 - share);
  p.leakage = energy(built) * share * (1.0 / o.cycle);
  // E-ADC-2
  if (built < 4)
    p.area = comparators(built) * um2(own[SenseUm2]) * o.shrink;
  else
    p.area = um2(std::exp(
        own[AreaOne] + own[AreaNode] * lnNode + own[AreaRate] * lnRate +
        own[AreaEnergy] *
            lnEnergyPj(own, static_cast<double>(built), lnNode, lnRate)));
  return p;
}

const Kind &kinds::AdcSurvey() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Adc;
    k.name = "survey";
    k.usual = true;
    k.doc = "regression over published converters, sense amplifiers below 4 "
            "bits";
    k.own = {
        {"fit_fom_db", "dB", 0, 1000.0, true, 0,
         "Rate-limited Schreier figure of merit at 1 S/s."},
        {"fit_fom_db_per_ln_hz", "dB", -10, 0, true, 0,
         "Its slope per natural logarithm of the rate."},
        {"fit_cap_db", "dB", 0, 1000.0, true, 0,
         "Resolution-limited Schreier figure of merit at 0 bits."},
        {"fit_cap_db_per_bit", "dB", 0, 100, true, 0, "Its slope per bit."},
        {"fit_sndr_db", "dB", 0, 100, true, 0,
         "Signal-to-noise-and-distortion ratio at 0 bits."},
        {"fit_sndr_db_per_bit", "dB", 0, 100, true, 0, "Its slope per bit."},
        {"fit_energy", "", -50, 50, true, 0,
         "Constant of ln(energy) beside the figure of merit."},
        {"fit_energy_ln_node", "", -10, 10, true, 0,
         "Coefficient of ln(node in nm) in ln(energy)."},
        {"fit_energy_ln_bits", "", -10, 10, true, 0,
         "Coefficient of ln(bits) in ln(energy)."},
        {"fit_area", "", -50, 50, true, 0, "Constant of ln(area in um2)."},
        {"fit_area_ln_node", "", -10, 10, true, 0,
         "Coefficient of ln(node in nm) in ln(area)."},
        {"fit_area_ln_rate", "", -10, 10, true, 0,
         "Coefficient of ln(rate in S/s) in ln(area)."},
        {"fit_area_ln_energy", "", -10, 10, true, 0,
         "Coefficient of ln(energy in pJ) in ln(area)."},
        {"leakage_share", "", 0, 1, true, 0,
         "Share of the energy per conversion that flows all the time."},
        {"sense_fj", "fJ", 0, 1e6, false, 0,
         "Energy of one comparator, for fewer than 4 bits; 0: there are "
         "none."},
        {"sense_um2", "um2", 0, 1e6, false, 0,
         "Area of one comparator, for fewer than 4 bits."}};
    k.needs = {"bits"};
    k.converter = &price;
    return k;
  }();
  return kind;
}
