//===- Builder.h - Puts a program together ----------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_SCHEDULE_BUILDER_H
#define IMC_LIB_SCHEDULE_BUILDER_H

#include "Layout.h"

#include "imc/Schedule/Allocate.h"
#include "imc/Schedule/Schedule.h"

namespace imc::schedule::detail {

llvm::Error refuse(const llvm::Twine &message);

/// Tables that all schedules share, and how they are filled: decide() says what
/// runs where, then a schedule numbers the steps, then fitBuffers() and
/// placeTensors() hand out both kinds of buffer, then the schedule writes the
/// streams.
class Builder {
public:
  Builder(const workload::Workload &workload, const mapping::Plan &plan,
          const machine::Machine &machine, const mapping::Knobs &knobs,
          const Options &options)
      : workload(workload), plan(plan), machine(machine), knobs(knobs),
        options(options) {}

  llvm::Expected<program::Program> run();

private:
  static constexpr int64_t none = -1;

  const workload::Workload &workload;
  const mapping::Plan &plan;
  const machine::Machine &machine;
  const mapping::Knobs &knobs;
  const Options &options;

  program::Program program;
  /// By layer: its product or none, its kernel or none, bits that overflow the
  /// global buffer while it runs (E-COUNT-6).
  std::vector<int64_t> productOf, kernelOf, spillOf;
  /// By layer: the tensor that it makes; and the one of the model's inputs.
  std::vector<int64_t> tensorOf; ///< none where it stays inside a kernel
  int64_t modelInput = none;
  /// By product: its parts [begin, end).
  std::vector<std::pair<int64_t, int64_t>> partsOf;
  /// By layer, for a pipeline: its level.
  std::vector<int64_t> levelOf;
  int64_t steps = 0;
  /// What follows one another in schedule `layers`: a layer, or all of a loop.
  struct Stage {
    std::vector<size_t> layers;
    int64_t trips = 1, period = 0; ///< period: steps of an iteration
  };
  std::vector<Stage> stages;
  /// By product: the step before its loop that writes its cells, or none.
  std::vector<int64_t> writtenIn;

  // Tables.cpp
  llvm::Error checkDesign() const;
  void describeChip();
  llvm::Error decide();
  void addProduct(size_t layer, const workload::Product &work,
                  const mapping::Tiling &tiling, int64_t copies, int64_t rounds,
                  int64_t first, int64_t available);
  void addKernel(size_t layer);
  /// Whether a product of two activations is written into arrays.
  const mapping::PlacedDynamic *written(size_t layer) const;
  void addTensors();
  /// Tensors of the layers that `edges` name, those of later layers left out.
  std::vector<int64_t> tensorsOf(size_t layer,
                                 llvm::ArrayRef<int64_t> edges) const;
  /// Those that the iteration before made, of a layer in a loop.
  std::vector<int64_t> carriedTo(size_t layer) const;

  // Buffers.cpp
  /// Blocks and regions of all parts. Parts of one core share its tile buffer
  /// where `together`, and take turns otherwise.
  llvm::Error fitBuffers(bool together);
  /// Windows that each copy of a part takes per block, by part, so that all
  /// parts of a core have equally many blocks as far as their windows divide.
  std::vector<int64_t> evenBlocks() const;
  /// Regions that a part needs with blocks of `perCopy` windows per copy.
  void measure(program::Part &part, int64_t perCopy) const;
  llvm::Error placeTensors();

  // Stream.cpp, see there
  /// Rows of the results of a kernel's members, layer by layer, from those of
  /// what they read (0: there as a whole). False, and nothing is changed, where
  /// some member needs more than leading rows.
  bool countRows(const std::vector<size_t> &members,
                 const std::vector<int64_t> &expected,
                 std::vector<int64_t> &rowsOf) const;

  // Layers.cpp
  void findStages();
  llvm::Error numberLayers();
  llvm::Error numberLoop(Stage &stage);
  /// Tensors live up to step `last` that `layer` reads or makes.
  void keepTensors(size_t layer, int64_t first, int64_t last);
  void writeLayers();
  void writeLoop(const Stage &stage,
                 std::vector<program::Instruction> &controller);
  /// By layer: products whose first round is written while that layer runs.
  std::vector<std::vector<int64_t>> chooseAhead() const;
  /// Loop over the blocks of a part.
  void writePart(const program::Part &part, int64_t index,
                 std::vector<program::Instruction> &out) const;

  /// Blocks of `count` windows: the first begins at window `first`, that of
  /// iteration i of the loop around it at `first + stride * i`.
  void writeBlock(const program::Part &part, int64_t index, int64_t first,
                  int64_t stride, int64_t count,
                  std::vector<program::Instruction> &out) const;

  /// The same for windows [begin, end), which begin with a block.
  void writeWindows(const program::Part &part, int64_t index, int64_t begin,
                    int64_t end, std::vector<program::Instruction> &out) const;

  // Pipeline.cpp
  /// Whether all weights stay, as schedules without steps between layers need.
  llvm::Error checkResident() const;
  /// Levels of the layers; digital work on one level becomes one kernel.
  void findLevels();
  /// Whether only the kernel that makes a result reads it.
  bool isInner(size_t layer) const;
  llvm::Error numberBeats();
  llvm::Error writePipeline();
  /// One beat of some parts of a core, beside each other (Merge.h), with
  /// `kernels` between them.
  void writeBeat(llvm::ArrayRef<int64_t> parts, llvm::ArrayRef<int64_t> kernels,
                 std::vector<program::Instruction> &out) const;

  // Stream.cpp
  llvm::Error numberStream();
  llvm::Error writeStream();

  /// Name of a layer in messages.
  std::string layerName(size_t layer) const;
};

} // namespace imc::schedule::detail

#endif // IMC_LIB_SCHEDULE_BUILDER_H
