"""The op table against the schemas of the onnx package: a version that we do not list
would be lowered by the rules of an older one."""
import re

import onnx.defs


def test_versions_are_those_of_onnx(tool):
    text = tool("imc-translate", "--print-onnx-ops", "/dev/null").stdout
    low, high = map(int, re.search(r"opset (\d+) to (\d+)", text).groups())
    since, deprecated = {}, set()
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "" and schema.deprecated:
            deprecated.add((schema.name, schema.since_version))
        elif schema.domain == "":
            since.setdefault(schema.name, set()).add(schema.since_version)
    rows = re.findall(r"^\| (\w+) \| ([\d, ]+) \|", text, re.M)
    assert len(rows) >= 35
    for op, versions in rows:
        listed = [int(v) for v in versions.split(",")]
        known = sorted(v for v in since[op] if v <= high)
        at_lowest = [v for v in known if v <= low]
        first = at_lowest[-1] if at_lowest else known[0]
        # A deprecated version may be read as its successor; it need not.
        assert [v for v in listed if (op, v) not in deprecated] == [v for v in known if v >= first], op
    assert [op for op, _ in rows] == sorted(op for op, _ in rows)
