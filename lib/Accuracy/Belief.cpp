//===- Belief.cpp - Simulations and what they say of the rest -------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Accuracy/Belief.h"

#include <algorithm>

using namespace imc;
using namespace imc::accuracy;
using llvm::Error;
using llvm::Expected;

double Believed::yield(double floor) const {
  Prediction p;
  p.top1 = top1;
  p.deviation = deviation;
  return p.yield(floor);
}

std::string Belief::keyOf(const ArraySettings &s) {
  const crossbar::Arrays &a = s.arrays;
  const crossbar::Readout &r = s.readout;
  std::string text;
  auto add = [&](const char *name, int64_t value) {
    text += (text.empty() ? "" : " ") + std::string(name) + "=" +
            std::to_string(value);
  };
  add("rows", a.rows);
  add("cols", a.cols);
  add("cell_bits", a.cell_bits);
  add("dac_bits", a.dac_bits);
  add("weight_bits", a.weight_bits);
  add("input_bits", a.input_bits);
  add("encoding", int64_t(a.encoding));
  add("adc_bits", r.adc_bits);
  add("range", int64_t(r.range));
  add("range_bits", r.range == crossbar::Range::Bits ? r.range_bits : 0);
  add("ties", int64_t(r.ties));
  add("packing", int64_t(s.packing));
  return text;
}

Expected<Believed> Belief::of(const ArraySettings &settings) const {
  Believed out;
  if (auto at = known.find(keyOf(settings)); at != known.end()) {
    out.top1 = at->second.top1;
    out.deviation = at->second.deviation;
    out.closedForm = at->second.closedForm;
    out.simulated = true;
    return out;
  }
  Expected<Prediction> p = model->predict(settings);
  if (!p)
    return p.takeError();
  out.closedForm = p->top1;
  out.deviation = p->deviation;
  out.top1 = p->top1;
  if (!correction.empty())
    out.top1 =
        std::clamp(p->top1 + correction.at(model->placeOf(*p)), 0.0, 1.0);
  return out;
}

Error Belief::learn(const ArraySettings &settings, double top1,
                    double deviation) {
  Expected<Prediction> p = model->predict(settings);
  if (!p)
    return p.takeError();
  known[keyOf(settings)] = {top1, deviation, p->top1, model->placeOf(*p)};
  return Error::success();
}

void Belief::refit() {
  std::vector<Kriging::Place> places;
  std::vector<double> off;
  for (const auto &[key, k] : known) {
    places.push_back(k.place);
    off.push_back(k.top1 - k.closedForm);
  }
  correction = Kriging();
  correction.setBlocks(model->placeBlocks());
  // What the fit of the closed form has found to matter.
  if (!model->correction.empty()) {
    correction.scales = model->correction.scales;
    correction.nugget = model->correction.nugget;
  }
  correction.fit(places, off, std::vector<double>(off.size(), 1), /*rounds=*/0);
}
