//===- BufferEDRAM.cpp - Banks of embedded DRAM
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

// E-EDRAM: banks of one size, each with its area and standby power. Within the
// retention time every bit is read and written back once (A-REFRESH).
static BufferPrice price(const Operating &, BufferShape shape,
                         const double *own) {
  const double bitsPerKib = 8 * 1024;
  const double banks = std::ceil(shape.kib / own[0]);
  BufferPrice p;
  p.read_bit = pJ(own[1]);
  p.write_bit = pJ(own[2]);
  p.area.count = banks * own[3];
  const Power refresh =
      shape.kib * bitsPerKib * (p.read_bit + p.write_bit) / us(own[6]);
  p.leakage = banks * mW(own[4]) + refresh;
  p.access.count = own[5];
  return p;
}

const Kind &kinds::BufferEDRAM() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Buffer;
    k.name = "edram";
    k.doc = "banks of embedded DRAM that are refreshed";
    k.own = {{"edram_bank_kib", "KiB", 0.0625, 65536, true, 0,
              "Capacity of a bank."},
             {"edram_read_pj_per_bit", "pJ", 0, 1e3, true, 0,
              "Energy to read a bit at the nominal supply."},
             {"edram_write_pj_per_bit", "pJ", 0, 1e3, true, 0,
              "Energy to write a bit at the nominal supply."},
             {"edram_bank_mm2", "mm2", 0, 100, true, 0, "Area of a bank."},
             {"edram_bank_leakage_mw", "mW", 0, 1e3, true, 0,
              "Standby power of a bank without refresh."},
             {"edram_access_ns", "ns", 0, 1e3, true, 0,
              "Time of an access at the nominal supply."},
             {"edram_retention_us", "us", 1e-3, 1e9, true, 0,
              "Time in which every bit is refreshed once."}};
    k.buffer = &price;
    return k;
  }();
  return kind;
}
