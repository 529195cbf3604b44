//===- Expected.h - A value or an error that says the way out ---*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The search library is standard C++ alone, so it brings the little it needs of
// error handling. Nothing here throws; a caller tests before it dereferences.
// Messages name what was wrong, the value, and what to do about it.
//
//===----------------------------------------------------------------------===//
#ifndef IMC_SEARCH_EXPECTED_H
#define IMC_SEARCH_EXPECTED_H

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace imc::search {

/// Why something could not be done, as one sentence for the user.
struct Error {
  std::string message;
};

/// Success, or an Error. Converts to true on success.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Error error) : failure(std::move(error)) {}

  explicit operator bool() const { return !failure; }
  /// Only after a failed test.
  const Error &error() const {
    assert(failure && "asked a success for its error");
    return *failure;
  }
  const std::string &message() const { return error().message; }

private:
  std::optional<Error> failure;
};

/// A T, or an Error. Converts to true when it holds the T.
template <typename T>
class [[nodiscard]] Expected {
public:
  Expected(T value) : state(std::in_place_index<0>, std::move(value)) {}
  Expected(Error error) : state(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state.index() == 0; }

  /// Only after a successful test.
  T &operator*() { return *checked(); }
  const T &operator*() const { return *checked(); }
  T *operator->() { return checked(); }
  const T *operator->() const { return checked(); }

  /// Only after a failed test.
  const Error &error() const {
    assert(state.index() == 1 && "asked a value for its error");
    return *std::get_if<1>(&state);
  }
  const std::string &message() const { return error().message; }

private:
  T *checked() {
    assert(*this && "dereferenced an error");
    return std::get_if<0>(&state);
  }
  const T *checked() const {
    assert(*this && "dereferenced an error");
    return std::get_if<0>(&state);
  }
  std::variant<T, Error> state;
};

} // namespace imc::search

#endif // IMC_SEARCH_EXPECTED_H
