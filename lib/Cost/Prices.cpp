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

#include "Sqnr.h"
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
constexpr double nano = 1e-9;
constexpr double um2PerMm2 = 1e6;
} // namespace

// E-DELAY: alpha-power law (Sakurai and Newton, JSSC 25(2), 1990).
double imc::cost::delayFactor(const machine::Technology &t) {
  const double least = 0.01; // see the header
  const double over = std::max(t.vdd_v - t.threshold_v, least);
  const double nominal = std::max(t.vdd_nominal_v - t.threshold_v, least);
  return t.vdd_v / t.vdd_nominal_v * std::pow(nominal / over, t.alpha);
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

Prices imc::cost::priceDesign(const Machine &m, const mapping::Knobs &k) {
  Prices p{};
  const machine::Operating o = operate(m, k);
  const double dynamic = o.dynamic;
  const double slower = o.slower;
  const double cycleNs = o.cycle.in(units::ns);
  const auto rows = static_cast<double>(m.array.rows);
  const auto cols = static_cast<double>(m.array.cols);
  const auto arrays = static_cast<double>(m.arrays());
  const auto tiles = static_cast<double>(m.tiles());
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

  const machine::BufferPrice tile = machine::priceTileBuffer(o);
  const machine::BufferPrice global = machine::priceGlobalBuffer(o);
  p.tile_read_bit = tile.read_bit.si() * dynamic;
  p.tile_write_bit = tile.write_bit.si() * dynamic;
  p.global_read_bit = global.read_bit.si() * dynamic;
  p.global_write_bit = global.write_bit.si() * dynamic;

  const machine::MemoryPrice memory = machine::priceMemory(o);
  p.memory_bit = memory.bit.si();
  p.has_memory = !machine::memoryKind(m).absent;
  p.memory_bit_time = memory.bit_time.si();
  const machine::LanePrice lanes = machine::priceLanes(o);
  p.operation = lanes.operation.si();
  p.mac = lanes.mac.si();

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
  area(Area::TileBuffer) = tiles * tile.area.count * o.shrink;
  area(Area::GlobalBuffer) = global.area.count * o.shrink;
  area(Area::Noc) = machine::networkArea(o).count;
  area(Area::Digital) = lanes.area.count;
  p.area_mm2 = 0;
  for (double part : p.area)
    p.area_mm2 += part;

  const machine::NetworkPrice network =
      machine::priceNetwork(o, units::Mm2{p.area_mm2});
  p.noc_bit = network.bit.si();
  p.noc_links = network.links;

  // E-LEAK: cells, buffers and lanes; the memory outside; converters
  // separately.
  p.leakage_w =
      (arrays * rows * cols * cell.leakage).si() +
      (tiles * tile.leakage + global.leakage + lanes.leakage).si() * o.supply +
      memory.standby.si();

  // E-TIME
  p.cycle = cycleNs * nano;
  p.setup = m.timing.setup_ns * slower * nano;
  const double readNs = cell.read_time.in(units::ns)*driver.pulses;
  // Whole cycles; a sum of rounding errors is none (15 ns are 15 cycles of 1
  // ns).
  auto cycles = [&](double ns) {
    return std::max(1.0, std::ceil(ns / cycleNs * (1 - 1e-12)));
  };
  p.read_cycles = cycles(readNs);
  auto access = [&](double ns) { return cycles(ns * slower) * p.cycle; };
  p.tile_bit =
      access(tile.access.count) / static_cast<double>(m.tile_buffer.width_bits);
  p.global_bit = access(global.access.count) /
                 static_cast<double>(m.global_buffer.width_bits);
  p.noc_bit_time = p.cycle / static_cast<double>(m.noc.link_bits);
  p.noc_hops = network.hop_cycles * p.cycle;
  p.lane_operation = p.cycle / lanes.per_cycle;
  p.min_cycle_ns = shortestCycle(o).in(units::ns);

  // E-SQNR: weights and inputs are rounded to their bits.
  p.noise_base = detail::roundingNoise(k);
  detail::prepareNoise(m, k, p.converters);
  return p;
}

// E-MIXED: the converter stops after fewer bits, at the clock of the chip.
double imc::cost::conversionEnergy(const Machine &m, const mapping::Knobs &k,
                                   int64_t bits) {
  machine::Operating o = operate(m, k);
  o.precision.adc_bits = bits;
  return machine::priceConverter(o).conversion.si();
}

Prices imc::cost::pricesOf(const workload::Product &product, Prices prices,
                           const Machine &m, const mapping::Knobs &k) {
  if (product.adc_bits)
    prices.conversion = conversionEnergy(m, k, product.adc_bits);
  return prices;
}

// E-DROP
double imc::cost::errorBound(const Machine &m, const mapping::Knobs &k) {
  const int64_t all = mapping::losslessBits(m), range = mapping::rangeBits(m),
                adc = mapping::adcBits(k, m);
  if (std::min(range, adc) >= all)
    return 0;
  auto power = [](int64_t bits) {
    return std::ldexp(1.0, static_cast<int>(bits));
  };
  // Off by less than a step, or above the last code.
  const double step = power(std::max<int64_t>(0, range - adc));
  double last = (power(std::min(range, adc)) - 1) * step;
  // Steps that data or weights choose may be as short as 1.
  if (k.range != mapping::Range::Full && k.range != mapping::Range::Filled)
    last = power(std::min(range, adc)) - 1;
  const double error = std::max(step - 1, power(all) - 1 - last);
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
  return slices * places(m.dac.bits, phases) * error / largest;
}
