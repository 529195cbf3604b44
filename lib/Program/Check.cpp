//===- Check.cpp - Tables that hang together ------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fields.h"
#include "Problems.h"

#include "imc/Program/IO.h"
#include "imc/Program/Verify.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <initializer_list>

using namespace llvm;
using namespace imc::program;

namespace {

/// Every field in its range.
class RangeChecker {
public:
  RangeChecker(const std::string &where, Problems &problems)
      : where(where), problems(problems) {}

  void number(const char *name, int64_t value, int64_t min, int64_t max) {
    if (value < min || value > max)
      problems.add("range", where + ": " + in + name + " is " + Twine(value) +
                                ", but must lie in " + Twine(min) + " to " +
                                Twine(max));
  }
  void flag(const char *, bool) {}
  void text(const char *, const std::string &) {}
  template <class Enum>
  void choice(const char *name, Enum value, ArrayRef<const char *> names) {
    number(name, static_cast<int64_t>(value), 0,
           static_cast<int64_t>(names.size()) - 1);
  }
  void region(const char *name, const Region &value) {
    number(name, value.offset, 0, maxNumber);
    number(name, value.size, 0, maxNumber);
  }
  void list(const char *name, const std::vector<int64_t> &values, int64_t max) {
    for (int64_t value : values)
      number(name, value, 0, max);
  }
  void group(const char *name) { in = std::string(name) + " "; }

private:
  const std::string &where;
  Problems &problems;
  std::string in;
};

class Checker {
public:
  explicit Checker(const Program &program) : p(program) {}

  Error run();

private:
  template <class Record>
  void ranges(const Record &record, const std::string &where) {
    visit(record, RangeChecker(where, problems));
  }
  template <class Table>
  void index(const std::string &where, const Twine &what, int64_t value,
             const Table &table, StringRef kind, int64_t least = 0) {
    if (value < least || value >= static_cast<int64_t>(table.size()))
      problems.add("index", where + ": " + what + " is " + Twine(value) +
                                ", but there are " + Twine(table.size()) + " " +
                                kind);
  }
  /// The product of non-negative factors stays below 2^53.
  void bounded(const std::string &where, const Twine &what,
               std::initializer_list<int64_t> factors) {
    int64_t product = 1;
    for (int64_t factor : factors)
      if (MulOverflow(product, factor, product) || product > maxNumber)
        return problems.add("overflow", where + ": " + what + " exceeds " +
                                            Twine(maxNumber));
  }

  template <class Record>
  void loop(const Record &record, const std::string &where);

  void chip();
  void tensor(size_t i);
  void product(size_t i);
  void part(size_t i);
  void kernel(size_t i);
  void stream(size_t i);
  void instruction(const Stream &stream, const Instruction &instruction,
                   const std::string &where);

  const Program &p;
  Problems problems;
  SmallVector<int64_t, 3> loops; ///< counts of those that are open
  int64_t executed = 0;          ///< instructions so far
};

} // namespace

template <class Table>
static std::string describe(StringRef kind, size_t i, const Table &table) {
  return (kind + " " + Twine(i) + " '" + table[i].name + "'").str();
}

void Checker::chip() {
  const Chip &c = p.chip;
  ranges(c, "chip");
  bounded("chip", "cores * arrays_per_core", {c.cores, c.arrays_per_core});
  if (c.driven_rows > c.array_rows)
    problems.add("range", "chip: driven_rows is " + Twine(c.driven_rows) +
                              ", but an array has " + Twine(c.array_rows) +
                              " rows");
}

void Checker::tensor(size_t i) {
  const Tensor &t = p.tensors[i];
  std::string where = describe("tensor", i, p.tensors);
  ranges(t, where);
  bounded(where, "elements * bits * versions",
          {t.elements, t.bits, t.versions});
  if (t.versions > 0 && t.region.size % t.versions != 0)
    problems.add("range", where + ": " + Twine(t.region.size) +
                              " bits do not hold " + Twine(t.versions) +
                              " versions of equal size");
  if (t.last_step < t.first_step)
    problems.add("range", where + ": last_step " + Twine(t.last_step) +
                              " lies before first_step " + Twine(t.first_step));
}

/// Steps of a loop can be counted, and only schedules of steps have loops.
template <class Record>
void Checker::loop(const Record &record, const std::string &where) {
  for (int64_t tensor : record.carried)
    index(where, "what is carried", tensor, p.tensors, "tensors");
  if (record.passes == 1) {
    if (record.period != 0 || !record.carried.empty())
      problems.add("loop", where + ": a period or something carried, but one "
                                   "pass");
    return;
  }
  bounded(where, "passes * period", {record.passes, record.period});
  if (p.schedule != Schedule::Layers)
    problems.add("loop", where + ": " + Twine(record.passes) +
                             " passes, but only schedule 'layers' has loops");
  if (record.period < 1)
    problems.add("loop", where + ": " + Twine(record.passes) +
                             " passes in one step: its period must be at "
                             "least 1");
}

