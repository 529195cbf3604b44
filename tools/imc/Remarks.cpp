//===- Remarks.cpp - Options for optimization remarks ---------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Remarks.h"

#include "imc/Support/OutputFile.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Remarks/RemarkSerializer.h"
#include "llvm/Support/Regex.h"

#include <CLI/CLI.hpp>

using namespace llvm;
using namespace mlir;

namespace imc::driver {

void RemarkOptions::addTo(CLI::App &command) {
  const char *group = "Remarks";
  auto filter = [&](const char *name, std::string &value, const char *what) {
    command
        .add_option(name, value,
                    std::string(what) + " whose category matches the regular "
                                        "expression, as in imc-place or imc-.*")
        ->group(group);
  };
  filter("--remarks-filter", all, "Show all remarks");
  filter("--remarks-filter-passed", passed, "Show remarks on decisions");
  filter("--remarks-filter-missed", missed, "Show remarks on what was missed");
  filter("--remarks-filter-analyse", analyse, "Show analysis remarks");
  filter("--remarks-filter-failed", failed, "Show remarks on failures");
  command
      .add_option("--remark-format", format,
                  "emitRemark (standard error, the default), yaml or bitstream")
      ->group(group)
      ->check(CLI::IsMember({"emitRemark", "yaml", "bitstream"}));
  command
      .add_option("--remark-policy", policy,
                  "all (the default), or final: the last one of each name and "
                  "place")
      ->group(group)
      ->check(CLI::IsMember({"all", "final"}));
  command
      .add_option("--remarks-output-file", output,
                  "File for the formats yaml and bitstream")
      ->group(group);
}

/// Remarks as they will stand in the file.
struct RemarkOutput::File {
  std::string path, text;
  raw_string_ostream stream{text};
  std::unique_ptr<remarks::RemarkSerializer> serializer;
};

namespace {
class Streamer : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit Streamer(remarks::RemarkSerializer &serializer)
      : serializer(serializer) {}
  void streamOptimizationRemark(const remark::detail::Remark &r) override {
    remarks::Remark record = r.generateRemark();
    // Ops of a model have a name around the place in their file.
    if (auto place = r.getLocation()->findInstanceOf<FileLineColLoc>())
      record.Loc = remarks::RemarkLocation{place.getFilename().getValue(),
                                           place.getLine(), place.getColumn()};
    serializer.emit(record);
  }

private:
  remarks::RemarkSerializer &serializer;
};
} // namespace

RemarkOutput::RemarkOutput() = default;
RemarkOutput::~RemarkOutput() {
  // The engine holds a streamer that writes into `file`.
  if (context)
    context->setRemarkEngine(nullptr);
}

static Error refuse(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

Error RemarkOutput::enable(MLIRContext &target, const RemarkOptions &options) {
  remark::RemarkCategories categories;
  bool any = false;
  std::pair<const std::string *, std::optional<std::string> *> filters[] = {
      {&options.passed, &categories.passed},
      {&options.missed, &categories.missed},
      {&options.analyse, &categories.analysis},
      {&options.failed, &categories.failed}};
  auto check = [](StringRef text) -> Error {
    std::string error;
    if (text.empty() || Regex(text).isValid(error))
      return Error::success();
    return refuse(Twine("'") + text +
                  "' is not a regular expression: " + error);
  };
  for (auto [text, category] : filters) {
    // The filter for all remarks is one more for each kind.
    std::string both = *text;
    for (const std::string *filter : {text, &options.all})
      if (Error error = check(*filter))
        return error;
    if (both.empty())
      both = options.all;
    else if (!options.all.empty())
      both = "(" + both + ")|(" + options.all + ")";
    if (both.empty())
      continue;
    *category = both;
    any = true;
  }
  const bool toFile = options.format != "emitRemark";
  if (toFile && options.output.empty())
    return refuse(Twine("--remark-format=") + options.format +
                  " needs --remarks-output-file");
  if (!toFile && !options.output.empty())
    return refuse(Twine("--remarks-output-file=") + options.output +
                  " needs --remark-format=yaml or bitstream");
  if (!any) {
    if (toFile)
      return refuse("--remark-format needs a filter; --remarks-filter=imc-.* "
                    "takes all remarks of imc passes");
    return Error::success();
  }
  std::unique_ptr<remark::detail::MLIRRemarkStreamerBase> streamer;
  if (toFile) {
    if (Error error = checkWritable(options.output))
      return error;
    file = std::make_unique<File>();
    file->path = options.output;
    auto serializer = remarks::createRemarkSerializer(
        options.format == "yaml" ? remarks::Format::YAML
                                 : remarks::Format::Bitstream,
        file->stream);
    if (!serializer)
      return serializer.takeError();
    file->serializer = std::move(*serializer);
    streamer = std::make_unique<Streamer>(*file->serializer);
  }
  std::unique_ptr<remark::detail::RemarkEmittingPolicyBase> policy;
  if (options.policy == "final")
    policy = std::make_unique<remark::RemarkEmittingPolicyFinal>();
  else
    policy = std::make_unique<remark::RemarkEmittingPolicyAll>();
  if (failed(remark::enableOptimizationRemarks(target, std::move(streamer),
                                               std::move(policy), categories,
                                               /*printAsEmitRemarks=*/!toFile)))
    return refuse("remarks could not be enabled");
  context = &target;
  return Error::success();
}

Error RemarkOutput::finish() {
  if (!context)
    return Error::success();
  // The policy `final` reports when the engine goes.
  context->setRemarkEngine(nullptr);
  context = nullptr;
  if (!file)
    return Error::success();
  file->serializer->finalize();
  file->serializer.reset();
  return writeFile(file->path,
                   [&](raw_ostream &os) { os << file->stream.str(); });
}

} // namespace imc::driver
