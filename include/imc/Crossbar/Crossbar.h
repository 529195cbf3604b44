//===- Crossbar.h - Products on arrays, on values ---------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What arrays of memory cells compute of a matrix product: weights become cells
// of few bits (X-ENC), inputs arrive in phases of few bits (X-IN), a converter
// reads every column of every strip of rows in every phase (X-READ), and the
// codes are added up digitally (X-SUM). docs/crossbar.md specifies each step
// under the label named here; nothing in it depends on how it is computed.
//
// How it is computed:
//  - Converters that provably lose nothing (X-PROOF: the largest sum that the
//    known weights allow fits) leave the product of integers itself, a GEMM of
//    bytes.
//  - Other converters of ideal cells read sums made of bit planes and
//  population
//    counts, or, for many bits at once, of a GEMM of 16-bit integers.
//  - Cells of a device (Device.h) are fixed-point numbers (X-GRID), so that
//    sums are exact and independent of their order.
// Results are the same for any number of threads, any partition of the windows
// into runs, and any instruction set.
//
// Shapes: M windows, K rows, N columns, G groups; inputs M x G*K, results
// M x G*N, row-major. J converters per weight.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_CROSSBAR_CROSSBAR_H
#define IMC_CROSSBAR_CROSSBAR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace imc::crossbar {

struct Device;

/// How a signed weight becomes unsigned cells (X-ENC).
enum class Encoding { Offset, Differential, TwosComplement };

/// A product on arrays.
struct Shape {
  int64_t groups = 1;          ///< G
  int64_t k = 0;               ///< K, rows of a group
  int64_t n = 0;               ///< N, columns of a group
  int64_t groups_per_pack = 1; ///< groups that share arrays block-diagonally
};

/// Cells and inputs.
struct Arrays {
  Encoding encoding = Encoding::Offset;
  /// Differential: the two columns of a pair are subtracted before the
  /// converter, whose codes are signed. Otherwise each has its own.
  bool one_converter_per_pair = false;
  int64_t weight_bits = 8;    ///< 2..8, signed
  int64_t cell_bits = 2;      ///< 1..8
  int64_t input_bits = 8;     ///< 1..8
  bool signed_inputs = false; ///< codes are two's complement, in int8
  int64_t dac_bits = 1;       ///< 1..8, of a phase
  int64_t rows = 128;         ///< R, driven at once
  int64_t cols = 128;         ///< C, of an array
};

/// Converters per weight (J), and physical columns per weight.
int64_t convertersPerWeight(const Arrays &arrays);
int64_t columnsPerWeight(const Arrays &arrays);

/// Bits of a converter that reads every sum of `arrays` exactly, whatever the
/// weights: L = ceil(log2(R (2^d - 1)(2^b - 1) + 1)), one more if it is signed.
int64_t losslessBits(const Arrays &arrays);

/// What sums a converter covers (X-RANGE).
enum class Range {
  Lossless, ///< every sum that the weights allow; otherwise an error
  Full,     ///< every sum that any weights allow
  Filled,   ///< the same of the rows alone that weights fill, by strip
  Bits,     ///< sums of `range_bits` bits
  Given,    ///< sums up to `full_scale`
  Layer,    ///< what calibration saw, one range for the product,
  Array,    ///< one for each array,
  Column,   ///< one for each converter,
  Phase     ///< one for each slice of a sign in a strip and each input phase
};
const char *rangeName(Range range);
/// Whether the range follows from sums that `Product::calibrate` counts.
bool isCalibrated(Range range);
/// Where a value half between two codes goes (X-TIE).
enum class Ties { HalfUp, HalfEven, Floor };
/// Steps between codes: powers of two, or any (X-STEP).
enum class Step { PowerOfTwo, Free };
/// What calibration makes least (X-CAL): the range, to hold a quantile of the
/// sums, or the mean squared error.
enum class Criterion { Quantile, SquaredError };

/// The converters.
struct Readout {
  /// Resolution, 1..30 (signed converters 2..30). 0, only where the range is
  /// Lossless: losslessBits().
  int64_t adc_bits = 8;
  Range range = Range::Full;
  int64_t range_bits = 0; ///< Range::Bits: 1..losslessBits()
  double full_scale = 0;  ///< Range::Given: above 0, below 2^31
  Ties ties = Ties::HalfUp;
  Step step = Step::PowerOfTwo;
  Criterion criterion = Criterion::Quantile;
  double quantile = 1; ///< (0, 1], of the absolute values of sums
};

