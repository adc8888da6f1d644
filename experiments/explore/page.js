"use strict";
// The page asks the server what each model can do, and builds the controls for that.

const PAGE = crypto.randomUUID();
const HUES = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bb8844",
  "#997700", "#004488", "#dd3377"];
const $ = (id) => document.getElementById(id);

function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

// One question at a time of each place on the page: while one runs, the newest other waits.
class Asker {
  constructor(run, place) {
    this.run = run;
    this.page = `${PAGE} ${place}`;
    this.next = null;
    this.busy = false;
  }

  ask(what, fields, done) {
    this.next = { what, fields, done };
    if (!this.busy) this.go();
  }

  async go() {
    this.busy = true;
    while (this.next) {
      const { what, fields, done } = this.next;
      this.next = null;
      const begun = performance.now();
      let answer;
      try {
        const body = JSON.stringify({ page: this.page, run: this.run, what, ...fields });
        const response = await fetch("/ask", {
          method: "POST", headers: { "Content-Type": "application/json" }, body,
        });
        answer = await response.json();
      } catch (e) {
        answer = { error: "the server does not answer: is it still running?" };
      }
      if (!answer.replaced) done({ ...answer, waited: (performance.now() - begun) / 1000 });
    }
    this.busy = false;
  }
}

// Where an answer is shown: pictures, texts, points, its time and its Python.
class Output {
  constructor() {
    this.shown = el("div");
    this.note = el("p", { className: "soft" });
    this.code = el("pre");
    this.python = el("details", { hidden: true }, el("summary", {}, "in Python"), this.code);
    this.save = el("a", { hidden: true, download: "picture.png" }, "save the picture");
    this.first = true;
    this.node = el("div", {}, this.shown, this.note, this.save, this.python);
  }

  waiting() {
    this.node.classList.add("busy");
    return (answer) => this.show(answer);
  }

  show(answer) {
    this.node.classList.remove("busy");
    this.note.classList.toggle("wrong", Boolean(answer.error));
    if (answer.error) {
      this.note.textContent = answer.error;
      return;
    }
    this.shown.replaceChildren(...made(answer));
    const calls = answer.calls ? `; network calls a sample: ${answer.calls}` : "";
    const compiled = this.first && answer.seconds > 0.5 ? " with its compilation" : "";
    this.first = false;
    this.note.textContent = `${seconds(answer.seconds)}${compiled}${calls}`;
    this.python.hidden = false;
    this.code.textContent = answer.code;
    this.save.hidden = !answer.picture;
    if (answer.picture) {
      this.save.href = answer.picture;
      this.save.download = answer.picture.startsWith("data:image/webp") ? "film.webp" : "picture.png";
    }
  }
}

const seconds = (s) => (s < 1 ? `${Math.round(1000 * s)} ms` : `${s.toFixed(1)} s`);

function made(answer) {
  if (answer.picture) return [el("img", { src: answer.picture, alt: "what the model made" })];
  if (answer.texts) return [el("ol", {}, ...answer.texts.map((text) => el("li", {}, text)))];
  if (answer.plane) return [plane(answer.plane)];
  if (answer.clouds) return [el("div", { className: "clouds" }, ...answer.clouds.map((points) => turnable(points)))];
  if (answer.meshes) {
    return [el("div", { className: "clouds" },
      ...answer.meshes.map((mesh) => turnable(mesh.vertices, mesh.faces)))];
  }
  if (answer.frames) return [scrubber(answer.frames.length, (image, i) => {
    image.src = answer.frames[i];
  }, el("img", { alt: "a frame of the chain" }))];
  if (answer.points_frames) return [pointFrames(answer.points_frames)];
  return [];
}

function scrubber(length, paint, shown) {
  const slider = el("input", { type: "range", min: 0, max: length - 1, value: length - 1,
    ariaLabel: "from noise to data" });
  const draw = () => paint(shown, Number(slider.value));
  slider.addEventListener("input", draw);
  draw();
  return el("div", {}, slider, shown);
}

