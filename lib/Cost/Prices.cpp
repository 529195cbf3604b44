//===- Prices.cpp - What each action costs on a design
//---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs once per design: the only place with pow, exp and log. All numbers come
// from the machine; the literals are unit prefixes and powers of two.
//
//===----------------------------------------------------------------------===//

#include "imc/Cost/Cost.h"

#include <algorithm>
#include <cmath>

using namespace imc;
using namespace imc::cost;
using imc::machine::CellKind;
using imc::machine::Machine;

namespace {
// Prefixes of the units in machine files.
constexpr double pico = 1e-12, femto = 1e-15, nano = 1e-9, micro = 1e-6,
                 milli = 1e-3;
constexpr double um2PerMm2 = 1e6, kibPerMib = 1024;

struct Buffer {
  double read_j_per_bit, write_j_per_bit, area_mm2, leakage_w, access_ns;
};
} // namespace

/// E-BUF: power laws of one buffer, at the nominal supply.
static Buffer buffer(const machine::BufferFit &fit, double kib, int64_t width) {
  // One logarithm each, then products: pow would take both again every time.
  const double size = std::log(kib);
  const double bits = std::log(static_cast<double>(width));
  Buffer b;
  const double perBit = pico / static_cast<double>(width);
  b.read_j_per_bit =
      fit.read_pj *
      std::exp(fit.read_size_exponent * size + fit.read_width_exponent * bits) *
      perBit;
  b.write_j_per_bit = fit.write_pj *
                      std::exp(fit.write_size_exponent * size +
                               fit.write_width_exponent * bits) *
                      perBit;
  b.area_mm2 = fit.area_mm2 * std::exp(fit.area_size_exponent * size +
                                       fit.area_width_exponent * bits);
  b.leakage_w =
      fit.leakage_mw * std::exp(fit.leakage_size_exponent * size) * milli;
  b.access_ns = fit.access_ns * std::exp(fit.access_size_exponent * size);
  return b;
}

// E-ADC-1: energy from the better-known of two Schreier figures of merit, one
// limited by the rate, one by the resolution.
double imc::cost::adcEnergyPj(const Machine &machine, int64_t bits,
                              double rateHz) {
  const machine::Adc &a = machine.adc;
  const auto b = static_cast<double>(bits);
  const double fom =
      std::min(a.fit_fom_db + a.fit_fom_db_per_ln_hz * std::log(rateHz),
               a.fit_cap_db + a.fit_cap_db_per_bit * b);
  const double sndr = a.fit_sndr_db + a.fit_sndr_db_per_bit * b;
  const double ln10 = 2.302585092994046;
  return std::exp((sndr - fom) * (ln10 / 10) + a.fit_energy +
                  a.fit_energy_ln_node * std::log(machine.technology.node_nm) +
                  a.fit_energy_ln_bits * std::log(b));
}

// E-ADC-2
double imc::cost::adcAreaUm2(const Machine &machine, int64_t bits,
                             double rateHz) {
  const machine::Adc &a = machine.adc;
  return std::exp(
      a.fit_area + a.fit_area_ln_node * std::log(machine.technology.node_nm) +
      a.fit_area_ln_rate * std::log(rateHz) +
      a.fit_area_ln_energy * std::log(adcEnergyPj(machine, bits, rateHz)));
}

// E-DELAY: alpha-power law (Sakurai and Newton, JSSC 25(2), 1990).
double imc::cost::delayFactor(const machine::Technology &t) {
  const double least = 0.01; // see the header
  const double over = std::max(t.vdd_v - t.threshold_v, least);
  const double nominal = std::max(t.vdd_nominal_v - t.threshold_v, least);
  return t.vdd_v / t.vdd_nominal_v * std::pow(nominal / over, t.alpha);
}

/// Sum of 4^(step * i), i = 0 .. count - 1: noise powers of recombined slices.
static double powersOfFour(int64_t step, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += std::ldexp(1.0, static_cast<int>(2 * step * i));
  return sum;
}

