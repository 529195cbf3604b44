//===- Execution.h - Abstract execution of a program ------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs all streams without data and without time. Every stream executes one
// instruction after the other; only Step, Wait and Receive block. The chip
// overlaps more, but each of its own dependences (docs/isa.md, "Blocks") is
// checked to point back in the stream. The order of this execution then
// satisfies all of them, so that the chip ends, too.
//
// Who may read what does not depend on the order that happens to be run: a
// reader must be separated from the writer by a step or have waited for the
// rows.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_PROGRAM_EXECUTION_H
#define IMC_LIB_PROGRAM_EXECUTION_H

#include "Verifier.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SmallVector.h"

#include <array>
#include <deque>
#include <map>
#include <set>
#include <utility>

namespace imc::program {

class Execution {
public:
  explicit Execution(Verifier &verifier);
  void run();

private:
  using Block = std::pair<int64_t, int64_t>; ///< first window, count

  /// What blocks a stream.
  enum class Blocked { No, Step, Wait, Receive, Ended };

  struct Loop {
    size_t begin; ///< of the body
    int64_t iteration, count;
  };

  /// One core, or the controller.
  struct Core {
    int64_t number = 0;
    std::vector<size_t> streams; ///< of its own number, in order
    bool idle = false;           ///< takes those of idleCores, too
    size_t own = 0, common = 0;  ///< next of `streams` and of the shared ones
    size_t at = 0;               ///< position in the stream
    llvm::SmallVector<Loop, 2> loops;
    int64_t step = 0;
    int64_t workStep = -1; ///< the last one in which it did more than write
    Blocked blocked = Blocked::No;
    int64_t pending = 0; ///< the step, tensor or part that it is blocked on
    int64_t rows = 0;    ///< of a wait
    /// Rows of tensors that waits have granted.
    llvm::DenseMap<int64_t, int64_t> granted;
  };

  /// One of load, mvm, receive, send, store of a part.
  struct Progress {
    int64_t windows = 0; ///< of this pass
    int64_t pass = 0;
    int64_t blocks = 0;
    std::deque<Block> ready; ///< blocks that it may take now
  };
  enum Engine { Load, Mvm, Receive, Send, Store };
  static const char *nameOf(Engine engine) {
    return std::array{"load", "mvm", "receive", "send", "store"}[engine];
  }
  /// Tells faults of one part apart (report()).
  static char keyOf(Engine engine) { return "lmrso"[engine]; }

  struct PartState {
    std::array<Progress, 5> engines;
    Block lastLoad = {0, 0};
    bool sends = false, stores = false;
    int64_t writes = 0;
    int64_t writeStep = -1;
    bool lost = false; ///< was written, then overwritten
  };

  struct KernelState {
    std::vector<std::pair<int64_t, int64_t>> cores; ///< pass, pieces of it
  };

  /// Of one pass of a tensor.
  struct Version {
    int64_t writersLeft = 0, readersLeft = 0; ///< all of one pass
    int64_t writtenIn = -1, readIn = -1;      ///< last steps
  };
  struct TensorState {
    int64_t writers = 0, readers = 0;  ///< of each pass
    int64_t carried = 0;               ///< readers of all passes but the last
    int64_t product = -1, kernel = -1; ///< that writes it
    std::map<int64_t, Version> passes; ///< that have begun
    std::vector<size_t> waiting;       ///< cores
    /// Leading windows of its product: storing parts in order, and the first
    /// that has not done all.
    std::vector<int64_t> stores;
    size_t lead = 0;
  };

  void prepare();
  /// How much later than the first pass tensors of a pass live: a pipeline has
  /// a step for each.
  int64_t shiftOf(int64_t pass) const {
    return p.schedule == Schedule::Pipeline ? pass : 0;
  }
  bool isLaterPass(int64_t first, int64_t step) const;
  const std::vector<size_t> &commonOf(const Core &core) const;
  void advance(Core &core);
  bool execute(Core &core, const Instruction &instruction, int64_t value);
  void step(Core &core, int64_t value);
  void write(Core &core, int64_t part);
  void part(Core &core, Engine engine, int64_t index, int64_t first,
            int64_t count);
  void load(Core &core, int64_t index, int64_t first, int64_t count);
  void vector(Core &core, int64_t kernel, int64_t first, int64_t count);
  void fetch(Core &core, int64_t product, int64_t round);
  bool wait(Core &core, int64_t tensor, int64_t rows);

  /// Passes [first, last) of a tensor that pass `pass` of `reader` reads.
  struct Passes {
    int64_t first, last;
  };
  template <class Record>
  Passes readBy(const Record &reader, int64_t tensor, int64_t pass);
  /// Reads of all passes of a record from `count` parts or cores.
  template <class Record>
  void addReaders(const Record &reader, int64_t count);
  template <class Record>
  void readAll(const Core &core, const Record &reader, int64_t pass,
               llvm::function_ref<int64_t(int64_t)> rowsOf,
               const llvm::Twine &who);
  template <class Record>
  void allRead(const Core &core, const Record &reader, int64_t pass);

  Version &version(int64_t tensor, int64_t pass);
  void read(const Core &core, int64_t tensor, int64_t pass, int64_t rows,
            const llvm::Twine &who);
  void readerDone(const Core &core, int64_t tensor, int64_t pass);
  void beginWrite(const Core &core, int64_t tensor, int64_t pass,
                  const llvm::Twine &who);
  void writerDone(const Core &core, int64_t tensor, int64_t pass);
  int64_t leadingRows(int64_t tensor);
  void wake(int64_t tensor);

  bool releaseSteps();
  void reportDeadlock();
  std::string describe(const Core &core) const;
  size_t waitsFor(const Core &core);
  void finish();

  /// Reports a rule once for one thing.
  void report(llvm::StringRef rule, char kind, int64_t thing,
              const llvm::Twine &what);

  Verifier &v;
  const Program &p;
  std::vector<Core> cores;
  /// Streams that many cores execute, in order: allCores, and these with those
  /// of idleCores.
  std::vector<size_t> shared, sharedIdle;
  llvm::DenseMap<int64_t, size_t> coreIndex;
  std::vector<std::vector<size_t>> loopEnds; ///< by stream and instruction
  std::vector<PartState> parts;
  std::vector<KernelState> kernels;
  std::vector<TensorState> tensors;
  std::vector<std::deque<Block>> messages; ///< by receiving part
  std::map<int64_t, std::pair<int64_t, int64_t>>
      holders; ///< first array -> end, part that its cells hold
  std::map<std::pair<int64_t, int64_t>, std::vector<int64_t>>
      fetches; ///< product, round -> steps
  std::vector<size_t> runnable;
  std::set<std::tuple<std::string, char, int64_t>> reported;
  int64_t executed = 0;
  bool givenUp = false;
};

} // namespace imc::program

#endif // IMC_LIB_PROGRAM_EXECUTION_H
