//===- Parallel.h - Independent pieces of work on threads -------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_CROSSBAR_PARALLEL_H
#define IMC_CROSSBAR_PARALLEL_H

#include <cstdint>
#include <functional>

namespace imc::crossbar {

/// Calls work(i) for 0 <= i < count on up to `threads` threads, this one among
/// them. Which thread does what must not matter.
void parallelFor(int64_t threads, int64_t count,
                 const std::function<void(int64_t)> &work);

} // namespace imc::crossbar

#endif // IMC_CROSSBAR_PARALLEL_H
