// The page of an audit: shows the frames of the sample, and sends what the judge says.
const at = (id) => document.getElementById(id);
const [stage, layer, picture, box] = ["stage", "layer", "picture", "box"].map(at);
const AHEAD = 2; // Frames of the sample that are fetched before they are shown.
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const state = await (await fetch("state")).json();
const { items, labels } = state;
let result = state.result;
let here = 0; // Rank of the frame that is shown.
let offset = 0; // -1: the frame before it is shown; 1: the one after.
let zoom = 1;
let pan = [0, 0]; // Upper left corner of the stage, pixels of the fitted picture.
let leak = null; // The box that is being placed, pixels of the picture, and its label.
let sending = false;

const text = (id, words) => (at(id).textContent = words);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const url = (item, moment) => `pictures/${item}/${moment}`;
const number = (value) => value.toLocaleString("en");

function show(item) {
  here = clamp(item, 0, items.length - 1);
  offset = 0;
  zoom = 1;
  leak = null;
  const frame = items[here];
  const stratum = result.strata.find((one) => one.stratum === frame.stratum);
  text("path", frame.path);
  text("where", `frame ${number(frame.frame)}${frame.stream === null ? "" : `, camera ${frame.stream + 1}`}`);
  text("stratum", stratum.title);
  for (const button of document.querySelectorAll("[data-verdict]"))
    button.ariaPressed = button.dataset.verdict === frame.verdict;
  load();
  for (let ahead = 1; ahead <= AHEAD && here + ahead < items.length; ahead++)
    new Image().src = url(here + ahead, 0);
  progress();
}

function load() {
  at("finds").replaceChildren();
  at("trouble").hidden = true;
  picture.style.visibility = "hidden";
  stage.ariaBusy = true;
  picture.alt = ["Frame before", "Frame to judge", "Frame after"][offset + 1];
  picture.src = url(here, offset);
  at("badge").hidden = offset === 0;
  text("badge", offset < 0 ? "the frame before" : "the frame after");
  for (const button of document.querySelectorAll("[data-offset]"))
    button.ariaPressed = Number(button.dataset.offset) === offset;
  if (state.detector && offset === 0) finds(here);
  place();
}

picture.addEventListener("load", () => {
  picture.style.visibility = "visible";
  stage.ariaBusy = false;
  place();
});
picture.addEventListener("error", async () => {
  const shown = [here, offset].join();
  const answer = await fetch(url(here, offset));
  if (shown !== [here, offset].join()) return;
  stage.ariaBusy = false;
  at("trouble").hidden = false;
  text("trouble", answer.ok ? "The picture cannot be shown." : await answer.text());
  place();
});

async function finds(item) {
  const answer = await fetch(`finds/${item}`);
  if (!answer.ok || item !== here || offset !== 0) return;
  const marks = (await answer.json()).map((sides) => put(document.createElement("div"), sides));
  for (const mark of marks) mark.className = "find";
  at("finds").replaceChildren(...marks);
  place();
}

function put(element, [x0, y0, x1, y1]) {
  element.dataset.sides = [x0, y0, x1, y1].join();
  return element;
}

// Fits the picture into the stage, enlarges it, and puts the boxes where they belong.
function place() {
  const [wide, high] = [picture.naturalWidth || 16, picture.naturalHeight || 9];
  const fit = Math.min(stage.clientWidth / wide, stage.clientHeight / high);
  const [width, height] = [wide * fit, high * fit];
  const free = (room, size, from) =>
    size * zoom <= room ? (room - size * zoom) / 2 : clamp(-from * zoom, room - size * zoom, 0);
  const x = free(stage.clientWidth, width, pan[0]);
  const y = free(stage.clientHeight, height, pan[1]);
  pan = [-x / zoom, -y / zoom];
  Object.assign(layer.style, {
    width: `${width}px`,
    height: `${height}px`,
    transform: `translate(${x}px, ${y}px) scale(${zoom})`,
  });
  layer.style.setProperty("--scale", zoom);
  const given = leak ?? (offset === 0 && items[here].box ? { sides: items[here].box, label: items[here].label } : null);
  box.hidden = !given;
  if (given) {
    put(box, given.sides);
    text("box-label", given.label ?? "");
  }
  for (const mark of [box, ...at("finds").children]) {
    if (!mark.dataset.sides) continue;
    const [x0, y0, x1, y1] = mark.dataset.sides.split(",").map((side) => side * fit);
    Object.assign(mark.style, { left: `${x0}px`, top: `${y0}px`, width: `${x1 - x0}px`, height: `${y1 - y0}px` });
  }
  text("zoom", `${zoom}×`);
  text("hint", leak
    ? "Arrows move, Shift sizes, 1 2 3 name; Esc forgets"
    : zoom > 1 ? "Arrows move the picture; 0 shows all of it" : "");
  text("leak-key", leak ? "Enter" : "L");
  text("leak-words", leak ? "Keep this leak" : "Leak");
}

