//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One cell of a device from its random numbers, and where those come from.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_CROSSBAR_CELLDRAW_H
#define IMC_LIB_CROSSBAR_CELLDRAW_H

#include "imc/Crossbar/Device.h"

#include "Kernels.h"

namespace imc::crossbar {

/// What random numbers are for: bits 24 and up of counter word 2. Below them:
/// the number of the strip (20 bits) and the phase (4 bits).
enum class Purpose : uint32_t {
  Program = 1,
  Fault,
  Drift,
  Relax,
  Read,
  Converter,
  Driver
};

/// Key and last counter word of a draw.
struct RandomKey {
  uint32_t key0, key1, tag;
  RandomKey() = default;
  explicit RandomKey(const Draw &draw)
      : key0(uint32_t(draw.seed)), key1(uint32_t(draw.seed >> 32)),
        tag(uint32_t(draw.layer) | uint32_t(draw.trial) << 12) {}
  void normals(const Kernels &kernels, uint32_t c1, uint32_t number,
               Purpose purpose, int64_t count, float *out) const {
    kernels.normals(key0, key1, c1, number | uint32_t(purpose) << 24, tag,
                    count, out);
  }
  void uniforms(const Kernels &kernels, uint32_t c1, uint32_t number,
                Purpose purpose, int64_t count, uint32_t *out) const {
    kernels.uniforms(key0, key1, c1, number | uint32_t(purpose) << 24, tag,
                     count, out);
  }
};

/// A device at a time.
struct CellDraw {
  CellDraw(const Device &device, double timeS);
  struct Cell {
    float conductance_us, read_sigma_us;
  };
  Cell operator()(const CellModel &model, float z, float zDrift, float zRelax,
                  uint32_t fault) const;

private:
  const Device &device;
  float off, on, floor, logTime = 0, flicker = 0;
  bool lognormal;
  uint64_t offBelow, onBelow;
};

/// A field of a device that contradicts its limits or another field.
struct FieldProblem {
  std::string field, message;
};
std::optional<FieldProblem> findProblem(const Device &device);

llvm::Error checkDraw(const Device &device, const Draw &draw);

} // namespace imc::crossbar

#endif // IMC_LIB_CROSSBAR_CELLDRAW_H
