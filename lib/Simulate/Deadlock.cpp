//===- Deadlock.cpp - What streams wait for that wait for ever ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

using namespace imc;
using namespace imc::simulate;
using program::Opcode;

/// The first queue of a core's parts that does not move, and why.
std::string Simulator::stuckQueue(int64_t core) const {
  static const char *const names[numEngines] = {"mvm", "receive", "send",
                                                "store"};
  for (const PartState &part : parts) {
    if (part.core != core)
      continue;
    for (size_t e = 0; e != numEngines; ++e) {
      const Lane &lane = part.lanes[e];
      if (!lane.waits())
        continue;
      const Block &block = lane.front();
      std::string text =
          std::string("`") + names[e] + "` of part " +
          std::to_string(part.index) + " ('" + part.product->name +
          "', windows " + std::to_string(block.first) + " to " +
          std::to_string(block.first + block.count) + ") waits for ";
      const uint64_t k = lane.begun;
      if (e == MvmEngine)
        return text + (part.loaded <= k ? "its `load`"
                                        : "the `send` or `store` two blocks "
                                          "before");
      if (part.lanes[MvmEngine].done <= k)
        return text + "its `mvm`";
      if (e == ReceiveEngine)
        return text + "message " + std::to_string(k) + " of part " +
               std::to_string(program.parts[size_t(part.index)].previous);
      return text + "its `receive`";
    }
  }
  return "";
}

llvm::Error Simulator::deadlock() const {
  std::string text;
  int64_t shown = 0, more = 0;
  for (const Core &core : cores) {
    if (core.halt == Halt::End)
      continue;
    // Cores that only wait for the others say nothing of the cause.
    if (core.halt == Halt::Barrier)
      continue;
    if (shown == 8) {
      ++more;
      continue;
    }
    ++shown;
    text += shown == 1 ? "" : "; ";
    text += core.index == program.chip.cores
                ? "the controller"
                : "core " + std::to_string(core.index);
    const uint32_t stream =
        core.stream < core.streams.size() ? core.streams[core.stream] : 0;
    const program::Instruction *in = core.stream < core.streams.size()
                                         ? &code[begins[stream] + core.pc]
                                         : nullptr;
    const std::string stuck = stuckQueue(core.index);
    if (core.halt == Halt::Tensor && in)
      text += " waits for rows of tensor '" +
              program.tensors[size_t(in->index)].name + "'";
    else if (core.halt == Halt::Writes)
      text += " waits for cells to be written";
    else if (!stuck.empty())
      text += ": " + stuck;
    else if (core.halt == Halt::Load && in)
      text += " waits for an `mvm` of part " + std::to_string(in->index) +
              " ('" + parts[size_t(in->index)].product->name +
              "') that was never issued";
    else
      text += " stands still";
  }
  if (more)
    text += "; " + std::to_string(more) + " more";
  return fail("deadlock after " + std::to_string(executed) +
              " instructions: " + text);
}
