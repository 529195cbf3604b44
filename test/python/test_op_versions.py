"""The table of ONNX ops lists the versions that ONNX defines."""
import re

import onnx.defs


def table(root):
    """{op: since versions} of docs/reference/onnx-ops.md, which is the importer's table."""
    rows = re.findall(r"^\| (\w+) \| ([\d, ]+) \|", (root / "docs/reference/onnx-ops.md").read_text(), flags=re.M)
    return {op: [int(v) for v in versions.split(",")] for op, versions in rows}


def opsets(root):
    found = re.search(r"Models of opset (\d+) to (\d+)", (root / "docs/reference/onnx-ops.md").read_text())
    return int(found[1]), int(found[2])


def defined(oldest, newest):
    """{op: since versions that apply to some opset from oldest to newest}."""
    versions = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "" and not schema.deprecated and schema.since_version <= newest:
            versions.setdefault(schema.name, []).append(schema.since_version)
    for op, all_versions in versions.items():
        first = max([v for v in all_versions if v <= oldest], default=0)
        versions[op] = sorted(v for v in all_versions if v >= first)
    return versions


def test_versions_are_those_of_onnx(root):
    known = defined(*opsets(root))
    assert table(root), "the page has no rows"
    for op, versions in table(root).items():
        assert op in known, f"ONNX has no op {op}"
        missing = [v for v in known[op] if v not in versions]
        assert not missing, f"{op}: versions {missing} are missing in the table"
        history = {s.since_version for s in onnx.defs.get_all_schemas_with_history() if s.domain == "" and s.name == op}
        assert set(versions) <= history, f"{op}: ONNX has no versions {sorted(set(versions) - history)}"
