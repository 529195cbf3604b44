//===- TextParser.cpp - Reads programs written as assembly ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One token of lookahead, no recursion: depth of loops costs no stack.
//
//===----------------------------------------------------------------------===//

#include "Fields.h"

#include "imc/Program/IO.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

#include <optional>

using namespace llvm;
using namespace imc::program;

namespace {

/// A key is a word with '=' behind it.
enum class Kind { Word, Key, Number, String, Mark, Bad, End };

struct Token {
  Kind kind = Kind::End;
  StringRef spelling; ///< a string's without quotes
  size_t line = 1, column = 1;
};

class Lexer {
public:
  explicit Lexer(StringRef text) : text(text) {}

  Token next() {
    skipSpace();
    Token token;
    token.line = line;
    token.column = at - lineStart + 1;
    if (at == text.size())
      return token;
    char c = text[at];
    size_t begin = at;
    if (isAlpha(c) || c == '_') {
      token.kind = Kind::Word;
      while (at < text.size() && (isAlnum(text[at]) || text[at] == '_'))
        ++at;
      token.spelling = text.slice(begin, at);
      size_t after = text.find_first_not_of(" \t", at);
      if (after != StringRef::npos && text[after] == '=') {
        token.kind = Kind::Key;
        at = after + 1;
      }
      return token;
    } else if (isDigit(c)) {
      token.kind = Kind::Number;
      while (at < text.size() && isDigit(text[at]))
        ++at;
    } else if (c == '"') {
      size_t close = text.find_first_of("\"\n", at + 1);
      if (close == StringRef::npos || text[close] == '\n') {
        token.kind = Kind::Bad;
        token.spelling = "\"";
        at = text.size();
        return token;
      }
      token.kind = Kind::String;
      token.spelling = text.slice(at + 1, close);
      at = close + 1;
      return token;
    } else {
      token.kind = StringRef("{}[],+-*").contains(c) ? Kind::Mark : Kind::Bad;
      ++at;
    }
    token.spelling = text.slice(begin, at);
    return token;
  }

private:
  void skipSpace() {
    while (at < text.size()) {
      char c = text[at];
      if (c == ';') {
        at = std::min(text.find('\n', at), text.size());
      } else if (c == '\n') {
        ++line;
        lineStart = ++at;
      } else if (c == ' ' || c == '\t' || c == '\r') {
        ++at;
      } else {
        return;
      }
    }
  }

  StringRef text;
  size_t at = 0, lineStart = 0, line = 1;
};

class Parser {
public:
  Parser(StringRef text, StringRef file) : lexer(text), file(file) {
    token = lexer.next();
  }

  Expected<Program> parse();

private:
  template <class Record>
  friend class FieldParser;

  //===--------------------------------------------------------------------===//
  // Errors: the first one counts, and every function gives up after it.
  //===--------------------------------------------------------------------===//

  bool fail(const Token &where, const Twine &what) {
    if (message.empty())
      message = (file + ":" + Twine(where.line) + ":" + Twine(where.column) +
                 ": " + what)
                    .str();
    return false;
  }
  bool unexpected(const Twine &wanted) {
    if (token.kind == Kind::End)
      return fail(token, "the text ends where " + wanted + " is expected");
    if (token.kind == Kind::Bad && token.spelling == "\"")
      return fail(token, "the string has no end: close it with '\"' on the "
                         "same line");
    return fail(token, "'" + token.spelling.take_front(40) + "' where " +
                           wanted + " is expected");
  }

  //===--------------------------------------------------------------------===//
  // Tokens
  //===--------------------------------------------------------------------===//

  void advance() { token = lexer.next(); }
  bool isMark(char c) const {
    return token.kind == Kind::Mark && token.spelling[0] == c;
  }
  bool isWord(StringRef word) const {
    return token.kind == Kind::Word && token.spelling == word;
  }
  bool takeMark(char c) {
    if (!isMark(c))
      return false;
    advance();
    return true;
  }
  bool expectMark(char c, const Twine &after) {
    return takeMark(c) || unexpected("'" + Twine(c) + "' " + after);
  }
  bool expectWord(StringRef word) {
    if (!isWord(word))
      return unexpected("'" + word + "'");
    advance();
    return true;
  }

