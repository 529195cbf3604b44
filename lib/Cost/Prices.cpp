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
#include "imc/Machine/Kind.h"
#include "imc/Machine/Scaling.h"

#include <algorithm>
#include <cmath>

using namespace imc;
using namespace imc::cost;
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
      mapping::losslessBits(m.drivenRows(), m.dac.bits, m.cell.bits) -
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

machine::Operating imc::cost::operate(const Machine &m,
                                      const mapping::Knobs &k) {
  const machine::Technology &tech = m.technology;
  machine::Operating o(m);
  o.precision.weight_bits = k.weight_bits;
  o.precision.input_bits = k.input_bits;
  o.precision.columns_per_weight = mapping::columnsPerWeight(k, m.cell.bits);
  o.precision.adc_bits = mapping::adcBits(k, m);
  // A differential pair leaves one cell of two at level 0.
  o.precision.paired_cells =
      k.encoding == mapping::Encoding::Differential ? 0.5 : 1;
  // E-VDD: switched energy ~ V^2, standby power ~ V, delay by E-DELAY; E-NODE:
  // from the node of the file to that of the machine.
  const machine::NodeScale node = machine::scaleNode(
      tech.quoted_node_nm > 0 ? tech.quoted_node_nm : tech.node_nm,
      tech.node_nm, tech.node_law);
  o.supply = tech.vdd_v / tech.vdd_nominal_v;
  o.node_energy = node.energy;
  o.dynamic =
      (tech.energy_exponent == 2 ? o.supply * o.supply
                                 : std::pow(o.supply, tech.energy_exponent)) *
      node.energy;
  o.slower = delayFactor(tech) * node.delay;
  o.shrink = node.area;
  const double featureUm = tech.node_nm * 1e-3;
  o.cell = units::um2(m.cell.area_f2 * featureUm * featureUm);
  // E-CYCLE
  o.cycle = units::ns(m.timing.cycle_time_ns);
  if (m.timing.cycle_time_ns == 0)
    o.cycle = shortestCycle(o);
  return o;
}

// E-CYCLE: the logic of the chip, or product, conversion and recombination one
// after the other.
units::Time imc::cost::shortestCycle(const machine::Operating &o) {
  machine::Operating timed = o;
  if (timed.cycle == units::Time())
    timed.cycle = units::ns(1); // times do not depend on it
  const units::Time sum =
      machine::priceCell(timed).settle + machine::priceConverter(timed).time;
  const machine::AdderPrice adder = machine::priceAdder(timed);
  const units::Time array =
      adder.registered ? std::max(sum, adder.time) : sum + adder.time;
  const units::Time logic =
      units::ns(o.machine.timing.logic_delay_ns) * o.slower;
  return std::max(array, logic);
}

/// E-NOC: mean number of routers from the global buffer to a group. The groups
/// fill the rows of a mesh one after the other; the buffer stands before the
/// middle router of the first row.
static double meanHops(int64_t groups) {
  auto width = static_cast<int64_t>(std::sqrt(static_cast<double>(groups)));
  while (width * width < groups)
    ++width;
  // Steps to the side: those of a full row, and of the last one.
  auto triangle = [](int64_t n) { return n * (n + 1) / 2; };
  const int64_t middle = width / 2;
  const int64_t full = groups / width, rest = groups % width;
  const int64_t left = std::min(rest, middle + 1);
  const int64_t aside =
      full * (triangle(middle) + triangle(width - 1 - middle)) + left * middle -
      triangle(left - 1) + triangle(rest - left);
  const int64_t down = width * triangle(full - 1) + rest * full;
  return 1 + static_cast<double>(aside + down) / static_cast<double>(groups);
}

