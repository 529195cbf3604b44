//===- DrawnDesigns.cpp - Random designs of a space -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DrawnDesigns.h"

#include "imc/Accuracy/Belief.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using namespace imc;
using namespace imc::driver;

Expected<Drawn> Drawer::next() {
  for (int attempt = 0; attempt < 10000; ++attempt) {
    std::vector<int32_t> choices;
    for (const explore::KnobChoices &knob : space.knobs)
      choices.push_back(int32_t(random() % knob.values.size()));
    Expected<std::optional<Drawn>> drawn = make(choices);
    if (!drawn)
      return drawn.takeError();
    if (*drawn)
      return std::move(**drawn);
  }
  return createStringError("no design of 10000 that were drawn from '" +
                           space.file +
                           "' can be built; look at machine.adc.clip_bits "
                           "and pass.encoding");
}

Expected<std::vector<Drawn>> Drawer::next(int64_t count,
                                          std::set<std::string> &seen) {
  std::vector<Drawn> out;
  for (int64_t i = 0; i < count; ++i) {
    Expected<Drawn> drawn = next();
    if (!drawn)
      return drawn.takeError();
    if (seen.insert(accuracy::Belief::keyOf(drawn->settings)).second)
      out.push_back(std::move(*drawn));
  }
  return out;
}

Expected<Drawn> Drawer::read(StringRef text) const {
  std::vector<int32_t> choices;
  SmallVector<StringRef> words;
  text.split(words, ' ', -1, /*KeepEmpty=*/false);
  for (const explore::KnobChoices &knob : space.knobs) {
    choices.push_back(0);
    for (StringRef word : words)
      if (auto [name, value] = word.split('='); name == knob.name)
        for (size_t i = 0; i != knob.values.size(); ++i)
          if (knob.text(i) == value)
            choices.back() = int32_t(i);
  }
  Expected<std::optional<Drawn>> drawn = make(choices);
  if (!drawn)
    return drawn.takeError();
  if (!*drawn || (*drawn)->text != text)
    return createStringError("'" + text + "' is no design of '" + space.file +
                             "'; name reports of fits to this space");
  return std::move(**drawn);
}

Expected<std::optional<Drawn>> Drawer::make(ArrayRef<int32_t> choices) const {
  Drawn drawn;
  machine::Machine machine = base;
  mapping::Knobs knobs;
  for (auto [i, knob] : enumerate(space.knobs)) {
    if (!space.isActive(i, {choices.begin(), choices.end()}))
      continue;
    const auto at = size_t(choices[i]);
    if (knob.field)
      knob.field->set(machine, knob.values[at]);
    else if (Error error = mapping::setKnob(knobs, knob.pass->name,
                                            int64_t(knob.values[at])))
      return std::move(error);
    drawn.text +=
        (drawn.text.empty() ? "" : " ") + knob.name + "=" + knob.text(at);
  }
  if (Error error = machine::check(machine)) {
    consumeError(std::move(error));
    return std::nullopt;
  }
  if (!mapping::check(knobs, machine).empty())
    return std::nullopt;
  drawn.settings = accuracy::settingsOf(machine, knobs);
  return drawn;
}

Error imc::driver::readReport(const std::string &file,
                              const json::Object &wanted, const Drawer &drawer,
                              Earlier &into) {
  auto buffer = MemoryBuffer::getFile(file);
  if (!buffer)
    return createStringError("cannot read '" + file +
                             "': " + buffer.getError().message());
  auto refuse = [&](const Twine &what) {
    return createStringError(file + ": " + what +
                             "; give reports that imc accuracy-model --json "
                             "wrote for this network, data, device and space");
  };
  Expected<json::Value> value = json::parse((*buffer)->getBuffer());
  if (!value)
    return refuse(toString(value.takeError()));
  const json::Object *report = value->getAsObject();
  const json::Object *from = report ? report->getObject("made_from") : nullptr;
  if (!from)
    return refuse("is no report");
  for (const auto &[key, is] : wanted)
    if (const json::Value *was = from->get(key); !was || *was != is)
      return refuse("was made from another " + Twine(StringRef(key)));
  for (const char *list : {"fitted", "checked"}) {
    const json::Array *designs = report->getArray(list);
    if (!designs)
      continue;
    for (const json::Value &v : *designs) {
      const json::Object *design = v.getAsObject();
      auto text = design ? design->getString("design") : std::nullopt;
      const json::Array *trials =
          design ? design->getArray("simulated_by_trial") : nullptr;
      std::vector<double> byTrial;
      if (trials)
        for (const json::Value &t : *trials)
          if (auto top1 = t.getAsNumber())
            byTrial.push_back(*top1);
      if (!text || byTrial.empty())
        return refuse(Twine(list) +
                      ": expected designs with simulated_by_trial");
      Expected<Drawn> drawn = drawer.read(*text);
      if (!drawn)
        return refuse(toString(drawn.takeError()));
      std::string key = accuracy::Belief::keyOf(drawn->settings);
      into.emplace(std::move(key),
                   std::pair(std::move(*drawn), std::move(byTrial)));
    }
  }
  return Error::success();
}
