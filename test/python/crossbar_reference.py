"""Products on arrays of cells, in NumPy: an independent reference for lib/Crossbar.

Written from docs/crossbar.md (labels X-...). Cells are int64 or float64 matrices and sums are matrix products;
there are no bit planes, no proofs and no fixed point, and noise is drawn for every cell of every read.
"""
import numpy as np

F32 = np.float32
OFFSET, DIFFERENTIAL, TWOS = 0, 1, 2
LOSSLESS, FULL, FILLED, BITS, GIVEN, LAYER, ARRAY, COLUMN, PHASE = range(9)
HALF_UP, HALF_EVEN, FLOOR = range(3)
POWER, FREE = range(2)
QUANTILE, SQUARED = range(2)


class Case:
    """What a line of crossbar_run says; every value has the name used there."""
    defaults = dict(groups=1, k=1, n=1, groups_per_pack=1, encoding=OFFSET, pair=0, weight_bits=8, cell_bits=2,
                    input_bits=8, signed=0, dac_bits=1, rows=128, cols=128, adc_bits=8, range=FULL, range_bits=0,
                    full_scale=0, ties=HALF_UP, step=POWER, criterion=QUANTILE, quantile=1.0)

    def __init__(self, **values):
        unknown = set(values) - set(self.defaults)
        assert not unknown, unknown
        self.__dict__.update(self.defaults, **values)

    def words(self):
        return " ".join(f"{key}={getattr(self, key)}" for key in self.defaults)


