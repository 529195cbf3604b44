//===- TextPrinter.cpp - Programs as assembly -----------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fields.h"

#include "imc/Program/IO.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace imc::program;

StringRef imc::program::name(Opcode opcode) { return infoOf(opcode).name; }
StringRef imc::program::name(Schedule schedule) {
  return scheduleNames[static_cast<size_t>(schedule)];
}

namespace {

void printString(raw_ostream &os, StringRef text) {
  os << '"';
  printEscapedString(text, os);
  os << '"';
}

/// Prints `name=value` of every field that differs from a new record's. Walks
/// the record and a new one side by side: the n-th field of either is the same.
class FieldCollector {
public:
  explicit FieldCollector(std::vector<std::string> &values) : values(values) {}

  void number(const char *, int64_t value, int64_t, int64_t) {
    values.push_back(std::to_string(value));
  }
  void flag(const char *, bool value) { values.push_back(value ? "1" : "0"); }
  void text(const char *, const std::string &value) {
    std::string quoted;
    raw_string_ostream os(quoted);
    printString(os, value);
    values.push_back(quoted);
  }
  template <class Enum>
  void choice(const char *, Enum value, ArrayRef<const char *> names) {
    values.emplace_back(names[static_cast<size_t>(value)]);
  }
  void region(const char *, const Region &value) {
    values.push_back(std::to_string(value.offset) + "+" +
                     std::to_string(value.size));
  }
  void list(const char *, const std::vector<int64_t> &value, int64_t) {
    values.push_back(
        "[" +
        join(map_range(value, [](int64_t v) { return std::to_string(v); }),
             ", ") +
        "]");
  }
  void group(const char *) {}

private:
  std::vector<std::string> &values;
};

/// The names that go with FieldCollector's values.
class FieldPrinter {
public:
  FieldPrinter(raw_ostream &os, ArrayRef<std::string> values,
               ArrayRef<std::string> defaults)
      : os(os), values(values), defaults(defaults) {}

  void number(const char *name, int64_t, int64_t, int64_t) { print(name); }
  void flag(const char *name, bool) { print(name); }
  void text(const char *name, const std::string &) { print(name); }
  template <class Enum>
  void choice(const char *name, Enum, ArrayRef<const char *>) {
    print(name);
  }
  void region(const char *name, const Region &) { print(name); }
  void list(const char *name, const std::vector<int64_t> &, int64_t) {
    print(name);
  }
  void group(const char *name) { os << "\n  " << name; }

private:
  void print(const char *name) {
    if (values[next] != defaults[next])
      os << ' ' << name << '=' << values[next];
    ++next;
  }

  raw_ostream &os;
  ArrayRef<std::string> values, defaults;
  size_t next = 0;
};

template <class Record>
void printFields(const Record &record, raw_ostream &os) {
  std::vector<std::string> values, defaults;
  visit(record, FieldCollector(values));
  const Record fresh;
  visit(fresh, FieldCollector(defaults));
  visit(record, FieldPrinter(os, values, defaults));
  os << '\n';
}

template <class Record>
void printTable(StringRef kind, const std::vector<Record> &records,
                raw_ostream &os) {
  if (!records.empty())
    os << '\n';
  for (const auto &[i, record] : enumerate(records)) {
    os << kind << ' ' << i;
    if constexpr (!std::is_same_v<Record, Part>) {
      os << ' ';
      printString(os, record.name);
    }
    printFields(record, os);
  }
}

void printTerm(int64_t stride, char iteration, raw_ostream &os) {
  if (stride == 0)
    return;
  os << (stride < 0 ? " - " : " + ");
  // The smallest number has no positive counterpart.
  os << (stride < 0 ? 0 - static_cast<uint64_t>(stride)
                    : static_cast<uint64_t>(stride))
     << '*' << iteration;
}

class StreamPrinter {
public:
  StreamPrinter(const Program &program, raw_ostream &os)
      : program(program), os(os) {}

  void print(const Stream &stream) {
    os << '\n';
    if (stream.core == Stream::allCores)
      os << "cores {\n";
    else if (stream.core == Stream::idleCores)
      os << "idle {\n";
    else if (stream.core == Stream::controller)
      os << "controller {\n";
    else
      os << "core " << stream.core << " {\n";
    indent = 1;
    for (const Instruction &instruction : stream.instructions)
      print(instruction);
    os << "}\n";
  }

private:
  void print(const Instruction &i) {
    if (i.opcode == Opcode::End && indent > 1)
      --indent;
    os.indent(2 * indent);
    if (i.opcode == Opcode::End) {
      os << "}\n";
      return;
    }
    const OpcodeInfo &info = infoOf(i.opcode);
    os << info.name;
    if (i.opcode == Opcode::Loop) {
      os << ' ' << i.count << " {\n";
      ++indent;
      return;
    }
    os << ' ' << static_cast<char>(info.operand) << i.index;
    bool value = i.first || i.stride[0] || i.stride[1];
    if ((value && info.hasFirst) || (info.hasFirst && info.hasCount)) {
      os << ", " << i.first;
      printTerm(i.stride[0], 'i', os);
      printTerm(i.stride[1], 'j', os);
    }
    if (info.hasCount)
      os << ", " << i.count;
    printName(i);
    os << '\n';
  }

  /// For people: whose work it is.
  void printName(const Instruction &i) {
    const std::string *name = nullptr;
    auto at = [&](const auto &table) {
      bool inside = i.index >= 0 && static_cast<size_t>(i.index) < table.size();
      return inside ? &table[i.index] : nullptr;
    };
    if (i.opcode == Opcode::Load) {
      if (const Part *part = at(program.parts))
        if (part->product >= 0 &&
            static_cast<size_t>(part->product) < program.products.size())
          name = &program.products[part->product].name;
    } else if (i.opcode == Opcode::Vector) {
      if (const Kernel *kernel = at(program.kernels))
        name = &kernel->name;
    } else if (i.opcode == Opcode::Fetch) {
      if (const Product *product = at(program.products))
        name = &product->name;
    }
    if (name) {
      os << " ; ";
      printEscapedString(*name, os);
    }
  }

  const Program &program;
  raw_ostream &os;
  unsigned indent = 1;
};

} // namespace

void imc::program::printText(const Program &program, raw_ostream &os) {
  os << "program 1 ";
  printString(os, program.model);
  os << "\nschedule " << name(program.schedule) << "\ninferences "
     << program.inferences << "\nchip";
  printFields(program.chip, os);
  printTable("tensor", program.tensors, os);
  printTable("product", program.products, os);
  printTable("part", program.parts, os);
  printTable("kernel", program.kernels, os);
  StreamPrinter printer(program, os);
  for (const Stream &stream : program.streams)
    printer.print(stream);
}
