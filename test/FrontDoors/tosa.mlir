// RUN: imc-opt %s --imc-normalize-input | FileCheck %s
// RUN: imc-opt %s --imc-normalize-input --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s --check-prefix=NAMES
// RUN: imc-opt %s --imc-normalize-input --imc-to-placed=target=rram-32nm | FileCheck %s --check-prefix=PLACED

// CHECK: module attributes {imc.parameters = 70 : i64, imc.phase = "imported"}
// CHECK-LABEL: func.func @main
// CHECK-NOT: tosa.
// CHECK: linalg.conv_2d_nchw_fchw {{.*}} -> tensor<1x4x4x4xf32>
// CHECK-NOT: linalg.transpose
// CHECK: linalg.depthwise_conv_2d_nchw_chw
// CHECK-NOT: linalg.transpose
// CHECK: linalg.pooling_nchw_sum
// CHECK: linalg.matmul
// CHECK-NOT: linalg.generic {{.*}}addf
// CHECK: return
// Names are those of the ops that came in.
// NAMES: linalg.conv_2d_nchw_fchw {{.*}} loc("conv2d_0"
// NAMES: linalg.depthwise_conv_2d_nchw_chw {{.*}} loc("depthwise_conv2d_0"
// NAMES: linalg.matmul {{.*}} loc("matmul_0"
// PLACED-COUNT-3: imc.mvm
// PLACED-NOT: linalg.transpose
func.func @forward(%x: tensor<1x6x6x1xf32>) -> tensor<1x2xf32> {
  %w0 = "tosa.const"() <{values = dense_resource<w0> : tensor<4x3x3x1xf32>}> : () -> tensor<4x3x3x1xf32>
  %b0 = "tosa.const"() <{values = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>}> : () -> tensor<4xf32>
  %w1 = "tosa.const"() <{values = dense_resource<w1> : tensor<2x2x4x1xf32>}> : () -> tensor<2x2x4x1xf32>
  %b1 = "tosa.const"() <{values = dense<[1.0, 2.0, 3.0, 5.0]> : tensor<4xf32>}> : () -> tensor<4xf32>
  %w2 = "tosa.const"() <{values = dense<[[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]]> : tensor<1x4x2xf32>}> : () -> tensor<1x4x2xf32>
  %b2 = "tosa.const"() <{values = dense<[[1.0, -2.0]]> : tensor<1x2xf32>}> : () -> tensor<1x2xf32>
  %z = "tosa.const"() <{values = dense<0.0> : tensor<1xf32>}> : () -> tensor<1xf32>
  %flat = tosa.const_shape {values = dense<[1, 1, 4]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %out = tosa.const_shape {values = dense<[1, 2]> : tensor<2xindex>} : () -> !tosa.shape<2>
  %0 = tosa.conv2d %x, %w0, %b0, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x6x6x1xf32>, tensor<4x3x3x1xf32>, tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x4xf32>
  %1 = tosa.clamp %0 {max_val = 6.0 : f32, min_val = 0.0 : f32} : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %2 = tosa.depthwise_conv2d %1, %w1, %b1, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 1, 0, 1>, stride = array<i64: 1, 1>} : (tensor<1x4x4x4xf32>, tensor<2x2x4x1xf32>, tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x4xf32>
  %3 = tosa.add %1, %2 : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %4 = tosa.avg_pool2d %3, %z, %z {acc_type = f32, kernel = array<i64: 4, 4>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1x4xf32>
  %5 = tosa.reshape %4, %flat : (tensor<1x1x1x4xf32>, !tosa.shape<3>) -> tensor<1x1x4xf32>
  %6 = tosa.matmul %5, %w2, %z, %z : (tensor<1x1x4xf32>, tensor<1x4x2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x2xf32>
  %7 = tosa.reshape %6, %out : (tensor<1x1x2xf32>, !tosa.shape<2>) -> tensor<1x2xf32>
  %8 = tosa.add %7, %b2 : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  return %8 : tensor<1x2xf32>
}

{-#
  dialect_resources: {
    builtin: {
      w0: "0x040000000000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F",
      w1: "0x0400000000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040000000400000004000000040"
    }
  }
#-}
