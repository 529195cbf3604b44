"""The HTML report in a real browser: it draws, reacts, stays silent and asks for nothing."""
import json
import re
import shutil
import subprocess

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium on PATH: the report is not looked at (apt-get install chromium)")

SPACE = """
target: sram-32nm
knobs:
  machine.rows: [64, 128, 256]
  machine.cols: [64, 128]
  machine.adc_bits: [6, 7, 8]
  machine.macros_per_tile: [4, 16]
  pass.weight_bits: [6, 8]
  pass.replication: [none, balanced]
constraints: {area_mm2: "<= 300", sqnr_db: ">= 10"}
"""


@pytest.fixture(scope="module")
def searched(tool, models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    (folder / "space.yaml").write_text(SPACE)
    tool("imc", "search", models / "trained-small/glyphs_resnet8.onnx", "--space", folder / "space.yaml", "--budget", 120,
         "--seed", 1, "--study", folder / "s.db", "--front", folder / "front.json", "--report", folder / "r.html")
    return folder


class Page:
    """What a browser made of a page: the final DOM, the console, the requests."""

    def __init__(self, page, folder, *flags):
        log = folder / "net.json"
        result = subprocess.run(
            [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
             "--disable-default-apps", "--enable-logging=stderr", f"--log-net-log={log}", "--virtual-time-budget=8000",
             "--window-size=1400,2600", *flags, "--dump-dom", f"file://{page}"],
            capture_output=True, text=True, timeout=180)
        self.dom = result.stdout
        self.console = re.findall(r"CONSOLE:\d+\] (.*)", result.stderr)
        # Requests of the page are isolated under its file:// origin; the browser's own (clock, accounts) are not.
        self.requests = sorted({url for line in log.read_text().splitlines() if '"network_isolation_key":"file://' in line
                                for url in re.findall(r'"url":"(https?://[^"]*)"', line)})


@needs_browser
def test_the_page_draws_and_is_silent(searched, tmp_path):
    page = Page(searched / "r.html", tmp_path)
    front = json.loads((searched / "front.json").read_text())
    assert 'data-ready="true"' in page.dom
    assert page.console == []
    assert page.requests == []
    rows = re.findall(r'<tr class="row( chosen)?"', page.dom)
    assert len(rows) == len(front["points"]) > 2
    assert rows.count(" chosen") == 1
    # Three scatters, three breakdowns, history, rejections: each is at least one drawing.
    assert page.dom.count('class="main-svg"') >= 8
    best = min(front["points"], key=lambda p: p["metrics"]["edap_js_mm2"])
    assert f'<span id="chosen-id">{best["id"]}</span>' in page.dom
    assert "least EDAP on the front" in page.dom


@needs_browser
def test_choosing_and_sorting(searched, tmp_path):
    front = json.loads((searched / "front.json").read_text())
    html = (searched / "r.html").read_text()
    # The last row of the table by EDAP, then a sort by area, then a click into a scatter.
    (tmp_path / "table.html").write_text(html.replace("</body>", """<script>
      [...document.querySelectorAll('tr.row')].pop().click();
      [...document.querySelectorAll('th')].find((h) => h.textContent === 'Area').click();
    </script></body>"""))
    page = Page(tmp_path / "table.html", tmp_path)
    by_edap = sorted(front["points"], key=lambda p: p["metrics"]["edap_js_mm2"])
    assert f'<span id="chosen-id">{by_edap[-1]["id"]}</span>' in page.dom
    assert "chosen by hand" in page.dom
    first = re.search(r'<tr class="row[^>]*><td[^>]*>(\d+)', page.dom).group(1)
    least = min(p["area_mm2"] for p in front["points"])
    assert int(first) in [p["id"] for p in front["points"] if p["area_mm2"] == least]

    (tmp_path / "click.html").write_text(html.replace("</body>", """<script>
      const plot = document.querySelector('.panel.plot');
      plot.emit('plotly_click', {points: [{curveNumber: plot.data.findIndex((t) => t.name === 'front'), pointNumber: 0}]});
    </script></body>"""))
    page = Page(tmp_path / "click.html", tmp_path)
    assert f'<span id="chosen-id">{front["points"][0]["id"]}</span>' in page.dom
    assert "opied" in page.dom or "select the command" in page.dom  # the toast says what happened
    assert front["points"][0]["command"].replace("&", "&amp;") in page.dom


@needs_browser
def test_the_checks_see_what_they_look_for(tmp_path):
    (tmp_path / "bad.html").write_text("<body><img src='http://127.0.0.1:9/x.png'><script>throw Error('seen')</script></body>")
    page = Page(tmp_path / "bad.html", tmp_path)
    assert any("seen" in line for line in page.console)
    assert any("127.0.0.1:9" in url for url in page.requests)


@needs_browser
def test_dark_colours_follow_the_system(searched, tmp_path):
    script = "<script>document.body.dataset.background = getComputedStyle(document.body).backgroundColor</script></body>"
    (tmp_path / "r.html").write_text((searched / "r.html").read_text().replace("</body>", script))
    light = Page(tmp_path / "r.html", tmp_path, "--blink-settings=preferredColorScheme=1")
    dark = Page(tmp_path / "r.html", tmp_path, "--blink-settings=preferredColorScheme=0")
    colours = [re.search(r'data-background="([^"]*)"', page.dom).group(1) for page in (light, dark)]
    assert colours[0] != colours[1]


def test_the_report_of_a_study_is_the_report_of_the_search(searched, tool):
    tool("imc", "report", searched / "s.db", "-o", searched / "again.html")
    assert (searched / "again.html").read_bytes() == (searched / "r.html").read_bytes()


def test_wrong_calls_are_refused(searched, tool, tmp_path):
    for arguments, part in [
        ((tmp_path / "none.db", "-o", tmp_path / "r.html"), "does not exist"),
        ((searched / "space.yaml", "-o", tmp_path / "r.html"), "space.yaml"),
        ((searched / "s.db", "-o", tmp_path / "no/r.html"), "no/r.html"),
        ((searched / "s.db", "-o", tmp_path / "r.html", "--plotly", tmp_path / "p.js"), "p.js"),
    ]:
        result = tool("imc", "report", *arguments, check=False)
        assert result.returncode == 1, result.stderr
        assert "error: " in result.stderr and part in result.stderr
        assert not (tmp_path / "r.html").exists()


@needs_browser
def test_brushing_by_keyboard_keeps_fewer_designs(searched, tmp_path):
    html = (searched / "r.html").read_text()
    (tmp_path / "brush.html").write_text(html.replace("</body>", """<script>
      const axis = [...document.querySelectorAll('#parallel .axis')].pop();
      axis.focus();
      axis.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowDown', bubbles: true}));
      document.body.dataset.brushed = document.getElementById('par-count').textContent + '; rows ' + document.querySelectorAll('tr.row').length + '; ' + axis.getAttribute('aria-valuetext');
      axis.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}));
      document.body.dataset.cleared = document.getElementById('par-count').textContent;
    </script></body>"""))
    page = Page(tmp_path / "brush.html", tmp_path)
    front = len(json.loads((searched / "front.json").read_text())["points"])
    kept, total, rows, low, high = map(int, re.search(r'data-brushed="(\d+) of (\d+) designs; rows (\d+); (\d+) to (\d+) % of the axis"', page.dom).groups())
    assert kept == rows < total == front and (low, high) == (0, 75)
    assert f'data-cleared="{front} of {front} designs"' in page.dom
    assert page.console == []


@needs_browser
def test_two_designs_are_compared_by_keyboard(searched, tmp_path):
    html = (searched / "r.html").read_text()
    (tmp_path / "compare.html").write_text(html.replace("</body>", """<script>
      const rows = [...document.querySelectorAll('tr.row')];
      rows[0].focus();
      rows[0].dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowDown', bubbles: true}));
      document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'c', bubbles: true}));
    </script></body>"""))
    page = Page(tmp_path / "compare.html", tmp_path)
    points = sorted(json.loads((searched / "front.json").read_text())["points"], key=lambda p: p["metrics"]["edap_js_mm2"])
    table = re.search(r'id="compare">(.*?)</div>', page.dom, re.S).group(1)
    assert f"Design {points[0]['id']}" in table and f"Design {points[1]['id']}" in table
    ratio = points[1]["metrics"]["edap_js_mm2"] / points[0]["metrics"]["edap_js_mm2"]
    assert f"{ratio:.3f}×" in table
    changed = [k for k in points[0]["knob_order"] if points[0]["design"][k] != points[1]["design"][k]]
    for knob in points[0]["knob_order"]:
        assert (f">{knob}<" in table) == (knob in changed)


@needs_browser
def test_a_proven_front_and_importance_are_drawn(tool, models, tmp_path):
    (tmp_path / "space.yaml").write_text(SPACE)
    tool("imc", "search", models / "trained-small/glyphs_resnet8.onnx", "--space", tmp_path / "space.yaml", "--budget", 200, "--algorithm", "exhaustive",
         "--generality", "--front", tmp_path / "f.json", "--report", tmp_path / "r.html")
    table = json.loads((tmp_path / "f.json").read_text())["generality"]
    assert [row["ratio"] for row in table["models"]] == [1] and table["worst_ratio"] == 1  # one model is its own best
    page = Page(tmp_path / "r.html", tmp_path)
    assert page.console == []
    assert "proven" in re.search(r'id="history".*?id="rejections"', page.dom, re.S).group(0)
    importance = re.search(r'id="importance".*?</main>', page.dom, re.S).group(0)
    assert "macros_per_tile" in importance and "What each knob decides" in importance
    assert "EDAP on its own chip" in page.dom


@needs_browser
def test_ten_thousand_designs_stay_fluent(searched, tmp_path):
    """A front and a cloud of 10,000: drawn in seconds, brushed in a fraction of one (printed; bounds leave room for a busy machine)."""
    html = (searched / "r.html").read_text()
    data = json.loads(re.search(r'<script type="application/json" id="study">(.*?)</script>', html, re.S).group(1))
    points = []
    for i in range(10000):
        point = json.loads(json.dumps(data["points"][i % len(data["points"])]))
        scale = 1 + (i * 0.6180339887 % 1)
        point["id"] = i + 1
        for numbers in (point["metrics"], point["objectives"]):
            for name in numbers:
                numbers[name] *= scale
        points.append(point)
    data["points"] = points
    data["cloud"] = {"columns": data["objectives"], "rows": [[p["objectives"][o] for o in data["objectives"]] for p in points],
                     "ids": [p["id"] for p in points], "knobs": [[0] * len(data["knobs"]) for _ in points]}
    text = json.dumps(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    html = re.sub(r'(id="study">).*?(</script>)', lambda m: m.group(1) + text + m.group(2), html, count=1, flags=re.S)
    html = html.replace('<script type="application/json"', "<script>const begin = performance.now();</script><script type=\"application/json\"", 1)
    (tmp_path / "big.html").write_text(html.replace("</body>", """<script>
      document.body.dataset.drawn = Math.round(performance.now() - begin);
      const axis = [...document.querySelectorAll('#parallel .axis')].pop(), from = performance.now();
      for (let i = 0; i < 5; ++i) axis.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowDown', bubbles: true}));
      document.body.dataset.brush = Math.round((performance.now() - from) / 5);
    </script></body>"""))
    page = Page(tmp_path / "big.html", tmp_path)
    assert 'data-ready="true"' in page.dom
    assert page.dom.count('<tr class="row') <= 200
    drawn, brush = (int(re.search(rf'data-{name}="(\d+)"', page.dom).group(1)) for name in ("drawn", "brush"))
    print(f"10,000 designs: drawn in {drawn} ms, a brush in {brush} ms")
    assert drawn < 20000 and brush < 1500