  /// A number within [min, max], with its sign.
  bool number(StringRef what, int64_t &value, int64_t min, int64_t max) {
    Token start = token;
    bool negative = takeMark('-');
    if (token.kind != Kind::Number)
      return unexpected("a number (" + what + ")");
    // Digits only: what does not fit is out of range, not malformed.
    uint64_t magnitude = 0;
    bool fits = !token.spelling.getAsInteger(10, magnitude) &&
                magnitude <= static_cast<uint64_t>(maxNumber);
    value = negative ? -static_cast<int64_t>(magnitude)
                     : static_cast<int64_t>(magnitude);
    if (!fits || value < min || value > max)
      return fail(start, what + " is " + (negative ? "-" : "") +
                             token.spelling.take_front(40) +
                             ", but must lie in " + Twine(min) + " to " +
                             Twine(max));
    advance();
    return true;
  }

  bool string(StringRef what, std::string &value) {
    if (token.kind != Kind::String)
      return unexpected("a string in '\"' (" + what + ")");
    value.clear();
    StringRef rest = token.spelling;
    while (!rest.empty()) {
      if (rest[0] != '\\') {
        value += rest[0];
        rest = rest.drop_front();
      } else if (rest.size() > 1 && rest[1] == '\\') {
        value += '\\';
        rest = rest.drop_front(2);
      } else if (rest.size() > 2 && isHexDigit(rest[1]) &&
                 isHexDigit(rest[2])) {
        value += static_cast<char>(hexFromNibbles(rest[1], rest[2]));
        rest = rest.drop_front(3);
      } else {
        return fail(token, "'" + rest.take_front(3) + "' in " + what +
                               ": write '\\\\' or two hexadecimal digits "
                               "after '\\'");
      }
    }
    advance();
    return true;
  }

  //===--------------------------------------------------------------------===//
  // Sections
  //===--------------------------------------------------------------------===//

  bool header(Program &program);
  template <class Record>
  bool record(StringRef kind, std::vector<Record> &table);
  template <class Record>
  bool fields(StringRef kind, Record &record);
  bool stream(int64_t core, Program &program);
  bool instruction(Stream &stream, unsigned &depth);
  bool value(Instruction &instruction);

  Lexer lexer;
  StringRef file;
  Token token;
  std::string message;
};

/// Sets the field called `wanted`; `found` says whether there is one.
template <class Record>
class FieldParser {
public:
  FieldParser(Parser &p, StringRef wantedGroup, StringRef wanted)
      : p(p), wantedGroup(wantedGroup), wanted(wanted) {}

  bool found = false, ok = true;
  SmallVector<StringRef, 16> known; ///< the other fields of the group

  void number(const char *name, int64_t &value, int64_t min, int64_t max) {
    if (is(name))
      ok = p.number(name, value, min, max);
  }
  void flag(const char *name, bool &value) {
    if (!is(name))
      return;
    int64_t bit = 0;
    ok = p.number(name, bit, 0, 1);
    value = bit;
  }
  void text(const char *name, std::string &value) {
    if (is(name))
      ok = p.string(name, value);
  }
  template <class Enum>
  void choice(const char *name, Enum &value, ArrayRef<const char *> names) {
    if (!is(name))
      return;
    const auto *it = find_if(names, [&](StringRef n) { return p.isWord(n); });
    if (it == names.end()) {
      ok = p.unexpected(Twine(name) + " (one of " + join(names, ", ") + ")");
      return;
    }
    value = static_cast<Enum>(it - names.begin());
    p.advance();
  }
  void region(const char *name, Region &value) {
    if (is(name))
      ok = p.number(name, value.offset, 0, maxNumber) &&
           p.expectMark('+', "before the size of a region (offset+size)") &&
           p.number(name, value.size, 0, maxNumber);
  }
  void list(const char *name, std::vector<int64_t> &values, int64_t max) {
    if (!is(name))
      return;
    ok = p.expectMark('[', "before a list");
    values.clear();
    while (ok && !p.isMark(']')) {
      if (!values.empty() && !(ok = p.expectMark(',', "or ']' in a list")))
        return;
      values.push_back(0);
      ok = p.number(name, values.back(), 0, max);
    }
    ok = ok && p.expectMark(']', "after a list");
  }
  void group(const char *name) { currentGroup = name; }

private:
  bool is(StringRef name) {
    if (currentGroup != wantedGroup)
      return false;
    if (name != wanted) {
      known.push_back(name);
      return false;
    }
    return found = true;
  }

