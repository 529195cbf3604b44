//===- VerifyRun.cpp - Abstract execution of a program --------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Execution.h"
#include "Fields.h"
#include "Footprint.h"

#include "imc/Program/IO.h"
#include "imc/Program/Verify.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace imc::program;

/// Instructions that one execution may take: minutes of a real chip.
static constexpr int64_t maxExecuted = int64_t(1) << 28;
/// Cores, and cores times kernels.
static constexpr int64_t maxPairs = 10'000'000;

Execution::Execution(Verifier &verifier) : v(verifier), p(verifier.p) {}

void Execution::report(StringRef rule, char kind, int64_t thing,
                       const Twine &what) {
  if (reported.emplace(rule.str(), kind, thing).second)
    v.add(rule, what);
}

//===----------------------------------------------------------------------===//
// Streams
//===----------------------------------------------------------------------===//

void Execution::prepare() {
  auto isShared = [](const Stream &s) {
    return s.core == Stream::allCores || s.core == Stream::idleCores;
  };
  std::set<int64_t> numbers;
  for (const Stream &stream : p.streams)
    if (!isShared(stream))
      numbers.insert(stream.core);
  const std::set<int64_t> withParts = coresWithParts(p);
  if (any_of(p.streams, isShared)) {
    if (p.chip.cores > maxPairs) {
      v.add("size", Twine(p.chip.cores) + " cores are more than the " +
                        Twine(maxPairs) + " that the verifier follows");
      givenUp = true;
      return;
    }
    for (int64_t core = 0; core < p.chip.cores; ++core)
      numbers.insert(core);
  }
  for (int64_t number : numbers) {
    coreIndex[number] = cores.size();
    cores.emplace_back().number = number;
    cores.back().idle = number >= 0 && !withParts.count(number);
  }
  for (const auto &[s, stream] : enumerate(p.streams)) {
    if (!isShared(stream))
      cores[coreIndex[stream.core]].streams.push_back(s);
    else
      sharedIdle.push_back(s);
    if (stream.core == Stream::allCores)
      shared.push_back(s);
    std::vector<size_t> &ends =
        loopEnds.emplace_back(stream.instructions.size());
    SmallVector<size_t, 2> open;
    for (const auto &[at, i] : enumerate(stream.instructions)) {
      if (i.opcode == Opcode::Loop) {
        open.push_back(at);
      } else if (i.opcode == Opcode::End) {
        ends[open.back()] = at;
        open.pop_back();
      }
    }
  }

  parts.resize(p.parts.size());
  kernels.resize(p.kernels.size());
  tensors.resize(p.tensors.size());
  messages.resize(p.parts.size());
  for (const auto &[q, product] : enumerate(p.products))
    tensors[product.output].product = static_cast<int64_t>(q);
  for (const auto &[k, kernel] : enumerate(p.kernels))
    for (int64_t output : kernel.outputs)
      tensors[output].kernel = static_cast<int64_t>(k);
  for (const auto &[i, part] : enumerate(p.parts)) {
    const Product &product = p.products[part.product];
    PartState &state = parts[i];
    if (part.windows > 0) {
      state.sends = part.next >= 0;
      state.stores = storedWeightsOf(product, part) > 0;
      addReaders(product, 1);
    }
    if (product.operand >= 0 && part.windows > 0)
      ++tensors[product.operand].readers;
    if (state.stores) {
      ++tensors[product.output].writers;
      tensors[product.output].stores.push_back(static_cast<int64_t>(i));
    }
    const int64_t arrays = arraysPerCopy(product, part) * part.copies;
    if (product.rounds == 0 && arrays > 0)
      holders[part.first_array] = {part.first_array + arrays,
                                   static_cast<int64_t>(i)};
  }
  for (TensorState &tensor : tensors)
    sort(tensor.stores, [&](int64_t a, int64_t b) {
      return std::pair(p.parts[a].first_window, a) <
             std::pair(p.parts[b].first_window, b);
    });
  // Every core of the chip does its share, also one that has no stream.
  for (const Kernel &kernel : p.kernels) {
    addReaders(kernel, p.chip.cores);
    for (int64_t output : kernel.outputs)
      tensors[output].writers += p.chip.cores;
  }
  if (static_cast<int64_t>(cores.size()) >
      maxPairs / std::max<int64_t>(p.kernels.size(), 1)) {
    v.add("size", Twine(cores.size()) + " cores times " +
                      Twine(p.kernels.size()) + " kernels are more than the " +
                      Twine(maxPairs) + " that the verifier follows");
    givenUp = true;
    return;
  }
  for (KernelState &kernel : kernels)
    kernel.cores.resize(cores.size());
  for (size_t c = 0; c < cores.size(); ++c)
    runnable.push_back(c);
}

