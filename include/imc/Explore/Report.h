//===- Report.h - One offline HTML page of a search -----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Turns a study into a single HTML file that needs no server and asks for
// nothing over the network: Plotly, the data and the page's own script and
// style are all inside. Shown: Pareto scatters per pair of objectives, the
// front as a table, energy, latency and area of the chosen design by component,
// the course of the hypervolume, how many designs each rule rejected, and
// where the numbers come from.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_EXPLORE_REPORT_H
#define IMC_EXPLORE_REPORT_H

#include "imc/Explore/Front.h"
#include "imc/Explore/Study.h"

namespace imc::explore {

/// The path of plotly.min.js that belongs to a program: `override` when it is
/// not empty, otherwise ../share/imc/plotly.min.js beside the folder of
/// `executable`. The error names the path and says how to get the file.
llvm::Expected<std::string> findPlotly(llvm::StringRef executable,
                                       llvm::StringRef override);

/// The front that a finished or running study holds. For a study that was cut
/// short the front is empty (the points are written at the end); resume it.
llvm::Expected<Front> frontFromStudy(const Study &study);

/// The data that the page draws, in the form of docs/spec/study.md ("Report
/// data"). At most `cloud` feasible designs stand behind the front, taken at
/// even distances through the search.
llvm::Expected<llvm::json::Object> reportData(const Study &study,
                                              size_t cloud = 10000);

/// The page. `plotly` is the text of plotly.min.js.
std::string renderReport(const llvm::json::Object &data,
                         llvm::StringRef plotly);

/// `imc report`: reads the study, writes the page to `output` (through a
/// temporary file; "-" is standard output).
llvm::Error writeReport(const Study &study, llvm::StringRef output,
                        llvm::StringRef plotlyPath);

} // namespace imc::explore

#endif // IMC_EXPLORE_REPORT_H
