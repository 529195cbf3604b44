//===- import_mutants.cpp - Import many damaged models --------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Makes mutants of the models of a folder and imports each in a child process
// that is watched for crashes, time and memory. Mutant i follows from the seed,
// the folder and i alone, so that one of them can be written to a file again.
// docs/howto/fuzz-the-importer.md.
//
//===----------------------------------------------------------------------===//

#include "ImportCheck.h"
#include "ModelMutator.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <atomic>
#include <chrono>
#include <ctime>
#include <fcntl.h>
#include <map>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace imc;
namespace cl = llvm::cl;
namespace fs = llvm::sys::fs;
using Clock = std::chrono::steady_clock;

static cl::opt<std::string> seedFolder(cl::Positional, cl::Required,
                                       cl::desc("<folder of *.onnx>"));
static cl::opt<uint64_t> count("count", cl::init(5000),
                               cl::desc("number of mutants"));
static cl::opt<uint64_t> first("first", cl::init(0),
                               cl::desc("number of the first mutant"));
static cl::opt<uint64_t> seed("seed", cl::init(20261121), cl::desc("seed"));
static cl::opt<double>
    timeLimit("time-limit", cl::init(5),
              cl::desc("seconds of processor time for one import"));
static cl::opt<uint64_t> memoryLimit("memory-limit", cl::init(1024),
                                     cl::desc("MiB for one import"));
static cl::opt<std::string> work("work", cl::init("import-mutants"),
                                 cl::desc("folder for what is found"));
static cl::opt<bool> writeOnly("write", cl::desc("write mutant --first only"));

