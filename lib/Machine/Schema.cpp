//===- Schema.cpp - The table of machine fields
//----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Machine/Schema.h"
#include "imc/Machine/Kind.h"

#include "llvm/ADT/STLExtras.h"

using namespace imc::machine;

namespace {

/// Getter and setter of Machine::component.field.
#define IMC_ACCESS(COMPONENT, FIELD)                                           \
  [](const Machine &m) -> double {                                             \
    return static_cast<double>(m.COMPONENT.FIELD);                             \
  },                                                                           \
      [](Machine &m, double v) {                                               \
        m.COMPONENT.FIELD = static_cast<decltype(m.COMPONENT.FIELD)>(v);       \
      }

/// A field that every file must give.
#define INTEGER(C, F, UNIT, MIN, MAX, DOC)                                     \
  Field {                                                                      \
    #C, #F, FieldType::Integer, UNIT, MIN, MAX, true, 0, DOC, {},              \
        IMC_ACCESS(C, F)                                                       \
  }
#define REAL(C, F, UNIT, MIN, MAX, DOC)                                        \
  Field {                                                                      \
    #C, #F, FieldType::Real, UNIT, MIN, MAX, true, 0, DOC, {},                 \
        IMC_ACCESS(C, F)                                                       \
  }
/// A field that is neutral when left out.
#define REAL_OR(C, F, UNIT, MIN, MAX, DEFAULT, DOC)                            \
  Field {                                                                      \
    #C, #F, FieldType::Real, UNIT, MIN, MAX, false, DEFAULT, DOC, {},          \
        IMC_ACCESS(C, F)                                                       \
  }
#define INTEGER_OR(C, F, UNIT, MIN, MAX, DEFAULT, DOC)                         \
  Field {                                                                      \
    #C, #F, FieldType::Integer, UNIT, MIN, MAX, false, DEFAULT, DOC, {},       \
        IMC_ACCESS(C, F)                                                       \
  }
/// Which kind a component is; kinds with `usual` come first.
#define KIND(C, SLOT, REQUIRED, DOC)                                           \
  Field {                                                                      \
    #C, "kind", FieldType::Enumeration, "", 0,                                 \
        double(kindsOf(SLOT).size() - 1), REQUIRED, 0, DOC, kindNames(SLOT),   \
        IMC_ACCESS(C, kind)                                                    \
  }
#define NAMED(C, F, DOC, ...)                                                  \
  Field {                                                                      \
    #C, #F, FieldType::Enumeration, "", 0,                                     \
        double(std::vector<const char *>{__VA_ARGS__}.size() - 1), true, 0,    \
        DOC, {__VA_ARGS__}, IMC_ACCESS(C, F)                                   \
  }
/// A named choice with a default.
#define NAMED_OR(C, F, DEFAULT, DOC, ...)                                      \
  Field {                                                                      \
    #C, #F, FieldType::Enumeration, "", 0,                                     \
        double(std::vector<const char *>{__VA_ARGS__}.size() - 1), false,      \
        DEFAULT, DOC, {__VA_ARGS__}, IMC_ACCESS(C, F)                          \
  }

/// Adds what the kinds of a component bring along: their own parameters, and
/// which of the shared fields are for some of them only.
void addKinds(std::vector<Component> &table, const Socket &socket) {
  auto component = llvm::find_if(table, [&](const Component &c) {
    return llvm::StringRef(c.name) == socket.component;
  });
  llvm::ArrayRef<Kind> kinds = kindsOf(socket.slot);
  for (size_t k = 0; k != kinds.size(); ++k) {
    const auto index = static_cast<int64_t>(k);
    for (const char *name : kinds[k].needs)
      for (Field &field : component->fields)
        if (llvm::StringRef(name) == field.name) {
          field.kinds.push_back(index);
          field.required = true;
        }
    for (size_t i = 0; i != kinds[k].own.size(); ++i) {
      const Parameter &p = kinds[k].own[i];
      const size_t at = kinds[k].offset + i;
      component->fields.push_back(
          {component->name,
           p.name,
           FieldType::Real,
           p.unit,
           p.min,
           p.max,
           p.required,
           p.default_value,
           p.doc,
           {},
           [=](const Machine &m) -> double { return socket.own(m)[at]; },
           [=](Machine &m, double v) { socket.set(m)[at] = v; },
           {index}});
    }
  }
}

std::vector<const char *> kindNames(Slot slot) {
  std::vector<const char *> names;
  for (const Kind &kind : kindsOf(slot))
    names.push_back(kind.name.c_str());
  return names;
}

std::vector<Component> makeSchema() {
  std::vector<Component> table = {
      {"technology",
       "Process and supply voltage of the chip.",
       {REAL(technology, node_nm, "nm", 3, 250, "Feature size F."),
        REAL_OR(technology, quoted_node_nm, "nm", 0, 250, 0,
                "Node at which circuits of this file are quoted; 0: node_nm."),
        NAMED_OR(technology, node_law, 0,
                 "How energy scales to node_nm: table, or C with the node.",
                 "stillmaker_baas", "capacitance"),
        REAL(technology, vdd_v, "V", 0.2, 5, "Supply voltage."),
        REAL(technology, vdd_nominal_v, "V", 0.2, 5,
             "Supply at which energies and delays of this file are quoted."),
        REAL(technology, threshold_v, "V", 0, 2,
             "Threshold voltage of the alpha-power delay law."),
        REAL(technology, alpha, "", 1, 2,
             "Exponent of the alpha-power delay law."),
        REAL_OR(technology, energy_exponent, "", 0.5, 4, 2,
                "Exponent of switched energy over supply; 2: C V^2 "
                "(Chandrakasan et al., JSSC 27(4), 1992)."),
        REAL(technology, max_power_density_w_mm2, "W/mm2", 1e-6, 1e3,
             "Average power per chip area that can be cooled."),
        REAL_OR(technology, max_peak_power_density_w_mm2, "W/mm2", 1e-6, 1e4,
                1e4,
                "Power per chip area that the supply grid delivers while one "
                "layer runs."),
        REAL_OR(
            technology, min_lifetime_years, "years", 0, 1e3, 3,
            "Shortest life of a chip that runs without a pause (A-LIFE).")}},
      {"cell",
       "Memory cell of the arrays.",
       {KIND(cell, Slot::Cell, true,
             "rram and pcm keep their value without supply, sram does not."),
        INTEGER(cell, bits, "bit", 1, 8, "Bits stored per cell; sram: 1."),
        REAL(cell, area_f2, "F2", 0, 1e5, "Area in squares of the node."),
        REAL(cell, read_pulse_ns, "ns", 0, 1e6,
             "Time that the rows are driven in one input phase."),
        REAL_OR(cell, read_voltage_v, "V", 0, 5, 0, "Read voltage of rram."),
        REAL_OR(cell, on_resistance_ohm, "Ohm", 0, 1e9, 0,
                "Resistance of rram at the highest level."),
        REAL_OR(cell, off_resistance_ohm, "Ohm", 0, 1e12, 0,
                "Resistance of rram at level 0."),
        REAL_OR(cell, capacitance_ff, "fF", 0, 1e3, 0,
                "Capacitance of sram switched per cell and phase."),
        REAL(cell, write_energy_pj, "pJ", 0, 1e6,
             "Energy to write one cell, verify pulses included."),
        REAL(cell, write_row_ns, "ns", 0, 1e9,
             "Time to write one row of an array, verify pulses included."),
        REAL_OR(cell, endurance_writes, "", 0, 1e18, 0,
                "Writes that a cell survives; 0: unlimited."),
        REAL_OR(cell, leakage_nw, "nW", 0, 1e6, 0,
                "Standby power of one cell at the nominal supply.")}},
      {"array",
       "Crossbar of cells with its local control.",
       {INTEGER(array, rows, "", 1, 8192, "Rows of cells."),
        INTEGER_OR(array, active_rows, "", 0, 8192, 0,
                   "Rows driven at once, a divisor of rows; 0: all."),
        INTEGER(array, cols, "", 1, 8192, "Columns."),
        REAL(array, control_area_um2, "um2", 0, 1e7,
             "Area of one array that does not grow with rows or columns.")}},
      {"dac",
       "Converter and driver of a row.",
       {KIND(dac, Slot::Dac, false, "How an input drives its row."),
        INTEGER(dac, bits, "bit", 1, 8, "Input bits applied per phase."),
        REAL(dac, energy_fj_per_bit, "fJ", 0, 1e6,
             "Energy per row, phase and bit of resolution."),
        REAL(dac, area_um2_per_level, "um2", 0, 1e4,
             "Area per row and level of resolution (2^bits levels)."),
        REAL(dac, gate_ff_per_cell, "fF", 0, 1e3,
             "Load of one cell on its row line."),
        REAL(dac, wire_ff_per_um, "fF/um", 0, 10,
             "Load of the row line per length."),
        REAL(dac, row_area_um2, "um2", 0, 1e4, "Area of one row driver.")}},
      {"adc",
       "What turns a column into a number.",
       {KIND(adc, Slot::Adc, false,
             "Where its energy, area and time come from."),
        INTEGER(adc, bits, "bit", 1, 32,
                "Resolution; of adder trees the width of the sum."),
        INTEGER(adc, share, "", 1, 8192,
                "Columns that one converter serves one after the other."),
        INTEGER_OR(adc, clip_bits, "bit", 0, 31, 0,
                   "Leading bits of the largest column sum that its range does "
                   "not cover: sums above stay at the last code."),
        REAL(adc, column_area_um2, "um2", 0, 1e5,
             "Area per column: multiplexer, sample and hold.")}},
      {"shift_add",
       "Adds up input phases and bit slices behind each converter.",
       {KIND(shift_add, Slot::ShiftAdd, false,
             "Where its energy and area come from."),
        INTEGER(shift_add, accumulator_bits, "bit", 4, 64,
                "Width of partial sums."),
        REAL(shift_add, energy_fj_per_bit, "fJ", 0, 1e6,
             "Energy per conversion and bit of the accumulator."),
        REAL(shift_add, area_um2, "um2", 0, 1e6, "Area per converter.")}},
      {"hierarchy",
       "How many arrays there are and how they are grouped.",
       {INTEGER(hierarchy, groups, "", 1, 65536,
                "Groups on the chip; each has one router."),
        INTEGER(hierarchy, tiles_per_group, "", 1, 65536, "Tiles per group."),
        INTEGER(hierarchy, macros_per_tile, "", 1, 65536, "Arrays per tile.")}},
      {"tile_buffer",
       "Buffer of a tile: inputs and partial sums.",
       {KIND(tile_buffer, Slot::Buffer, false, "What it is made of."),
        REAL(tile_buffer, size_kib, "KiB", 0.0625, 65536, "Capacity."),
        INTEGER(tile_buffer, width_bits, "bit", 8, 65536, "Bits per access.")}},
      {"global_buffer",
       "Buffer of the chip: activations between layers.",
       {KIND(global_buffer, Slot::Buffer, false, "What it is made of."),
        REAL(global_buffer, size_mib, "MiB", 0.0078125, 1024, "Capacity."),
        INTEGER(global_buffer, width_bits, "bit", 8, 65536,
                "Bits per access.")}},
      {"buffer_fit",
       "Power laws of buffers of kind fit: factor * KiB^size * bits^width.",
       {REAL(buffer_fit, read_pj, "pJ", 0, 1e3, "Factor of a read."),
        REAL(buffer_fit, read_size_exponent, "", 0, 2, "Its size exponent."),
        REAL(buffer_fit, read_width_exponent, "", 0, 2, "Its width exponent."),
        REAL(buffer_fit, write_pj, "pJ", 0, 1e3, "Factor of a write."),
        REAL(buffer_fit, write_size_exponent, "", 0, 2, "Its size exponent."),
        REAL(buffer_fit, write_width_exponent, "", 0, 2, "Its width exponent."),
        REAL(buffer_fit, area_mm2, "mm2", 0, 1, "Factor of the area."),
        REAL(buffer_fit, area_size_exponent, "", 0, 2, "Its size exponent."),
        REAL(buffer_fit, area_width_exponent, "", 0, 2, "Its width exponent."),
        REAL(buffer_fit, leakage_mw, "mW", 0, 1,
             "Factor of the standby power."),
        REAL(buffer_fit, leakage_size_exponent, "", 0, 2, "Its size exponent."),
        REAL(buffer_fit, access_ns, "ns", 0, 1e3, "Factor of the access time."),
        REAL(buffer_fit, access_size_exponent, "", 0, 2, "Its size exponent.")},
       {"tile_buffer", "global_buffer"}},
      {"noc",
       "What joins the groups and the global buffer.",
       {KIND(noc, Slot::Noc, false, "How the wires run."),
        INTEGER(noc, link_bits, "bit", 1, 65536, "Bits per link and cycle."),
        REAL(noc, router_pj_per_bit, "pJ", 0, 1e3,
             "Energy of one hop of the mesh."),
        REAL(noc, wire_ff_per_um, "fF/um", 0, 10, "Load of link wires."),
        INTEGER(noc, hop_cycles, "", 0, 1024,
                "Cycles per hop of the mesh or branch of the tree; of the bus "
                "per message."),
        REAL(noc, router_area_mm2, "mm2", 0, 100, "Area of one router.")}},
      {"memory",
       "Memory outside the chip.",
       {KIND(memory, Slot::Memory, true,
             "none: everything has to fit on the chip."),
        REAL_OR(memory, energy_pj_per_bit, "pJ", 0, 1e3, 0,
                "Energy per bit moved."),
        REAL_OR(memory, bandwidth_gb_s, "GB/s", 0, 1e5, 0,
                "Sustained bandwidth.")}},
      {"digital",
       "Digital units for everything that is not a stored product.",
       {KIND(digital, Slot::Digital, false, "What does the work."),
        INTEGER(digital, lanes_per_tile, "", 1, 65536,
                "Operations per tile and cycle."),
        REAL(digital, operation_pj, "pJ", 0, 1e3, "Energy per operation."),
        REAL(digital, mac_pj, "pJ", 0, 1e3,
             "Energy per multiply-accumulate of two activations."),
        REAL(digital, lane_area_um2, "um2", 0, 1e7, "Area of one lane."),
        REAL(digital, lane_leakage_uw, "uW", 0, 1e6,
             "Standby power of one lane at the nominal supply.")}},
      {"timing",
       "Clock.",
       {REAL(timing, cycle_time_ns, "ns", 0, 1e6,
             "Clock period: one conversion, buffer access or hop; 0: as short "
             "as the components allow."),
        REAL(timing, logic_delay_ns, "ns", 0, 1e6,
             "Critical path of the logic at the nominal supply."),
        REAL_OR(timing, setup_ns, "ns", 0, 1e6, 0,
                "Before the first input phase of a product, at the nominal "
                "supply: precharge, reset of samplers.")}},
      {"activity",
       "Mean values that energies depend on.",
       {REAL(activity, input_density, "", 0, 1,
             "Mean of an applied input as share of full scale."),
        REAL(activity, weight_density, "", 0, 1,
             "Mean of a stored cell as share of full scale."),
        INTEGER_OR(activity, figure_weight_bits, "bit", 1, 16, 8,
                   "Bits of weights in the machine's own figures."),
        INTEGER_OR(activity, figure_input_bits, "bit", 1, 16, 8,
                   "Bits of inputs in the machine's own figures.")}},
      {"accounting",
       "Whose equations price the machine; the constants belong to "
       "source-2026 (docs/spec/legacy.md).",
       {NAMED_OR(accounting, model, 0,
                 "closed: the equations of docs/spec/cost-model.md; "
                 "source-2026: the closed forms of arXiv:2603.03880.",
                 "closed", "source-2026"),
        REAL_OR(accounting, chip_area_mm2, "mm2", 0, 1e3, 0,
                "Area that every chip has."),
        REAL_OR(accounting, buffer_area_mm2_per_mib, "mm2", 0, 1e3, 0,
                "Area of a MiB of global buffer."),
        REAL_OR(accounting, group_area_mm2, "mm2", 0, 1e3, 0,
                "Area of a group."),
        REAL_OR(accounting, tile_area_mm2, "mm2", -1, 1e3, 0,
                "Area of a tile; the fit of the source is below zero."),
        REAL_OR(accounting, array_area_um2, "um2", 0, 1e7, 0,
                "Area of an array."),
        REAL_OR(accounting, row_area_um2, "um2", 0, 1e5, 0, "Area of a row."),
        REAL_OR(accounting, column_area_um2, "um2", 0, 1e5, 0,
                "Area of a column with its converter."),
        REAL_OR(accounting, cell_area_um2, "um2", 0, 1e3, 0, "Area of a cell."),
        REAL_OR(accounting, narrow_row_area_um2, "um2", 0, 1e7, 0,
                "Area of a row times the columns of the array, at the nominal "
                "supply; grows towards the threshold (E-LEG-2)."),
        REAL_OR(accounting, cell_pj, "pJ", 0, 1e3, 0,
                "Energy per used cell and vector; of volatile cells at the "
                "nominal supply."),
        REAL_OR(accounting, row_pj, "pJ", 0, 1e3, 0,
                "Energy per used row and vector."),
        REAL_OR(accounting, column_pj, "pJ", 0, 1e3, 0,
                "Energy per column and vector, used or not; of volatile cells "
                "at the nominal supply."),
        REAL_OR(accounting, conversion_pj, "pJ", 0, 1e4, 0,
                "Energy per used column and vector."),
        REAL_OR(accounting, addition_pj, "pJ", 0, 1e4, 0,
                "Energy to add a partial sum of a further strip, at the "
                "nominal supply."),
        REAL_OR(accounting, write_pj, "pJ", 0, 1e3, 0,
                "Energy to write a cell of a volatile array, at the nominal "
                "supply."),
        REAL_OR(accounting, narrow_row_pj, "pJ", 0, 1e6, 0,
                "Energy per used row and vector times the square of the "
                "array's columns, at the nominal supply; grows towards the "
                "threshold (E-LEG-2)."),
        REAL_OR(accounting, narrow_exponent, "", 0, 8, 0,
                "Power of the overdrive in E-LEG-2.")}},
  };
  for (const Socket &socket : sockets())
    addKinds(table, socket);
  // The power laws are those of one kind of buffer.
  for (Component &component : table)
    if (!component.owners.empty())
      for (Field &field : component.fields)
        field.kinds = {kindIndex(Slot::Buffer, "fit")};
  return table;
}

} // namespace