function pointFrames(frames) {
  const canvas = el("canvas", { width: 260, height: 260 });
  const size = 1.1 * Math.max(...frames.at(-1).flat(2).map(Math.abs), 1e-6);
  return scrubber(frames.length, (_, i) => {
    const flat = frames[i].flatMap((x) => (Array.isArray(x[0]) ? x : [x]));
    dots(canvas, flat, size);
  }, canvas);
}

function dots(canvas, points, size, colour = () => HUES[0], radius = 2) {
  const paint = canvas.getContext("2d");
  const half = canvas.width / 2;
  paint.clearRect(0, 0, canvas.width, canvas.height);
  points.forEach(([x, y], i) => {
    paint.fillStyle = colour(i);
    paint.beginPath();
    paint.arc(half * (1 + x / size), half * (1 - y / size), radius, 0, 7);
    paint.fill();
  });
}

function plane(points) {
  const canvas = el("canvas", { width: 340, height: 340 });
  dots(canvas, points, 1.1 * Math.max(...points.flat().map(Math.abs), 1e-6));
  return canvas;
}

// Points or a mesh in space, turned with the mouse or the arrow keys.
function turnable(points, faces) {
  const canvas = el("canvas", { width: 190, height: 190, tabIndex: 0 });
  canvas.setAttribute("aria-label", "turn with the mouse or the arrow keys");
  const middle = [0, 1, 2].map((k) => {
    const values = points.map((p) => p[k]);
    return (Math.max(...values) + Math.min(...values)) / 2;
  });
  const centred = points.map((p) => p.map((x, k) => x - middle[k]));
  const size = 1.15 * Math.max(...centred.map((p) => Math.hypot(...p)), 1e-6);
  let [yaw, pitch] = [0.6, 0.4];
  const turned = ([x, y, z]) => {
    const [a, b] = [x * Math.cos(yaw) - y * Math.sin(yaw), x * Math.sin(yaw) + y * Math.cos(yaw)];
    return [a, z * Math.cos(pitch) - b * Math.sin(pitch), z * Math.sin(pitch) + b * Math.cos(pitch)];
  };
  const draw = () => {
    const seen = centred.map(turned);
    if (!faces) {
      dots(canvas, seen, size, (i) => shade(seen[i][2] / size), 1.5);
      return;
    }
    const paint = canvas.getContext("2d");
    const half = canvas.width / 2;
    const depth = (face) => face.reduce((sum, i) => sum + seen[i][2], 0) / face.length;
    paint.clearRect(0, 0, canvas.width, canvas.height);
    for (const face of [...faces].sort((a, b) => depth(b) - depth(a))) {
      paint.beginPath();
      face.forEach((i) => paint.lineTo(half * (1 + seen[i][0] / size), half * (1 - seen[i][1] / size)));
      paint.closePath();
      paint.fillStyle = shade(depth(face) / size);
      paint.fill();
      paint.strokeStyle = "#0006";
      paint.stroke();
    }
  };
  canvas.addEventListener("pointermove", (e) => {
    if (!e.buttons) return;
    yaw += e.movementX / 80;
    pitch += e.movementY / 80;
    draw();
  });
  canvas.addEventListener("keydown", (e) => {
    const turn = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] };
    if (!turn[e.key]) return;
    e.preventDefault();
    yaw += turn[e.key][0];
    pitch += turn[e.key][1];
    draw();
  });
  draw();
  return canvas;
}

const shade = (depth) => `hsl(215 55% ${Math.round(55 - 22 * depth)}%)`;

