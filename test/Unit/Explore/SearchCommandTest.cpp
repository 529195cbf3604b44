//===- SearchCommandTest.cpp - The joint search from options to files -----===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/SearchCommand.h"

#include "SearchTestUtil.h"
#include "imc/Explore/Study.h"

#include <random>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace imc::explore;
using namespace imc;

namespace {

TEST(SearchCommand, AnyNumberOfJobsGivesTheSameFront) {
  TestSearch search;
  ASSERT_EQ(search.run(), 0) << search.log;
  std::string one = search.points();
  EXPECT_GT(search.front().points.size(), 2u);
  for (unsigned jobs : {2u, 4u}) {
    search.options.jobs = jobs;
    ASSERT_EQ(search.run(), 0) << search.log;
    EXPECT_EQ(search.points(), one) << jobs << " jobs";
  }
  search.options.seed = 2;
  ASSERT_EQ(search.run(), 0) << search.log;
  EXPECT_NE(search.points(), one); // the seed is not ignored
}

TEST(SearchCommand, FrontIsCompleteAndVerified) {
  TestSearch search;
  search.options.algorithmOptions = {{"population", "50"}};
  search.options.words = {"--accuracy", "my nets.json", "--floor", "0.9"};
  search.options.study = search.folder.file("s.db");
  ASSERT_EQ(search.run(), 0) << search.log;
  Front front = search.front();
  EXPECT_EQ(front.target, "rram-32nm");
  EXPECT_EQ(front.search.evaluated, 400u);
  EXPECT_EQ(front.search.verified, front.points.size());
  EXPECT_EQ(front.search.optimum, "unknown");
  EXPECT_FALSE(front.search.gap);
  for (const FrontPoint &point : front.points) {
    EXPECT_EQ(point.design.size(), 9u);
    ASSERT_EQ(point.models.size(), 2u);
    double sum = 0;
    for (const auto &[name, value] : point.models[0].energyByComponentJ)
      sum += value;
    EXPECT_NEAR(sum, point.models[0].energyJ, 1e-9 * sum);
    EXPECT_HAS(point.command, "imc compile cnn.onnx mlp.onnx --target "
                              "rram-32nm --set machine.rows=");
    for (const auto &[knob, value] : point.design)
      EXPECT_HAS(point.command, " --set " + knob + "=" + value);
    EXPECT_HAS(point.costCommand, "imc cost cnn.onnx mlp.onnx");
    // No point dominates another.
    for (const FrontPoint &other : front.points) {
      bool better = false;
      for (const std::string &o : front.objectives)
        better |= *find(point.metrics, o) < *find(other.metrics, o);
      EXPECT_TRUE(&point == &other || better ||
                  *find(point.metrics, "energy_j") ==
                      *find(other.metrics, "energy_j"));
    }
  }
  Study study = must(Study::open(search.options.study));
  // The command says all that decides the result.
  EXPECT_HAS(must(study.meta("command")).value_or(""),
             " --algorithm-option population=50 --budget 400 --seed 1 "
             "--accuracy 'my nets.json' --floor 0.9");
  EXPECT_EQ(must(study.rows()).size(), 400u);
  EXPECT_EQ(must(study.front()).size(), front.points.size());
  EXPECT_FALSE(must(study.rejections()).empty());
}

TEST(SearchCommand, ExhaustiveProvesTheOptimum) {
  TestSearch search(R"(target: rram-32nm
knobs:
  machine.rows: [64, 128, 256]
  machine.cols: [64, 128, 256]
  pass.weight_bits: [6, 8]
objectives: [edap_js_mm2]
)");
  search.options.algorithm = "exhaustive";
  ASSERT_EQ(search.run(), 0) << search.log;
  Front all = search.front();
  EXPECT_EQ(all.search.evaluated, 18u);
  EXPECT_EQ(all.search.optimum, "proven");
  EXPECT_EQ(all.search.gap, 0.0);
  search.options.budget = 17;
  EXPECT_EQ(search.run(), 1); // exhaustive means all
  EXPECT_HAS(search.log, "18 designs");
  // One design is left: bounds settle whether it is better.
  const double best = *find(all.points[0].metrics, "edap_js_mm2");
  search.options.algorithm = "random";
  ASSERT_EQ(search.run(), 0) << search.log;
  Front most = search.front();
  EXPECT_EQ(most.search.optimum == "proven",
            *find(most.points[0].metrics, "edap_js_mm2") == best);
  // Most are left, but bounds say how far the best can be.
  search.options.budget = 2;
  ASSERT_EQ(search.run(), 0) << search.log;
  most = search.front();
  EXPECT_EQ(most.search.optimum, "bound");
  ASSERT_TRUE(most.search.gap.has_value());
  EXPECT_GE(*most.search.gap, 0);
  EXPECT_EQ(*find(most.search.gaps, "edap_js_mm2"), *most.search.gap);
  EXPECT_GE(best * (1 + *most.search.gap) * (1 + 1e-12),
            *find(most.points[0].metrics, "edap_js_mm2"));
  EXPECT_LE(*find(most.search.bounds, "edap_js_mm2"), best);
  EXPECT_HAS(search.log, "% of a proven bound of edap_js_mm2");
}

TEST(SearchCommand, RegretOfOneModelIsOneAtItsBest) {
  TestSearch search(R"(target: rram-32nm
knobs:
  machine.rows: [64, 128, 256]
  machine.cols: [64, 128, 256]
objectives: [energy_j]
)");
  search.options.aggregate = "regret";
  search.options.algorithm = "exhaustive";
  ASSERT_EQ(search.run({smallCNN()}), 0) << search.log;
  ASSERT_EQ(search.front().points.size(), 1u);
  EXPECT_EQ(*find(search.front().points[0].metrics, "energy_j"), 1);
  ASSERT_EQ(search.run(), 0) << search.log; // two models: at least 1
  EXPECT_GE(*find(search.front().points[0].metrics, "energy_j"), 1);
}

TEST(SearchCommand, ADesignThatCompilesDifferentlyIsAnError) {
  TestSearch search;
  search.options.front = search.folder.file("front.json");
  std::vector<workload::Workload> workloads{smallCNN(), smallMLP()};
  EXPECT_EQ(search.run(workloads,
                       [&](size_t m, const Decoded &d, llvm::StringRef) {
                         auto cost = compileLikeTheModel(workloads, m, d);
                         if (m == 1)
                           cost->models[0].energy_j =
                               std::nextafter(cost->models[0].energy_j, 1);
                         return cost;
                       }),
            1);
  EXPECT_HAS(search.log, "error: design ");
  EXPECT_HAS(search.log, "'mlp'");
  EXPECT_HAS(search.log, "energy_j");
  EXPECT_HAS(search.log, "imc compile mlp.onnx");
  EXPECT_FALSE(llvm::sys::fs::exists(search.options.front));
}

TEST(SearchCommand, DesignsThatOnlyTheirAccountingFitsAreNamed) {
  // Groups take arrays, and the source paper counts their cells once.
  TestSearch search(R"(target: source-2026-rram
knobs:
  machine.rows: [32, 512]
  machine.cols: [32, 512]
  machine.groups: [1, 2, 4]
  machine.tiles_per_group: [1, 2, 4]
  machine.macros_per_tile: [1, 2, 4]
  machine.cell_bits: [8]
  machine.vdd: [0.5, 0.8]
  machine.cycle_time_ns: [1]
  machine.glb_mib: [1]
objectives: [energy_j, latency_s, area_mm2]
)");
  search.options.algorithm = "branch_and_bound";
  workload::Workload grouped = smallCNN();
  grouped.name = "grouped";
  grouped.layers[2].work =
      workload::convolution(1, 16, 32, 32, 16, 3, 3, 1, 1, 16);
  std::vector<workload::Workload> workloads{grouped};
  int compiled = 0;
  auto compile = [&](size_t m, const Decoded &d,
                     llvm::StringRef) -> llvm::Expected<cost::Cost> {
    ++compiled;
    if (!mapping::plan(workloads[m], d.machine, d.knobs).violations.empty())
      return makeError("imc-place: one copy of the model does not fit");
    return compileLikeTheModel(workloads, m, d);
  };
  ASSERT_EQ(search.run(workloads, compile), 0) << search.log;
  Front front = search.front();
  size_t named = 0;
  for (const FrontPoint &point : front.points)
    if (!point.notPlaced.empty()) {
      ++named;
      EXPECT_HAS(point.notPlaced, "'grouped' takes ");
    }
  EXPECT_GT(named, 0u);
  EXPECT_GT(compiled, 0);
  EXPECT_EQ(front.search.verified + named, front.points.size());
  EXPECT_EQ(front.search.verified, size_t(compiled));
  EXPECT_HAS(search.log, " fit as their accounting counts cells");
}

TEST(SearchCommand, EmitsModulesAndCosts) {
  TestSearch search;
  search.options.emitDesigns = search.folder.file("designs");
  std::vector<workload::Workload> workloads{smallCNN(), smallMLP()};
  std::vector<std::string> written;
  ASSERT_EQ(search.run(workloads,
                       [&](size_t m, const Decoded &d, llvm::StringRef output) {
                         written.push_back(output.str());
                         return compileLikeTheModel(workloads, m, d);
                       }),
            0)
      << search.log;
  Front front = search.front();
  ASSERT_EQ(written.size(), 2 * front.points.size());
  std::string first = search.folder.file("designs/design-" +
                                         std::to_string(front.points[0].id));
  EXPECT_EQ(written[0], first + "/cnn.mlir");
  auto cost = must(llvm::json::parse(must(readTextFile(first + "/cost.json"))));
  EXPECT_EQ(cost.getAsObject()->getNumber("area_mm2"), front.points[0].areaMm2);
}

//===----------------------------------------------------------------------===//
// Refusals
//===----------------------------------------------------------------------===//

struct Refusal {
  const char *name;
  std::function<void(TestSearch &)> spoil;
  std::vector<std::string> says;
};
class RefusedSearch : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedSearch, SaysWhyAndWritesNothing) {
  TestSearch search;
  search.options.front = search.folder.file("front.json");
  search.options.study = search.folder.file("s.db");
  GetParam().spoil(search);
  EXPECT_EQ(search.run(), 1);
  EXPECT_HAS(search.log, "error: ");
  for (const std::string &part : GetParam().says)
    EXPECT_HAS(search.log, part);
  EXPECT_FALSE(llvm::sys::fs::exists(search.options.front));
  EXPECT_TRUE(search.out.empty());
}

