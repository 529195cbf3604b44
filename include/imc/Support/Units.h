//===- Units.h - Physical quantities as types -------------------*- C++ -*-===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A Quantity is a double in SI base units whose dimension is part of its type:
// adding joules to seconds, or passing an area where a time is wanted, does not
// compile, and the product of a capacitance and two voltages is an energy. It
// costs nothing at run time. Numbers enter through the prefixed units below
// (`2 * pJ`, `fF(0.7)`), and leave through `in` (`energy.in(pJ)`).
//
//===----------------------------------------------------------------------===//

#ifndef IMC_SUPPORT_UNITS_H
#define IMC_SUPPORT_UNITS_H

#include <cmath>

namespace imc::units {

/// Dimension kg^M m^L s^T A^I.
template <int M, int L, int T, int I>
class Quantity {
public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(double si) : number(si) {}

  /// Value in SI base units (J, s, m2, W, V, F, Ohm).
  constexpr double si() const { return number; }
  /// Value in multiples of `unit`.
  constexpr double in(Quantity unit) const { return number / unit.number; }

  /// `unit(3)`: three of this unit.
  constexpr Quantity operator()(double count) const {
    return Quantity(count * number);
  }

  constexpr Quantity operator+(Quantity o) const {
    return Quantity(number + o.number);
  }
  constexpr Quantity operator-(Quantity o) const {
    return Quantity(number - o.number);
  }
  constexpr Quantity &operator+=(Quantity o) {
    number += o.number;
    return *this;
  }
  constexpr bool operator<(Quantity o) const { return number < o.number; }
  constexpr bool operator>(Quantity o) const { return number > o.number; }
  constexpr bool operator<=(Quantity o) const { return number <= o.number; }
  constexpr bool operator>=(Quantity o) const { return number >= o.number; }
  constexpr bool operator==(Quantity o) const { return number == o.number; }
  constexpr bool operator!=(Quantity o) const { return number != o.number; }

private:
  double number = 0;
};

template <int M, int L, int T, int I>
constexpr Quantity<M, L, T, I> operator*(double a, Quantity<M, L, T, I> b) {
  return Quantity<M, L, T, I>(a * b.si());
}
template <int M, int L, int T, int I>
constexpr Quantity<M, L, T, I> operator*(Quantity<M, L, T, I> a, double b) {
  return Quantity<M, L, T, I>(a.si() * b);
}
template <int M, int L, int T, int I>
constexpr Quantity<M, L, T, I> operator/(Quantity<M, L, T, I> a, double b) {
  return Quantity<M, L, T, I>(a.si() / b);
}

/// A product of quantities; plain numbers when the dimensions cancel.
template <int M, int L, int T, int I>
struct Dimensioned {
  using type = Quantity<M, L, T, I>;
};
template <>
struct Dimensioned<0, 0, 0, 0> {
  using type = double;
};

template <int M, int L, int T, int I, int N, int K, int U, int J>
constexpr typename Dimensioned<M + N, L + K, T + U, I + J>::type
operator*(Quantity<M, L, T, I> a, Quantity<N, K, U, J> b) {
  return
      typename Dimensioned<M + N, L + K, T + U, I + J>::type(a.si() * b.si());
}
template <int M, int L, int T, int I, int N, int K, int U, int J>
constexpr typename Dimensioned<M - N, L - K, T - U, I - J>::type
operator/(Quantity<M, L, T, I> a, Quantity<N, K, U, J> b) {
  return
      typename Dimensioned<M - N, L - K, T - U, I - J>::type(a.si() / b.si());
}
template <int M, int L, int T, int I>
constexpr Quantity<-M, -L, -T, -I> operator/(double a, Quantity<M, L, T, I> b) {
  return Quantity<-M, -L, -T, -I>(a / b.si());
}

/// Side of a square.
template <int M, int L, int T, int I>
Quantity<M / 2, L / 2, T / 2, I / 2> sqrt(Quantity<M, L, T, I> q) {
  static_assert(M % 2 == 0 && L % 2 == 0 && T % 2 == 0 && I % 2 == 0,
                "the root of this dimension is none");
  return Quantity<M / 2, L / 2, T / 2, I / 2>(std::sqrt(q.si()));
}

using Length = Quantity<0, 1, 0, 0>;
using Area = Quantity<0, 2, 0, 0>;
using Time = Quantity<0, 0, 1, 0>;
using Frequency = Quantity<0, 0, -1, 0>;
using Energy = Quantity<1, 2, -2, 0>;
using Power = Quantity<1, 2, -3, 0>;
using Voltage = Quantity<1, 2, -3, -1>;
using Capacitance = Quantity<-1, -2, 4, 2>;
using Resistance = Quantity<1, 2, -3, -2>;
using Conductance = Quantity<-1, -2, 3, 2>;
using Current = Quantity<0, 0, 0, 1>;

// The units of machine files.
constexpr Energy J(1.0), pJ(1e-12), fJ(1e-15);
constexpr Time s(1.0), us(1e-6), ns(1e-9);
constexpr Area mm2(1e-6), um2(1e-12);
constexpr Length um(1e-6), nm(1e-9);
constexpr Power W(1.0), mW(1e-3), uW(1e-6), nW(1e-9);
constexpr Voltage V(1.0);
constexpr Capacitance fF(1e-15);
constexpr Resistance ohm(1.0);
constexpr Current mA(1e-3);

/// Times and areas that stay in the unit in which files write them, because
/// they are compared to, or summed with, others of that unit: the way to SI and
/// back rounds (15 ns would come back as 15.000000000000002).
struct Ns {
  double count = 0;
  constexpr operator Time() const { return ns(count); }
};
struct Mm2 {
  double count = 0;
  constexpr operator Area() const { return mm2(count); }
};

} // namespace imc::units

#endif // IMC_SUPPORT_UNITS_H
