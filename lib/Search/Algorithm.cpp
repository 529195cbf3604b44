//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Search/Algorithm.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

using namespace imc::search;

Algorithm::~Algorithm() = default;

// AlgorithmList.inc holds one IMC_SEARCH_ALGORITHM(Name) per line of the list
// in CMakeLists.txt.
namespace imc::search {
#define IMC_SEARCH_ALGORITHM(NAME) AlgorithmInfo describe##NAME();
#include "AlgorithmList.inc"
#undef IMC_SEARCH_ALGORITHM
} // namespace imc::search

const std::vector<AlgorithmInfo> &imc::search::algorithms() {
  static const std::vector<AlgorithmInfo> list = [] {
    std::vector<AlgorithmInfo> all;
#define IMC_SEARCH_ALGORITHM(NAME) all.push_back(describe##NAME());
#include "AlgorithmList.inc"
#undef IMC_SEARCH_ALGORITHM
    std::sort(all.begin(), all.end(),
              [](const AlgorithmInfo &a, const AlgorithmInfo &b) {
                return a.name < b.name;
              });
    return all;
  }();
  return list;
}

template <typename List>
static std::string names(const List &list) {
  std::string text;
  for (const auto &item : list)
    text += (text.empty() ? "" : ", ") + item.name;
  return text;
}

Expected<std::unique_ptr<Algorithm>>
imc::search::makeAlgorithm(const std::string &name,
                           const AlgorithmOptions &options) {
  for (const AlgorithmInfo &info : algorithms()) {
    if (info.name != name)
      continue;
    AlgorithmOptions complete;
    for (const AlgorithmInfo::Option &option : info.options)
      complete[option.name] = option.defaultValue;
    for (const auto &[key, value] : options) {
      if (!complete.count(key))
        return Error{"algorithm '" + name + "' has no option '" + key +
                     "'; its options are: " + names(info.options)};
      complete[key] = value;
    }
    return info.make(complete);
  }
  return Error{"unknown search algorithm '" + name +
               "'; choose one of: " + names(algorithms())};
}

static std::string text(double value) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%g", value);
  return buffer;
}

static Error badOption(const std::string &name, const std::string &value,
                       const std::string &expected) {
  return Error{"search option " + name + " = '" + value + "' is not " +
               expected + "; change or remove it"};
}

Expected<std::uint64_t>
imc::search::readUnsigned(const AlgorithmOptions &options,
                          const std::string &name, std::uint64_t least,
                          std::uint64_t most) {
  const std::string &value = options.at(name);
  const bool digits =
      !value.empty() && value.size() <= 19 &&
      value.find_first_not_of("0123456789") == std::string::npos;
  const std::uint64_t number =
      digits ? std::strtoull(value.c_str(), nullptr, 10) : 0;
  if (!digits || number < least || number > most)
    return badOption(name, value,
                     "a whole number from " + std::to_string(least) + " to " +
                         std::to_string(most));
  return number;
}

Expected<double> imc::search::readReal(const AlgorithmOptions &options,
                                       const std::string &name, double least,
                                       double most) {
  const std::string &value = options.at(name);
  char *end = nullptr;
  const double number = std::strtod(value.c_str(), &end);
  if (value.empty() || *end || !(number >= least) || !(number <= most))
    return badOption(name, value,
                     "a number from " + text(least) + " to " + text(most));
  return number;
}

Expected<bool> imc::search::readFlag(const AlgorithmOptions &options,
                                     const std::string &name) {
  const std::string &value = options.at(name);
  if (value != "true" && value != "false")
    return badOption(name, value, "true or false");
  return value == "true";
}