function magnify(times, [x, y] = [stage.clientWidth / 2, stage.clientHeight / 2]) {
  const before = zoom;
  zoom = clamp(times, 1, 16);
  // What is below the pointer stays there.
  pan = [pan[0] + x / before - x / zoom, pan[1] + y / before - y / zoom];
  place();
}

function look(moment) {
  offset = offset === moment ? 0 : moment;
  load();
}

function beginLeak() {
  if (offset !== 0) look(0);
  const [wide, high] = [picture.naturalWidth, picture.naturalHeight];
  const fit = layer.clientWidth / wide;
  // In the middle of what is seen, a tenth of its width.
  const side = wide / 10 / zoom;
  const x = clamp((pan[0] + stage.clientWidth / 2 / zoom) / fit, side, wide - side);
  const y = clamp((pan[1] + stage.clientHeight / 2 / zoom) / fit, side, high - side);
  const sides = [x - side / 2, y - side / 2, x + side / 2, y + side / 2];
  leak = { sides: items[here].box ?? sides, label: items[here].label ?? labels[0] };
  text("said", "Place the box of the leak, then press Enter.");
  place();
}

function moveBox([right, down], sizes, fine) {
  const step = (fine ? 1 : picture.naturalWidth / 100) / (fine ? 1 : zoom);
  const [wide, high] = [picture.naturalWidth, picture.naturalHeight];
  let [x0, y0, x1, y1] = leak.sides;
  if (sizes) {
    x1 = clamp(x1 + right * step, x0 + 2, wide);
    y1 = clamp(y1 + down * step, y0 + 2, high);
  } else {
    const x = clamp(right * step, -x0, wide - x1);
    const y = clamp(down * step, -y0, high - y1);
    [x0, y0, x1, y1] = [x0 + x, y0 + y, x1 + x, y1 + y];
  }
  leak.sides = [x0, y0, x1, y1];
  place();
}

async function answer(verdict) {
  if (sending) return;
  if (verdict === "leak" && !leak && at("trouble").hidden) return beginLeak();
  sending = true;
  const item = here;
  const given = { verdict, box: verdict === "leak" && leak ? leak.sides : null, label: verdict === "leak" && leak ? leak.label : null };
  try {
    const told = await fetch(`answers/${item}`, { method: "POST", body: JSON.stringify(given) });
    if (!told.ok) throw new Error(await told.text());
    const before = result.bound;
    result = await told.json();
    Object.assign(items[item], given);
    tell(before);
    text("said", `Kept: ${verdict}. At most ${result.bound} of all frames leak.`);
    item + 1 < items.length ? show(item + 1) : show(item);
  } catch (error) {
    at("trouble").hidden = false;
    text("trouble", `The answer is not kept: ${error.message}`);
  } finally {
    sending = false;
  }
}

function progress() {
  const done = items.filter((one) => one.verdict).length;
  at("progress").max = items.length;
  at("progress").value = done;
  text("count", `${number(done)} of ${number(items.length)} judged; this is number ${number(here + 1)}`);
  for (const row of at("strata").rows) row.classList.toggle("here", row.dataset.stratum === items[here].stratum);
}

function cell(kind, words, style = "") {
  const made = document.createElement(kind);
  made.textContent = words;
  made.className = style;
  if (kind === "th") made.scope = "row";
  return made;
}

