//===- ProductKernels.cpp - Functions that multiply matrices --------------===//
//
// Part of imc-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The usual blocking of dense products: a panel of b, some rows deep and one
// register tile wide, is copied next to each other; for every few rows of a, a
// tile of c stays in registers while k runs over the panel. The tile's product
// is a linalg op, of which upstream's transforms make vector code
// (vectorizeTiles): a step of k loads the panel's row once and one element of
// each row of a.
//
//===----------------------------------------------------------------------===//

#include "ProductKernels.h"
#include "VectorPatterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace imc::kernels;
using namespace mlir;

/// Rows of a panel: with two 512-bit registers of f32 it takes 64 KiB, and a
/// half or a quarter of that on other machines: at home in any second-level
/// cache.
static constexpr int64_t panelRows = 512;

/// Elements of the matrix of windows that a convolution makes at a time.
static constexpr int64_t windowElements = 256 * 1024;

/// Registers of one row of a tile.
static constexpr unsigned tileVectors = 2;

MemRefType imc::kernels::matrixType(Type element) {
  return MemRefType::get({ShapedType::kDynamic, ShapedType::kDynamic}, element,
                         StridedLayoutAttr::get(element.getContext(),
                                                ShapedType::kDynamic,
                                                {ShapedType::kDynamic, 1}));
}

MemRefType imc::kernels::imageType(Type element) {
  int64_t dynamic = ShapedType::kDynamic;
  return MemRefType::get({dynamic, dynamic, dynamic}, element,
                         StridedLayoutAttr::get(element.getContext(), dynamic,
                                                {dynamic, dynamic, 1}));
}

/// "f32", "u8s8i32" and the like.
static std::string suffixOf(const ProductTypes &types) {
  auto name = [](Type type, Extension extension) {
    std::string text;
    llvm::raw_string_ostream os(text);
    if (extension == Extension::None)
      os << type;
    else
      os << (extension == Extension::Signed ? "s" : "u")
         << type.getIntOrFloatBitWidth();
    return text;
  };
  std::string a = name(types.a, types.extendA),
              b = name(types.b, types.extendB),
              c = name(types.c, Extension::None);
  return a == b && b == c ? c : a + b + c;
}

namespace {
/// Index arithmetic and vectors, one line each.
class Emitter {
public:
  Emitter(OpBuilder &b, Location loc, int64_t lanes)
      : b(b), loc(loc), lanes(lanes) {}

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, loc, value);
  }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubIOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return arith::DivUIOp::create(b, loc, x, y); }
  Value rem(Value x, Value y) { return arith::RemUIOp::create(b, loc, x, y); }
  Value min(Value x, Value y) { return arith::MinUIOp::create(b, loc, x, y); }
  Value max(Value x, Value y) { return arith::MaxUIOp::create(b, loc, x, y); }
  Value dim(Value memref, int64_t i) {
    return memref::DimOp::create(b, loc, memref, i);
  }

  /// Elements of `width` below `count`, which may be more than there are.
  Value mask(Value count, int64_t width) {
    SmallVector<int32_t> numbers(width);
    for (auto [i, number] : llvm::enumerate(numbers))
      number = i;
    auto type = VectorType::get({width}, b.getI32Type());
    Value lane = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(type, ArrayRef<int32_t>(numbers)));
    Value bound = vector::BroadcastOp::create(
        b, loc, type,
        arith::IndexCastOp::create(b, loc, b.getI32Type(), count));
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, lane,
                                 bound);
  }

  /// As many elements as the mask has; zero where it is not set.
  Value load(Value memref, ValueRange at, Value mask) {
    auto type =
        VectorType::get(cast<VectorType>(mask.getType()).getShape(),
                        cast<MemRefType>(memref.getType()).getElementType());
    Value zeros = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    return vector::MaskedLoadOp::create(b, loc, type, memref, at, mask, zeros);
  }
  void store(Value value, Value memref, ValueRange at, Value mask) {
    vector::MaskedStoreOp::create(b, loc, memref, at, mask, value);
  }

  Value extend(Value value, Type element, Extension extension) {
    Type type = element;
    if (auto vector = dyn_cast<VectorType>(value.getType()))
      type = vector.clone(element);
    if (extension == Extension::Signed)
      return arith::ExtSIOp::create(b, loc, type, value);
    if (extension == Extension::Unsigned)
      return arith::ExtUIOp::create(b, loc, type, value);
    return value;
  }

  /// [rows, columns] of `matrix` from `row` and `column` on.
  Value block(Value matrix, OpFoldResult row, OpFoldResult column,
              OpFoldResult rows, OpFoldResult columns) {
    return memref::SubViewOp::create(
        b, loc, matrix, ArrayRef<OpFoldResult>{row, column},
        ArrayRef<OpFoldResult>{rows, columns},
        SmallVector<OpFoldResult>(2, b.getIndexAttr(1)));
  }

  /// A loop from `from` to `to`; `body` gets the induction variable.
  void loop(Value from, Value to, Value step, function_ref<void(Value)> body) {
    scf::ForOp::create(b, loc, from, to, step, {},
                       [&](OpBuilder &nested, Location, Value iv, ValueRange) {
                         OpBuilder::InsertionGuard guard(b);
                         b.setInsertionPoint(nested.getInsertionBlock(),
                                             nested.getInsertionPoint());
                         body(iv);
                         scf::YieldOp::create(b, loc);
                       });
  }

  OpBuilder &b;
  Location loc;
  int64_t lanes;
};