namespace {

constexpr uint64_t kChunk = 256;       ///< mutants of one child process
constexpr uint64_t kContext = 32;      ///< mutants of one MLIRContext
constexpr size_t kMostBytes = 1 << 20; ///< of a mutant; larger seeds may stay

struct Seed {
  std::string name, bytes;
};

struct Mutant {
  std::string bytes, kind, name;
  std::vector<ONNXShapeBinding> shapes;
};

enum Status : uint8_t { Open, Refused, RefusedAtNode, Imported, Crashed, Hung };

/// What the child tells its parent, in shared memory.
struct Record {
  uint8_t status, kind;
  float seconds;
  uint32_t mebibytes;
};

struct Shared {
  std::atomic<uint64_t> current; ///< mutant under way
  Record records[kChunk];
};

std::vector<Seed> readSeeds() {
  std::vector<Seed> seeds;
  std::error_code error;
  for (fs::recursive_directory_iterator it(seedFolder, error), end;
       it != end && !error; it.increment(error)) {
    if (!llvm::StringRef(it->path()).ends_with(".onnx"))
      continue;
    if (auto buffer = llvm::MemoryBuffer::getFile(it->path()))
      seeds.push_back({it->path(), (*buffer)->getBuffer().str()});
  }
  // The order of a folder is the file system's.
  llvm::sort(seeds, [](auto &a, auto &b) { return a.name < b.name; });
  return seeds;
}

/// Binds every symbol of the inputs to a small number; now and then to none.
void bindSymbols(const onnx::ModelProto &model, fuzz::ModelMutator &mutator,
                 Mutant &mutant) {
  std::map<std::string, int64_t> symbols;
  for (const auto &input : model.graph().input())
    for (const auto &dim : input.type().tensor_type().shape().dim())
      if (!dim.dim_param().empty())
        symbols[dim.dim_param()] = 1 + mutator.below(3);
  if (mutator.below(16) == 0)
    return;
  for (const auto &[name, value] : symbols)
    mutant.shapes.push_back({name, {value}});
}

Mutant makeMutant(const std::vector<Seed> &seeds,
                  const fuzz::Vocabulary &vocabulary, uint64_t number) {
  fuzz::ModelMutator mutator(vocabulary, seed * 0x9e3779b97f4a7c15 + number);
  const Seed &origin = seeds[mutator.below(seeds.size())];
  Mutant mutant;
  mutant.name = origin.name;
  onnx::ModelProto model;
  model.ParsePartialFromString(origin.bytes);
  bindSymbols(model, mutator, mutant);
  int choice = mutator.below(16);
  if (choice < 4) {
    mutant.bytes = mutator.mutateBytes(origin.bytes, mutant.kind);
    return mutant;
  }
  if (choice == 4 && mutator.below(4) == 0) {
    mutant.kind = "nesting";
    mutant.bytes = mutator.appendBomb(origin.bytes);
    return mutant;
  }
  for (int edits = mutator.below(2) ? 1 : 1 + mutator.below(4); edits > 0;
       --edits)
    mutator.mutate(model, mutant.kind);
  if (mutator.below(8) == 0) {
    mutant.shapes.clear();
    bindSymbols(model, mutator, mutant);
  }
  mutant.bytes = model.SerializePartialAsString();
  if (mutant.bytes.size() > std::max(kMostBytes, origin.bytes.size()))
    mutant.bytes = origin.bytes;
  return mutant;
}

void writeFile(const std::string &path, llvm::StringRef bytes) {
  std::error_code error;
  llvm::raw_fd_ostream stream(path, error);
  if (error)
    llvm::errs() << path << ": " << error.message() << "\n";
  else
    stream << bytes;
}

/// Peak resident memory since the last call of resetPeak, in MiB.
uint32_t peakMemory() {
  auto buffer = llvm::MemoryBuffer::getFileAsStream("/proc/self/status");
  uint64_t kibibytes = 0;
  if (buffer) {
    llvm::StringRef text = (*buffer)->getBuffer();
    text = text.substr(text.find("VmHWM:") + 6).ltrim();
    text.consumeInteger(10, kibibytes);
  }
  return uint32_t(kibibytes / 1024);
}

void resetPeak() {
  int file = ::open("/proc/self/clear_refs", O_WRONLY);
  if (file < 0)
    return;
  if (::write(file, "5", 1) != 1)
    llvm::errs() << "the peak of memory cannot be reset\n";
  ::close(file);
}

/// Seconds of processor time that a child has used; 0 when it is gone.
double processorTime(pid_t child) {
  auto buffer = llvm::MemoryBuffer::getFileAsStream(
      "/proc/" + std::to_string(child) + "/stat");
  if (!buffer)
    return 0;
  // The second field, the name in brackets, may hold spaces.
  llvm::StringRef text = (*buffer)->getBuffer();
  llvm::SmallVector<llvm::StringRef> fields;
  text.substr(text.rfind(')') + 1).ltrim().split(fields, ' ');
  uint64_t user = 0, system = 0;
  if (fields.size() < 13 || fields[11].getAsInteger(10, user) ||
      fields[12].getAsInteger(10, system))
    return 0;
  return double(user + system) / double(::sysconf(_SC_CLK_TCK));
}

/// Names of kinds, and their numbers in a Record.
const char *const kinds[] = {"truncation",   "bytes set",
                             "bytes erased", "bytes inserted",
                             "bit flips",    "nesting",
                             "field",        "attribute",
                             "tensor",       "input",
                             "edge",         "external data",
                             "cycle",        "missing value",
                             "name twice",   "foreign node",
                             "op",           "If",
                             "function",     "function tower",
                             "nested type",  "opset"};

uint8_t kindNumber(llvm::StringRef kind) {
  return uint8_t(std::find(std::begin(kinds), std::end(kinds), kind) -
                 std::begin(kinds));
}

[[noreturn]] void runChunk(const std::vector<Seed> &seeds,
                           const fuzz::Vocabulary &vocabulary, Shared &shared,
                           uint64_t chunk, uint64_t begin, uint64_t end,
                           const std::string &folder) {
  std::unique_ptr<mlir::MLIRContext> context;
  for (uint64_t i = begin; i < end; ++i) {
    Mutant mutant = makeMutant(seeds, vocabulary, i);
    Record &record = shared.records[i - chunk];
    record.kind = kindNumber(mutant.kind);
    if ((i - begin) % kContext == 0) {
      context.reset();
      context = std::make_unique<mlir::MLIRContext>(
          mlir::MLIRContext::Threading::DISABLED);
    }
    ONNXImportOptions options;
    options.shapes = mutant.shapes;
    options.folder = folder;
    resetPeak();
    std::clock_t start = std::clock();
    shared.current = i + 1;
    bool print = i % 16 == 0 && mutant.bytes.size() < 20000;
    fuzz::ImportOutcome outcome =
        fuzz::checkImport(mutant.bytes, context.get(), options, print);
    record.seconds = float(std::clock() - start) / CLOCKS_PER_SEC;
    record.mebibytes = peakMemory();
    if (!outcome.complaint.empty())
      llvm::errs() << "mutant " << i << " (" << mutant.kind << " of "
                   << mutant.name << "): " << outcome.complaint << "\n";
    else if (!outcome.imported && !outcome.atNode)
      llvm::outs() << i << " " << mutant.kind << ": " << outcome.error << "\n";
    record.status = outcome.imported ? Imported
                    : outcome.atNode ? RefusedAtNode
                                     : Refused;
  }
  llvm::outs().flush();
  // No destructors: the sanitizers' leak check would see the seeds.
  ::_exit(0);
}

} // namespace

