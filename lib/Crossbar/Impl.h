//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What Product is made of.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_CROSSBAR_IMPL_H
#define IMC_LIB_CROSSBAR_IMPL_H

#include "imc/Crossbar/Crossbar.h"
#include "imc/Crossbar/Parallel.h"

#include "CellDraw.h"
#include "Kernels.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <new>

namespace imc::crossbar {

template <typename T>
struct Aligned {
  using value_type = T;
  Aligned() = default;
  template <typename U>
  Aligned(const Aligned<U> &) {}
  T *allocate(size_t n) {
    return static_cast<T *>(
        ::operator new(n * sizeof(T), std::align_val_t(64)));
  }
  void deallocate(T *p, size_t) { ::operator delete(p, std::align_val_t(64)); }
  friend bool operator==(const Aligned &, const Aligned &) { return true; }
  friend bool operator!=(const Aligned &, const Aligned &) { return false; }
};
template <typename T>
using AlignedVector = std::vector<T, Aligned<T>>;

inline int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t padded(int64_t n) {
  return ceilDiv(n, panelColumns) * panelColumns;
}

llvm::Error fail(const std::string &message);

//===----------------------------------------------------------------------===//
// Cells (X-ENC) and phases (X-IN)
//===----------------------------------------------------------------------===//

struct Slices {
  explicit Slices(const Arrays &arrays);
  int64_t columns = 0; ///< physical, of a weight
  int64_t least = 0, most = 0;
  int64_t offset = 0; ///< of Encoding::Offset
  /// Level of physical column p for weight w: levels[p][w + 128].
  std::vector<std::array<uint8_t, 256>> levels;
  /// A converter reads `plus`, less `minus` if that is not negative.
  struct Converter {
    int64_t coefficient, plus, minus;
  };
  std::vector<Converter> converters; ///< J
  int64_t cell(size_t j, int8_t w) const {
    const Converter &c = converters[j];
    const int64_t plus = levels[size_t(c.plus)][size_t(w + 128)];
    return c.minus < 0 ? plus : plus - levels[size_t(c.minus)][size_t(w + 128)];
  }
};

/// Bits [first_bit, first_bit + bits) of a code, times weight.
struct Phase {
  int64_t first_bit, bits;
  int32_t weight;
};
std::vector<Phase> phasesOf(const Arrays &arrays);

/// Panels of a matrix of int16, two rows to a group.
template <typename Value>
AlignedVector<int32_t> wordPanels(int64_t rows, int64_t cols, Value value) {
  const int64_t groups = ceilDiv(rows, 2), panels = ceilDiv(cols, panelColumns);
  AlignedVector<int32_t> out(size_t(groups * panels * panelColumns), 0);
  for (int64_t c = 0; c < cols; ++c) {
    int32_t *panel = &out[size_t(c / panelColumns * groups * panelColumns)];
    for (int64_t r = 0; r < rows; ++r) {
      const auto v = int16_t(value(r, c));
      std::memcpy(reinterpret_cast<char *>(panel + r / 2 * panelColumns +
                                           c % panelColumns) +
                      r % 2 * 2,
                  &v, 2);
    }
  }
  return out;
}

//===----------------------------------------------------------------------===//
// Prepared products
//===----------------------------------------------------------------------===//

/// Rows of one group in one strip. Groups of a pack meet the same strip with
/// their own rows.
struct Segment {
  int64_t group = 0, pack = 0, strip = 0;
  int64_t local_group = 0; ///< in its pack
  int64_t first_row = 0;   ///< of the group
  int64_t rows = 0;
};

/// A matrix that is multiplied exactly: rows of codes x outputs.
struct ExactPart {
  int64_t first_row = 0, rows = 0; ///< of G*K
  std::vector<int64_t> outputs;    ///< of G*N, one per column
  bool bytes = false;              ///< panels of int8, otherwise of int16
  int64_t groups = 0, panels = 0;
  AlignedVector<int32_t> matrix;
  std::vector<int32_t> corrections; ///< 128 times column sums: signed inputs
};

/// Columns that are converted: converter j of output i is column
/// j * stride + i.
struct ConvertedPart {
  int64_t first_row = 0, rows = 0; ///< of G*K
  std::vector<int64_t> outputs;    ///< of G*N
  int64_t stride = 0, cols = 0;    ///< padded outputs; J * stride
  bool use_planes = false;
  PlaneShape planes_shape{};
  AlignedVector<uint32_t> planes;
  AlignedVector<uint8_t> levels; ///< instead, for kernels without planes
  int64_t groups = 0;
  AlignedVector<int32_t> cells; ///< panels of int16
  // Converters, one entry per column; what follows from the step (shift, bias,
  // odd, offset, step, unit, fraction, noise) again for each of `sets`: one for
  // all phases, or one for each (Range::Phase).
  int64_t sets = 1;
  bool integers = false; ///< all steps are powers of two, cells are ideal
  AlignedVector<int32_t> shift, bias, odd, low, high;
  AlignedVector<float> gain, offset, step, flow, fhigh;
  bool fractions = false;      ///< some step is no integer
  AlignedVector<int32_t> unit; ///< the step where it is an integer, or 0
  AlignedVector<float> fraction;
  // A device.
  int64_t number = 0;               ///< of the pack's strip, in random numbers
  float scale = 1;                  ///< of a cell, X-GRID
  AlignedVector<int32_t> variances; ///< panels of int16; empty: no noise
  float variance_scale = 1;
  AlignedVector<float> noise; ///< variance of converters, in sums squared
  AlignedVector<float> lines; ///< X-IR: conductances, rows x physical columns
  float line_scale = 1;       ///< from the result of the ladder to sums
  std::vector<float> driver_gain, driver_offset; ///< of rows, for X-IR
};

struct Plan {
  std::vector<ExactPart> exact;
  std::vector<ConvertedPart> converted;
  /// Outputs of which `offset` times the sum of inputs is taken: ranges of
  /// rows and lists of outputs of G*N.
  struct Offset {
    int64_t first_row, rows;
    std::vector<int64_t> outputs;
  };
  std::vector<Offset> offsets;
  bool fractions = false;
};

/// Counters of absolute sums.
struct Histogram {
  std::vector<uint64_t> bins;
  uint64_t total = 0;
};

/// Largest sum of so many rows, whatever the weights.
inline int64_t structuralBound(const Arrays &arrays, int64_t rows) {
  return rows * ((int64_t(1) << arrays.dac_bits) - 1) *
         ((int64_t(1) << arrays.cell_bits) - 1);
}

/// Leaves of a histogram what Criterion::Quantile asks of it: one sum in the
/// bin of the quantile, after which no other bin follows.
void keepQuantile(Histogram &histogram, double quantile);
/// X-CAL: step of a calibrated range. 1 where nothing was counted.
float calibratedStep(const Histogram &histogram, int64_t binShift,
                     const Readout &readout, int64_t high);
/// Range::Filled: step of a strip of so many rows.
float filledStep(const Arrays &arrays, const Readout &readout, int64_t rows,
                 int64_t high);

/// Parts of a programmed device that runs need.
struct Programmed {
  Plan plan;
  RandomKey key;
  bool all_rows_active = false; ///< X-IR: idle rows conduct too
  float leak = 0;               ///< X-IR: of the reference column, per digit
};

/// How cells are stored: int16, bit planes, or levels of a byte.
enum class Cells { Words, Planes, Levels };

struct Product::Impl {
  Shape shape;
  Arrays arrays;
  Readout readout;
  Slices slices;
  std::vector<Phase> phases;
  std::vector<int8_t> weights; ///< G x K x N

