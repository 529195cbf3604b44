//===- Clones.h - Functions compiled for several processors -----*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// IMC_CLONES before a function that a search spends its time in: it is compiled
// for x86-64-v3 (AVX2, BMI2) and x86-64-v4 (AVX-512) as well, with what is
// inlined into it, and the loader takes what the processor has. IMC_INLINE
// before what it spends that time in. Results do not depend on it: nothing here
// contracts or reorders floating-point operations (-ffp-contract=off).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_SUPPORT_CLONES_H
#define IMC_SUPPORT_CLONES_H

// Other compilers choose by the name of a processor instead of by what it has.
#if defined(__clang__) && defined(__x86_64__) && defined(__linux__)
#define IMC_CLONES                                                             \
  __attribute__((                                                              \
      flatten, target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define IMC_CLONES
#endif

/// Of a lambda, behind its parameters.
#define IMC_INLINE_LAMBDA __attribute__((always_inline))
#define IMC_INLINE inline IMC_INLINE_LAMBDA

#endif // IMC_SUPPORT_CLONES_H
