// Two convolutions with element-wise work between them.
module @two {
  func.func @main(%x: tensor<1x3x8x8xf32>) -> tensor<1x4x6x6xf32> {
    %zero = arith.constant 0.0 : f32
    %w1 = imc.missing_weight "w1" : tensor<6x3x3x3xf32> loc("conv1")
    %w2 = imc.missing_weight "w2" : tensor<4x6x3x3xf32> loc("conv2")
    %p1 = tensor.pad %x low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%a: index, %b: index, %c: index, %d: index):
      tensor.yield %zero : f32
    } : tensor<1x3x8x8xf32> to tensor<1x3x10x10xf32> loc("conv1")
    %e1 = tensor.empty() : tensor<1x6x8x8xf32> loc("conv1")
    %i1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<1x6x8x8xf32>) -> tensor<1x6x8x8xf32> loc("conv1")
    %y1 = linalg.conv_2d_nchw_fchw ins(%p1, %w1 : tensor<1x3x10x10xf32>, tensor<6x3x3x3xf32>) outs(%i1 : tensor<1x6x8x8xf32>) -> tensor<1x6x8x8xf32> loc("conv1")
    %r1 = linalg.exp ins(%y1 : tensor<1x6x8x8xf32>) outs(%e1 : tensor<1x6x8x8xf32>) -> tensor<1x6x8x8xf32> loc("exp1")
    %e2 = tensor.empty() : tensor<1x4x6x6xf32> loc("conv2")
    %i2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32> loc("conv2")
    %y2 = linalg.conv_2d_nchw_fchw ins(%r1, %w2 : tensor<1x6x8x8xf32>, tensor<4x6x3x3xf32>) outs(%i2 : tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32> loc("conv2")
    return %y2 : tensor<1x4x6x6xf32>
  }
}