void Checker::product(size_t i) {
  const Product &q = p.products[i];
  const Geometry &g = q.geometry;
  const imc::mapping::Tiling &t = q.tiling;
  std::string where = describe("product", i, p.products);
  size_t before = problems.size();
  ranges(q, where);
  for (int64_t input : q.inputs)
    index(where, "an input", input, p.tensors, "tensors");
  index(where, "output", q.output, p.tensors, "tensors");
  index(where, "operand", q.operand, p.tensors, "tensors", -1);
  loop(q, where);
  if (q.passes > 1 && (q.operand >= 0 || q.period < q.rounds))
    problems.add("loop", where + ": in a loop arrays take no operand, and all "
                                 "rounds take place within a period");
  if (problems.size() != before)
    return;
  bounded(where, "copies * packs * strips * column_tiles",
          {q.copies, t.packs, t.strips, t.column_tiles});
  bounded(where, "copies * windows_per_copy", {q.copies, q.windows_per_copy});
  bounded(where, "windows * rows * cols * groups",
          {g.windows, g.rows, g.cols, g.groups});
  bounded(where, "packs * groups_per_pack", {t.packs, t.groups_per_pack});
  bounded(where, "strips * rows", {t.strips, t.rows});
  bounded(where, "column_tiles * cols", {t.column_tiles, t.cols});
  bounded(where, "cols * groups * columns_per_weight",
          {g.cols, g.groups, t.columns_per_weight});
  // Rows are numbered over all images.
  bounded(where, "windows * image_rows", {g.windows, g.image_rows});
  bounded(where, "windows * stride_rows", {g.windows, g.stride_rows});
  bounded(where, "windows * image_rows * row_elements * input_bits",
          {g.windows, g.image_rows, g.row_elements,
           std::min(p.inputBits(q), maxBits)});
}

void Checker::part(size_t i) {
  const Part &q = p.parts[i];
  std::string where = ("part " + Twine(i)).str();
  ranges(q, where);
  index(where, "product", q.product, p.products, "products");
  index(where, "previous", q.previous, p.parts, "parts", -1);
  index(where, "next", q.next, p.parts, "parts", -1);
  if (q.core >= p.chip.cores)
    problems.add("index", where + ": core is " + Twine(q.core) +
                              ", but the chip has " + Twine(p.chip.cores));
  if (q.slot_end < q.slot_begin)
    problems.add("range", where + ": slots end at " + Twine(q.slot_end) +
                              ", before they begin at " + Twine(q.slot_begin));
}

void Checker::kernel(size_t i) {
  const Kernel &k = p.kernels[i];
  std::string where = describe("kernel", i, p.kernels);
  ranges(k, where);
  for (int64_t input : k.inputs)
    index(where, "an input", input, p.tensors, "tensors");
  for (int64_t output : k.outputs)
    index(where, "an output", output, p.tensors, "tensors");
  loop(k, where);
  // How far an output is after a piece.
  for (int64_t output : k.outputs)
    if (output >= 0 && output < static_cast<int64_t>(p.tensors.size()))
      bounded(where, "pieces * rows of an output",
              {k.pieces, p.tensors[output].rows});
}

