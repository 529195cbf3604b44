//===- Issue.cpp - Cores take their instructions in order -----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Engine.h"

#include <algorithm>

using namespace imc;
using namespace imc::simulate;
using cost::Time;
using program::Instruction;
using program::Opcode;

bool Simulator::stop(Core &core, Halt why) {
  if (core.halt == Halt::None)
    core.since = now;
  core.halt = why;
  return false;
}

/// Issues until something has to be waited for.
void Simulator::advance(Core &core) {
  for (;;) {
    if (core.stream == core.streams.size()) {
      if (core.outstanding > 0) {
        stop(core, Halt::Drain);
        return;
      }
      core.halt = Halt::End;
      setLevel(core, std::numeric_limits<int64_t>::max());
      return;
    }
    const uint32_t stream = core.streams[core.stream];
    const uint32_t place = begins[stream] + core.pc;
    if (place == begins[stream + 1]) {
      ++core.stream;
      core.pc = 0;
      continue;
    }
    const Instruction &in = code[place];
    if (in.opcode == Opcode::Loop) {
      if (in.count <= 0) {
        core.pc = uint32_t(in.index) - begins[stream] + 1;
      } else {
        core.loops[core.depth++] = {core.pc + 1, in.count, 0};
        ++core.pc;
      }
      continue;
    }
    if (in.opcode == Opcode::End) {
      Core::Loop &loop = core.loops[core.depth - 1];
      if (++loop.iteration < loop.count) {
        core.pc = loop.begin;
      } else {
        --core.depth;
        ++core.pc;
      }
      continue;
    }
    Instruction now_ = in;
    if (core.depth > 0)
      now_.first += in.stride[0] * core.loops[core.depth - 1].iteration;
    if (core.depth > 1)
      now_.first += in.stride[1] * core.loops[0].iteration;
    if (!issue(core, now_) || !problem.empty())
      return;
    core.halt = Halt::None;
    ++core.pc;
    ++executed;
  }
}

bool Simulator::issue(Core &core, const Instruction &in) {
  auto enqueue = [&](Engine engine) {
    PartState &part = parts[size_t(in.index)];
    Lane &lane = part.lanes[engine];
    if (lane.full())
      return stop(core, Halt::Queue);
    lane.queue[lane.issued++ % Lane::depth] = {in.first, in.count};
    ++core.outstanding;
    begin(part);
    return true;
  };
  switch (in.opcode) {
  case Opcode::Step:
    return issueStep(core, in);
  case Opcode::Wait:
    return issueWait(core, in);
  case Opcode::Load:
    return issueLoad(core, in);
  case Opcode::Mvm:
    return enqueue(MvmEngine);
  case Opcode::Receive:
    return enqueue(ReceiveEngine);
  case Opcode::Send:
    return enqueue(SendEngine);
  case Opcode::Store:
    return enqueue(StoreEngine);
  case Opcode::Vector:
    return issueVector(core, in);
  case Opcode::Write:
    issueWrite(core, in);
    return true;
  default:
    issueController(core, in);
    return true;
  }
}

bool Simulator::issueStep(Core &core, const Instruction &in) {
  const int64_t step = in.index + in.first;
  // Released, or said again by the next stream.
  if (core.level == step)
    return true;
  if (core.outstanding > 0)
    return stop(core, Halt::Drain);
  if (step < core.level) {
    problem = "core " + std::to_string(core.index) + " goes from step " +
              std::to_string(core.level) + " back to step " +
              std::to_string(step);
    return false;
  }
  stop(core, Halt::Barrier);
  core.since = now;
  waiting[step].push_back(core.index);
  setLevel(core, step);
  return false;
}

bool Simulator::issueWait(Core &core, const Instruction &in) {
  Progress &progress = tensors[size_t(in.index)];
  const int64_t rows = in.first + in.count;
  // Inputs of the model are there.
  if ((progress.product < 0 && progress.kernel < 0) ||
      rowsReady(progress) >= rows)
    return true;
  stop(core, Halt::Tensor);
  progress.waiters.push_back({core.index, rows});
  return false;
}