function tell(before) {
  text("bound", result.bound);
  text("change", before && before !== result.bound ? `before: ${before}` : "");
  text("hour", result.bound_per_hour);
  text("judged", number(result.judged));
  text("leaks", number(result.leaks));
  text("unsure", number(result.unsure));
  text("estimate", result.estimate ?? "–");
  at("strata").replaceChildren(...result.strata.map((one) => {
    const row = document.createElement("tr");
    row.dataset.stratum = one.stratum;
    row.append(
      cell("th", one.title),
      cell("td", `${number(one.judged)} / ${number(one.drawn)}`, "number"),
      cell("td", one.unsure ? `${one.leaks} + ${one.unsure}?` : one.leaks, "number"),
      cell("td", one.bound, "number"),
    );
    return row;
  }));
  at("agreement").hidden = !result.agreements.length;
  at("agreements").replaceChildren(...result.agreements.map((one) => cell("li",
    `${one.judges.join(" and ")}: ${number(one.alike)} of ${number(one.frames)} alike` +
    (one.kappa === null ? "" : `, kappa ${one.kappa.replace("-", "−")}`))));
}

const firstOpen = () => {
  const open = items.findIndex((one) => !one.verdict);
  return open < 0 ? items.length - 1 : open;
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || at("help").open) return;
  const onButton = event.target.closest?.("button");
  if (onButton && [" ", "Enter"].includes(event.key) && !leak) return;
  const arrow = ARROWS[event.key];
  const key = event.key.toLowerCase();
  if (arrow && leak) moveBox(arrow, event.shiftKey, event.altKey);
  else if (arrow && zoom > 1) {
    pan = [pan[0] + arrow[0] * stage.clientWidth / 8 / zoom, pan[1] + arrow[1] * stage.clientHeight / 8 / zoom];
    place();
  } else if (arrow && arrow[0]) show(here + arrow[0]);
  else if (leak && key === "enter") answer("leak");
  else if (leak && key === "escape") { leak = null; place(); }
  else if (leak && labels[key - 1]) { leak.label = labels[key - 1]; place(); }
  else if (key === "c") answer("clean");
  else if (key === "u") answer("unsure");
  else if (key === "l") answer("leak");
  else if (key === ",") look(-1);
  else if (key === ".") look(1);
  else if (key === "+" || key === "=") magnify(zoom * 2);
  else if (key === "-") magnify(zoom / 2);
  else if (key === "0" || key === "escape") magnify(1);
  else if (key === "g") show(firstOpen());
  else if (key === "?") at("help").showModal();
  else return;
  event.preventDefault();
});

// The mouse: a drag draws the box of a leak, and the wheel enlarges.
const spot = (event) => {
  const edges = layer.getBoundingClientRect();
  const scale = picture.naturalWidth / edges.width;
  return [
    clamp((event.clientX - edges.left) * scale, 0, picture.naturalWidth),
    clamp((event.clientY - edges.top) * scale, 0, picture.naturalHeight),
  ];
};
stage.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || offset !== 0 || !picture.naturalWidth) return;
  stage.setPointerCapture(event.pointerId);
  const [x, y] = spot(event);
  const draw = (moved) => {
    const [u, v] = spot(moved);
    if (Math.abs(u - x) < 2 || Math.abs(v - y) < 2) return;
    leak = { sides: [Math.min(x, u), Math.min(y, v), Math.max(x, u), Math.max(y, v)], label: leak?.label ?? labels[0] };
    place();
  };
  stage.addEventListener("pointermove", draw);
  stage.addEventListener("pointerup", () => stage.removeEventListener("pointermove", draw), { once: true });
});
stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  const edges = stage.getBoundingClientRect();
  magnify(event.deltaY < 0 ? zoom * 2 : zoom / 2, [event.clientX - edges.left, event.clientY - edges.top]);
}, { passive: false });

for (const button of document.querySelectorAll("[data-verdict]"))
  button.addEventListener("click", () => { answer(button.dataset.verdict); button.blur(); });
for (const button of document.querySelectorAll("[data-offset]"))
  button.addEventListener("click", () => { look(Number(button.dataset.offset)); });
at("in").addEventListener("click", () => magnify(zoom * 2));
at("out").addEventListener("click", () => magnify(zoom / 2));
at("help-button").addEventListener("click", () => at("help").showModal());
addEventListener("resize", place);

text("judge", state.judge);
text("goal", state.goal);
tell(null);
show(firstOpen());