  Parser &p;
  StringRef currentGroup, wantedGroup, wanted;
};

/// Names of the groups of a record.
struct GroupNames {
  std::vector<StringRef> names;

  void number(const char *, int64_t, int64_t, int64_t) {}
  void flag(const char *, bool) {}
  void text(const char *, const std::string &) {}
  template <class Enum>
  void choice(const char *, Enum, ArrayRef<const char *>) {}
  void region(const char *, const Region &) {}
  void list(const char *, const std::vector<int64_t> &, int64_t) {}
  void group(const char *name) { names.emplace_back(name); }
};

} // namespace

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

template <class Record>
bool Parser::fields(StringRef kind, Record &record) {
  GroupNames groups;
  visit(record, groups);
  StringSet<> seen;
  StringRef group;
  while (token.kind == Kind::Word || token.kind == Kind::Key) {
    Token name = token;
    if (token.kind == Kind::Word) {
      // Any other word opens the next section.
      if (!is_contained(groups.names, name.spelling))
        return true;
      group = name.spelling;
      advance();
      continue;
    }
    advance();
    if (!seen.insert((group + "." + name.spelling).str()).second)
      return fail(name, "'" + name.spelling + "' is set twice in this " + kind +
                            ": keep one");
    FieldParser<Record> parser(*this, group, name.spelling);
    visit(record, parser);
    if (!parser.found)
      return fail(name, "a " + kind + " has no field '" +
                            name.spelling.take_front(40) + "'" +
                            (group.empty() ? "" : " in '" + group + "'") +
                            ": the fields are " + join(parser.known, ", "));
    if (!parser.ok)
      return false;
  }
  return true;
}

template <class Record>
bool Parser::record(StringRef kind, std::vector<Record> &table) {
  Token start = token;
  int64_t index = 0;
  if (!number((kind + " number").str(), index, 0, maxNumber))
    return false;
  if (static_cast<size_t>(index) != table.size())
    return fail(start, kind + " " + Twine(index) + " where " + kind + " " +
                           Twine(table.size()) +
                           " is expected: number them in order from 0");
  Record &entry = table.emplace_back();
  if constexpr (!std::is_same_v<Record, Part>)
    if (!string((kind + " name").str(), entry.name))
      return false;
  return fields(kind, entry);
}

//===----------------------------------------------------------------------===//
// Streams
//===----------------------------------------------------------------------===//

/// first + stride*i + stride*j
bool Parser::value(Instruction &instruction) {
  if (!number("the value", instruction.first, -maxNumber, maxNumber))
    return false;
  bool seen[2] = {false, false};
  while (isMark('+') || isMark('-')) {
    bool negative = isMark('-');
    advance();
    int64_t stride = 0;
    if (!number("a stride", stride, 0, maxNumber) ||
        !expectMark('*', "between a stride and 'i' or 'j'"))
      return false;
    if (!isWord("i") && !isWord("j"))
      return unexpected("'i' (iterations of the innermost loop) or 'j' (of the "
                        "next)");
    bool outer = token.spelling == "j";
    if (seen[outer])
      return fail(token,
                  "two strides of '" + token.spelling + "': add them up");
    seen[outer] = true;
    instruction.stride[outer] = negative ? -stride : stride;
    advance();
  }
  return true;
}