void Checker::instruction(const Stream &stream, const Instruction &i,
                          const std::string &where) {
  const OpcodeInfo &info = infoOf(i.opcode);
  bool ofController = i.opcode == Opcode::Fetch || i.opcode == Opcode::Spill;
  bool anywhere = info.operand == Operand::None || i.opcode == Opcode::Step ||
                  i.opcode == Opcode::Wait;
  if (!anywhere && ofController != (stream.core == Stream::controller))
    problems.add("stream", where + ": '" + info.name + "' is for " +
                               (ofController ? "the controller" : "a core") +
                               " only");
  switch (info.operand) {
  case Operand::None:
    break;
  case Operand::Step:
    if (i.index < 0 || i.index > maxNumber)
      problems.add("range", where + ": step " + Twine(i.index) +
                                ", but steps count from 0 to " +
                                Twine(maxNumber));
    break;
  case Operand::Tensor:
    index(where, "the tensor", i.index, p.tensors, "tensors");
    break;
  case Operand::Part:
    index(where, "the part", i.index, p.parts, "parts");
    break;
  case Operand::Kernel:
    index(where, "the kernel", i.index, p.kernels, "kernels");
    break;
  case Operand::Product:
    index(where, "the product", i.index, p.products, "products");
    break;
  }

  if (i.count < 0 || i.count > maxNumber || (i.count && !info.hasCount))
    problems.add("range", where + ": count is " + Twine(i.count) +
                              ", but must lie in 0 to " +
                              Twine(info.hasCount ? maxNumber : 0));
  if (!info.hasFirst && (i.first || i.stride[0] || i.stride[1]))
    problems.add("range", where + ": '" + info.name + "' takes no value");

  // The value at any iteration, and the one after the last.
  int64_t most = 0, term = 0;
  bool fits = i.first >= -maxNumber && i.first <= maxNumber;
  for (size_t level = 0; fits && level < 2; ++level) {
    if (i.stride[level] == 0)
      continue;
    if (level >= loops.size()) {
      problems.add("loop", where + ": a stride of '" +
                               Twine(level == 0 ? 'i' : 'j') + "', but only " +
                               Twine(loops.size()) + " loops are around it");
      break;
    }
    int64_t stride = i.stride[level];
    fits =
        stride >= -maxNumber && stride <= maxNumber &&
        !MulOverflow(std::abs(stride), loops[loops.size() - 1 - level], term) &&
        !AddOverflow(most, term, most) && most <= maxNumber;
  }
  if (!fits)
    problems.add("overflow", where + ": the value exceeds " + Twine(maxNumber) +
                                 " in some iteration");
}

void Checker::stream(size_t number) {
  const Stream &stream = p.streams[number];
  std::string name = ("stream " + Twine(number)).str();
  if (stream.core < Stream::idleCores || stream.core >= p.chip.cores)
    problems.add("index", name + ": core is " + Twine(stream.core) +
                              ", but the chip has " + Twine(p.chip.cores));
  int64_t cores = coresOf(p, stream, 0);
  loops.clear();
  for (const auto &[at, i] : enumerate(stream.instructions)) {
    std::string where = (name + ", instruction " + Twine(at)).str();
    if (static_cast<size_t>(i.opcode) >= opcodes.size()) {
      problems.add("range", where + ": opcode " +
                                Twine(static_cast<unsigned>(i.opcode)) +
                                " is none");
      continue;
    }
    instruction(stream, i, where);
    if (i.opcode == Opcode::Loop) {
      if (loops.size() == 2)
        return problems.add("loop", where + ": a loop in two others: loops may "
                                            "be two deep");
      loops.push_back(i.count);
    } else if (i.opcode == Opcode::End) {
      if (loops.empty())
        problems.add("loop", where + ": 'end' without a loop");
      else
        loops.pop_back();
    }
    // Also bounds the product of the counts.
    int64_t times = std::max<int64_t>(cores, 1);
    for (int64_t count : loops)
      if (MulOverflow(times, std::max<int64_t>(count, 1), times))
        times = maxNumber;
    if (AddOverflow(executed, times, executed) || executed > maxNumber) {
      problems.add("overflow", where + ": more than " + Twine(maxNumber) +
                                   " instructions are executed up to here");
      executed = 0;
    }
  }
  if (!loops.empty())
    problems.add("loop",
                 name + ": " + Twine(loops.size()) + " loops have no 'end'");
}

Error Checker::run() {
  if (p.inferences < 1 || p.inferences > maxNumber)
    problems.add("range", "inferences is " + Twine(p.inferences) +
                              ", but must lie in 1 to " + Twine(maxNumber));
  if (static_cast<size_t>(p.schedule) >= scheduleNames.size())
    problems.add("range", "schedule " +
                              Twine(static_cast<unsigned>(p.schedule)) +
                              " is none");
  chip();
  for (size_t i = 0; i < p.tensors.size(); ++i)
    tensor(i);
  for (size_t i = 0; i < p.products.size(); ++i)
    product(i);
  for (size_t i = 0; i < p.parts.size(); ++i)
    part(i);
  for (size_t i = 0; i < p.kernels.size(); ++i)
    kernel(i);
  for (size_t i = 0; i < p.streams.size(); ++i)
    stream(i);
  if (Error error = problems.take())
    return error;
  // Peaks add these up; every size is in its range here.
  int64_t global = 0, tile = 0;
  for (const Tensor &t : p.tensors)
    global = std::min(global + t.region.size, 2 * maxNumber);
  for (const Part &q : p.parts)
    tile = std::min(tile + q.lines.size + q.accumulators.size, 2 * maxNumber);
  if (global > maxNumber || tile > maxNumber)
    problems.add("overflow",
                 "the regions of all " +
                     Twine(global > maxNumber ? "tensors" : "parts") +
                     " have more than " + Twine(maxNumber) + " bits");
  return problems.take();
}

Error imc::program::check(const Program &program) {
  return Checker(program).run();
}
