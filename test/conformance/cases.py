"""ONNX's own backend tests as folders that imc-batch can run.

A case is a folder with model.onnx, input_0.pb, ..., output_0.pb, ...; build() makes
them once per version of the onnx package from

- node: the collector of single-operator tests (onnx.backend.test.case.node). Where an
  operand decides a shape (axes, pads, k, ...) the test feeds it at run time; a compiler
  for static shapes needs it at import, so it becomes an initializer (CONSTANT);
- pytorch-converted, pytorch-operator: models of the wheel, opset 6 to 9, with data;
- light: nine image networks whose weights are computed, with the shape of their output.
"""
import dataclasses
import json
import os
import pathlib
import re
import shutil
import tempfile
import warnings

import numpy
import onnx
import onnx.backend.test

# Operands that are constants in models that people export: they fix shapes or loops.
CONSTANT = {
    "AffineGrid": [1], "BlackmanWindow": [0], "CenterCropPad": [1], "Clip": [1, 2], "Col2Im": [1, 2], "Compress": [1],
    "ConstantOfShape": [0], "CumProd": [1], "CumSum": [1], "DFT": [1, 2], "Dropout": [1, 2], "Expand": [1],
    "HammingWindow": [0], "HannWindow": [0], "MaxUnpool": [2], "MelWeightMatrix": [0, 1, 2, 3, 4],
    "NonMaxSuppression": [2, 3, 4], "OneHot": [1], "Pad": [1, 3], "Range": [0, 1, 2], "ReduceL1": [1],
    "ReduceL2": [1], "ReduceLogSum": [1], "ReduceLogSumExp": [1], "ReduceMax": [1], "ReduceMean": [1],
    "ReduceMin": [1], "ReduceProd": [1], "ReduceSum": [1], "ReduceSumSquare": [1], "Reshape": [1],
    "Resize": [1, 2, 3], "Slice": [1, 2, 3, 4], "Split": [1], "Squeeze": [1], "STFT": [1, 3], "Tile": [1],
    "TopK": [1], "Trilu": [1], "Unsqueeze": [1], "Upsample": [1],
}

# The operators that networks for in-memory-computing chips are made of.
SCOPE = """
    Conv ConvTranspose MaxPool AveragePool GlobalAveragePool BatchNormalization LayerNormalization
    InstanceNormalization GroupNormalization RMSNormalization LRN Gemm MatMul Einsum Relu LeakyRelu PRelu Elu
    Sigmoid HardSigmoid HardSwish Tanh Erf Gelu Swish Clip Softmax LogSoftmax Add Sub Mul Div Pow Sqrt Exp Log Neg
    Reciprocal Min Max Sum Where Equal Less And Cast ReduceMean ReduceSum ReduceMax ReduceL2 ArgMax TopK Reshape
    Transpose Flatten Squeeze Unsqueeze Concat Split Slice Gather Expand Tile Pad Shape ConstantOfShape Range Resize
    LSTM GRU RNN Attention QuantizeLinear DequantizeLinear QLinearConv QLinearMatMul MatMulInteger ConvInteger
""".split()

_T = onnx.TensorProto
COMMON_TYPES = {_T.FLOAT, _T.INT32, _T.INT64, _T.BOOL, _T.INT8, _T.UINT8}


@dataclasses.dataclass
class Case:
    id: str  # "node/test_add"
    kind: str  # "node", "pytorch-converted", "pytorch-operator" or "light"
    op: str  # the operator that is tested; of a whole model "", of an expanded function the function's
    single: bool  # one node of the default domain
    common: bool  # inputs and outputs are float32, int32, int64, bool, int8 or uint8
    folder: str
    inputs: int
    outputs: int
    rtol: float = 1e-3
    atol: float = 1e-7

    @property
    def in_scope(self):
        return self.kind == "node" and self.single and self.op in SCOPE


def _tensor_type(value):
    kind = value.type
    if kind.HasField("optional_type"):
        kind = kind.optional_type.elem_type
    return kind.tensor_type.elem_type if kind.HasField("tensor_type") else None