INSTANTIATE_TEST_SUITE_P(
    SearchCommand, RefusedSearch,
    testing::Values(
        Refusal{"Budget", [](auto &s) { s.options.budget = 0; }, {"--budget"}},
        Refusal{"Algorithm",
                [](auto &s) { s.options.algorithm = "magic"; },
                {"magic", "nsga2"}},
        Refusal{"Aggregate",
                [](auto &s) { s.options.aggregate = "median"; },
                {"'median'", "regret"}},
        Refusal{"Objective",
                [](auto &s) { s.options.objectives = {"energy"}; },
                {"'energy'", "energy_j"}},
        Refusal{"SpaceFile",
                [](auto &s) { s.options.spaceFile = "/nonexistent.yaml"; },
                {"/nonexistent.yaml"}},
        Refusal{"EmptySpace",
                [](auto &s) {
                  TestSearch::write(s.options.spaceFile,
                                    "target: rram-32nm\nknobs: {}\n");
                },
                {"the space is empty"}},
        Refusal{"UnknownTarget",
                [](auto &s) {
                  TestSearch::write(s.options.spaceFile,
                                    "target: rram-7nm\n"
                                    "knobs: {machine.rows: [64]}\n");
                },
                {"rram-7nm", "rram-32nm"}},
        Refusal{"Front",
                [](auto &s) { s.options.front = "/nonexistent/f.json"; },
                {"/nonexistent/f.json"}},
        Refusal{"Report",
                [](auto &s) { s.options.report = "/nonexistent/r.html"; },
                {"/nonexistent/r.html"}},
        Refusal{"Plotly",
                [](auto &s) {
                  s.options.report = s.folder.file("r.html");
                  s.options.plotly = "/nonexistent/p.js";
                },
                {"/nonexistent/p.js"}},
        Refusal{"Study",
                [](auto &s) { s.options.study = "/nonexistent/s.db"; },
                {"/nonexistent/s.db"}},
        Refusal{"StudyExists",
                [](auto &s) { must(Study::create(s.options.study)); },
                {"--resume"}},
        Refusal{"ResumeWithoutStudy",
                [](auto &s) {
                  s.options.resume = true;
                  s.options.study.clear();
                },
                {"--study"}},
        Refusal{"ResumeNothing",
                [](auto &s) { s.options.resume = true; },
                {"does not exist"}}),
    [](const auto &info) { return std::string(info.param.name); });