const std::vector<size_t> &Execution::commonOf(const Core &core) const {
  static const std::vector<size_t> none;
  return core.number == Stream::controller ? none
         : core.idle                       ? sharedIdle
                                           : shared;
}

void Execution::advance(Core &core) {
  const std::vector<size_t> &common = commonOf(core);
  while (core.own < core.streams.size() || core.common < common.size()) {
    // Its own streams and the shared ones in the order of the table.
    const bool own = core.common == common.size() ||
                     (core.own < core.streams.size() &&
                      core.streams[core.own] < common[core.common]);
    const size_t s = own ? core.streams[core.own] : common[core.common];
    const std::vector<Instruction> &body = p.streams[s].instructions;
    if (core.at == body.size()) {
      ++(own ? core.own : core.common);
      core.at = 0;
      continue;
    }
    if (++executed > maxExecuted) {
      v.add("size", "more than " + Twine(maxExecuted) +
                        " instructions are executed: that is more than the "
                        "verifier follows");
      givenUp = true;
      return;
    }
    const Instruction &i = body[core.at];
    if (i.opcode == Opcode::Loop) {
      if (i.count == 0)
        core.at = loopEnds[s][core.at] + 1;
      else
        core.loops.push_back({++core.at, 0, i.count});
      continue;
    }
    if (i.opcode == Opcode::End) {
      Loop &loop = core.loops.back();
      if (++loop.iteration < loop.count) {
        core.at = loop.begin;
      } else {
        core.loops.pop_back();
        ++core.at;
      }
      continue;
    }
    int64_t value = i.first;
    for (size_t level = 0; level < core.loops.size(); ++level)
      value += i.stride[level] * core.loops.rbegin()[level].iteration;
    if (!execute(core, i, value))
      return;
    ++core.at;
  }
  core.blocked = Blocked::Ended;
}

/// Whether `step` is that of a later pass of what is in step `first`.
bool Execution::isLaterPass(int64_t first, int64_t step) const {
  auto covers = [&](const auto &record) {
    return record.step == first && record.passes > 1 &&
           step <= Span(record).last() && (step - first) % record.period == 0;
  };
  return step >= first &&
         (any_of(p.products, covers) || any_of(p.kernels, covers));
}