// The controls of what a model is given, and of the options of its `sample`; `read()` has values.
function form(about, changed) {
  const given = {};
  const options = {};
  const row = el("div", { className: "bar" });
  for (const { name, kind, names, words, ranges } of about.given) {
    let input;
    if (kind === "class") {
      input = el("select", {}, ...names.map((text) => el("option", { value: text }, text)));
      given[name] = () => input.value;
    } else if (kind === "text") {
      input = el("input", { type: "text", placeholder: "type what it is given" });
      given[name] = () => (input.value.trim() ? input.value.trim() : { row: 0 });
      if (words.length) input.title = `words: ${words.join(" ")}`;
    } else if (kind === "numbers") {
      const sliders = ranges.map(([low, high], i) => el("input", { type: "range", min: low,
        max: high, step: (high - low) / 100 || 1, value: (low + high) / 2, ariaLabel: `${name} ${i}` }));
      input = el("span", {}, ...sliders);
      given[name] = () => sliders.map((slider) => Number(slider.value));
    } else {
      input = el("input", { type: "number", min: 0, max: about.examples - 1, value: 0 });
      given[name] = () => ({ row: Number(input.value) });
    }
    input.addEventListener("change", changed);
    const what = kind === "example" ? `${name} of test example` : name;
    row.append(el("label", {}, what, input));
    if (kind === "text" && words.length) {
      row.append(el("span", { className: "soft" }, `empty: that of a test example. Words: ${words.join(" ")}`));
    }
  }
  for (const { name, type, default: start, choices } of about.options ?? []) {
    let input;
    if (type === "bool") {
      input = el("input", { type: "checkbox", checked: start });
      options[name] = () => input.checked;
    } else if (choices.length) {
      input = el("select", {}, ...choices.map((x) => el("option", { selected: x === start }, x)));
      options[name] = () => input.value;
    } else if (type === "str") {
      input = el("input", { type: "text", value: start });
      options[name] = () => input.value;
    } else {
      input = el("input", { type: "number", step: type === "int" ? 1 : "any", value: start ?? "" });
      options[name] = () => (input.value === "" ? null : Number(input.value));
    }
    input.addEventListener("change", changed);
    row.append(el("label", {}, name, input));
  }
  const changedOptions = () => Object.fromEntries(
    (about.options ?? []).map(({ name, default: start }) => [name, options[name](), start])
      .filter(([, value, start]) => value !== start).map(([name, value]) => [name, value]));
  const set = about.options?.filter((o) => o.default != null).map((o) => o.name) ?? [];
  return {
    node: row,
    given: () => Object.fromEntries(Object.entries(given).map(([name, read]) => [name, read()])),
    options: () => ({
      ...Object.fromEntries(set.map((name) => [name, options[name]()])), ...changedOptions(),
    }),
  };
}

function samples(about, seed) {
  const asker = new Asker(about.name, "samples");
  const output = new Output();
  const n = el("select", {}, ...[1, 4, 16, 64].map((x) => el("option", { selected: x === about.n }, `${x}`)));
  const draw = () => asker.ask("sample", {
    n: Number(n.value), seed: seed(), given: controls.given(), options: controls.options(),
  }, output.waiting());
  const controls = form(about, draw);
  n.addEventListener("change", draw);
  const node = el("section", { className: "samples" }, el("h3", {}, "Samples"),
    el("div", { className: "bar" }, el("label", {}, "how many", n), el("button", { onclick: draw }, "Sample")),
    controls.node, output.node);
  return { node, draw };
}

