//===- Oracle.cpp - Programs executed on marked data ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Oracle.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>
#include <vector>

using namespace imc::program;

namespace {

using Window = int64_t;

/// Sums of one window: the slots that are in it, and whether all that went into
/// it was right.
struct Sum {
  std::set<int64_t> slots;
  bool good = true;
};
using Message = std::map<Window, Sum>;

struct Issued {
  Instruction instruction;
  int64_t value, step;
};

struct Core {
  int64_t number = 0;
  std::vector<Issued> program; ///< all that it executes, in order
  size_t next = 0;
  int64_t step = 0;
  std::deque<Issued> pending; ///< issued, not done
};

struct PartState {
  std::map<Opcode, int64_t> blocks, windows; ///< done
  std::set<Opcode> has;                      ///< what the program holds of it
  std::map<std::pair<int64_t, int64_t>, bool> rows; ///< pass, row -> good
  std::deque<std::map<Window, bool>> loads;         ///< blocks, in order
  std::map<std::pair<int64_t, Window>, Sum> sums;   ///< by pass
  std::deque<Message> inbox;
};

class Oracle {
public:
  Oracle(const Program &program, std::mt19937_64 &generator)
      : p(program), random(generator) {}

  std::string run();

private:
  /// Whether loads of the step wait for it: a write or fetch for that step.
  bool waitedFor(const Instruction &i, int64_t value, int64_t step) const {
    if (i.opcode == Opcode::Write)
      return step >=
             p.products[p.parts[i.index].product].step + p.parts[i.index].round;
    return i.opcode == Opcode::Fetch &&
           step >= p.products[i.index].step + value;
  }
  uint64_t mark(int64_t tensor, int64_t pass, int64_t element) const {
    if (p.tensors[tensor].first_step < 0)
      pass = 0;
    uint64_t h = 0x9e3779b97f4a7c15u;
    for (int64_t v : {tensor, pass, element})
      h = (h ^ static_cast<uint64_t>(v + 1)) * 0xff51afd7ed558ccdu,
      h ^= h >> 29;
    return h | 1;
  }
  int64_t address(int64_t t, int64_t pass, int64_t element) const {
    const Tensor &tensor = p.tensors[t];
    const int64_t size = tensor.region.size / tensor.versions;
    const int64_t base = tensor.space == Space::Global
                             ? tensor.region.offset
                             : (t + 1) * (int64_t(1) << 40);
    return base + pass % tensor.versions * size + element * tensor.bits;
  }
  void writeWord(int64_t t, int64_t pass, int64_t element, bool good) {
    const int64_t at = address(t, pass, element);
    const uint64_t value = good ? mark(t, pass, element) : 0;
    for (int64_t byte = at / 8; byte <= (at + p.tensors[t].bits - 1) / 8;
         ++byte)
      memory[byte] = value;
    if (element >= p.tensors[t].elements)
      fault("writes past the end of a tensor");
    if (!good)
      fault("a wrong result of " + p.tensors[t].name);
    ++written[{t, pass}][element];
  }
  bool readWord(int64_t t, int64_t pass, int64_t element) {
    const int64_t at = address(t, pass, element);
    for (int64_t byte = at / 8; byte <= (at + p.tensors[t].bits - 1) / 8;
         ++byte) {
      auto it = memory.find(byte);
      if (it == memory.end() || it->second != mark(t, pass, element))
        return false;
    }
    return true;
  }
  bool readRows(int64_t t, int64_t pass, int64_t begin, int64_t end) {
    const Tensor &tensor = p.tensors[t];
    bool good = true;
    for (int64_t e = tensor.elements * begin / tensor.rows;
         e < tensor.elements * end / tensor.rows; ++e)
      good &= readWord(t, pass, e);
    return good;
  }
  void fault(const std::string &what) {
    if (found.empty())
      found = what;
  }

  void flatten();
  bool mayIssue(const Core &core) const;
  bool mayDo(const Core &core, size_t at) const;
  void perform(const Core &core, const Issued &issued);
  void load(const Issued &issued);
  void mvm(const Issued &issued);
  void store(const Issued &issued);
  void vector(const Core &core, const Issued &issued);
  int64_t leadingRows(int64_t tensor) const;
  std::pair<int64_t, int64_t> arraysOf(int64_t part) const;
  bool columnsOf(const Product &q, int64_t output, int64_t slot) const;
  void finish();

