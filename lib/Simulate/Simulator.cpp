//===- Simulator.cpp - The event loop -------------------------------------===//
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

void Simulator::at(double time, Done what, uint32_t index, int64_t a,
                   int64_t b) {
  heap.push_back({time, order++, what, index, a, b});
  std::push_heap(heap.begin(), heap.end(), Later());
}

double Simulator::claim(Server &server, double seconds, Time kind, int64_t pid,
                        int64_t tid, const std::string &name) {
  if (seconds <= 0)
    return now;
  const double start = std::max(server.free, now);
  server.free = start + seconds;
  server.work += seconds;
  if (server.step != epoch) {
    server.step = epoch;
    server.now = 0;
  }
  server.now += seconds;
  double &most = busiest[size_t(kind)];
  most = std::max(most, server.now);
  if (trace && trace->on)
    trace->span(pid, tid, start, server.free, name);
  return server.free;
}

double Simulator::claimGlobal(double bits, const std::string &name) {
  return claim(global, bits * prices.global_bit, Time::GlobalBuffer, 0, 1,
               name);
}

double Simulator::claimLink(int64_t group, double bits,
                            const std::string &name) {
  // A mesh has a link per group; all groups share that of a bus or a tree.
  const size_t link = linkOf(group);
  return claim(links[link], bits * prices.noc_bit_time, Time::Noc, 0,
               3 + int64_t(link), name);
}

size_t Simulator::linkOf(int64_t group) const {
  return size_t(group % static_cast<int64_t>(prices.noc_links));
}

double Simulator::claimPort(Core &core, double bits, const std::string &name) {
  return claim(core.port, bits * prices.tile_bit, Time::TileBuffer,
               1 + core.index, 1, name);
}

void Simulator::touch(WorkResult &work, double start, double end) {
  if (work.start < 0)
    work.start = start;
  work.end = std::max(work.end, end);
}

int64_t Simulator::rowsWritten(const PartState &part) const {
  const mapping::Tiling &t = part.product->tiling;
  return part.copies * part.work->arrays * t.turns() *
         std::min(t.rows, t.pack_rows);
}

//===----------------------------------------------------------------------===//
// Waking
//===----------------------------------------------------------------------===//

/// Tries again what a core could not issue.
void Simulator::wake(int64_t index) {
  Core &core = cores[size_t(index)];
  switch (core.halt) {
  case Halt::None:
  case Halt::Writes:
  case Halt::Barrier:
  case Halt::Tensor:
  case Halt::End:
    return;
  case Halt::Drain:
    if (core.outstanding > 0)
      return;
    [[fallthrough]];
  case Halt::Load:
  case Halt::Queue:
    advance(core);
  }
}

void Simulator::finish(int64_t index) { --cores[size_t(index)].outstanding; }

/// Leading rows of a tensor that are there.
int64_t Simulator::rowsReady(Progress &progress) {
  if (progress.product < 0) {
    const program::Kernel &kernel = program.kernels[size_t(progress.kernel)];
    const int64_t pieces = kernels[size_t(progress.kernel)].pieces;
    return pieces * progress.rows / kernel.pieces;
  }
  const program::Geometry &g =
      program.products[size_t(progress.product)].geometry;
  while (progress.cursor < progress.ranges.size()) {
    const Progress::Range &range = progress.ranges[progress.cursor];
    int64_t least = range.windows;
    for (int64_t p : range.parts)
      least = std::min(least, parts[size_t(p)].stored_done);
    if (least < range.windows)
      return (range.first + least) / g.windows_per_row;
    ++progress.cursor;
  }
  return progress.rows;
}

