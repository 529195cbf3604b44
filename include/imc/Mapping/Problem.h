//===- Problem.h - Mapping problems as data ---------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each mapping problem (Unfolding.h, Replication.h, Segments.h, Residents.h,
// Packing.h, Assignment.h) is a namespace with the same names:
//
//   Problem, Solution            plain structs; Problem::kind is its name,
//                                Problem::algorithms() those of its solvers
//   check(problem)               is the input valid?
//   verify(problem, solution)    is the solution, whoever made it? Shares no
//                                code with the algorithms
//   objective(problem, solution) to be minimised; an integer, so that optima
//                                can be compared exactly
//   solve(problem, algorithm)    the error says what the algorithm cannot do
//   Problem::parse, Solution::parse, toJSON   the text form, docs/mapping.md
//
// objective() and solve() need check() to pass.
//
// This header reads the text forms and lets a caller that knows the problem
// only by name (`imc solve`) do all of the above.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_MAPPING_PROBLEM_H
#define IMC_MAPPING_PROBLEM_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace imc::mapping {

/// Largest number that a problem may hold or add up to: doubles are exact.
inline constexpr int64_t largestNumber = int64_t(1) << 53;

/// An error with this text.
llvm::Error invalid(const llvm::Twine &message);

/// "layers[2] 'conv1'": an entry of a list, for messages; the name may be
/// empty.
std::string label(llvm::StringRef list, int64_t index, llvm::StringRef name);

/// Members of a JSON object, read by name. The first thing that is wrong is
/// kept, with the path of its field ("layers[2].windows"), and what is read
/// afterwards is of no use; finish() returns it.
class Fields {
public:
  /// `where` is the path of the object, empty at the top.
  Fields(const llvm::json::Value &value, std::string where = "");

  /// Integers; without a member the fallback, or an error without one.
  int64_t integer(llvm::StringRef name,
                  std::optional<int64_t> fallback = std::nullopt);
  std::vector<int64_t> integers(llvm::StringRef name);
  /// A list of lists of `length` integers each.
  std::vector<std::vector<int64_t>> tuples(llvm::StringRef name, size_t length);
  std::string string(llvm::StringRef name,
                     std::optional<std::string> fallback = std::nullopt);
  /// Index into `names`.
  size_t choice(llvm::StringRef name, llvm::ArrayRef<llvm::StringRef> names);
  bool has(llvm::StringRef name) const;
  /// Calls `read` for each object of a list.
  void objects(llvm::StringRef name, llvm::function_ref<void(Fields &)> read);

  /// Keeps an error of the caller about a member.
  void fail(llvm::StringRef name, const llvm::Twine &what);
  bool ok() const { return error.empty(); }
  /// The first error; refuses members that nobody asked for.
  llvm::Error finish();

private:
  const llvm::json::Value *find(llvm::StringRef name, bool required);
  std::string path(llvm::StringRef name) const;

  const llvm::json::Object *object = nullptr;
  std::string where, error;
  std::vector<std::string> asked;
};

/// What `read` takes out of an object whose member `key`, "problem" or
/// "solution", is `kind`.
template <typename T>
llvm::Expected<T> parseFields(const llvm::json::Value &value,
                              llvm::StringRef key, llvm::StringRef kind,
                              llvm::function_ref<void(Fields &, T &)> read) {
  Fields fields(value);
  T result;
  fields.choice(key, {kind});
  read(fields, result);
  if (llvm::Error wrong = fields.finish())
    return std::move(wrong);
  return result;
}

/// The index of `name` in `names`; the error lists them. `what` says what it
/// is a name of, "algorithm".
llvm::Expected<size_t> indexOf(llvm::StringRef name,
                               llvm::ArrayRef<llvm::StringRef> names,
                               llvm::StringRef what);

/// A solution that verify() has accepted.
struct Answer {
  std::string algorithm;
  int64_t objective;
  llvm::json::Value solution;
};

/// A problem of any kind.
class AnyProblem {
public:
  virtual ~AnyProblem();
  virtual llvm::StringRef kind() const = 0;
  /// What the objective counts, for people.
  virtual std::string unit() const = 0;
  virtual llvm::ArrayRef<llvm::StringRef> algorithms() const = 0;
  virtual llvm::json::Value toJSON() const = 0;
  virtual llvm::Error check() const = 0;
  /// Checks, solves and verifies.
  virtual llvm::Expected<Answer> solve(llvm::StringRef algorithm) const = 0;
  /// Checks the problem and verifies a solution made elsewhere.
  virtual llvm::Expected<Answer>
  verify(const llvm::json::Value &solution) const = 0;
};

/// The names that member "problem" may have.
llvm::ArrayRef<llvm::StringRef> problemKinds();

/// Reads a problem; member "problem" says which. Not checked yet.
llvm::Expected<std::unique_ptr<AnyProblem>>
parseAnyProblem(const llvm::json::Value &value);

} // namespace imc::mapping

#endif // IMC_MAPPING_PROBLEM_H
