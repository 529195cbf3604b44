//===- SchemaTest.cpp - The table of machine fields
//-------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Files.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <cstdlib>

using namespace imc;
using namespace imc::machine;

TEST(Schema, TableIsWellFormed) {
  llvm::StringSet<> paths, names;
  for (const Component &component : schema()) {
    EXPECT_TRUE(names.insert(component.name).second) << component.name;
    EXPECT_NE(*component.doc, 0) << component.name;
    for (const Field &field : component.fields) {
      std::string path = field.path();
      EXPECT_TRUE(paths.insert(path).second) << path;
      EXPECT_STREQ(field.component, component.name) << path;
      EXPECT_LT(field.min, field.max) << path;
      llvm::StringRef doc = field.doc;
      EXPECT_TRUE(doc.ends_with(".")) << path << " needs a doc sentence";
      EXPECT_EQ(field.type == FieldType::Enumeration, !field.names.empty())
          << path;
      if (!field.required) {
        EXPECT_FALSE(bool(checkValue(field, field.default_value))) << path;
      }
      // Getter and setter reach the same member and no other.
      Machine a, b;
      field.set(a, field.max);
      EXPECT_EQ(field.get(a), field.max) << path;
      for (const Component &c : schema())
        for (const Field &f : c.fields)
          if (f.path() != path) {
            EXPECT_EQ(f.get(a), f.get(b)) << path << " sets " << f.path();
          }
    }
  }
}

TEST(Schema, UnitIsInTheName) {
  struct Case {
    const char *path, *unit;
  };
  for (const Case &c :
       {Case{"technology.node_nm", "nm"}, Case{"technology.vdd_v", "V"},
        Case{"global_buffer.size_mib", "MiB"},
        Case{"memory.energy_pj_per_bit", "pJ"},
        Case{"memory.bandwidth_gb_s", "GB/s"},
        Case{"timing.cycle_time_ns", "ns"}, Case{"cell.area_f2", "F2"}})
    EXPECT_STREQ(findField(c.path)->unit, c.unit) << c.path;
}

TEST(Schema, AliasesLeadToFields) {
  for (const Alias &alias : aliases()) {
    const Field *field = findField(std::string("machine.") + alias.alias);
    ASSERT_NE(field, nullptr) << alias.alias;
    EXPECT_EQ(field->path(), alias.path);
    EXPECT_EQ(knobPath(*field), std::string("machine.") + alias.alias);
  }
  EXPECT_EQ(findField("machine.array.rows"), findField("array.rows"));
  EXPECT_EQ(findField("machine.rows"), findField("array.rows"));
  EXPECT_EQ(knobPath(*findField("noc.link_bits")), "machine.noc.link_bits");
}

TEST(Schema, UnknownPaths) {
  for (const char *path :
       {"", "machine.", "machine", "array", "array.", ".rows", "array.row",
        "rows.array", "machine.x.y", "pass.weight_bits", "array.rows.x"})
    EXPECT_EQ(findField(path), nullptr) << path;
  llvm::Error error = lookupField("machine.row").takeError();
  std::string message = llvm::toString(std::move(error));
  EXPECT_NE(message.find("machine.rows"), std::string::npos) << message;
  error = lookupField("machine.adcs.share").takeError();
  message = llvm::toString(std::move(error));
  EXPECT_NE(message.find("machine.adc.share"), std::string::npos) << message;
  error = lookupField("qqqqqqqqqqqq").takeError();
  EXPECT_NE(llvm::toString(std::move(error)).find("--schema"),
            std::string::npos);
}

TEST(Schema, ValuesRoundTrip) {
  for (const Component &component : schema())
    for (const Field &field : component.fields) {
      std::vector<double> values = {field.min, field.max};
      if (field.type == FieldType::Real)
        values.push_back(field.min + (field.max - field.min) / 3);
      for (double value : values)
        EXPECT_EQ(llvm::cantFail(parseValue(field, formatValue(field, value))),
                  value)
            << field.path();
    }
}

TEST(Schema, RefusesValues) {
  struct Case {
    const char *path, *text;
  };
  const Case cases[] = {
      {"array.rows", "0"},         {"array.rows", "8193"},
      {"array.rows", "12.5"},      {"array.rows", "1e400"},
      {"array.rows", ""},          {"array.rows", "12 rows"},
      {"array.rows", "0x10"},      {"array.rows", "nan"},
      {"technology.vdd_v", "0.1"}, {"technology.vdd_v", "inf"},
      {"technology.vdd_v", "-1"},  {"technology.vdd_v", "0,8"},
      {"cell.kind", "dram"},       {"cell.kind", "0"},
      {"cell.kind", "RRAM"},       {"cell.bits", "9"},
      {"adc.bits", "0"},           {"activity.input_density", "1.01"},
  };
  for (const Case &c : cases) {
    Machine m;
    llvm::Error error = setField(m, c.path, llvm::StringRef(c.text));
    ASSERT_TRUE(bool(error)) << c.path << "=" << c.text;
    std::string message = llvm::toString(std::move(error));
    EXPECT_NE(message.find(c.path), std::string::npos) << message;
    EXPECT_NE(message.find("must be"), std::string::npos) << message;
    EXPECT_EQ(m, Machine());
  }
  Machine m;
  std::string message =
      llvm::toString(setField(m, "machine.vdd", llvm::StringRef("9")));
  EXPECT_EQ(message, "'technology.vdd_v' is 9, must be a number from 0.2 to 5 "
                     "V");
  message = llvm::toString(setField(m, "cell.kind", llvm::StringRef("dram")));
  EXPECT_EQ(message, "'cell.kind' is 'dram', must be one of rram, pcm, sram, "
                     "sram_current, sram_digital");
}

// The page in docs/ is the schema. After a change of the schema, run this test
// once with IMC_UPDATE_DOCS=1.
TEST(Schema, ReferencePageIsCurrent) {
  std::string path =
      std::string(IMC_SOURCE_DIR) + "/docs/reference/machine-fields.md";
  if (getenv("IMC_UPDATE_DOCS")) {
    std::error_code error;
    llvm::raw_fd_ostream(path, error) << schemaMarkdown();
    ASSERT_FALSE(error);
  }
  auto page = llvm::MemoryBuffer::getFile(path);
  ASSERT_TRUE(bool(page)) << path;
  EXPECT_EQ((*page)->getBuffer().str(), schemaMarkdown());
}

TEST(Schema, JsonSchemaNamesEverything) {
  llvm::json::Value value = jsonSchema();
  const llvm::json::Object &properties =
      *value.getAsObject()->getObject("properties");
  for (const Component &component : schema()) {
    const llvm::json::Object *object = properties.getObject(component.name);
    ASSERT_NE(object, nullptr) << component.name;
    const llvm::json::Object &fields = *object->getObject("properties");
    EXPECT_EQ(fields.size(), component.fields.size());
    for (const Field &field : component.fields) {
      const llvm::json::Object *entry = fields.getObject(field.name);
      ASSERT_NE(entry, nullptr) << field.path();
      EXPECT_EQ(entry->getString("description"), field.doc);
      EXPECT_EQ(entry->getString("unit"), field.unit);
    }
  }
  // It is valid JSON that reads back.
  std::string text = llvm::formatv("{0:2}", value).str();
  EXPECT_TRUE(bool(llvm::json::parse(text)));
}
