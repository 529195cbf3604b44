//===- RandomModel.h - Small random networks as IR ------------------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Builds imported modules the way the importer does: linalg on static shapes,
// node names as locations, weights without data. Chains of convolutions
// (ordinary, depthwise, grouped, strided, dilated, padded), pooling,
// element-wise work, residuals, matrix products and products of two
// activations.
//
//===----------------------------------------------------------------------===//

#ifndef IMC_TEST_UNIT_TRANSFORMS_RANDOMMODEL_H
#define IMC_TEST_UNIT_TRANSFORMS_RANDOMMODEL_H

#include "dialects/imc/IR/IMC.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <random>
#include <string>

namespace imc::test {

/// Numbers from a fixed generator, the same on every platform.
class Random {
public:
  explicit Random(uint64_t seed) : engine(seed) {}
  /// From lo to hi, both included.
  int64_t in(int64_t lo, int64_t hi) {
    return lo + int64_t(engine() % uint64_t(hi - lo + 1));
  }
  bool chance(int64_t percent) { return in(1, 100) <= percent; }
  template <typename T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[in(0, int64_t(values.size()) - 1)];
  }

private:
  std::mt19937_64 engine;
};

/// Builds one network; see build().
class RandomModel {
public:
  RandomModel(mlir::MLIRContext *context, Random &random)
      : random(random), builder(context), loc(builder.getUnknownLoc()) {}

  /// A module in phase `imported` with 1 to 10 layers, at least one product
  /// with stored weights, and `imc.parameters`.
  mlir::OwningOpRef<mlir::ModuleOp> build();

private:
  using Shape = llvm::ArrayRef<int64_t>;
  mlir::RankedTensorType type(Shape shape) {
    return mlir::RankedTensorType::get(shape, builder.getF32Type());
  }
  Shape shapeOf(mlir::Value value) {
    return llvm::cast<mlir::RankedTensorType>(value.getType()).getShape();
  }
  mlir::Value empty(Shape shape) {
    return mlir::tensor::EmptyOp::create(builder, loc, shape,
                                         builder.getF32Type());
  }
  mlir::Value zeros(Shape shape);
  mlir::Value weight(Shape shape);
  mlir::Value bias(Shape result, int64_t channels);
  /// Starts the next node of the model.
  void node(llvm::StringRef op);

  mlir::Value convolution(mlir::Value x);
  mlir::Value pooling(mlir::Value x);
  mlir::Value relu(mlir::Value x);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value matmul(mlir::Value x);
  mlir::Value attention(mlir::Value x);

  Random &random;
  mlir::OpBuilder builder;
  mlir::Location loc;
  int64_t nodes = 0, parameters = 0;
};

inline void RandomModel::node(llvm::StringRef op) {
  std::string name = "/" + op.str() + "_" + std::to_string(nodes);
  auto file = mlir::FileLineColLoc::get(builder.getContext(), "random.onnx",
                                        unsigned(nodes++), 0);
  loc = mlir::NameLoc::get(builder.getStringAttr(name), file);
}

inline mlir::Value RandomModel::zeros(Shape shape) {
  mlir::Value zero =
      mlir::arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0));
  return mlir::linalg::FillOp::create(builder, loc, zero, empty(shape))
      .getResult(0);
}

inline mlir::Value RandomModel::weight(Shape shape) {
  auto tensor = type(shape);
  parameters += tensor.getNumElements();
  return imc::MissingWeightOp::create(builder, loc, tensor,
                                      "w" + std::to_string(nodes));
}

/// Zeros, or a bias along dimension 1.
inline mlir::Value RandomModel::bias(Shape result, int64_t channels) {
  if (random.chance(40))
    return zeros(result);
  llvm::SmallVector<int64_t> added;
  for (int64_t d = 0; d < int64_t(result.size()); ++d)
    if (d != 1)
      added.push_back(d);
  return mlir::linalg::BroadcastOp::create(builder, loc, weight({channels}),
                                           empty(result), added)
      ->getResult(0);
}

