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
  const base = (m) => m.split(':')[0];
  const name = (m) => (units[base(m)] || [m])[0] + (m.includes(':') ? ' of ' + m.split(':')[1] : '');
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
    const u = units[base(m)];
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
  // The tooltip is made when it is shown: ten thousand of them would take the page down.
  function tip(p, event) {
    const t = el('tip');
    const line = (k, v) => '<div>' + escape(k) + ': <b>' + escape(v) + '</b></div>';
    t.innerHTML = '<b>Design ' + p.id + '</b>' + Object.keys(p.metrics).filter((m) => units[m] || study.objectives.includes(m)).map((m) => line(name(m), shown(m, p.metrics[m]))).join('') +
      '<div class="two">' + p.knob_order.map((k) => '<div>' + escape(shortName(k)) + ' = ' + escape(p.design[k]) + '</div>').join('') + '</div><code>' + escape(p.command) + '</code>';
    t.hidden = false;
    const box = t.getBoundingClientRect(), x = event ? event.clientX : 100, y = event ? event.clientY : 100;
    t.style.left = Math.max(8, Math.min(x + 16, innerWidth - box.width - 8)) + 'px';
    t.style.top = Math.max(8, Math.min(y + 16, innerHeight - box.height - 8)) + 'px';
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
    drawCompare();
    if (parallel.places) paint();
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
      card('Designs on the front', String(points.length), '', s.optimum === 'proven' ? 'proven: all priced or excluded by bounds' : s.optimum === 'bound' ? 'at most ' + number(100 * s.gap) + ' % above a proven bound' : Object.keys(s.gaps || {}).length ? 'best found; at most ' + Object.entries(s.gaps).map(([o, gap]) => number(100 * gap) + ' % (' + name(o) + ')').join(', ') + ' above proven bounds' : 'best found; not proven optimal'),
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
  // Asked for only where it pays: browsers warn when they have to emulate it.
  const gl = (points.length > 1000 || study.cloud.rows.length > 2000) && (() => { try { return !!document.createElement('canvas').getContext('webgl'); } catch (e) { return false; } })();
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
    // Many points need WebGL; without it, an even share of them is drawn.
    const some = gl || cloud.rows.length <= 2000 ? cloud.rows : cloud.rows.filter((r, i) => i % Math.ceil(cloud.rows.length / 2000) === 0);
    const kind = (n) => gl && n > 1000 ? 'scattergl' : 'scatter';
    if (cx >= 0 && cy >= 0 && cloud.rows.length)
      traces.push({ type: kind(some.length), mode: 'markers', name: 'feasible', x: some.map((r) => r[cx]), y: some.map((r) => r[cy]),
        marker: { size: 4, color: css('--cloud'), opacity: 0.55 }, hoverinfo: 'skip' });
    traces.push({ type: kind(points.length), mode: 'markers', name: 'front', x: points.map((p) => value(p, plot.x)), y: points.map((p) => value(p, plot.y)),
      hoverinfo: 'none',
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
      plot.div.on('plotly_hover', (e) => {
        const hit = e.points.find((q) => q.curveNumber === plot.front);
        if (hit) tip(points[hit.pointNumber], e.event);
      });
      plot.div.on('plotly_unhover', () => { el('tip').hidden = true; });
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
  let rows = [], shownRows = 200;
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
    const sorted = points.filter((p) => !kept || kept.has(p.id)).sort((a, b) => {
      const x = column.get(a), y = column.get(b);
      const d = typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y), 'en', { numeric: true });
      return order.down ? -d : d;
    });
    rows = [];
    for (const p of sorted.slice(0, shownRows)) {
      const r = body.insertRow();
      r.className = 'row';
      r.tabIndex = 0;
      r.addEventListener('keydown', (e) => {
        const to = e.key === 'ArrowDown' ? r.nextElementSibling : e.key === 'ArrowUp' ? r.previousElementSibling : null;
        if (to) to.focus();
        else if (e.key === 'Enter' || e.key === ' ') choose(p, false);
        else if (e.key === 'c') compareWith(p);
        else return;
        e.preventDefault();
      });
      for (const c of columns) { const v = c.get(p); r.append(make('td', '', c.show ? c.show(v) : String(v))); }
      r.addEventListener('click', () => choose(p, false));
      rows.push([p, r]);
    }
    el('table-holder').replaceChildren(points.length ? t : make('div', 'empty', 'The front is empty.'));
    if (sorted.length > shownRows) {
      const more = make('button', 'more', 'Show ' + Math.min(1000, sorted.length - shownRows) + ' more of ' + sorted.length.toLocaleString('en-US'));
      more.type = 'button';
      more.addEventListener('click', () => { shownRows += 1000; drawTable(); });
      el('table-holder').append(more);
    }
    markChosen();
  }
  function markChosen() {
    for (const [p, r] of rows) r.classList.toggle('chosen', p === chosen);
    if (chosen)
      for (const plot of plots)
        if (plot.bound) Plotly.restyle(plot.div, { x: [[chosen.metrics[plot.x]]], y: [[chosen.metrics[plot.y]]] }, [plot.front + 1]);
  }

  // ---- course of the search ----------------------------------------------------
  function drawHistory() {
    const h = study.history;
    const shards = {};
    for (const row of study.shards || []) (shards[row.shard] = shards[row.shard] || []).push(row);
    const names = Object.keys(shards), proven = study.search.optimum === 'proven' && study.search.hypervolume;
    const curve = (rows, label, extra) => Object.assign({ type: 'scatter', mode: rows.length < 60 ? 'lines+markers' : 'lines', name: label, x: rows.map((g) => g.evaluated), y: rows.map((g) => g.hypervolume),
      line: { shape: 'hv' }, customdata: rows.map((g) => [g.feasible, g.front]),
      hovertemplate: label + '<br>%{x} priced, %{customdata[0]} feasible<br>front of %{customdata[1]}<br>hypervolume %{y:.6g}<extra></extra>' }, extra);
    const curves = names.length ? names.map((n) => curve(shards[n], n)) : h.length ? [curve(h, study.search.algorithm + ' seed ' + study.search.seed, { line: { color: css('--accent'), shape: 'hv' } })] : [];
    const end = Math.max(1, ...curves.flatMap((c) => c.x));
    if (names.length && h.length) curves.push({ type: 'scatter', mode: 'lines', name: 'all together', x: [0, end], y: [h[h.length - 1].hypervolume, h[h.length - 1].hypervolume], line: { color: css('--ink'), dash: 'dot' } });
    if (proven) curves.push({ type: 'scatter', mode: 'lines', name: 'proven', x: [0, end], y: [proven, proven], line: { color: css('--chosen'), dash: 'dash' },
      hovertemplate: 'proven hypervolume %{y:.6g}<extra></extra>' });
    // Searches differ in the last per cent: the axis begins where the first curve is half way up.
    const top = Math.max(...curves.flatMap((c) => c.y)), low = Math.min(...curves.map((c) => c.y[Math.min(c.y.length - 1, 1)]));
    if (curves.length)
      Plotly.react('history', curves, layout('Hypervolume of the archive', { height: 340, showlegend: curves.length > 1, legend: { orientation: 'h', y: 1.02, yanchor: 'bottom', x: 1, xanchor: 'right', font: { size: 11 } }, margin: { l: 64, r: 16, t: 38 + 16 * Math.ceil(curves.length / 2), b: 48 },
        xaxis: { title: { text: 'designs priced' } }, yaxis: { title: { text: 'hypervolume' }, range: [Math.max(0, low - 0.1 * (top - low)), top + 0.08 * (top - low || top)] } }), config);
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

  function drawImportance() {
    const all = study.importance || [], names = [...new Set(all.map((r) => r.knob))];
    const total = (k) => Math.max(...all.filter((r) => r.knob === k).map((r) => r.share));
    names.sort((a, b) => total(a) - total(b));
    if (!names.length) {
      el('importance').replaceChildren(make('div', 'empty', 'Too few feasible designs to tell which knobs matter.'));
      return;
    }
    Plotly.react('importance', study.objectives.map((o, i) => ({ type: 'bar', orientation: 'h', name: name(o), y: names.map(shortName), marker: { color: palette[i % palette.length] },
      x: names.map((k) => 100 * (all.find((r) => r.knob === k && r.objective === o) || { share: 0 }).share), hovertemplate: '%{y}: %{x:.1f} % of ' + escape(name(o)) + '<extra></extra>' })),
      layout('What each knob decides', { height: Math.max(340, 90 + 11 * names.length * study.objectives.length), barmode: 'group', showlegend: true,
        legend: { orientation: 'h', x: 1, xanchor: 'right', y: 1.01, yanchor: 'bottom', font: { size: 11 } }, xaxis: { ticksuffix: ' %', rangemode: 'tozero' }, yaxis: { tickfont: { size: 11 } } }), config);
  }

  // ---- comparison of two designs -----------------------------------------------
  let other = null;
  function compareWith(p) {
    other = p;
    el('compare-b').value = p ? p.id : '';
    drawCompare();
  }
  function drawCompare() {
    if (!chosen) { el('compare-section').hidden = true; return; }
    el('compare-a').textContent = chosen.id;
    if (!other) { el('compare').replaceChildren(make('div', 'empty', 'Type the number of another design of the front, or press c on a row of the table.')); return; }
    const t = make('table'), head = t.createTHead().insertRow(), body = t.createTBody();
    for (const h of ['', 'Design ' + chosen.id, 'Design ' + other.id, 'Ratio']) head.append(make('th', h ? '' : 'text', h));
    const row = (label, a, b, text, ratio) => {
      const r = body.insertRow();
      r.append(make('td', 'text', label), make('td', '', text(a)), make('td', a === b ? '' : 'differs', text(b)));
      r.append(make('td', ratio === null ? '' : ratio < 1 ? 'better' : ratio > 1 ? 'worse' : '', ratio === null || !isFinite(ratio) ? '' : ratio.toFixed(3) + '×'));
    };
    for (const m of Object.keys(chosen.metrics)) row(name(m), chosen.metrics[m], other.metrics[m], (v) => shown(m, v), m in units && units[m][0] !== 'SQNR' && chosen.metrics[m] ? other.metrics[m] / chosen.metrics[m] : null);
    for (const m of chosen.models) {
      const n = other.models.find((q) => q.name === m.name);
      if (n) row('EDAP of ' + m.name, m.edap_js_mm2, n.edap_js_mm2, (v) => shown('edap_js_mm2', v), n.edap_js_mm2 / m.edap_js_mm2);
    }
    for (const k of chosen.knob_order) if (chosen.design[k] !== other.design[k]) row(k, chosen.design[k], other.design[k], String, null);
    el('compare').replaceChildren(t);
  }

  // ---- price of generality -------------------------------------------------------
  function drawGenerality() {
    const g = study.generality;
    if (!g || !g.models) return;
    el('generality-section').hidden = false;
    el('generality-note').textContent = 'EDAP of every model on design ' + g.design + ' against the best chip that a search with the same space, seed and budget (' +
      g.budget.toLocaleString('en-US') + ' designs) found for it alone. Worst: ' + g.worst_ratio.toFixed(3) + '×.';
    const t = make('table'), head = t.createTHead().insertRow(), body = t.createTBody();
    for (const h of ['Model', 'EDAP here', 'EDAP on its own chip', 'Ratio', 'Own chip', 'Knobs that differ']) head.append(make('th', h === 'Model' || h[0] === 'K' ? 'text' : '', h));
    const here = points.find((p) => p.id === g.design);
    for (const m of g.models) {
      const r = body.insertRow(), own = m.own_design;
      const differs = Object.keys(own).filter((k) => here && String(here.design[k]) !== String(own[k])).map((k) => shortName(k) + ' ' + own[k]).join(', ');
      r.append(make('td', 'text', m.name), make('td', '', shown('edap_js_mm2', m.here_js_mm2)), make('td', '', shown('edap_js_mm2', m.own_js_mm2)),
        make('td', '', m.ratio.toFixed(3) + '×'), make('td', '', number(m.own_area_mm2) + ' mm²'), make('td', 'text wraps muted', differs || 'none'));
      r.title = m.own_command;
    }
    el('generality').replaceChildren(t);
  }

  // ---- parallel coordinates ------------------------------------------------------
  // One canvas for the lines; an element per axis for brushes, pointer and keyboard.
  let kept = null;
  const parallel = { axes: [], rows: [], order: [] };
  function parallelRows() {
    const o = study.objectives, knobs = study.knobs.map((k) => k.name);
    if (el('par-set').value === 'front' || !study.cloud.knobs)
      return points.map((p) => ({ id: p.id, knobs: knobs.map((k) => String(p.design[k])), values: o.map((m) => p.objectives[m]) }));
    return study.cloud.rows.map((r, i) => ({ id: study.cloud.ids[i], values: r, knobs: study.cloud.knobs[i].map((c, k) => c < 0 ? '–' : String(study.knobs[k].values[c])) }));
  }
  function buildParallel() {
    const rows = parallelRows(), by = +el('par-by').value, share = +el('par-top').value / 100;
    const sorted = rows.slice().sort((a, b) => a.values[by] - b.values[by]).slice(0, Math.max(1, Math.ceil(rows.length * share)));
    const axes = [];
    study.knobs.forEach((k, i) => {
      const used = [...new Set(rows.map((r) => r.knobs[i]))];
      if (used.length < 2) return;
      const order = k.values.map(String).filter((v) => used.includes(v)), at = new Map(order.map((v, j) => [v, order.length < 2 ? 0.5 : j / (order.length - 1)]));
      axes.push({ label: shortName(k.name), low: order[0], high: order[order.length - 1], at: (r) => at.has(r.knobs[i]) ? at.get(r.knobs[i]) : 0 });
    });
    study.objectives.forEach((m, i) => {
      const logs = rows.map((r) => Math.log10(r.values[i])), low = logs.reduce((a, b) => Math.min(a, b), Infinity), high = logs.reduce((a, b) => Math.max(a, b), -Infinity);
      axes.push({ label: name(m), low: shown(m, 10 ** low), high: shown(m, 10 ** high), objective: true, at: (r) => high > low ? (Math.log10(r.values[i]) - low) / (high - low) : 0.5 });
    });
    const holder = el('parallel'), old = parallel.axes;
    holder.querySelectorAll('.axis, .name, .end').forEach((e) => e.remove());
    const width = Math.max(holder.parentElement.clientWidth - 22, axes.length * 78);
    holder.style.width = width + 'px';
    axes.forEach((a, i) => {
      a.x = 46 + i * (width - 92) / Math.max(1, axes.length - 1);
      a.brush = (old.find((b) => b.label === a.label) || { brush: null }).brush;
      const node = (cls, text, top) => { const n = make('div', cls, text); n.style.left = a.x + 'px'; n.style.top = top; holder.append(n); return n; };
      node('name', a.label, i % 2 ? '14px' : '0'); // neighbours would run into each other
      node('end', a.high, '29px');
      node('end', a.low, '320px');
      a.div = make('div', 'axis');
      a.div.style.left = a.x + 'px';
      a.div.tabIndex = 0;
      a.div.setAttribute('role', 'slider');
      a.div.setAttribute('aria-label', 'Brush on ' + a.label);
      holder.append(a.div);
      const place = (e) => { const box = a.div.getBoundingClientRect(); return Math.min(1, Math.max(0, 1 - (e.clientY - box.top) / box.height)); };
      a.div.addEventListener('pointerdown', (e) => { a.from = place(e); a.moved = false; a.div.setPointerCapture(e.pointerId); });
      a.div.addEventListener('pointermove', (e) => {
        if (a.from === undefined) return;
        const to = place(e);
        a.moved = a.moved || Math.abs(to - a.from) > 0.02;
        if (a.moved) { a.brush = [Math.min(a.from, to), Math.max(a.from, to)]; paint(); }
      });
      a.div.addEventListener('pointerup', () => { if (!a.moved) a.brush = null; a.from = undefined; brushed(); });
      a.div.addEventListener('keydown', (e) => {
        const step = { ArrowUp: 0.05, ArrowDown: -0.05 }[e.key], grow = { '+': 0.05, '-': -0.05 }[e.key];
        if (e.key === 'Escape') a.brush = null;
        else if (step !== undefined || grow !== undefined) {
          let [low, high] = a.brush || [0, 1.0];
          if (!a.brush) high = step > 0 ? high : 0.75, low = step > 0 ? 0.25 : low;
          else if (step !== undefined) { const d = Math.max(-low, Math.min(step, 1 - high)); low += d; high += d; }
          else { low = Math.max(0, low - grow); high = Math.min(1, high + grow); }
          a.brush = high - low < 0.02 ? [low, low + 0.02] : [low, high];
        } else return;
        e.preventDefault();
        brushed();
      });
    });
    Object.assign(parallel, { axes, rows: sorted, width });
    // Places are computed once; brushing and painting only read them.
    parallel.places = sorted.map((r) => Float32Array.from(axes, (a) => a.at(r)));
    brushed();
  }
  const inside = (places) => parallel.axes.every((a, i) => !a.brush || (places[i] >= a.brush[0] - 1e-6 && places[i] <= a.brush[1] + 1e-6));
  function paint() {
    const { axes, places, width } = parallel, canvas = el('parallel').querySelector('canvas'), ratio = window.devicePixelRatio || 1, height = 342;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.width = width + 'px';
    canvas.style.height = height + 'px';
    const g = canvas.getContext('2d');
    g.scale(ratio, ratio);
    const y = (v) => 46 + (1 - v) * 270, on = places.map(inside), count = on.filter(Boolean).length;
    const draw = (pick, colour, alpha) => {
      g.strokeStyle = colour;
      g.globalAlpha = alpha;
      g.beginPath();
      places.forEach((v, i) => { if (pick(i)) axes.forEach((a, k) => k ? g.lineTo(a.x, y(v[k])) : g.moveTo(a.x, y(v[k]))); });
      g.stroke();
    };
    g.lineWidth = 1;
    if (count < places.length) draw((i) => !on[i], css('--cloud'), 0.12);
    draw((i) => on[i], css('--accent'), Math.max(0.06, Math.min(0.7, 60 / Math.max(1, count))));
    const mine = parallel.rows.findIndex((r) => chosen && r.id === chosen.id);
    g.lineWidth = 2.5;
    if (mine >= 0) draw((i) => i === mine, css('--chosen'), 1);
    axes.forEach((a) => {
      a.div.querySelectorAll('.brush').forEach((b) => b.remove());
      if (!a.brush) { a.div.removeAttribute('aria-valuetext'); return; }
      const b = make('div', 'brush');
      b.style.bottom = 100 * a.brush[0] + '%';
      b.style.height = 100 * (a.brush[1] - a.brush[0]) + '%';
      a.div.append(b);
      a.div.setAttribute('aria-valuetext', Math.round(100 * a.brush[0]) + ' to ' + Math.round(100 * a.brush[1]) + ' % of the axis');
    });
    el('par-count').textContent = count.toLocaleString('en-US') + ' of ' + places.length.toLocaleString('en-US') + ' designs';
  }
  function brushed() {
    paint();
    const any = parallel.axes.some((a) => a.brush) || el('par-top').value !== '100';
    kept = any && el('par-set').value === 'front' ? new Set(parallel.rows.filter((r, i) => inside(parallel.places[i])).map((r) => r.id)) : null;
    drawTable();
  }

  function drawAll() {
    plots.forEach(drawScatter);
    drawImportance();
    paint();
    drawChosen();
    drawHistory();
  }
  study.objectives.forEach((m, i) => { const o = make('option', '', name(m)); o.value = i; el('par-by').append(o); });
  drawHeader();
  drawScatters();
  drawProvenance();
  drawChosen();
  drawHistory();
  drawImportance();
  drawGenerality();
  drawCompare();
  if (points.length) buildParallel();
  else { el('parallel').replaceChildren(make('div', 'empty', 'No design to show.')); drawTable(); }
  for (const id of ['par-set', 'par-top', 'par-by']) el(id).addEventListener('change', () => points.length && buildParallel());
  el('par-clear').addEventListener('click', () => { parallel.axes.forEach((a) => { a.brush = null; }); el('par-top').value = '100'; if (points.length) buildParallel(); });
  el('compare-ids').append(...points.slice(0, 500).map((p) => { const o = make('option'); o.value = p.id; return o; }));
  el('compare-b').addEventListener('input', (e) => { const p = points.find((q) => q.id === +e.target.value); if (p || !e.target.value) compareWith(p || null); });
  addEventListener('resize', () => points.length && buildParallel());
  el('copy').addEventListener('click', () => chosen && copy(chosen.command, 'Command of design ' + chosen.id));
  el('copy-cost').addEventListener('click', () => chosen && copy(chosen.cost_command, 'Cost command of design ' + chosen.id));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  document.documentElement.dataset.ready = 'true';
})();
