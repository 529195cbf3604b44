//===- Points.cpp - Reads tables of published points ----------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "imc/Validate/Points.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace imc::validate;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {
struct Text {
  const char *column;
  std::string Point::*member;
  bool optional; ///< the file need not have the column
};
constexpr Text texts[] = {
    {"id", &Point::id, false},           {"chip", &Point::chip, false},
    {"set", &Point::set, false},         {"kind", &Point::kind, false},
    {"device", &Point::device, false},   {"cell", &Point::cell, false},
    {"compute", &Point::compute, false}, {"target", &Point::target, true},
};

struct Number {
  const char *column;
  std::optional<double> Point::*member;
  double min, max;       ///< inclusive
  bool zeroIsMissing;    ///< tables write 0 for what there is none of, and for
                         ///< reported figures that were rounded away
  bool optional = false; ///< the file need not have the column
};
// Ranges are those of anything that could be built: a value outside is a slip.
constexpr Number numbers[] = {
    {"year", &Point::year, 1980, 2100, false},
    {"node_nm", &Point::node_nm, 1, 1000, false},
    {"rows", &Point::rows, 1, 1e6, true},
    {"cols", &Point::cols, 1, 1e6, true},
    {"rows_active", &Point::rows_active, 1, 1e6, true},
    {"dot_len", &Point::dot_len, 1, 1e6, true},
    {"n_adc", &Point::n_adc, 1, 1e6, true},
    {"n_macro", &Point::n_macro, 1, 1e6, true},
    {"adc_bits", &Point::adc_bits, 1, 32, true},
    {"in_bits", &Point::in_bits, 1, 64, false},
    {"w_bits", &Point::w_bits, 1, 64, false},
    {"in_bits_per_cycle", &Point::in_bits_per_cycle, 1, 64, true},
    {"vdd_V", &Point::vdd_v, 0.01, 10, false},
    {"t_ns", &Point::t_ns, 1e-3, 1e9, false},
    {"toggle", &Point::toggle, 0, 1, false, true},
    {"tops", &Point::tops, 1e-9, 1e9, true, true},
    {"tops_w", &Point::tops_w, 1e-9, 1e9, true},
    {"tops_mm2", &Point::tops_mm2, 1e-9, 1e9, true},
    {"area_mm2", &Point::area_mm2, 1e-9, 1e6, true},
    {"pJ_per_invocation", &Point::pj_per_invocation, 1e-9, 1e12, true},
    {"fJ_per_mac", &Point::fj_per_mac, 1e-9, 1e12, true},
};

struct Record {
  unsigned line = 0; ///< where it starts, from 1
  std::vector<std::string> fields;
};
} // namespace

static Error fail(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// Splits RFC 4180 text into records; blank lines are left out.
static Expected<std::vector<Record>> splitRecords(StringRef text,
                                                  StringRef file) {
  std::vector<Record> records;
  Record record;
  std::string field;
  bool quoted = false, wasQuoted = false;
  unsigned line = 1, opened = 1;
  record.line = 1;
  auto endField = [&] {
    record.fields.push_back(std::move(field));
    field.clear();
    wasQuoted = false;
  };
  auto endRecord = [&] {
    endField();
    if (record.fields.size() > 1 || !record.fields.front().empty())
      records.push_back(std::move(record));
    record = Record();
    record.line = line;
  };
  text.consume_front("\xEF\xBB\xBF");
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\0')
      return fail(file + ":" + Twine(line) +
                  ": a zero byte; give a CSV file in UTF-8");
    if (c == '\n')
      ++line;
    if (quoted) {
      if (c != '"')
        field += c;
      else if (i + 1 < text.size() && text[i + 1] == '"')
        field += text[++i];
      else
        quoted = false;
    } else if (c == '"') {
      if (!field.empty() || wasQuoted)
        return fail(file + ":" + Twine(line) +
                    ": a quote inside a field; put the field in quotes and "
                    "double the quote");
      quoted = wasQuoted = true;
      opened = line;
    } else if (c == ',') {
      endField();
    } else if (c == '\n') {
      endRecord();
    } else if (c == '\r' && (i + 1 == text.size() || text[i + 1] == '\n')) {
      continue;
    } else if (wasQuoted) {
      return fail(file + ":" + Twine(line) + ": '" + Twine(c) +
                  "' after a closing quote; a comma or the end of the line "
                  "must follow");
    } else {
      field += c;
    }
  }
  if (quoted)
    return fail(file + ":" + Twine(opened) + ": a quote is never closed");
  if (!field.empty() || !record.fields.empty())
    endRecord();
  return records;
}

