//===- Binary.cpp - Programs as bytes -------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Magic, version (both fixed width), then model, schedule, inferences, chip,
// four tables and the streams as LEB128 numbers in the order of Fields.h, then
// the CRC-32 of everything before it. A string is its length and its bytes, a
// table its length and its records. Every length is compared with the bytes
// that are left before anything is allocated: a record has at least one byte.
//
//===----------------------------------------------------------------------===//

#include "Fields.h"

#include "imc/Program/IO.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CRC.h"
#include "llvm/Support/DataExtractor.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/LEB128.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using namespace imc::program;

static constexpr StringLiteral magic = "IMCP";
static constexpr uint32_t version = 4;

static uint32_t checksum(StringRef bytes) {
  return crc32(
      ArrayRef(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
}

namespace {

class FieldWriter {
public:
  explicit FieldWriter(raw_ostream &os) : os(os) {}

  void signedNumber(int64_t value) { encodeSLEB128(value, os); }
  void length(size_t value) { encodeULEB128(value, os); }
  void string(StringRef value) {
    length(value.size());
    os << value;
  }

  void number(const char *, int64_t value, int64_t, int64_t) {
    signedNumber(value);
  }
  void flag(const char *, bool value) { signedNumber(value); }
  void text(const char *, const std::string &value) { string(value); }
  template <class Enum>
  void choice(const char *, Enum value, ArrayRef<const char *>) {
    signedNumber(static_cast<int64_t>(value));
  }
  void region(const char *, const Region &value) {
    signedNumber(value.offset);
    signedNumber(value.size);
  }
  void list(const char *, const std::vector<int64_t> &values, int64_t) {
    length(values.size());
    for (int64_t value : values)
      signedNumber(value);
  }
  void group(const char *) {}

private:
  raw_ostream &os;
};

/// The first thing that is wrong is kept; what is read after it is zero.
class Reader {
public:
  Reader(StringRef bytes, StringRef file)
      : data(bytes, /*IsLittleEndian=*/true, /*AddressSize=*/8), file(file),
        cursor(magic.size() + sizeof(version)) {}
  ~Reader() { consumeError(cursor.takeError()); }

  bool ok() { return message.empty() && bool(cursor); }
  void fail(uint64_t at, const Twine &what) {
    if (ok())
      message = (file + ": byte " + Twine(at) + ": " + what).str();
  }
  Error takeError() {
    if (Error error = cursor.takeError())
      return createStringError(file + ": " + toString(std::move(error)) +
                               ": the file is cut short or damaged; write it "
                               "again");
    return message.empty() ? Error::success() : createStringError(message);
  }

  int64_t number(const Twine &what, int64_t min, int64_t max) {
    uint64_t at = cursor.tell();
    int64_t value = data.getSLEB128(cursor);
    if (!ok())
      return 0;
    if (value >= min && value <= max)
      return value;
    fail(at, what + " is " + Twine(value) + ", but must lie in " + Twine(min) +
                 " to " + Twine(max));
    return 0;
  }
  /// A length of things of at least one byte each.
  uint64_t length(const Twine &what) {
    uint64_t at = cursor.tell();
    uint64_t value = data.getULEB128(cursor);
    if (!ok())
      return 0;
    uint64_t left = data.size() - cursor.tell();
    if (value <= left)
      return value;
    fail(at, what + ": length " + Twine(value) + ", but only " + Twine(left) +
                 " bytes follow; the file is damaged");
    return 0;
  }
  std::string string(const Twine &what) {
    uint64_t size = length(what);
    return ok() ? data.getBytes(cursor, size).str() : std::string();
  }
  uint8_t byte() { return data.getU8(cursor); }
  uint64_t tell() const { return cursor.tell(); }
  bool atEnd() const { return cursor.tell() == data.size(); }

private:
  DataExtractor data;
  StringRef file;
  DataExtractor::Cursor cursor;
  std::string message;
};

class FieldReader {
public:
  explicit FieldReader(Reader &reader) : reader(reader) {}

  void number(const char *name, int64_t &value, int64_t min, int64_t max) {
    value = reader.number(name, min, max);
  }
  void flag(const char *name, bool &value) {
    value = reader.number(name, 0, 1) != 0;
  }
  void text(const char *name, std::string &value) {
    value = reader.string(name);
  }
  template <class Enum>
  void choice(const char *name, Enum &value, ArrayRef<const char *> names) {
    value = static_cast<Enum>(
        reader.number(name, 0, static_cast<int64_t>(names.size()) - 1));
  }
  void region(const char *name, Region &value) {
    value.offset = reader.number(name, 0, maxNumber);
    value.size = reader.number(name, 0, maxNumber);
  }
  void list(const char *name, std::vector<int64_t> &values, int64_t max) {
    values.resize(reader.length(name));
    for (int64_t &value : values)
      value = reader.number(name, 0, max);
  }
  void group(const char *) {}

private:
  Reader &reader;
};

} // namespace

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

template <class Record>
static void writeTable(const std::vector<Record> &table, FieldWriter &out) {
  out.length(table.size());
  for (const Record &record : table) {
    if constexpr (!std::is_same_v<Record, Part>)
      out.string(record.name);
    visit(record, out);
  }
}

void imc::program::writeBinary(const Program &program, raw_ostream &os) {
  std::string bytes(magic);
  raw_string_ostream body(bytes);
  char fixed[4];
  support::endian::write32le(fixed, version);
  body << StringRef(fixed, sizeof(fixed));

  FieldWriter out(body);
  out.string(program.model);
  out.signedNumber(static_cast<int64_t>(program.schedule));
  out.signedNumber(program.inferences);
  visit(program.chip, out);
  writeTable(program.tensors, out);
  writeTable(program.products, out);
  writeTable(program.parts, out);
  writeTable(program.kernels, out);
  out.length(program.streams.size());
  for (const Stream &stream : program.streams) {
    out.signedNumber(stream.core);
    out.length(stream.instructions.size());
    for (const Instruction &i : stream.instructions) {
      const OpcodeInfo &info = infoOf(i.opcode);
      body << static_cast<char>(i.opcode);
      if (info.operand != Operand::None)
        out.signedNumber(i.index);
      if (info.hasFirst)
        for (int64_t value : {i.first, i.stride[0], i.stride[1]})
          out.signedNumber(value);
      if (info.hasCount)
        out.signedNumber(i.count);
    }
  }
  support::endian::write32le(fixed, checksum(bytes));
  os << bytes << StringRef(fixed, sizeof(fixed));
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

template <class Record>
static void readTable(const Twine &what, std::vector<Record> &table,
                      Reader &in) {
  // Grows as records are read: the length alone allocates nothing.
  uint64_t size = in.length(what);
  for (uint64_t i = 0; i < size && in.ok(); ++i) {
    Record &record = table.emplace_back();
    if constexpr (!std::is_same_v<Record, Part>)
      record.name = in.string("name");
    visit(record, FieldReader(in));
  }
}

static void readInstruction(Stream &stream, Reader &in) {
  uint64_t at = in.tell();
  uint8_t opcode = in.byte();
  if (!in.ok())
    return;
  if (opcode >= opcodes.size())
    return in.fail(at, "opcode " + Twine(unsigned(opcode)) +
                           " is none: there are " + Twine(opcodes.size()));
  Instruction i;
  i.opcode = static_cast<Opcode>(opcode);
  const OpcodeInfo &info = infoOf(i.opcode);
  if (info.operand != Operand::None)
    i.index = in.number("an operand", 0, maxNumber);
  if (info.hasFirst)
    for (int64_t *value : {&i.first, &i.stride[0], &i.stride[1]})
      *value = in.number("a value", -maxNumber, maxNumber);
  if (info.hasCount)
    i.count = in.number("a count", 0, maxNumber);
  stream.instructions.push_back(i);
}

Expected<Program> imc::program::readBinary(StringRef bytes, StringRef file) {
  if (!bytes.starts_with(magic))
    return createStringError(file + ": byte 0: a program starts with '" +
                             magic + "', this does not");
  if (bytes.size() < magic.size() + 2 * sizeof(uint32_t))
    return createStringError(file + ": only " + Twine(bytes.size()) +
                             " bytes: the file is cut short; write it again");
  uint32_t found = support::endian::read32le(bytes.data() + magic.size());
  if (found != version)
    return createStringError(file + ": byte 4: version " + Twine(found) +
                             ", this program reads version " + Twine(version) +
                             ": write the file again, or use its text form");
  StringRef body = bytes.drop_back(sizeof(uint32_t));
  if (support::endian::read32le(body.end()) != checksum(body))
    return createStringError(file + ": the checksum of its " +
                             Twine(bytes.size()) +
                             " bytes is wrong: the file is cut short or "
                             "damaged; write it again");

  Reader in(body, file);
  Program program;
  program.model = in.string("model");
  program.schedule = static_cast<Schedule>(
      in.number("schedule", 0, static_cast<int64_t>(scheduleNames.size()) - 1));
  program.inferences = in.number("inferences", 1, maxNumber);
  visit(program.chip, FieldReader(in));
  readTable("tensors", program.tensors, in);
  readTable("products", program.products, in);
  readTable("parts", program.parts, in);
  readTable("kernels", program.kernels, in);
  uint64_t streams = in.length("streams");
  for (uint64_t s = 0; s < streams && in.ok(); ++s) {
    Stream &stream = program.streams.emplace_back();
    stream.core = in.number("core", Stream::idleCores, maxNumber);
    uint64_t size = in.length("instructions");
    for (uint64_t i = 0; i < size && in.ok(); ++i)
      readInstruction(stream, in);
  }
  if (in.ok() && !in.atEnd())
    in.fail(in.tell(), "the program ends here, but " +
                           Twine(body.size() - in.tell()) +
                           " bytes follow; the file is damaged");
  if (Error error = in.takeError())
    return std::move(error);
  return program;
}

Expected<Program> imc::program::parse(StringRef bytes, StringRef file) {
  return bytes.starts_with(magic) ? readBinary(bytes, file)
                                  : parseText(bytes, file);
}

Expected<Program> imc::program::read(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFileOrSTDIN(path);
  if (!buffer)
    return createStringError(path + ": " + buffer.getError().message());
  return parse((*buffer)->getBuffer(), path == "-" ? "<stdin>" : path);
}
