//===- IMCAttributes.cpp - Encoding, input, readout, placement ------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/imc/IR/IMC.h"
#include "imc/Mapping/Cores.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace imc;

#include "dialects/imc/IR/IMCEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/imc/IR/IMCAttributes.cpp.inc"

void IMCDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/imc/IR/IMCAttributes.cpp.inc"
      >();
}

Attribute IMCDialect::parseAttribute(DialectAsmParser &parser,
                                     Type type) const {
  StringRef mnemonic;
  Attribute attribute;
  if (generatedAttributeParser(parser, &mnemonic, type, attribute).has_value())
    return attribute;
  return detail::parseComponent(parser, mnemonic);
}

void IMCDialect::printAttribute(Attribute attribute,
                                DialectAsmPrinter &printer) const {
  if (succeeded(generatedAttributePrinter(attribute, printer)))
    return;
  cast<ComponentAttr>(attribute).print(printer);
}

/// One range check with one wording: names the parameter, its value, the range.
static LogicalResult verifyRange(function_ref<InFlightDiagnostic()> emitError,
                                 StringRef name, int64_t value, int64_t low,
                                 int64_t high) {
  if (value >= low && value <= high)
    return success();
  return emitError() << name << " is " << value << ", expected " << low
                     << " to " << high;
}

static LogicalResult verifyLeast(function_ref<InFlightDiagnostic()> emitError,
                                 StringRef name, int64_t value, int64_t low) {
  if (value >= low)
    return success();
  return emitError() << name << " is " << value << ", expected at least "
                     << low;
}

//===----------------------------------------------------------------------===//
// EncodingAttr
//===----------------------------------------------------------------------===//

LogicalResult EncodingAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   EncodingKind kind, int64_t weightBits,
                                   int64_t cellBits) {
  if (failed(verifyRange(emitError, "weight_bits", weightBits, 2, 16)) ||
      failed(verifyRange(emitError, "cell_bits", cellBits, 1,
                         std::min<int64_t>(weightBits, 8))))
    return failure();
  if (kind == EncodingKind::TwosComplement && cellBits != 1)
    return emitError() << "cell_bits is " << cellBits
                       << ", expected 1: twos_complement gives the sign bit a "
                          "column of its own";
  return success();
}

/// Number of digits of `cell_bits` bits that one magnitude needs.
static int64_t digits(EncodingAttr encoding) {
  int64_t bits = encoding.getWeightBits();
  if (encoding.getKind() == EncodingKind::Differential)
    --bits;
  return llvm::divideCeil(bits, encoding.getCellBits());
}

int64_t EncodingAttr::columnsPerWeight() const {
  return getKind() == EncodingKind::Differential ? 2 * digits(*this)
                                                 : digits(*this);
}

SmallVector<int64_t> EncodingAttr::coefficients() const {
  SmallVector<int64_t> values;
  for (int64_t j = 0, e = digits(*this); j < e; ++j) {
    int64_t weight = int64_t(1) << (getCellBits() * j);
    values.push_back(weight);
    if (getKind() == EncodingKind::Differential)
      values.push_back(-weight);
  }
  if (getKind() == EncodingKind::TwosComplement)
    values.back() = -values.back();
  return values;
}

int64_t EncodingAttr::offset() const {
  return getKind() == EncodingKind::Offset ? int64_t(1) << (getWeightBits() - 1)
                                           : 0;
}

int64_t EncodingAttr::maxWeight() const {
  return (int64_t(1) << (getWeightBits() - 1)) - 1;
}

int64_t EncodingAttr::minWeight() const {
  return getKind() == EncodingKind::Differential ? -maxWeight()
                                                 : -maxWeight() - 1;
}

SmallVector<uint8_t> EncodingAttr::cells(int64_t w) const {
  assert(w >= minWeight() && w <= maxWeight() && "weight out of range");
  // Two's complement bits are the digits of w modulo 2^n.
  uint64_t plus =
      getKind() == EncodingKind::Differential
          ? std::max<int64_t>(w, 0)
          : uint64_t(w + offset()) & ((uint64_t(1) << getWeightBits()) - 1);
  uint64_t minus = std::max<int64_t>(-w, 0);
  uint64_t mask = (uint64_t(1) << getCellBits()) - 1;
  SmallVector<uint8_t> values;
  for (int64_t j = 0, e = digits(*this); j < e; ++j) {
    int64_t shift = getCellBits() * j;
    values.push_back((plus >> shift) & mask);
    if (getKind() == EncodingKind::Differential)
      values.push_back((minus >> shift) & mask);
  }
  return values;
}

