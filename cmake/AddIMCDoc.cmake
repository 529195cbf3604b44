# add_imc_doc(PAGE.md TITLE text TD file GENERATOR option... [NOTE text])
#
# Generates a reference page from TableGen into build/docs/reference/PAGE.md, as part of every build (it
# takes milliseconds). The page under docs/reference is the same text, committed, so that it can be read without a
# build; test/Docs/reference.test fails when it is stale, and `ninja imc-doc-update` renews it.
add_custom_target(imc-doc ALL)
add_custom_target(imc-doc-update)

function(add_imc_doc page)
  cmake_parse_arguments(ARG "" "TITLE;TD;NOTE" "GENERATOR" ${ARGN})
  set(output ${IMC_BINARY_DIR}/docs/reference/${page})
  set(td ${IMC_SOURCE_DIR}/${ARG_TD})
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${MLIR_TABLEGEN_EXE} ${ARG_GENERATOR} -I${IMC_SOURCE_DIR} -I${IMC_SOURCE_DIR}/include
            -I${MLIR_INCLUDE_DIRS} ${td} -o ${output}.in -d ${output}.d
    COMMAND ${CMAKE_COMMAND} -DINPUT=${output}.in -DOUTPUT=${output} "-DTITLE=${ARG_TITLE}" "-DTD=${ARG_TD}"
            "-DNOTE=${ARG_NOTE}" -P ${IMC_SOURCE_DIR}/cmake/FinishDoc.cmake
    DEPENDS ${td} ${IMC_SOURCE_DIR}/cmake/FinishDoc.cmake
    DEPFILE ${output}.d
    COMMENT "Reference page ${page}"
    VERBATIM)
  string(REPLACE "." "-" target imc-doc-${page})
  add_custom_target(${target} DEPENDS ${output})
  add_dependencies(imc-doc ${target})
  add_custom_command(TARGET imc-doc-update POST_BUILD
    COMMAND ${CMAKE_COMMAND} -E copy_if_different ${output} ${IMC_SOURCE_DIR}/docs/reference/${page} VERBATIM)
  add_dependencies(imc-doc-update ${target})
endfunction()