int main(int argc, char **argv) {
  cl::ParseCommandLineOptions(
      argc, argv, "imports mutants of ONNX models, each watched for crashes\n");
  std::vector<Seed> seeds = readSeeds();
  if (seeds.empty()) {
    llvm::errs() << "no .onnx files in '" << seedFolder << "'\n";
    return 2;
  }
  fuzz::Vocabulary vocabulary;
  for (const Seed &origin : seeds) {
    onnx::ModelProto model;
    if (model.ParsePartialFromString(origin.bytes))
      vocabulary.collect(model);
  }
  vocabulary.finish();
  if (fs::create_directories(work))
    return 2;
  std::string folder = fuzz::makeExternalFolder(work + "/external");
  if (folder.empty())
    return 2;
  if (writeOnly) {
    Mutant mutant = makeMutant(seeds, vocabulary, first);
    std::string path = folder + "/" + std::to_string(first) + ".onnx";
    writeFile(path, mutant.bytes);
    llvm::outs() << path << "\n" << mutant.kind << " of " << mutant.name;
    for (const ONNXShapeBinding &shape : mutant.shapes)
      llvm::outs() << " --shape " << shape.name << "=" << shape.dims.front();
    llvm::outs() << "\n";
    return 0;
  }

  auto *shared = static_cast<Shared *>(
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (shared == MAP_FAILED)
    return 2;

  struct Totals {
    uint64_t mutants = 0, imported = 0, refused = 0;
  };
  std::map<std::string, Totals> byKind;
  Totals totals;
  uint64_t atNode = 0, overMemory = 0, complaints = 0;
  std::vector<uint64_t> crashes, hangs;
  float slowest = 0;
  uint64_t slowestNumber = 0, largestNumber = 0;
  uint32_t largest = 0;
  std::string logPath = work + "/child.log", filePath = work + "/file.log";
  std::string problems = work + "/problems.log";
  ::unlink(problems.c_str());
  ::unlink(filePath.c_str());

  for (uint64_t chunk = first; chunk < first + count; chunk += kChunk) {
    uint64_t end = std::min<uint64_t>(chunk + kChunk, first + count);
    std::memset(static_cast<void *>(shared->records), 0,
                sizeof(shared->records));
    for (uint64_t begin = chunk; begin < end;) {
      shared->current = 0;
      pid_t child = ::fork();
      if (child < 0)
        return 2;
      if (child == 0) {
        int log = ::open(logPath.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
        int out = ::open(filePath.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
        ::dup2(log, 2);
        ::dup2(out, 1);
        runChunk(seeds, vocabulary, *shared, chunk, begin, end, folder);
      }
      // Watch it: the same mutant for longer than the limit is a hang.
      // In processor time, so that a busy machine makes none; but an import
      // that sleeps is one, too.
      uint64_t seen = 0;
      auto since = Clock::now();
      double used = 0;
      int status = 0;
      bool hung = false;
      while (::waitpid(child, &status, WNOHANG) == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        uint64_t current = shared->current;
        auto now = Clock::now();
        if (current != seen) {
          seen = current;
          since = now;
          used = processorTime(child);
        } else if (processorTime(child) - used > timeLimit ||
                   std::chrono::duration<double>(now - since).count() >
                       120 * timeLimit) {
          hung = true;
          ::kill(child, SIGKILL);
          ::waitpid(child, &status, 0);
          break;
        }
      }
      auto log = llvm::MemoryBuffer::getFile(logPath);
      llvm::StringRef said = log ? (*log)->getBuffer() : "";
      bool ended = WIFEXITED(status) && WEXITSTATUS(status) == 0 && !hung;
      if (!said.empty() || !ended) {
        std::error_code error;
        llvm::raw_fd_ostream stream(problems, error, fs::OF_Append);
        stream << said;
        complaints += said.count("\nmutant ") + said.starts_with("mutant ");
      }
      if (ended)
        break;
      uint64_t number = shared->current > 0 ? shared->current - 1 : begin;
      shared->records[number - chunk].status = hung ? Hung : Crashed;
      (hung ? hangs : crashes).push_back(number);
      std::string path =
          work + (hung ? "/hang-" : "/crash-") + std::to_string(number);
      writeFile(path + ".onnx", makeMutant(seeds, vocabulary, number).bytes);
      writeFile(path + ".log", said);
      begin = number + 1;
    }
    for (uint64_t i = chunk; i < end; ++i) {
      const Record &record = shared->records[i - chunk];
      Totals &kind =
          byKind[record.kind < std::size(kinds) ? kinds[record.kind] : "none"];
      bool imported = record.status == Imported;
      bool refused = record.status == Refused || record.status == RefusedAtNode;
      for (Totals *sum : {&totals, &kind}) {
        ++sum->mutants;
        sum->imported += imported;
        sum->refused += refused;
      }
      atNode += record.status == RefusedAtNode;
      overMemory += record.mebibytes > memoryLimit;
      if (record.seconds > slowest) {
        slowest = record.seconds;
        slowestNumber = i;
      }
      if (record.mebibytes > largest) {
        largest = record.mebibytes;
        largestNumber = i;
      }
    }
    if (::isatty(2))
      llvm::errs() << "\r" << end - first << " mutants";
  }

  llvm::json::Object kindTable;
  for (const auto &[name, sum] : byKind)
    kindTable[name] = llvm::json::Object{{"mutants", int64_t(sum.mutants)},
                                         {"imported", int64_t(sum.imported)},
                                         {"refused", int64_t(sum.refused)}};
  auto numbers = [](const std::vector<uint64_t> &list) {
    llvm::json::Array array;
    for (uint64_t number : list)
      array.push_back(int64_t(number));
    return array;
  };
  llvm::json::Object report{{"seeds", int64_t(seeds.size())},
                            {"mutants", int64_t(totals.mutants)},
                            {"imported", int64_t(totals.imported)},
                            {"refused", int64_t(totals.refused)},
                            {"refused_at_a_node", int64_t(atNode)},
                            {"crashes", numbers(crashes)},
                            {"hangs", numbers(hangs)},
                            {"complaints", int64_t(complaints)},
                            {"over_memory_limit", int64_t(overMemory)},
                            {"slowest_s", double(slowest)},
                            {"slowest", int64_t(slowestNumber)},
                            {"peak_mib", int64_t(largest)},
                            {"largest", int64_t(largestNumber)},
                            {"kinds", std::move(kindTable)}};
  llvm::outs() << llvm::formatv("{0:2}\n",
                                llvm::json::Value(std::move(report)));
  bool good =
      crashes.empty() && hangs.empty() && complaints == 0 && overMemory == 0;
  return good ? 0 : 1;
}