function latents(about, seed) {
  const { active, mean, sd, encodes, map: maps, means, classes, size } = about.latents;
  const asker = new Asker(about.name, "latents");
  const walker = new Asker(about.name, "walks");
  const [output, walk] = [new Output(), new Output()];
  let z = null;
  const smooth = el("input", { type: "checkbox", checked: means, disabled: !means });
  const held = el("input", { type: "checkbox", checked: true });
  const noise = () => (held.checked ? seed() : Math.floor(Math.random() * 1e9));
  const sliders = active.map((k, i) => {
    const input = el("input", { type: "range", min: mean[i] - 3 * sd[i], max: mean[i] + 3 * sd[i],
      step: Math.max(sd[i] / 50, 1e-6), ariaLabel: `coordinate ${k}` });
    input.addEventListener("input", () => { z[k] = Number(input.value); show(); });
    return input;
  });
  const conditions = form({ ...about, given: about.latents.given, options: [] }, () => show());
  const show = () => {
    sliders.forEach((slider, i) => { slider.value = z[active[i]]; });
    map?.mark(z[active[0]], z[active[1]]);
    asker.ask("decode", { z, given: conditions.given(), seed: noise(), mean: smooth.checked }, output.waiting());
  };
  const take = (what, fields) => new Asker(about.name, "start").ask(what, fields, (answer) => {
    if (answer.error) output.show(answer);
    else { z = answer.z; show(); }
  });
  const random = () => take("prior", { seed: Math.floor(Math.random() * 1e9) });
  const test = el("input", { type: "number", min: 0, max: about.examples - 1, value: 0 });
  const fromTest = () => take("encode", { row: Number(test.value) });
  test.addEventListener("change", fromTest);
  for (const input of [smooth, held]) input.addEventListener("change", () => show());
  const map = maps ? latentMap(about, (x, y) => {
    z[active[0]] = x;
    z[active[1]] = y;
    show();
  }) : null;

  let first = null;
  const way = el("select", {}, el("option", { value: "line" }, "line"), el("option", { value: "arc" }, "arc"));
  const keep = el("button", { onclick: () => { first = [...z]; keep.textContent = "Start kept"; } }, "Keep as the start");
  const go = el("button", { onclick: () => {
    if (!first) { walk.show({ error: "keep a start first, then move to an end" }); return; }
    walker.ask("between", { start: first, end: z, way: way.value, given: conditions.given(), seed: noise(), mean: smooth.checked },
      walk.waiting());
  } }, "Walk to here");
  const choose = (k) => el("select", {}, ...classes.map((name, i) => el("option", { value: i, selected: i === k }, name)));
  const [plus, minus] = [choose(1), choose(0)];
  const add = classes.length ? el("div", { className: "bar arithmetic" }, "plus the mean of", plus,
    "less that of", minus, el("button", { onclick: () => walker.ask("arithmetic", {
      z, plus: Number(plus.value), minus: Number(minus.value), given: conditions.given(), seed: noise(), mean: smooth.checked,
    }, walk.waiting()) }, "Add")) : null;

  const node = el("section", { className: "latents" },
    el("h3", {}, `Latents: the ${active.length} most active of ${size} coordinates`),
    el("div", { className: "bar" }, el("button", { onclick: random }, "Random"),
      encodes ? el("label", {}, "of test example", test) : null,
      el("label", {}, smooth, "mean of p(x | z)"), el("label", {}, held, "noise held")),
    conditions.node,
    el("div", { className: "sliders" }, ...sliders.map((slider, i) => el("label", {}, `${active[i]}`, slider))),
    el("div", { className: "side" }, output.node, map?.node),
    el("div", { className: "bar walk" }, keep, el("label", {}, "by a", way), go), add, walk.node);
  const draw = () => (z ? show() : encodes ? fromTest() : take("prior", { seed: seed() }));
  return { node, draw };
}

function latentMap(about, clicked) {
  const canvas = el("canvas", { width: 260, height: 260, className: "map" });
  let [points, labels, size, at] = [[], [], 1, null];
  const { active, mean, sd } = about.latents;
  const draw = () => {
    dots(canvas, points, size, (i) => HUES[(labels[i] ?? 0) % HUES.length]);
    if (!at) return;
    const paint = canvas.getContext("2d");
    const half = canvas.width / 2;
    paint.strokeStyle = getComputedStyle(document.body).color;
    paint.lineWidth = 2;
    paint.strokeRect(half * (1 + at[0] / size) - 5, half * (1 - at[1] / size) - 5, 10, 10);
  };
  new Asker(about.name, "map").ask("plane", {}, (answer) => {
    if (answer.error) return;
    ({ points, labels } = answer);
    size = 1.05 * Math.max(...points.flat().map(Math.abs), 3 * sd[0] + Math.abs(mean[0]));
    draw();
  });
  canvas.addEventListener("pointerdown", (e) => {
    const box = canvas.getBoundingClientRect();
    clicked((2 * (e.clientX - box.left) / box.width - 1) * size, (1 - 2 * (e.clientY - box.top) / box.height) * size);
  });
  const what = `test examples by coordinates ${active[0]} and ${active[1]}, coloured by label; click`;
  return {
    node: el("div", {}, canvas, el("p", { className: "soft" }, what)),
    mark: (x, y) => { at = [x, y]; draw(); },
  };
}

