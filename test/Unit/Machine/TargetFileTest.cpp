//===- TargetFileTest.cpp - Reading and refusing machine files
//--------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Files.h"
#include "imc/Machine/Unset.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace imc;
using namespace imc::machine;
using test::changed;
using test::messageOf;

TEST(TargetFile, ShippedTargetsRoundTrip) {
  std::vector<std::string> names = listTargets(test::targetDirs());
  EXPECT_GE(names.size(), 2u);
  for (const std::string &name : names) {
    llvm::Expected<TargetSpec> spec = loadTarget(name, test::targetDirs());
    ASSERT_TRUE(bool(spec)) << llvm::toString(spec.takeError());
    EXPECT_EQ(spec->name, name);
    std::string text = toYAML(*spec);
    llvm::Expected<TargetSpec> again = parseTarget(text, "again.yaml");
    ASSERT_TRUE(bool(again)) << llvm::toString(again.takeError());
    EXPECT_TRUE(*spec == *again) << name;
    EXPECT_EQ(toYAML(*again), text) << name;
    EXPECT_TRUE(bool(again->machine()));
  }
}

TEST(TargetFile, EveryConstantOfAShippedTargetHasASource) {
  for (const std::string &name : listTargets(test::targetDirs())) {
    TargetSpec spec = llvm::cantFail(loadTarget(name, test::targetDirs()));
    for (const Component &component : schema())
      for (const Field &field : component.fields) {
        std::string path = field.path();
        // Design choices (what a search may turn) need no source, constants do.
        bool isChoice = knobPath(field) != "machine." + path ||
                        llvm::StringRef(field.name) == "kind";
        bool isGiven = (field.required && component.has(field, spec.values)) ||
                       (field.get(spec.values) != field.default_value &&
                        !isUnset(field.get(spec.values)));
        if (isGiven && !isChoice) {
          EXPECT_TRUE(spec.sources.count(path)) << name << ": " << path;
        }
      }
  }
}

TEST(TargetFile, KnobsOfAnyForm) {
  std::string text = changed("  rows: 256", "  rows: {knob: [64, 128]}");
  size_t at = text.find("vdd_v: 0.85");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 11,
               "vdd_v: {knob: {min: 0.5, max: 0.85, step: 0.05}, "
               "source: \"paper\"}");
  at = text.find("  groups: 16");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 12, "  groups: {knob: {min: 1, max: 40, factor: 2}}");
  at = text.find("kind: lpddr4");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 12, "kind: {knob: [lpddr4, hbm2]}");
  TargetSpec spec = llvm::cantFail(parseTarget(text, "chip.yaml"));
  ASSERT_EQ(spec.knobs.size(), 4u);
  EXPECT_EQ(spec.findKnob("machine.rows")->values,
            (std::vector<double>{64, 128}));
  EXPECT_EQ(spec.findKnob("machine.vdd")->values,
            (std::vector<double>{0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85}));
  EXPECT_EQ(spec.findKnob("machine.groups")->values,
            (std::vector<double>{1, 2, 4, 8, 16, 32}));
  EXPECT_EQ(spec.findKnob("memory.kind")->values, (std::vector<double>{1, 3}));
  EXPECT_EQ(spec.sources.at("technology.vdd_v"), "paper");
  TargetSpec again = llvm::cantFail(parseTarget(toYAML(spec), "again.yaml"));
  EXPECT_TRUE(spec == again);
}

TEST(TargetFile, JsonIsYaml) {
  // The same machine, written as JSON.
  TargetSpec spec = llvm::cantFail(loadTarget("sram-32nm", test::targetDirs()));
  llvm::json::Object root{{"name", "sram-32nm"}};
  for (const Component &component : schema()) {
    llvm::json::Object fields;
    for (const Field &field : component.fields)
      if (!component.has(field, spec.values))
        continue;
      else if (field.type == FieldType::Enumeration)
        fields[field.name] = formatValue(field, field.get(spec.values));
      else
        fields[field.name] = field.get(spec.values);
    root[component.name] = std::move(fields);
  }
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(std::move(root));
  llvm::Expected<TargetSpec> again = parseTarget(text, "chip.json");
  ASSERT_TRUE(bool(again)) << llvm::toString(again.takeError());
  EXPECT_EQ(again->values, spec.values);
}

