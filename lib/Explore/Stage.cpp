//===- Stage.cpp - A part of a space as a space of its own ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/Compare.h"

#include "llvm/ADT/STLExtras.h"

#include <optional>

using namespace imc::explore;
namespace machine = imc::machine;
namespace mapping = imc::mapping;

bool imc::explore::isOfStage(llvm::StringRef name, llvm::StringRef stage) {
  return name.starts_with(stage) ||
         (stage == "pass." && mapping::isLayerKnob(name));
}

namespace {
/// What became of a knob of the whole space.
struct Fate {
  bool active = true; ///< false: it has no effect in any design of the stage
  /// Under which it has an effect, in places of the stage.
  std::vector<KnobCondition> conditions;
  std::optional<size_t> place; ///< in the stage; absent: left out
  /// Values of the whole space by their index in the stage.
  std::vector<size_t> choices;
  double value = 0; ///< where it is left out
};
} // namespace

/// The value that a knob has where no design sets it.
static double ownValue(const KnobChoices &knob, const machine::Machine &base) {
  if (knob.field)
    return knob.field->get(base);
  return double(
      llvm::cantFail(mapping::getKnob(mapping::Knobs(), knob.pass->name)));
}

SpaceFile imc::explore::stageOf(const SpaceFile &space,
                                const machine::Machine &base,
                                llvm::StringRef keep, const Design &fixed) {
  SpaceFile stage = space;
  stage.knobs.clear();
  std::vector<Fate> fates;
  for (const KnobChoices &knob : space.knobs) {
    Fate fate;
    for (const KnobCondition &condition : knob.conditions) {
      const Fate &parent = fates[condition.knob];
      const KnobChoices &whole = space.knobs[condition.knob];
      fate.active &= parent.active;
      // A knob has no effect beside a parent that has none.
      if (!parent.place) {
        llvm::append_range(fate.conditions, parent.conditions);
        fate.active &= llvm::any_of(condition.choices, [&](size_t choice) {
          return whole.values[choice] == parent.value;
        });
        continue;
      }
      KnobCondition left{*parent.place, {}};
      for (size_t i = 0; i < parent.choices.size(); ++i)
        if (llvm::is_contained(condition.choices, parent.choices[i]))
          left.choices.push_back(i);
      fate.active &= !left.choices.empty();
      if (left.choices.size() < parent.choices.size())
        fate.conditions.push_back(std::move(left));
      else
        llvm::append_range(fate.conditions, parent.conditions);
    }
    KnobChoices own = knob;
    own.conditions = fate.conditions;
    if (isOfStage(knob.name, keep)) {
      for (size_t i = 0; i < knob.values.size(); ++i)
        fate.choices.push_back(i);
    } else if (const std::string *text = find(fixed, knob.name)) {
      for (size_t i = 0; i < knob.values.size(); ++i)
        if (knob.text(i) == *text) {
          fate.choices.push_back(i);
          own.values = {knob.values[i]};
        }
    }
    if (fate.active && !fate.choices.empty()) {
      fate.place = stage.knobs.size();
      stage.knobs.push_back(std::move(own));
    } else if (knob.layer.empty()) {
      fate.value = ownValue(knob, base);
    }
    fates.push_back(std::move(fate));
  }
  return stage;
}