/// Instruction sets that kernels are written for.
enum class Isa { Best, Portable, AVX2, AVX512 };
/// Whether this machine has them. Best and Portable always.
bool isSupported(Isa isa);
const char *isaName(Isa isa);
/// What Best means here.
Isa bestIsa();

/// How a run is computed. Nothing in here changes results, except for the
/// number of the first window where there is read noise.
struct Options {
  int64_t threads = 1;
  /// Number of the first window of this run since `program`: windows of one
  /// number have the same read noise in all runs.
  int64_t first_window = 0;
  Isa isa = Isa::Best;
  bool use_proofs = true; ///< false: convert every sum (tests, measurements)
};

/// Which draw of a device's random numbers.
struct Draw {
  uint64_t seed = 0;
  int64_t layer = 0; ///< 0..4095; products of a model have different ones
  int64_t trial = 0; ///< 0..2^20 - 1
  /// Since programming, for drift and read noise. Devices that need it refuse
  /// 0.
  double time_s = 0;
};

/// What can be proved of the converters from the weights (X-PROOF).
struct Proof {
  int64_t columns = 0; ///< converters that read cells of weights
  int64_t proved_columns = 0;
  int64_t arrays = 0;
  int64_t proved_arrays = 0; ///< all of whose converters are proved
  bool lossless() const { return columns == proved_columns; }
};

/// What calibration or a run counted of the converters.
struct Statistics {
  int64_t conversions = 0;
  int64_t saturated = 0; ///< sums beyond the last code
};

class Product {
public:
  /// Cuts `weights` (G x K x N) into arrays. Refused: sizes that differ, bits
  /// out of range, weights that the encoding does not hold.
  static llvm::Expected<Product> create(const Shape &shape,
                                        const Arrays &arrays,
                                        llvm::ArrayRef<int8_t> weights);
  Product(Product &&);
  Product &operator=(Product &&);
  ~Product();

  const Shape &shape() const;
  const Arrays &arrays() const;
  const Readout &readout() const;

  /// Sets the converters, and erases a device. Refused: Range::Lossless where
  /// the weights allow sums beyond adc_bits, with strip, column and bits;
  /// ranges from calibration before `calibrate`.
  llvm::Error setReadout(const Readout &readout);

  /// Counts the sums of M windows on ideal cells, for each `range` (Layer,
  /// Array, Column or Phase), in addition to earlier calls for the same one.
  /// Calibrated ranges come from what was counted before `setReadout`. Memory:
  /// at most 512 counters of 8 bytes for each layer, array, converter, or slice
  /// and phase.
  llvm::Error calibrate(const uint8_t *codes, int64_t m, Range range,
                        const Options &options = {});

  /// Replaces ideal cells and converters by one draw of a device. Refused: what
  /// check(device) refuses, levels and times outside of the device's fits.
  llvm::Error program(const Device &device, const Draw &draw,
                      int64_t threads = 1);
  /// Back to ideal cells.
  void erase();

  /// M windows: codes M x G*K, results M x G*N. Refused: codes beyond
  /// input_bits.
  llvm::Error run(const uint8_t *codes, int64_t m, int32_t *y,
                  const Options &options = {},
                  Statistics *statistics = nullptr) const;

  //===--------------------------------------------------------------------===//
  // Proofs, of ideal cells
  //===--------------------------------------------------------------------===//

  int64_t packs() const;
  int64_t strips() const;      ///< of a pack
  int64_t columnTiles() const; ///< of a pack
  int64_t numArrays() const { return packs() * strips() * columnTiles(); }

  Proof proof() const;
  /// Largest absolute sum in converter j of output n of group g in a strip of
  /// its pack: max(P, N) (2^d - 1), P and N the sums of positive and negative
  /// cells.
  int64_t columnBound(int64_t g, int64_t n, int64_t j, int64_t strip) const;
  bool isColumnProved(int64_t g, int64_t n, int64_t j, int64_t strip) const;
  bool isArrayProved(int64_t pack, int64_t strip, int64_t tile) const;
  /// No result of output n of group g is further from the exact one than this
  /// (X-BOUND); 0 where all its converters are proved.
  double errorBound(int64_t g, int64_t n) const;
  /// Distance between codes of a converter, in sums; the same in all phases but
  /// with Range::Phase.
  double step(int64_t g, int64_t n, int64_t j, int64_t strip,
              int64_t phase = 0) const;

  struct Impl; ///< lib/Crossbar/Impl.h
private:
  friend class SumStatistics;
  explicit Product(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace imc::crossbar

#endif // IMC_CROSSBAR_CROSSBAR_H