/// One panel of b, and what its tiles need.
struct Panel {
  Value a, c, data;
  /// First k and n, how many k.
  Value k0, n0, depth;
  Block *entry; ///< of the function
  Value mask;   ///< columns of a tile that there are
};
} // namespace

/// c[m … m + rows) of the panel's columns += a · panel: a contraction on a tile
/// of full width, which vectorizeTiles keeps in registers.
static void emitTile(Emitter &e, const ProductTypes &types, const Panel &panel,
                     Value m, int64_t rows) {
  OpBuilder &b = e.b;
  const int64_t width = cast<VectorType>(panel.mask.getType()).getDimSize(0);
  Value tile;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(panel.entry);
    tile = memref::AllocaOp::create(b, e.loc,
                                    MemRefType::get({rows, width}, types.c),
                                    b.getI64IntegerAttr(64));
  }
  const Value zero = e.index(0);
  auto row = [&](int64_t i) { return e.add(m, e.index(i)); };
  for (int64_t i = 0; i < rows; ++i)
    vector::StoreOp::create(b, e.loc,
                            e.load(panel.c, {row(i), panel.n0}, panel.mask),
                            tile, ValueRange{e.index(i), zero});

  AffineExpr dm, dn, dk;
  bindDims(b.getContext(), dm, dn, dk);
  const SmallVector<AffineMap> maps = AffineMap::inferFromExprList(
      ArrayRef<ArrayRef<AffineExpr>>{{dm, dk}, {dk, dn}, {dm, dn}},
      b.getContext());
  using utils::IteratorType;
  linalg::GenericOp::create(
      b, e.loc,
      ValueRange{
          e.block(panel.a, m, panel.k0, b.getIndexAttr(rows), panel.depth),
          e.block(panel.data, b.getIndexAttr(0), b.getIndexAttr(0), panel.depth,
                  b.getIndexAttr(width))},
      ValueRange{tile}, maps,
      {IteratorType::parallel, IteratorType::parallel, IteratorType::reduction},
      [&](OpBuilder &nested, Location loc, ValueRange x) {
        Value a =
            Emitter(nested, loc, e.lanes).extend(x[0], types.c, types.extendA);
        Value sum;
        if (isa<FloatType>(types.c))
          sum = arith::AddFOp::create(
              nested, loc, x[2], arith::MulFOp::create(nested, loc, a, x[1]));
        else
          sum = arith::AddIOp::create(
              nested, loc, x[2], arith::MulIOp::create(nested, loc, a, x[1]));
        linalg::YieldOp::create(nested, loc, sum);
      });
  const auto type = VectorType::get({width}, types.c);
  for (int64_t i = 0; i < rows; ++i)
    e.store(vector::LoadOp::create(b, e.loc, type, tile,
                                   ValueRange{e.index(i), zero}),
            panel.c, {row(i), panel.n0}, panel.mask);
}

