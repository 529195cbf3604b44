//===- Turns.cpp - Parts that take turns at the global buffer -------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Turns.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace imc::cost::detail;

void Turns::join(const Turns &other) {
  blocks = std::max(blocks, other.blocks);
  buffer += other.buffer;
  steady = std::max(steady, other.steady);
  port += other.port;
  loads += other.loads;
  load += other.load;
  share = std::max(share, other.share);
  toLoad = std::max(toLoad, other.toLoad);
  toStore = std::max(toStore, other.toStore);
  ends = std::max(ends, other.ends);
  last = std::max(last, other.last);
}

double Turns::cycle(double wait) const {
  // Loads of a core follow one another. The load of a block begins when the
  // products of the second block before it are done, the products of a block
  // when the second block before it is stored.
  return std::max({steady / blocks, port / blocks,
                   (loads * wait + load) / blocks, share * wait + toLoad,
                   (wait + toStore) / 2});
}

/// How long a request waits, at most `most`: as long as makes the buffer just
/// busy throughout. By Little's law that is what all requests that are there
/// take.
static double waitOf(const std::vector<Turns> &parts, double most) {
  // Time of the buffer per time of service, less one: nearly a line.
  auto idle = [&](double wait) {
    double busy = 0;
    for (const Turns &p : parts)
      busy += p.count * p.buffer / (p.blocks * p.cycle(wait));
    return 1 / busy - 1;
  };
  double low = 0, atLow = idle(0);
  if (atLow >= 0)
    return 0;
  // False position; an end that stays counts half (Illinois).
  double high = most, atHigh = idle(most);
  int side = 0;
  while (high - low > 1e-6 * high) {
    const double wait = (low * atHigh - high * atLow) / (atHigh - atLow);
    const double at = idle(wait);
    if (!(wait > low && wait < high) || std::abs(at) < 1e-9)
      return wait;
    if (at < 0) {
      low = wait;
      atLow = at;
      if (side < 0)
        atHigh /= 2;
      side = -1;
    } else {
      high = wait;
      atHigh = at;
      if (side > 0)
        atLow /= 2;
      side = 1;
    }
  }
  return high;
}

double imc::cost::detail::latestOf(std::vector<Turns> parts) {
  // With a block of each part waiting, two requests each, nobody waits longer.
  double wait = 0;
  for (const Turns &p : parts)
    wait += 2 * p.count * p.buffer / p.blocks;
  std::vector<double> left(parts.size(), 1); // shares
  double now = 0, latest = 0;
  while ((wait = waitOf(parts, wait)) > 0) {
    // Until some are done.
    double next = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i != parts.size(); ++i)
      next = std::min(next, left[i] * parts[i].blocks * parts[i].cycle(wait));
    now += next;
    size_t kept = 0;
    for (size_t i = 0; i != parts.size(); ++i) {
      const double share = next / (parts[i].blocks * parts[i].cycle(wait));
      if (left[i] - share > 1e-9) {
        left[kept] = left[i] - share;
        parts[kept++] = parts[i];
      } else if (parts[i].blocks > 1) {
        latest = std::max(latest, now + parts[i].last);
      }
    }
    parts.resize(kept);
  }
  // The others go on as if they had the buffer to themselves.
  if (now > 0)
    for (size_t i = 0; i != parts.size(); ++i)
      if (parts[i].blocks > 1)
        latest =
            std::max(latest, now + parts[i].ends +
                                 left[i] * parts[i].blocks * parts[i].cycle(0));
  return latest;
}
