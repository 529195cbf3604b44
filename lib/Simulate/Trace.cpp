//===- Trace.cpp - Spans in Chrome's trace format -------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Trace.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"

#include <cmath>
#include <limits>

using namespace imc::simulate;

Trace::Trace(llvm::raw_ostream &os, llvm::StringRef model, int64_t begin,
             int64_t end)
    : os(os) {
  os << "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"model\":";
  text(model);
  os << ",\"steps\":\"[" << begin << ", ";
  if (end == std::numeric_limits<int64_t>::max())
    os << "all";
  else
    os << end;
  os << ")\"},\n\"traceEvents\":[";
}

Trace::~Trace() { os << "\n]}\n"; }

void Trace::begin() {
  os << (first ? "\n" : ",\n");
  first = false;
}

void Trace::text(llvm::StringRef name) {
  // The JSON library quotes; names of nodes may hold anything.
  os << llvm::json::Value(llvm::json::fixUTF8(name));
}

void Trace::time(int64_t picoseconds) {
  os << picoseconds / 1000000 << '.'
     << llvm::format("%06lld", static_cast<long long>(picoseconds % 1000000));
}

void Trace::process(int64_t pid, const std::string &name) {
  begin();
  os << "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":" << pid
     << ",\"args\":{\"name\":";
  text(name);
  os << "}}";
}

void Trace::thread(int64_t pid, int64_t tid, llvm::StringRef name) {
  begin();
  os << "{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":" << pid
     << ",\"tid\":" << tid << ",\"args\":{\"name\":";
  text(name);
  os << "}}";
}

static int64_t picoseconds(double seconds) {
  return static_cast<int64_t>(std::llround(seconds * 1e12));
}

void Trace::span(int64_t pid, int64_t tid, double start, double end,
                 llvm::StringRef name) {
  begin();
  // Rounded ends, not a rounded length: neighbours never overlap.
  const int64_t from = picoseconds(start);
  os << "{\"ph\":\"X\",\"pid\":" << pid << ",\"tid\":" << tid << ",\"ts\":";
  time(from);
  os << ",\"dur\":";
  time(picoseconds(end) - from);
  os << ",\"name\":";
  text(name);
  os << "}";
  ++count;
}

void Trace::instant(int64_t pid, double at, const std::string &name) {
  begin();
  os << "{\"ph\":\"i\",\"s\":\"g\",\"pid\":" << pid << ",\"tid\":0,\"ts\":";
  time(picoseconds(at));
  os << ",\"name\":";
  text(name);
  os << "}";
  ++count;
}