func::FuncOp Library::declare(const std::string &name, ArrayRef<Type> arguments,
                              Location loc, bool &isNew) {
  if (auto existing = symbols.lookup<func::FuncOp>(name)) {
    isNew = false;
    return existing;
  }
  isNew = true;
  OpBuilder b(loc.getContext());
  auto function =
      func::FuncOp::create(loc, name, b.getFunctionType(arguments, {}));
  function.setPrivate();
  function->setAttr("passthrough", b.getArrayAttr(b.getStringAttr("noinline")));
  for (auto [i, type] : llvm::enumerate(arguments))
    if (isa<MemRefType>(type))
      function.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(),
                          b.getUnitAttr());
  function.addEntryBlock();
  symbols.insert(function);
  return function;
}

func::FuncOp Library::product(const ProductTypes &types) {
  MLIRContext *context = types.c.getContext();
  Location loc = UnknownLoc::get(context);
  bool isNew;
  func::FuncOp function =
      declare("imc_product_" + suffixOf(types),
              {matrixType(types.a), matrixType(types.b), matrixType(types.c)},
              loc, isNew);
  if (!isNew)
    return function;

  OpBuilder b = OpBuilder::atBlockEnd(&function.getBody().front());
  Emitter e(b, loc, unit.bits / types.c.getIntOrFloatBitWidth());
  Value a = function.getArgument(0), right = function.getArgument(1),
        c = function.getArgument(2);
  Value M = e.dim(a, 0), K = e.dim(a, 1), N = e.dim(right, 1);
  int64_t width = tileVectors * e.lanes;
  Value zero = e.index(0), one = e.index(1);
  Value data = memref::AllocOp::create(
      b, loc, MemRefType::get({panelRows, width}, types.c),
      b.getI64IntegerAttr(64));

  e.loop(zero, K, e.index(panelRows), [&](Value k0) {
    e.loop(zero, N, e.index(width), [&](Value n0) {
      Value columns = e.sub(N, n0);
      Panel panel = {a,
                     c,
                     data,
                     k0,
                     n0,
                     e.min(e.sub(K, k0), e.index(panelRows)),
                     &function.front(),
                     {}};
      Value all = e.mask(columns, width);
      e.loop(zero, panel.depth, one, [&](Value k) {
        Value values = e.load(right, {e.add(k0, k), n0}, all);
        vector::StoreOp::create(b, loc,
                                e.extend(values, types.c, types.extendB), data,
                                ValueRange{k, zero});
      });
      // As many full tiles as there are rows for, then smaller ones.
      auto tiles = [&](Value mask) {
        panel.mask = mask;
        Value from = zero;
        for (unsigned rows : {unit.tileRows(), unit.tileRows() / 2, 1u}) {
          Value step = e.index(rows);
          Value to = e.add(from, e.mul(e.div(e.sub(M, from), step), step));
          e.loop(from, to, step,
                 [&](Value m) { emitTile(e, types, panel, m, rows); });
          from = to;
        }
      };
      // A panel whose second half is empty does half the work.
      Value isWide = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt,
                                           columns, e.index(e.lanes));
      auto choice = scf::IfOp::create(b, loc, isWide, /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(choice.thenBlock());
      tiles(all);
      b.setInsertionPointToStart(choice.elseBlock());
      tiles(e.mask(columns, e.lanes));
    });
  });
  memref::DeallocOp::create(b, loc, data);
  func::ReturnOp::create(b, loc);
  if (failed(imc::vectorizeTiles(function))) {
    function.emitError("upstream's transforms make no vector code of the tiles "
                       "of this product");
    valid = false;
  }
  return function;
}

