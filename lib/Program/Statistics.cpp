//===- Statistics.cpp - Size of a program ---------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Program/Statistics.h"

#include "imc/Program/IO.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <map>

using namespace llvm;
using namespace imc::program;

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

namespace {

/// Visits the instructions of a stream with the step that they are in. Of a
/// loop only the first two and the last two iterations are walked: the number
/// of a step is linear in the iterations, so its extremes are among them, also
/// for instructions that stand before the Step of their loop.
class StepWalk {
public:
  explicit StepWalk(function_ref<void(const Instruction &, int64_t)> visit)
      : visit(visit) {}

  void walk(ArrayRef<Instruction> body, int64_t i = 0, int64_t j = 0) {
    for (size_t at = 0; at < body.size(); ++at) {
      const Instruction &instruction = body[at];
      if (instruction.opcode == Opcode::Step)
        step = instruction.index + instruction.first +
               instruction.stride[0] * i + instruction.stride[1] * j;
      if (instruction.opcode != Opcode::Loop) {
        visit(instruction, step);
        continue;
      }
      size_t end = at + 1;
      for (int depth = 1; depth > 0; ++end)
        depth += body[end].opcode == Opcode::Loop  ? 1
                 : body[end].opcode == Opcode::End ? -1
                                                   : 0;
      ArrayRef<Instruction> inner = body.slice(at + 1, end - at - 2);
      int64_t n = instruction.count;
      for (int64_t k = 0; k < n; k = k == 1 ? std::max(n - 2, k + 1) : k + 1)
        walk(inner, k, i);
      at = end - 1;
    }
  }

private:
  function_ref<void(const Instruction &, int64_t)> visit;
  int64_t step = 0;
};

bool isOfPart(Opcode opcode) {
  switch (opcode) {
  case Opcode::Write:
  case Opcode::Load:
  case Opcode::Mvm:
  case Opcode::Receive:
  case Opcode::Send:
  case Opcode::Store:
    return true;
  default:
    return false;
  }
}

/// Largest sum of sizes over the intervals [begin, end] that share a point.
class Peak {
public:
  void add(int64_t begin, int64_t end, int64_t size) {
    changes[begin] += size;
    changes[end + 1] -= size;
  }
  int64_t value() const {
    int64_t now = 0, most = 0;
    for (auto [at, change] : changes)
      most = std::max(most, now += change);
    return most;
  }

private:
  std::map<int64_t, int64_t> changes;
};

} // namespace

std::vector<std::pair<int64_t, int64_t>>
imc::program::stepsOfParts(const Program &program) {
  std::vector<std::pair<int64_t, int64_t>> steps(program.parts.size(),
                                                 {-1, -1});
  auto visit = [&](const Instruction &i, int64_t step) {
    if (!isOfPart(i.opcode))
      return;
    auto &[first, last] = steps[i.index];
    first = first < 0 ? step : std::min(first, step);
    last = std::max(last, step);
  };
  for (const Stream &stream : program.streams)
    StepWalk(visit).walk(stream.instructions);
  return steps;
}

std::set<int64_t> imc::program::coresWithParts(const Program &program) {
  std::set<int64_t> cores;
  for (const Part &part : program.parts)
    cores.insert(part.core);
  return cores;
}

int64_t imc::program::coresOf(const Program &program, const Stream &stream,
                              int64_t withParts) {
  return stream.core == Stream::allCores    ? program.chip.cores
         : stream.core == Stream::idleCores ? program.chip.cores - withParts
                                            : 1;
}

//===----------------------------------------------------------------------===//
// Counts
//===----------------------------------------------------------------------===//

Statistics imc::program::statistics(const Program &program) {
  Statistics s;
  int64_t withParts = coresWithParts(program).size();
  for (const Stream &stream : program.streams) {
    SmallVector<int64_t, 3> times = {coresOf(program, stream, withParts)};
    for (const Instruction &i : stream.instructions) {
      ++s.instructions;
      if (i.opcode == Opcode::Loop) {
        times.push_back(times.back() * i.count);
      } else if (i.opcode == Opcode::End) {
        times.pop_back();
      } else {
        s.executed += times.back();
        s.executed_by_opcode[static_cast<size_t>(i.opcode)] += times.back();
      }
    }
    StepWalk([&](const Instruction &, int64_t step) {
      s.steps = std::max(s.steps, step + 1);
    }).walk(stream.instructions);
  }

  int64_t passes =
      program.schedule == Schedule::Pipeline ? program.inferences : 1;
  Peak global;
  for (const Tensor &t : program.tensors)
    if (t.space == Space::Global)
      global.add(t.first_step, t.last_step + passes - 1, t.region.size);
  s.global_buffer_peak = global.value();

  std::map<int64_t, Peak> cores;
  std::vector<std::pair<int64_t, int64_t>> steps = stepsOfParts(program);
  for (size_t i = 0; i < program.parts.size(); ++i) {
    const Part &part = program.parts[i];
    if (steps[i].first < 0)
      continue;
    // The passes of a loop are alike.
    const Product &product = program.products[part.product];
    const bool loops = product.passes > 1;
    const int64_t only = product.step + part.round;
    cores[part.core].add(loops ? only : steps[i].first,
                         loops ? only : steps[i].second,
                         part.lines.size + part.accumulators.size);
  }
  for (const auto &[core, peak] : cores)
    s.tile_buffer_peak = std::max(s.tile_buffer_peak, peak.value());
  return s;
}

void imc::program::print(const Statistics &statistics, raw_ostream &os) {
  auto line = [&](StringRef what, int64_t value) {
    os << formatv("{0,-28} {1}\n", what, value);
  };
  line("instructions", statistics.instructions);
  line("executed", statistics.executed);
  for (size_t i = 0; i < Statistics::numOpcodes; ++i)
    if (int64_t count = statistics.executed_by_opcode[i])
      line(("  " + name(static_cast<Opcode>(i))).str(), count);
  line("steps", statistics.steps);
  line("global_buffer_peak_bits", statistics.global_buffer_peak);
  line("tile_buffer_peak_bits", statistics.tile_buffer_peak);
}
