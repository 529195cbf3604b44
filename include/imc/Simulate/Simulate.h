//===- Simulate.h - Runs programs in time -----------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Event-driven execution of a program: the streams of all cores and of the
// memory controller, with contention for arrays, buffer ports, links, lanes and
// memory. docs/simulation.md states the model; docs/isa.md what the
// instructions mean.
//
// Every resource is a server that takes requests one after the other in the
// order in which they become ready; requests of one instant come in the order
// of their causes, so that a run is the same on every platform. Loops are
// executed, never unrolled: memory is O(cores + instructions + parts) whatever
// the trip counts, time O(executed instructions * log(cores + parts)).
//
// Units: seconds, J, bits. Counts are those of cost::Counts, added up from what
// was executed.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_SIMULATE_SIMULATE_H
#define IMC_SIMULATE_SIMULATE_H

#include "imc/Cost/Cost.h"
#include "imc/Program/Program.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace llvm {
class raw_ostream;
}

namespace imc::simulate {

struct Options {
  /// Where to write a trace for Perfetto or chrome://tracing; null: none.
  llvm::raw_ostream *trace = nullptr;
  /// Steps [trace_begin, trace_end) of it.
  int64_t trace_begin = 0;
  int64_t trace_end = std::numeric_limits<int64_t>::max();
  /// Joule of a conversion (cost::conversionEnergy) of the products that have a
  /// resolution of their own, by bits.
  std::map<int64_t, double> conversions;
};

/// Options::conversions of the products of a program.
std::map<int64_t, double> conversionsOf(const program::Program &program,
                                        const machine::Machine &machine,
                                        const mapping::Knobs &knobs);

/// Why arrays of a part, or a core, stand still.
enum class Stall : uint8_t {
  GlobalBuffer, ///< inputs or results wait for the port of the global buffer
  Link,         ///< ... for the link of a group
  TileBuffer,   ///< ... for the port of the tile buffer
  Latency,      ///< ... for the way through the network
  Peer,         ///< for partial sums of the part before
  Programming,  ///< for cells to be written
  Tensor,       ///< a core: for rows of a tensor (wait)
  Step,         ///< a core: for the other cores to finish the step
};
constexpr size_t numStalls = 8;
const char *name(Stall stall);

/// One `step`, all executions of it. A loop of steps is one entry.
struct StepResult {
  int64_t index = 0; ///< of the instruction
  int64_t executions = 0;
  double start = 0, end = 0; ///< of the first and of the last execution
  double seconds = 0;        ///< of all
  /// Work of the busiest server of each kind, summed over the executions.
  std::array<double, cost::numTimes> busy{};
  cost::Time bound_by = cost::Time::Compute; ///< the largest of them
};

/// One product or kernel.
struct WorkResult {
  std::string name, op;
  int64_t layer = 0;         ///< of the workload
  double start = 0, end = 0; ///< first and last action
  /// Of the whole run. energy_j prices them (E-ENERGY), leakage left out.
  cost::Counts counts;
  std::array<double, cost::numEnergies> energy_j{};
};

struct PartResult {
  int64_t part = 0;
  double busy = 0; ///< of its arrays
  std::array<double, numStalls> stalls{};
};

struct CoreResult {
  double tile_buffer = 0, lanes = 0, programming = 0; ///< seconds of work
  std::array<double, numStalls> stalls{};             ///< of the stream
};

struct Result {
  double seconds = 0;
  int64_t instructions = 0; ///< executed, loops and their ends left out
  int64_t inferences = 1;
  std::vector<StepResult> steps;
  std::vector<WorkResult> products, kernels; ///< parallel to the program's
  std::vector<PartResult> parts;
  std::vector<CoreResult> cores;
  double global_buffer = 0, memory = 0; ///< seconds of work
  std::vector<double> links;            ///< of every group
  std::array<double, cost::numEnergies> energy_j{};
  double total_energy_j = 0;
  int64_t trace_events = 0;
};

/// Whether the program was made for this machine: one message that names every
/// number that differs.
llvm::Error checkChip(const program::Program &program,
                      const machine::Machine &machine);

/// Runs a program. Refused: a program for another chip, indices out of range,
/// loops deeper than two, conversions without a price, and streams that wait
/// for each other for ever (with what each core waits for).
llvm::Expected<Result> simulate(const program::Program &program,
                                const cost::Prices &prices,
                                const machine::Machine &machine,
                                const Options &options = {});

/// Simulated seconds by layer of the workload, of a program whose steps are
/// layers. What is written before a loop belongs to the first layer in it.
std::map<int64_t, double> secondsByLayer(const program::Program &program,
                                         const Result &result);

/// The object of `imc simulate --json` without what the caller adds.
llvm::json::Object toJSON(const Result &result,
                          const program::Program &program);

} // namespace imc::simulate

#endif // IMC_SIMULATE_SIMULATE_H
