//===- Limits.h - Physical limits of a design -------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One list of limits for the detailed evaluation and the fast path. `Report`
// is called as report(rule, value, limit).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_COST_LIMITS_H
#define IMC_LIB_COST_LIMITS_H

#include "imc/Cost/Cost.h"

namespace imc::cost::detail {

/// The knob or field that a design-wide rule is about.
inline const char *placeOf(mapping::Rule rule) {
  switch (rule) {
  case mapping::Rule::SupplyVoltage:
    return "machine.vdd";
  case mapping::Rule::CycleTime:
    return "machine.cycle_time_ns";
  case mapping::Rule::Encoding:
    return "pass.encoding";
  case mapping::Rule::AdcBits:
    return "pass.adc_bits";
  case mapping::Rule::AdcRange:
    return "machine.adc.clip_bits";
  default:
    return "";
  }
}

/// Limits of machine and knobs, whatever runs on them.
template <typename Report>
void checkDesign(const machine::Machine &m, const mapping::Knobs &k,
                 const Prices &p, Report report) {
  using mapping::Rule;
  // E-LIMIT-1: a transistor needs overdrive to switch.
  if (m.technology.vdd_v <= m.technology.threshold_v)
    report(Rule::SupplyVoltage, m.technology.vdd_v, m.technology.threshold_v);
  // E-LIMIT-2: the clock cannot outrun the logic at this supply.
  if (p.cycle * 1e9 < p.min_cycle_ns * (1 - 1e-12))
    report(Rule::CycleTime, m.timing.cycle_time_ns, p.min_cycle_ns);
  if (k.encoding == mapping::Encoding::TwosComplement && m.cell.bits != 1)
    report(Rule::Encoding, static_cast<double>(m.cell.bits), 1.0);
  // Adder trees have one width, that of their sums.
  const bool exact = machine::converterKind(m).exact;
  const int64_t built = exact ? mapping::adcBits(k, m) : m.adc.bits;
  if (k.adc_bits > built || (exact && k.adc_bits != 0 && k.adc_bits != built))
    report(Rule::AdcBits, static_cast<double>(k.adc_bits),
           static_cast<double>(built));
  if (const int64_t least = mapping::leastAdcBits(k, m);
      k.adc_bits != 0 && k.adc_bits < least)
    report(Rule::AdcBits, static_cast<double>(k.adc_bits),
           static_cast<double>(least));
  // Less range than codes in steps of 1 take leaves codes without use.
  if (m.adc.clip_bits > 0)
    if (const int64_t most = mapping::mostClipBits(k, m);
        m.adc.clip_bits > most)
      report(Rule::AdcRange, static_cast<double>(m.adc.clip_bits),
             static_cast<double>(most));
}

/// Years until the cells that are written `writes` times per run are worn out,
/// when runs of `latency` seconds follow each other without a pause.
inline double lifetimeYears(double endurance, double latency, double writes) {
  const double secondsPerYear = 365.25 * 86400;
  return endurance * latency / writes / secondsPerYear;
}

/// Limits of one model. `needed`: arrays of one copy of all that has to be on
/// the chip at once; `memoryBits`: traffic outside the chip per inference;
/// `peak`: W/mm2 of the hottest layer; `writes`: how often the cells that are
/// written most are written per run.
template <typename Report>
void checkModel(const workload::Workload &workload, const machine::Machine &m,
                const mapping::Knobs &k, const Prices &p, int64_t needed,
                bool overflows, double memoryBits, double density, double peak,
                double latency, double writes, Report report) {
  using mapping::Rule;
  // The passes keep the integers of a quantized model, so nothing else has a
  // price.
  for (auto [bits, own] : {std::pair(k.weight_bits, workload.model_weight_bits),
                           std::pair(k.input_bits, workload.model_input_bits)})
    if (own != 0 && bits != own)
      report(Rule::ModelBits, static_cast<double>(bits),
             static_cast<double>(own));
  // E-MIXED: the chip is built for the bits of the knobs.
  if (workload.mixed_bits)
    for (const workload::Layer &layer : workload.layers)
      if (const workload::Product *product = layer.product())
        for (auto [own, most] : {std::pair(product->weight_bits, k.weight_bits),
                                 std::pair(product->input_bits, k.input_bits)})
          if (own > most)
            report(Rule::ModelBits, static_cast<double>(most),
                   static_cast<double>(own));
  if (workload.mixed_bits)
    for (const workload::Layer &layer : workload.layers)
      if (const workload::Product *product = layer.product())
        if (const auto broken = mapping::checkOwnAdcBits(*product, k, m))
          report(Rule::AdcBits, static_cast<double>(broken->first),
                 static_cast<double>(broken->second));
  if (overflows)
    report(Rule::Capacity, static_cast<double>(needed),
           static_cast<double>(m.arrays()));
  // E-LIMIT-3: what does not fit needs somewhere to be.
  if (memoryBits > 0 && !p.has_memory)
    report(Rule::ExternalMemory, memoryBits, 0.0);
  // E-LIMIT-4
  if (density > m.technology.max_power_density_w_mm2)
    report(Rule::PowerDensity, density, m.technology.max_power_density_w_mm2);
  // E-LIMIT-6: what the supply grid delivers while one layer runs.
  const double most = m.technology.max_peak_power_density_w_mm2;
  if (peak > most)
    report(Rule::PeakPower, peak, most);
  // E-LIMIT-5: cells that are written at every run wear out (A-WEAR).
  if (writes > 0 && m.cell.endurance_writes > 0) {
    const double years =
        lifetimeYears(m.cell.endurance_writes, latency, writes);
    if (years < m.technology.min_lifetime_years)
      report(Rule::Endurance, years, m.technology.min_lifetime_years);
  }
}

/// E-LIMIT-7: models that all stay on the chip share its arrays. `arrays`: one
/// copy of all of them. Copies would belong to one model only (A-COPIES).
template <typename Report>
void checkSet(const machine::Machine &m, const mapping::Knobs &k, size_t models,
              int64_t arrays, Report report) {
  using mapping::Rule;
  if (k.residency != mapping::Residency::Together || models < 2)
    return;
  if (k.replication != mapping::Replication::None)
    report(Rule::Residency, 2.0, 1.0);
  if (arrays > m.arrays())
    report(Rule::Capacity, static_cast<double>(arrays),
           static_cast<double>(m.arrays()));
}

} // namespace imc::cost::detail

#endif // IMC_LIB_COST_LIMITS_H
