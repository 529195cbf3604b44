"""Writes an ONNX graph node by node; shapes are known at every step."""
import dataclasses

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

# The newest opset of onnxruntime 1.31 that needs no special build.
NEWEST = 22


@dataclasses.dataclass
class Sample:
    """A model with inputs to run it on."""
    kind: str  # what the summary counts by
    model: onnx.ModelProto
    inputs: dict  # name -> array, in graph order
    # Products of integers under scales that are no powers of two: see integers.py.
    rounding: dict = dataclasses.field(default_factory=dict)


class Builder:
    """Tensors are names; `shape` and `dtype` hold what is known of each."""

    def __init__(self, rng, opset):
        self.rng, self.opset = rng, opset
        self.nodes, self.initializers, self.graph_inputs = [], [], []
        self.values, self.shape, self.dtype = {}, {}, {}
        self.count = 0

    def name(self, stem):
        self.count += 1
        return f"{stem}_{self.count}"

    def _know(self, name, shape, dtype):
        self.shape[name], self.dtype[name] = tuple(int(s) for s in shape), numpy.dtype(dtype)
        return name

    def input(self, value, stem="x"):
        """A graph input that is fed `value`."""
        value = numpy.asarray(value)
        name = self._know(self.name(stem), value.shape, value.dtype)
        self.values[name] = value
        self.graph_inputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype),
                                                               value.shape))
        return name

    def constant(self, value, stem="c"):
        value = numpy.asarray(value)
        name = self._know(self.name(stem), value.shape, value.dtype)
        self.initializers.append(numpy_helper.from_array(value, name))
        return name

    def maybe_constant(self, value, chance=0.85, stem="w"):
        """An initializer as a rule, else an input."""
        return self.constant(value, stem) if self.rng.random() < chance else self.input(value, stem)

    def node(self, op, inputs, shape=None, dtype=None, outputs=1, domain="", **attributes):
        """Adds a node; returns its output, or all of them. Shapes of further outputs are not tracked."""
        names = [self.name(op.lower()) for _ in range(outputs)]
        attributes = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(helper.make_node(op, inputs, names, name=f"{op}_{self.count}", domain=domain, **attributes))
        if shape is not None:
            self._know(names[0], shape, dtype if dtype is not None else self.dtype[inputs[0]])
        return names[0] if outputs == 1 else names

    def model(self, outputs, ir_version=8):
        """A checked model; outputs get their types by shape inference."""
        graph = helper.make_graph(self.nodes, "random", self.graph_inputs,
                                  [helper.make_empty_tensor_value_info(name) for name in outputs], self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=ir_version)
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        for given, output in zip(model.graph.output, inferred.graph.output, strict=True):
            given.CopyFrom(output)
        return model

    # Random numbers.

    def normal(self, *shape, scale=1.0):
        return (self.rng.standard_normal(shape) * scale).astype(numpy.float32)

    def uniform(self, low, high, *shape):
        return self.rng.uniform(low, high, shape).astype(numpy.float32)

    def integer(self, low, high):
        """From low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def integers(self, low, high, count):
        return [self.integer(low, high) for _ in range(count)]

    def choice(self, values, weights=None):
        if weights is not None:
            weights = numpy.asarray(weights, float) / sum(weights)
        return values[int(self.rng.choice(len(values), p=weights))]

    def chance(self, probability):
        return bool(self.rng.random() < probability)


def random_inputs(rng, model):
    """Values for the inputs of a model with fixed shapes: normal, small integers, or coins."""
    fixed = {t.name for t in model.graph.initializer}
    values = {}
    for value in model.graph.input:
        if value.name in fixed:
            continue
        shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
        dtype = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        if dtype.kind == "f":
            values[value.name] = rng.standard_normal(shape).astype(dtype)
        elif dtype.kind == "b":
            values[value.name] = rng.random(shape) < 0.5
        else:
            values[value.name] = rng.integers(0, 10, shape).astype(dtype)
    return values


def all_tensors_as_outputs(model):
    """A copy of `model` whose outputs are all tensors that its nodes make, in node order."""
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    known = {v.name: v for v in [*inferred.graph.value_info, *inferred.graph.output]}
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    for node in copy.graph.node:
        for name in node.output:
            if name and name in known and known[name].type.tensor_type.elem_type != TensorProto.UNDEFINED:
                copy.graph.output.add().CopyFrom(known[name])
    return copy


def up_to(model, outputs):
    """The part of `model` that computes `outputs` (value infos), with the inputs that it needs."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    needed = {v.name for v in outputs}
    kept = []
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed |= {name for name in node.input if name}
    del graph.node[:]
    graph.node.extend(reversed(kept))
    for field in ("initializer", "input"):
        items = [item for item in getattr(model.graph, field) if item.name in needed]
        del getattr(graph, field)[:]
        getattr(graph, field).extend(items)
    del graph.output[:]
    graph.output.extend(outputs)
    return copy
