# Layers: an arrow may only point down (docs/Architecture.md). Every own library
# states its layer; linking a library of a higher layer stops the configuration.

# add_imc_library(NAME LAYER n [MLIR] SOURCES f... [LINK lib...] [PRIVATE_LINK lib...] [DEPENDS target...])
#   MLIR          the library includes MLIR headers: shared precompiled header and libMLIR
#   LINK          own or foreign libraries; own ones must not lie in a higher layer
function(add_imc_library name)
  cmake_parse_arguments(ARG "MLIR" "LAYER" "SOURCES;LINK;PRIVATE_LINK;DEPENDS" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "add_imc_library(${name}): unknown arguments '${ARG_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT DEFINED ARG_LAYER)
    message(FATAL_ERROR "add_imc_library(${name}): say its LAYER (0 to 7, see docs/Architecture.md)")
  endif()
  add_library(${name} STATIC ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES IMC_LAYER ${ARG_LAYER})
  imc_check_layer(${name} ${ARG_LAYER} ${ARG_LINK} ${ARG_PRIVATE_LINK})
  target_include_directories(${name} PUBLIC ${IMC_SOURCE_DIR}/include ${IMC_SOURCE_DIR}
                                            ${IMC_BINARY_DIR}/include ${IMC_BINARY_DIR})
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wno-unused-parameter)
  target_link_libraries(${name} PUBLIC ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  if(ARG_MLIR)
    imc_use_mlir(${name})
  endif()
endfunction()

# Stops with a readable message when a library would link upwards.
function(imc_check_layer name layer)
  foreach(dependency IN LISTS ARGN)
    if(TARGET ${dependency})
      get_target_property(other ${dependency} IMC_LAYER)
      if(NOT other MATCHES "NOTFOUND" AND other GREATER layer)
        message(FATAL_ERROR
          "layering: ${name} (layer ${layer}) may not link ${dependency} (layer ${other}): "
          "an arrow may only point down. Move the shared part of ${dependency} to layer ${layer} or below, "
          "or ${name} to layer ${other}; the layers are drawn in docs/Architecture.md.")
      endif()
    elseif(dependency MATCHES "^IMC")
      message(FATAL_ERROR
        "layering: ${name} (layer ${layer}) links ${dependency}, which is not defined yet: "
        "subdirectories are added in layer order, so it lies higher, or its name is wrong.")
    endif()
  endforeach()
endfunction()

function(imc_use_mlir name)
  target_link_libraries(${name} PUBLIC MLIR LLVM)
  if(IMC_ENABLE_PCH)
    target_precompile_headers(${name} REUSE_FROM imc_pch)
  else()
    # First in the precompiled header, therefore first here.
    target_compile_options(${name} PRIVATE "SHELL:-include ${IMC_SOURCE_DIR}/lib/Support/PackagedLLVM.h")
  endif()
endfunction()

# add_imc_tool(NAME [MLIR] SOURCES f... LINK lib...): a program in build/bin (layer 7).
function(add_imc_tool name)
  cmake_parse_arguments(ARG "MLIR" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES IMC_LAYER 7 RUNTIME_OUTPUT_DIRECTORY ${IMC_BINARY_DIR}/bin)
  imc_check_layer(${name} 7 ${ARG_LINK})
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wno-unused-parameter)
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  if(ARG_MLIR)
    imc_use_mlir(${name})
  endif()
endfunction()

# add_imc_unittest(NAME SOURCES f... LINK lib... [MLIR]): a GoogleTest program,
# registered with ctest one test per TEST().
function(add_imc_unittest name)
  cmake_parse_arguments(ARG "MLIR" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${IMC_BINARY_DIR}/unittests)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE IMC_SOURCE_DIR="${IMC_SOURCE_DIR}")
  if(ARG_MLIR)
    imc_use_mlir(${name})
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60)
  add_dependencies(imc-unittests ${name})
endfunction()