// Two kinds of buffers in one machine, as in ISAAC: the power laws are asked
// for while either needs them, and not given when neither does.
TEST(TargetFile, PowerLawsOnlyWhereABufferHasThem) {
  auto machine = [](const char *buffers) {
    std::string text = "name: x\ninclude:\n  - ../rram-32nm/target.yaml\n";
    return parseTarget(text + buffers,
                       std::string(IMC_SOURCE_DIR) + "/targets/components/x");
  };
  const Component &laws = *findComponent("buffer_fit");
  const Field &read = *laws.find("read_pj");
  const char *edram = "  - buffer-edram-32nm.yaml\n",
             *registers = "  - buffer-registers-32nm.yaml\n";
  TargetSpec one = llvm::cantFail(machine(edram));
  EXPECT_TRUE(laws.has(read, one.values));
  EXPECT_EQ(one.values.buffer_fit.read_pj, 0.0741);
  TargetSpec both =
      llvm::cantFail(machine((std::string(edram) + registers).c_str()));
  EXPECT_FALSE(laws.has(read, both.values));
  // Not 0, which would be a price.
  EXPECT_TRUE(isUnset(both.values.buffer_fit.read_pj));
  EXPECT_FALSE(both.sources.count("buffer_fit.read_pj"));
  EXPECT_EQ(toYAML(both).find("buffer_fit"), std::string::npos);
  TargetSpec again = llvm::cantFail(parseTarget(toYAML(both), "again.yaml"));
  EXPECT_TRUE(again.values == both.values);
  // Saying them anyway is a mistake, an open kind is none.
  std::string own = std::string(edram) + registers;
  llvm::Expected<TargetSpec> mistaken =
      machine((own + "buffer_fit:\n  read_pj: 1\n").c_str());
  EXPECT_NE(llvm::toString(mistaken.takeError())
                .find("'buffer_fit.read_pj' belongs to kind fit, but "
                      "'tile_buffer.kind' is registers and "
                      "'global_buffer.kind' is edram"),
            std::string::npos);
  TargetSpec open = llvm::cantFail(machine(
      (own + "tile_buffer:\n  kind: {knob: [registers, fit]}\n").c_str()));
  EXPECT_EQ(open.values.buffer_fit.read_pj, 0.0741);
}

