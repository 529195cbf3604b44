//===- Engine.h - State of a running program --------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One core issues its instructions in order. Loads, waits and steps stop the
// issue until they may begin; everything else is put into the short queue of
// its engine and begins when what it depends on is done. Beginning claims all
// servers of the instruction at once; the one that is done last decides when
// the instruction is, and one event tells of it. An instruction of a kind is
// never done before the one of that kind and part before it, so that counters
// are all the state that blocks need.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_SIMULATE_ENGINE_H
#define IMC_LIB_SIMULATE_ENGINE_H

#include "PartWork.h"
#include "Trace.h"
#include "imc/Simulate/Simulate.h"

#include <deque>
#include <map>
#include <memory>
#include <queue>

namespace imc::simulate {

/// Takes requests one after the other.
struct Server {
  double free = 0;   ///< end of the last request
  double work = 0;   ///< seconds of requests
  double now = 0;    ///< of them, in the running step
  int64_t step = -1; ///< that `now` belongs to
};

/// The link of a group. Partial sums wait for it behind everything else that
/// goes over it, those of the oldest block first: a chain of parts moves on at
/// the pace of its slowest link however many of them share one.
struct Link : Server {
  struct Message {
    uint64_t block, order;
    uint32_t part;
    double bits;
    double ready; ///< when the port of the tile buffer has read them
  };
  std::vector<Message> messages; ///< heap
  bool armed = false;            ///< an event comes when it is free
};

/// Engines of a part with a queue each.
enum Engine { MvmEngine, ReceiveEngine, SendEngine, StoreEngine, numEngines };

struct Block {
  int64_t first, count;
};

/// Instructions of one kind of one part: issued, begun, done.
struct Lane {
  static constexpr uint64_t depth = 4; ///< blocks that wait at most
  uint64_t issued = 0, begun = 0, done = 0;
  double last = 0; ///< when the last one that began is done
  Block queue[depth];
  bool full() const { return issued - begun == depth; }
  bool waits() const { return issued > begun; }
  const Block &front() const { return queue[begun % depth]; }
};

struct PartState {
  const PartWork *work = nullptr;
  const program::Product *product = nullptr;
  int64_t index = 0, product_index = 0, core = 0, group = 0;
  int64_t next = -1, copies = 1;
  bool receives = false, sends = false, stores = false;
  // Bits and seconds of one window.
  int64_t read_bits = 0, write_bits = 0;
  double products_s = 0; ///< of one matrix-vector product of each array
  double fill_s = 0;     ///< before the first of a step

  uint64_t loads = 0, loaded = 0; ///< begun, done
  double last_load = 0;           ///< when the last one begun is done
  double load_done = -1, out_done = -1, received_at = -1; ///< latest
  Stall load_bound = Stall::GlobalBuffer, out_bound = Stall::GlobalBuffer;
  Lane lanes[numEngines];
  uint64_t arrived = 0; ///< messages of the previous part
  Server arrays;
  int64_t mvm_step = -1; ///< of the last mvm

  // What was executed.
  int64_t elements = 0, windows = 0, received = 0, sent = 0, stored = 0,
          stored_done = 0, writes = 0, serial = 0;
  std::array<double, numStalls> stalls{};
};

/// What stops the issue of a core.
enum class Halt : uint8_t {
  None,
  Load,    ///< blocks in flight, or the load before
  Writes,  ///< cells being written
  Queue,   ///< of an engine
  Drain,   ///< its own instructions before a step, or the end
  Barrier, ///< the others
  Tensor,
  End,
};

struct Core {
  int64_t index = 0, group = 0;
  std::vector<uint32_t> streams; ///< of the program
  size_t stream = 0;
  uint32_t pc = 0;
  struct Loop {
    uint32_t begin;
    int64_t count, iteration;
  } loops[2];
  int depth = 0;
  int64_t outstanding = 0; ///< issued, not done
  int64_t level = -1;      ///< step that it is in
  bool loading = false;    ///< the network port is busy with a load
  int64_t vectors = 0;     ///< issued, not done
  Halt halt = Halt::None;
  double since = 0; ///< blocked
  Server port, lanes, programming;
  double last_vector = 0;
  std::array<double, numStalls> stalls{};
};

/// Progress of what a `wait` may wait for.
struct Progress {
  int64_t product = -1, kernel = -1; ///< that writes it
  int64_t rows = 1;
  /// Parts that store it, by their first windows.
  struct Range {
    int64_t first, windows;
    std::vector<int64_t> parts;
  };
  std::vector<Range> ranges;
  size_t cursor = 0;
  struct Waiter {
    int64_t core, rows;
  };
  std::vector<Waiter> waiters;
};

struct KernelState {
  int64_t shares = 0; ///< pieces executed, over all cores
  /// Pieces [.., end) of which `cores` cores are done.
  struct Chunk {
    int64_t end, cores;
  };
  std::deque<Chunk> chunks;
  int64_t pieces = 0; ///< done by all cores
};

class Simulator {
public:
  Simulator(const program::Program &program, const cost::Prices &prices,
            const machine::Machine &machine, const Options &options);
  llvm::Error prepare();
  llvm::Error run();
  Result result();

private:
  enum class Done : uint32_t {
    Load,
    Port,
    Mvm,
    Send,
    Store,
    Write,
    Vector,
    Fetch,
    Spill,
    Link
  };
  struct Event {
    double time;
    uint64_t order; ///< of its cause: events of one instant come in it
    Done what;
    uint32_t index;
    int64_t a, b;
  };
  struct Later {
    bool operator()(const Event &a, const Event &b) const {
      return a.time != b.time ? a.time > b.time : a.order > b.order;
    }
  };