def physical_columns(c):
    """X-ENC: [(function from weights to levels)], and converters [(coefficient, plus, minus or None)]."""
    b, half = c.cell_bits, 2**(c.weight_bits - 1)
    base = 2**b

    def digit(of, j):
        return lambda w: of(w) // base**j % base

    bits = c.weight_bits if c.encoding == OFFSET else c.weight_bits - 1
    slices = -(-bits // b)
    columns, converters = [], []
    for j in range(slices):
        if c.encoding == OFFSET:
            columns.append(digit(lambda w: w + half, j))
            converters.append((base**j, len(columns) - 1, None))
        elif c.encoding == TWOS:
            columns.append(digit(lambda w: w % half, j))
            converters.append((base**j, len(columns) - 1, None))
        else:
            columns.append(digit(lambda w: np.maximum(w, 0), j))
            columns.append(digit(lambda w: np.maximum(-w, 0), j))
            at = len(columns) - 2
            if c.pair:
                converters.append((base**j, at, at + 1))
            else:
                converters += [(base**j, at, None), (-base**j, at + 1, None)]
    if c.encoding == TWOS:
        columns.append(lambda w: (w < 0).astype(np.int64))
        converters.append((-half, len(columns) - 1, None))
    return columns, converters


def phases(c):
    """X-IN: [(weight, function from codes to digits)]."""
    out = []
    magnitude = c.input_bits - c.signed
    for low in range(0, magnitude, c.dac_bits):
        count = min(c.dac_bits, magnitude - low)
        out.append((2**low, lambda x, low=low, count=count: (x % 2**c.input_bits) >> low & (2**count - 1)))
    if c.signed:
        out.append((-2**magnitude, lambda x: (x < 0).astype(np.int64)))
    return out


def strips(c):
    """X-TILE: {(group, strip): rows of the group}."""
    out = {}
    for g in range(c.groups):
        local = g % c.groups_per_pack
        for r in range(c.k):
            out.setdefault((g, (local * c.k + r) // c.rows), []).append(r)
    return out


def top(c):
    return c.rows * (2**c.dac_bits - 1) * (2**c.cell_bits - 1)


def lossless_bits(c):
    return int(np.ceil(np.log2(top(c) + 1))) + c.pair


def code_range(c):
    """X-READ: low, high."""
    bits = min(c.adc_bits, lossless_bits(c))
    if c.range == BITS:
        bits = min(bits, c.range_bits)
    high = 2**(bits - c.pair) - 1
    return (-high - 1 if c.pair else 0), high


def step_for(c, most, high):
    """X-STEP."""
    if c.step == FREE:
        return max(F32(1), F32(most) / F32(high))
    step = 1
    while high * step < most:
        step *= 2
    return F32(step)


def filled_step(c, group, strip, high):
    """X-RANGE: the range of the rows that the groups of the pack put into the strip, empty cells beside them."""
    first = group // c.groups_per_pack * c.groups_per_pack
    of_pack = range(first, min(c.groups, first + c.groups_per_pack))
    filled = sum(len(strips(c).get((g, strip), [])) for g in of_pack)
    most = filled * (2**c.dac_bits - 1) * (2**c.cell_bits - 1)
    if c.step == FREE:
        return step_for(c, most, high)
    return F32(2**max(0, int(np.ceil(np.log2(most + 1))) + c.pair - c.adc_bits))


def rounded(t, ties):
    if ties == HALF_EVEN:
        return np.rint(t)
    return np.floor(t + t.dtype.type(0.5)) if ties == HALF_UP else np.floor(t)


def calibrated_step(c, sums, high):
    """X-CAL, from all sums that share a range."""
    sums = np.abs(sums)
    if sums.size == 0:
        return F32(1)
    width = 1
    while top(c) // width >= 512:
        width *= 2
    bins = sums // width
    last = int(bins.max()) * width + width - 1
    if c.criterion == QUANTILE:
        counts = np.bincount(bins)
        reached = np.cumsum(counts) >= c.quantile * sums.size
        most = int(np.argmax(reached)) * width + width - 1 if reached.any() else last
        return step_for(c, most, high)
    middles = bins * width + (width - 1) / 2
    if c.step == POWER:
        steps, step = [], 1
        while not steps or steps[-1] * high < last:
            steps.append(F32(step))
            step *= 2
    else:
        steps = [step_for(c, -(-last * (i + 1) // 64), high) for i in range(64)]
    values, counts = np.unique(middles, return_counts=True)
    errors = []
    for step in steps:
        got = np.minimum(rounded(values / np.float64(step), c.ties), high) * np.float64(step)
        errors.append(np.sum(counts * (got - values)**2))
    return steps[int(np.argmin(errors))]


def all_sums(c, weights, codes):
    """{(group, strip, converter): sums, phases x windows x n} of ideal cells."""
    columns, converters = physical_columns(c)
    x = codes.astype(np.int64).reshape(len(codes), c.groups, c.k)
    out = {}
    for (g, s), rows in strips(c).items():
        w = weights[g, rows].astype(np.int64)
        levels = [column(w) for column in columns]
        for j, (_, plus, minus) in enumerate(converters):
            cells = levels[plus] - (levels[minus] if minus is not None else 0)
            out[g, s, j] = np.array([digits(x[:, g, rows]) @ cells for _, digits in phases(c)])
    return out


def steps(c, weights, calibration):
    """{(group, strip, converter): step in each phase of each of n columns, 1 x n if the phases have the same}."""
    columns, converters = physical_columns(c)
    low, high = code_range(c)
    sums = all_sums(c, weights, calibration if calibration is not None else np.zeros((1, c.groups * c.k), np.int64))
    per_weight = len(columns)

    def key(g, s, j, n):
        if c.range == LAYER:
            return 0
        local = g % c.groups_per_pack * c.n + n
        array = (g // c.groups_per_pack, s, (local * per_weight + converters[j][1]) // c.cols)
        return array if c.range == ARRAY else (g, s, j, n)

    if c.range == PHASE:
        pools = {}
        for (g, s, j), values in sums.items():
            for p, of_phase in enumerate(values):
                pools.setdefault((g // c.groups_per_pack, s, j, p), []).append(of_phase.ravel())
        chosen = {k: calibrated_step(c, np.concatenate(v), high) for k, v in pools.items()}
        return {(g, s, j): np.array([[chosen[g // c.groups_per_pack, s, j, p]] * c.n for p in range(len(phases(c)))], F32)
                for g, s, j in sums}
    if c.range in (LAYER, ARRAY, COLUMN):
        pools = {}
        for (g, s, j), values in sums.items():
            for n in range(c.n):
                pools.setdefault(key(g, s, j, n), []).append(values[:, :, n].ravel())
        chosen = {k: calibrated_step(c, np.concatenate(v), high) for k, v in pools.items()}
        return {(g, s, j): np.array([[chosen[key(g, s, j, n)] for n in range(c.n)]], F32) for g, s, j in sums}
    if c.range == FILLED:
        return {k: np.full((1, c.n), filled_step(c, k[0], k[1], high), F32) for k in sums}
    if c.range == LOSSLESS:
        step = F32(1)
    elif c.range == GIVEN:
        step = step_for(c, c.full_scale, high)
    elif c.step == FREE:
        step = step_for(c, top(c) if c.range == FULL else 2**(c.range_bits - c.pair) - 1, high)
    else:
        covered = lossless_bits(c) if c.range == FULL else c.range_bits
        step = F32(2**max(0, covered - c.adc_bits))
    return {k: np.full((1, c.n), step, F32) for k in sums}


def run(c, weights, codes, calibration=None, sums=None):
    """X-READ to X-SUM. weights G x K x N, codes M x G*K; `sums` replaces those of ideal cells."""
    columns, converters = physical_columns(c)
    low, high = code_range(c)
    step = steps(c, weights, calibration)
    ideal = all_sums(c, weights, codes) if sums is None else sums
    y = np.zeros((len(codes), c.groups, c.n), np.int64)
    rest = np.zeros((len(codes), c.groups, c.n), np.float64)
    # Phases that share their steps are added up as codes; others are pieces of their own, phases before converters.
    every = list(range(len(phases(c))))
    pieces = [[p] for p in every] if c.range == PHASE else [every]
    for g, s, of, j in sorted(((g, s, of, j) for g, s, j in ideal for of in pieces), key=lambda k: k):
        value = step[g, s, j][of[0] if c.range == PHASE else 0]
        got = ideal[g, s, j].astype(F32) / value
        read = np.clip(rounded(got, c.ties), F32(low), F32(high)).astype(np.int64)
        total = sum(phases(c)[p][0] * read[p] for p in of)
        whole = value == np.floor(value)
        coefficient = converters[j][0]
        y[:, g] += np.where(whole, coefficient * value.astype(np.int64) * total, 0)
        rest[:, g] += np.where(whole, 0.0, np.float64(coefficient) * value.astype(np.float64) * total)
    y += np.rint(rest).astype(np.int64)
    if c.encoding == OFFSET:
        x = codes.astype(np.int64).reshape(len(codes), c.groups, c.k)
        y -= 2**(c.weight_bits - 1) * x.sum(axis=2)[:, :, None]
    return y.reshape(len(codes), -1)


def device_sums(c, weights, codes, conductance, unit, read_sigma=None, current=None):
    """Sums of one group on drawn cells: conductance(levels) is called once for each physical column; read_sigma(g) is
    the standard deviation of one read of one cell; `current(g, digits)` replaces digits @ g. In units of a level."""
    columns, converters = physical_columns(c)
    x = codes.astype(np.int64)
    out = {}
    rng = np.random.default_rng(99)
    for (g, s), rows in strips(c).items():
        cells = [conductance(column(weights[g, rows].astype(np.int64))) for column in columns]
        for j, (_, plus, minus) in enumerate(converters):
            values = []
            for _, digits in phases(c):
                d = digits(x[:, rows]).astype(np.float64)
                total = 0
                for column, sign in ((plus, 1), (minus, -1)):
                    if column is None:
                        continue
                    conducts = cells[column]
                    if read_sigma is not None:
                        # Every cell of every read has its own noise.
                        noise = rng.standard_normal((len(d),) + conducts.shape) * read_sigma(conducts)
                        read = np.einsum("mr,mrn->mn", d, conducts + noise)
                    else:
                        read = current(conducts, d) if current else d @ conducts
                    total = total + sign * read
                values.append(total / unit)
            out[g, s, j] = np.array(values)
    return out


def ladder(conductance_us, digits, rows, ohm, grounded=False):
    """X-IR: currents in us x digit at the end of bit lines, by dense linear systems."""
    segment = 1e6 / ohm  # us
    k, n = conductance_us.shape
    out = np.zeros((len(digits), n))
    wires = np.zeros((rows, rows))
    for r in range(rows):
        wires[r, r] = segment * (2 if r else 1)
        if r:
            wires[r, r - 1] = wires[r - 1, r] = -segment
    for m, d in enumerate(digits):
        for column in range(n):
            g = np.zeros(rows)
            g[:k] = conductance_us[:, column]
            drive = np.zeros(rows)
            drive[:k] = d
            if not grounded:
                g[drive == 0] = 0
            v = np.linalg.solve(wires + np.diag(g), g * drive)
            out[m, column] = v[-1] * segment
    return out