//===----------------------------------------------------------------------===//
// Resuming
//===----------------------------------------------------------------------===//

TEST(SearchResume, DifferencesAreNamed) {
  TestSearch search;
  search.options.study = search.folder.file("s.db");
  search.options.budget = 100;
  ASSERT_EQ(search.run(), 0) << search.log;
  search.options.resume = true;
  auto refused = [&](auto change, const char *says) {
    SearchOptions before = search.options;
    change();
    EXPECT_EQ(search.run(), 1);
    EXPECT_HAS(search.log, says);
    search.options = before;
  };
  refused([&] { search.options.seed = 2; }, "another seed (1, not 2)");
  refused([&] { search.options.version = "9"; }, "another version");
  refused([&] { search.options.aggregate = "max"; }, "another aggregate");
  refused([&] { search.options.algorithm = "random"; }, "another algorithm");
  refused([&] { search.options.objectives = {"energy_j"}; },
          "another objectives");
  EXPECT_EQ(search.run({smallCNN()}), 1);
  EXPECT_HAS(search.log, "another models");
  TestSearch::write(search.options.spaceFile,
                    std::string(kSmallSpace) + "  power_w: \"<= 100\"\n");
  EXPECT_EQ(search.run(), 1);
  EXPECT_HAS(search.log, "another space");
}

