//===- VerifyWork.cpp - What instructions may do --------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Execution.h"
#include "Footprint.h"

using namespace llvm;
using namespace imc::program;

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

Execution::Version &Execution::version(int64_t tensor, int64_t pass) {
  auto [it, isNew] = tensors[tensor].passes.try_emplace(pass);
  if (isNew) {
    const TensorState &state = tensors[tensor];
    const int64_t passes = state.product >= 0 ? p.products[state.product].passes
                           : state.kernel >= 0 ? p.kernels[state.kernel].passes
                                               : 1;
    it->second.writersLeft = state.writers;
    it->second.readersLeft =
        state.readers + (pass + 1 < passes ? state.carried : 0);
  }
  return it->second;
}

template <class Record>
Execution::Passes Execution::readBy(const Record &reader, int64_t tensor,
                                    int64_t pass) {
  const TensorState &state = tensors[tensor];
  if (p.schedule == Schedule::Pipeline)
    return {pass, pass + 1};
  if (state.product < 0 && state.kernel < 0)
    return {0, 1};
  const Span writer = state.product >= 0 ? Span(p.products[state.product])
                                         : Span(p.kernels[state.kernel]);
  if (writer.meets(Span(reader)))
    return {pass, pass + 1};
  // What a loop leaves.
  if (writer.passes > p.tensors[tensor].versions)
    report("version", 'l', tensor,
           "'" + Twine(reader.name) + "' reads '" + p.tensors[tensor].name +
               "' behind the loop that makes it: it needs a version for each "
               "of " +
               Twine(writer.passes) + " passes, not " +
               Twine(p.tensors[tensor].versions));
  return {0, writer.passes};
}

template <class Record>
void Execution::addReaders(const Record &reader, int64_t count) {
  for (int64_t input : reader.inputs) {
    // Of its own loop it reads one pass at a time.
    const Passes second = readBy(reader, input, 1);
    tensors[input].readers += second.first == 1 ? count : count * reader.passes;
  }
  for (int64_t input : reader.carried)
    tensors[input].carried += count;
}
template void Execution::addReaders(const Product &, int64_t);
template void Execution::addReaders(const Kernel &, int64_t);

template <class Record>
void Execution::readAll(const Core &core, const Record &reader, int64_t pass,
                        function_ref<int64_t(int64_t)> rowsOf,
                        const Twine &who) {
  for (int64_t input : reader.inputs) {
    const auto [first, last] = readBy(reader, input, pass);
    for (int64_t k = first; k < last; ++k)
      read(core, input, k, rowsOf(input), who);
  }
  if (pass > 0)
    for (int64_t input : reader.carried)
      read(core, input, pass - 1, p.tensors[input].rows, who);
}

template <class Record>
void Execution::allRead(const Core &core, const Record &reader, int64_t pass) {
  for (int64_t input : reader.inputs) {
    const auto [first, last] = readBy(reader, input, pass);
    for (int64_t k = first; k < last; ++k)
      readerDone(core, input, k);
  }
  if (pass > 0)
    for (int64_t input : reader.carried)
      readerDone(core, input, pass - 1);
}

void Execution::read(const Core &core, int64_t tensor, int64_t pass,
                     int64_t rows, const Twine &who) {
  const Tensor &t = p.tensors[tensor];
  const int64_t last = t.last_step + shiftOf(pass);
  if (core.step > last)
    report("lifetime", 't', tensor,
           who + " reads '" + t.name + "' in step " + Twine(core.step) +
               ", but that is kept up to step " + Twine(last) +
               " only: last_step is too small");
  if (t.first_step < 0)
    return;
  const Version &now = version(tensor, pass);
  if (now.writersLeft == 0 && now.writtenIn < core.step)
    return;
  auto it = core.granted.find(tensor);
  if (it != core.granted.end() && it->second >= rows)
    return;
  report("read-before-write", 't', tensor,
         who + " reads " + Twine(rows) + " rows of '" + t.name + "' in step " +
             Twine(core.step) +
             (now.writersLeft == 0
                  ? ", the step that writes it"
                  : ", but it is not complete in any earlier step") +
             (it == core.granted.end()
                  ? std::string(", and no 'wait' stands before")
                  : (", and waited for " + Twine(it->second) + " only").str()));
}