//===----------------------------------------------------------------------===//
// InputAttr
//===----------------------------------------------------------------------===//

LogicalResult InputAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                int64_t bits, int64_t dacBits) {
  return failure(failed(verifyRange(emitError, "bits", bits, 1, 16)) ||
                 failed(verifyRange(emitError, "dac_bits", dacBits, 1,
                                    std::min<int64_t>(bits, 8))));
}

int64_t InputAttr::phases() const {
  return llvm::divideCeil(getBits(), getDacBits());
}

//===----------------------------------------------------------------------===//
// ReadoutAttr
//===----------------------------------------------------------------------===//

LogicalResult ReadoutAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t adcBits, int64_t losslessBits,
                                  int64_t rangeBits, ReadoutPolicy policy,
                                  ReadoutTies) {
  if (failed(verifyRange(emitError, "adc_bits", adcBits, 1, 31)) ||
      failed(verifyRange(emitError, "lossless_bits", losslessBits, 1, 31)))
    return failure();
  if (rangeBits < 1 || rangeBits > losslessBits)
    return emitError() << "range_bits is " << rangeBits << ", expected 1 to "
                       << losslessBits << ", the lossless_bits";
  if (rangeBits != losslessBits && policy != ReadoutPolicy::Full)
    return emitError() << "range_bits is " << rangeBits
                       << " with policy = " << stringifyReadoutPolicy(policy)
                       << ", which says itself what is covered; only full "
                          "takes a part of the "
                       << losslessBits << " lossless_bits";
  return success();
}

// The range is written only where it is not that of all sums.
Attribute ReadoutAttr::parse(AsmParser &parser, Type) {
  SMLoc begin = parser.getCurrentLocation();
  std::optional<int64_t> adcBits, losslessBits, rangeBits;
  std::optional<ReadoutPolicy> policy;
  std::optional<ReadoutTies> ties;
  auto parseEntry = [&]() -> ParseResult {
    SMLoc at = parser.getCurrentLocation();
    StringRef name;
    if (parser.parseKeyword(&name) || parser.parseEqual())
      return failure();
    auto parseChoice = [&](auto &choice, auto symbolize,
                           StringRef choices) -> ParseResult {
      if (choice)
        return parser.emitError(at) << "'" << name << "' is given twice";
      SMLoc valueAt = parser.getCurrentLocation();
      StringRef value;
      if (parser.parseKeyword(&value))
        return failure();
      choice = symbolize(value);
      if (!choice)
        return parser.emitError(valueAt)
               << name << " is '" << value << "', expected " << choices;
      return success();
    };
    if (name == "policy")
      return parseChoice(
          policy, [](StringRef v) { return symbolizeReadoutPolicy(v); },
          "full, filled, lossless, layer, array, column or phase");
    if (name == "ties")
      return parseChoice(
          ties, [](StringRef v) { return symbolizeReadoutTies(v); },
          "half_up, half_even or floor");
    std::optional<int64_t> *entry = name == "adc_bits"        ? &adcBits
                                    : name == "lossless_bits" ? &losslessBits
                                    : name == "range_bits"    ? &rangeBits
                                                              : nullptr;
    if (!entry)
      return parser.emitError(at)
             << "a readout has no '" << name
             << "', expected adc_bits, lossless_bits, range_bits, policy or "
                "ties";
    if (*entry)
      return parser.emitError(at) << "'" << name << "' is given twice";
    return parser.parseInteger(entry->emplace());
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater,
                                     parseEntry))
    return {};
  for (auto [name, given] :
       {std::pair("adc_bits", adcBits.has_value()),
        std::pair("lossless_bits", losslessBits.has_value()),
        std::pair("policy", policy.has_value())})
    if (!given) {
      parser.emitError(begin) << "a readout needs '" << name << "'";
      return {};
    }
  return parser.getChecked<ReadoutAttr>(
      begin, parser.getContext(), *adcBits, *losslessBits,
      rangeBits.value_or(*losslessBits), *policy,
      ties.value_or(ReadoutTies::HalfUp));
}

void ReadoutAttr::print(AsmPrinter &printer) const {
  printer << "<adc_bits = " << getAdcBits()
          << ", lossless_bits = " << getLosslessBits();
  if (getRangeBits() != getLosslessBits())
    printer << ", range_bits = " << getRangeBits();
  printer << ", policy = " << stringifyReadoutPolicy(getPolicy());
  if (getTies() != ReadoutTies::HalfUp)
    printer << ", ties = " << stringifyReadoutTies(getTies());
  printer << ">";
}