void Simulator::notify(int64_t tensor) {
  if (tensor < 0 || tensor >= int64_t(tensors.size()) ||
      tensors[size_t(tensor)].waiters.empty())
    return;
  Progress &progress = tensors[size_t(tensor)];
  const int64_t rows = rowsReady(progress);
  // The rest waits on.
  std::vector<Progress::Waiter> all;
  all.swap(progress.waiters);
  std::vector<int64_t> ready;
  for (const Progress::Waiter &w : all)
    if (w.rows <= rows)
      ready.push_back(w.core);
    else
      progress.waiters.push_back(w);
  for (int64_t c : ready) {
    Core &core = cores[size_t(c)];
    core.stalls[size_t(Stall::Tensor)] += now - core.since;
    core.halt = Halt::None;
    advance(core);
  }
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

void Simulator::setLevel(Core &core, int64_t level) {
  auto old = levels.find(core.level);
  if (--old->second == 0) {
    levels.erase(old);
    released = true;
  }
  core.level = level;
  ++levels[level];
}

void Simulator::endStep() {
  if (stepEntry < 0)
    return;
  StepResult &step = steps[size_t(stepEntry)];
  step.end = now;
  step.seconds += now - stepStart;
  for (size_t i = 0; i != cost::numTimes; ++i)
    step.busy[i] += busiest[i];
  busiest.fill(0);
}

/// Lets the cores go whose step has come: those that write cells first.
void Simulator::release() {
  released = false;
  if (waiting.empty() || levels.begin()->first < waiting.begin()->first)
    return;
  const int64_t level = waiting.begin()->first;
  const std::vector<int64_t> going = std::move(waiting.begin()->second);
  waiting.erase(waiting.begin());
  endStep();
  ++epoch;
  stepStart = now;
  // The entry of the instruction: all beats of a loop share one.
  const Core &any = cores[size_t(going.front())];
  const int64_t index = code[begins[any.streams[any.stream]] + any.pc].index;
  auto [entry, isNew] = stepOf.try_emplace(index, steps.size());
  if (isNew) {
    steps.emplace_back();
    steps.back().index = index;
    steps.back().start = now;
  }
  stepEntry = int64_t(entry->second);
  ++steps[entry->second].executions;
  if (trace) {
    trace->on = level >= options.trace_begin && level < options.trace_end;
    if (trace->on)
      trace->instant(0, now, "step " + std::to_string(level));
  }
  for (int64_t c : going) {
    Core &core = cores[size_t(c)];
    core.stalls[size_t(Stall::Step)] += now - core.since;
    core.halt = Halt::None;
  }
  start(going);
}

/// All cores of a list begin at once; loads come after all writes.
void Simulator::start(const std::vector<int64_t> &going) {
  noLoads = true;
  for (int64_t c : going)
    advance(cores[size_t(c)]);
  noLoads = false;
  afterWrites();
}

void Simulator::afterWrites() {
  if (writing > 0)
    return;
  std::vector<int64_t> blocked;
  blocked.swap(writesBlocked);
  for (int64_t c : blocked) {
    Core &core = cores[size_t(c)];
    core.stalls[size_t(Stall::Programming)] += now - core.since;
    core.halt = Halt::None;
    advance(core);
  }
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

void Simulator::handle(const Event &event) {
  switch (event.what) {
  case Done::Port:
    cores[event.index].loading = false;
    wake(event.index);
    return;
  case Done::Load: {
    PartState &part = parts[event.index];
    ++part.loaded;
    part.load_done = now;
    finish(part.core);
    begin(part);
    wake(part.core);
    return;
  }
  case Done::Mvm: {
    PartState &part = parts[event.index];
    ++part.lanes[MvmEngine].done;
    finish(part.core);
    begin(part);
    wake(part.core);
    return;
  }
  case Done::Send: {
    PartState &part = parts[event.index];
    ++part.lanes[SendEngine].done;
    part.out_done = now;
    finish(part.core);
    begin(part);
    wake(part.core);
    PartState &next = parts[size_t(part.next)];
    ++next.arrived;
    begin(next);
    wake(next.core);
    return;
  }
  case Done::Store: {
    PartState &part = parts[event.index];
    ++part.lanes[StoreEngine].done;
    part.stored_done += event.a;
    part.out_done = now;
    finish(part.core);
    begin(part);
    wake(part.core);
    notify(part.product->output);
    return;
  }
  case Done::Write: {
    PartState &part = parts[event.index];
    finish(part.core);
    if (!event.a) { // not ahead
      --writing;
      written = now;
    }
    wake(part.core);
    afterWrites();
    return;
  }
  case Done::Vector: {
    Core &core = cores[event.index];
    --core.vectors;
    finish(core.index);
    wake(core.index);
    // The piece is there when all cores are done with it.
    KernelState &kernel = kernels[size_t(event.a)];
    auto chunk = std::find_if(
        kernel.chunks.begin(), kernel.chunks.end(),
        [&](const KernelState::Chunk &c) { return c.end >= event.b; });
    if (chunk == kernel.chunks.end() || chunk->end != event.b)
      chunk = kernel.chunks.insert(chunk, {event.b, 0});
    if (++chunk->cores == program.chip.cores) {
      kernel.pieces = event.b;
      kernel.chunks.erase(chunk);
      for (int64_t t : program.kernels[size_t(event.a)].outputs)
        notify(t);
    }
    return;
  }
  case Done::Fetch:
    if (!event.a) { // not ahead
      --writing;
      written = now;
    }
    finish(event.index);
    wake(event.index);
    afterWrites();
    return;
  case Done::Spill:
    finish(event.index);
    wake(event.index);
    return;
  case Done::Link:
    links[event.index].armed = false;
    sendOver(event.index);
    return;
  }
}

llvm::Error Simulator::run() {
  levels[-1] = int64_t(cores.size());
  if (trace)
    trace->on = options.trace_begin <= 0;
  std::vector<int64_t> all;
  for (const Core &core : cores)
    all.push_back(core.index);
  start(all);
  while (problem.empty()) {
    while (released && problem.empty())
      release();
    if (heap.empty())
      break;
    std::pop_heap(heap.begin(), heap.end(), Later());
    const Event event = heap.back();
    heap.pop_back();
    now = event.time;
    handle(event);
  }
  if (!problem.empty())
    return fail(problem);
  endStep();
  if (levels.begin()->first != std::numeric_limits<int64_t>::max())
    return deadlock();
  if (trace)
    traced = trace->events();
  trace.reset();
  return llvm::Error::success();
}

llvm::Expected<Result> imc::simulate::simulate(const program::Program &program,
                                               const cost::Prices &prices,
                                               const machine::Machine &machine,
                                               const Options &options) {
  Simulator simulator(program, prices, machine, options);
  if (llvm::Error error = simulator.prepare())
    return error;
  if (llvm::Error error = simulator.run())
    return error;
  return simulator.result();
}