  int64_t packs = 0, strips = 0, tiles = 0;
  std::vector<Segment> segments; ///< by group, then by strip
  bool is_signed = false;        ///< converters
  // Converters of pack p and strip s: entries from (p * strips + s) * cols on,
  // local output o and converter j at j * stride + o.
  int64_t stride = 0, cols = 0;
  std::vector<int32_t> bounds; ///< X-PROOF
  std::vector<float> steps;    ///< Range::Phase: the largest of all phases
  /// Range::Phase: of pack p, strip s, converter j, phase f at
  /// ((p * strips + s) * J + j) * phases + f. Otherwise empty.
  std::vector<float> phase_steps;
  int64_t low = 0, high = 0; ///< codes

  // Calibration.
  Range counted = Range::Lossless; ///< a calibrated one once there is one
  int64_t bin_shift = 0;
  std::vector<Histogram> histograms;

  std::unique_ptr<Programmed> programmed;

  // Plans of ideal cells by (use_proofs, bytes); made when first needed.
  mutable std::mutex mutex;
  mutable std::map<std::pair<bool, bool>, std::shared_ptr<const Plan>> plans;

  Impl(const Shape &shape, const Arrays &arrays);

  int64_t rowsOfPack() const { return shape.groups_per_pack * shape.k; }
  int64_t numConverters() const { return int64_t(slices.converters.size()); }
  /// Groups of a pack; the last one may have fewer.
  int64_t groupsOf(int64_t pack) const {
    const int64_t left = shape.groups - pack * shape.groups_per_pack;
    return left < shape.groups_per_pack ? left : shape.groups_per_pack;
  }
  int8_t weight(int64_t g, int64_t r, int64_t n) const {
    return weights[size_t((g * shape.k + r) * shape.n + n)];
  }
  size_t entry(int64_t pack, int64_t strip, int64_t j, int64_t output) const {
    return size_t((pack * strips + strip) * cols + j * stride + output);
  }
  size_t entryOf(int64_t g, int64_t n, int64_t j, int64_t strip) const {
    return entry(g / shape.groups_per_pack, strip, j,
                 g % shape.groups_per_pack * shape.n + n);
  }
  /// Column tile of a converter.
  int64_t tileOf(int64_t output, int64_t j) const {
    return (output * slices.columns + slices.converters[size_t(j)].plus) /
           arrays.cols;
  }
  /// Step of an entry in a phase.
  float stepAt(size_t entry, size_t phase) const {
    if (phase_steps.empty())
      return steps[entry];
    const size_t slice = entry / size_t(cols) * slices.converters.size() +
                         entry % size_t(cols) / size_t(stride);
    return phase_steps[slice * phases.size() + phase];
  }
  bool isProved(size_t entry) const {
    return steps[entry] == 1.0f && bounds[entry] <= high;
  }
  /// Rows of a strip that its pack fills; 0 where the last pack has no such
  /// strip.
  int64_t filledRows(int64_t pack, int64_t strip) const {
    const int64_t left = groupsOf(pack) * shape.k - strip * arrays.rows;
    return std::max<int64_t>(0, std::min(arrays.rows, left));
  }

