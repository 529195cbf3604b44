// RUN: imc-opt %s --imc-externalize-constants="min-bytes=16" --verify-diagnostics

// expected-error @below {{'func.func' op holds large constants and is called within the module, whose calls would have to pass them; run 'inline' first}}
func.func private @layer() -> tensor<4xf32> {
  %w = arith.constant dense<[1., 2., 3., 4.]> : tensor<4xf32>
  return %w : tensor<4xf32>
}
func.func @main() -> tensor<4xf32> {
  %y = call @layer() : () -> tensor<4xf32>
  return %y : tensor<4xf32>
}
