//===- OpsEinsum.cpp - Einsum ---------------------------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An equation is computed operand by operand: each pair is brought to the form
// of MatMul (shared labels, rows, contracted labels; shared labels, contracted
// labels, columns), so that a product with a stored matrix is found like any
// other. Labels that only one operand has and nobody needs are summed first.
//
//===----------------------------------------------------------------------===//

#include "Build.h"
#include "Node.h"
#include "OpTable.h"

using namespace mlir;

namespace imc::onnximport {

namespace {

/// A label is a letter, or a number from 256 on for a dimension of "...".
using Labels = SmallVector<int, 6>;

/// A tensor whose dimensions are named; no label occurs twice.
struct Term {
  Binding value;
  Labels labels;
};

class Equation {
public:
  explicit Equation(Node &node) : node(node) {}
  LogicalResult lower();

private:
  LogicalResult parse();
  LogicalResult parseTerm(StringRef text, ArrayRef<int64_t> shape,
                          Labels &labels);
  /// Input `i` with the diagonals that a repeated label means.
  FailureOr<Term> operand(unsigned i);
  FailureOr<Term> sumOut(Term term, const llvm::SmallDenseSet<int> &keep);
  FailureOr<Term> multiply(const Term &a, const Term &b,
                           const llvm::SmallDenseSet<int> &keep);
  FailureOr<Term> reorder(Term term, ArrayRef<int> labels);
  FailureOr<Binding> reshaped(const Binding &value, ArrayRef<int64_t> shape) {
    return node.call("Reshape", {value, node.list(shape)},
                     {{"allowzero", int64_t(1)}});
  }
  int64_t product(ArrayRef<int> labels) {
    int64_t count = 1;
    for (int label : labels)
      count *= sizes[label];
    return count;
  }

