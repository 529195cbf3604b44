//===- ModuleText.cpp - Modules as text, in little memory -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/imc/IR/ModuleText.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"

using namespace mlir;

namespace {

void printHex(ArrayRef<char> bytes, raw_ostream &os) {
  char digits[8192];
  constexpr size_t kPiece = sizeof(digits) / 2;
  while (!bytes.empty()) {
    ArrayRef<char> piece = bytes.take_front(kPiece);
    char *next = digits;
    for (unsigned char byte : piece) {
      *next++ = llvm::hexdigit(byte >> 4);
      *next++ = llvm::hexdigit(byte & 15);
    }
    os.write(digits, next - digits);
    bytes = bytes.drop_front(piece.size());
  }
}

bool isBareIdentifier(StringRef name) {
  return !name.empty() && (llvm::isAlpha(name.front()) || name[0] == '_') &&
         llvm::all_of(name.drop_front(), [](char c) {
           return llvm::isAlnum(c) || c == '_' || c == '$' || c == '.';
         });
}

/// Writes `dialect_resources` of the metadata after a module. What comes
/// before an entry is written with the entry: a section without entries is
/// not there.
class ResourceSection final : public AsmResourceBuilder {
public:
  explicit ResourceSection(raw_ostream &os) : os(os) {}

  void beginDialect(StringRef name) {
    dialect = name;
    dialectHasEntries = false;
  }
  void endDialect() {
    if (dialectHasEntries)
      os << "\n    }";
  }
  void end() {
    if (hasEntries)
      os << "\n  }\n#-}\n";
  }

  void buildBool(StringRef key, bool data) override {
    beginEntry(key);
    os << (data ? "true" : "false");
  }
  void buildString(StringRef key, StringRef data) override {
    beginEntry(key);
    printQuoted(data);
  }
  void buildBlob(StringRef key, ArrayRef<char> data,
                 uint32_t dataAlignment) override {
    beginEntry(key);
    char alignment[sizeof(uint32_t)];
    llvm::support::endian::write32le(alignment, dataAlignment);
    os << "\"0x";
    printHex(alignment, os);
    printHex(data, os);
    os << '"';
  }

private:
  void printQuoted(StringRef text) {
    os << '"';
    llvm::printEscapedString(text, os);
    os << '"';
  }

  void beginEntry(StringRef key) {
    if (!hasEntries)
      os << "\n{-#\n  dialect_resources: {\n";
    if (!dialectHasEntries)
      os << (hasEntries ? ",\n" : "") << "    " << dialect << ": {\n";
    else
      os << ",\n";
    hasEntries = dialectHasEntries = true;
    os << "      ";
    if (isBareIdentifier(key))
      os << key;
    else
      printQuoted(key);
    os << ": ";
  }

  raw_ostream &os;
  StringRef dialect;
  bool hasEntries = false;
  bool dialectHasEntries = false;
};

} // namespace

void imc::printModuleText(ModuleOp module, raw_ostream &os,
                          OpPrintingFlags flags) {
  if (flags.getLargeResourceStringLimit()) {
    module->print(os, flags);
    return;
  }
  // At a limit of zero MLIR leaves every resource out, and does not turn it
  // into a string first. It still says which ones the text refers to, and
  // still writes the braces of their section.
  AsmState state(module, flags.elideLargeResourceString(0));
  std::string text;
  llvm::raw_string_ostream textStream(text);
  module->print(textStream, state);
  StringRef program = text;
  program.consume_back("\n{-#\n\n#-}\n");
  os << program;

  ResourceSection section(os);
  auto &referenced = state.getDialectResources();
  for (Dialect *dialect : module.getContext()->getLoadedDialects()) {
    auto *interface = dialect->getRegisteredInterface<OpAsmDialectInterface>();
    if (!interface)
      continue;
    section.beginDialect(dialect->getNamespace());
    interface->buildResources(module, referenced[dialect], section);
    section.endDialect();
  }
  section.end();
}