bool Simulator::issueLoad(Core &core, const Instruction &in) {
  PartState &part = parts[size_t(in.index)];
  if (noLoads || writing > 0) {
    if (core.halt != Halt::Writes)
      writesBlocked.push_back(core.index);
    return stop(core, Halt::Writes);
  }
  // Two blocks in flight, one transfer of the core at a time.
  if (core.loading || part.loads > part.lanes[MvmEngine].done + 1)
    return stop(core, Halt::Load);

  const program::Part &p = program.parts[size_t(in.index)];
  const auto [from, to] =
      rowsOf(part.product->geometry, p.first_window, in.first, in.count);
  const program::Geometry &g = part.product->geometry;
  const int64_t elements =
      (tensorRows(g, to) - tensorRows(g, from)) * part.work->row_elements;
  part.elements += elements;
  const double bits = double(elements * program.inputBits(*part.product));
  double end = now, done = now;
  if (bits > 0) {
    const std::string &name = part.product->name;
    const double p = claimGlobal(bits, name);
    const double l = claimLink(part.group, bits, name);
    const double b = claimPort(core, bits, name);
    end = std::max({p, l, b});
    part.load_bound = end == p   ? Stall::GlobalBuffer
                      : end == l ? Stall::Link
                                 : Stall::TileBuffer;
    done = end + prices.noc_hops;
    if (end - now < prices.noc_hops)
      part.load_bound = Stall::Latency;
  }
  touch(productWork[size_t(part.product_index)], now, done);
  part.last_load = std::max(part.last_load, done);
  ++part.loads;
  ++core.outstanding;
  if (end > now) {
    core.loading = true;
    at(end, Done::Port, uint32_t(core.index));
  }
  at(part.last_load, Done::Load, uint32_t(in.index));
  return true;
}

bool Simulator::issueVector(Core &core, const Instruction &in) {
  // One at work, one behind it.
  if (core.vectors == 2)
    return stop(core, Halt::Queue);
  const program::Kernel &kernel = program.kernels[size_t(in.index)];
  const double share = double(in.count) / double(kernel.pieces);
  const double ofCore = share / double(program.chip.cores);
  double done = claim(core.lanes,
                      double(kernel.operations + kernel.macs) * share *
                          prices.lane_operation,
                      Time::Digital, 1 + core.index, 2, kernel.name);
  done = std::max(
      done,
      claimPort(core,
                double(kernel.tile_read_bits + kernel.tile_write_bits) * ofCore,
                kernel.name));
  const double moved =
      double(kernel.global_read_bits + kernel.global_write_bits) * ofCore;
  if (moved > 0) {
    done = std::max(done, claimGlobal(moved, kernel.name));
    done = std::max(done, claimLink(core.group, moved, kernel.name));
    done += prices.noc_hops;
  }
  core.last_vector = std::max(core.last_vector, done);
  touch(kernelWork[size_t(in.index)], now, core.last_vector);
  kernels[size_t(in.index)].shares += in.count;
  ++core.vectors;
  ++core.outstanding;
  at(core.last_vector, Done::Vector, uint32_t(core.index), in.index,
     in.first + in.count);
  return true;
}

void Simulator::issueWrite(Core &core, const Instruction &in) {
  PartState &part = parts[size_t(in.index)];
  const program::Product &product = *part.product;
  const std::string &name = product.name;
  // Nothing in this step waits for weights of a later one.
  const program::Part &described = program.parts[size_t(in.index)];
  const bool ahead = core.level < product.step + described.round;
  ++part.writes;
  writing += !ahead;
  ++core.outstanding;
  double done =
      claim(core.programming, double(rowsWritten(part)) * prices.row_write,
            Time::Programming, 1 + core.index, 3, name);
  if (product.operand >= 0) {
    // The operand comes from the global buffer, once, to every part that holds
    // cells of it.
    const double word = double(program.inputBits(product));
    const double moved = double(part.work->elements) * word;
    done = std::max(done, claimGlobal(double(part.work->owned) * word, name));
    done = std::max(done, claimLink(part.group, moved, name));
    done = std::max(done, claimPort(core, 2 * moved, name)) + prices.noc_hops;
  }
  touch(productWork[size_t(part.product_index)], now, done);
  at(done, Done::Write, uint32_t(in.index), ahead);
}

void Simulator::issueController(Core &core, const Instruction &in) {
  double bits = 0;
  bool ahead = false;
  Done what = Done::Spill;
  std::string name;
  if (in.opcode == Opcode::Fetch) {
    what = Done::Fetch;
    auto round = rounds.find({in.index, in.first});
    const int64_t weights = round == rounds.end() ? 0 : round->second;
    fetched[size_t(in.index)] += weights;
    bits = double(weights);
    name = program.products[size_t(in.index)].name;
    ahead = core.level < program.products[size_t(in.index)].step + in.first;
    writing += !ahead;
  } else {
    spilled[in.index + in.first] += in.count;
    bits = double(in.count);
    name = "spill";
  }
  ++core.outstanding;
  const double done =
      claim(memory, bits * prices.memory_bit_time, Time::Memory, 0, 2, name);
  if (what == Done::Fetch)
    touch(productWork[size_t(in.index)], now, done);
  at(done, what, uint32_t(core.index), ahead);
}

