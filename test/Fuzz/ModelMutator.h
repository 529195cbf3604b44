//===- ModelMutator.h - Damage ONNX models on purpose -----------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Makes wrong models out of right ones, for the fuzzer and for the mutation
// driver. Edits of bytes (flips, truncation, insertion) test the reading of the
// file; edits of the parsed message get past protobuf's framing to the importer
// itself. Everything follows from the seed.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_FUZZ_MODELMUTATOR_H
#define IMC_TEST_FUZZ_MODELMUTATOR_H

#include "onnx-ml.pb.h"
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace google::protobuf {
class Message;
} // namespace google::protobuf

namespace imc::fuzz {

/// Words that mean something to the importer, gathered from right models.
struct Vocabulary {
  std::vector<std::string> ops, attributes, strings;
  /// Nodes to be spliced into other models.
  std::vector<onnx::NodeProto> nodes;

  void collect(const onnx::ModelProto &model);
  /// Sorts and drops what occurs twice; call once after the last `collect`.
  void finish();
};

/// Names of files of external data that `makeExternalFolder` lays out.
extern const char *const externalLocations[];
extern const unsigned numExternalLocations;

/// Creates `folder`/model with good, short and sparse files of external data
/// and with links, a FIFO and a folder in the place of files, some of them
/// leading out to `folder`/secret.bin. Returns the path of `folder`/model, or
/// an empty string with a message on standard error.
std::string makeExternalFolder(const std::string &folder);

class ModelMutator {
public:
  ModelMutator(const Vocabulary &vocabulary, uint64_t seed)
      : vocabulary(vocabulary), random(seed) {}

  /// One edit of the bytes of a file. `kind` receives its name.
  std::string mutateBytes(std::string bytes, std::string &kind);
  /// One edit of a model. `kind` receives its name.
  void mutate(onnx::ModelProto &model, std::string &kind);
  /// Bytes that make any parser recurse: a message nested `depth` deep,
  /// appended to `bytes` (protobuf merges concatenated messages).
  std::string appendBomb(std::string bytes);

  /// A number in [0, n); 0 for n < 1.
  int below(int64_t n) { return n < 1 ? 0 : int(random() % uint64_t(n)); }

private:
  int64_t number();
  std::string word(const onnx::GraphProto &graph);
  std::string valueName(const onnx::GraphProto &graph);
  onnx::TensorProto *anyTensor(onnx::GraphProto &graph);
  onnx::NodeProto *anyNode(onnx::GraphProto &graph);

  /// Any field of any message, whatever it means.
  void editAnyField(onnx::ModelProto &model);
  void editField(google::protobuf::Message &message,
                 const onnx::GraphProto &graph);
  void editAttribute(onnx::GraphProto &graph);
  void editTensor(onnx::GraphProto &graph);
  void editInput(onnx::GraphProto &graph);
  void editEdges(onnx::GraphProto &graph);
  void makeExternal(onnx::GraphProto &graph);
  void makeCycle(onnx::GraphProto &graph);
  void removeValue(onnx::GraphProto &graph);
  void repeatName(onnx::GraphProto &graph);
  void spliceNode(onnx::GraphProto &graph);
  void wrapInIf(onnx::GraphProto &graph);
  void makeFunction(onnx::ModelProto &model);
  void makeFunctionTower(onnx::ModelProto &model);
  void nestType(onnx::GraphProto &graph);
  void setOpset(onnx::ModelProto &model);

  const Vocabulary &vocabulary;
  std::mt19937_64 random;
};

} // namespace imc::fuzz

#endif // IMC_TEST_FUZZ_MODELMUTATOR_H