int64_t ReadoutAttr::losslessBits(int64_t rows, int64_t dacBits,
                                  int64_t cellBits) {
  uint64_t largest = uint64_t(rows) * ((uint64_t(1) << dacBits) - 1) *
                     ((uint64_t(1) << cellBits) - 1);
  return llvm::Log2_64_Ceil(largest + 1);
}

bool ReadoutAttr::hasFixedSteps() const {
  return getPolicy() == ReadoutPolicy::Full ||
         getPolicy() == ReadoutPolicy::Lossless;
}

int64_t ReadoutAttr::shift() const {
  assert(hasFixedSteps() && "array engines know the steps of this policy");
  if (getPolicy() == ReadoutPolicy::Lossless)
    return 0;
  return std::max<int64_t>(0, getRangeBits() - getAdcBits());
}

int64_t ReadoutAttr::lastCode() const {
  return (int64_t(1) << std::min(getAdcBits(), getRangeBits())) - 1;
}

bool ReadoutAttr::isLossless() const {
  return hasFixedSteps() && getAdcBits() >= getRangeBits() &&
         getRangeBits() == getLosslessBits();
}

int64_t ReadoutAttr::read(int64_t sum) const {
  if (isLossless())
    return sum;
  int64_t k = shift(), half = k > 0 ? int64_t(1) << (k - 1) : 0;
  if (k > 0 && getTies() == ReadoutTies::HalfEven)
    half += ((sum >> k) & 1) - 1;
  if (getTies() == ReadoutTies::Floor)
    half = 0;
  return std::min((sum + half) >> k, lastCode()) << k;
}

//===----------------------------------------------------------------------===//
// PlacementAttr
//===----------------------------------------------------------------------===//

LogicalResult
PlacementAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                      int64_t firstArray, int64_t copies, int64_t packs,
                      int64_t rowStrips, int64_t columnStrips, int64_t rowSets,
                      int64_t macrosPerTile) {
  if (failed(verifyLeast(emitError, "row_sets", rowSets, 1)) ||
      failed(verifyLeast(emitError, "macros_per_tile", macrosPerTile, 1)) ||
      failed(verifyLeast(emitError, "first_array", firstArray, 0)) ||
      failed(verifyLeast(emitError, "copies", copies, 1)) ||
      failed(verifyLeast(emitError, "packs", packs, 1)) ||
      failed(verifyLeast(emitError, "row_strips", rowStrips, 1)) ||
      failed(verifyLeast(emitError, "column_strips", columnStrips, 1)))
    return failure();
  // A copy leaves less empty than it takes, or than a core has.
  int64_t last = firstArray, arrays = 1, all = 0;
  bool overflow = false;
  for (int64_t factor : {packs, rowStrips, columnStrips})
    overflow |= llvm::MulOverflow(arrays, factor, arrays) != 0;
  overflow |= llvm::AddOverflow(arrays, macrosPerTile, all) != 0;
  overflow |= llvm::MulOverflow(all, copies, all) != 0;
  overflow |= llvm::AddOverflow(last, all, last) != 0;
  if (overflow)
    return emitError() << "there are more arrays than 64 bits can number";
  arrays = llvm::divideCeil(arrays, rowSets);
  if (mapping::place(firstArray, arrays, copies, macrosPerTile).first !=
      firstArray)
    return emitError() << "copies of " << arrays << " arrays cannot begin at "
                       << "array " << firstArray << " of tiles of "
                       << macrosPerTile << " arrays: "
                       << (arrays > macrosPerTile
                               ? "a copy begins a tile"
                               : "as many as fit into a tile lie in one");
  return success();
}

int64_t PlacementAttr::arraysPerCopy() const {
  return llvm::divideCeil(getPacks() * getRowStrips() * getColumnStrips(),
                          getRowSets());
}

int64_t PlacementAttr::arrays() const { return getCopies() * arraysPerCopy(); }

int64_t PlacementAttr::firstArrayOf(int64_t copy) const {
  return mapping::firstArrayOf(copy, getCopies(), getFirstArray(),
                               arraysPerCopy(), getMacrosPerTile());
}

int64_t PlacementAttr::array(int64_t copy, int64_t pack, int64_t rowStrip,
                             int64_t columnStrip) const {
  return firstArrayOf(copy) +
         ((pack * getRowStrips() + rowStrip) * getColumnStrips() +
          columnStrip) /
             getRowSets();
}

int64_t PlacementAttr::rowSet(int64_t pack, int64_t rowStrip,
                              int64_t columnStrip) const {
  return ((pack * getRowStrips() + rowStrip) * getColumnStrips() +
          columnStrip) %
         getRowSets();
}