  Node &node;
  std::string text;
  std::vector<Labels> inputs;
  Labels output;
  llvm::SmallDenseMap<int, int64_t> sizes;
};

} // namespace

LogicalResult Equation::parseTerm(StringRef term, ArrayRef<int64_t> shape,
                                  Labels &labels) {
  size_t letters = llvm::count_if(term, llvm::isAlpha);
  size_t dots = term.count("...");
  if (letters + 3 * dots != term.size() || dots > 1 || letters > shape.size() ||
      (dots == 0 && letters != shape.size())) {
    node.error() << "the term '" << term << "' of equation '" << text
                 << "' does not fit an input of shape " << shapeText(shape);
    return failure();
  }
  size_t rest = shape.size() - letters;
  for (size_t i = 0; i < term.size(); ++i) {
    if (term[i] != '.') {
      labels.push_back(term[i]);
      continue;
    }
    // Numbered from the last one, so that shorter inputs broadcast.
    for (size_t d = rest; d-- > 0;)
      labels.push_back(256 + int(d));
    i += 2;
  }
  for (auto [label, size] : llvm::zip(labels, shape)) {
    auto [it, added] = sizes.try_emplace(label, size);
    if (!added && it->second == 1)
      it->second = size;
    if (it->second != size && size != 1) {
      node.error() << "equation '" << text << "' gives one label the sizes "
                   << it->second << " and " << size;
      return failure();
    }
  }
  return success();
}

LogicalResult Equation::parse() {
  if (failed(node.attribute("equation", text)))
    return failure();
  llvm::erase(text, ' ');
  auto [left, right] = StringRef(text).split("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != node.numInputs()) {
    node.error() << "equation '" << text << "' has " << terms.size()
                 << " terms for " << node.numInputs() << " inputs";
    return failure();
  }
  size_t dots = 0;
  for (unsigned i = 0; i < terms.size(); ++i) {
    inputs.emplace_back();
    SmallVector<int64_t, 4> shape = *node.shape(i);
    if (failed(parseTerm(terms[i], shape, inputs.back())))
      return failure();
    for (int label : inputs.back())
      if (label >= 256)
        dots = std::max<size_t>(dots, label - 255);
  }
  bool implicit = !StringRef(text).contains("->");
  auto addDots = [&] {
    for (size_t d = dots; d-- > 0;)
      output.push_back(256 + int(d));
  };
  if (implicit) {
    // The labels that occur once, in order.
    addDots();
    for (int letter = 0; letter < 256; ++letter)
      if (llvm::isAlpha(char(letter)) && left.count(char(letter)) == 1)
        output.push_back(letter);
    return success();
  }
  for (size_t i = 0; i < right.size(); ++i) {
    if (right.substr(i).starts_with("...")) {
      addDots();
      i += 2;
      continue;
    }
    if (!llvm::isAlpha(right[i]) || !sizes.contains(right[i]) ||
        llvm::is_contained(output, int(right[i]))) {
      node.error() << "the output '" << right << "' of equation '" << text
                   << "' repeats a label or has one that no input has";
      return failure();
    }
    output.push_back(right[i]);
  }
  return success();
}

FailureOr<Term> Equation::operand(unsigned i) {
  Term term{node.input(i), {}};
  Operand diagonal{Value(), {}};
  SmallVector<int64_t, 4> shape;
  for (int label : inputs[i]) {
    auto *found = llvm::find(term.labels, label);
    diagonal.dims.push_back(found - term.labels.begin());
    if (found == term.labels.end()) {
      term.labels.push_back(label);
      shape.push_back(term.value.shape()[diagonal.dims.size() - 1]);
    } else if (shape[found - term.labels.begin()] !=
               term.value.shape()[diagonal.dims.size() - 1]) {
      node.error() << "equation '" << text << "' repeats a label in input " << i
                   << " of shape " << shapeText(term.value.shape())
                   << " for two sizes";
      return failure();
    }
  }
  if (term.labels.size() == inputs[i].size())
    return term;
  FailureOr<Value> value = node.tensor(i);
  FailureOr<RankedTensorType> type = node.type(shape);
  if (failed(value) || failed(type))
    return failure();
  diagonal.value = *value;
  Value result =
      elementwise(node.builder, node.loc, *type, {diagonal},
                  [](OpBuilder &, Location, ValueRange v) { return v[0]; });
  term.value = Binding(result, node.elementType(i));
  return term;
}

FailureOr<Term> Equation::sumOut(Term term,
                                 const llvm::SmallDenseSet<int> &keep) {
  SmallVector<int64_t, 4> axes;
  Labels kept;
  for (auto [d, label] : llvm::enumerate(term.labels)) {
    if (keep.contains(label))
      kept.push_back(label);
    else
      axes.push_back(d);
  }
  if (axes.empty())
    return term;
  FailureOr<Binding> sum = node.call("ReduceSum", {term.value, node.list(axes)},
                                     {{"keepdims", int64_t(0)}});
  if (failed(sum))
    return failure();
  return Term{*sum, kept};
}

FailureOr<Term> Equation::reorder(Term term, ArrayRef<int> labels) {
  SmallVector<int64_t, 4> permutation;
  for (int label : labels)
    permutation.push_back(llvm::find(term.labels, label) - term.labels.begin());
  if (llvm::is_sorted(permutation))
    return term;
  FailureOr<Binding> moved =
      node.call("Transpose", {term.value}, {{"perm", permutation}});
  if (failed(moved))
    return failure();
  return Term{*moved, Labels(labels)};
}

FailureOr<Term> Equation::multiply(const Term &left, const Term &right,
                                   const llvm::SmallDenseSet<int> &keep) {
  // A label of size 1 that the other operand stretches is dropped first.
  auto dropStretched = [&](Term term) -> FailureOr<Term> {
    Labels kept;
    SmallVector<int64_t, 4> shape;
    for (auto [label, size] : llvm::zip(term.labels, term.value.shape()))
      if (size == sizes[label]) {
        kept.push_back(label);
        shape.push_back(size);
      }
    if (kept.size() == term.labels.size())
      return term;
    FailureOr<Binding> value = reshaped(term.value, shape);
    if (failed(value))
      return failure();
    return Term{*value, kept};
  };
  FailureOr<Term> a = dropStretched(left), b = dropStretched(right);
  if (failed(a) || failed(b))
    return failure();
  Labels shared, contracted, rows, columns;
  for (int label : a->labels) {
    if (!llvm::is_contained(b->labels, label))
      rows.push_back(label);
    else
      (keep.contains(label) ? shared : contracted).push_back(label);
  }
  for (int label : b->labels)
    if (!llvm::is_contained(a->labels, label))
      columns.push_back(label);
  auto joined = [](std::initializer_list<ArrayRef<int>> parts) {
    Labels all;
    for (ArrayRef<int> part : parts)
      all.append(part.begin(), part.end());
    return all;
  };
  a = reorder(*a, joined({shared, rows, contracted}));
  b = reorder(*b, joined({shared, contracted, columns}));
  if (failed(a) || failed(b))
    return failure();
  int64_t batch = product(shared), m = product(rows), k = product(contracted),
          n = product(columns);
  SmallVector<int64_t, 4> aShape{m, k}, bShape{k, n};
  if (!shared.empty()) {
    aShape.insert(aShape.begin(), batch);
    bShape.insert(bShape.begin(), batch);
  }
  FailureOr<Binding> x = reshaped(a->value, aShape);
  FailureOr<Binding> y = reshaped(b->value, bShape);
  if (failed(x) || failed(y))
    return failure();
  FailureOr<Binding> matrix = node.call("MatMul", {*x, *y});
  if (failed(matrix))
    return failure();
  Term result{Binding(), joined({shared, rows, columns})};
  SmallVector<int64_t, 4> shape;
  for (int label : result.labels)
    shape.push_back(sizes[label]);
  FailureOr<Binding> value = reshaped(*matrix, shape);
  if (failed(value))
    return failure();
  result.value = *value;
  return result;
}

LogicalResult Equation::lower() {
  if (failed(parse()))
    return failure();
  SmallVector<int64_t, 4> shape;
  for (int label : output)
    shape.push_back(sizes[label]);
  if (failed(node.type(shape)))
    return failure();
  std::optional<Term> result;
  for (unsigned i = 0; i < inputs.size(); ++i) {
    // What later operands or the output still need.
    llvm::SmallDenseSet<int> later(output.begin(), output.end());
    for (unsigned j = i + 1; j < inputs.size(); ++j)
      later.insert(inputs[j].begin(), inputs[j].end());
    FailureOr<Term> term = operand(i);
    if (failed(term))
      return failure();
    llvm::SmallDenseSet<int> own = later;
    if (result)
      own.insert(result->labels.begin(), result->labels.end());
    term = sumOut(*term, own);
    if (succeeded(term) && result)
      term = multiply(*result, *term, later);
    if (succeeded(term))
      term = sumOut(*term, later);
    if (failed(term))
      return failure();
    result = *term;
  }
  FailureOr<Term> ordered = reorder(*result, output);
  if (failed(ordered))
    return failure();
  return node.result(ordered->value);
}

LogicalResult lowerEinsum(Node &node) { return Equation(node).lower(); }

} // namespace imc::onnximport
