// torch-mlir 20261001
module {
  func.func @tiny_qdq(%arg0: tensor<1x3x4x4xf32>) -> tensor<1x5xf32> {
    %0 = "tosa.const"() <{values = dense<[-34, 24, -20, 46]> : tensor<4xi32>}> : () -> tensor<4xi32>
    %1 = "tosa.const"() <{values = dense<[88, 72, 8, 29, 63]> : tensor<5xi32>}> : () -> tensor<5xi32>
    %2 = "tosa.const"() <{values = dense<0> : tensor<1xi8>}> : () -> tensor<1xi8>
    %3 = "tosa.const"() <{values = dense<-3> : tensor<1xi8>}> : () -> tensor<1xi8>
    %4 = tosa.const_shape  {values = dense<[1, 16]> : tensor<2xindex>} : () -> !tosa.shape<2>
    %5 = "tosa.const"() <{values = dense<5> : tensor<1xi8>}> : () -> tensor<1xi8>
    %6 = tosa.const_shape  {values = dense<[1, 1, 16]> : tensor<3xindex>} : () -> !tosa.shape<3>
    %7 = tosa.const_shape  {values = dense<[1, 5]> : tensor<2xindex>} : () -> !tosa.shape<2>
    %8 = "tosa.const"() <{values = dense<3.200000e+01> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
    %9 = "tosa.const"() <{values = dense<5.000000e-01> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
    %10 = "tosa.const"() <{values = dense<2.000000e+00> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
    %11 = "tosa.const"() <{values = dense<-3.000000e+00> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
    %12 = "tosa.const"() <{values = dense<4.8828125E-4> : tensor<1xf32>}> : () -> tensor<1xf32>
    %13 = "tosa.const"() <{values = dense<2.048000e+03> : tensor<1xf32>}> : () -> tensor<1xf32>
    %14 = "tosa.const"() <{values = dense<5.000000e-01> : tensor<1xf32>}> : () -> tensor<1xf32>
    %15 = "tosa.const"() <{values = dense<2.000000e+00> : tensor<1xf32>}> : () -> tensor<1xf32>
    %16 = "tosa.const"() <{values = dense<"0xF2D452AB25640549BAF3E3EE4B51572504D9E1069DA7350F123A33319ECA3E4AC91D1AC2B7FDC3463B52F05BE44603B13FADC05F2DEBE1AD04DA5B505AC8504AF5360FC43162610FE0BB10B70343D25BF15AF2244CBC23E704DAEE082C2B5BB755311AAFCE55A93A5FCD3ED7"> : tensor<4x3x3x3xi8>}> : () -> tensor<4x3x3x3xi8>
    %17 = "tosa.const"() <{values = dense<4.8828125E-4> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
    %18 = "tosa.const"() <{values = dense<4.000000e+00> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
    %19 = "tosa.const"() <{values = dense<5.000000e+00> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
    %20 = "tosa.const"() <{values = dense<5> : tensor<1x1x1x1xi32>}> : () -> tensor<1x1x1x1xi32>
    %21 = "tosa.const"() <{values = dense<2.500000e-01> : tensor<1x1x1x1xf32>}> : () -> tensor<1x1x1x1xf32>
    %22 = "tosa.const"() <{values = dense<4.000000e+00> : tensor<1x1xf32>}> : () -> tensor<1x1xf32>
    %23 = "tosa.const"() <{values = dense<5.000000e-01> : tensor<1x1xf32>}> : () -> tensor<1x1xf32>
    %24 = "tosa.const"() <{values = dense<2.000000e+00> : tensor<1x1xf32>}> : () -> tensor<1x1xf32>
    %25 = "tosa.const"() <{values = dense<5.000000e+00> : tensor<1x1xf32>}> : () -> tensor<1x1xf32>
    %26 = "tosa.const"() <{values = dense<3.906250e-03> : tensor<1xf32>}> : () -> tensor<1xf32>
    %27 = "tosa.const"() <{values = dense<[[[-60, -67, -90, -6, -58], [-40, 84, 63, 68, 19], [-78, 50, 21, 82, -4], [-66, 19, -9, 32, -25], [-39, -75, 93, 51, -7], [-53, 26, -18, 27, -82], [-64, 47, -88, 36, -18], [-100, 53, 40, 63, 79], [46, 69, -78, 84, 83], [39, 61, 48, 76, 78], [5, 64, 84, -41, -91], [-66, -94, -13, -96, -48], [-50, 42, -51, 90, -63], [95, 13, -51, -93, -39], [18, -79, -67, -77, 36], [-83, -96, -9, -38, 14]]]> : tensor<1x16x5xi8>}> : () -> tensor<1x16x5xi8>
    %28 = "tosa.const"() <{values = dense<3.906250e-03> : tensor<1x1xf32>}> : () -> tensor<1x1xf32>
    %29 = tosa.mul %arg0, %8, %2 : (tensor<1x3x4x4xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x3x4x4xf32>
    %30 = tosa.floor %29 : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
    %31 = tosa.sub %29, %30 : (tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
    %32 = tosa.ceil %29 : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
    %33 = tosa.mul %30, %9, %2 : (tensor<1x3x4x4xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x3x4x4xf32>
    %34 = tosa.floor %33 : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
    %35 = tosa.mul %34, %10, %2 : (tensor<1x3x4x4xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x3x4x4xf32>
    %36 = tosa.equal %30, %35 : (tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xi1>
    %37 = tosa.equal %31, %9 : (tensor<1x3x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x3x4x4xi1>
    %38 = tosa.greater %9, %31 : (tensor<1x1x1x1xf32>, tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xi1>
    %39 = tosa.logical_and %37, %36 : (tensor<1x3x4x4xi1>, tensor<1x3x4x4xi1>) -> tensor<1x3x4x4xi1>
    %40 = tosa.logical_or %38, %39 : (tensor<1x3x4x4xi1>, tensor<1x3x4x4xi1>) -> tensor<1x3x4x4xi1>
    %41 = tosa.select %40, %30, %32 : (tensor<1x3x4x4xi1>, tensor<1x3x4x4xf32>, tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
    %42 = tosa.add %41, %11 : (tensor<1x3x4x4xf32>, tensor<1x1x1x1xf32>) -> tensor<1x3x4x4xf32>
    %43 = tosa.clamp %42 {max_val = 1.270000e+02 : f32, min_val = -1.280000e+02 : f32} : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
    %44 = tosa.cast %43 : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xi8>
    %45 = tosa.cast %0 : (tensor<4xi32>) -> tensor<4xf32>
    %46 = tosa.mul %45, %12, %2 : (tensor<4xf32>, tensor<1xf32>, tensor<1xi8>) -> tensor<4xf32>
    %47 = tosa.mul %46, %13, %2 : (tensor<4xf32>, tensor<1xf32>, tensor<1xi8>) -> tensor<4xf32>
    %48 = tosa.floor %47 : (tensor<4xf32>) -> tensor<4xf32>
    %49 = tosa.sub %47, %48 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %50 = tosa.ceil %47 : (tensor<4xf32>) -> tensor<4xf32>
    %51 = tosa.mul %48, %14, %2 : (tensor<4xf32>, tensor<1xf32>, tensor<1xi8>) -> tensor<4xf32>
    %52 = tosa.floor %51 : (tensor<4xf32>) -> tensor<4xf32>
    %53 = tosa.mul %52, %15, %2 : (tensor<4xf32>, tensor<1xf32>, tensor<1xi8>) -> tensor<4xf32>
    %54 = tosa.equal %48, %53 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
    %55 = tosa.equal %49, %14 : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xi1>
    %56 = tosa.greater %14, %49 : (tensor<1xf32>, tensor<4xf32>) -> tensor<4xi1>
    %57 = tosa.logical_and %55, %54 : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
    %58 = tosa.logical_or %56, %57 : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
    %59 = tosa.select %58, %48, %50 : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %60 = tosa.clamp %59 {max_val = 2.14748365E+9 : f32, min_val = -2.14748365E+9 : f32} : (tensor<4xf32>) -> tensor<4xf32>
    %61 = tosa.cast %60 : (tensor<4xf32>) -> tensor<4xi32>
    %62 = tosa.transpose %44 {perms = array<i32: 0, 2, 3, 1>} : (tensor<1x3x4x4xi8>) -> tensor<1x4x4x3xi8>
    %63 = tosa.conv2d %62, %16, %61, %3, %2 {acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x3xi8>, tensor<4x3x3x3xi8>, tensor<4xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x2x2x4xi32>
    %64 = tosa.transpose %63 {perms = array<i32: 0, 3, 1, 2>} : (tensor<1x2x2x4xi32>) -> tensor<1x4x2x2xi32>
    %65 = tosa.cast %64 : (tensor<1x4x2x2xi32>) -> tensor<1x4x2x2xf32>
    %66 = tosa.mul %65, %17, %2 : (tensor<1x4x2x2xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x4x2x2xf32>
    %67 = tosa.mul %66, %18, %2 : (tensor<1x4x2x2xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x4x2x2xf32>
    %68 = tosa.floor %67 : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
    %69 = tosa.sub %67, %68 : (tensor<1x4x2x2xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
    %70 = tosa.ceil %67 : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
    %71 = tosa.mul %68, %9, %2 : (tensor<1x4x2x2xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x4x2x2xf32>
    %72 = tosa.floor %71 : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
    %73 = tosa.mul %72, %10, %2 : (tensor<1x4x2x2xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x4x2x2xf32>
    %74 = tosa.equal %68, %73 : (tensor<1x4x2x2xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xi1>
    %75 = tosa.equal %69, %9 : (tensor<1x4x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x4x2x2xi1>
    %76 = tosa.greater %9, %69 : (tensor<1x1x1x1xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xi1>
    %77 = tosa.logical_and %75, %74 : (tensor<1x4x2x2xi1>, tensor<1x4x2x2xi1>) -> tensor<1x4x2x2xi1>
    %78 = tosa.logical_or %76, %77 : (tensor<1x4x2x2xi1>, tensor<1x4x2x2xi1>) -> tensor<1x4x2x2xi1>
    %79 = tosa.select %78, %68, %70 : (tensor<1x4x2x2xi1>, tensor<1x4x2x2xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
    %80 = tosa.add %79, %19 : (tensor<1x4x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x4x2x2xf32>
    %81 = tosa.clamp %80 {max_val = 1.270000e+02 : f32, min_val = -1.280000e+02 : f32} : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
    %82 = tosa.cast %81 : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xi8>
    %83 = tosa.cast %82 : (tensor<1x4x2x2xi8>) -> tensor<1x4x2x2xi32>
    %84 = tosa.sub %83, %20 : (tensor<1x4x2x2xi32>, tensor<1x1x1x1xi32>) -> tensor<1x4x2x2xi32>
    %85 = tosa.cast %84 : (tensor<1x4x2x2xi32>) -> tensor<1x4x2x2xf32>
    %86 = tosa.mul %85, %21, %2 : (tensor<1x4x2x2xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x4x2x2xf32>
    %87 = tosa.reshape %86, %4 : (tensor<1x4x2x2xf32>, !tosa.shape<2>) -> tensor<1x16xf32>
    %88 = tosa.mul %87, %22, %2 : (tensor<1x16xf32>, tensor<1x1xf32>, tensor<1xi8>) -> tensor<1x16xf32>
    %89 = tosa.floor %88 : (tensor<1x16xf32>) -> tensor<1x16xf32>
    %90 = tosa.sub %88, %89 : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
    %91 = tosa.ceil %88 : (tensor<1x16xf32>) -> tensor<1x16xf32>
    %92 = tosa.mul %89, %23, %2 : (tensor<1x16xf32>, tensor<1x1xf32>, tensor<1xi8>) -> tensor<1x16xf32>
    %93 = tosa.floor %92 : (tensor<1x16xf32>) -> tensor<1x16xf32>
    %94 = tosa.mul %93, %24, %2 : (tensor<1x16xf32>, tensor<1x1xf32>, tensor<1xi8>) -> tensor<1x16xf32>
    %95 = tosa.equal %89, %94 : (tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xi1>
    %96 = tosa.equal %90, %23 : (tensor<1x16xf32>, tensor<1x1xf32>) -> tensor<1x16xi1>
    %97 = tosa.greater %23, %90 : (tensor<1x1xf32>, tensor<1x16xf32>) -> tensor<1x16xi1>
    %98 = tosa.logical_and %96, %95 : (tensor<1x16xi1>, tensor<1x16xi1>) -> tensor<1x16xi1>
    %99 = tosa.logical_or %97, %98 : (tensor<1x16xi1>, tensor<1x16xi1>) -> tensor<1x16xi1>
    %100 = tosa.select %99, %89, %91 : (tensor<1x16xi1>, tensor<1x16xf32>, tensor<1x16xf32>) -> tensor<1x16xf32>
    %101 = tosa.add %100, %25 : (tensor<1x16xf32>, tensor<1x1xf32>) -> tensor<1x16xf32>
    %102 = tosa.clamp %101 {max_val = 1.270000e+02 : f32, min_val = -1.280000e+02 : f32} : (tensor<1x16xf32>) -> tensor<1x16xf32>
    %103 = tosa.cast %102 : (tensor<1x16xf32>) -> tensor<1x16xi8>
    %104 = tosa.cast %1 : (tensor<5xi32>) -> tensor<5xf32>
    %105 = tosa.mul %104, %26, %2 : (tensor<5xf32>, tensor<1xf32>, tensor<1xi8>) -> tensor<5xf32>
    %106 = tosa.reshape %103, %6 : (tensor<1x16xi8>, !tosa.shape<3>) -> tensor<1x1x16xi8>
    %107 = tosa.matmul %106, %27, %5, %2 : (tensor<1x1x16xi8>, tensor<1x16x5xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x1x5xi32>
    %108 = tosa.reshape %107, %7 : (tensor<1x1x5xi32>, !tosa.shape<2>) -> tensor<1x5xi32>
    %109 = tosa.cast %108 : (tensor<1x5xi32>) -> tensor<1x5xf32>
    %110 = tosa.mul %109, %28, %2 : (tensor<1x5xf32>, tensor<1x1xf32>, tensor<1xi8>) -> tensor<1x5xf32>
    %111 = tosa.reshape %105, %7 : (tensor<5xf32>, !tosa.shape<2>) -> tensor<1x5xf32>
    %112 = tosa.add %110, %111 : (tensor<1x5xf32>, tensor<1x5xf32>) -> tensor<1x5xf32>
    %113 = tosa.mul %112, %24, %2 : (tensor<1x5xf32>, tensor<1x1xf32>, tensor<1xi8>) -> tensor<1x5xf32>
    %114 = tosa.floor %113 : (tensor<1x5xf32>) -> tensor<1x5xf32>
    %115 = tosa.sub %113, %114 : (tensor<1x5xf32>, tensor<1x5xf32>) -> tensor<1x5xf32>
    %116 = tosa.ceil %113 : (tensor<1x5xf32>) -> tensor<1x5xf32>
    %117 = tosa.mul %114, %23, %2 : (tensor<1x5xf32>, tensor<1x1xf32>, tensor<1xi8>) -> tensor<1x5xf32>
    %118 = tosa.floor %117 : (tensor<1x5xf32>) -> tensor<1x5xf32>
    %119 = tosa.mul %118, %24, %2 : (tensor<1x5xf32>, tensor<1x1xf32>, tensor<1xi8>) -> tensor<1x5xf32>
    %120 = tosa.equal %114, %119 : (tensor<1x5xf32>, tensor<1x5xf32>) -> tensor<1x5xi1>
    %121 = tosa.equal %115, %23 : (tensor<1x5xf32>, tensor<1x1xf32>) -> tensor<1x5xi1>
    %122 = tosa.greater %23, %115 : (tensor<1x1xf32>, tensor<1x5xf32>) -> tensor<1x5xi1>
    %123 = tosa.logical_and %121, %120 : (tensor<1x5xi1>, tensor<1x5xi1>) -> tensor<1x5xi1>
    %124 = tosa.logical_or %122, %123 : (tensor<1x5xi1>, tensor<1x5xi1>) -> tensor<1x5xi1>
    %125 = tosa.select %124, %114, %116 : (tensor<1x5xi1>, tensor<1x5xf32>, tensor<1x5xf32>) -> tensor<1x5xf32>
    %126 = tosa.clamp %125 {max_val = 1.270000e+02 : f32, min_val = -1.280000e+02 : f32} : (tensor<1x5xf32>) -> tensor<1x5xf32>
    %127 = tosa.cast %126 : (tensor<1x5xf32>) -> tensor<1x5xi8>
    %128 = tosa.cast %127 : (tensor<1x5xi8>) -> tensor<1x5xf32>
    %129 = tosa.mul %128, %23, %2 : (tensor<1x5xf32>, tensor<1x1xf32>, tensor<1xi8>) -> tensor<1x5xf32>
    return %129 : tensor<1x5xf32>
  }
}