  llvm::Error checkConversions() const;
  llvm::Error prepareStreams();
  llvm::Error prepareParts();
  void prepareTensors();
  llvm::Error fail(const std::string &message) const;
  llvm::Error deadlock() const;

  void at(double time, Done what, uint32_t index, int64_t a = 0, int64_t b = 0);
  double claim(Server &server, double seconds, cost::Time kind, int64_t pid,
               int64_t tid, const std::string &name);
  void nameThreads();
  double claimGlobal(double bits, const std::string &name);
  double claimLink(int64_t group, double bits, const std::string &name);
  double claimPort(Core &core, double bits, const std::string &name);

  void advance(Core &core);
  bool stop(Core &core, Halt why);
  void wake(int64_t core);
  void finish(int64_t core);
  bool issue(Core &core, const program::Instruction &in);
  bool issueStep(Core &core, const program::Instruction &in);
  bool issueWait(Core &core, const program::Instruction &in);
  bool issueLoad(Core &core, const program::Instruction &in);
  bool issueVector(Core &core, const program::Instruction &in);
  void issueWrite(Core &core, const program::Instruction &in);
  void issueController(Core &core, const program::Instruction &in);
  void begin(PartState &part);
  void beginMvm(PartState &part);
  void beginOut(PartState &part, Engine engine);
  size_t linkOf(int64_t group) const;
  void sendOver(size_t link);
  void handle(const Event &event);
  void setLevel(Core &core, int64_t level);
  void release();
  void endStep();
  void start(const std::vector<int64_t> &going);
  void afterWrites();
  int64_t rowsWritten(const PartState &part) const;
  int64_t rowsReady(Progress &progress);
  void notify(int64_t tensor);
  std::string stuckQueue(int64_t core) const;

  void countPart(const PartState &part, cost::Counts &counts) const;
  void countProduct(int64_t product, WorkResult &work) const;
  void countKernel(int64_t kernel, WorkResult &work) const;
  void touch(WorkResult &work, double start, double end);

  const program::Program &program;
  const cost::Prices &prices;
  const machine::Machine &machine;
  const Options &options;
  std::unique_ptr<Trace> trace;

  /// All streams one after the other; the `index` of a Loop and of its End is
  /// where the other one stands.
  std::vector<program::Instruction> code;
  std::vector<uint32_t> begins; ///< of the streams, and the end of the last
  std::vector<Core> cores;      ///< the controller is the last
  std::vector<PartState> parts;
  std::map<std::array<int64_t, 3>, std::unique_ptr<PartWork>> works;
  std::vector<Progress> tensors;
  std::vector<KernelState> kernels;
  std::vector<Link> links;
  Server global, memory;

  std::vector<Event> heap;
  uint64_t order = 0;
  double now = 0;
  int64_t executed = 0;

  // Steps.
  std::map<int64_t, int64_t> levels; ///< cores per level
  std::map<int64_t, std::vector<int64_t>> waiting;
  bool released = false;  ///< a lowest level may have risen
  bool noLoads = false;   ///< writes of a step come first
  int64_t writing = 0;    ///< Write and Fetch that are not done
  int64_t epoch = 0;      ///< releases so far
  int64_t stepEntry = -1; ///< of the running step in `steps`
  double stepStart = 0;
  std::array<double, cost::numTimes> busiest{};
  std::vector<StepResult> steps;
  std::map<int64_t, size_t> stepOf;
  std::vector<WorkResult> productWork, kernelWork;
  std::map<int64_t, int64_t> spilled; ///< bits by step
  std::vector<int64_t> fetched;       ///< bits by product
  /// Weights of a round in bits, by product and round.
  std::map<std::pair<int64_t, int64_t>, int64_t> rounds;
  std::vector<int64_t> writesBlocked; ///< cores
  double written = 0;                 ///< when the last cells were
  std::string problem;
  std::vector<std::vector<int64_t>> partsOf; ///< products
  int64_t traced = 0;
};

} // namespace imc::simulate

#endif // IMC_LIB_SIMULATE_ENGINE_H