TEST(TargetFile, Refusals) {
  struct Case {
    const char *from, *to, *message;
  };
  const Case cases[] = {
      // Unknown and doubled.
      {"  rows: 256", "  row: 256",
       "unknown field 'row' in 'array'; there are "
       "rows, active_rows, cols, control_area_um2"},
      {"array:", "arrays:", "unknown component 'arrays'"},
      {"  rows: 256", "  rows: 256\n  rows: 128", "'rows' stands twice"},
      {"name: ", "name: \"a\"\nname: ", "'name' stands twice"},
      // Range and type.
      {"  rows: 256", "  rows: 0",
       "'array.rows' is 0, must be an integer from 1 to 8192"},
      {"  rows: 256", "  rows: many", "'array.rows' is 'many', must be"},
      {"  rows: 256", "  rows: 25.6", "'array.rows' is 25.6, must be"},
      {"  rows: 256", "  rows: [256]", "must be a value, {value, source}"},
      {"  rows: 256", "  rows:", "must be a value, {value, source}"},
      {"kind: rram", "kind: flash", "must be one of rram, pcm, sram"},
      {"vdd_v: 0.85", "vdd_v: 85",
       "'technology.vdd_v' is 85, must be a number "
       "from 0.2 to 5 V"},
      // Missing.
      {"  rows: 256\n", "", "'array.rows' is missing"},
      {"name: \"rram-32nm\"\n", "", "'name' is missing"},
      // Value maps.
      {"  rows: 256", "  rows: {source: x}", "needs either value or knob"},
      {"  rows: 256", "  rows: {value: 1, knob: [2]}",
       "needs either value or knob"},
      {"  rows: 256", "  rows: {value: 1, unit: mm}", "unknown key 'unit'"},
      {"  rows: 256", "  rows: {value: 1, value: 2}", "'value' stands twice"},
      // Knobs.
      {"  rows: 256", "  rows: {knob: []}", "has no values"},
      {"  rows: 256", "  rows: {knob: 64}", "must be a list of values or"},
      {"  rows: 256", "  rows: {knob: [64, 9999]}", "'array.rows' is 9999"},
      {"  rows: 256", "  rows: {knob: {min: 1, max: 8}}",
       "needs either step or factor"},
      {"  rows: 256", "  rows: {knob: {min: 1, max: 8, step: 1, factor: 2}}",
       "needs either step or factor"},
      {"  rows: 256", "  rows: {knob: {min: 8, max: 1, step: 1}}",
       "needs finite min <= max"},
      {"  rows: 256", "  rows: {knob: {max: 8, step: 1}}", "needs min and max"},
      {"  rows: 256", "  rows: {knob: {min: 1, max: 2, step: 0.5}}",
       "'array.rows' is 1.5"},
      {"  rows: 256", "  rows: {knob: {min: 1, max: 8, stride: 2}}",
       "unknown key 'stride'"},
      {"  rows: 256", "  rows: {knob: {min: 1, max: 8000, step: 0.001}}",
       "at most 4096 values"},
      {"  rows: 256", "  rows: {knob: {min: 1, max: x, step: 1}}",
       "must be a number"},
      // Contradictions.
      {"kind: rram", "kind: sram",
       "'cell.read_voltage_v' belongs to kind rram, pcm, but 'cell.kind' is "
       "sram; remove the field or change the kind"},
      {"on_resistance_ohm", "# on_resistance_ohm", "'cell.on_resistance_ohm'"},
      {"value: 900000", "value: 6000",
       "'cell.off_resistance_ohm' must be "
       "above"},
      {"value: 25.6", "value: 0", "'memory.bandwidth_gb_s' is 0"},
      {"kind: lpddr4", "kind: none",
       "'memory.energy_pj_per_bit' belongs to kind lpddr4, ddr3, hbm2, hbm3, "
       "but 'memory.kind' is none"},
      {"noc:\n", "noc:\n  kind: bus\n",
       "'noc.router_pj_per_bit' belongs to kind mesh, but 'noc.kind' is bus"},
      {"digital:\n", "digital:\n  kind: systolic\n",
       "must be one of lanes, simd"},
      {"tile_buffer:\n", "tile_buffer:\n  kind: registers\n",
       "'tile_buffer.register_mux_ff' is missing"},
      {"tile_buffer:\n", "tile_buffer:\n  edram_bank_kib: 64\n",
       "'tile_buffer.edram_bank_kib' belongs to kind edram"},
      // The power laws serve both buffers.
      {"buffer_fit:\n  read_pj", "buffer_fit:\n  # read_pj",
       "'buffer_fit.read_pj' is missing"},
      {"global_buffer:\n",
       "global_buffer:\n  kind: edram\n  edram_bank_kib: 64\n"
       "  edram_read_pj_per_bit: 0.07\n  edram_write_pj_per_bit: 0.07\n"
       "  edram_bank_mm2: nan\n",
       "'global_buffer.edram_bank_mm2' is nan, must be"},
      // Includes.
      {"array:", "include: [no-such-file.yaml]\narray:", "does not exist"},
      {"array:", "include: a.yaml\narray:", "must be a list of files"},
      // Figures.
      {"array:", "expected: {tops: 3}\narray:",
       "must be {value, source, "
       "error}"},
      {"array:", "expected: {tops: {value: nan}}\narray:", "must be a number"},
      {"array:", "expected: {tops: {value: 1, by: me}}\narray:",
       "unknown key 'by'"},
      // Not YAML at all.
      {"array:", "array: {{{", "not readable as YAML"},
      {"array:", "\tarray:", "not readable as YAML"},
  };
  for (const Case &c : cases) {
    std::string text = test::completeFile();
    // Expectations of the shipped file would collide with those of a case.
    size_t at = text.find("\nexpected:");
    if (at != std::string::npos)
      text.resize(at + 1);
    at = text.find(c.from);
    ASSERT_NE(at, std::string::npos) << c.from;
    text.replace(at, llvm::StringRef(c.from).size(), c.to);
    std::string message = messageOf(text);
    EXPECT_NE(message.find(c.message), std::string::npos)
        << c.to << "\n  " << message;
    EXPECT_EQ(message.rfind("chip.yaml:", 0), 0u) << message;
  }
  for (const char *text :
       {"", "[]", "42", "name: x", "- a\n- b", "name: [a]", "array: 3",
        "? [a]\n: b", "&a {b: *a}", "{", "'", "\xff\xfe", "--- \n...\n%"})
    EXPECT_NE(messageOf(text), "");
}

