"""Study files: killed, shared, merged, exported, damaged, on a full disk, under a clock that runs back."""
import contextlib
import json
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys

import pytest
from conftest import BIN, ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import kill_searches  # noqa: E402


@pytest.fixture
def search(tmp_path):
    return kill_searches.Search(tmp_path, 3000)


@pytest.fixture
def imc(tool):
    return lambda *arguments, **options: tool("imc", *arguments, **options)


def test_killed_joined_and_threaded_searches_end_alike(search, capsys):
    dice = kill_searches.random.Random(7)
    assert kill_searches.kill_searches(search, 2, dice), capsys.readouterr()
    assert kill_searches.kill_joined(search, 2, dice), capsys.readouterr()
    assert kill_searches.threads(search), capsys.readouterr()


def test_killed_writers_lose_no_reported_trial(tmp_path, capsys):
    if not (BIN.parent / "benchmarks" / "store_designs").exists():
        pytest.skip("benchmarks/store_designs is not built: writers are not killed")
    assert kill_searches.kill_writers(tmp_path, 6, kill_searches.random.Random(3)), capsys.readouterr()


def test_shards_merge_in_any_order_to_the_same_bytes(search, imc, tmp_path):
    shards = []
    for seed in "1234":
        shards.append(tmp_path / f"{seed}.db")
        imc("search", kill_searches.MODEL, "--space", tmp_path / "space.yaml", "--budget", 400, "--seed", seed,
            "--objectives", "energy_j,latency_s,area_mm2", "--study", shards[-1])
    orders = [shards, shards[::-1], [shards[2], shards[0], shards[3], shards[1]]]
    merged = []
    for i, order in enumerate(orders):
        merged.append(tmp_path / f"merged-{i}.db")
        imc("study", "merge", *order, "-o", merged[-1])
    assert len({path.read_bytes() for path in merged}) == 1
    assert len({search.export(path) for path in merged}) == 1
    data = json.loads(search.export(merged[0]))
    keys = {row["key"] for path in shards for row in json.loads(search.export(path))["evaluations"]}
    assert [row["key"] for row in data["evaluations"]] == sorted(keys)
    assert len({row["shard"] for row in data["shards"]}) == 4
    # The front is that of the union, and its commands rebuild.
    database = sqlite3.connect(merged[0])
    front = {ident for ident, in database.execute("SELECT id FROM front")}
    feasible = {row["id"]: tuple(row["objectives"].values()) for row in data["evaluations"] if row["violation"] == 0}
    dominated = {i for i, a in feasible.items()
                 if any(b != a and all(x <= y for x, y in zip(b, a, strict=True)) for b in feasible.values())}
    assert {feasible[i] for i in front} == {feasible[i] for i in set(feasible) - dominated}
    for ident, point in database.execute("SELECT id, point FROM front"):
        assert json.loads(point)["id"] == ident
        assert f"design-{ident}" in json.loads(point)["command"]
    imc("report", merged[0], "-o", tmp_path / "merged.html")

    for arguments, part in [
        ((shards[0],), "at least two"),
        ((shards[0], shards[0]), "own seed"),
        ((shards[0], merged[0]), "is a merged one"),
    ]:
        refused = imc("study", "merge", *arguments, "-o", tmp_path / "no.db", check=False)
        assert refused.returncode == 1 and part in refused.stderr
        assert not (tmp_path / "no.db").exists()
    (tmp_path / "other").mkdir()
    other = kill_searches.Search(tmp_path / "other", 300)
    other.finish(tmp_path / "other.db")
    refused = imc("study", "merge", shards[0], tmp_path / "other.db", "-o", tmp_path / "no.db", check=False)
    assert refused.returncode == 1 and "differ in" in refused.stderr
    refused = imc("study", "merge", *shards, "-o", merged[0], check=False)
    assert refused.returncode == 1 and "exists already" in refused.stderr


def test_exports_hold_every_design(search, imc, tmp_path):
    study = tmp_path / "s.db"
    search.finish(study)
    data = json.loads(search.export(study))
    assert len(data["evaluations"]) == 3000
    imc("study", "export", study, "-o", tmp_path / "s.csv")
    lines = (tmp_path / "s.csv").read_text().splitlines()
    assert len(lines) == 3001
    first = dict(zip(lines[0].split(","), lines[1].split(","), strict=True))
    row = data["evaluations"][0]
    assert first["machine.rows"] == str(row["design"]["machine.rows"])
    if row["objectives"]:
        assert float(first["edap_js_mm2"]) == row["objectives"]["edap_js_mm2"]
    refused = imc("study", "export", study, "-o", tmp_path / "s.xls", check=False)
    assert refused.returncode == 1 and "csv and json" in refused.stderr
    assert "3000 evaluations" in imc("study", "check", study).stdout


