// Draws the report from the JSON block #study. Field names are those of the
// front file (docs/spec/study.md); everything is read-only and local.
(function () {
  'use strict';
  const study = JSON.parse(document.getElementById('study').textContent);
  const points = study.points;
  const el = (id) => document.getElementById(id);

  // Scale and unit of display per metric. Values in the data are SI (J, s) and mm2.
  const units = {
    energy_j: ['Energy', 'J', true], latency_s: ['Latency', 's', true], area_mm2: ['Area', 'mm²', false],
    power_w: ['Power', 'W', true], power_density_w_mm2: ['Power density', 'W/mm²', false],
    edp_js: ['EDP', 'J·s', false], edap_js_mm2: ['EDAP', 'J·s·mm²', false],
    adc_lost_bits: ['ADC bits lost', 'bit', false], sqnr_db: ['SQNR', 'dB', false]
  };
  const name = (m) => (units[m] || [m])[0];
  function number(v) {
    if (v === null || v === undefined || !isFinite(v)) return '–';
    if (v === 0) return '0';
    const a = Math.abs(v);
    if (a >= 1e-3 && a < 1e6) return String(+v.toPrecision(4));
    const [m, e] = v.toExponential(3).split('e');
    const sup = e.replace('+', '').replace(/[-0-9]/g, (c) => c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[+c]);
    return +m + '×10' + sup;
  }
  function quantity(m, v) {
    const u = units[m];
    if (!u) return [number(v), ''];
    if (!u[2] || !v) return [number(v), u[1]];
    const steps = [[1, ''], [1e-3, 'm'], [1e-6, 'µ'], [1e-9, 'n'], [1e-12, 'p']];
    for (const [s, p] of steps) if (Math.abs(v) >= s) return [String(+(v / s).toPrecision(4)), p + u[1]];
    return [number(v), u[1]];
  }
  const shown = (m, v) => quantity(m, v).filter(Boolean).join(' ');
  const escape = (s) => String(s).replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }[c]));
  function make(tag, cls, text) {
    const e = document.createElement(tag);
    if (cls) e.className = cls;
    if (text !== undefined) e.textContent = text;
    return e;
  }
  function card(label, value, unit, note) {
    const c = make('div', 'card');
    // A long unit stands beside the label, where it cannot push the value out.
    const long = unit && unit.length > 4;
    c.append(make('div', 'label', long ? label + ' (' + unit + ')' : label));
    const v = make('div', 'value', value);
    if (unit && !long) v.append(make('small', '', unit));
    c.append(v);
    if (note) c.append(make('div', 'note', note));
    return c;
  }

  // ---- theme -------------------------------------------------------------
  // Okabe-Ito colours, which stay apart for colour-blind readers.
  const palette = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#b5a900', '#7b6fd0',
                   '#6b7280', '#2a9d8f', '#a0522d', '#94a3b8'];
  const css = (v) => getComputedStyle(document.documentElement).getPropertyValue(v).trim();
  const config = { displaylogo: false, responsive: true, modeBarButtons: [['toImage', 'zoom2d', 'pan2d', 'resetScale2d']],
                   toImageButtonOptions: { format: 'svg' } };
  function layout(title, extra) {
    const base = {
      title: { text: title, font: { size: 14 }, x: 0.01, xanchor: 'left', y: 0.97 },
      paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)',
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: css('--ink') },
      margin: { l: 64, r: 16, t: 38, b: 48 }, modebar: { bgcolor: 'rgba(0,0,0,0)', color: css('--cloud'), activecolor: css('--accent') }, hoverlabel: { align: 'left', font: { size: 12 } },
      colorway: palette, showlegend: false
    };
    const ax = (o) => Object.assign({ gridcolor: css('--grid'), zeroline: false, linecolor: css('--line'), automargin: true,
                                      title: { font: { size: 12 } } }, o || {});
    return Object.assign(base, extra, { xaxis: ax(extra.xaxis), yaxis: ax(extra.yaxis) });
  }

  // ---- components keep one colour through the whole page -------------------
  const colours = {};
  function colour(component) {
    if (!(component in colours)) colours[component] = palette[Object.keys(colours).length % palette.length];
    return colours[component];
  }
  for (const p of points) {
    Object.keys(p.area_by_component_mm2 || {}).forEach(colour);
    for (const m of p.models) Object.keys(m.energy_by_component_j || {}).forEach(colour);
  }

  // ---- choice --------------------------------------------------------------
  const edap = (p) => p.metrics.edap_js_mm2;
  let best = points.length ? points.reduce((a, b) => edap(b) < edap(a) ? b : a) : null;
  let chosen = best;
  const shortName = (k) => k.replace(/^machine\./, '').replace(/^pass\./, '');
  function hover(p) {
    const lines = ['<b>Design ' + p.id + '</b>'];
    for (const o of study.objectives) lines.push(name(o) + ': <b>' + shown(o, p.objectives[o]) + '</b>');
    lines.push('EDAP: ' + shown('edap_js_mm2', edap(p)), '');
    const knobs = p.knob_order.map((k) => escape(shortName(k)) + ' = ' + escape(p.design[k]));
    for (let i = 0; i < knobs.length; i += 2) lines.push(knobs.slice(i, i + 2).join('   '));
    return lines.join('<br>');
  }
  let toastTimer;
  function toast(text) {
    const t = el('toast');
    t.textContent = text;
    t.classList.add('shown');
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => t.classList.remove('shown'), 1800);
  }
  function copy(text, what) {
    const fallback = () => {
      const area = make('textarea');
      area.value = text;
      document.body.append(area);
      area.select();
      const ok = document.execCommand('copy');
      area.remove();
      toast(ok ? what + ' copied' : 'The browser did not allow copying; select the command above');
    };
    if (navigator.clipboard && window.isSecureContext)
      navigator.clipboard.writeText(text).then(() => toast(what + ' copied'), fallback);
    else
      fallback();
  }
  function choose(p, alsoCopy) {
    chosen = p;
    drawChosen();
    markChosen();
    if (alsoCopy) copy(p.command, 'Command of design ' + p.id);
  }

  // ---- header ----------------------------------------------------------------
  function drawHeader() {
    const s = study.search;
    el('title').textContent = study.title;
    el('subtitle').textContent = study.models.map((m) => m.name).join(', ') + '  ·  target ' + study.target +
      '  ·  objectives ' + study.objectives.map(name).join(', ') + ' (' + study.aggregate + ' over models)';
    const cards = el('figures');
    const share = s.evaluated ? (100 * s.feasible / s.evaluated) : 0;
    cards.append(
      card('Designs on the front', String(points.length), '', s.optimum === 'proven' ? 'proven: space enumerated' : 'best found; not proven optimal'),
      card('Designs priced', s.evaluated.toLocaleString('en-US'), '', 'budget ' + s.budget.toLocaleString('en-US') + ', ' + s.algorithm + ', seed ' + s.seed),
      card('Feasible', share.toFixed(1) + ' %', '', s.feasible.toLocaleString('en-US') + ' designs keep every constraint'),
      card('Size of the space', number(study.space_size), 'designs', 'share priced ' + number(100 * s.evaluated / study.space_size) + ' %'));
    if (s.hypervolume !== null && s.hypervolume !== undefined)
      cards.append(card('Hypervolume', number(s.hypervolume), '', 'scale under provenance'));
    if (best) {
      const [v, u] = quantity('edap_js_mm2', edap(best));
      cards.append(card('Best EDAP', v, u, 'design ' + best.id));
    }
  }

  // ---- scatters --------------------------------------------------------------
  const plots = [];
  function drawScatters() {
    const holder = el('scatters'), o = study.objectives;
    if (!points.length) {
      holder.append(make('div', 'panel empty', 'No feasible design was found. The constraints that rejected designs are counted below.'));
      return;
    }
    const pairs = [];
    for (let i = 0; i < o.length; ++i) for (let j = i + 1; j < o.length; ++j) pairs.push([o[i], o[j]]);
    if (!pairs.length) pairs.push([o[0] === 'area_mm2' ? 'energy_j' : 'area_mm2', o[0]]);
    for (const [x, y] of pairs) {
      const div = make('div', 'panel plot');
      holder.append(div);
      plots.push({ div, x, y });
    }
    plots.forEach(drawScatter);
  }
  // A logarithmic axis labelled in engineering units: "20 µJ" instead of powers of ten.
  function logAxis(metric, values) {
    const positive = values.filter((v) => v > 0);
    const low = Math.log10(Math.min(...positive)), high = Math.log10(Math.max(...positive));
    const pad = Math.max(0.06 * (high - low), 0.02);
    const range = [low - pad, high + pad], span = range[1] - range[0];
    const steps = span > 2.6 ? [1] : span > 1.3 ? [1, 3] : span > 0.6 ? [1, 2, 5] : [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8];
    const ticks = [];
    for (let e = Math.floor(range[0]); e <= Math.ceil(range[1]); ++e)
      for (const s of steps) {
        const at = Math.log10(s) + e;
        if (at >= range[0] && at <= range[1]) ticks.push(+(s + 'e' + e));
      }
    return { type: 'log', range, title: { text: name(metric), font: { size: 12 } }, tickvals: ticks, ticktext: ticks.map((v) => shown(metric, v)) };
  }
  function drawScatter(plot) {
    const value = (p, m) => p.metrics[m];
    const cloud = study.cloud, cx = cloud.columns.indexOf(plot.x), cy = cloud.columns.indexOf(plot.y);
    const traces = [];
    if (cx >= 0 && cy >= 0 && cloud.rows.length)
      traces.push({ type: 'scatter', mode: 'markers', name: 'feasible', x: cloud.rows.map((r) => r[cx]), y: cloud.rows.map((r) => r[cy]),
        marker: { size: 4, color: css('--cloud'), opacity: 0.55 }, hoverinfo: 'skip' });
    traces.push({ type: 'scatter', mode: 'markers', name: 'front', x: points.map((p) => value(p, plot.x)), y: points.map((p) => value(p, plot.y)),
      text: points.map(hover), hovertemplate: '%{text}<extra></extra>',
      marker: { size: 8, color: css('--accent'), line: { width: 1, color: css('--panel') } } });
    traces.push({ type: 'scatter', mode: 'markers', name: 'chosen', x: [value(chosen, plot.x)], y: [value(chosen, plot.y)], hoverinfo: 'skip',
      marker: { size: 15, symbol: 'circle-open', color: css('--chosen'), line: { width: 3 } } });
    plot.front = traces.length - 2;
    const log = (m) => logAxis(m, points.map((p) => value(p, m)).concat(
      cloud.columns.includes(m) ? cloud.rows.map((r) => r[cloud.columns.indexOf(m)]) : []));
    Plotly.react(plot.div, traces, layout(name(plot.y) + ' against ' + name(plot.x).toLowerCase(),
      { xaxis: log(plot.x), yaxis: log(plot.y), showlegend: true, hovermode: 'closest', height: 358,
        legend: { orientation: 'h', x: 1, xanchor: 'right', y: 1.02, yanchor: 'bottom', font: { size: 11 } }, margin: { l: 64, r: 16, t: 62, b: 48 } }), config);
    if (!plot.bound) {
      plot.bound = true;
      plot.div.on('plotly_click', (e) => {
        const hit = e.points.find((q) => q.curveNumber === plot.front);
        if (hit) choose(points[hit.pointNumber], true);
      });
    }
  }

  // ---- chosen design -----------------------------------------------------------
  function drawChosen() {
    if (!chosen) {
      for (const id of ['energy', 'latency', 'area', 'knobs']) el(id).replaceChildren(make('div', 'empty', 'No design to show.'));
      return;
    }
    el('chosen-id').textContent = chosen.id;
    el('chosen-why').textContent = chosen === best ? 'least EDAP on the front' : 'chosen by hand';
    el('command').textContent = chosen.command;
    el('cost-command').textContent = chosen.cost_command;
    const figures = el('chosen-figures');
    figures.replaceChildren();
    for (const m of ['energy_j', 'latency_s', 'area_mm2', 'power_w', 'power_density_w_mm2', 'edap_js_mm2', 'adc_lost_bits', 'sqnr_db'])
      if (m in chosen.metrics) {
        const [v, u] = quantity(m, chosen.metrics[m]);
        const worst = { power_w: 'largest of the models', power_density_w_mm2: 'largest of the models', area_mm2: 'the chip',
                        adc_lost_bits: 'per conversion', sqnr_db: 'smallest of the models' };
        figures.append(card(name(m), v, u, worst[m] || study.aggregate + ' over models'));
      }
    stacked('energy', 'Energy per inference by component', 'energy_by_component_j', 'energy_j');
    stacked('latency', 'Latency per inference by component', 'latency_by_component_s', 'latency_s');
    const area = Object.entries(chosen.area_by_component_mm2 || {}).filter((e) => e[1] > 0).sort((a, b) => a[1] - b[1]);
    Plotly.react('area', [{ type: 'bar', orientation: 'h', y: area.map((e) => e[0].replace(/_/g, ' ')), x: area.map((e) => e[1]),
      marker: { color: area.map((e) => colour(e[0])) },
      text: area.map((e) => number(e[1]) + ' mm² · ' + (100 * e[1] / chosen.area_mm2).toFixed(1) + ' %'), textposition: 'auto', cliponaxis: false,
      hovertemplate: '%{y}: %{x:.4g} mm²<extra></extra>' }],
      layout('Area by component, ' + number(chosen.area_mm2) + ' mm² in all', { height: 340, xaxis: { title: { text: 'mm²' } }, margin: { l: 64, r: 60, t: 38, b: 48 } }), config);
    const t = make('table'), head = t.createTHead().insertRow(), body = t.createTBody();
    for (const [h, c] of [['Knob', 'text'], ['Value', ''], ['Choices', 'text']]) head.append(make('th', c, h));
    const choices = Object.fromEntries(study.knobs.map((k) => [k.name, k.values]));
    for (const k of chosen.knob_order) {
      const v = chosen.design[k];
      const r = body.insertRow();
      r.append(make('td', 'text', k), make('td', '', String(v)), make('td', 'text wraps muted', (choices[k] || []).join(', ')));
    }
    el('knobs').replaceChildren(t);
  }
  function stacked(id, title, field, metric) {
    const models = chosen.models, parts = {};
    for (const m of models) for (const c of Object.keys(m[field] || {})) if (m[field][c] > 0) parts[c] = true;
    // Shares, because the models of one chip differ by decades in energy; totals stand beside the bars.
    const total = (m) => Object.values(m[field] || {}).reduce((a, b) => a + b, 0);
    const labels = models.map((m) => escape(m.name) + '<br><b>' + shown(metric, m[metric]) + '</b>');
    const traces = Object.keys(parts).map((c) => ({ type: 'bar', orientation: 'h', name: c.replace(/_/g, ' '), y: labels,
      x: models.map((m) => 100 * (m[field][c] || 0) / total(m)), marker: { color: colour(c) },
      customdata: models.map((m) => shown(metric, m[field][c] || 0)), hovertemplate: c.replace(/_/g, ' ') + ': %{customdata} (%{x:.1f} %)<extra></extra>' }));
    Plotly.react(id, traces, layout(title, { barmode: 'stack', height: 340, showlegend: true,
      legend: { orientation: 'h', y: -0.16, yanchor: 'top', x: 0, traceorder: 'normal', font: { size: 11 } }, xaxis: { ticksuffix: ' %', range: [0, 100] }, yaxis: { autorange: 'reversed' } }), config);
  }

  // ---- table ---------------------------------------------------------------------
  const columns = [{ key: 'id', title: 'Design', get: (p) => p.id }];
  const inTable = study.objectives.concat(study.objectives.includes('edap_js_mm2') ? [] : ['edap_js_mm2']);
  for (const m of inTable) columns.push({ key: m, title: name(m), get: (p) => p.metrics[m], show: (v) => shown(m, v) });
  for (const k of study.knobs) columns.push({ key: k.name, title: shortName(k.name), get: (p) => p.design[k.name] });
  let order = { key: 'edap_js_mm2', down: false };
  let rows = [];
  function drawTable() {
    const t = make('table', 'sortable'), head = t.createTHead().insertRow(), body = t.createTBody();
    for (const c of columns) {
      const th = make('th', '', c.title);
      th.tabIndex = 0;
      th.title = c.key;
      if (order.key === c.key) th.setAttribute('aria-sort', order.down ? 'descending' : 'ascending');
      const sort = () => { order = { key: c.key, down: order.key === c.key && !order.down }; drawTable(); };
      th.addEventListener('click', sort);
      th.addEventListener('keydown', (e) => { if (e.key === 'Enter') sort(); });
      head.append(th);
    }
    const column = columns.find((c) => c.key === order.key);
    const sorted = points.slice().sort((a, b) => {
      const x = column.get(a), y = column.get(b);
      const d = typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y), 'en', { numeric: true });
      return order.down ? -d : d;
    });
    rows = [];
    for (const p of sorted) {
      const r = body.insertRow();
      r.className = 'row';
      for (const c of columns) { const v = c.get(p); r.append(make('td', '', c.show ? c.show(v) : String(v))); }
      r.addEventListener('click', () => choose(p, false));
      rows.push([p, r]);
    }
    el('table-holder').replaceChildren(points.length ? t : make('div', 'empty', 'The front is empty.'));
    markChosen();
  }
  function markChosen() {
    for (const [p, r] of rows) r.classList.toggle('chosen', p === chosen);
    plots.forEach(drawScatter);
  }

  // ---- course of the search ----------------------------------------------------
  function drawHistory() {
    const h = study.history;
    if (h.length)
      Plotly.react('history', [{ type: 'scatter', mode: h.length < 60 ? 'lines+markers' : 'lines', x: h.map((g) => g.evaluated), y: h.map((g) => g.hypervolume),
        line: { color: css('--accent'), shape: 'hv' }, customdata: h.map((g) => [g.feasible, g.front]),
        hovertemplate: '%{x} priced, %{customdata[0]} feasible<br>front of %{customdata[1]}<br>hypervolume %{y:.5g}<extra></extra>' }],
        layout('Hypervolume of the archive', { height: 340, xaxis: { title: { text: 'designs priced' } }, yaxis: { title: { text: 'hypervolume' }, rangemode: 'tozero' } }), config);
    else
      el('history').replaceChildren(make('div', 'empty', 'The study holds no generations.'));
    const r = study.rejections.slice().sort((a, b) => a.count - b.count);
    if (r.length)
      Plotly.react('rejections', [{ type: 'bar', orientation: 'h', y: r.map((e) => e.rule), x: r.map((e) => e.count), marker: { color: css('--chosen') },
        text: r.map((e) => e.count.toLocaleString('en-US') + ' · ' + (100 * e.count / study.search.evaluated).toFixed(1) + ' %'), textposition: 'auto', cliponaxis: false,
        hovertemplate: '%{y}: %{x} designs<extra></extra>' }],
        layout('Designs that break each rule', { height: Math.max(340, 90 + 26 * r.length), xaxis: { title: { text: 'designs (one may break several rules)' } }, margin: { l: 64, r: 70, t: 38, b: 48 } }), config);
    else
      el('rejections').replaceChildren(make('div', 'empty', 'Every priced design keeps every constraint.'));
  }
  function drawProvenance() {
    const t = make('table'), body = t.createTBody();
    for (const [k, v] of study.provenance) {
      const r = body.insertRow();
      r.append(make('td', 'text', k), make('td', 'text wraps', String(v)));
      r.cells[0].style.width = '220px';
      r.cells[0].style.verticalAlign = 'top';
      r.cells[1].style.whiteSpace = 'pre-wrap';
    }
    el('provenance').replaceChildren(t);
  }

  function drawAll() {
    plots.forEach(drawScatter);
    drawChosen();
    drawHistory();
  }
  drawHeader();
  drawScatters();
  drawTable();
  drawProvenance();
  drawChosen();
  drawHistory();
  el('copy').addEventListener('click', () => chosen && copy(chosen.command, 'Command of design ' + chosen.id));
  el('copy-cost').addEventListener('click', () => chosen && copy(chosen.cost_command, 'Cost command of design ' + chosen.id));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  document.documentElement.dataset.ready = 'true';
})();