/// E-SQNR: weights and inputs uniform over their ranges; every quantiser adds
/// the variance of one twelfth of its squared step.
static void noiseTerms(const Machine &m, const mapping::Knobs &k, Prices &p) {
  const int n = static_cast<int>(k.weight_bits);
  const int b = static_cast<int>(k.input_bits);
  p.noise_base = std::ldexp(1.0, -2 * n) + std::ldexp(0.25, -2 * b);
  const int64_t lost =
      mapping::losslessBits(m.array.rows, m.dac.bits, m.cell.bits) -
      mapping::adcBits(k, m);
  p.noise_strip = 0;
  if (lost <= 0)
    return;
  const int64_t phases = (k.input_bits + m.dac.bits - 1) / m.dac.bits;
  const int64_t columns = mapping::columnsPerWeight(k, m.cell.bits);
  const double slices = k.encoding == mapping::Encoding::Differential
                            ? 2 * powersOfFour(m.cell.bits, columns / 2)
                            : powersOfFour(m.cell.bits, columns);
  // Variance of the dropped bits over that of one product: 4^n / 12 times the
  // mean square 4^b / 3 of an input.
  p.noise_strip = std::ldexp(1.0, static_cast<int>(2 * lost)) / 12 * slices *
                  powersOfFour(m.dac.bits, phases) /
                  (std::ldexp(1.0, 2 * n) / 12 * std::ldexp(1.0, 2 * b) / 3);
}