void Execution::readerDone(const Core &core, int64_t tensor, int64_t pass) {
  Version &now = version(tensor, pass);
  --now.readersLeft;
  now.readIn = std::max(now.readIn, core.step);
}

void Execution::beginWrite(const Core &core, int64_t tensor, int64_t pass,
                           const Twine &who) {
  const Tensor &t = p.tensors[tensor];
  const int64_t first = t.first_step + shiftOf(pass),
                last = t.last_step + shiftOf(pass);
  if (core.step < first)
    report("lifetime", 't', tensor,
           who + " writes '" + t.name + "' in step " + Twine(core.step) +
               ", before its first_step " + Twine(first));
  if (core.step > last)
    report("lifetime", 't', tensor,
           who + " writes '" + t.name + "' in step " + Twine(core.step) +
               ", after its last_step " + Twine(last));
  const int64_t old = pass - t.versions;
  if (old < 0)
    return;
  const Version &before = version(tensor, old);
  if (before.readersLeft > 0 || before.readIn >= core.step)
    report("version", 't', tensor,
           who + " writes '" + t.name + "' of inference " + Twine(pass) +
               " in step " + Twine(core.step) + " over that of inference " +
               Twine(old) +
               (before.readersLeft > 0 ? ", which has readers left"
                                       : ", which is read in the same step") +
               ": it needs more than " + Twine(t.versions) + " versions");
  // Nobody looks at what lies before.
  std::map<int64_t, Version> &passesOf = tensors[tensor].passes;
  passesOf.erase(passesOf.begin(), passesOf.lower_bound(old));
}

void Execution::writerDone(const Core &core, int64_t tensor, int64_t pass) {
  Version &now = version(tensor, pass);
  --now.writersLeft;
  now.writtenIn = std::max(now.writtenIn, core.step);
}

/// Rows of the first pass that are complete.
int64_t Execution::leadingRows(int64_t tensor) {
  TensorState &state = tensors[tensor];
  const int64_t rows = p.tensors[tensor].rows;
  __int128 done = 0, all = 1;
  if (p.tensors[tensor].first_step < 0)
    return rows;
  if (state.product >= 0) {
    all = p.products[state.product].geometry.windows;
    auto doneBy = [&](int64_t i) {
      const Progress &store = parts[i].engines[Store];
      return store.pass > 0 ? p.parts[i].windows : store.windows;
    };
    // Parts of one copy share its windows.
    while (state.lead < state.stores.size() &&
           doneBy(state.stores[state.lead]) ==
               p.parts[state.stores[state.lead]].windows)
      ++state.lead;
    done = all;
    if (state.lead < state.stores.size()) {
      const Part &front = p.parts[state.stores[state.lead]];
      int64_t least = front.windows;
      for (size_t n = state.lead; n < state.stores.size(); ++n) {
        const int64_t i = state.stores[n];
        if (p.parts[i].first_window != front.first_window)
          break;
        least = std::min(least, doneBy(i));
      }
      done = front.first_window + least;
    }
  } else if (state.kernel >= 0) {
    all = p.kernels[state.kernel].pieces;
    done = all;
    int64_t seen = 0;
    for (const Core &core : cores) {
      if (core.number < 0)
        continue;
      ++seen;
      auto [pass, pieces] = kernels[state.kernel].cores[&core - cores.data()];
      if (pass == 0)
        done = std::min<__int128>(done, pieces);
    }
    if (seen < p.chip.cores)
      done = 0;
  }
  return static_cast<int64_t>(done * rows / all);
}

void Execution::wake(int64_t tensor) {
  std::vector<size_t> &waiting = tensors[tensor].waiting;
  if (waiting.empty())
    return;
  const int64_t rows = leadingRows(tensor);
  erase_if(waiting, [&](size_t c) {
    if (cores[c].rows > rows)
      return false;
    runnable.push_back(c);
    return true;
  });
}

