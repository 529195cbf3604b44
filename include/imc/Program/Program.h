//===- Program.h - What the cores of a chip execute -------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A program is one instruction stream per core, tables that the streams refer
// to (tensors, products, parts, kernels), and one stream of the chip's memory
// controller. Streams keep their loops; nothing is unrolled. docs/isa.md
// explains every instruction and the text form.
//
// A core is a hardware tile: macros_per_tile arrays, one tile buffer, lanes,
// one port to the network. A part is what one core does of one product. A
// window is one input vector of a product. A slot is one tile of a copy
// (mapping::Tiling::tiles()), numbered pack by pack, strip after strip, column
// tile after column tile; slot i lies in array i / row_sets of its copy.
//
// A core executes the streams of its own number, those of allCores and, if no
// part lies in it, those of idleCores one after the other, in the order of the
// table: steps never go back along them.
//
// Instructions are issued in order and run beside each other where nothing
// forbids it. A part has two blocks in flight: of block i, `load` waits for the
// `mvm` of block i - 2, `mvm` for its `load` and for the `send` or `store` of
// block i - 2, `receive` for the `mvm` and the message, `send` and `store` for
// `mvm` and `receive`; each engine (network port, arrays of the part, lanes)
// takes its instructions in order.
//
// A pass is one walk of a part through its windows, or one whole execution of a
// kernel. With Schedule::Pipeline windows are those of one inference and every
// part and kernel makes `inferences` passes; otherwise windows are those of the
// whole batch and there is one pass, or with Schedule::Layers one for each
// iteration of a loop whose iterations follow one another. Pass k reads and
// writes version k mod versions of its tensors.
//
// What is in a loop makes pass k in step `step` + k * `period`. It reads
// tensors of its loop in the version of its own pass, those that are `carried`
// in that of the pass before (the first pass needs none), and others as a
// whole: what a loop leaves are all its versions.
//
// This library knows neither the schedulers that write programs nor the
// simulator that runs them.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_PROGRAM_PROGRAM_H
#define IMC_PROGRAM_PROGRAM_H

#include "imc/Mapping/Mapping.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace imc::program {

/// Where a tensor is kept between the steps that make and use it.
enum class Space : uint8_t {
  Global,   ///< the chip's buffer
  External, ///< memory outside; what the global buffer has no room for
};

/// Bits [offset, offset + size) of a buffer.
struct Region {
  int64_t offset = 0, size = 0;
};

/// Activations between layers. `versions` of them lie one after the other, each
/// of region.size / versions bits; pass i uses version i mod versions. Steps
/// are those of the first pass.
struct Tensor {
  std::string name;
  Space space = Space::Global;
  Region region;
  int64_t elements = 0;
  int64_t bits = 0; ///< of an element
  int64_t versions = 1;
  int64_t rows = 1;       ///< what `wait` counts: output rows over all images
  int64_t first_step = 0; ///< the step that writes it; -1: an input
  int64_t last_step = 0;  ///< the last step that reads it
};

/// The input image of a product as its windows see it. Input rows are numbered
/// over all images of a batch; the rows of an image are padded.
struct Geometry {
  int64_t windows = 0, rows = 0, cols = 0, groups = 1; ///< M, K, N, G
  int64_t kernel_elements = 1; ///< rows of K per channel: kh * kw
  int64_t kernel_rows = 1;     ///< input rows under a window, with dilation
  int64_t stride_rows = 1;     ///< from one row of windows to the next
  int64_t windows_per_row = 1; ///< output width
  int64_t window_rows = 1;     ///< output height, rows of windows per image
  int64_t image_rows = 1;      ///< input rows per image
  int64_t padding_rows = 0;    ///< of image_rows, above the tensor's first row
  int64_t tensor_rows = 0;  ///< of image_rows, rows of the tensor: the others
                            ///< are padding and are not loaded; 0: all
  int64_t row_elements = 0; ///< of an input row: channels * width
};

/// A product on arrays.
struct Product {
  std::string name;  ///< node name of the model
  int64_t layer = 0; ///< of the workload
  int64_t step = 0;  ///< of the first pass; round r runs in step + r, so that
                     ///< nothing is written into arrays that compute
  Geometry geometry;
  mapping::Tiling tiling;
  int64_t copies = 1;
  int64_t windows_per_copy = 0; ///< ceil(windows / copies)
  std::vector<int64_t> inputs;  ///< tensors, read as one (concatenated)
  int64_t output = 0;           ///< tensor
  int64_t operand = -1; ///< tensor written into the arrays; -1: stored weights
  int64_t rounds = 0;   ///< times the cells are written; 0: they stay
  int64_t passes = 1;   ///< iterations of its loop
  int64_t period = 0;   ///< steps from one of them to the next
  std::vector<int64_t> carried{}; ///< tensors
  /// Of this product alone, at most the chip's; 0: the chip's.
  int64_t weight_bits = 0, input_bits = 0;
  /// Resolution that its conversions use; 0: that of the others.
  int64_t adc_bits = 0;
};