  const Program &p;
  std::mt19937_64 &random;
  std::string found;
  std::vector<Core> cores;
  std::vector<PartState> parts;
  std::map<std::pair<int64_t, int64_t>, int64_t> pieces; ///< kernel, core
  std::unordered_map<int64_t, uint64_t> memory;          ///< marks of bytes
  std::map<std::pair<int64_t, int64_t>, std::map<int64_t, int>>
      written;                            ///< tensor, pass -> element -> times
  std::map<int64_t, int64_t> holder;      ///< array -> part
  std::map<int64_t, int64_t> programming; ///< step -> writes and fetches left
};

} // namespace

static bool isOfPart(Opcode o) {
  return o >= Opcode::Write && o <= Opcode::Store;
}

/// Small programs: every instruction of every core one by one.
void Oracle::flatten() {
  std::set<int64_t> numbers = {Stream::controller};
  for (int64_t c = 0; c < p.chip.cores; ++c)
    numbers.insert(c);
  for (int64_t number : numbers) {
    Core core;
    core.number = number;
    int64_t step = 0;
    for (const Stream &stream : p.streams) {
      const bool idle = std::none_of(
          p.parts.begin(), p.parts.end(),
          [number = number](const Part &part) { return part.core == number; });
      if (stream.core != number &&
          !(stream.core == Stream::allCores && number >= 0) &&
          !(stream.core == Stream::idleCores && number >= 0 && idle))
        continue;
      std::vector<std::array<int64_t, 3>> loops; // begin, iteration, count
      const std::vector<Instruction> &body = stream.instructions;
      for (size_t at = 0; at < body.size(); ++at) {
        const Instruction &i = body[at];
        if (i.opcode == Opcode::Loop) {
          if (i.count > 0) {
            loops.push_back({static_cast<int64_t>(at), 0, i.count});
            continue;
          }
          for (int depth = 1; depth > 0;) {
            ++at;
            depth += body[at].opcode == Opcode::Loop  ? 1
                     : body[at].opcode == Opcode::End ? -1
                                                      : 0;
          }
          continue;
        }
        if (i.opcode == Opcode::End) {
          if (++loops.back()[1] < loops.back()[2])
            at = static_cast<size_t>(loops.back()[0]);
          else
            loops.pop_back();
          continue;
        }
        int64_t value = i.first;
        for (size_t level = 0; level < loops.size(); ++level)
          value += i.stride[level] * loops[loops.size() - 1 - level][1];
        if (i.opcode == Opcode::Step)
          step = i.index + value;
        programming[step] += waitedFor(i, value, step);
        if (isOfPart(i.opcode))
          parts[i.index].has.insert(i.opcode);
        core.program.push_back({i, value, step});
      }
    }
    cores.push_back(std::move(core));
  }
}

std::pair<int64_t, int64_t> Oracle::arraysOf(int64_t i) const {
  const Part &part = p.parts[i];
  const int64_t sets = p.products[part.product].tiling.row_sets;
  std::set<int64_t> arrays;
  for (int64_t s = part.slot_begin; s < part.slot_end; ++s)
    arrays.insert(s / sets);
  return {part.first_array,
          part.first_array + part.copies * static_cast<int64_t>(arrays.size())};
}

int64_t Oracle::leadingRows(int64_t t) const {
  const Tensor &tensor = p.tensors[t];
  if (tensor.first_step < 0)
    return tensor.rows;
  auto it = written.find({t, 0});
  int64_t e = 0;
  if (it != written.end())
    while (it->second.count(e))
      ++e;
  int64_t row = 0;
  while (row < tensor.rows && tensor.elements * (row + 1) / tensor.rows <= e)
    ++row;
  return row;
}

bool Oracle::mayIssue(const Core &core) const {
  if (core.next == core.program.size() || core.pending.size() >= 12)
    return false;
  const Issued &i = core.program[core.next];
  if (i.instruction.opcode == Opcode::Wait)
    return leadingRows(i.instruction.index) >= i.value + i.instruction.count;
  if (i.instruction.opcode != Opcode::Step)
    return true;
  for (const Core &other : cores) {
    for (const Issued &pending : other.pending)
      if (pending.step < i.step)
        return false;
    // Has it anything left of an earlier step?
    if (other.next < other.program.size() &&
        other.program[other.next].step < i.step)
      return false;
  }
  return true;
}

