//===- Problem.cpp - Mapping problems as data -----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Mapping/Problem.h"

#include "imc/Mapping/Assignment.h"
#include "imc/Mapping/Packing.h"
#include "imc/Mapping/Replication.h"
#include "imc/Mapping/Residents.h"
#include "imc/Mapping/Segments.h"
#include "imc/Mapping/Unfolding.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace imc::mapping;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
namespace json = llvm::json;

Error imc::mapping::invalid(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

std::string imc::mapping::label(StringRef list, int64_t index, StringRef name) {
  std::string text = (list + "[" + llvm::Twine(index) + "]").str();
  return name.empty() ? text : text + " '" + name.str() + "'";
}

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

Fields::Fields(const json::Value &value, std::string where)
    : object(value.getAsObject()), where(std::move(where)) {
  if (!object)
    error = (this->where.empty() ? "the text" : "'" + this->where + "'") +
            " is no JSON object";
}

std::string Fields::path(StringRef name) const {
  return where.empty() ? name.str() : where + "." + name.str();
}

void Fields::fail(StringRef name, const llvm::Twine &what) {
  if (error.empty())
    error = ("'" + path(name) + "' " + what).str();
}

bool Fields::has(StringRef name) const { return object && object->get(name); }

const json::Value *Fields::find(StringRef name, bool required) {
  asked.push_back(name.str());
  if (!object)
    return nullptr;
  const json::Value *value = object->get(name);
  if (!value && required)
    fail(name, "is missing");
  return value;
}

int64_t Fields::integer(StringRef name, std::optional<int64_t> fallback) {
  const json::Value *value = find(name, !fallback);
  if (!value)
    return fallback.value_or(0);
  std::optional<int64_t> number = value->getAsInteger();
  if (!number)
    fail(name, "must be an integer");
  return number.value_or(0);
}

std::vector<int64_t> Fields::integers(StringRef name) {
  std::vector<int64_t> numbers;
  const json::Value *value = find(name, true);
  if (!value)
    return numbers;
  const json::Array *array = value->getAsArray();
  if (!array) {
    fail(name, "must be a list of integers");
    return numbers;
  }
  numbers.reserve(array->size());
  for (const auto &[i, entry] : llvm::enumerate(*array)) {
    std::optional<int64_t> number = entry.getAsInteger();
    if (!number)
      fail((name + "[" + llvm::Twine(i) + "]").str(), "must be an integer");
    numbers.push_back(number.value_or(0));
  }
  return numbers;
}

std::vector<std::vector<int64_t>> Fields::tuples(StringRef name,
                                                 size_t length) {
  std::vector<std::vector<int64_t>> lists;
  const json::Value *value = find(name, true);
  if (!value)
    return lists;
  const json::Array *array = value->getAsArray();
  if (!array) {
    fail(name, "must be a list");
    return lists;
  }
  lists.reserve(array->size());
  for (const auto &[i, entry] : llvm::enumerate(*array)) {
    std::vector<int64_t> list;
    if (const json::Array *numbers = entry.getAsArray())
      for (const json::Value &number : *numbers)
        if (std::optional<int64_t> n = number.getAsInteger())
          list.push_back(*n);
    if (!entry.getAsArray() || entry.getAsArray()->size() != length ||
        list.size() != length) {
      fail((name + "[" + llvm::Twine(i) + "]").str(),
           "must be a list of " + llvm::Twine(length) + " integers");
      list.assign(length, 0);
    }
    lists.push_back(std::move(list));
  }
  return lists;
}

std::string Fields::string(StringRef name,
                           std::optional<std::string> fallback) {
  const json::Value *value = find(name, !fallback);
  if (!value)
    return fallback.value_or("");
  std::optional<StringRef> text = value->getAsString();
  if (!text)
    fail(name, "must be a string");
  return text.value_or("").str();
}

size_t Fields::choice(StringRef name, llvm::ArrayRef<StringRef> names) {
  std::string text = string(name);
  const auto *found = llvm::find(names, text);
  if (found != names.end())
    return found - names.begin();
  fail(name, "is '" + llvm::Twine(text) + "', must be one of " +
                 llvm::join(names, ", "));
  return 0;
}

void Fields::objects(StringRef name, llvm::function_ref<void(Fields &)> read) {
  const json::Value *value = find(name, true);
  if (!value)
    return;
  const json::Array *array = value->getAsArray();
  if (!array)
    return fail(name, "must be a list of objects");
  for (const auto &[i, entry] : llvm::enumerate(*array)) {
    Fields fields(entry, path(name) + "[" + std::to_string(i) + "]");
    read(fields);
    if (Error wrong = fields.finish()) {
      std::string text = llvm::toString(std::move(wrong));
      if (error.empty())
        error = text;
    }
  }
}

Error Fields::finish() {
  if (object && error.empty())
    for (const auto &[name, value] : *object)
      if (!llvm::is_contained(asked, name.str()))
        fail(name.str(), "is not known; there are " + llvm::join(asked, ", "));
  if (error.empty())
    return Error::success();
  return invalid(error);
}

Expected<size_t> imc::mapping::indexOf(StringRef name,
                                       llvm::ArrayRef<StringRef> names,
                                       StringRef what) {
  const auto *found = llvm::find(names, name);
  if (found == names.end())
    return invalid("unknown " + what + " '" + name + "'; there are " +
                   llvm::join(names, ", "));
  return found - names.begin();
}

//===----------------------------------------------------------------------===//
// Problems of any kind
//===----------------------------------------------------------------------===//

AnyProblem::~AnyProblem() = default;

namespace {

// Members of Typed would hide the functions that these find by their argument.
template <typename Problem>
Error checked(const Problem &p) {
  return check(p);
}
template <typename Problem>
std::string unitOf(const Problem &p) {
  return objectiveUnit(p);
}
template <typename Problem>
auto solved(const Problem &p, StringRef algorithm) {
  return solve(p, algorithm);
}
template <typename Problem, typename Solution>
Expected<Answer> accept(const Problem &problem, StringRef algorithm,
                        const Solution &solution) {
  if (Error wrong = verify(problem, solution))
    return std::move(wrong);
  return Answer{algorithm.str(), objective(problem, solution),
                toJSON(solution)};
}

template <typename Problem, typename Solution>
class Typed final : public AnyProblem {
public:
  explicit Typed(Problem problem) : problem(std::move(problem)) {}

  StringRef kind() const override { return Problem::kind; }
  std::string unit() const override { return unitOf(problem); }
  llvm::ArrayRef<StringRef> algorithms() const override {
    return Problem::algorithms();
  }
  json::Value toJSON() const override { return problem; }
  Error check() const override { return checked(problem); }

  Expected<Answer> solve(StringRef algorithm) const override {
    if (Error wrong = checked(problem))
      return std::move(wrong);
    Expected<Solution> solution = solved(problem, algorithm);
    if (!solution)
      return solution.takeError();
    return accept(problem, algorithm, *solution);
  }

  Expected<Answer> verify(const json::Value &value) const override {
    if (Error wrong = checked(problem))
      return std::move(wrong);
    Expected<Solution> solution = Solution::parse(value);
    if (!solution)
      return solution.takeError();
    return accept(problem, "given", *solution);
  }

private:
  Problem problem;
};

template <typename Problem, typename Solution>
Expected<std::unique_ptr<AnyProblem>> parseAs(const json::Value &value) {
  Expected<Problem> problem = Problem::parse(value);
  if (!problem)
    return problem.takeError();
  return std::make_unique<Typed<Problem, Solution>>(std::move(*problem));
}

} // namespace

llvm::ArrayRef<StringRef> imc::mapping::problemKinds() {
  static const StringRef kinds[] = {
      replication::Problem::kind, segments::Problem::kind,
      residents::Problem::kind,   packing::Problem::kind,
      assignment::Problem::kind,  unfolding::Problem::kind};
  return kinds;
}

Expected<std::unique_ptr<AnyProblem>>
imc::mapping::parseAnyProblem(const json::Value &value) {
  Fields fields(value);
  const size_t kind = fields.choice("problem", problemKinds());
  if (!fields.ok())
    return fields.finish();
  switch (kind) {
  case 0:
    return parseAs<replication::Problem, replication::Solution>(value);
  case 1:
    return parseAs<segments::Problem, segments::Solution>(value);
  case 2:
    return parseAs<residents::Problem, residents::Solution>(value);
  case 3:
    return parseAs<packing::Problem, packing::Solution>(value);
  case 4:
    return parseAs<assignment::Problem, assignment::Solution>(value);
  default:
    return parseAs<unfolding::Problem, unfolding::Solution>(value);
  }
}