/// False where the instruction blocks; it is tried again.
bool Execution::execute(Core &core, const Instruction &i, int64_t value) {
  switch (i.opcode) {
  case Opcode::Step:
    if (core.blocked == Blocked::Step) {
      // Released.
      core.blocked = Blocked::No;
      core.step = core.pending;
      return true;
    }
    if (i.index + value < core.step) {
      report("step", 'c', core.number,
             describe(core) + " goes back from step " + Twine(core.step) +
                 " to " + Twine(i.index + value));
      return true;
    }
    core.blocked = Blocked::Step;
    core.pending = i.index + value;
    return false;
  case Opcode::Wait:
    core.workStep = core.step;
    return wait(core, i.index, value + i.count);
  case Opcode::Write:
    write(core, i.index);
    return true;
  case Opcode::Load:
    part(core, Load, i.index, value, i.count);
    return true;
  case Opcode::Mvm:
    part(core, Mvm, i.index, value, i.count);
    return true;
  case Opcode::Receive: {
    core.workStep = core.step;
    // Nothing can come from nowhere: part() reports it.
    if (p.parts[i.index].previous >= 0 && messages[i.index].empty()) {
      core.blocked = Blocked::Receive;
      core.pending = i.index;
      return false;
    }
    core.blocked = Blocked::No;
    part(core, Receive, i.index, value, i.count);
    return true;
  }
  case Opcode::Send:
    part(core, Send, i.index, value, i.count);
    return true;
  case Opcode::Store:
    part(core, Store, i.index, value, i.count);
    return true;
  case Opcode::Vector:
    vector(core, i.index, value, i.count);
    return true;
  case Opcode::Fetch:
    fetch(core, i.index, value);
    return true;
  case Opcode::Spill:
    if (i.index != core.step && !isLaterPass(i.index, core.step))
      report("step", 's', i.index,
             "the controller spills for step " + Twine(i.index) + " in step " +
                 Twine(core.step));
    return true;
  case Opcode::Loop:
  case Opcode::End:
    break;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Steps and deadlocks
//===----------------------------------------------------------------------===//

/// Lets those streams into their next step that nobody is behind of.
bool Execution::releaseSteps() {
  int64_t least = maxNumber * 4;
  for (const Core &core : cores)
    if (core.blocked == Blocked::Step)
      least = std::min(least, core.pending);
    else if (core.blocked != Blocked::Ended)
      least = std::min(least, core.step);
  bool any = false;
  for (const auto &[c, core] : enumerate(cores))
    if (core.blocked == Blocked::Step && core.pending <= least) {
      runnable.push_back(c);
      any = true;
    }
  return any;
}

std::string Execution::describe(const Core &core) const {
  return core.number == Stream::controller
             ? "the controller"
             : ("core " + Twine(core.number)).str();
}

/// The stream that has to act before this one can.
size_t Execution::waitsFor(const Core &core) {
  auto ofPart = [&](int64_t part) {
    auto it = coreIndex.find(p.parts[part].core);
    return it == coreIndex.end() ? cores.size() : it->second;
  };
  if (core.blocked == Blocked::Receive)
    return ofPart(p.parts[core.pending].previous);
  if (core.blocked == Blocked::Wait) {
    const TensorState &tensor = tensors[core.pending];
    if (tensor.product >= 0)
      return tensor.lead < tensor.stores.size()
                 ? ofPart(tensor.stores[tensor.lead])
                 : cores.size();
    if (tensor.kernel >= 0)
      for (size_t c = 0; c < cores.size(); ++c)
        if (cores[c].number >= 0 && kernels[tensor.kernel].cores[c].first == 0)
          return c;
    return cores.size();
  }
  for (size_t c = 0; c < cores.size(); ++c) {
    const Core &other = cores[c];
    const int64_t reached = other.blocked == Blocked::Step    ? other.pending
                            : other.blocked == Blocked::Ended ? maxNumber * 4
                                                              : other.step;
    if (reached < core.pending)
      return c;
  }
  return cores.size();
}

void Execution::reportDeadlock() {
  const Core *first = nullptr;
  for (const Core &core : cores)
    if (core.blocked != Blocked::Ended && (!first || core.step < first->step))
      first = &core;
  if (!first)
    return;
  std::string text;
  DenseSet<size_t> seen;
  size_t at = first - cores.data();
  while (at < cores.size() && seen.insert(at).second && seen.size() <= 8) {
    const Core &core = cores[at];
    text += (text.empty() ? "" : "; ") + describe(core);
    if (core.blocked == Blocked::Ended) {
      text += " has ended";
      break;
    }
    const size_t next = waitsFor(core);
    if (core.blocked == Blocked::Receive)
      text += " receives for " + v.nameOfPart(core.pending);
    else if (core.blocked == Blocked::Wait)
      text += (" waits for " + Twine(core.rows) + " rows of '" +
               p.tensors[core.pending].name + "'")
                  .str();
    else
      text += (" wants to begin step " + Twine(core.pending)).str();
    text += next < cores.size() ? " from " + describe(cores[next])
                                : " from a core that has no stream";
    at = next;
  }
  if (at < cores.size() && cores[at].blocked != Blocked::Ended)
    text += ": nobody can go on";
  v.add("deadlock", text);
}

void Execution::finish() {
  for (const auto &[i, part] : enumerate(p.parts)) {
    const PartState &state = parts[i];
    const Product &product = p.products[part.product];
    const int64_t passes = v.passesOf(product);
    const bool does[] = {part.windows > 0, part.windows > 0,
                         part.windows > 0 && part.previous >= 0, state.sends,
                         state.stores};
    for (int engine = Load; engine <= Store; ++engine) {
      const Progress &progress = state.engines[engine];
      if (does[engine] && progress.pass < passes)
        report("incomplete", keyOf(static_cast<Engine>(engine)), i,
               v.nameOfPart(i) + ": '" + nameOf(static_cast<Engine>(engine)) +
                   "' ends in pass " + Twine(progress.pass) + " of " +
                   Twine(passes) + " after " + Twine(progress.windows) +
                   " of " + Twine(part.windows) + " windows");
    }
    if (!messages[i].empty())
      report("pairing", 'q', i,
             v.nameOfPart(i) + " never receives windows " +
                 Twine(messages[i].front().first) + " to " +
                 Twine(messages[i].front().first + messages[i].front().second -
                       1) +
                 " from part " + Twine(part.previous));
    if (!v.isRewritten(i))
      continue;
    // Weights last through a loop where nothing else is written over them.
    if (state.writes < passes && part.windows > 0 &&
        (product.passes == 1 || state.writes != 1))
      report("write", 'p', i,
             v.nameOfPart(i) + " is written " + Twine(state.writes) +
                 " times, not " + Twine(passes));
    if (product.operand >= 0 || state.writes == 0)
      continue;
    auto it = fetches.find({part.product, part.round});
    if (it == fetches.end())
      report("fetch", 'w', part.product,
             "round " + Twine(part.round) + " of product '" + product.name +
                 "' is written, but never fetched");
    else if (it->second.back() != state.writeStep ||
             static_cast<int64_t>(it->second.size()) != state.writes)
      report("fetch", 'w', part.product,
             "round " + Twine(part.round) + " of product '" + product.name +
                 "' is fetched in step " + Twine(it->second.back()) +
                 " and written "
                 "in step " +
                 Twine(state.writeStep));
  }
  for (const auto &[q, product] : enumerate(p.products))
    if (product.operand < 0)
      for (int64_t round = 0; round < product.rounds; ++round)
        if (!fetches.count({static_cast<int64_t>(q), round})) {
          report("fetch", 'w', q,
                 "round " + Twine(round) + " of product '" + product.name +
                     "' is never fetched");
          break;
        }
  for (const auto &[k, kernel] : enumerate(p.kernels)) {
    int64_t done = 0;
    for (const auto &[c, state] : enumerate(kernels[k].cores))
      done += cores[c].number >= 0 && state.first >= v.passesOf(kernel);
    if (done < p.chip.cores)
      report("kernel", 'k', k,
             "kernel '" + kernel.name + "' is done by " + Twine(done) + " of " +
                 Twine(p.chip.cores) + " cores");
  }
}

void Execution::run() {
  prepare();
  while (!givenUp) {
    while (!runnable.empty() && !givenUp) {
      const size_t c = runnable.back();
      runnable.pop_back();
      advance(cores[c]);
    }
    if (givenUp || !releaseSteps())
      break;
  }
  if (givenUp)
    return;
  bool ended = all_of(
      cores, [](const Core &core) { return core.blocked == Blocked::Ended; });
  if (!ended)
    reportDeadlock();
  finish();
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

Verifier::Verifier(const Program &program)
    : p(program),
      passes(program.schedule == Schedule::Pipeline ? program.inferences : 1),
      partsOfProduct(program.products.size()) {}

Error Verifier::run() {
  tables();
  Execution(*this).run();
  return problems.take();
}

Error imc::program::verify(const Program &program) {
  if (Error error = check(program))
    return error;
  return Verifier(program).run();
}