/// What one core does of one product: slots [slot_begin, slot_end) of `copies`
/// copies, which take turns at the windows [first_window, first_window +
/// windows): window w goes to copy (w - first_window) mod copies. A copy that
/// has more arrays than a core lies in several parts, of which each adds its
/// partial sums to those of the `previous` part and hands them to the `next`.
/// Neighbours are linked where an output has columns on both sides of the cut
/// between them: within a pack of several strips always, with one strip where
/// the cut goes through a weight, between packs never. An output is stored by
/// the last part of the copy that holds columns of it, so that a part may have
/// a `send` and a `store` in each block. Sums of outputs that a part holds no
/// column of pass it by; they are counted where they enter the network.
struct Part {
  int64_t product = 0;
  int64_t core = 0;
  int64_t round = 0;       ///< of Product::rounds; 0 where there are none
  int64_t first_array = 0; ///< of the chip; arrays follow one another
  int64_t copies = 1;
  int64_t slot_begin = 0, slot_end = 0;
  int64_t first_window = 0, windows = 0;
  int64_t block = 0; ///< windows per iteration of its loop, a multiple of
                     ///< `copies` unless it is all
  int64_t previous = -1, next = -1; ///< parts
  Region lines;        ///< of the tile buffer: input rows of two blocks
  Region accumulators; ///< of the tile buffer: partial sums of two blocks
};

/// Work of the lanes. Every core does an equal share.
struct Kernel {
  std::string name, op;
  int64_t layer = 0; ///< of the workload
  int64_t step = 0;  ///< of the first pass
  int64_t operations = 0, macs = 0;
  int64_t tile_read_bits = 0, tile_write_bits = 0;     ///< over all cores
  int64_t global_read_bits = 0, global_write_bits = 0; ///< and over the network
  /// Pieces of equal work that `vector` may take it in, for instance the
  /// windows of the product that feeds it. After piece p the leading floor(p *
  /// rows / pieces) rows of an output are there. 1: at once.
  int64_t pieces = 1;
  std::vector<int64_t> inputs, outputs; ///< tensors
  int64_t passes = 1;                   ///< iterations of its loop
  int64_t period = 0;                   ///< steps from one of them to the next
  std::vector<int64_t> carried{};       ///< tensors
};

enum class Opcode : uint8_t {
  Loop,    ///< count: repeat up to the matching End
  End,     ///<
  Step,    ///< step index + value: all instructions of earlier steps are done,
           ///< everywhere
  Wait,    ///< index: tensor; until its leading `first + count` rows are stored
  Write,   ///< index: part; programs its arrays. The loads of a step wait for
           ///< all Write and Fetch of that step
  Load,    ///< index: part; input rows that windows [first, first + count) need
           ///< and that no earlier window needed, from the global buffer
  Mvm,     ///< index: part; windows [first, first + count) through its arrays
  Receive, ///< index: part; their partial sums of the previous part, added
  Send,    ///< index: part; to the next part the partial sums of those outputs
           ///< of the part that a later part adds to
  Store,   ///< index: part; to the global buffer the results of those outputs
           ///< of the part that no later part adds to
  Vector, ///< index: kernel; this core's share of pieces [first, first + count)
  Fetch,  ///< controller; index: product; weights of round `first` from outside
  Spill,  ///< controller; index: step, in a loop that of the first pass;
          ///< `count` bits to and from outside
};

/// `first` stands for the value first + stride[0] * i + stride[1] * j in
/// iterations i of the innermost and j of the next loop around it.
struct Instruction {
  Opcode opcode = Opcode::Step;
  int64_t index = 0;
  int64_t first = 0;
  int64_t stride[2] = {0, 0};
  int64_t count = 0;
};

/// In order. Core `allCores` stands for every core of the chip, `idleCores` for
/// every one that no entry of the table of parts lies in, `controller` for the
/// memory controller.
struct Stream {
  static constexpr int64_t allCores = -1, controller = -2, idleCores = -3;
  int64_t core = 0;
  std::vector<Instruction> instructions;
};

/// How steps follow one another.
enum class Schedule : uint8_t {
  Layers,   ///< a step starts when the one before is done
  Pipeline, ///< every product works on an inference of its own (throughput)
  Stream,   ///< a product starts when its first windows' inputs are there
};

/// The chip as far as a program depends on it. A program runs on a machine that
/// has just these numbers.
struct Chip {
  std::string target;
  int64_t cores = 0, arrays_per_core = 0, cores_per_group = 0;
  int64_t array_rows = 0, array_cols = 0, driven_rows = 0;
  int64_t tile_buffer_bits = 0;   ///< 0: not modelled
  int64_t global_buffer_bits = 0; ///< 0: not modelled
  int64_t weight_bits = 0, input_bits = 0, accumulator_bits = 0;
  bool rewritable = false; ///< cells may be written during an inference
};

/// A model compiled for a chip.
struct Program {
  std::string model;
  Schedule schedule = Schedule::Layers;
  int64_t inferences = 1; ///< that one run does
  Chip chip;
  std::vector<Tensor> tensors;
  std::vector<Product> products;
  std::vector<Part> parts;
  std::vector<Kernel> kernels;
  std::vector<Stream> streams; ///< by core; several of one core run in order

  int64_t weightBits(const Product &product) const {
    return product.weight_bits ? product.weight_bits : chip.weight_bits;
  }
  int64_t inputBits(const Product &product) const {
    return product.input_bits ? product.input_bits : chip.input_bits;
  }
};

/// When a product or kernel makes its passes.
struct Span {
  int64_t step, passes, period;
  template <class Record>
  explicit Span(const Record &r)
      : step(r.step), passes(r.passes), period(r.period) {}
  int64_t last() const { return step + (passes - 1) * period; }
  /// Whether both are in one loop.
  bool meets(const Span &other) const {
    return passes > 1 && other.passes > 1 && step <= other.last() &&
           other.step <= last();
  }
};

/// The cores that parts lie in.
std::set<int64_t> coresWithParts(const Program &program);

/// Cores that execute a stream; `withParts` of them are not idle.
int64_t coresOf(const Program &program, const Stream &stream,
                int64_t withParts);

} // namespace imc::program

#endif // IMC_PROGRAM_PROGRAM_H