inline mlir::Value RandomModel::convolution(mlir::Value x) {
  node("Conv");
  int64_t n = shapeOf(x)[0], c = shapeOf(x)[1], h = shapeOf(x)[2],
          w = shapeOf(x)[3];
  int64_t kernel = random.pick<int64_t>({1, 1, 3, 3, 5}),
          stride = random.in(1, 2), dilation = random.chance(15) ? 2 : 1;
  int64_t extent = dilation * (kernel - 1) + 1,
          padding = random.in(0, 1) * (extent / 2);
  if (std::min(h, w) + 2 * padding < extent)
    return x;
  if (padding) {
    llvm::SmallVector<mlir::OpFoldResult> by;
    for (int64_t p : {int64_t(0), int64_t(0), padding, padding})
      by.push_back(builder.getIndexAttr(p));
    mlir::Value zero = mlir::arith::ConstantOp::create(
        builder, loc, builder.getF32FloatAttr(0));
    x = mlir::tensor::PadOp::create(
        builder, loc, type({n, c, h + 2 * padding, w + 2 * padding}), x, by, by,
        zero);
  }
  int64_t oh = (h + 2 * padding - extent) / stride + 1,
          ow = (w + 2 * padding - extent) / stride + 1;
  mlir::Attribute strides = builder.getI64TensorAttr({stride, stride});
  mlir::Attribute dilations = builder.getI64TensorAttr({dilation, dilation});
  int64_t form = random.in(0, 9);
  if (form < 3 && c > 1) {
    mlir::Value init = bias({n, c, oh, ow}, c);
    return mlir::linalg::DepthwiseConv2DNchwChwOp::create(
               builder, loc, mlir::TypeRange(init.getType()),
               mlir::ValueRange{x, weight({c, kernel, kernel})},
               mlir::ValueRange(init), strides, dilations)
        ->getResult(0);
  }
  int64_t groups = c % 4 == 0 ? 4 : c % 2 == 0 ? 2 : 1;
  if (form < 5 && groups > 1) {
    int64_t f = groups * random.in(1, 6), hp = h + 2 * padding,
            wp = w + 2 * padding;
    llvm::SmallVector<mlir::ReassociationIndices> five = {
        {0}, {1, 2}, {3}, {4}};
    mlir::Value x5 = mlir::tensor::ExpandShapeOp::create(
        builder, loc, type({n, groups, c / groups, hp, wp}), x, five);
    mlir::Value init = zeros({n, groups, f / groups, oh, ow});
    mlir::Value y5 =
        mlir::linalg::Conv2DNgchwGfchwOp::create(
            builder, loc, mlir::TypeRange(init.getType()),
            mlir::ValueRange{
                x5, weight({groups, f / groups, c / groups, kernel, kernel})},
            mlir::ValueRange(init), strides, dilations)
            ->getResult(0);
    return mlir::tensor::CollapseShapeOp::create(
        builder, loc, type({n, f, oh, ow}), y5, five);
  }
  int64_t f = random.in(1, 80);
  mlir::Value init = bias({n, f, oh, ow}, f);
  return mlir::linalg::Conv2DNchwFchwOp::create(
             builder, loc, mlir::TypeRange(init.getType()),
             mlir::ValueRange{x, weight({f, c, kernel, kernel})},
             mlir::ValueRange(init), strides, dilations)
      ->getResult(0);
}

inline mlir::Value RandomModel::pooling(mlir::Value x) {
  int64_t h = shapeOf(x)[2], w = shapeOf(x)[3];
  if (h < 2 || w < 2)
    return x;
  node("MaxPool");
  mlir::Value init =
      zeros({shapeOf(x)[0], shapeOf(x)[1], (h - 2) / 2 + 1, (w - 2) / 2 + 1});
  return mlir::linalg::PoolingNchwMaxOp::create(
             builder, loc, mlir::TypeRange(init.getType()),
             mlir::ValueRange{x, empty({2, 2})}, mlir::ValueRange(init),
             mlir::Attribute(builder.getI64TensorAttr({2, 2})),
             mlir::Attribute(builder.getI64TensorAttr({1, 1})))
      ->getResult(0);
}

