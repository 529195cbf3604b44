//===- MemorySheet.cpp - DRAM by the currents of its data sheet
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

namespace {
enum {
  Channels,
  Devices,
  Pins,
  Rate,
  Vdd,
  Idd0,
  Idd2n,
  Idd3n,
  Idd4r,
  Idd4w,
  Idd5,
  Ras,
  Rp,
  Rfc,
  Refi,
  Page,
  Termination
};
} // namespace

// E-DRAM: Micron's power calculation (TN-40-07) with the currents of a data
// sheet. Data stream: a row that is opened is read to its end, other banks hide
// the opening. Rows stay open while nothing moves.
static MemoryPrice price(const Operating &, const double *own) {
  const Voltage vdd = V(own[Vdd]);
  auto power = [&](double milliamperes) { return vdd * mA(milliamperes); };
  const double devices = own[Channels] * own[Devices];
  const double refreshing = own[Rfc] / own[Refi];
  // One device: its row and its bursts beside what open rows take.
  const Frequency bitRate = own[Pins] * own[Rate] * 1e6 / s;
  const Energy row = power(own[Idd0]) * ns(own[Ras] + own[Rp]) -
                     power(own[Idd3n]) * ns(own[Ras]) -
                     power(own[Idd2n]) * ns(own[Rp]);
  const Power burst = power((own[Idd4r] + own[Idd4w]) / 2) - power(own[Idd3n]);
  MemoryPrice p;
  p.bit = row / own[Page] + burst / bitRate;
  // A terminated pin draws current while it is low, half of the time.
  if (own[Termination] > 0)
    p.bit += 0.5 * (vdd * vdd / ohm(own[Termination])) / (own[Rate] * 1e6 / s);
  p.bit_time = 1 / (devices * (1 - refreshing) * bitRate);
  p.standby = devices *
              (power(own[Idd3n]) + refreshing * power(own[Idd5] - own[Idd3n]));
  return p;
}

static std::string contradiction(const Machine &, const double *own) {
  if (own[Rfc] >= own[Refi])
    return "'memory.sheet_trfc_ns' must be below 'memory.sheet_trefi_ns': the "
           "devices would do nothing but refresh";
  const char *names[] = {"idd4r", "idd4w", "idd5"};
  const int fields[] = {Idd4r, Idd4w, Idd5};
  for (int i = 0; i != 3; ++i)
    if (own[fields[i]] <= own[Idd3n])
      return std::string("'memory.sheet_") + names[i] +
             "_ma' must be above 'memory.sheet_idd3n_ma', the current of open "
             "rows at rest";
  if (own[Idd0] * (own[Ras] + own[Rp]) <
      own[Idd3n] * own[Ras] + own[Idd2n] * own[Rp])
    return "'memory.sheet_idd0_ma' is less than opening and closing rows takes "
           "by 'memory.sheet_idd3n_ma' and 'memory.sheet_idd2n_ma'";
  return {};
}

const Kind &kinds::MemorySheet() {
  static const Kind kind = [] {
    Kind k;
    k.slot = Slot::Memory;
    k.name = "dram_sheet";
    k.doc = "DRAM by the currents and times of its data sheet";
    auto current = [](const char *name, const char *doc) {
      return Parameter{name, "mA", 0, 1e5, true, 0, doc};
    };
    k.own = {
        {"sheet_channels", "", 1, 1024, true, 0, "Channels side by side."},
        {"sheet_devices", "", 1, 1024, true, 0,
         "Devices of a channel, working in step."},
        {"sheet_pins", "", 1, 4096, true, 0, "Data pins of a device."},
        {"sheet_rate_mt_s", "MT/s", 1, 1e5, true, 0,
         "Transfers per pin and second."},
        {"sheet_vdd_v", "V", 0.2, 5, true, 0, "Supply of the devices."},
        current("sheet_idd0_ma", "Current of rows opened one after the other."),
        current("sheet_idd2n_ma", "Current with all rows closed."),
        current("sheet_idd3n_ma", "Current with rows open."),
        current("sheet_idd4r_ma", "Current of bursts of reads."),
        current("sheet_idd4w_ma", "Current of bursts of writes."),
        current("sheet_idd5_ma", "Current of refreshes."),
        {"sheet_tras_ns", "ns", 0, 1e4, true, 0, "Least time of a row open."},
        {"sheet_trp_ns", "ns", 0, 1e4, true, 0, "Time to close a row."},
        {"sheet_trfc_ns", "ns", 0, 1e5, true, 0, "Time of a refresh."},
        {"sheet_trefi_ns", "ns", 1, 1e9, true, 0, "From refresh to refresh."},
        {"sheet_page_bits", "bit", 1, 1e9, true, 0, "Bits of a row."},
        {"sheet_termination_ohm", "Ohm", 0, 1e6, false, 0,
         "Driver and termination of a pin in series; 0: not terminated."}};
    k.memory = &price;
    k.contradiction = &contradiction;
    return k;
  }();
  return kind;
}