def _write_value(path, value):
    """Writes what a test case carries; sequences and the like have no file form and are left out."""
    if isinstance(value, onnx.TensorProto):
        path.write_bytes(value.SerializeToString())
    elif isinstance(value, (numpy.ndarray, numpy.generic)) and value.dtype != object:
        path.write_bytes(onnx.numpy_helper.from_array(numpy.asarray(value)).SerializeToString())
    elif isinstance(value, (numpy.ndarray, numpy.generic)):
        path.write_bytes(onnx.helper.make_tensor("", onnx.TensorProto.STRING, value.shape,
                                                 [str(s).encode() for s in value.flatten()]).SerializeToString())


def _constants(case):
    """Names of the inputs that become initializers."""
    node = case.model.graph.node[0]
    return {node.input[i] for i in CONSTANT.get(node.op_type, []) if i < len(node.input) and node.input[i]}


def _node_cases(root):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases
        collected = collect_testcases(None)
    tested = {c.name: c for c in collected if len(c.model.graph.node) == 1 and "_expanded" not in c.name}
    for case in collected:
        original = tested.get(re.sub(r"_expanded.*$", "", case.name), case)
        constants = _constants(original) if len(original.model.graph.node) == 1 else set()
        model = onnx.ModelProto()
        model.CopyFrom(case.model)
        graph = model.graph
        folder = root / "node" / case.name
        folder.mkdir(parents=True)
        values, expected = case.data_sets[0]
        fed = []
        for info, value in zip(list(graph.input), values, strict=False):
            if info.name in constants and isinstance(value, (numpy.ndarray, numpy.generic, onnx.TensorProto)):
                tensor = value if isinstance(value, onnx.TensorProto) \
                    else onnx.numpy_helper.from_array(numpy.asarray(value))
                graph.initializer.add().CopyFrom(tensor)
                graph.initializer[-1].name = info.name
                graph.input.remove(info)
            else:
                fed.append(value)
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        for i, value in enumerate(fed):
            _write_value(folder / f"input_{i}.pb", value)
        for i, value in enumerate(expected):
            _write_value(folder / f"output_{i}.pb", value)
        original_graph = case.model.graph
        single = len(original_graph.node) == 1 and original_graph.node[0].domain in ("", "ai.onnx")
        types = {_tensor_type(v) for v in [*original_graph.input, *original_graph.output]}
        node = (case if single else original).model.graph.node
        yield Case(f"node/{case.name}", "node", node[0].op_type if len(node) == 1 else "", single,
                   types <= COMMON_TYPES, str(folder), len(fed), len(expected), case.rtol, case.atol)


def _wheel_cases(kind):
    data = pathlib.Path(onnx.backend.test.__file__).parent / "data" / kind
    for folder in sorted(data.iterdir()):
        values = folder / "test_data_set_0"
        graph = onnx.load(folder / "model.onnx").graph
        yield Case(f"{kind}/{folder.name}", kind, "", len(graph.node) == 1,
                   {_tensor_type(v) for v in [*graph.input, *graph.output]} <= COMMON_TYPES, str(folder),
                   len(list(values.glob("input_*.pb"))), len(list(values.glob("output_*.pb"))))


def _light_cases():
    data = pathlib.Path(onnx.backend.test.__file__).parent / "data" / "light"
    for path in sorted(data.glob("*.onnx")):
        yield Case(f"light/{path.stem}", "light", "", False, True, str(path), 1, 1)


def build(folder):
    """The cases, made below `folder` unless they are there for this version of onnx and of this file."""
    import hashlib
    key = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:12]
    root = pathlib.Path(folder).resolve() / f"onnx-{onnx.__version__}-{key}"
    index = root / "index.json"
    if not index.exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        # Elsewhere first, so that an interrupted build leaves nothing that looks complete.
        temporary = pathlib.Path(tempfile.mkdtemp(dir=root.parent))
        cases = [*_node_cases(temporary), *_wheel_cases("pytorch-converted"), *_wheel_cases("pytorch-operator"),
                 *_light_cases()]
        rows = []
        for case in cases:
            row = dataclasses.asdict(case)
            if case.kind == "node":
                row["folder"] = os.path.relpath(case.folder, temporary)
            rows.append(row)
        (temporary / "index.json").write_text(json.dumps(rows))
        shutil.rmtree(root, ignore_errors=True)
        temporary.rename(root)
    cases = [Case(**row) for row in json.loads(index.read_text())]
    for case in cases:
        if case.kind == "node":
            case.folder = str(root / case.folder)
    return cases
