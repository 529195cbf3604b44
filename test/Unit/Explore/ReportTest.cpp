//===- ReportTest.cpp - The HTML report -----------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Explore/Report.h"

#include "SampleStudy.h"
#include "TestUtil.h"

#include <cstdlib>

using namespace imc::explore;

namespace {

TEST(Report, CarriesEverythingAndAsksForNothing) {
  Study study = sampleStudy(":memory:");
  std::string page = renderReport(must(reportData(study)), "/*plotly*/");
  EXPECT_HAS(page, "/*plotly*/");
  EXPECT_HAS(page, "default-src 'none'");
  EXPECT_EQ(page.find("http://"), std::string::npos);
  EXPECT_EQ(page.find("https://"), std::string::npos);
  EXPECT_EQ(page.find("@"), page.find("@media")); // every mark was replaced
}

TEST(Report, DataCannotEndTheScript) {
  Study study = sampleStudy(":memory:");
  std::string page = renderReport(must(reportData(study)), "");
  size_t begin = page.find("id=\"study\">");
  ASSERT_NE(begin, std::string::npos);
  std::string data =
      page.substr(begin + 11, page.find("</script>", begin) - begin - 11);
  // The commands of the sample contain "</script>", a model name "<b>".
  auto parsed = must(llvm::json::parse(data));
  const auto *points = parsed.getAsObject()->getArray("points");
  ASSERT_TRUE(points);
  EXPECT_EQ(points->size(), 8u);
  EXPECT_HAS((*points)[0].getAsObject()->getString("command").value_or(""),
             "</script>");
  EXPECT_EQ(page.find("<b>evil"), std::string::npos);
}

TEST(Report, ThinsTheCloudEvenly) {
  Study study = sampleStudy(":memory:");
  auto data = must(reportData(study, 20));
  size_t rows = data.getObject("cloud")->getArray("rows")->size();
  EXPECT_GT(rows, 10u);
  EXPECT_LE(rows, 20u);
  EXPECT_EQ(data.getArray("history")->size(), 8u);
  EXPECT_EQ(data.getArray("rejections")->size(), 2u);
}

TEST(Report, SaysHowToGetPlotly) {
  std::string text = errorOf(findPlotly("/nonexistent/bin/imc", ""));
  EXPECT_HAS(text, "/nonexistent/share/imc/plotly.min.js");
  EXPECT_HAS(text, "--plotly");
  EXPECT_HAS(errorOf(findPlotly("/nonexistent/bin/imc", "/no/p.js")),
             "/no/p.js");
}

TEST(Report, RefusesAStudyWithoutAFront) {
  Study study = must(Study::create(":memory:"));
  EXPECT_HAS(errorOf(reportData(study)), "--resume");
}

TEST(Report, WritesAFile) {
  if (!llvm::sys::fs::exists(IMC_PLOTLY))
    GTEST_SKIP() << IMC_PLOTLY << " is absent: .venv has no plotly";
  TempFolder folder;
  // Set to keep the page, for a look at it in a browser.
  const char *keep = std::getenv("IMC_KEEP_REPORT");
  std::string file = keep ? keep : folder.file("report.html");
  Study study = sampleStudy(":memory:");
  ASSERT_FALSE(bool(writeReport(study, file, IMC_PLOTLY)));
  EXPECT_GT(must(readTextFile(file)).size(), 1000000u);
  EXPECT_HAS(errorOf(writeReport(study, "/nonexistent/r.html", IMC_PLOTLY)),
             "/nonexistent/r.html");
}

} // namespace
