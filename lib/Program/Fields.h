//===- Fields.h - The columns of a program's tables -------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One list per record names its fields and their ranges. Printer, parser,
// binary form and check all walk these lists, so a field added here is in all
// of them. A visitor has
//
//   void number(const char *name, int64_t &, int64_t min, int64_t max);
//   void flag(const char *name, bool &);
//   void text(const char *name, std::string &);
//   void choice(const char *name, Enum &, ArrayRef<const char *> names);
//   void region(const char *name, Region &);
//   void list(const char *name, std::vector<int64_t> &, int64_t max);
//   void group(const char *name); // the fields that follow belong to it
//
// with const references where the record is const.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_PROGRAM_FIELDS_H
#define IMC_LIB_PROGRAM_FIELDS_H

#include "imc/Program/Program.h"

#include <array>
#include <type_traits>

namespace imc::program {

/// Whole numbers up to here are exact as doubles, and a few of them add up
/// without overflow.
constexpr int64_t maxNumber = int64_t(1) << 53;
/// Bits of a number on the chip.
constexpr int64_t maxBits = 64;
/// Iterations of a loop.
constexpr int64_t maxPasses = int64_t(1) << 20;

constexpr std::array<const char *, 2> spaceNames = {"global", "external"};
constexpr std::array<const char *, 3> scheduleNames = {"layers", "pipeline",
                                                       "stream"};

/// What an instruction's index counts, by the letter in the text form.
enum class Operand : char {
  None = 0,
  Step = 's',
  Tensor = 't',
  Part = 'p',
  Kernel = 'k',
  Product = 'w',
};

struct OpcodeInfo {
  const char *name;
  Operand operand;
  bool hasFirst; ///< takes a value
  bool hasCount;
};

constexpr std::array<OpcodeInfo, 13> opcodes = {{
    {"loop", Operand::None, false, true},
    {"end", Operand::None, false, false},
    {"step", Operand::Step, true, false},
    {"wait", Operand::Tensor, true, true},
    {"write", Operand::Part, false, false},
    {"load", Operand::Part, true, true},
    {"mvm", Operand::Part, true, true},
    {"receive", Operand::Part, true, true},
    {"send", Operand::Part, true, true},
    {"store", Operand::Part, true, true},
    {"vector", Operand::Kernel, true, true},
    {"fetch", Operand::Product, true, false},
    {"spill", Operand::Step, false, true},
}};

inline const OpcodeInfo &infoOf(Opcode opcode) {
  return opcodes[static_cast<size_t>(opcode)];
}

template <class T, class V>
void visitChip(T &c, V &&v) {
  v.text("target", c.target);
  v.number("cores", c.cores, 1, maxNumber);
  v.number("arrays_per_core", c.arrays_per_core, 1, maxNumber);
  v.number("cores_per_group", c.cores_per_group, 1, maxNumber);
  v.number("array_rows", c.array_rows, 1, maxNumber);
  v.number("array_cols", c.array_cols, 1, maxNumber);
  v.number("driven_rows", c.driven_rows, 1, maxNumber);
  v.number("tile_buffer_bits", c.tile_buffer_bits, 0, maxNumber);
  v.number("global_buffer_bits", c.global_buffer_bits, 0, maxNumber);
  v.number("weight_bits", c.weight_bits, 1, maxBits);
  v.number("input_bits", c.input_bits, 1, maxBits);
  v.number("accumulator_bits", c.accumulator_bits, 1, maxBits);
  v.flag("rewritable", c.rewritable);
}

template <class T, class V>
void visitTensor(T &t, V &&v) {
  v.choice("space", t.space, spaceNames);
  v.region("region", t.region);
  v.number("elements", t.elements, 0, maxNumber);
  v.number("bits", t.bits, 0, maxBits);
  v.number("versions", t.versions, 1, maxNumber);
  v.number("rows", t.rows, 1, maxNumber);
  v.number("first_step", t.first_step, -1, maxNumber);
  v.number("last_step", t.last_step, 0, maxNumber);
}

template <class T, class V>
void visitProduct(T &p, V &&v) {
  v.number("layer", p.layer, 0, maxNumber);
  v.number("step", p.step, 0, maxNumber);
  v.list("inputs", p.inputs, maxNumber);
  v.number("output", p.output, 0, maxNumber);
  v.number("operand", p.operand, -1, maxNumber);
  v.number("copies", p.copies, 1, maxNumber);
  v.number("windows_per_copy", p.windows_per_copy, 0, maxNumber);
  v.number("rounds", p.rounds, 0, maxNumber);
  v.number("weight_bits", p.weight_bits, 0, maxBits);
  v.number("input_bits", p.input_bits, 0, maxBits);
  v.number("adc_bits", p.adc_bits, 0, maxBits);
  v.number("passes", p.passes, 1, maxPasses);
  v.number("period", p.period, 0, maxNumber);
  v.list("carried", p.carried, maxNumber);

  auto &g = p.geometry;
  v.group("geometry");
  v.number("windows", g.windows, 1, maxNumber);
  v.number("rows", g.rows, 1, maxNumber);
  v.number("cols", g.cols, 1, maxNumber);
  v.number("groups", g.groups, 1, maxNumber);
  v.number("kernel_elements", g.kernel_elements, 1, maxNumber);
  v.number("kernel_rows", g.kernel_rows, 1, maxNumber);
  v.number("stride_rows", g.stride_rows, 1, maxNumber);
  v.number("windows_per_row", g.windows_per_row, 1, maxNumber);
  v.number("window_rows", g.window_rows, 1, maxNumber);
  v.number("image_rows", g.image_rows, 1, maxNumber);
  v.number("padding_rows", g.padding_rows, 0, maxNumber);
  v.number("tensor_rows", g.tensor_rows, 0, maxNumber);
  v.number("row_elements", g.row_elements, 0, maxNumber);

  auto &t = p.tiling;
  v.group("tiling");
  v.number("packs", t.packs, 1, maxNumber);
  v.number("strips", t.strips, 1, maxNumber);
  v.number("column_tiles", t.column_tiles, 1, maxNumber);
  v.number("rows", t.rows, 1, maxNumber);
  v.number("cols", t.cols, 1, maxNumber);
  v.number("groups_per_pack", t.groups_per_pack, 1, maxNumber);
  v.number("columns_per_weight", t.columns_per_weight, 1, maxNumber);
  v.number("phases", t.phases, 1, maxNumber);
  v.number("lossless_bits", t.lossless_bits, 0, maxBits);
  v.number("pack_rows", t.pack_rows, 1, maxNumber);
  v.number("pack_cols", t.pack_cols, 1, maxNumber);
  v.number("row_sets", t.row_sets, 1, maxNumber);
}

template <class T, class V>
void visitPart(T &p, V &&v) {
  v.number("product", p.product, 0, maxNumber);
  v.number("core", p.core, 0, maxNumber);
  v.number("round", p.round, 0, maxNumber);
  v.number("first_array", p.first_array, 0, maxNumber);
  v.number("copies", p.copies, 1, maxNumber);
  v.number("slot_begin", p.slot_begin, 0, maxNumber);
  v.number("slot_end", p.slot_end, 0, maxNumber);
  v.number("first_window", p.first_window, 0, maxNumber);
  v.number("windows", p.windows, 0, maxNumber);
  v.number("block", p.block, 0, maxNumber);
  v.number("previous", p.previous, -1, maxNumber);
  v.number("next", p.next, -1, maxNumber);
  v.region("lines", p.lines);
  v.region("accumulators", p.accumulators);
}

template <class T, class V>
void visitKernel(T &k, V &&v) {
  v.text("op", k.op);
  v.number("layer", k.layer, 0, maxNumber);
  v.number("step", k.step, 0, maxNumber);
  v.number("operations", k.operations, 0, maxNumber);
  v.number("macs", k.macs, 0, maxNumber);
  v.number("tile_read_bits", k.tile_read_bits, 0, maxNumber);
  v.number("tile_write_bits", k.tile_write_bits, 0, maxNumber);
  v.number("global_read_bits", k.global_read_bits, 0, maxNumber);
  v.number("global_write_bits", k.global_write_bits, 0, maxNumber);
  v.number("pieces", k.pieces, 1, maxNumber);
  v.list("inputs", k.inputs, maxNumber);
  v.list("outputs", k.outputs, maxNumber);
  v.number("passes", k.passes, 1, maxPasses);
  v.number("period", k.period, 0, maxNumber);
  v.list("carried", k.carried, maxNumber);
}

/// Walks the fields of any record, const or not.
template <class T, class V>
void visit(T &record, V &&v) {
  using Record = std::remove_const_t<T>;
  if constexpr (std::is_same_v<Record, Chip>)
    visitChip(record, v);
  else if constexpr (std::is_same_v<Record, Tensor>)
    visitTensor(record, v);
  else if constexpr (std::is_same_v<Record, Product>)
    visitProduct(record, v);
  else if constexpr (std::is_same_v<Record, Part>)
    visitPart(record, v);
  else
    visitKernel(record, v);
}

} // namespace imc::program

#endif // IMC_LIB_PROGRAM_FIELDS_H
