"""The rules H1 to H4 of docs/phases/quantized.md in NumPy, written from the page: ranges of activations from their values."""
import numpy as np

BINS = 2048


def histogram(values):
    """Counts of magnitudes per sign (negative, positive), and of zeros; lo, hi, the width of a bin."""
    values = np.asarray(values, np.float64).ravel()
    lo, hi = min(values.min(), 0.0), max(values.max(), 0.0)
    amax = max(-lo, hi)
    bins = np.minimum((np.abs(values) * (BINS / amax)).astype(np.int64), BINS - 1)
    down, up = (np.bincount(bins[mask], minlength=BINS) for mask in (values < 0, values > 0))
    return down, up, np.count_nonzero(values == 0), lo, hi, amax / BINS


def minmax(values, bits):
    return float(np.min(values)), float(np.max(values))


def percentile(values, bits, share=99.99):
    down, up, zeros, lo, hi, width = histogram(values)
    seen = zeros + np.cumsum(down + up)
    threshold = (np.argmax(seen >= seen[-1] * share / 100) + 1) * width
    return max(lo, -threshold), min(hi, threshold)


def kl(values, bits):
    down, up, _, lo, hi, width = histogram(values)
    counts = (down + up).astype(np.float64)
    levels = min(2 ** (bits - 1 if lo < 0 < hi else bits), BINS)
    total, best, chosen = counts.sum(), np.inf, BINS
    for n in range(levels, BINS + 1):
        kept = counts[:n]
        outside = total - kept.sum()
        if kept.sum() == 0 or (outside > 0 and kept[-1] == 0):
            continue
        p = kept.copy()
        p[-1] += outside
        level = np.arange(n) * levels // n
        used = kept > 0
        q = np.bincount(level, kept, levels) / np.maximum(np.bincount(level, used, levels), 1)
        q = q[level] / kept.sum()
        divergence = np.sum(p[used] / total * np.log(p[used] / total / q[used]))
        # Sums in another order differ in the last bits; so may a choice between equals.
        if divergence <= best:
            best, chosen = divergence, n
    return max(lo, -chosen * width), min(hi, chosen * width)


def qparams(lo, hi, bits):
    """R1 and R2 of docs/phases/rounding.md."""
    lo, hi = min(np.float32(lo), np.float32(0)), max(np.float32(hi), np.float32(0))
    top = np.float32(2**bits - 1)
    scale = (hi - lo) / top
    scale = np.float32(1) if scale == 0 else scale
    return scale, int(np.clip(np.rint(-lo / scale), 0, top))


def mse(values, bits):
    down, up, _, lo, hi, width = histogram(values)
    centre = (np.arange(BINS) + 0.5) * width
    x = np.concatenate([-centre, centre])
    counts = np.concatenate([down, up])
    x, counts = x[counts > 0], counts[counts > 0]

    def error(low, high):
        scale, zero_point = qparams(low, high, bits)
        scale = np.float64(scale)
        code = np.clip(np.rint(x / scale) + zero_point, 0, 2**bits - 1)
        return np.sum(counts * (x - (code - zero_point) * scale) ** 2)

    low, high, best, moved = lo, hi, error(lo, hi), True
    while moved:
        moved = False
        for end in ("high", "low"):
            limit = hi if end == "high" else lo
            for k in range(128, 0, -1) if limit != 0 else ():
                candidate = (low, limit * (k / 128)) if end == "high" else (limit * (k / 128), high)
                e = error(*candidate)
                if e < best * (1 - 1e-12):
                    best, (low, high), moved = e, candidate, True
    return low, high