function chains(about, seed) {
  const asker = new Asker(about.name, "chain");
  const output = new Output();
  const frames = el("input", { type: "number", min: 2, max: 24, value: 12 });
  const draw = () => asker.ask("chain", {
    seed: seed(), frames: Number(frames.value), given: controls.given(),
  }, output.waiting());
  const controls = form({ ...about, options: [] }, draw);
  frames.addEventListener("change", draw);
  const node = el("section", { className: "chain" }, el("h3", {}, "From noise to data"),
    el("p", { className: "soft" }, "Above x, four samples on their way; below each the model's mean of the data given x."),
    el("div", { className: "bar" }, el("label", {}, "steps", frames), el("button", { onclick: draw }, "Sample")),
    controls.node, output.node);
  return { node, draw: () => {} };
}

// RePaint goes back and forth so often at each level; of digits 3 take 60 ms, its usual 10 take 200.
const REPEATS = 3;

// A mask painted with the mouse: white stays, black is painted by the model.
function completions(about, seed) {
  const [height, width] = about.mask.shape;
  const asker = new Asker(about.name, "complete");
  const output = new Output();
  const scale = Math.max(4, Math.floor(200 / width));
  const canvas = el("canvas", { width: width * scale, height: height * scale, className: "mask" });
  const mask = Array.from({ length: height }, (_, y) => Array(width).fill(y < height / 2 ? 1 : 0));
  const row = el("input", { type: "number", min: 0, max: about.examples - 1, value: 0 });
  const paint = () => {
    const context = canvas.getContext("2d");
    mask.forEach((line, y) => line.forEach((kept, x) => {
      context.fillStyle = kept ? "#eee" : "#333";
      context.fillRect(x * scale, y * scale, scale - 1, scale - 1);
    }));
  };
  const draw = () => asker.ask("complete", {
    row: Number(row.value), mask, seed: seed(), given: controls.given(), options: controls.options(),
  }, output.waiting());
  const options = about.options.map((o) => (o.name === "repeats" ? { ...o, default: REPEATS } : o));
  const controls = form({ ...about, options }, draw);
  const brush = Math.max(1, Math.round(width / 10));
  let value = 0;
  const touch = (e) => {
    const box = canvas.getBoundingClientRect();
    const x = Math.floor((e.clientX - box.left) / box.width * width);
    const y = Math.floor((e.clientY - box.top) / box.height * height);
    if (e.type === "pointerdown") value = mask[y]?.[x] ? 0 : 1;
    for (let i = y; i < Math.min(height, y + brush); i++) {
      for (let j = x; j < Math.min(width, x + brush); j++) if (i >= 0 && j >= 0) mask[i][j] = value;
    }
    paint();
  };
  canvas.addEventListener("pointerdown", (e) => { canvas.setPointerCapture(e.pointerId); touch(e); });
  canvas.addEventListener("pointermove", (e) => { if (e.buttons) touch(e); });
  canvas.addEventListener("pointerup", draw);
  row.addEventListener("change", draw);
  paint();
  const node = el("section", { className: "completions" }, el("h3", {}, "Complete an example"),
    el("p", { className: "soft" }, "Paint what the model hides (dark) and keeps (light). Shown are the example, what is kept, and four samples."),
    el("div", { className: "bar" }, el("label", {}, "test example", row), el("button", { onclick: draw }, "Complete")),
    controls.node, canvas, output.node);
  return { node, draw: () => {} };
}