/// Number of a field, or nothing when it is empty.
static Error read(const Number &column, StringRef text,
                  const std::string &place, std::optional<double> &value) {
  text = text.trim();
  if (text.empty())
    return Error::success();
  double number = 0;
  auto range = [&] {
    std::string words;
    llvm::raw_string_ostream(words)
        << llvm::format("; give a number from %g to %g, or leave it empty",
                        column.min, column.max);
    return words;
  };
  // getAsDouble takes "nan" and "inf" too.
  if (text.getAsDouble(number) || !std::isfinite(number))
    return fail(place + ": '" + column.column + "' is '" + text +
                "', not a number" + range());
  if (number == 0 && column.zeroIsMissing)
    return Error::success();
  if (number < column.min || number > column.max)
    return fail(place + ": '" + column.column + "' is " + text + range());
  value = number;
  return Error::success();
}

Expected<std::vector<Point>> imc::validate::parsePoints(StringRef text,
                                                        StringRef file) {
  Expected<std::vector<Record>> records = splitRecords(text, file);
  if (!records)
    return records.takeError();
  if (records->empty())
    return fail(file + ":1: no header; the first line names the columns");

  llvm::StringMap<size_t> columns;
  const Record &header = records->front();
  for (size_t i = 0; i < header.fields.size(); ++i)
    if (!columns.try_emplace(StringRef(header.fields[i]).trim(), i).second)
      return fail(file + ":1: column '" + header.fields[i] +
                  "' is there twice; remove one");
  std::vector<std::string> missing;
  for (const Text &column : texts)
    if (!column.optional && !columns.count(column.column))
      missing.push_back(column.column);
  for (const Number &column : numbers)
    if (!column.optional && !columns.count(column.column))
      missing.push_back(column.column);
  if (!columns.count("basis"))
    missing.push_back("basis");
  if (!missing.empty())
    return fail(file + ":1: no column " + llvm::join(missing, ", ") +
                "; add it, with empty fields where nothing is known");

  std::vector<Point> points;
  llvm::StringMap<unsigned> seen;
  for (const Record &record : llvm::drop_begin(*records)) {
    const std::string place = (file + ":" + Twine(record.line)).str();
    if (record.fields.size() != header.fields.size())
      return fail(place + ": " + Twine(record.fields.size()) +
                  " fields, the header names " + Twine(header.fields.size()));
    auto field = [&](const char *column) {
      return StringRef(record.fields[columns.lookup(column)]).trim();
    };
    Point point;
    point.line = record.line;
    for (const Text &column : texts)
      if (columns.count(column.column))
        point.*column.member = field(column.column).str();
    if (point.id.empty())
      return fail(place + ": 'id' is empty; give every row a name of its own");
    auto [first, isNew] = seen.try_emplace(point.id, record.line);
    if (!isNew)
      return fail(place + ": 'id' is '" + point.id + "', as in line " +
                  Twine(first->second) + "; rename one");
    for (const Number &column : numbers)
      if (columns.count(column.column))
        if (Error error =
                read(column, field(column.column), place, point.*column.member))
          return error;
    StringRef basis = field("basis");
    if (!basis.empty() && basis != "native" && basis != "1b")
      return fail(place + ": 'basis' is '" + basis +
                  "'; give native or 1b (figures times in_bits and w_bits), "
                  "empty: native");
    point.one_bit_basis = basis == "1b";
    points.push_back(std::move(point));
  }
  return points;
}

Expected<std::vector<Point>> imc::validate::readPoints(StringRef file) {
  auto buffer = llvm::MemoryBuffer::getFile(file, /*IsText=*/true);
  if (!buffer)
    return fail("cannot read '" + file + "': " + buffer.getError().message() +
                "; give a CSV file with published points");
  return parsePoints((*buffer)->getBuffer(), file);
}
