// RUN: imc-opt %s --allow-unregistered-dialect --imc-adopt-module | FileCheck %s
// The forms that iree-base-compiler 3.13.0 prints with
//   iree-compile --compile-to=input --mlir-print-op-generic
// (an asynchronous function and the stub that waits for it; inputs in another
// order than their use; a weight in the module and one in a parameter archive).

// CHECK-LABEL: module {
// CHECK-NOT: util.
// CHECK: func.func @main(%[[A:.*]]: tensor<2x3xf32> {imc.name = "left"}, %[[B:.*]]: tensor<3xf32> {imc.name = "input_1"}) -> (tensor<2x3xf32> {imc.name = "output_0"}, tensor<3xf32> {imc.name = "output_1"})
// CHECK: imc.missing_weight "fc.weight" : tensor<3xf32>
// CHECK: arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00]>
// CHECK: %[[SUM:.*]] = call @part(%[[B]]
// CHECK: return %[[A]], %[[SUM]]
// CHECK: func.func private @part
"builtin.module"() ({
  "util.global"() <{initial_value = #stream.parameter.named<"model"::"fc.weight"> : tensor<3xf32>, sym_name = "fc.weight", sym_visibility = "private", type = tensor<3xf32>}> : () -> ()
  "util.global"() <{initial_value = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>, sym_name = "fc.bias", sym_visibility = "private", type = tensor<3xf32>}> : () -> ()
  "util.func"() <{function_type = (!hal.buffer_view, !hal.buffer_view, !hal.fence, !hal.fence) -> (!hal.buffer_view, !hal.buffer_view), inlining_policy = #util.inline.never, sym_name = "predict$async"}> ({
  ^bb0(%arg0: !hal.buffer_view, %arg1: !hal.buffer_view, %arg2: !hal.fence, %arg3: !hal.fence):
    %1 = "hal.tensor.import"(%arg1, %arg2) <{operandSegmentSizes = array<i32: 1, 0, 1, 0>, target_encoding = tensor<3xf32>}> : (!hal.buffer_view, !hal.fence) -> tensor<3xf32>
    %0 = "hal.tensor.import"(%arg0, %arg2) <{name = "left", operandSegmentSizes = array<i32: 1, 0, 1, 0>, target_encoding = tensor<2x3xf32>}> : (!hal.buffer_view, !hal.fence) -> tensor<2x3xf32>
    %w = "util.global.load"() <{global = @"fc.weight"}> : () -> tensor<3xf32>
    %b = "util.global.load"() <{global = @"fc.bias", is_immutable}> : () -> tensor<3xf32>
    %2 = "util.call"(%1, %w, %b) <{callee = @part}> : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    %3 = "util.optimization_barrier"(%2) : (tensor<3xf32>) -> tensor<3xf32>
    %4:2 = "hal.tensor.barrier"(%0, %3, %arg3) : (tensor<2x3xf32>, tensor<3xf32>, !hal.fence) -> (tensor<2x3xf32>, tensor<3xf32>)
    %5 = "hal.tensor.export"(%4#0) <{source_encoding = tensor<2x3xf32>}> : (tensor<2x3xf32>) -> !hal.buffer_view
    %6 = "hal.tensor.export"(%4#1) <{source_encoding = tensor<3xf32>}> : (tensor<3xf32>) -> !hal.buffer_view
    "util.return"(%5, %6) : (!hal.buffer_view, !hal.buffer_view) -> ()
  }) {iree.abi.model = "coarse-fences", iree.abi.stub} : () -> ()
  "util.func"() <{function_type = (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>, sym_name = "part", sym_visibility = "private"}> ({
  ^bb0(%x: tensor<3xf32>, %w: tensor<3xf32>, %b: tensor<3xf32>):
    %0 = "arith.mulf"(%x, %w) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    %1 = "arith.addf"(%0, %b) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    "util.return"(%1) : (tensor<3xf32>) -> ()
  }) : () -> ()
  "util.func"() <{function_type = (!hal.buffer_view, !hal.buffer_view) -> (!hal.buffer_view, !hal.buffer_view), sym_name = "predict"}> ({
  ^bb0(%arg0: !hal.buffer_view, %arg1: !hal.buffer_view):
    %0 = "util.null"() : () -> !hal.fence
    %1 = "arith.constant"() <{value = -1 : i32}> : () -> i32
    %2 = "arith.constant"() <{value = 0 : index}> : () -> index
    %3 = "hal.devices.get"(%2) : (index) -> !hal.device
    %4 = "hal.fence.create"(%3) <{flags = 0 : i64}> : (!hal.device) -> !hal.fence
    %5:2 = "util.call"(%arg0, %arg1, %0, %4) <{callee = @predict$async}> : (!hal.buffer_view, !hal.buffer_view, !hal.fence, !hal.fence) -> (!hal.buffer_view, !hal.buffer_view)
    %6 = "hal.fence.await"(%1, %4) <{flags = 0 : i64}> : (i32, !hal.fence) -> i32
    "util.return"(%5#0, %5#1) : (!hal.buffer_view, !hal.buffer_view) -> ()
  }) {iree.abi.stub} : () -> ()
}) : () -> ()
