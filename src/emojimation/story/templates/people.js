/**
 * Show the people of a timeline: `data` as in the page of emojimation.story. Elements to fill: people, legend, mode (a button),
 * facts, now (or null). player: gives the video that plays along, or null. The result ends it.
 */
function showPeople(data, { people, legend, mode, facts, now, player }) {
  const labels = data.labels, byName = Object.fromEntries(labels.map((l, i) => [l.name, { ...l, i }]));
  const classes = labels.slice(0, -1), STACK = ["happy", "surprise", "fear", "sad", "disgust", "angry", "contempt"];
  const place = name => name === "neutral" ? STACK.length + 1 : (STACK.indexOf(name) + STACK.length + 1) % (STACK.length + 1);
  const ORDER = classes.map((_, i) => i).sort((a, b) => place(classes[a].name) - place(classes[b].name)); // stacked from below
  const DASHES = ["", "6 3", "2 2", "", "8 3 2 3", "4 2", ""]; // lines are distinguishable without colour too
  const TOP = 16, HEIGHT = 132, RIBBON = 26, GAP = 8, AXIS = 20, FLOOR = TOP + HEIGHT, BELOW = FLOOR + GAP + RIBBON;
  const STRIP = 46, LIDS = 18; // charts of measures, and marks of blinks
  const shown = new Set(labels.map((_, i) => i));
  const length = Math.max(data.duration_s, 0.001), charts = [];
  const tip = el("div", { className: "tip", hidden: true });
  let stacked = true, cursor = null;

  const clock = (s, fine = length < 20) => { s = Math.max(0, s); const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60, r = s % 60;
    return (h ? h + ":" + String(m).padStart(2, "0") : m) + ":" + (fine ? r.toFixed(1).padStart(4, "0") : String(Math.floor(r)).padStart(2, "0")); };
  const percent = p => Math.round(p * 100) + " %";
  function el(tag, props = {}, ...children) {
    const node = Object.assign(document.createElement(tag), props);
    node.append(...children.filter(c => c != null)); return node;
  }
  function svg(tag, attributes = {}, text) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text != null) node.textContent = text; return node;
  }
  const emoji = label => el("img", { className: "emoji", src: byName[label].emoji, alt: "" });
  function swatch(label) {
    const node = el("i", { className: "swatch" });
    node.style.background = fill(label); return node;
  }
  const fill = label => label === "not sure" ? "repeating-linear-gradient(135deg, var(--hatch) 0 3px, transparent 3px 6px)" : byName[label].colour;

  function sample(series, t) { // the nearest point, or null if the person is away
    let best = null, near = Math.max(1, length / 600);
    for (const piece of series) {
      if (t < piece.t[0] - near || t > piece.t.at(-1) + near) continue;
      let low = 0, high = piece.t.length - 1;
      while (high - low > 1) { const mid = (low + high) >> 1; if (piece.t[mid] <= t) low = mid; else high = mid; }
      for (const i of [low, high]) { const d = Math.abs(piece.t[i] - t); if (d < near) { near = d; best = piece.p[i]; } }
    }
    return best;
  }
  const spanAt = (person, t) => person.spans.find(s => s.start_s <= t && t < s.end_s);

  function tickStep(width) {
    const most = Math.max(2, width / 90);
    return [.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200].find(s => length / s <= most) || 14400;
  }
  function draw(chart) {
    const width = chart.plot.clientWidth, root = chart.svg, x = t => t / length * width, y = p => TOP + HEIGHT * (1 - p / 1000);
    const bottom = BELOW + STRIP * chart.person.charts.length + (chart.person.blinks ? LIDS : 0), total = bottom + AXIS;
    root.replaceChildren(); root.setAttribute("viewBox", `0 0 ${width} ${total}`); root.setAttribute("height", total);
    const hatch = svg("pattern", { id: "h" + chart.id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    hatch.append(svg("rect", { width: 3, height: 6, fill: "var(--hatch)", opacity: .7 })); const defs = svg("defs"); defs.append(hatch); root.append(defs);
    for (const p of [0, 500, 1000]) root.append(svg("line", { x1: 0, x2: width, y1: y(p), y2: y(p), stroke: "var(--line)" }));
    for (const piece of chart.person.series) stacked ? areas(root, piece, x, y) : lines(root, piece, x, y);
    for (const cut of data.shots_s.slice(1)) root.append(svg("line", { class: "cut", x1: x(cut), x2: x(cut), y1: TOP, y2: bottom }));
    root.append(svg("text", { x: 0, y: 11 }, "100 %"));
    ribbon(root, chart, x); strips(root, chart.person, x, width);
    for (let t = 0, step = tickStep(width); t <= length + 1e-6; t += step) {
      const at = x(t); root.append(svg("line", { x1: at, x2: at, y1: TOP, y2: FLOOR, stroke: "var(--grid)" }));
      root.append(svg("text", { x: at, y: total - 4, "text-anchor": t === 0 ? "start" : at > width - 20 ? "end" : "middle" }, clock(t, step < 1)));
    }
    for (const peak of chart.person.peaks) if (!stacked && shown.has(byName[peak.emotion].i))
      root.append(svg("circle", { cx: x(peak.time_s), cy: y(peak.probability * 1000), r: 4, fill: byName[peak.emotion].colour, stroke: "var(--card)", "stroke-width": 2 }));
  }
  function areas(root, piece, x, y) {
    const floor = piece.t.map(() => 0), end = piece.t.length - 1;
    if (!end) return;
    for (const k of ORDER.filter(k => shown.has(k))) {
      const low = floor.slice(); piece.p.forEach((row, i) => floor[i] += row[k]);
      const up = piece.t.map((t, i) => `${x(t).toFixed(1)} ${y(floor[i]).toFixed(1)}`), down = piece.t.map((t, i) => `${x(t).toFixed(1)} ${y(low[i]).toFixed(1)}`).reverse();
      root.append(svg("path", { d: `M${up.join("L")}L${down.join("L")}Z`, fill: labels[k].colour, opacity: labels[k].name === "neutral" ? .32 : .92, stroke: "var(--card)", "stroke-width": .6 }));
    }
  }
  function lines(root, piece, x, y) {
    for (const k of ORDER.slice().reverse().filter(k => shown.has(k))) {
      const d = "M" + piece.t.map((t, i) => `${x(t).toFixed(1)} ${y(piece.p[i][k]).toFixed(1)}`).join("L");
      root.append(svg("path", { d, fill: "none", stroke: labels[k].colour, "stroke-width": 2.2, "stroke-dasharray": DASHES[k % DASHES.length], "stroke-linejoin": "round" }));
    }
  }
  function strips(root, person, x, width) {
    let top = BELOW;
    for (const chart of person.charts) {
      const y = v => top + 18 + (STRIP - 22) * (chart.high - Math.min(Math.max(v / 1000, chart.low), chart.high)) / (chart.high - chart.low);
      root.append(svg("line", { x1: 0, x2: width, y1: y(0), y2: y(0), stroke: "var(--line)" }), svg("text", { x: 0, y: top + 13 }, chart.words));
      for (const piece of chart.series) root.append(svg("path", { class: "measure", d: "M" + piece.t.map((t, i) => `${x(t).toFixed(1)} ${y(piece.p[i][0]).toFixed(1)}`).join("L"), fill: "none", stroke: "var(--accent)", "stroke-width": 1.6, "stroke-linejoin": "round" }));
      top += STRIP;
    }
    if (!person.blinks) return;
    const { count, per_minute: rate, times_s: times } = person.blinks;
    root.append(svg("text", { x: 0, y: top + 13 }, `${count} ${count === 1 ? "blink" : "blinks"}` + (length >= 10 ? `, ${rate} a minute` : "")));
    for (const t of times) root.append(svg("line", { class: "blink", x1: x(t), x2: x(t), y1: top + 3, y2: top + LIDS - 2, stroke: "var(--mark)", "stroke-width": 2 }));
  }
  function ribbon(root, chart, x) {
    for (const span of chart.person.spans) {
      const at = x(span.start_s), wide = Math.max(x(span.end_s) - at, 1), top = FLOOR + GAP, unsure = span.label === "not sure";
      root.append(svg("rect", { x: at, y: top, width: Math.max(wide - 1, 1), height: RIBBON, rx: Math.min(5, wide / 2), fill: unsure ? `url(#h${chart.id})` : byName[span.label].colour, opacity: unsure ? .8 : .95 }));
      if (wide > 24) root.append(svg("image", { href: byName[span.label].emoji, x: wide > 84 ? at + 5 : at + wide / 2 - 9, y: top + 4, width: 18, height: 18 }));
      if (wide > 84) root.append(svg("text", { x: at + 28, y: top + 17, class: unsure ? "span-word over" : "span-word", style: unsure ? "fill:var(--ink)" : span.label === "sad" ? "fill:#fff" : "" }, span.label));
    }
  }

  function card(person, id) {
    const best = person.peaks.filter(p => p.picture).sort((a, b) => b.probability - a.probability)[0];
    const picture = el("img", { className: "face" + (best ? "" : " plain"), alt: "", src: best ? best.picture : byName[person.dominant].emoji });
    const shares = Object.entries(person.shares).filter(([, v]) => v > 0).sort((a, b) => b[1] - a[1]);
    const bar = el("div", { className: "bar" });
    for (const [label, v] of shares) { const part = el("i", { title: `${label} ${percent(v)}` }); part.style.cssText = `flex:${v} 0 0;background:${fill(label)}`; bar.append(part); }
    const plot = el("div", { className: "plot", tabIndex: 0 }), root = svg("svg", { role: "presentation" });
    const line = el("div", { className: "cursor", hidden: true }), play = el("div", { className: "play", hidden: true });
    plot.setAttribute("role", "slider"); plot.setAttribute("aria-label", `Person ${person.track_id} over time`);
    for (const [name, value] of [["min", 0], ["max", length], ["now", 0]]) plot.setAttribute(`aria-value${name}`, value);
    plot.append(root, line, play);
    const chart = { id, person, plot, svg: root, line, play }; charts.push(chart); listen(chart);
    const uncertain = person.uncertain.reduce((sum, [a, b]) => sum + b - a, 0);
    return el("section", { className: "card" },
      el("div", { className: "head" }, picture, el("div", {}, el("h2", { textContent: `Person ${person.track_id}` }),
        el("div", { className: "soft small" }, `visible for ${clock(person.seen_s)} of ${clock(length)}, mostly ${person.dominant}` + (uncertain >= .5 ? `, not sure for ${clock(uncertain)}` : "")))),
      bar, el("div", { className: "shares small" }, ...shares.filter(([, v]) => v >= .005).map(([label, v]) => el("span", { className: "share" }, swatch(label), emoji(label), label, el("b", { textContent: percent(v) })))),
      plot, peaks(person), table(person));
  }
  function peaks(person) {
    if (!person.peaks.length) return null;
    return el("div", { className: "peaks" }, ...person.peaks.map(peak => el("button", { className: "peak", title: "Show this moment", onclick: () => seek(peak.time_s) },
      peak.picture ? el("img", { className: "shot", src: peak.picture, alt: "" }) : null, emoji(peak.emotion), " ", el("b", { textContent: peak.emotion }),
      el("br"), el("span", { className: "soft small" }, `${percent(peak.probability)} at ${clock(peak.time_s)}`))));
  }
  function table(person) {
    const body = el("tbody"), details = el("details", {}, el("summary", { textContent: person.spans.length === 1 ? "The only span as a table" : `All ${person.spans.length} spans as a table` }),
      el("table", {}, el("thead", {}, el("tr", {}, ...["from", "to", "shows", "probability"].map(t => el("th", { textContent: t })))), body));
    details.addEventListener("toggle", () => { if (details.open && !body.childElementCount) for (const s of person.spans)
      body.append(el("tr", {}, el("td", {}, el("button", { textContent: clock(s.start_s), onclick: () => seek(s.start_s) })), el("td", { textContent: clock(s.end_s) }), el("td", {}, emoji(s.label), " " + s.label), el("td", { textContent: percent(s.strength) }))); });
    return details;
  }

  function rowsOf(p) {
    return classes.map((l, i) => [l.name, p[i] / 1000]).sort((a, b) => b[1] - a[1])
      .map(([name, v]) => el("div", { className: "row" + (v < .05 ? " low" : "") }, swatch(name), el("span", { textContent: name }), el("span", { textContent: percent(v) })));
  }
  function valueOf(measure, t) {
    const v = sample(measure.series, t), said = v == null ? "–" : (v[0] / 1000).toFixed(measure.unit ? 0 : 2) + measure.unit;
    return el("div", { className: "row" }, el("i"), el("span", { textContent: measure.words }), el("span", { textContent: said }));
  }
  function point(t, chart, event) {
    cursor = t == null ? null : Math.min(Math.max(t, 0), length);
    for (const c of charts) { c.line.hidden = cursor == null; c.line.style.left = (cursor ?? 0) / length * 100 + "%"; }
    tip.hidden = cursor == null;
    if (cursor == null) return;
    const p = sample(chart.person.series, cursor), span = spanAt(chart.person, cursor);
    chart.plot.setAttribute("aria-valuenow", cursor.toFixed(2));
    chart.plot.setAttribute("aria-valuetext", `${clock(cursor)}: ${span ? span.label : "not in the picture"}`);
    tip.replaceChildren(el("div", { className: "soft", style: "margin-bottom:4px" }, `Person ${chart.person.track_id} at ${clock(cursor)}` + (span && span.label === "not sure" ? ", not sure" : "")),
      ...(p ? rowsOf(p) : [el("div", { textContent: "not in the picture" })]), ...chart.person.charts.map(measure => valueOf(measure, cursor)));
    const box = chart.plot.getBoundingClientRect(), at = event ? event.clientX : box.left + cursor / length * box.width;
    tip.style.left = (at + 190 > innerWidth ? at - tip.offsetWidth - 14 : at + 14) + "px";
    tip.style.top = Math.min(Math.max((event ? event.clientY : box.top) - 60, 8), innerHeight - tip.offsetHeight - 8) + "px";
  }
  function listen(chart) {
    const timeOf = event => { const box = chart.plot.getBoundingClientRect(); return (event.clientX - box.left) / box.width * length; };
    chart.plot.addEventListener("pointermove", event => point(timeOf(event), chart, event));
    chart.plot.addEventListener("pointerleave", () => point(null, chart));
    chart.plot.addEventListener("blur", () => point(null, chart));
    chart.plot.addEventListener("click", event => seek(timeOf(event)));
    chart.plot.addEventListener("keydown", event => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 }[event.key];
      if (step) point((cursor ?? player()?.currentTime ?? 0) + step * length / 100, chart);
      else if (event.key === "Home" || event.key === "End") point(event.key === "Home" ? 0 : length, chart);
      else if (event.key === "Enter" && cursor != null) seek(cursor);
      else return;
      event.preventDefault();
    });
  }
  let pinned = 0;
  function seek(t) { pinned = Math.min(Math.max(t, 0), length); const film = player(); if (film) film.currentTime = pinned; playhead(pinned); }
  function playhead(t) {
    for (const c of charts) { c.play.hidden = false; c.play.style.left = Math.min(t / length, 1) * 100 + "%"; }
    if (!now) return;
    const here = data.people.map(p => [p, spanAt(p, t)]).filter(([, s]) => s);
    now.replaceChildren(el("div", { className: "soft small", textContent: `At ${clock(t)}` + (here.length ? "" : ": nobody in view") }),
      ...here.map(([p, s]) => { const v = sample(p.series, t); return el("div", { style: "margin-top:4px" }, emoji(s.label), ` Person ${p.track_id}: `, el("b", { textContent: s.label }), v && s.label !== "not sure" ? ` ${percent(v[byName[s.label].i] / 1000)}` : ""); }));
  }
  let following = false;
  function follow() { // with the screen while the video plays, else once
    const film = player(); if (following || !film) return;
    playhead(film.currentTime); following = !film.paused && !film.ended;
    if (following) requestAnimationFrame(() => { following = false; follow(); });
  }
  const redraw = () => charts.forEach(draw);
  function setMode() { mode.textContent = stacked ? "Show lines" : "Show shares"; redraw(); }

  facts.textContent = `${clock(length)} long, ${data.people.length || "no"} ${data.people.length === 1 ? "person" : "people"}` +
    (data.shots_s.length > 1 ? `, ${data.shots_s.length} shots (cuts are dotted lines)` : "") + (data.prior ? `; base rates: ${data.prior}` : "");
  for (const [i, label] of labels.entries()) {
    const chip = el("button", { className: "chip" }, swatch(label.name), emoji(label.name), label.name);
    if (i < classes.length) { chip.setAttribute("aria-pressed", "true"); chip.onclick = () => { shown.has(i) ? shown.delete(i) : shown.add(i); chip.setAttribute("aria-pressed", shown.has(i)); redraw(); }; }
    else { chip.disabled = true; chip.style.cursor = "default"; }
    legend.append(chip);
  }
  people.append(...data.people.map(card), tip);
  if (!data.people.length) people.append(el("div", { className: "card", textContent: "No face was found in this video." }));
  mode.onclick = () => { stacked = !stacked; setMode(); };
  const EVENTS = ["play", "seeked", "timeupdate"], resized = new ResizeObserver(redraw);
  for (const name of EVENTS) document.addEventListener(name, follow, true); // they do not bubble, and the player may come later
  resized.observe(people);
  setMode();
  return () => { resized.disconnect(); for (const name of EVENTS) document.removeEventListener(name, follow, true); };
}