/// Puts everything to work that a part has in its queues and that may begin.
void Simulator::begin(PartState &part) {
  Lane &mvm = part.lanes[MvmEngine];
  Lane &receive = part.lanes[ReceiveEngine];
  while (receive.waits() && mvm.done > receive.begun &&
         part.arrived > receive.begun) {
    part.received += receive.front().count;
    part.received_at = now;
    ++receive.begun;
    ++receive.done;
    finish(part.core);
  }
  for (Engine engine : {SendEngine, StoreEngine})
    while (part.lanes[engine].waits() && mvm.done > part.lanes[engine].begun &&
           (!part.receives || receive.done > part.lanes[engine].begun))
      beginOut(part, engine);
  while (mvm.waits() && part.loaded > mvm.begun &&
         (!part.sends || part.lanes[SendEngine].done + 2 > mvm.begun) &&
         (!part.stores || part.lanes[StoreEngine].done + 2 > mvm.begun))
    beginMvm(part);
}

void Simulator::beginMvm(PartState &part) {
  Lane &lane = part.lanes[MvmEngine];
  const Block block = lane.front();
  ++lane.begun;
  // Arrays stood still since their last product or since the step began.
  const double idle = std::max(part.arrays.free, stepStart);
  if (now > idle) {
    const double programmed = std::clamp(written - idle, 0.0, now - idle);
    part.stalls[size_t(Stall::Programming)] += programmed;
    const Stall why = part.out_done == now    ? part.out_bound
                      : part.load_done == now ? part.load_bound
                                              : Stall::Tensor;
    part.stalls[size_t(why)] += now - idle - programmed;
  }
  const int64_t products =
      (block.count + part.copies - 1) / part.copies * part.work->turns;
  part.serial += products;
  part.windows += block.count;
  double seconds = double(products) * part.products_s;
  if (part.mvm_step != epoch) {
    part.mvm_step = epoch;
    seconds += part.fill_s;
  }
  const std::string &name = part.product->name;
  double done = claim(part.arrays, seconds, Time::Compute, 1 + part.core,
                      4 + part.index, name);
  done = std::max(
      done, claimPort(cores[size_t(part.core)],
                      double(block.count * (part.read_bits + part.write_bits)),
                      name));
  lane.last = std::max(lane.last, done);
  at(lane.last, Done::Mvm, uint32_t(part.index));
}

static bool isYounger(const Link::Message &a, const Link::Message &b) {
  return std::pair(a.block, a.order) > std::pair(b.block, b.order);
}

void Simulator::beginOut(PartState &part, Engine engine) {
  Lane &lane = part.lanes[engine];
  const Block block = lane.front();
  ++lane.begun;
  const std::string &name = part.product->name;
  const int64_t accumulator = program.chip.accumulator_bits;
  const int64_t outputs =
      engine == SendEngine ? part.work->sent : part.work->stored;
  const double sums = double(block.count * outputs * accumulator);
  const double b = claimPort(cores[size_t(part.core)], sums, name);
  if (engine == SendEngine) {
    part.sent += block.count;
    const size_t link = linkOf(part.group);
    links[link].messages.push_back(
        {lane.begun, order++, uint32_t(part.index), sums, b});
    std::push_heap(links[link].messages.begin(), links[link].messages.end(),
                   isYounger);
    sendOver(link);
    return;
  }
  part.stored += block.count;
  const double words =
      double(block.count * outputs * program.inputBits(*part.product));
  const double l = claimLink(part.group, words, name);
  const double g = claimGlobal(words, name);
  double done = std::max({b, l, g});
  part.out_bound = part.receives && part.received_at == now ? Stall::Peer
                   : done == g ? Stall::GlobalBuffer
                   : done == l ? Stall::Link
                               : Stall::TileBuffer;
  if (outputs > 0)
    done += prices.noc_hops;
  lane.last = std::max(lane.last, done);
  touch(productWork[size_t(part.product_index)], now, lane.last);
  at(lane.last, Done::Store, uint32_t(part.index), block.count);
}

/// Sends what waits for a link, as long as it is free.
void Simulator::sendOver(size_t index) {
  Link &link = links[index];
  while (!link.messages.empty()) {
    if (link.free > now) {
      if (!link.armed) {
        link.armed = true;
        at(link.free, Done::Link, uint32_t(index));
      }
      return;
    }
    std::pop_heap(link.messages.begin(), link.messages.end(), isYounger);
    const Link::Message message = link.messages.back();
    link.messages.pop_back();
    PartState &part = parts[message.part];
    const std::string &name = part.product->name;
    double l = claimLink(part.group, message.bits, name);
    const int64_t other = parts[size_t(part.next)].group;
    if (linkOf(other) != index)
      l = std::max(l, claimLink(other, message.bits, name));
    double done = std::max(message.ready, l);
    part.out_bound = part.receives && part.received_at == now ? Stall::Peer
                     : done == l ? Stall::Link
                                 : Stall::TileBuffer;
    if (message.bits > 0)
      done += prices.noc_hops;
    Lane &lane = part.lanes[SendEngine];
    lane.last = std::max(lane.last, done);
    touch(productWork[size_t(part.product_index)], now, lane.last);
    at(lane.last, Done::Send, message.part);
  }
}
