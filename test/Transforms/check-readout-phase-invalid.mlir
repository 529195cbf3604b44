// RUN: imc-opt %s -split-input-file -verify-diagnostics -imc-check-readout

// expected-error @below {{imc-check-readout: the module is in phase 'quantized', where nothing is read out yet; run imc-tile}}
module attributes {imc.phase = "quantized"} {
}