Prices imc::cost::priceDesign(const Machine &m, const mapping::Knobs &k) {
  Prices p{};
  const machine::Technology &tech = m.technology;
  const double v = tech.vdd_v;
  // E-VDD: switched energy ~ V^2, standby power ~ V, delay by E-DELAY.
  const double relative = v / tech.vdd_nominal_v;
  const double dynamic = relative * relative;
  const double slower = delayFactor(tech);
  const double cycleNs = m.timing.cycle_time_ns;
  const auto rows = static_cast<double>(m.array.rows);
  const auto cols = static_cast<double>(m.array.cols);
  const auto arrays = static_cast<double>(m.arrays());
  const auto tiles = static_cast<double>(m.tiles());
  const auto groups = static_cast<double>(m.hierarchy.groups);
  const auto adcs = static_cast<double>(m.adcsPerArray());
  const double x = m.activity.input_density;

  // E-CELL: mean conductance or switched charge at the mean stored level. A
  // differential pair leaves one cell of two at level 0.
  const double level = k.encoding == mapping::Encoding::Differential
                           ? 0.5 * m.activity.weight_density
                           : m.activity.weight_density;
  const double featureUm = tech.node_nm * 1e-3;
  const double cellUm2 = m.cell.area_f2 * featureUm * featureUm;
  double readNs = m.cell.read_pulse_ns;
  if (m.cell.kind == CellKind::RRAM) {
    const double off = 1 / m.cell.off_resistance_ohm;
    const double on = 1 / m.cell.on_resistance_ohm;
    const double pulse = m.cell.read_voltage_v * m.cell.read_voltage_v *
                         m.cell.read_pulse_ns * nano * x;
    p.cell_read = pulse * (off + (on - off) * level);
    p.idle_read = pulse * off;
    p.cell_write = m.cell.write_energy_pj * pico;
    p.row_write = m.cell.write_row_ns * nano;
  } else {
    p.cell_read = m.cell.capacitance_ff * femto * v * v * x * level;
    p.idle_read = 0;
    p.cell_write = m.cell.write_energy_pj * pico * dynamic;
    p.row_write = m.cell.write_row_ns * nano * slower;
    readNs *= slower;
  }

  // E-DRIVE: the row line across all columns, and the converter beyond 1 bit.
  const double rowFf = cols * (m.dac.gate_ff_per_cell +
                               m.dac.wire_ff_per_um * std::sqrt(cellUm2));
  const auto dacBits = static_cast<double>(m.dac.bits);
  p.row_drive = rowFf * femto * v * v * x;
  if (m.dac.bits > 1)
    p.row_drive += m.dac.energy_fj_per_bit * dacBits * femto * dynamic;

  // E-ADC-3: one conversion per cycle; what leaks flows while the array works.
  const double rate = 1 / (cycleNs * nano);
  const double adcJ =
      adcEnergyPj(m, mapping::adcBits(k, m), rate) * pico * dynamic;
  const double full = adcEnergyPj(m, m.adc.bits, rate) * pico * dynamic;
  p.conversion = adcJ * (1 - m.adc.leakage_share);
  p.array_leakage_w = full * m.adc.leakage_share * rate * adcs;
  const double adcUm2 = adcAreaUm2(m, m.adc.bits, rate);

  // E-ADD
  p.strip_add = m.shift_add.energy_fj_per_bit *
                static_cast<double>(m.shift_add.accumulator_bits) * femto *
                dynamic;

  const Buffer tile =
      buffer(m.buffer_fit, m.tile_buffer.size_kib, m.tile_buffer.width_bits);
  const Buffer global =
      buffer(m.buffer_fit, m.global_buffer.size_mib * kibPerMib,
             m.global_buffer.width_bits);
  p.tile_read_bit = tile.read_j_per_bit * dynamic;
  p.tile_write_bit = tile.write_j_per_bit * dynamic;
  p.global_read_bit = global.read_j_per_bit * dynamic;
  p.global_write_bit = global.write_j_per_bit * dynamic;

  p.memory_bit = m.memory.energy_pj_per_bit * pico;
  p.has_memory = m.memory.kind != machine::MemoryKind::None;
  p.memory_bit_time = p.has_memory ? 1 / (m.memory.bandwidth_gb_s * 8e9) : 0;
  p.operation = m.digital.operation_pj * pico * dynamic;
  p.mac = m.digital.mac_pj * pico * dynamic;

  // E-AREA
  auto area = [&](Area component) -> double & {
    return p.area[static_cast<size_t>(component)];
  };
  const double levels = std::ldexp(1.0, static_cast<int>(m.dac.bits));
  area(Area::Cells) = arrays * rows * cols * cellUm2 / um2PerMm2;
  area(Area::Drivers) =
      arrays * rows * (m.dac.row_area_um2 + m.dac.area_um2_per_level * levels) /
      um2PerMm2;
  area(Area::Adc) =
      arrays * (adcs * adcUm2 + cols * m.adc.column_area_um2) / um2PerMm2;
  area(Area::ShiftAdd) = arrays * adcs * m.shift_add.area_um2 / um2PerMm2;
  area(Area::Control) = arrays * m.array.control_area_um2 / um2PerMm2;
  area(Area::TileBuffer) = tiles * tile.area_mm2;
  area(Area::GlobalBuffer) = global.area_mm2;
  area(Area::Noc) = groups * m.noc.router_area_mm2;
  const double lanes = tiles * static_cast<double>(m.digital.lanes_per_tile);
  area(Area::Digital) = lanes * m.digital.lane_area_um2 / um2PerMm2;
  p.area_mm2 = 0;
  for (double part : p.area)
    p.area_mm2 += part;

  // E-NOC: square mesh of square groups, the global buffer at the middle of an
  // edge; inside a group a bus of half its side.
  const double side = std::sqrt(groups);
  const double hops = 1 + 0.75 * (side - 1);
  const double groupUm = std::sqrt(p.area_mm2 * um2PerMm2) / side;
  const double wire = m.noc.wire_ff_per_um * groupUm * femto * v * v;
  p.noc_bit =
      hops * (m.noc.router_pj_per_bit * pico * dynamic + wire) + 0.5 * wire;

  // E-LEAK: cells, buffers and lanes; converters separately.
  p.leakage_w = (arrays * rows * cols * m.cell.leakage_nw * nano +
                 tiles * tile.leakage_w + global.leakage_w +
                 lanes * m.digital.lane_leakage_uw * micro) *
                relative;

  // E-TIME
  p.cycle = cycleNs * nano;
  p.read_cycles = std::max(1.0, std::ceil(readNs / cycleNs));
  auto access = [&](double ns) {
    return std::max(1.0, std::ceil(ns * slower / cycleNs)) * p.cycle;
  };
  p.tile_bit =
      access(tile.access_ns) / static_cast<double>(m.tile_buffer.width_bits);
  p.global_bit = access(global.access_ns) /
                 static_cast<double>(m.global_buffer.width_bits);
  p.noc_bit_time = p.cycle / static_cast<double>(m.noc.link_bits);
  p.noc_hops =
      std::ceil(hops) * static_cast<double>(m.noc.hop_cycles) * p.cycle;
  p.lane_operation = p.cycle / lanes;
  p.min_cycle_ns = m.timing.logic_delay_ns * slower;

  noiseTerms(m, k, p);
  return p;
}