TEST(TargetFile, MessagesNameTheLine) {
  std::string text = test::completeFile();
  size_t at = text.find("  rows: 256");
  size_t line =
      1 + size_t(std::count(text.begin(), text.begin() + ptrdiff_t(at), '\n'));
  text.replace(at, 11, "  rows: 0  ");
  EXPECT_EQ(messageOf(text).rfind("chip.yaml:" + std::to_string(line) + ":", 0),
            0u);
}

//===----------------------------------------------------------------------===//
// Includes on disk
//===----------------------------------------------------------------------===//

namespace {
/// A folder that is removed at the end of the test.
class Includes : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("imc-target", folder));
  }
  void TearDown() override { (void)llvm::sys::fs::remove_directories(folder); }
  std::string write(const std::string &name, const std::string &text) {
    std::string path = folder.str().str() + "/" + name;
    std::error_code error;
    llvm::raw_fd_ostream(path, error) << text;
    EXPECT_FALSE(error);
    return path;
  }
  std::string refusal(const std::string &path) {
    llvm::Expected<TargetSpec> spec = loadTargetFile(path);
    if (spec)
      return "";
    return llvm::toString(spec.takeError());
  }
  llvm::SmallString<128> folder;
};
} // namespace

TEST_F(Includes, TheIncluderOverrides) {
  write("base.yaml", test::completeFile());
  std::string path = write("chip.yaml", "name: mine\narray: {rows: 64}\n"
                                        "include: [base.yaml]\n");
  TargetSpec spec = llvm::cantFail(loadTargetFile(path));
  EXPECT_EQ(spec.name, "mine");
  EXPECT_EQ(spec.values.array.rows, 64);
  EXPECT_EQ(spec.values.array.cols, 256);
  EXPECT_EQ(spec.file, path);
}

TEST_F(Includes, SiblingsMustAgree) {
  write("base.yaml", test::completeFile());
  write("same.yaml", "array: {rows: 256}\n");
  write("other.yaml", "array:\n  rows: 128\n");
  std::string good =
      write("good.yaml", "name: a\ninclude: [base.yaml, same.yaml]\n");
  EXPECT_EQ(refusal(good), "");
  std::string bad =
      write("bad.yaml", "name: a\ninclude: [base.yaml, other.yaml]\n");
  std::string message = refusal(bad);
  EXPECT_NE(message.find("other.yaml:2: 'array.rows' contradicts"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("base.yaml:"), std::string::npos) << message;
}

TEST(TargetFile, ContradictionsStandAtTheirField) {
  std::string text = test::completeFile();
  const size_t at = text.find("  rows: 256");
  ASSERT_NE(at, std::string::npos);
  text.insert(at, "  active_rows: 100\n");
  const auto line = 1 + std::count(text.begin(), text.begin() + long(at), '\n');
  std::string message = messageOf(text);
  EXPECT_EQ(message.find("chip.yaml:" + std::to_string(line) +
                         ": 'array.active_rows' is 100, must divide "
                         "'array.rows', 256"),
            0u)
      << message;
}

TEST_F(Includes, CyclesAreRefused) {
  write("a.yaml", "include: [b.yaml]\n");
  std::string b = write("b.yaml", "include: [a.yaml]\n");
  EXPECT_NE(refusal(b).find("leads back here"), std::string::npos);
  std::string self = write("self.yaml", "include: [self.yaml]\n");
  EXPECT_NE(refusal(self).find("leads back here"), std::string::npos);
}

TEST_F(Includes, ErrorsNameTheIncludedFile) {
  write("broken.yaml", "array:\n  rows: 0\n");
  std::string path = write("chip.yaml", "name: a\ninclude: [broken.yaml]\n");
  EXPECT_NE(refusal(path).find("broken.yaml:2: 'array.rows' is 0"),
            std::string::npos);
}

TEST_F(Includes, MissingFileAndFolder) {
  EXPECT_NE(refusal(folder.str().str() + "/none.yaml").find("none.yaml"),
            std::string::npos);
  EXPECT_NE(refusal(folder.str().str()), "");
}
