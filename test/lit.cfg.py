# -*- Python -*-
# The lit suite: IR tests under Dialect/, Transforms/, Conversion/, Import/, ...
# Substitutions: %imc_src (the checkout), %imc_models (its models/), %shared
# (models beside the checkout; tests that need it say `REQUIRES: shared`).

import os

import lit.formats
from lit.llvm import llvm_config
from lit.llvm.subst import ToolSubst

config.name = "imc"
# The internal shell: the same on every machine, and what lit 22 and 23 both take.
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Unit", "Fuzz", "python", "Inputs", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.imc_obj_root, "test")

llvm_config.use_default_substitutions()
llvm_config.with_environment("PATH", config.llvm_tools_dir, append_path=True)
llvm_config.with_environment("PATH", config.imc_tools_dir, append_path=True)
config.substitutions.append(("%imc_src", config.imc_src_root))
config.substitutions.append(("%imc_models", os.path.join(config.imc_src_root, "models")))
# In front: the default substitutions have a %python of their own, without our packages.
config.substitutions.insert(0, ("%python", config.python))

shared = os.environ.get("IMC_SHARED", os.path.join(config.imc_src_root, "..", "shared"))
config.substitutions.append(("%shared", shared))
if os.path.isdir(os.path.join(shared, "models")):
    config.available_features.add("shared")
else:
    lit_config.note(f"no models at {shared}: tests that REQUIRE shared are skipped (set IMC_SHARED)")

tools = [
    "imc-opt",
    "imc-translate",
    "imc-batch",
    "split-file",
    # `imc` alone would also match inside file names.
    ToolSubst("imc", unresolved="ignore", pre=r"-./%_\w", post=r"-./_\w"),
]
llvm_config.add_tool_substitutions(tools, [config.imc_tools_dir, config.llvm_tools_dir])