function restorations(about, seed) {
  const asker = new Asker(about.name, "restore");
  const output = new Output();
  const row = el("input", { type: "number", min: 0, max: about.examples - 1, value: 0 });
  const draw = () => asker.ask("restore", { row: Number(row.value), seed: seed() }, output.waiting());
  row.addEventListener("change", draw);
  const node = el("section", { className: "restorations" }, el("h3", {}, "Restore an example"),
    el("p", { className: "soft" }, "The example, what the model is given of it, and what it makes of that."),
    el("div", { className: "bar" }, el("label", {}, "test example", row)), output.node);
  return { node, draw };
}

function column(about, seed) {
  const parts = [];
  if (about.options) parts.push(samples(about, seed));
  if (about.latents) parts.push(latents(about, seed));
  if (about.chain) parts.push(chains(about, seed));
  if (about.mask && about.examples) parts.push(completions(about, seed));
  if (about.restores) parts.push(restorations(about, seed));
  const node = el("article", {}, el("h2", {}, about.title),
    ...parts.map((part) => part.node),
    parts.length ? null : el("p", { className: "soft" }, "This model neither samples nor decodes."));
  return { node, draw: () => parts.forEach((part) => part.draw()) };
}

// A training: its curves, samples from fixed noise or the plane, and a switch to pause.
function training() {
  const [heading, state, view, plots] = [el("h2"), el("p", { className: "soft" }), el("div"),
    el("div", { className: "curves" })];
  const asker = new Asker("training", "training");
  let paused = false;
  const pause = el("button", { id: "pause", onclick: () => asker.ask(paused ? "resume" : "pause", {}, () => poll()) }, "Pause");
  $("columns").replaceChildren(el("article", {}, heading,
    el("section", { className: "training" }, el("div", { className: "bar" }, pause), state, view, plots)));
  let drawn = null;
  const poll = async () => {
    let now;
    try {
      now = await (await fetch("/training")).json();
    } catch (e) {
      state.textContent = "The training has ended, and its server with it.";
      pause.hidden = true;
      return false;
    }
    paused = now.paused;
    pause.textContent = paused ? "Resume" : "Pause";
    pause.hidden = now.ended;
    heading.textContent = now.name ?? "";
    state.textContent = `step ${now.step.toLocaleString("en")} of ${now.steps.toLocaleString("en")}`
      + (now.ended ? ", ended: it is evaluated now" : paused ? ", paused" : "")
      + (now.shown ? `; below, step ${now.shown.step.toLocaleString("en")}` : "");
    if (now.shown && now.shown.step !== drawn) {
      drawn = now.shown.step;
      if (now.shown.plane) view.replaceChildren(...planes(now.shown.plane));
      else if (now.shown.picture) view.replaceChildren(el("img", { src: now.shown.picture, alt: "samples" }));
      else if (now.shown.error) view.replaceChildren(el("p", { className: "wrong" }, now.shown.error));
    }
    plots.replaceChildren(...Object.entries(now.curves).map(([name, points]) => curve(name, points)));
    return true;
  };
  const again = async () => { if (await poll()) setTimeout(again, 700); };
  again();
}