Prices imc::cost::priceDesign(const Machine &m, const mapping::Knobs &k) {
  Prices p{};
  const machine::Operating o = operate(m, k);
  const double v = m.technology.vdd_v;
  const double dynamic = o.dynamic;
  const double slower = o.slower;
  const double cycleNs = o.cycle.in(units::ns);
  const auto rows = static_cast<double>(m.array.rows);
  const auto cols = static_cast<double>(m.array.cols);
  const auto arrays = static_cast<double>(m.arrays());
  const auto tiles = static_cast<double>(m.tiles());
  const auto groups = static_cast<double>(m.hierarchy.groups);
  const auto adcs = static_cast<double>(m.adcsPerArray());

  // Array: one function per kind of component (lib/Machine/Kinds).
  const machine::CellPrice cell = machine::priceCell(o);
  const machine::DriverPrice driver = machine::priceDriver(o);
  const machine::ConverterPrice converter = machine::priceConverter(o);
  const machine::AdderPrice adder = machine::priceAdder(o);
  p.cell_read = cell.read.si();
  p.idle_read = cell.idle.si();
  p.cell_write = cell.write.si();
  p.row_write = cell.write_row.si();
  p.row_drive = driver.row.si();
  p.conversion = converter.conversion.si();
  p.array_leakage_w = (converter.leakage * adcs + driver.leakage * rows).si();
  p.shift_add = adder.conversion.si();
  p.strip_add = adder.strip_add.si();

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
  area(Area::Cells) =
      (arrays * rows * cols * (o.cell + cell.area)).in(units::mm2);
  area(Area::Drivers) = (arrays * rows * driver.area).in(units::mm2);
  const units::Area column = units::um2(m.adc.column_area_um2) * o.shrink;
  area(Area::Adc) =
      (arrays * (adcs * converter.area + cols * column)).in(units::mm2);
  area(Area::ShiftAdd) = (arrays * adcs * adder.area).in(units::mm2);
  area(Area::Control) =
      arrays * m.array.control_area_um2 * o.shrink / um2PerMm2;
  area(Area::TileBuffer) = tiles * tile.area_mm2 * o.shrink;
  area(Area::GlobalBuffer) = global.area_mm2 * o.shrink;
  area(Area::Noc) = groups * m.noc.router_area_mm2 * o.shrink;
  const double lanes = tiles * static_cast<double>(m.digital.lanes_per_tile);
  area(Area::Digital) = lanes * m.digital.lane_area_um2 * o.shrink / um2PerMm2;
  p.area_mm2 = 0;
  for (double part : p.area)
    p.area_mm2 += part;

  // E-NOC: square mesh of square groups, the global buffer at the middle of an
  // edge; inside a group a bus of half its side.
  const double side = std::sqrt(groups);
  const double hops = meanHops(m.hierarchy.groups);
  const double groupUm = std::sqrt(p.area_mm2 * um2PerMm2) / side;
  const double wire = m.noc.wire_ff_per_um * groupUm * femto * v * v;
  p.noc_bit =
      hops * (m.noc.router_pj_per_bit * pico * dynamic + wire) + 0.5 * wire;

  // E-LEAK: cells, buffers and lanes; converters separately.
  p.leakage_w = (arrays * rows * cols * cell.leakage).si() +
                (tiles * tile.leakage_w + global.leakage_w +
                 lanes * m.digital.lane_leakage_uw * micro) *
                    o.supply;

  // E-TIME
  p.cycle = cycleNs * nano;
  p.setup = m.timing.setup_ns * slower * nano;
  const double readNs = cell.read_time.in(units::ns)*driver.pulses;
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
  p.min_cycle_ns = shortestCycle(o).in(units::ns);

  noiseTerms(m, k, p);
  return p;
}

// E-DROP
double imc::cost::errorBound(int64_t lostBits, const Machine &m,
                             const mapping::Knobs &k) {
  if (lostBits <= 0)
    return 0;
  const int64_t phases = (k.input_bits + m.dac.bits - 1) / m.dac.bits;
  const int64_t columns = mapping::columnsPerWeight(k, m.cell.bits);
  // Sum of 2^(step * i), i = 0 .. count - 1.
  auto places = [](int64_t step, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; ++i)
      sum += std::ldexp(1.0, static_cast<int>(step * i));
    return sum;
  };
  const double slices = k.encoding == mapping::Encoding::Differential
                            ? 2 * places(m.cell.bits, columns / 2)
                            : places(m.cell.bits, columns);
  const double largest = static_cast<double>(m.drivenRows()) *
                         std::ldexp(1.0, static_cast<int>(k.weight_bits - 1)) *
                         (std::ldexp(1.0, static_cast<int>(k.input_bits)) - 1);
  return slices * places(m.dac.bits, phases) *
         (std::ldexp(1.0, static_cast<int>(lostBits)) - 1) / largest;
}