bool Oracle::mayDo(const Core &core, size_t at) const {
  const Issued &i = core.pending[at];
  const Opcode opcode = i.instruction.opcode;
  const int64_t index = i.instruction.index;
  for (size_t before = 0; before < at; ++before) {
    const Instruction &other = core.pending[before].instruction;
    if (other.opcode == opcode && other.index == index)
      return false;
    // Arrays take what comes to them in order.
    auto onArrays = [](Opcode o) {
      return o == Opcode::Write || o == Opcode::Mvm;
    };
    if (onArrays(opcode) && onArrays(other.opcode)) {
      auto [begin, end] = arraysOf(index);
      auto [otherBegin, otherEnd] = arraysOf(other.index);
      if (begin < otherEnd && otherBegin < end)
        return false;
    }
  }
  if (!isOfPart(opcode) || opcode == Opcode::Write)
    return true;
  const PartState &part = parts[index];
  auto done = [&](Opcode o) {
    auto it = part.blocks.find(o);
    return it == part.blocks.end() ? int64_t(0) : it->second;
  };
  const int64_t block = done(opcode);
  switch (opcode) {
  case Opcode::Load: {
    auto it = programming.find(i.step);
    return done(Opcode::Mvm) >= block - 1 &&
           (it == programming.end() || it->second == 0);
  }
  case Opcode::Mvm:
    return done(Opcode::Load) > block &&
           (!part.has.count(Opcode::Send) || done(Opcode::Send) >= block - 1) &&
           (!part.has.count(Opcode::Store) || done(Opcode::Store) >= block - 1);
  case Opcode::Receive:
    return done(Opcode::Mvm) > block && !part.inbox.empty();
  default:
    return done(Opcode::Mvm) > block &&
           (!part.has.count(Opcode::Receive) || done(Opcode::Receive) > block);
  }
}

void Oracle::load(const Issued &issued) {
  const int64_t index = issued.instruction.index;
  const Part &part = p.parts[index];
  const Product &q = p.products[part.product];
  const Geometry &g = q.geometry;
  PartState &state = parts[index];
  const int64_t pass =
      state.windows[Opcode::Load] / std::max<int64_t>(part.windows, 1);
  const int64_t images = g.windows / (g.windows_per_row * g.window_rows);
  std::map<Window, bool> block;
  for (int64_t w = issued.value; w < issued.value + issued.instruction.count;
       ++w) {
    bool good = true;
    const int64_t image = w / (g.windows_per_row * g.window_rows);
    const int64_t y = w / g.windows_per_row % g.window_rows;
    for (int64_t n = 0; n < static_cast<int64_t>(q.inputs.size()); ++n) {
      const int64_t t = q.inputs[n];
      const int64_t rows = p.tensors[t].rows;
      std::vector<int64_t> needed;
      if (images > 0 && rows % images == 0) {
        for (int64_t k = 0; k < g.kernel_rows; ++k) {
          const int64_t row = y * g.stride_rows + k - g.padding_rows;
          if (row >= 0 && row < rows / images)
            needed.push_back(image * (rows / images) + row);
        }
      } else {
        for (int64_t row = 0; row < rows; ++row)
          needed.push_back(row);
      }
      for (int64_t row : needed) {
        auto [it, isNew] = state.rows.try_emplace(
            {pass, row * static_cast<int64_t>(q.inputs.size()) + n}, true);
        if (isNew)
          it->second = row < rows && readRows(t, pass, row, row + 1);
        good &= it->second;
      }
    }
    block[w] = good;
  }
  state.loads.push_back(std::move(block));
}

void Oracle::mvm(const Issued &issued) {
  const int64_t index = issued.instruction.index;
  const Part &part = p.parts[index];
  PartState &state = parts[index];
  const int64_t pass =
      state.windows[Opcode::Mvm] / std::max<int64_t>(part.windows, 1);
  bool held = true;
  auto [begin, end] = arraysOf(index);
  for (int64_t array = begin; array < end; ++array)
    held &= holder.count(array) && holder[array] == index;
  for (int64_t w = issued.value; w < issued.value + issued.instruction.count;
       ++w) {
    Sum sum;
    sum.good = held && state.loads.front().count(w) && state.loads.front()[w] &&
               part.core == begin / p.chip.arrays_per_core &&
               end <= (part.core + 1) * p.chip.arrays_per_core;
    for (int64_t s = part.slot_begin; s < part.slot_end; ++s)
      sum.slots.insert(s);
    state.sums[{pass, w}] = std::move(sum);
  }
  state.loads.pop_front();
}