// Data and samples on the model's density, and on the critic's output.
function planes({ extent, data, samples, density, critic }) {
  const [left, right, bottom, top] = extent;
  const draw = (title, map, colour) => {
    const canvas = el("canvas", { width: 300, height: 300 });
    const paint = canvas.getContext("2d");
    const n = Math.round(Math.sqrt(map?.length ?? 0));
    map?.forEach((value, i) => {
      paint.fillStyle = colour(value);
      paint.fillRect((i % n) * 300 / n, 300 - (Math.floor(i / n) + 1) * 300 / n, 300 / n + 1, 300 / n + 1);
    });
    const put = (points, colour) => points?.forEach(([x, y]) => {
      paint.fillStyle = colour;
      paint.fillRect(300 * (x - left) / (right - left) - 1, 300 - 300 * (y - bottom) / (top - bottom) - 1, 2.5, 2.5);
    });
    put(data, "#4477aa");
    put(samples, "#ee6677");
    return el("figure", {}, canvas, el("figcaption", { className: "soft" }, title));
  };
  const scale = (map) => Math.max(...map.map(Math.abs), 1e-12);
  const found = [];
  const clouds = "data blue, samples red";
  if (density) {
    const most = scale(density);
    found.push(draw(`${clouds}; darker: more dense`, density, (v) => `rgb(30 120 60 / ${Math.max(0, v / most)})`));
  }
  if (critic) {
    const most = scale(critic);
    found.push(draw(`${clouds}; the critic: green is more like data, orange like samples`, critic,
      (v) => (v > 0 ? `rgb(40 160 90 / ${v / most})` : `rgb(240 150 40 / ${-v / most})`)));
  }
  return [el("div", { className: "side" }, ...(found.length ? found : [draw(clouds)]))];
}

function curve(name, points) {
  const canvas = el("canvas", { width: 280, height: 110 });
  const paint = canvas.getContext("2d");
  const [xs, ys] = [points.map((p) => p[0]), points.map((p) => p[1])];
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const x = (v) => 4 + 272 * (v - xs[0]) / Math.max(xs.at(-1) - xs[0], 1);
  const y = (v) => 104 - 98 * (v - low) / Math.max(high - low, 1e-12);
  paint.strokeStyle = HUES[0];
  paint.beginPath();
  points.forEach(([a, b]) => paint.lineTo(x(a), y(b)));
  paint.stroke();
  const last = ys.at(-1);
  return el("figure", {}, canvas, el("figcaption", { className: "soft" },
    `${name.replaceAll("_", " ")}: ${Number(last.toPrecision(4))}, from ${Number(low.toPrecision(3))} to ${Number(high.toPrecision(3))}`));
}

async function start() {
  if ((await fetch("/training")).ok) {
    document.querySelector("header .bar").hidden = true;
    document.querySelector("h1").textContent = "Training";
    training();
    return;
  }
  const seedInput = $("seed");
  const seed = () => Math.max(0, Math.floor(Number(seedInput.value) || 0));
  const [left, right] = [$("left"), $("right")];
  const runs = await (await fetch("/runs")).json();
  for (const select of [left, right]) {
    select.append(...runs.map(({ name, title }) => el("option", { value: name }, title)));
  }
  right.prepend(el("option", { value: "", selected: true }, "nothing"));
  const columns = new Map();
  const show = () => {
    const chosen = [left, right].map((select) => columns.get(select)?.node).filter(Boolean);
    $("columns").replaceChildren(...chosen);
    $("columns").classList.toggle("two", chosen.length > 1);
  };
  const choose = (select) => {
    columns.delete(select);
    if (!select.value) { show(); return; }
    $("message").textContent = "Loading the model; a new one is compiled first, for some seconds.";
    new Asker(select.value, select.id).ask("about", {}, (about) => {
      if (about.error) {
        $("message").textContent = about.error;
        $("message").classList.add("wrong");
        return;
      }
      if (about.name !== select.value) return;
      $("message").textContent = "";
      $("message").classList.remove("wrong");
      columns.set(select, column(about, seed));
      show();
      columns.get(select).draw();
    });
  };
  for (const select of [left, right]) select.addEventListener("change", () => choose(select));
  const draw = () => columns.forEach((one) => one.draw());
  seedInput.addEventListener("change", draw);
  $("another").addEventListener("click", () => {
    seedInput.value = Math.floor(Math.random() * 1e6);
    draw();
  });
  choose(left);
}

start();
