//===- ImportMutationTest.cpp - Damaged models never crash ----------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Truncates models and edits their bits and bytes. Each mutant must import, or
// fail with a diagnostic; the sanitizer build sees to the rest. The seed is
// fixed, so a mutant is named by its model, kind and number.
//
//===----------------------------------------------------------------------===//

#include "imc/Import/ONNX.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"
#include <random>

using namespace mlir;

namespace {

std::string readModel(const std::string &name) {
  auto buffer = llvm::MemoryBuffer::getFile(
      Twine(IMC_SOURCE_DIR) + "/models/" + name, /*IsText=*/false);
  EXPECT_TRUE(bool(buffer)) << name;
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

/// Imports `bytes` and checks that a failure was explained. A context of its
/// own, so that resources of earlier mutants do not pile up.
bool importMutant(const std::string &bytes, const std::string &what) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  int errors = 0;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    errors += diagnostic.getSeverity() == DiagnosticSeverity::Error;
    EXPECT_NE(diagnostic.str(), "") << what;
    return success();
  });
  imc::ONNXImportOptions options;
  auto module =
      imc::importONNXFromBuffer(bytes, "mutant.onnx", &context, options);
  if (failed(module))
    EXPECT_GE(errors, 1) << what << " failed without a diagnostic";
  else
    EXPECT_EQ(errors, 0) << what << " succeeded in spite of an error";
  return succeeded(module);
}

/// Where a mutation hits: half of the time the first or last 4 kB, because
/// the middle of a trained model is mostly weights, whose bits are all valid.
size_t pick(std::mt19937_64 &random, size_t size) {
  size_t span = std::min<size_t>(size, 4096);
  switch (random() % 4) {
  case 0:
    return random() % span;
  case 1:
    return size - 1 - random() % span;
  default:
    return random() % size;
  }
}

class ImportMutationTest : public testing::TestWithParam<const char *> {};

} // namespace

// 5 models x (80 + 120 + 80) = 1,400 mutants.
TEST_P(ImportMutationTest, FailsWithADiagnosticOrImports) {
  const std::string model = readModel(GetParam());
  ASSERT_FALSE(model.empty());
  std::mt19937_64 random(20261121);
  int imported = 0, refused = 0;
  auto check = [&](const std::string &bytes, const char *kind, int i) {
    bool ok = importMutant(bytes, std::string(GetParam()) + " " + kind + " " +
                                      std::to_string(i));
    (ok ? imported : refused) += 1;
  };
  ASSERT_TRUE(importMutant(model, "the model itself"));
  for (int i = 0; i < 80; ++i)
    check(model.substr(0, pick(random, model.size())), "truncation", i);
  for (int i = 0; i < 120; ++i) {
    std::string bytes = model;
    for (unsigned n = 1 + random() % 4; n > 0; --n)
      bytes[pick(random, bytes.size())] ^= char(1u << random() % 8);
    check(bytes, "bit flip", i);
  }
  for (int i = 0; i < 80; ++i) {
    std::string bytes = model;
    size_t at = pick(random, bytes.size());
    size_t n = std::min<size_t>(1 + random() % 8, bytes.size() - at);
    switch (random() % 3) {
    case 0: // 0xff makes long variable-length integers
      bytes.replace(at, n, std::string(n, char(0xff)));
      break;
    case 1:
      bytes.erase(at, n);
      break;
    default:
      bytes.insert(at, bytes.substr(random() % bytes.size(), n));
    }
    check(bytes, "byte edit", i);
  }
  // Mutations that never hurt, or always do, would test nothing.
  EXPECT_GT(refused, 100);
  EXPECT_GT(imported, 0);
}

// Structural models: nearly every byte carries meaning.
INSTANTIATE_TEST_SUITE_P(Models, ImportMutationTest,
                         testing::Values("resnet18.onnx", "resnet18_o20.onnx",
                                         "alexnet.onnx", "vgg16.onnx",
                                         "trained-small/glyphs_resnet8.onnx"),
                         [](const auto &info) {
                           std::string name = info.param;
                           for (char &c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c)))
                               c = '_';
                           return name;
                         });