/// Whether a slot holds a column of an output.
bool Oracle::columnsOf(const Product &q, int64_t output, int64_t slot) const {
  const imc::mapping::Tiling &t = q.tiling;
  const int64_t group = output / q.geometry.cols;
  const int64_t pack = slot / (t.strips * t.column_tiles);
  if (group / t.groups_per_pack != pack)
    return false;
  const int64_t local =
      group % t.groups_per_pack * q.geometry.cols + output % q.geometry.cols;
  const int64_t first = local * t.columns_per_weight;
  const int64_t last = first + t.columns_per_weight - 1;
  const int64_t tile = slot % t.column_tiles;
  return first / t.cols <= tile && tile <= last / t.cols;
}

void Oracle::store(const Issued &issued) {
  const int64_t index = issued.instruction.index;
  const Part &part = p.parts[index];
  const Product &q = p.products[part.product];
  PartState &state = parts[index];
  const int64_t pass =
      state.windows[Opcode::Store] / std::max<int64_t>(part.windows, 1);
  const int64_t outputs = q.geometry.cols * q.geometry.groups;
  for (int64_t o = 0; o < outputs; ++o) {
    std::vector<int64_t> needed;
    for (int64_t s = 0; s < q.tiling.tiles(); ++s)
      if (columnsOf(q, o, s))
        needed.push_back(s);
    if (needed.back() < part.slot_begin || needed.back() >= part.slot_end)
      continue;
    for (int64_t w = issued.value; w < issued.value + issued.instruction.count;
         ++w) {
      const Sum &sum = state.sums[{pass, w}];
      bool good = sum.good;
      for (int64_t s : needed)
        good &= sum.slots.count(s) > 0;
      writeWord(q.output, pass, w * outputs + o, good);
    }
  }
}

void Oracle::vector(const Core &core, const Issued &issued) {
  const int64_t index = issued.instruction.index;
  const Kernel &k = p.kernels[index];
  int64_t &done = pieces[{index, core.number}];
  const int64_t pass = done / k.pieces;
  const int64_t begin = issued.value;
  const int64_t end = begin + issued.instruction.count;
  bool good = true;
  for (int64_t t : k.inputs) {
    const int64_t rows = p.tensors[t].rows;
    good &= readRows(t, pass, begin * rows / k.pieces,
                     (end * rows + k.pieces - 1) / k.pieces);
  }
  for (int64_t t : k.outputs) {
    const Tensor &tensor = p.tensors[t];
    const int64_t from = begin * tensor.rows / k.pieces;
    const int64_t to = end * tensor.rows / k.pieces;
    for (int64_t e = tensor.elements * from / tensor.rows;
         e < tensor.elements * to / tensor.rows; ++e)
      if (e % p.chip.cores == core.number)
        writeWord(t, pass, e, good);
  }
  done += issued.instruction.count;
}

void Oracle::perform(const Core &core, const Issued &issued) {
  const Instruction &i = issued.instruction;
  if (isOfPart(i.opcode)) {
    PartState &state = parts[i.index];
    if (p.parts[i.index].core != core.number)
      fault("work of another core");
    const int64_t pass = state.windows[i.opcode] /
                         std::max<int64_t>(p.parts[i.index].windows, 1);
    auto each = [&](auto what) {
      for (int64_t w = issued.value; w < issued.value + i.count; ++w)
        what(w, state.sums[{pass, w}]);
    };
    switch (i.opcode) {
    case Opcode::Write: {
      auto [begin, end] = arraysOf(i.index);
      for (int64_t array = begin; array < end; ++array)
        holder[array] = i.index;
      const Product &q = p.products[p.parts[i.index].product];
      if (q.operand >= 0 && p.parts[i.index].windows > 0 &&
          !readRows(q.operand, 0, 0, p.tensors[q.operand].rows))
        fault("an operand that is not there is written into arrays");
      programming[issued.step] -= waitedFor(i, issued.value, issued.step);
      break;
    }
    case Opcode::Load:
      load(issued);
      break;
    case Opcode::Mvm:
      mvm(issued);
      break;
    case Opcode::Receive: {
      Message message = std::move(state.inbox.front());
      state.inbox.pop_front();
      each([&](int64_t w, Sum &sum) {
        if (!message.count(w)) {
          sum.good = false;
          return;
        }
        sum.good &= message[w].good;
        sum.slots.insert(message[w].slots.begin(), message[w].slots.end());
      });
      break;
    }
    case Opcode::Send: {
      Message message;
      each([&](int64_t w, Sum &sum) { message[w] = sum; });
      const int64_t next = p.parts[i.index].next;
      if (next < 0)
        fault("sums are sent to nobody");
      else
        parts[next].inbox.push_back(std::move(message));
      break;
    }
    default:
      store(issued);
    }
    ++state.blocks[i.opcode];
    state.windows[i.opcode] += i.count;
    return;
  }
  if (i.opcode == Opcode::Vector)
    vector(core, issued);
  if (i.opcode == Opcode::Fetch)
    programming[issued.step] -= waitedFor(i, issued.value, issued.step);
}

