//===- Trace.h - Spans in Chrome's trace format -----------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes the JSON array format that Perfetto and chrome://tracing read, span
// by span: nothing is kept. Times are picoseconds, printed in microseconds.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_SIMULATE_TRACE_H
#define IMC_LIB_SIMULATE_TRACE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdint>
#include <string>

namespace imc::simulate {

class Trace {
public:
  /// `model` and the range of steps stand in the file's metadata.
  Trace(llvm::raw_ostream &os, llvm::StringRef model, int64_t begin,
        int64_t end);
  ~Trace();
  void process(int64_t pid, const std::string &name);
  void thread(int64_t pid, int64_t tid, llvm::StringRef name);
  /// One engine (thread) at work from `start` to `end` seconds.
  void span(int64_t pid, int64_t tid, double start, double end,
            llvm::StringRef name);
  /// Something that takes no time.
  void instant(int64_t pid, double at, const std::string &name);
  int64_t events() const { return count; }
  /// Whether spans of the running step are wanted.
  bool on = false;

private:
  void begin();
  void text(llvm::StringRef name);
  void time(int64_t picoseconds);
  llvm::raw_ostream &os;
  int64_t count = 0;
  bool first = true;
};

} // namespace imc::simulate

#endif // IMC_LIB_SIMULATE_TRACE_H
