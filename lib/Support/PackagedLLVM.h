//===- PackagedLLVM.h - Match the layout of the packaged libraries --------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Comes before any other header of LLVM or MLIR. Debian's libraries are built
// with NDEBUG; ours keep assertions on. Only one class changes its layout
// with that macro, llvm::Statistic, the base of every pass statistic: its
// constructor in libMLIR would leave our larger object uninitialised
// (found by the undefined-behaviour sanitizer). So that one header is read as
// the packages were built; pass statistics are then counted by nobody, which
// is what Debian's mlir-opt does, too.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_SUPPORT_PACKAGEDLLVM_H
#define IMC_SUPPORT_PACKAGEDLLVM_H

#ifdef NDEBUG
#include "llvm/ADT/Statistic.h"
#else
#define NDEBUG
#include "llvm/ADT/Statistic.h"
#undef NDEBUG
#endif
// <cassert> may be read again, and must: the state of NDEBUG has changed.
#include <cassert>

#endif // IMC_SUPPORT_PACKAGEDLLVM_H