def damage_page(path):
    data = bytearray(path.read_bytes())
    data[3 * 4096:4 * 4096] = bytes(4096)
    path.write_bytes(data)


def damage_digit(path):
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE evaluation SET violation = violation + 1 WHERE id = 17")


def damage_rows(path):
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM evaluation WHERE id = 2999")


def be_foreign(path):
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE photos (name TEXT)")


def be_newer(path):
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("spoil, part", [
    (damage_page, "damaged"), (damage_digit, "evaluation 17 is damaged"), (damage_rows, "is absent"), (be_foreign, "no study"),
    (be_newer, "schema version 99"), (lambda path: path.write_text("hello, this is a text and no database at all\n" * 40), "no study")])
def test_spoilt_files_are_refused_and_left_alone(search, imc, tmp_path, spoil, part):
    study = tmp_path / "s.db"
    search.finish(study)
    spoil(study)
    before = study.read_bytes()
    refused = imc("study", "check", study, check=False)
    assert refused.returncode == 1 and part in refused.stderr, refused.stderr
    if spoil is not damage_rows:  # missing rows are priced again by a resumed search
        resumed = search.start(study, "--resume")
        _, log = resumed.communicate()
        assert resumed.returncode == 1 and b"error: " in log and part.encode() in log, log
    fresh = search.start(study)
    _, log = fresh.communicate()
    assert fresh.returncode == 1 and b"exists already" in log
    assert study.read_bytes() == before


def test_a_full_disk_ends_the_search_and_loses_nothing(search, imc, tmp_path):
    whole, study = tmp_path / "whole.db", tmp_path / "s.db"
    search.finish(whole)
    size = 300 * 1024

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    full = subprocess.run([BIN / "imc", "search", kill_searches.MODEL, "--space", tmp_path / "space.yaml", "--budget", "3000",
                           "--seed", "5", "--study", study], capture_output=True, text=True, preexec_fn=limit)
    assert full.returncode == 1, (full.returncode, full.stderr)
    assert "make room" in full.stderr and str(study) in full.stderr
    assert "evaluations" in imc("study", "check", study).stdout
    search.finish(study, "--resume")
    assert search.export(study) == search.export(whole)


CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
/* Every look at the time of day finds it a day earlier. */
static long days;
int clock_gettime(clockid_t id, struct timespec *t) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int code = real(id, t);
  if (id == CLOCK_REALTIME) t->tv_sec -= 86400 * ++days;
  return code;
}
int gettimeofday(struct timeval *restrict t, void *restrict zone) {
  struct timespec s;
  int code = clock_gettime(CLOCK_REALTIME, &s);
  t->tv_sec = s.tv_sec; t->tv_usec = s.tv_nsec / 1000;
  (void)zone;
  return code;
}
time_t time(time_t *t) {
  struct timespec s;
  clock_gettime(CLOCK_REALTIME, &s);
  if (t) *t = s.tv_sec;
  return s.tv_sec;
}
"""


def test_a_clock_that_runs_back_changes_nothing(search, tmp_path, monkeypatch):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang-22")
    if not compiler:
        pytest.skip("no C compiler: the clock is not turned back")
    (tmp_path / "clock.c").write_text(CLOCK)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", tmp_path / "clock.so", tmp_path / "clock.c", "-ldl"], check=True)
    search.finish(tmp_path / "whole.db")
    expected = search.export(tmp_path / "whole.db")
    monkeypatch.setenv("LD_PRELOAD", str(tmp_path / "clock.so"))
    years = subprocess.run([sys.executable, "-c", "import time; a = time.time(); print(time.time() < a)"], capture_output=True, text=True)
    assert years.stdout == "True\n"
    process = search.start(tmp_path / "back.db")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    search.finish(tmp_path / "back.db", *(["--resume"] if (tmp_path / "back.db").exists() else []))
    monkeypatch.delenv("LD_PRELOAD")
    assert search.export(tmp_path / "back.db") == expected