void Oracle::finish() {
  int64_t lastStep = 0;
  for (const Core &core : cores)
    if (!core.program.empty())
      lastStep = std::max(lastStep, core.program.back().step);
  const int64_t passes = p.schedule == Schedule::Pipeline ? p.inferences : 1;
  for (size_t t = 0; t < p.tensors.size(); ++t) {
    const Tensor &tensor = p.tensors[t];
    if (tensor.first_step < 0)
      continue;
    bool isRead = false;
    for (const Product &q : p.products) {
      isRead |= q.operand == static_cast<int64_t>(t);
      isRead |= std::count(q.inputs.begin(), q.inputs.end(), t) > 0;
    }
    for (const Kernel &k : p.kernels)
      isRead |= std::count(k.inputs.begin(), k.inputs.end(), t) > 0;
    for (int64_t pass = 0; pass < passes; ++pass) {
      const std::map<int64_t, int> &times =
          written[{static_cast<int64_t>(t), pass}];
      if (static_cast<int64_t>(times.size()) != tensor.elements)
        fault("not all of " + tensor.name + " is written");
      for (auto [element, n] : times)
        if (n != 1)
          fault("an element of " + tensor.name + " is written twice");
      // What nobody reads is a result, if it is kept to the end.
      if (!isRead && pass >= passes - tensor.versions &&
          tensor.last_step + passes - 1 >= lastStep &&
          !readRows(static_cast<int64_t>(t), pass, 0, tensor.rows))
        fault("the result " + tensor.name + " is overwritten");
    }
  }
  for (const PartState &part : parts)
    if (!part.inbox.empty())
      fault("sums are never received");
}

std::string Oracle::run() {
  parts.resize(p.parts.size());
  flatten();
  for (size_t i = 0; i < p.parts.size(); ++i) {
    auto [begin, end] = arraysOf(static_cast<int64_t>(i));
    if (p.products[p.parts[i].product].rounds == 0)
      for (int64_t array = begin; array < end; ++array)
        holder[array] = static_cast<int64_t>(i);
  }
  // Inputs are there from the beginning, in all versions.
  for (size_t t = 0; t < p.tensors.size(); ++t)
    if (p.tensors[t].first_step < 0)
      for (int64_t version = 0; version < p.tensors[t].versions; ++version)
        for (int64_t e = 0; e < p.tensors[t].elements; ++e) {
          const auto tensor = static_cast<int64_t>(t);
          const int64_t at = address(tensor, version, e);
          for (int64_t b = at / 8; b <= (at + p.tensors[t].bits - 1) / 8; ++b)
            memory[b] = mark(tensor, 0, e);
        }

  while (found.empty()) {
    // All that may happen next, of which one does.
    std::vector<std::pair<size_t, size_t>> choices; // core, pending or next
    for (size_t c = 0; c < cores.size(); ++c) {
      if (mayIssue(cores[c]))
        choices.emplace_back(c, SIZE_MAX);
      for (size_t at = 0; at < cores[c].pending.size(); ++at)
        if (mayDo(cores[c], at))
          choices.emplace_back(c, at);
    }
    if (choices.empty())
      break;
    auto [c, at] = choices[random() % choices.size()];
    Core &core = cores[c];
    if (at == SIZE_MAX) {
      const Issued &next = core.program[core.next++];
      if (next.instruction.opcode != Opcode::Step &&
          next.instruction.opcode != Opcode::Wait)
        core.pending.push_back(next);
      continue;
    }
    const Issued issued = core.pending[at];
    core.pending.erase(core.pending.begin() + static_cast<long>(at));
    perform(core, issued);
  }
  for (const Core &core : cores)
    if (core.next < core.program.size() || !core.pending.empty())
      fault("nobody can go on");
  finish();
  return found;
}

std::string imc::program::test::harm(const Program &program,
                                     std::mt19937_64 &generator) {
  return Oracle(program, generator).run();
}