  void computeBounds();
  /// Histogram that a converter belongs to.
  size_t histogramOf(Range range, int64_t pack, int64_t strip, int64_t j,
                     int64_t output, size_t phase) const;
  /// Refuses a calibrated range whose sums were not counted.
  llvm::Error checkCounted(Range range) const;

  std::shared_ptr<const Plan> idealPlan(bool useProofs, bool bytes) const;
  /// Fills the converters of `part` from the entries of its columns.
  void fillConverters(ConvertedPart &part,
                      const std::vector<size_t> &entries) const;
  void fillCells(ConvertedPart &part,
                 const std::function<int64_t(int64_t r, int64_t c)> &cell,
                 Cells layout) const;

  llvm::Error checkCodes(const uint8_t *codes, int64_t m) const;
  /// What one thread works with.
  struct Scratch {
    AlignedVector<int32_t> inputs, sums, variances, acc, products;
    AlignedVector<uint32_t> bits;
    AlignedVector<float> normals, values, volts;
    std::vector<int32_t> active, starts;
    std::vector<double> fractions; ///< windows of a block x G*N
    std::vector<int64_t> totals;
  };
  /// Sums of all converters in all phases: windows x phases x cols. `codes` at
  /// the first row of the part, windows `width` apart.
  void idealSums(const ConvertedPart &part, const Kernels &kernels,
                 const uint8_t *codes, int64_t windows, int64_t width,
                 Scratch &scratch, int32_t *sums) const;
  ConvertedPart deviceStrip(const Device &device, const CellDraw &draw,
                            const std::vector<CellModel> &levels,
                            const RandomKey &key, int64_t pack,
                            int64_t strip) const;
  void runExact(const ExactPart &part, const Kernels &kernels,
                const uint8_t *codes, int64_t windows, int32_t *y,
                Scratch &scratch) const;
  int64_t runConverted(const ConvertedPart &part, const Kernels &kernels,
                       const uint8_t *codes, int64_t windows,
                       int64_t firstWindow, int32_t *y, Scratch &scratch) const;
  /// Converts the sums of a window (of the block) in a phase, with the
  /// converters of a set, and adds the codes to scratch.acc, times the phase's
  /// weight. `number` is the window's, in random numbers.
  int64_t convertPhase(const ConvertedPart &part, const Kernels &kernels,
                       const uint8_t *codes, int64_t window, int64_t phase,
                       int64_t set, int64_t number, Scratch &scratch) const;
  /// X-SUM: scratch.acc over converters, to scratch.products and `fractions`
  /// (null: no step has one).
  void recombine(const ConvertedPart &part, int64_t set, Scratch &scratch,
                 double *fractions) const;
  /// X-NOISE: normals of a window and phase, one per column.
  void readNoise(const ConvertedPart &part, const Kernels &kernels,
                 int64_t window, int64_t phase, float *normals) const;
  /// X-IR: sums at the ends of bit lines.
  const float *bitLines(const ConvertedPart &part, const Kernels &kernels,
                        const uint8_t *codes, const Phase &phase,
                        Scratch &scratch) const;
};

} // namespace imc::crossbar

#endif // IMC_LIB_CROSSBAR_IMPL_H
