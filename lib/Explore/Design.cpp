//===- Design.cpp - One point of a search space ---------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/Design.h"

#include "llvm/Support/MemoryBuffer.h"

#include <charconv>
#include <cmath>

using namespace imc::explore;

const double *imc::explore::find(const NamedNumbers &numbers,
                                 llvm::StringRef name) {
  for (const auto &[key, value] : numbers)
    if (key == name)
      return &value;
  return nullptr;
}

const std::string *imc::explore::find(const Design &design,
                                      llvm::StringRef name) {
  for (const auto &[key, value] : design)
    if (key == name)
      return &value;
  return nullptr;
}

std::string imc::explore::shortest(double value) {
  char buffer[32];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value);
  (void)error; // 32 characters hold every double
  return std::string(buffer, end);
}

llvm::json::Value imc::explore::knobValueToJSON(llvm::StringRef text) {
  // Only plain decimal forms: "1e3" and "0x10" stay text, because a reader
  // that prints the number back must get a value that --set accepts.
  int64_t integer;
  if (!text.empty() && (text[0] != '0' || text.size() == 1) &&
      !text.getAsInteger(10, integer))
    return integer;
  double real;
  if (!text.empty() && !text.getAsDouble(real) && std::isfinite(real) &&
      shortest(real) == text)
    return real;
  return text.str();
}

std::string imc::explore::knobValueFromJSON(const llvm::json::Value &value) {
  if (auto text = value.getAsString())
    return text->str();
  if (auto integer = value.getAsInteger())
    return std::to_string(*integer);
  if (auto real = value.getAsNumber())
    return shortest(*real);
  if (auto truth = value.getAsBoolean())
    return *truth ? "true" : "false";
  return "";
}

llvm::json::Object imc::explore::toJSON(const NamedNumbers &numbers) {
  llvm::json::Object object;
  for (const auto &[name, value] : numbers)
    object[name] = value;
  return object;
}

llvm::Error imc::explore::makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

llvm::Expected<std::string> imc::explore::readTextFile(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return makeError("cannot read '" + path +
                     "': " + buffer.getError().message());
  return (*buffer)->getBuffer().str();
}
