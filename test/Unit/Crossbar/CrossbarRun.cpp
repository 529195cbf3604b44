//===----------------------------------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs products on arrays from files, for comparison with other simulators
// (test/python/test_crossbar.py). Each line of standard input is one product:
// key=value words as below; files are .npy of int8, uint8 or int32, C order.
// Prints one line for each: "ok conversions saturated", or "error: message".
//
//===----------------------------------------------------------------------===//

#include "imc/Crossbar/Device.h"

#include "llvm/Support/MemoryBuffer.h"

#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

using namespace imc::crossbar;

namespace {

/// The data of a .npy file, as bytes.
std::string readBytes(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    std::cerr << "cannot read " << path << "\n";
    std::exit(1);
  }
  const std::string all = (*buffer)->getBuffer().str();
  const size_t header = size_t(uint8_t(all[8])) | size_t(uint8_t(all[9])) << 8;
  return all.substr(10 + header);
}

void write(const std::string &path, const std::vector<int32_t> &y, int64_t m,
           int64_t n) {
  std::string header = "{'descr': '<i4', 'fortran_order': False, 'shape': (" +
                       std::to_string(m) + ", " + std::to_string(n) + "), }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::ofstream out(path, std::ios::binary);
  out << "\x93NUMPY" << '\x01' << '\0' << char(header.size() & 255)
      << char(header.size() >> 8) << header;
  out.write(reinterpret_cast<const char *>(y.data()),
            std::streamsize(y.size() * 4));
}

class Words {
public:
  explicit Words(const std::string &line) {
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      const size_t equals = word.find('=');
      values[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  std::string text(const char *key) const {
    auto at = values.find(key);
    return at == values.end() ? "" : at->second;
  }
  int64_t number(const char *key, int64_t otherwise) const {
    auto at = values.find(key);
    return at == values.end() ? otherwise : std::stoll(at->second);
  }
  double real(const char *key, double otherwise) const {
    auto at = values.find(key);
    return at == values.end() ? otherwise : std::stod(at->second);
  }

private:
  std::map<std::string, std::string> values;
};

llvm::Error runOne(const Words &w, Statistics &statistics) {
  Shape shape;
  shape.groups = w.number("groups", 1);
  shape.k = w.number("k", 1);
  shape.n = w.number("n", 1);
  shape.groups_per_pack = w.number("groups_per_pack", 1);
  Arrays a;
  a.encoding = Encoding(w.number("encoding", 0));
  a.one_converter_per_pair = w.number("pair", 0);
  a.weight_bits = w.number("weight_bits", 8);
  a.cell_bits = w.number("cell_bits", 2);
  a.input_bits = w.number("input_bits", 8);
  a.signed_inputs = w.number("signed", 0);
  a.dac_bits = w.number("dac_bits", 1);
  a.rows = w.number("rows", 128);
  a.cols = w.number("cols", 128);
  const std::string weights = readBytes(w.text("weights"));
  llvm::Expected<Product> product = Product::create(
      shape, a,
      llvm::ArrayRef(reinterpret_cast<const int8_t *>(weights.data()),
                     weights.size()));
  if (!product)
    return product.takeError();
  const int64_t width = shape.groups * shape.k;
  Readout r;
  r.adc_bits = w.number("adc_bits", 8);
  r.range = Range(w.number("range", 1));
  r.range_bits = w.number("range_bits", 0);
  r.full_scale = w.real("full_scale", 0);
  r.ties = Ties(w.number("ties", 0));
  r.step = Step(w.number("step", 0));
  r.criterion = Criterion(w.number("criterion", 0));
  r.quantile = w.real("quantile", 1);
  if (!w.text("calibration").empty()) {
    const std::string codes = readBytes(w.text("calibration"));
    if (llvm::Error error =
            product->calibrate(reinterpret_cast<const uint8_t *>(codes.data()),
                               int64_t(codes.size()) / width, r.range))
      return error;
  }
  if (llvm::Error error = product->setReadout(r))
    return error;
  if (!w.text("device").empty()) {
    llvm::Expected<Device> device = loadDevice(w.text("device"), {});
    if (!device)
      return device.takeError();
    Draw draw;
    draw.seed = uint64_t(w.number("seed", 0));
    draw.time_s = w.real("time_s", 0);
    if (llvm::Error error = product->program(*device, draw))
      return error;
  }
  const std::string codes = readBytes(w.text("codes"));
  const int64_t m = int64_t(codes.size()) / width;
  std::vector<int32_t> y(size_t(m * shape.groups * shape.n));
  if (llvm::Error error =
          product->run(reinterpret_cast<const uint8_t *>(codes.data()), m,
                       y.data(), {}, &statistics))
    return error;
  write(w.text("out"), y, m, shape.groups * shape.n);
  return llvm::Error::success();
}

} // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    Statistics statistics;
    if (llvm::Error error = runOne(Words(line), statistics))
      std::cout << "error: " << llvm::toString(std::move(error)) << "\n";
    else
      std::cout << "ok " << statistics.conversions << " "
                << statistics.saturated << "\n";
  }
}
