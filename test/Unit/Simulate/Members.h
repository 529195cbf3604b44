//===- Members.h - Counts to compare ----------------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_SIMULATE_MEMBERS_H
#define IMC_TEST_UNIT_SIMULATE_MEMBERS_H

#include "imc/Cost/Cost.h"

namespace imc::test {

struct Member {
  const char *name;
  double cost::Counts::*value;
};

/// All that energy depends on.
inline constexpr Member members[] = {
    {"row_drives", &cost::Counts::row_drives},
    {"cell_reads", &cost::Counts::cell_reads},
    {"idle_reads", &cost::Counts::idle_reads},
    {"conversions", &cost::Counts::conversions},
    {"strip_adds", &cost::Counts::strip_adds},
    {"tile_reads", &cost::Counts::tile_reads},
    {"tile_writes", &cost::Counts::tile_writes},
    {"global_reads", &cost::Counts::global_reads},
    {"global_writes", &cost::Counts::global_writes},
    {"noc_bits", &cost::Counts::noc_bits},
    {"spill_bits", &cost::Counts::spill_bits},
    {"reload_bits", &cost::Counts::reload_bits},
    {"cell_writes", &cost::Counts::cell_writes},
    {"operations", &cost::Counts::operations},
    {"macs", &cost::Counts::macs},
};

} // namespace imc::test

#endif // IMC_TEST_UNIT_SIMULATE_MEMBERS_H