bool Parser::instruction(Stream &stream, unsigned &depth) {
  Token start = token;
  if (takeMark('}')) {
    --depth;
    if (depth > 0)
      stream.instructions.push_back({Opcode::End, 0, 0, {0, 0}, 0});
    return true;
  }
  if (token.kind != Kind::Word)
    return unexpected("an instruction or '}'");
  const auto *info = find_if(
      opcodes, [&](const OpcodeInfo &o) { return start.spelling == o.name; });
  Instruction i;
  i.opcode = static_cast<Opcode>(info - opcodes.begin());
  if (info == opcodes.end() || i.opcode == Opcode::End) {
    std::string names;
    for (const OpcodeInfo &o : opcodes)
      if (StringRef(o.name) != "end")
        names += (names.empty() ? "" : ", ") + std::string(o.name);
    return fail(start, "'" + start.spelling.take_front(40) +
                           "' is no instruction: use one of " + names);
  }
  advance();
  if (i.opcode == Opcode::Loop) {
    ++depth;
    stream.instructions.push_back(i);
    return number("the count of a loop", stream.instructions.back().count, 0,
                  maxNumber) &&
           expectMark('{', "after the count of a loop");
  }

  // 'p12' is one word.
  char letter = static_cast<char>(info->operand);
  StringRef digits = token.spelling.drop_front(token.kind == Kind::Word);
  uint64_t index = 0;
  if (token.kind != Kind::Word || token.spelling[0] != letter ||
      digits.empty() || !all_of(digits, isDigit))
    return unexpected(Twine("'") + Twine(letter) + "' and a number, as '" +
                      info->name + "' takes it");
  if (digits.getAsInteger(10, index) ||
      index > static_cast<uint64_t>(maxNumber))
    return fail(token, "'" + token.spelling.take_front(40) +
                           "': the number must lie in 0 to " +
                           Twine(maxNumber));
  i.index = static_cast<int64_t>(index);
  advance();

  // What has a count always says its value, so that one number is no riddle.
  bool both = info->hasFirst && info->hasCount;
  if (both ? expectMark(',', "before the value of '" + Twine(info->name) + "'")
           : info->hasFirst && takeMark(',')) {
    if (!value(i))
      return false;
  } else if (both) {
    return false;
  }
  if (info->hasCount &&
      (!expectMark(',', "before the count of '" + Twine(info->name) + "'") ||
       !number("the count", i.count, 0, maxNumber)))
    return false;
  stream.instructions.push_back(i);
  return true;
}

bool Parser::stream(int64_t core, Program &program) {
  Stream &stream = program.streams.emplace_back();
  stream.core = core;
  if (!expectMark('{', "before instructions"))
    return false;
  unsigned depth = 1;
  while (depth > 0)
    if (!instruction(stream, depth))
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

bool Parser::header(Program &program) {
  int64_t version = 0;
  if (!expectWord("program") ||
      !number("the version of the text form", version, 1, 1) ||
      !string("the model's name", program.model) || !expectWord("schedule"))
    return false;
  const auto *schedule =
      find_if(scheduleNames, [&](StringRef n) { return isWord(n); });
  if (schedule == scheduleNames.end())
    return unexpected("a schedule (one of " + join(scheduleNames, ", ") + ")");
  program.schedule = static_cast<Schedule>(schedule - scheduleNames.begin());
  advance();
  return expectWord("inferences") &&
         number("inferences", program.inferences, 1, maxNumber) &&
         expectWord("chip") && fields("chip", program.chip);
}

Expected<Program> Parser::parse() {
  Program program;
  bool ok = header(program);
  while (ok && token.kind != Kind::End) {
    if (token.kind != Kind::Word) {
      ok = unexpected("a table entry or a core");
      break;
    }
    Token start = token;
    advance();
    StringRef kind = start.spelling;
    if (kind == "tensor")
      ok = record(kind, program.tensors);
    else if (kind == "product")
      ok = record(kind, program.products);
    else if (kind == "part")
      ok = record(kind, program.parts);
    else if (kind == "kernel")
      ok = record(kind, program.kernels);
    else if (kind == "cores")
      ok = stream(Stream::allCores, program);
    else if (kind == "controller")
      ok = stream(Stream::controller, program);
    else if (kind == "idle")
      ok = stream(Stream::idleCores, program);
    else if (int64_t core = 0; kind == "core")
      ok = number("the core's number", core, 0, maxNumber) &&
           stream(core, program);
    else
      ok = fail(start, "'" + kind.take_front(40) +
                           "' opens no section: use tensor, product, part, "
                           "kernel, core, cores, idle or controller");
  }
  if (!ok)
    return createStringError(message);
  return program;
}

Expected<Program> imc::program::parseText(StringRef text, StringRef file) {
  return Parser(text, file).parse();
}
