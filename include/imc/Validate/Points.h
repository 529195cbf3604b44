//===- Points.h - Published figures of chips --------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A table of published operating points, one per row: what was built (node,
// array, bits, supply), and what its authors report (TOPS/W, TOPS/mm2, area,
// energy). The file is CSV with a header line; columns are found by name, in
// any order, and unknown ones are left alone.
//
// Columns, in the units of their names; an empty field means "not reported",
// and so does 0 where it is no value (counts, resolutions, reported figures):
//
//   id chip set kind device compute cell       text; `id` is unique
//   year node_nm rows cols rows_active dot_len n_adc n_macro
//   adc_bits in_bits w_bits in_bits_per_cycle vdd_V t_ns   what was built
//   basis                                      native | 1b, see E-SURVEY-7
//   tops_w tops_mm2 area_mm2 pJ_per_invocation fJ_per_mac  what is reported
//   target                                     optional: a machine by name
//   tops                                       optional: what is reported
//   toggle                                     optional: mean input as a share
//                                              of full scale; read in rows
//                                              that name a target
//
// All errors carry file:line, the column, the value and what it may be.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_VALIDATE_POINTS_H
#define IMC_VALIDATE_POINTS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace imc::validate {

/// Weights and inputs of three levels are given as 1.5 bits.
struct Point {
  std::string id, chip, set, kind, device, compute, cell, target;
  unsigned line = 0; ///< of the file

  std::optional<double> year, node_nm, rows, cols, rows_active, dot_len, n_adc,
      n_macro, adc_bits, in_bits, w_bits, in_bits_per_cycle, vdd_v, t_ns,
      toggle;

  /// Reported figures count products of 1-bit numbers: times in_bits * w_bits.
  bool one_bit_basis = false;
  std::optional<double> tops, tops_w, tops_mm2, area_mm2, pj_per_invocation,
      fj_per_mac;
};

/// Rows of a CSV text (RFC 4180: quotes, doubled quotes, line breaks inside
/// quotes). `file` is used in messages.
llvm::Expected<std::vector<Point>> parsePoints(llvm::StringRef text,
                                               llvm::StringRef file);

/// Reads a CSV file.
llvm::Expected<std::vector<Point>> readPoints(llvm::StringRef file);

} // namespace imc::validate

#endif // IMC_VALIDATE_POINTS_H
