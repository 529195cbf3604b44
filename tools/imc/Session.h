//===- Session.h - What the driver's commands share -------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TOOLS_IMC_SESSION_H
#define IMC_TOOLS_IMC_SESSION_H

#include "imc/Execute/Calibrate.h"
#include "imc/Machine/Target.h"
#include "imc/Mapping/Mapping.h"
#include "imc/Pipelines/Pipelines.h"
#include "imc/Workload/Workload.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
} // namespace CLI

namespace imc::driver {

/// Prints "error: <message>" and returns 1, the exit status of a diagnostic.
int fail(llvm::Error error);
int fail(const llvm::Twine &message);

struct Design;

/// The options that name a design and the models' shapes, as most commands
/// take them.
struct DesignOptions {
  std::string target;
  std::vector<std::string> sets, shapes;
  std::string layerBits; ///< a JSON file; empty: none

  /// Adds --target, --set, --layer-bits and --shape to a command.
  void addTo(CLI::App &command, bool targetRequired);
};

/// A context with every dialect that a module can hold, whose diagnostics are
/// printed to standard error as `error: <location>: <text>`.
class Session {
public:
  Session();
  mlir::MLIRContext &context() { return *mlirContext; }

  /// Reads a model: ONNX by its extension, otherwise MLIR text or bytecode,
  /// which is normalised (Pipelines.h) when it has no phase yet.
  /// `shapes` are the texts of --shape (ONNX only), `batch` as in
  /// ONNXImportOptions. Failures were printed.
  mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
  loadModel(llvm::StringRef path, llvm::ArrayRef<std::string> shapes = {},
            int64_t batch = 0);

  /// The products and digital work of a module at any phase, under the model's
  /// file name. Failures were printed.
  mlir::FailureOr<workload::Workload> extract(mlir::ModuleOp module,
                                              llvm::StringRef path);

  /// loadModel and extract.
  mlir::FailureOr<workload::Workload>
  loadWorkload(llvm::StringRef path, llvm::ArrayRef<std::string> shapes);

  /// Reads a machine: a name from `imc targets`, a YAML or JSON file, or a file
  /// with an `#imc.target` attribute (.mlir).
  llvm::Expected<machine::TargetSpec> loadTarget(llvm::StringRef nameOrPath);

  /// The machine of `options` (none when --target was not given) and the pass
  /// decisions, after all --set.
  llvm::Expected<Design> loadDesign(const DesignOptions &options);

  /// Writes a module as text, or as bytecode when the path ends in .mlirbc;
  /// `-` is standard output. Written whole or not at all.
  llvm::Error writeModule(mlir::ModuleOp module, llvm::StringRef path);

private:
  std::unique_ptr<mlir::MLIRContext> mlirContext;
  std::unique_ptr<mlir::ScopedDiagnosticHandler> handler;
};

/// Folders that hold machines: $IMC_TARGETS_PATH (colon separated), then the
/// ones installed beside the program.
std::vector<std::string> targetFolders();

/// Path of the running program.
std::string programPath();

/// share/imc/<name> beside the program.
std::string sharedFile(llvm::StringRef name);

/// A machine description and pass decisions, after `--set KNOB=VALUE` options.
struct Design {
  std::optional<machine::TargetSpec> target;
  mapping::Knobs knobs;
  QuantizationOptions quantization;

  /// Applies one `--set`: machine.* closes a field of the description, pass.*
  /// sets a decision, layer.NAME.weight_bits and .input_bits those of one
  /// layer. The error names the knob, the value and the way out.
  llvm::Error set(llvm::StringRef assignment);

  /// Sets what was decided for single layers on a model that no pass has seen
  /// yet; `models`: the names of all models of the command.
  llvm::Error setLayers(workload::Workload &workload,
                        llvm::ArrayRef<std::string> models) const;

  /// An error when bits of single layers were set, which `command` does not
  /// know.
  llvm::Error refuseLayerBits(llvm::StringRef command) const;

  /// For compileTo; the machine is left out when none was named. Decisions
  /// about single layers are those about `model` of `models`.
  CompileOptions compileOptions() const;
  llvm::Expected<CompileOptions>
  compileOptions(llvm::StringRef model,
                 llvm::ArrayRef<std::string> models) const;
};

/// The options that fix the ranges of activations.
struct CalibrationArguments {
  std::vector<std::string> inputs; ///< a folder or files; empty: dynamic
  std::string rule;                ///< METHOD[=VALUE]; empty: minmax
  bool biasCorrection = false;

  /// Adds --calibrate, --calibration and --bias-correction to a command.
  void addTo(CLI::App &command);

  /// The inputs as samples of `module`.
  llvm::Expected<std::vector<std::vector<execute::Tensor>>>
  samples(mlir::ModuleOp module) const;
  /// The rule, for the bits and schemes of `compile`.
  llvm::Expected<execute::CalibrationOptions>
  options(const CompileOptions &compile) const;
};

/// Brings `module` to phase `offloaded`, runs it on the tensors of
/// `arguments.inputs` and fixes the ranges of activations; `options` then say
/// so. With bias correction, `module` is at phase `quantized` then. Does
/// nothing without inputs. Refused when `to` lies before `quantized`, and when
/// a rule or bias correction is asked for without inputs. Failures were
/// printed.
mlir::LogicalResult calibrate(mlir::ModuleOp module, Phase to,
                              const CalibrationArguments &arguments,
                              CompileOptions &options);

/// Brings copies of an imported module to phase `tiled` for the bits that
/// accuracy::DesignBench asks for, on the machine of `target`; `imported` must
/// outlive the function.
std::function<mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>(int64_t,
                                                                 int64_t)>
tileWith(mlir::ModuleOp imported, machine::TargetSpec target);

/// File name without folder and extension.
std::string modelName(llvm::StringRef path);
std::vector<std::string> modelNames(llvm::ArrayRef<std::string> paths);

/// Each command registers its sub-command and stores its exit status.
void addAccuracyCommand(CLI::App &app, int &status);
void addAccuracyModelCommand(CLI::App &app, int &status);
void addCompileCommands(CLI::App &app, int &status); ///< import, compile
void addCostCommand(CLI::App &app, int &status);
void addProgramCommand(CLI::App &app, int &status);
void addQuantizeCommand(CLI::App &app, int &status);
void addRunCommand(CLI::App &app, int &status);
void addSearchCommands(CLI::App &app, int &status); ///< search, report
void addSimulateCommand(CLI::App &app, int &status);
void addSolveCommand(CLI::App &app, int &status);
void addSpaceCommand(CLI::App &app, int &status);
void addStudyCommand(CLI::App &app, int &status);
void addTargetsCommand(CLI::App &app, int &status);
void addValidateCommand(CLI::App &app, int &status);

} // namespace imc::driver

#endif // IMC_TOOLS_IMC_SESSION_H
