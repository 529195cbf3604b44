//===- Schedule.cpp - Programs from placed models -------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Schedule/Schedule.h"

#include "Builder.h"

#include "imc/Program/IO.h"

#include "llvm/ADT/Twine.h"

using namespace imc;
using namespace imc::schedule;
using llvm::Error;
using llvm::Twine;

std::optional<program::Schedule> schedule::findSchedule(llvm::StringRef name) {
  for (auto kind : {program::Schedule::Layers, program::Schedule::Pipeline,
                    program::Schedule::Stream})
    if (name == program::name(kind))
      return kind;
  return std::nullopt;
}

llvm::Expected<program::Program> detail::Builder::run() {
  if (Error error = checkDesign())
    return std::move(error);
  program.model = workload.name;
  program.schedule = options.kind;
  program.inferences = options.inferences ? options.inferences : workload.batch;
  using program::Schedule;
  if (options.kind != Schedule::Pipeline &&
      program.inferences != workload.batch)
    return refuse(
        Twine("schedule '") + program::name(options.kind) + "' does the " +
        Twine(workload.batch) + " inferences of the workload at once, not " +
        Twine(program.inferences) + ": batch the workload, or use 'pipeline'");
  if (options.kind != Schedule::Layers) {
    if (Error error = checkResident())
      return std::move(error);
    findLevels();
  }
  describeChip();
  if (Error error = decide())
    return std::move(error);
  if (Error error = options.kind == Schedule::Layers     ? numberLayers()
                    : options.kind == Schedule::Pipeline ? numberBeats()
                                                         : numberStream())
    return std::move(error);
  if (Error error = fitBuffers(options.kind != Schedule::Layers))
    return std::move(error);
  if (Error error = options.kind == Schedule::Layers     ? placeTensors()
                    : options.kind == Schedule::Pipeline ? writePipeline()
                                                         : writeStream())
    return std::move(error);
  if (options.kind == Schedule::Layers)
    writeLayers();
  return std::move(program);
}

llvm::Expected<program::Program>
schedule::schedule(const workload::Workload &workload,
                   const mapping::Plan &plan, const machine::Machine &machine,
                   const mapping::Knobs &knobs, const Options &options) {
  return detail::Builder(workload, plan, machine, knobs, options).run();
}
