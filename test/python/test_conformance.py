"""ONNX's backend tests: what passes according to test/conformance/passing.json goes on passing."""
import re
import sys

import numpy
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "test" / "conformance"))
import cases as case_list  # noqa: E402
import conformance  # noqa: E402
import harness  # noqa: E402


@pytest.fixture(scope="module")
def cases():
    return conformance.all_cases()


def test_scope_is_the_one_of_the_issue(cases):
    scope = [c for c in cases if c.in_scope]
    assert len(case_list.SCOPE) == 78
    assert len(scope) == 770
    assert sum(c.common for c in scope) == 566
    assert {c.op for c in scope} == set(case_list.SCOPE)
    kinds = [c.kind for c in cases]
    assert [kinds.count(k) for k in ("node", "pytorch-converted", "pytorch-operator", "light")] == [1884, 82, 35, 9]


def test_passing_cases_pass(cases):
    record = conformance.load_record()
    results = harness.run_cases(cases)
    broken, gained, unknown = conformance.compare(record, results)
    if gained:
        print(f"{len(gained)} more cases pass: run test/conformance/conformance.py --update")
    assert not broken, "\n".join(broken)
    assert not unknown, "\n".join(unknown)


def test_page_is_that_of_the_record(cases):
    text = conformance.render(cases, conformance.load_record())
    assert conformance.PAGE.read_text() == text, "run test/conformance/conformance.py --update"


def test_a_wrong_value_is_seen(cases):
    """The comparison itself: a wrong value, type, shape and a missing output are told apart."""
    f, i = numpy.float32, numpy.int32
    assert harness.difference(f([1, 2]), f([1, 2.001]), 1e-3, 1e-7) is None
    assert harness.difference(f([1, 2]), f([1, 2.01]), 1e-3, 1e-7).startswith("1 of 2 elements differ")
    assert harness.difference(f([numpy.nan]), f([numpy.nan]), 1e-3, 1e-7) is None
    assert "inf" in harness.difference(f([numpy.nan]), f([1]), 1e-3, 1e-7)
    assert harness.difference(i([1000]), i([1001]), 1e-3, 1e-7).startswith("1 of 1")
    assert harness.difference(f([[1]]), f([1]), 1e-3, 1e-7).startswith("shape")

    case = next(c for c in cases if c.id == "node/test_relu")
    other = next(c for c in cases if c.id == "node/test_exp")
    swapped = case_list.Case(**{**vars(case), "id": "swapped"})
    results = harness.run_cases([case, other])
    assert {r.status for r in results.values()} == {"pass"}
    swapped.outputs = 2
    assert harness.run_cases([swapped])["swapped"].reason == "1 outputs, expected 2"


def test_a_case_that_breaks_is_named(cases):
    results = {c.id: harness.Result(c.id, "pass") for c in cases[:3]}
    record = {cases[0].id: None, cases[1].id: ("refused", "x")}
    assert conformance.compare(record, results) == ([], [cases[1].id], [cases[2].id])
    results[cases[0].id] = harness.Result(cases[0].id, "wrong", "1 of 2 elements differ")
    assert conformance.compare(record, results)[0] == [f"{cases[0].id}: wrong: 1 of 2 elements differ"]
    page = conformance.render(cases, {cases[0].id: None})
    assert re.search(r"^\| all node tests.*\| 1 \| 1884 \|", page, re.M)
