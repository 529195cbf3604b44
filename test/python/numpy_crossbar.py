"""An independent reference of quantized and in-array arithmetic, in NumPy.

Written from docs/phases/rounding.md (rules R1 to R6) and docs/Architecture.md (encodings, input phases,
readout) without looking at the compiler's layout: cells are digits of weights, and a strip is a slice of
the rows. Real arithmetic is float32, operation by operation.
"""
import numpy as np

F32 = np.float32


def choose_qparams(x, bits=8):
    """R1, R2: scale and zero point for the range of x, zero included."""
    top = F32(2**bits - 1)
    lo, hi = F32(min(0.0, x.min())), F32(max(0.0, x.max()))
    scale = (hi - lo) / top
    if scale == 0:
        scale = F32(1)
    return scale, int(np.clip(np.rint(-lo / scale), 0, top))


def quantize(x, scale, zero_point, bits=8):
    """R3: unsigned codes as int64."""
    return np.clip(np.rint(x / scale).astype(np.int64) + zero_point, 0, 2**bits - 1)


def quantize_weights(w, bits=8):
    """Symmetric per column of w (K x N): integers, scales, column sums."""
    top = F32(2**(bits - 1) - 1)
    scale = np.abs(w).max(axis=0) / top
    scale = np.where(scale == 0, F32(1), scale).astype(F32)
    q = np.clip(np.rint(w / scale), -top, top).astype(np.int64)
    return q, scale, q.sum(axis=0)


def dequantize(acc, x_scale, zero_point, w_scale, w_sum, bias):
    """R5."""
    return (acc - zero_point * w_sum).astype(F32) * (x_scale * w_scale) + bias


def encode(w, kind, weight_bits, cell_bits):
    """Signed integers K x N -> (cells J x K x N, coefficients, offset)."""
    def digits(u, count):
        return [(u >> (cell_bits * j)) & (2**cell_bits - 1) for j in range(count)]

    if kind == "offset":
        count = -(-weight_bits // cell_bits)
        return np.array(digits(w + 2**(weight_bits - 1), count)), [2**(cell_bits * j) for j in range(count)], \
            2**(weight_bits - 1)
    if kind == "differential":
        count = -(-(weight_bits - 1) // cell_bits)
        pairs = zip(digits(np.maximum(w, 0), count), digits(np.maximum(-w, 0), count))
        coefficients = [sign * 2**(cell_bits * j) for j in range(count) for sign in (1, -1)]
        return np.array([column for pair in pairs for column in pair]), coefficients, 0
    if kind == "twos_complement":
        coefficients = [2**j for j in range(weight_bits - 1)] + [-2**(weight_bits - 1)]
        return np.array(digits(w % 2**weight_bits, weight_bits)), coefficients, 0
    raise ValueError(kind)


def lossless_bits(rows, dac_bits, cell_bits):
    return int(rows * (2**dac_bits - 1) * (2**cell_bits - 1)).bit_length()


def read_out(sums, adc_bits, range_bits):
    """R6: what a converter that covers 0 to 2**range_bits - 1 reports for column sums >= 0."""
    step = max(1, 2**range_bits // 2**adc_bits)
    return np.minimum((sums + step // 2) // step, 2**range_bits // step - 1) * step


def crossbar_matmul(x, w, *, rows, kind="offset", weight_bits=8, cell_bits=1, input_bits=8, dac_bits=1, adc_bits,
                    clip_bits=0):
    """x (M x K, unsigned) times w (K x N, signed) in arrays of `rows` rows; one group."""
    cells, coefficients, offset = encode(w, kind, weight_bits, cell_bits)
    range_bits = lossless_bits(rows, dac_bits, cell_bits) - clip_bits
    y = np.zeros((x.shape[0], w.shape[1]), np.int64)
    for first in range(0, x.shape[1], rows):
        strip = slice(first, first + rows)
        for low in range(0, input_bits, dac_bits):
            phase = (x[:, strip] >> low) & (2**dac_bits - 1)
            for coefficient, column in zip(coefficients, cells):
                y += coefficient * 2**low * read_out(phase @ column[strip], adc_bits, range_bits)
    return y - offset * x.sum(axis=1, keepdims=True)