TEST(SearchResume, FinishedStudyGivesTheSameFrontWithoutPricing) {
  TestSearch search;
  search.options.study = search.folder.file("s.db");
  ASSERT_EQ(search.run(), 0) << search.log;
  std::string points = search.points();
  search.options.resume = true;
  ASSERT_EQ(search.run(), 0) << search.log;
  EXPECT_EQ(search.points(), points);
  EXPECT_EQ(must(must(Study::open(search.options.study)).rows()).size(), 400u);
}

TEST(SearchResume, ALargerBudgetGoesOn) {
  TestSearch search;
  search.options.budget = 300;
  search.options.study = search.folder.file("s.db");
  ASSERT_EQ(search.run(), 0) << search.log;
  // 20,000 would start with a population of 200, the study keeps its 100.
  search.options.budget = 20000;
  search.options.resume = true;
  ASSERT_EQ(search.run({smallCNN(), smallMLP()}), 0) << search.log;
  std::string points = search.points();
  EXPECT_GT(search.front().search.evaluated, 300u);

  TestSearch whole;
  whole.options.budget = 20000;
  whole.options.algorithmOptions["population"] = "100";
  ASSERT_EQ(whole.run(), 0) << whole.log;
  EXPECT_EQ(whole.points(), points);
  search.options.algorithmOptions["population"] = "150";
  EXPECT_EQ(search.run(), 1);
  EXPECT_HAS(search.log, "another algorithm_options");
}

/// Everything in a study that must not depend on interruptions.
std::string contents(const std::string &file) {
  Study study = must(Study::open(file));
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (const EvaluationRow &row : must(study.rows())) {
    stream << row.id << ' ' << row.generation << ' ' << row.key << ' '
           << shortest(row.violation);
    for (double o : row.objectives)
      stream << ' ' << shortest(o);
    for (const std::string &rule : row.broken)
      stream << ' ' << rule;
    stream << '\n';
  }
  for (const GenerationRow &g : must(study.generations()))
    stream << g.number << ' ' << g.evaluated << ' ' << g.feasible << ' '
           << g.front << ' ' << shortest(g.hypervolume) << '\n';
  for (const std::string &point : must(study.front()))
    stream << point << '\n';
  return text;
}

/// The study exists and says what was searched.
bool isReady(const std::string &file) {
  sqlite3 *handle = nullptr;
  bool found = false;
  if (sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READONLY, nullptr) ==
      SQLITE_OK)
    sqlite3_exec(
        handle, "SELECT value FROM meta WHERE key = 'seed'",
        [](void *result, int, char **, char **) {
          *static_cast<bool *>(result) = true;
          return 0;
        },
        &found, nullptr);
  sqlite3_close(handle);
  return found;
}

TEST(SearchResume, KilledSearchesEndWithTheVerySameStudy) {
  TestSearch whole;
  whole.options.budget = 3000;
  whole.options.study = whole.folder.file("s.db");
  ASSERT_EQ(whole.run(), 0) << whole.log;
  const std::string expected = contents(whole.options.study);

  std::mt19937 random(20261121);
  unsigned interrupted = 0;
  for (unsigned round = 0; round < 10; ++round) {
    TestSearch search;
    search.options.budget = 3000;
    search.options.study = search.folder.file("s.db");
    search.options.jobs = 1 + round % 3;
    for (unsigned attempt = 0; attempt < 3; ++attempt) {
      search.options.resume = llvm::sys::fs::exists(search.options.study);
      pid_t child = fork();
      ASSERT_GE(child, 0);
      if (child == 0)
        _exit(search.run());
      // Until the study says what it is there is nothing to resume from.
      do
        usleep(1000 + random() % 40000);
      while (!isReady(search.options.study));
      kill(child, SIGKILL);
      int status = 0;
      ASSERT_EQ(waitpid(child, &status, 0), child);
      interrupted += WIFSIGNALED(status);
    }
    search.options.resume = true;
    ASSERT_EQ(search.run(), 0) << search.log;
    EXPECT_EQ(contents(search.options.study), expected) << "round " << round;
  }
  // The test means something only if searches were really cut short.
  EXPECT_GE(interrupted, 10u);
}

} // namespace