bool Execution::wait(Core &core, int64_t tensor, int64_t rows) {
  const Tensor &t = p.tensors[tensor];
  if (v.passes > 1) {
    report("wait", 't', tensor,
           describe(core) + " waits for '" + t.name +
               "', but in a pipeline steps separate inferences: use 'step'");
    return true;
  }
  if (rows < 0 || rows > t.rows) {
    report("wait", 't', tensor,
           describe(core) + " waits for " + Twine(rows) + " rows of '" +
               t.name + "', which has " + Twine(t.rows));
    return true;
  }
  if (leadingRows(tensor) < rows) {
    if (core.blocked != Blocked::Wait) {
      core.blocked = Blocked::Wait;
      core.pending = tensor;
      core.rows = rows;
    }
    tensors[tensor].waiting.push_back(&core - cores.data());
    return false;
  }
  core.blocked = Blocked::No;
  int64_t &granted = core.granted[tensor];
  granted = std::max(granted, rows);
  return true;
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

void Execution::write(Core &core, int64_t index) {
  const Part &part = p.parts[index];
  const Product &product = p.products[part.product];
  PartState &state = parts[index];
  const std::string who = v.nameOfPart(index);
  if (part.core != core.number)
    report("core", 'p', index,
           who + " lies in core " + Twine(part.core) + ", but core " +
               Twine(core.number) + " writes it");
  if (!v.isRewritten(index)) {
    report("rewritable", 'p', index,
           who + " is written, but the weights of its product stay (rounds "
                 "0)");
    return;
  }
  const int64_t begin = part.first_array;
  const int64_t end = begin + arraysPerCopy(product, part) * part.copies;
  // What the arrays held gives way.
  auto it = holders.upper_bound(begin);
  if (it != holders.begin() && std::prev(it)->second.first > begin)
    --it;
  while (it != holders.end() && it->first < end) {
    auto [rangeEnd, holder] = it->second;
    const int64_t rangeBegin = it->first;
    const Part &old = p.parts[holder];
    PartState &oldState = parts[holder];
    if (holder != index) {
      if (!v.isRewritten(holder))
        report("single-writer", 'p', index,
               who + " is written over " + v.nameOfPart(holder) +
                   ", whose weights stay");
      else if (old.windows > 0 && oldState.engines[Mvm].pass < oldState.writes)
        report("overwrite", 'p', holder,
               v.nameOfPart(holder) + " is overwritten by " + who +
                   " when its arrays have done " +
                   Twine(oldState.engines[Mvm].windows) + " of " +
                   Twine(old.windows) + " windows");
      oldState.lost = true;
    }
    it = holders.erase(it);
    if (rangeBegin < begin)
      holders[rangeBegin] = {begin, holder};
    if (rangeEnd > end)
      it = holders.emplace(end, std::pair(rangeEnd, holder)).first;
  }
  if (begin < end)
    holders[begin] = {end, index};
  state.lost = false;
  state.writeStep = core.step;
  // All loads of a step wait for all its writes, and whoever waits for them
  // does, too: a write behind any of them would never come.
  if (core.workStep == core.step)
    report("write", 'o', index,
           who + " is written in step " + Twine(core.step) +
               " behind work of that step, which waits for it: writes come "
               "first in a step");
  const int64_t passes = v.passesOf(product);
  if (++state.writes > passes)
    report("write", 'p', index,
           who + " is written " + Twine(state.writes) + " times, not " +
               Twine(passes));
  if (product.operand >= 0 && state.writes <= passes && part.windows > 0) {
    read(core, product.operand, state.writes - 1,
         p.tensors[product.operand].rows, "the write of " + Twine(who));
    readerDone(core, product.operand, state.writes - 1);
  }
}

void Execution::load(Core &core, int64_t index, int64_t first, int64_t count) {
  const Part &part = p.parts[index];
  const Product &product = p.products[part.product];
  PartState &state = parts[index];
  const Progress &now = state.engines[Load];
  readAll(
      core, product, now.pass,
      [&](int64_t input) {
        return tensorRowsBefore(product.geometry, p.tensors[input].rows,
                                first + count);
      },
      v.nameOfPart(index));
  if (p.chip.tile_buffer_bits == 0)
    return;
  // The rows of this block and of the one before it.
  const int64_t begin = now.windows > 0 ? state.lastLoad.first : first;
  const int64_t bits = rowsUnder(product.geometry, begin, first + count) *
                       rowWordsOf(product, part) * p.inputBits(product);
  if (bits > part.lines.size)
    report("tile-buffer", 'l', index,
           v.nameOfPart(index) + " needs " + Twine(bits) +
               " bits for the input rows of windows " + Twine(begin) + " to " +
               Twine(first + count - 1) + ", but its lines have " +
               Twine(part.lines.size));
  const int64_t blocks = now.blocks > 0 || count < part.windows ? 2 : 1;
  const int64_t sums =
      blocks * count * weightsOf(product, part) * p.chip.accumulator_bits;
  if (sums > part.accumulators.size)
    report("tile-buffer", 'a', index,
           v.nameOfPart(index) + " needs " + Twine(sums) +
               " bits for the partial sums of " + Twine(blocks) +
               " blocks of " + Twine(count) +
               " windows, but its accumulators have " +
               Twine(part.accumulators.size));
}

void Execution::part(Core &core, Engine engine, int64_t index, int64_t first,
                     int64_t count) {
  const Part &part = p.parts[index];
  const Product &product = p.products[part.product];
  PartState &state = parts[index];
  Progress &now = state.engines[engine];
  const char *verb = nameOf(engine);
  const char kind = keyOf(engine);
  auto fault = [&](StringRef rule, const Twine &what) {
    report(rule, kind, index,
           "'" + Twine(verb) + "' of windows " + Twine(first) + " to " +
               Twine(first + count - 1) + " of " + v.nameOfPart(index) + " " +
               what);
  };

  if (part.core != core.number)
    fault("core", "is done by core " + Twine(core.number) +
                      ", but the part lies in core " + Twine(part.core));
  const int64_t step = product.step + part.round + now.pass * product.period;
  if (p.schedule == Schedule::Layers && core.step != step)
    fault("step", "is in step " + Twine(core.step) +
                      ", but its layer is that of step " + Twine(step));
  if (engine == Receive && part.previous < 0)
    return fault("chain", "has no part to receive from");
  if (engine == Send && !state.sends)
    return fault("chain", "has no part to send to");
  if (engine == Store && !state.stores)
    return fault("chain", "has nothing to store: later parts add to all of its "
                          "outputs");

  core.workStep = core.step;

  // The windows of a part, once and in order.
  const int64_t expected = part.first_window + now.windows;
  const int64_t passes = v.passesOf(product);
  if (now.pass >= passes || count < 1 || first != expected ||
      first + count > part.first_window + part.windows)
    return fault("windows",
                 now.pass >= passes
                     ? Twine("comes after the last pass is done")
                     : "comes where windows from " + Twine(expected) + " to " +
                           Twine(part.first_window + part.windows - 1) +
                           " are left");
  if (count > part.block)
    fault("block", "is longer than the part's block of " + Twine(part.block));

  // What it takes, block by block.
  if (engine != Load) {
    const char *before = engine == Mvm                            ? "'load'"
                         : engine == Receive || part.previous < 0 ? "'mvm'"
                                                                  : "'receive'";
    if (now.ready.empty())
      return fault("order",
                   "comes before " + Twine(before) + " of the same windows");
    if (now.ready.front() != Block(first, count))
      fault("order",
            "is not the block that " + Twine(before) +
                " did: that has windows " + Twine(now.ready.front().first) +
                " to " +
                Twine(now.ready.front().first + now.ready.front().second - 1));
    now.ready.pop_front();
  }

  // Two blocks are in flight.
  if (engine == Load && state.engines[Mvm].ready.size() > 1)
    fault("block", "comes before 'mvm' of the block before the last: two "
                   "blocks of lines are all there is");
  if (engine == Mvm)
    for (Engine out : {Send, Store})
      if ((out == Send ? state.sends : state.stores) &&
          now.blocks - state.engines[out].blocks > 1)
        fault("block", "comes before '" + Twine(nameOf(out)) +
                           "' of the block before the last: two blocks of "
                           "accumulators are all there is");

  switch (engine) {
  case Load:
    load(core, index, first, count);
    state.lastLoad = {first, count};
    state.engines[Mvm].ready.emplace_back(first, count);
    break;
  case Mvm: {
    auto it = holders.find(part.first_array);
    const int64_t end =
        part.first_array + arraysPerCopy(product, part) * part.copies;
    if (it == holders.end() || it->second != std::pair(end, index))
      fault(state.lost ? "overwrite" : "programmed",
            state.lost ? "finds its arrays overwritten"
                       : "finds arrays that are not written");
    // Nothing in a step waits for weights of a later one.
    else if (v.isRewritten(index) && state.writeStep == core.step &&
             core.step < step)
      fault("programmed", "is in step " + Twine(core.step) +
                              ", whose loads do not wait for weights of step " +
                              Twine(step));
    if (part.previous >= 0) {
      state.engines[Receive].ready.emplace_back(first, count);
      break;
    }
    [[fallthrough]];
  }
  case Receive:
    if (engine == Receive) {
      const Block message = messages[index].front();
      messages[index].pop_front();
      if (message != Block(first, count))
        fault("pairing", "gets windows " + Twine(message.first) + " to " +
                             Twine(message.first + message.second - 1) +
                             " from " + v.nameOfPart(part.previous));
    }
    if (state.sends)
      state.engines[Send].ready.emplace_back(first, count);
    if (state.stores)
      state.engines[Store].ready.emplace_back(first, count);
    break;
  case Send: {
    messages[part.next].emplace_back(first, count);
    auto it = coreIndex.find(p.parts[part.next].core);
    if (it != coreIndex.end()) {
      const Core &receiver = cores[it->second];
      if (receiver.blocked == Blocked::Receive &&
          receiver.pending == part.next && messages[part.next].size() == 1)
        runnable.push_back(it->second);
    }
    break;
  }
  case Store:
    if (now.windows == 0)
      beginWrite(core, product.output, now.pass, v.nameOfPart(index));
    break;
  }

  now.windows += count;
  ++now.blocks;
  if (now.windows == part.windows) {
    if (engine == Load)
      allRead(core, product, now.pass);
    if (engine == Store)
      writerDone(core, product.output, now.pass);
    now.windows = 0;
    ++now.pass;
  }
  if (engine == Store)
    wake(product.output);
}

//===----------------------------------------------------------------------===//
// Kernels and the controller
//===----------------------------------------------------------------------===//

void Execution::vector(Core &core, int64_t index, int64_t first,
                       int64_t count) {
  const Kernel &kernel = p.kernels[index];
  auto &[pass, pieces] = kernels[index].cores[&core - cores.data()];
  auto fault = [&](StringRef rule, const Twine &what) {
    report(rule, 'k', index,
           "'vector' of pieces " + Twine(first) + " to " +
               Twine(first + count - 1) + " of kernel '" + kernel.name +
               "' in core " + Twine(core.number) + " " + what);
  };
  const int64_t step = kernel.step + pass * kernel.period;
  const int64_t passes = v.passesOf(kernel);
  if (p.schedule == Schedule::Layers && core.step != step)
    fault("step", "is in step " + Twine(core.step) +
                      ", but its layer is that of step " + Twine(step));
  if (pass >= passes || first != pieces || count < 1 ||
      first + count > kernel.pieces)
    return fault("kernel", pass >= passes
                               ? Twine("comes after all is done")
                               : "comes where pieces from " + Twine(pieces) +
                                     " to " + Twine(kernel.pieces - 1) +
                                     " are left");
  readAll(
      core, kernel, pass,
      [&](int64_t input) {
        // Rows are shared out evenly, rounded up.
        const __int128 rows =
            (static_cast<__int128>(first + count) * p.tensors[input].rows +
             kernel.pieces - 1) /
            kernel.pieces;
        return static_cast<int64_t>(rows);
      },
      "kernel '" + Twine(kernel.name) + "'");
  if (pieces == 0)
    for (int64_t output : kernel.outputs)
      beginWrite(core, output, pass, "kernel '" + Twine(kernel.name) + "'");
  pieces += count;
  if (pieces == kernel.pieces) {
    allRead(core, kernel, pass);
    for (int64_t output : kernel.outputs)
      writerDone(core, output, pass);
    pieces = 0;
    ++pass;
  }
  for (int64_t output : kernel.outputs)
    wake(output);
}

void Execution::fetch(Core &core, int64_t product, int64_t round) {
  const Product &q = p.products[product];
  if (q.operand >= 0 || round < 0 || round >= q.rounds)
    return report("fetch", 'w', product,
                  "round " + Twine(round) + " of product '" + q.name +
                      "' is fetched, but " +
                      (q.operand >= 0
                           ? Twine("its operand is an activation")
                           : "it has " + Twine(q.rounds) + " rounds"));
  std::vector<int64_t> &steps = fetches[{product, round}];
  steps.push_back(core.step);
  if (static_cast<int64_t>(steps.size()) > q.passes)
    report("fetch", 'w', product,
           "round " + Twine(round) + " of product '" + q.name +
               "' is fetched twice");
}
