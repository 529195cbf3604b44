//===- Server.h - One conversation of imc serve ---------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Requests and answers as JSON objects: prices (Serve.cpp), ask and tell
// (ServeSearch.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_LIB_EXPLORE_SERVER_H
#define IMC_LIB_EXPLORE_SERVER_H

#include "imc/Explore/JointProblem.h"
#include "imc/Explore/Study.h"
#include "imc/Search/Run.h"

#include <map>
#include <optional>

namespace imc::explore {

namespace json = llvm::json;

/// Violation of a design whose evaluation failed: farther away than any that
/// merely misses bounds, and finite.
inline constexpr double kFailed = 1e6;
inline constexpr const char *kFailure = "failure";

llvm::json::Array knobsOf(const SpaceFile &file);

/// Knobs, objectives and constraints of a request; never evaluates.
struct Described final : search::Problem {
  explicit Described(search::Space genes) : genes(std::move(genes)) {}
  const search::Space &space() const override { return genes; }
  const std::vector<std::string> &objectiveNames() const override {
    return objectives;
  }
  const std::vector<std::string> &constraintNames() const override {
    return constraints;
  }
  void evaluate(const search::Genome *, size_t count,
                search::Evaluation *results) const override {
    for (size_t i = 0; i < count; ++i)
      results[i].violate(int32_t(constraints.size()) - 1, kFailed);
  }
  search::Space genes;
  std::vector<std::string> objectives, constraints;
};

/// One conversation.
class Server {
public:
  Server(std::string version, std::unique_ptr<JointProblem> joint)
      : version(std::move(version)), joint(std::move(joint)) {}

  llvm::Expected<json::Object> answer(const json::Object &request) {
    llvm::StringRef what = request.getString("do").value_or("");
    if (what == "space")
      return space();
    if (what == "price")
      return price(request);
    if (what == "open")
      return open(request);
    if (what == "ask")
      return ask(request);
    if (what == "tell")
      return tell(request);
    if (what == "front")
      return front();
    return makeError("unknown request '" + what +
                     "'; there are space, price, open, ask, tell, front and "
                     "quit");
  }

private:
  llvm::Expected<json::Object> space() const;
  llvm::Expected<json::Object> price(const json::Object &request) const;
  llvm::Expected<json::Object> open(const json::Object &request);
  llvm::Expected<json::Object> ask(const json::Object &request);
  llvm::Expected<json::Object> tell(const json::Object &request);
  llvm::Expected<json::Object> front() const;

  llvm::Error describe(const json::Object &request);
  llvm::Error openStudy(const json::Object &request, uint64_t budget,
                        uint64_t seed);
  llvm::Expected<search::Evaluation> readAnswer(const json::Object &trial,
                                                std::string &failure) const;
  llvm::Error record(uint64_t id, const search::Evaluation &evaluation);
  json::Object designOf(const search::Genome &genome) const;
  bool isActive(const search::Genome &genome, size_t knob) const;

  struct Trial {
    search::Genome design;
    int64_t generation;
  };
  std::string version;
  std::unique_ptr<JointProblem> joint;
  std::unique_ptr<Described> problem;
  std::vector<std::vector<std::string>> texts; ///< per knob and index
  json::Array knobList;
  std::unique_ptr<search::Algorithm> algorithm;
  std::string algorithmName;
  bool log = false;
  uint64_t budget = 0, asked = 0, evaluated = 0, feasible = 0;
  int64_t generation = 0;
  std::map<uint64_t, Trial> waiting;
  std::optional<search::Archive> archive;
  std::optional<Study> study;
  std::map<std::string, search::Evaluation> stored;
};

} // namespace imc::explore

#endif // IMC_LIB_EXPLORE_SERVER_H