bool Field::belongsTo(int64_t kind) const {
  return kinds.empty() || llvm::is_contained(kinds, kind);
}

const Field *Component::kindField() const { return find("kind"); }

std::vector<const Field *> Component::kindFields() const {
  std::vector<const Field *> deciding;
  if (const Field *own = kindField())
    deciding.push_back(own);
  for (const char *owner : owners)
    deciding.push_back(findComponent(owner)->kindField());
  return deciding;
}

bool Component::has(const Field &field, const Machine &machine) const {
  if (field.kinds.empty())
    return true;
  auto isOf = [&](const Field *kind) {
    return field.belongsTo(static_cast<int64_t>(kind->get(machine)));
  };
  if (owners.empty())
    return isOf(kindField());
  return llvm::any_of(owners, [&](const char *owner) {
    return isOf(findComponent(owner)->kindField());
  });
}

const std::vector<Component> &imc::machine::schema() {
  static const std::vector<Component> table = makeSchema();
  return table;
}

const std::vector<Alias> &imc::machine::aliases() {
  static const std::vector<Alias> table = {
      {"rows", "array.rows"},
      {"cols", "array.cols"},
      {"cell_bits", "cell.bits"},
      {"adc_bits", "adc.bits"},
      {"adc_share", "adc.share"},
      {"dac_bits", "dac.bits"},
      {"groups", "hierarchy.groups"},
      {"tiles_per_group", "hierarchy.tiles_per_group"},
      {"macros_per_tile", "hierarchy.macros_per_tile"},
      {"glb_mib", "global_buffer.size_mib"},
      {"vdd", "technology.vdd_v"},
      {"cycle_time_ns", "timing.cycle_time_ns"},
  };
  return table;
}
