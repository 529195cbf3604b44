//===- BufferFit.cpp - SRAM buffer by power laws
//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"

using namespace imc;
using namespace imc::machine;
using namespace imc::units;

// E-BUF: factor * KiB^a * bits^b. One logarithm each, then products: pow would
// take both again every time.
static BufferPrice price(const Operating &o, BufferShape shape,
                         const double *) {
  const BufferFit &fit = o.machine.buffer_fit;
  const auto width = static_cast<double>(shape.width_bits);
  const double size = std::log(shape.kib), bits = std::log(width);
  const Energy pJPerBit = pJ / width;
  BufferPrice p;
  p.read_bit =
      fit.read_pj *
      std::exp(fit.read_size_exponent * size + fit.read_width_exponent * bits) *
      pJPerBit;
  p.write_bit = fit.write_pj *
                std::exp(fit.write_size_exponent * size +
                         fit.write_width_exponent * bits) *
                pJPerBit;
  p.area.count = fit.area_mm2 * std::exp(fit.area_size_exponent * size +
                                         fit.area_width_exponent * bits);
  p.leakage = mW(fit.leakage_mw * std::exp(fit.leakage_size_exponent * size));
  p.access.count = fit.access_ns * std::exp(fit.access_size_exponent * size);
  return p;
}

const Kind &kinds::BufferFit() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Buffer;
    k.name = "fit";
    k.usual = true;
    k.doc = "SRAM by the power laws of buffer_fit";
    k.buffer = &price;
    return k;
  }();
  return kind;
}