inline mlir::Value RandomModel::relu(mlir::Value x) {
  node("Relu");
  mlir::Value zero =
      mlir::arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0));
  auto map = builder.getMultiDimIdentityMap(unsigned(shapeOf(x).size()));
  llvm::SmallVector<mlir::utils::IteratorType> loops(
      shapeOf(x).size(), mlir::utils::IteratorType::parallel);
  return mlir::linalg::GenericOp::create(
             builder, loc, mlir::TypeRange(x.getType()), mlir::ValueRange(x),
             mlir::ValueRange(empty(shapeOf(x))),
             llvm::ArrayRef<mlir::AffineMap>{map, map}, loops,
             [&](mlir::OpBuilder &b, mlir::Location l, mlir::ValueRange args) {
               mlir::Value y =
                   mlir::arith::MaximumFOp::create(b, l, args[0], zero);
               mlir::linalg::YieldOp::create(b, l, y);
             })
      ->getResult(0);
}

inline mlir::Value RandomModel::add(mlir::Value x, mlir::Value y) {
  node("Add");
  return mlir::linalg::AddOp::create(builder, loc, mlir::ValueRange{x, y},
                                     mlir::ValueRange(empty(shapeOf(x))))
      ->getResult(0);
}

inline mlir::Value RandomModel::matmul(mlir::Value x) {
  node("Gemm");
  int64_t n = random.in(1, 300);
  mlir::Value init = bias({shapeOf(x)[0], n}, n);
  return mlir::linalg::MatmulOp::create(
             builder, loc, mlir::TypeRange(init.getType()),
             mlir::ValueRange{x, weight({shapeOf(x)[1], n})},
             mlir::ValueRange(init))
      ->getResult(0);
}

/// x · xᵀ: a product of two activations.
inline mlir::Value RandomModel::attention(mlir::Value x) {
  node("MatMul");
  int64_t m = shapeOf(x)[0], k = shapeOf(x)[1];
  mlir::Value xt =
      mlir::linalg::TransposeOp::create(builder, loc, x, empty({k, m}),
                                        llvm::ArrayRef<int64_t>{1, 0})
          ->getResult(0);
  mlir::Value init = zeros({m, m});
  return mlir::linalg::MatmulOp::create(
             builder, loc, mlir::TypeRange(init.getType()),
             mlir::ValueRange{x, xt}, mlir::ValueRange(init))
      ->getResult(0);
}

inline mlir::OwningOpRef<mlir::ModuleOp> RandomModel::build() {
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(loc, "random");
  builder.setInsertionPointToEnd(module->getBody());
  int64_t batch = random.pick<int64_t>({1, 1, 1, 2, 3}),
          size = random.in(4, 18);
  auto input = type({batch, random.in(1, 8), size, size});
  auto func = mlir::func::FuncOp::create(builder, loc, "main",
                                         builder.getFunctionType(input, {}));
  builder.setInsertionPointToStart(func.addEntryBlock());
  mlir::Value x = convolution(func.getArgument(0));
  for (int64_t i = 0, e = random.in(0, 5); i < e; ++i) {
    mlir::Value before = x;
    switch (random.in(0, 3)) {
    case 0:
      x = pooling(x);
      break;
    case 1:
      x = relu(x);
      break;
    default:
      x = convolution(x);
      if (x.getType() == before.getType() && random.chance(60))
        x = add(x, before);
    }
  }
  if (random.chance(80)) {
    node("Flatten");
    auto flat =
        type({shapeOf(x)[0], shapeOf(x)[1] * shapeOf(x)[2] * shapeOf(x)[3]});
    x = mlir::tensor::CollapseShapeOp::create(
        builder, loc, flat, x,
        llvm::SmallVector<mlir::ReassociationIndices>{{0}, {1, 2, 3}});
    for (int64_t i = 0, e = random.in(1, 3); i < e; ++i) {
      x = matmul(x);
      if (random.chance(40))
        x = relu(x);
    }
    if (random.chance(25))
      x = attention(x);
  } else {
    x = convolution(x);
  }
  mlir::func::ReturnOp::create(builder, loc, x);
  func.setType(builder.getFunctionType(input, x.getType()));
  (*module)->setAttr(IMCDialect::parametersAttrName,
                     builder.getI64IntegerAttr(parameters));
  return module;
}

} // namespace imc::test

#endif // IMC_TEST_UNIT_TRANSFORMS_RANDOMMODEL_H