func::FuncOp Library::convolution(const ProductTypes &types) {
  MLIRContext *context = types.c.getContext();
  Location loc = UnknownLoc::get(context);
  func::FuncOp multiply = product(types);
  Type index = IndexType::get(context);
  SmallVector<Type> arguments = {matrixType(types.a), imageType(types.b),
                                 matrixType(types.c)};
  arguments.append(7, index);
  bool isNew;
  func::FuncOp function =
      declare("imc_convolution_" + suffixOf(types), arguments, loc, isNew);
  if (!isNew)
    return function;

  OpBuilder b = OpBuilder::atBlockEnd(&function.getBody().front());
  Emitter e(b, loc, unit.bits / types.c.getIntOrFloatBitWidth());
  Value w = function.getArgument(0), x = function.getArgument(1),
        y = function.getArgument(2), OW = function.getArgument(3),
        KH = function.getArgument(4), KW = function.getArgument(5),
        strideH = function.getArgument(6), strideW = function.getArgument(7),
        dilationH = function.getArgument(8),
        dilationW = function.getArgument(9);
  Value zero = e.index(0), one = e.index(1);
  Value F = e.dim(w, 0), K = e.dim(w, 1), OH = e.div(e.dim(y, 1), OW);
  Value most = e.max(e.div(e.index(windowElements), e.mul(K, OW)), one);
  Value rows = e.min(most, OH);
  auto dynamicMatrix =
      MemRefType::get({ShapedType::kDynamic, ShapedType::kDynamic}, types.b);
  Value windows = memref::AllocOp::create(b, loc, dynamicMatrix,
                                          ValueRange{K, e.mul(rows, OW)},
                                          b.getI64IntegerAttr(64));
  Value isDense =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, strideW, one);

  e.loop(zero, OH, rows, [&](Value firstRow) {
    Value count = e.min(e.sub(OH, firstRow), rows);
    e.loop(zero, K, one, [&](Value k) {
      Value kw = e.rem(k, KW), rest = e.div(k, KW);
      Value channel = e.div(rest, KH), kh = e.rem(rest, KH);
      Value left = e.mul(kw, dilationW);
      e.loop(zero, count, one, [&](Value row) {
        Value top =
            e.add(e.mul(e.add(firstRow, row), strideH), e.mul(kh, dilationH));
        Value start = e.mul(row, OW);
        auto choice =
            scf::IfOp::create(b, loc, isDense, /*withElseRegion=*/true);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(choice.thenBlock());
        e.loop(zero, OW, e.index(e.lanes), [&](Value ow) {
          Value mask = e.mask(e.sub(OW, ow), e.lanes);
          Value values = e.load(x, {channel, top, e.add(left, ow)}, mask);
          e.store(values, windows, {k, e.add(start, ow)}, mask);
        });
        b.setInsertionPointToStart(choice.elseBlock());
        e.loop(zero, OW, one, [&](Value ow) {
          Value column = e.add(left, e.mul(ow, strideW));
          Value value = memref::LoadOp::create(
              b, loc, x, ValueRange{channel, top, column});
          memref::StoreOp::create(b, loc, value, windows,
                                  ValueRange{k, e.add(start, ow)});
        });
      });
    });
    auto block = [&](Value matrix, Value column, Value height, Type element) {
      Value view =
          e.block(matrix, b.getIndexAttr(0), column, height, e.mul(count, OW));
      return memref::CastOp::create(b, loc, matrixType(element), view)
          .getResult();
    };
    func::CallOp::create(b, loc, multiply,
                         ValueRange{w, block(windows, zero, K, types.b),
                                    block(y, e.mul(firstRow, OW), F, types.c)});
  });
  memref::DeallocOp::create(b, loc, windows);
  func::ReturnOp::create(b, loc);
  return function;
}
