// iree-base-compiler 3.13.0
"builtin.module"() ({
  "util.func"() <{function_type = (!hal.buffer_view, !hal.fence, !hal.fence) -> !hal.buffer_view, inlining_policy = #util.inline.never, sym_name = "tiny_qdq$async"}> ({
  ^bb0(%arg1: !hal.buffer_view, %arg2: !hal.fence, %arg3: !hal.fence):
    %7 = "arith.constant"() <{value = 5 : i64}> : () -> i64
    %8 = "arith.constant"() <{value = -3 : i64}> : () -> i64
    %9 = "arith.constant"() <{value = 0.000000e+00 : f32}> : () -> f32
    %10 = "arith.constant"() <{value = dense<"0xF2AB05F34B25E1A712D42549E3510406353A5264BAEE57D99D0F33313E1DB746F0463F5F9E4A1AFD3B5B03AD2DCAC9C2C352E4B1C0EBE1DA5A4A0F62E0B7D2AD5BC8F5C461BB035B04505036310F1043F15A4CE7EE2B55AFA9CDF2BC04085B31CE3A3E2423DA2CB71A555FD7"> : tensor<4x3x3x3xi8>}> : () -> tensor<4x3x3x3xi8>
    %11 = "arith.constant"() <{value = dense<[-34, 24, -20, 46]> : tensor<4xi32>}> : () -> tensor<4xi32>
    %12 = "arith.constant"() <{value = dense<[[-60, -67, -90, -6, -58], [-40, 84, 63, 68, 19], [-78, 50, 21, 82, -4], [-66, 19, -9, 32, -25], [-39, -75, 93, 51, -7], [-53, 26, -18, 27, -82], [-64, 47, -88, 36, -18], [-100, 53, 40, 63, 79], [46, 69, -78, 84, 83], [39, 61, 48, 76, 78], [5, 64, 84, -41, -91], [-66, -94, -13, -96, -48], [-50, 42, -51, 90, -63], [95, 13, -51, -93, -39], [18, -79, -67, -77, 36], [-83, -96, -9, -38, 14]]> : tensor<16x5xi8>}> : () -> tensor<16x5xi8>
    %13 = "arith.constant"() <{value = dense<[88, 72, 8, 29, 63]> : tensor<5xi32>}> : () -> tensor<5xi32>
    %14 = "arith.constant"() <{value = 3.125000e-02 : f32}> : () -> f32
    %15 = "arith.constant"() <{value = 1.562500e-02 : f32}> : () -> f32
    %16 = "arith.constant"() <{value = 4.8828125E-4 : f32}> : () -> f32
    %17 = "arith.constant"() <{value = 2.500000e-01 : f32}> : () -> f32
    %18 = "arith.constant"() <{value = 3.906250e-03 : f32}> : () -> f32
    %19 = "arith.constant"() <{value = 5.000000e-01 : f32}> : () -> f32
    %20 = "hal.tensor.import"(%arg1, %arg2) <{operandSegmentSizes = array<i32: 1, 0, 1, 0>, target_encoding = tensor<1x3x4x4xf32>}> : (!hal.buffer_view, !hal.fence) -> tensor<1x3x4x4xf32>
    %21 = "tensor.empty"() : () -> tensor<1x3x4x4xi8>
    %22 = "iree_linalg_ext.quantize_affine"(%20, %14, %8, %21) <{indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], quant_max = 127 : i64, quant_min = -128 : i64}> : (tensor<1x3x4x4xf32>, f32, i64, tensor<1x3x4x4xi8>) -> tensor<1x3x4x4xi8>
    %23 = "tensor.empty"() : () -> tensor<1x3x4x4xf32>
    %24 = "iree_linalg_ext.dequantize_affine"(%22, %14, %8, %23) <{indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], quant_max = 127 : i64, quant_min = -128 : i64}> : (tensor<1x3x4x4xi8>, f32, i64, tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
    %25 = "tensor.empty"() : () -> tensor<4x3x3x3xf32>
    %26 = "iree_linalg_ext.dequantize_affine"(%10, %15, %25) <{indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], quant_max = 127 : i64, quant_min = -128 : i64}> : (tensor<4x3x3x3xi8>, f32, tensor<4x3x3x3xf32>) -> tensor<4x3x3x3xf32>
    %27 = "tensor.empty"() : () -> tensor<4xf32>
    %28 = "iree_linalg_ext.dequantize_affine"(%11, %16, %27) <{indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> ()>, affine_map<(d0) -> (d0)>], quant_max = 2147483647 : i64, quant_min = -2147483648 : i64}> : (tensor<4xi32>, f32, tensor<4xf32>) -> tensor<4xf32>
    %29 = "tensor.empty"() : () -> tensor<1x4x2x2xf32>
    %30 = "linalg.broadcast"(%28, %29) <{dimensions = array<i64: 0, 2, 3>}> ({
    ^bb0(%arg15: f32, %arg16: f32):
      "linalg.yield"(%arg15) : (f32) -> ()
    }) : (tensor<4xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
    %31 = "linalg.conv_2d_nchw_fchw"(%24, %26, %30) <{dilations = dense<1> : vector<2xi64>, operandSegmentSizes = array<i32: 2, 1>, strides = dense<1> : vector<2xi64>}> ({
    ^bb0(%arg12: f32, %arg13: f32, %arg14: f32):
      %56 = "arith.mulf"(%arg12, %arg13) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      %57 = "arith.addf"(%arg14, %56) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%57) : (f32) -> ()
    }) {linalg.memoized_indexing_maps = [affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d4, d2 + d5, d3 + d6)>, affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d1, d4, d5, d6)>, affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1, d2, d3)>]} : (tensor<1x3x4x4xf32>, tensor<4x3x3x3xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
    %32 = "tensor.empty"() : () -> tensor<1x4x2x2xi8>
    %33 = "iree_linalg_ext.quantize_affine"(%31, %17, %7, %32) <{indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], quant_max = 127 : i64, quant_min = -128 : i64}> : (tensor<1x4x2x2xf32>, f32, i64, tensor<1x4x2x2xi8>) -> tensor<1x4x2x2xi8>
    %34 = "iree_linalg_ext.dequantize_affine"(%33, %17, %7, %29) <{indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> ()>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>], quant_max = 127 : i64, quant_min = -128 : i64}> : (tensor<1x4x2x2xi8>, f32, i64, tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
    %35 = "tensor.collapse_shape"(%34) <{reassociation = [[0], [1, 2, 3]]}> : (tensor<1x4x2x2xf32>) -> tensor<1x16xf32>
    %36 = "tensor.empty"() : () -> tensor<1x16xi8>
    %37 = "iree_linalg_ext.quantize_affine"(%35, %17, %7, %36) <{indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> ()>, affine_map<(d0, d1) -> ()>, affine_map<(d0, d1) -> (d0, d1)>], quant_max = 127 : i64, quant_min = -128 : i64}> : (tensor<1x16xf32>, f32, i64, tensor<1x16xi8>) -> tensor<1x16xi8>
    %38 = "tensor.empty"() : () -> tensor<1x16xf32>
    %39 = "iree_linalg_ext.dequantize_affine"(%37, %17, %7, %38) <{indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> ()>, affine_map<(d0, d1) -> ()>, affine_map<(d0, d1) -> (d0, d1)>], quant_max = 127 : i64, quant_min = -128 : i64}> : (tensor<1x16xi8>, f32, i64, tensor<1x16xf32>) -> tensor<1x16xf32>
    %40 = "tensor.empty"() : () -> tensor<16x5xf32>
    %41 = "iree_linalg_ext.dequantize_affine"(%12, %15, %40) <{indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> ()>, affine_map<(d0, d1) -> (d0, d1)>], quant_max = 127 : i64, quant_min = -128 : i64}> : (tensor<16x5xi8>, f32, tensor<16x5xf32>) -> tensor<16x5xf32>
    %42 = "tensor.empty"() : () -> tensor<5xf32>
    %43 = "iree_linalg_ext.dequantize_affine"(%13, %18, %42) <{indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> ()>, affine_map<(d0) -> (d0)>], quant_max = 2147483647 : i64, quant_min = -2147483648 : i64}> : (tensor<5xi32>, f32, tensor<5xf32>) -> tensor<5xf32>
    %44 = "tensor.empty"() : () -> tensor<1x5xf32>
    %45 = "linalg.fill"(%9, %44) <{operandSegmentSizes = array<i32: 1, 1>}> ({
    ^bb0(%arg10: f32, %arg11: f32):
      "linalg.yield"(%arg10) : (f32) -> ()
    }) : (f32, tensor<1x5xf32>) -> tensor<1x5xf32>
    %46 = "linalg.matmul"(%39, %41, %45) <{indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>], operandSegmentSizes = array<i32: 2, 1>}> ({
    ^bb0(%arg7: f32, %arg8: f32, %arg9: f32):
      %54 = "arith.mulf"(%arg7, %arg8) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      %55 = "arith.addf"(%arg9, %54) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%55) : (f32) -> ()
    }) : (tensor<1x16xf32>, tensor<16x5xf32>, tensor<1x5xf32>) -> tensor<1x5xf32>
    %47 = "linalg.generic"(%46, %43, %44) <{indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = [#linalg.iterator_type<parallel>, #linalg.iterator_type<parallel>], operandSegmentSizes = array<i32: 2, 1>}> ({
    ^bb0(%arg4: f32, %arg5: f32, %arg6: f32):
      %53 = "arith.addf"(%arg4, %arg5) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
      "linalg.yield"(%53) : (f32) -> ()
    }) : (tensor<1x5xf32>, tensor<5xf32>, tensor<1x5xf32>) -> tensor<1x5xf32>
    %48 = "tensor.empty"() : () -> tensor<1x5xi8>
    %49 = "iree_linalg_ext.quantize_affine"(%47, %19, %48) <{indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> ()>, affine_map<(d0, d1) -> (d0, d1)>], quant_max = 127 : i64, quant_min = -128 : i64}> : (tensor<1x5xf32>, f32, tensor<1x5xi8>) -> tensor<1x5xi8>
    %50 = "iree_linalg_ext.dequantize_affine"(%49, %19, %44) <{indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> ()>, affine_map<(d0, d1) -> (d0, d1)>], quant_max = 127 : i64, quant_min = -128 : i64}> : (tensor<1x5xi8>, f32, tensor<1x5xf32>) -> tensor<1x5xf32>
    %51 = "hal.tensor.barrier"(%50, %arg3) : (tensor<1x5xf32>, !hal.fence) -> tensor<1x5xf32>
    %52 = "hal.tensor.export"(%51) <{source_encoding = tensor<1x5xf32>}> : (tensor<1x5xf32>) -> !hal.buffer_view
    "util.return"(%52) : (!hal.buffer_view) -> ()
  }) {iree.abi.model = "coarse-fences", iree.abi.stub} : () -> ()
  "util.func"() <{function_type = (!hal.buffer_view) -> !hal.buffer_view, sym_name = "tiny_qdq"}> ({
  ^bb0(%arg0: !hal.buffer_view):
    %0 = "util.null"() : () -> !hal.fence
    %1 = "arith.constant"() <{value = -1 : i32}> : () -> i32
    %2 = "arith.constant"() <{value = 0 : index}> : () -> index
    %3 = "hal.devices.get"(%2) : (index) -> !hal.device
    %4 = "hal.fence.create"(%3) <{flags = 0 : i64}> : (!hal.device) -> !hal.fence
    %5 = "util.call"(%arg0, %0, %4) <{callee = @tiny_qdq$async}> : (!hal.buffer_view, !hal.fence, !hal.fence) -> !hal.buffer_view
    %6 = "hal.fence.await"(%1, %4) <{flags = 0 : i64}> : (i32, !hal.fence) -> i32
    "util.return"(%5) : (!hal.buffer_view) -> ()
  }) {iree.abi.stub} : () -> ()
}) : () -> ()