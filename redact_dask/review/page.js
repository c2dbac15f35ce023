// The page of a review: shows a video, and sends what the person changes about what is hidden.
import { Boxes } from "./draft.js";
import { Pictures } from "./pictures.js";
import * as stage from "./stage.js";
import * as timeline from "./timeline.js";

const at = (id) => document.getElementById(id);
const AHEAD = 6; // Frames that are fetched before they are shown.
const MOST_RATE = 15; // Frames a second: what most machines decode and show.
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const PANS = { w: [0, -1], a: [-1, 0], s: [0, 1], d: [1, 0] };
const VISIBLE = "It will be visible in the next copy.";

const state = await (await fetch("state")).json();
let which = 0; // Number of the video.
let video = null; // What the server tells of it.
let stream = null; // The stream of it that is shown.
let pictures = null;
let marks = new Map(); // From a first frame to the marks of the frames from there on.
let here = 0; // Number of the frame.
let of = "source";
let selected = null; // Number of a track.
let draft = null;
let playing = false;
let sending = false;

const text = (id, words) => (at(id).textContent = words);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const number = (value) => value.toLocaleString("en");
const say = (words) => text("said", words);

function clock(frame) {
  const seconds = frame / stream.rate;
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(2).padStart(5, "0")}`;
}

function make(kind, words, style = "") {
  const made = document.createElement(kind);
  if (words !== undefined) made.textContent = words;
  made.className = style;
  return made;
}

function trouble(words) {
  at("trouble").hidden = !words;
  text("trouble", words ?? "");
}

// Videos and streams.
async function open(rank) {
  if (draft) return hint("Save or discard first");
  which = clamp(rank, 0, state.videos.length - 1);
  pause();
  const told = state.videos[which];
  text("path", told.path);
  document.title = `Review: ${told.path}`;
  text("rank", `${number(which + 1)} of ${number(state.videos.length)}`);
  for (const row of at("video-list").children) row.firstChild.ariaCurrent = Number(row.dataset.rank) === which ? "true" : null;
  at("stage").ariaBusy = true;
  stream = null;
  pictures?.close();
  trouble();
  const opened = which;
  const answer = await fetch(`videos/${which}`);
  if (opened !== which) return;
  if (!answer.ok) {
    video = null;
    // Nothing of the video before may be taken for this one's.
    for (const id of ["marks", "here", "doubts", "edits"]) at(id).replaceChildren();
    at("nothing").hidden = at("no-edits").hidden = at("doubts-section").hidden = true;
    at("stage").ariaBusy = false;
    return trouble(await answer.text());
  }
  video = await answer.json();
  at("camera-field").hidden = video.streams.length < 2;
  at("camera").replaceChildren(...video.streams.map((one, rank) => new Option(`${one.stream + 1}`, rank)));
  pick(0);
}

function pick(rank) {
  stream = video.streams[rank];
  pictures?.close();
  pictures = new Pictures(`pictures/${which}/${stream.stream}`);
  marks = new Map();
  selected = null;
  stage.view.size = stream.size;
  Object.assign(stage.view, { zoom: 1, pan: [0, 0] });
  at("timeline").ariaValueMax = stream.frames - 1;
  tell();
  go(stream.doubts.find((one) => one.rank === 0)?.first ?? 0);
}

// What the server tells of the video, after it was opened or edited.
function tell() {
  doubtRows();
  editRows();
  state.videos[which].edits = video.edits.length;
}

// Frames.
function go(frame) {
  here = clamp(frame, 0, stream.frames - 1);
  pictures.forget();
  show();
}

async function show() {
  const asked = [here, of, pictures].join();
  const width = stage.wanted();
  at("stage").ariaBusy = true;
  overlay();
  const own = pictures;
  try {
    const wanted = own.get(here, of, width);
    const next = playing ? AHEAD : 2;
    for (let ahead = 1; ahead <= next && here + ahead * stride() < stream.frames; ahead++)
      own.get(here + ahead * stride(), of, width).catch(() => {});
    own.get(here, of, width); // Wanted first.
    const [picture] = await Promise.all([wanted, marksOf(here)]);
    if (own !== pictures || asked !== [here, of, pictures].join()) return;
    stage.paint(picture);
    trouble();
  } catch (error) {
    if (error.name === "AbortError" || own !== pictures || asked !== [here, of, pictures].join()) return;
    trouble(error.message);
    pause();
  }
  at("stage").ariaBusy = false;
  overlay();
}

const BLOCK = 120; // Frames whose marks the server tells at once.
function marksOf(frame) {
  const first = frame - (frame % BLOCK);
  for (const begin of [first, first + BLOCK]) {
    if (marks.has(begin) || begin >= stream.frames) continue;
    const kept = marks;
    const told = fetch(`marks/${which}/${stream.stream}/${begin}`).then(async (answer) => {
      if (!answer.ok) throw new Error(await answer.text());
      kept.set(begin, await answer.json());
    });
    told.catch(() => kept.delete(begin));
    kept.set(begin, told);
  }
  return marks.get(first);
}
function marksNow() {
  const block = marks.get(here - (here % BLOCK));
  return Array.isArray(block) ? block[here % BLOCK] ?? [] : [];
}

function play() {
  if (playing) return pause();
  if (here === stream.frames - 1) go(0);
  playing = true;
  text("play-words", "Pause");
  step();
}

function pause() {
  playing = false;
  text("play-words", "Play");
}

// Shows one frame after the other, each as soon as it is there, and none too soon.
async function step() {
  const began = performance.now();
  await show();
  await new Promise((done) => setTimeout(done, Math.max(0, (1000 * stride()) / Math.min(stream.rate, MOST_RATE) - performance.now() + began)));
  if (!playing) return;
  if (here + stride() >= stream.frames) return pause();
  here += stride();
  step();
}

// Of 60 frames a second, every second one is played.
const stride = () => (playing ? Math.max(1, Math.round(stream.rate / 30)) : 1);

function nextDoubt(onward) {
  const found = onward ? stream.doubts.find((one) => one.first > here) : stream.doubts.findLast((one) => one.first < here);
  if (found) return goTo(found);
  hint(onward ? "No doubt after this frame; ] opens the next video" : "No doubt before this frame");
}

function goTo(doubt) {
  pause();
  go(doubt.first);
  say(`${doubt.words}, frame ${doubt.first}`);
}

// What lies on the picture, and beside it.
function overlay() {
  if (!stream) return;
  text("time", clock(here));
  text("frame", `frame ${number(here)} of ${number(stream.frames)}`);
  text("badge", of === "source" ? "Source: faces are visible" : "Copy, as it is published");
  at("badge").classList.toggle("open", of === "source");
  at("of-source").ariaPressed = of === "source";
  at("of-copy").ariaPressed = of === "copy";
  const doubt = doubtHere();
  at("doubt-here").hidden = !doubt;
  text("doubt-here", doubt?.words ?? "");
  const isPlaced = doubt?.box && draft?.kind !== "hide";
  at("doubt-box").hidden = !isPlaced;
  if (isPlaced) at("doubt-box").dataset.sides = doubt.box.join();
  const now = marksNow();
  const known = new Map([...at("marks").children].map((mark) => [mark.dataset.key, mark]));
  const seen = now.map((one) => {
    const key = one.kind === "shown" ? `${one.edit}` : `${one.track}`;
    const mark = known.get(key) ?? make("button", undefined);
    known.delete(key);
    mark.type = "button";
    mark.dataset.key = key;
    mark.dataset.sides = one.box.join();
    mark.className = `mark ${style(one)}`;
    mark.ariaPressed = one.track !== null && one.track === selected;
    mark.ariaLabel = title(one);
    mark.dataset.title = title(one);
    mark.dataset.track = one.track ?? "";
    return mark;
  });
  const isFocused = [...known.values()].includes(document.activeElement);
  for (const [key, mark] of known) mark.remove();
  seen.forEach((mark, rank) => {
    if (at("marks").children[rank] !== mark) at("marks").insertBefore(mark, at("marks").children[rank] ?? null);
  });
  if (isFocused) at("stage").focus();
  hereRows(now);
  draftOverlay();
  stage.place();
  at("timeline").ariaValueNow = here;
  at("timeline").ariaValueText = `${clock(here)}, frame ${here}`;
  timeline.draw({
    frames: stream.frames,
    tracks: stream.tracks,
    doubts: stream.doubts,
    shown: editsHere().filter((one) => one.kind === "show" && !one.undo).map((one) => [one.first, one.last]),
    boxes: draft?.kind === "hide" ? draft.boxes.frames : [],
    here,
    selected,
  });
}

// The gravest doubt of this frame.
function doubtHere() {
  const found = stream.doubts.filter((one) => one.first <= here && here <= one.last);
  return found.reduce((best, one) => (!best || one.rank < best.rank ? one : best), null);
}

const style = (one) => (one.kind === "shown" ? "visible" : one.edit || one.why === "drawn" ? "drawn" : "hidden-now");
const title = (one) =>
  one.kind === "shown" ? `${one.label}, visible` : `${one.label} ${one.track}${one.edit ? ", drawn, not yet hidden" : ""}`;
const editsHere = () => video.edits.filter((one) => one.stream === stream.stream);

function draftOverlay() {
  const box = draft?.kind === "hide" ? draft.boxes.at(here) : null;
  at("draft-box").hidden = !box;
  if (!box) return;
  at("draft-box").dataset.sides = box.join();
  const isKey = draft.boxes.by.has(here);
  at("draft-box").classList.toggle("between", !isKey);
  at("draft-box").firstChild.textContent = isKey ? draft.label : `${draft.label}, followed`;
}

function row(style, words, small, chosen) {
  const made = make("li", undefined, style);
  const button = make("button");
  button.type = "button";
  button.append(make("i", "", "dot"), make("span", words), make("small", small));
  button.addEventListener("click", chosen);
  made.append(button);
  return made;
}

function hereRows(now) {
  const rows = now.map((one) => {
    const track = stream.tracks.find((known) => known.track === one.track);
    const small = track ? `${clock(track.spans[0][0])} – ${clock(track.spans.at(-1)[1])}` : "by an edit";
    const made = row(style(one), title(one), small, () => select(one.track));
    made.firstChild.ariaPressed = one.track !== null && one.track === selected;
    return made;
  });
  // Rows that are alike stay: a click must not fall between two of them.
  if (rows.map((one) => one.outerHTML).join() !== at("here").innerHTML) at("here").replaceChildren(...rows);
  at("nothing").hidden = now.length > 0;
  const known = stream.tracks.some((one) => one.track === selected);
  at("show-all").disabled = at("show-on").disabled = !known;
}

function doubtRows() {
  at("doubts-section").hidden = !stream?.doubts.length;
  at("next-doubt").hidden = !stream?.doubts.length;
  if (stream) at("doubts").replaceChildren(...stream.doubts.map((one) => row("doubt", one.words, clock(one.first), () => goTo(one))));
}

function editRows() {
  const words = { hide: "hidden", show: "shown" };
  at("edits").replaceChildren(...video.edits.map((one) => {
    const made = make("li", undefined, `${one.kind === "hide" ? "drawn" : "visible"}${one.undo ? " undone" : ""}`);
    const go_there = make("button");
    go_there.type = "button";
    const when = new Date(one.at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
    go_there.append(make("i", "", "dot"), make("span", `${one.label} ${words[one.kind]}`), make("small", `${clockOf(one)}`));
    go_there.addEventListener("click", () => { if (one.stream === stream.stream) { pause(); go(one.first); } });
    const state_words = one.undo
      ? `undone by ${one.undo.by}${one.undo.why ? `: ${one.undo.why}` : ""}`
      : one.is_followed ? "in this copy" : "from the next run on";
    const back = make("button", one.undo ? "Bring back" : "Undo", "small");
    back.type = "button";
    back.addEventListener("click", () => draftUndo(one));
    const told = make("p", `${one.by}, ${when}`, "quiet");
    if (one.why) told.append(make("q", one.why));
    const foot = make("div", undefined, "foot");
    foot.append(make("span", state_words, "quiet"), back);
    made.append(go_there, told, foot);
    return made;
  }));
  at("no-edits").hidden = video.edits.length > 0;
}

function clockOf(edit) {
  return edit.first === edit.last ? clock(edit.first) : `${clock(edit.first)} – ${clock(edit.last)}`;
}

function select(track) {
  if (track === null) return;
  selected = track;
  const now = marksNow().find((one) => one.track === track);
  if (now) stage.reveal(now.box);
  overlay();
}

// Drafts: nothing changes before one is saved.
function begin(made) {
  pause();
  draft = made;
  at("draft").hidden = false;
  at("why").value = "";
  // The Enter key saves; on the button that has led here, it would press that again.
  if (!at("stage").contains(document.activeElement)) at("stage").focus();
  tellDraft();
  overlay();
  at("draft").scrollIntoView({ block: "nearest" });
  say(`${at("draft-title").textContent}. ${at("draft-warning").textContent}`);
}

function discard() {
  draft = null;
  at("draft").hidden = true;
  at("stage").focus();
  hint("");
  overlay();
}

function drawBox(sides) {
  if (!stream || (draft && draft.kind !== "hide")) return;
  if (of !== "source") look("source");
  pause();
  const fresh = !draft;
  const doubt = doubtHere();
  const label = state.labels.includes(doubt?.label) ? doubt.label : state.labels[0];
  const made = draft ?? { kind: "hide", boxes: new Boxes(stream.size), label };
  made.boxes.put(here, sides ?? ((fresh && doubt?.box) || null) ?? made.boxes.start(here, stage.middle(), Math.max(...stream.size) / 12 / stage.view.zoom));
  if (fresh) begin(made);
  else { tellDraft(); overlay(); }
}

function draftShow(onward) {
  const track = stream.tracks.find((one) => one.track === selected);
  if (!track || draft) return track ? hint("Save or discard first") : hint("Tab selects what is hidden on this frame");
  if (track.edit) return draftUndo(video.edits.find((one) => one.id === track.edit));
  if (track.who === "person") return hint("A person has drawn this: undo the edit in the list");
  const first = onward ? here : track.spans[0][0];
  begin({ kind: "show", track: selected, label: track.label, first, last: track.spans.at(-1)[1] });
}

function draftUndo(edit) {
  if (draft) return hint("Save or discard first");
  if (edit) begin({ kind: "undo", edit, undoes: edit.undo?.id ?? edit.id });
}

function tellDraft() {
  const { kind } = draft;
  at("draft-labels").hidden = at("draft-boxes").hidden = kind !== "hide";
  if (kind === "hide") {
    const { frames } = draft.boxes;
    text("draft-title", `Hide this ${draft.label}`);
    text("draft-words", frames.length > 1
      ? `From ${clock(frames[0])} to ${clock(frames.at(-1))}. Between your boxes, the run follows the camera, and hides a little more than the line that you see.`
      : "On this frame only. Go to another frame, and draw it there, too: in between it is followed.");
    text("draft-warning", "");
    text("save-words", "Hide it");
    at("draft-boxes").replaceChildren(...frames.map((frame) => {
      const chip = make("li");
      const button = make("button", clock(frame));
      button.type = "button";
      button.ariaPressed = frame === here;
      button.addEventListener("click", () => go(frame));
      chip.append(button);
      return chip;
    }));
    at("draft-labels").replaceChildren(...state.labels.map((label, rank) => {
      const button = make("button");
      button.type = "button";
      button.append(make("kbd", rank + 1), ` ${label}`);
      button.ariaPressed = label === draft.label;
      button.addEventListener("click", () => { draft.label = label; tellDraft(); overlay(); });
      return button;
    }));
  } else if (kind === "show") {
    text("draft-title", `Show this ${draft.label}`);
    text("draft-words", `Track ${draft.track}, from ${clock(draft.first)} to ${clock(draft.last)}.`);
    text("draft-warning", VISIBLE);
    text("save-words", "Show it");
  } else {
    const { edit } = draft;
    const hides = (edit.kind === "hide") === Boolean(edit.undo);
    text("draft-title", edit.undo ? "Bring this edit back" : "Undo this edit");
    text("draft-words", `${edit.by} has ${edit.kind === "hide" ? "hidden" : "shown"} a ${edit.label}, ${clockOf(edit)}.`);
    text("draft-warning", hides ? "" : VISIBLE);
    text("save-words", edit.undo ? "Bring it back" : "Undo it");
  }
  at("draft").classList.toggle("risky", Boolean(at("draft-warning").textContent));
}

async function save() {
  if (!draft || sending) return;
  sending = true;
  const { kind } = draft;
  const given = { kind, stream: stream.stream, why: at("why").value };
  if (kind === "hide") Object.assign(given, { label: draft.label, boxes: draft.boxes.told() });
  else if (kind === "show") Object.assign(given, { track: draft.track, first: draft.first, last: draft.last });
  else given.undoes = draft.undoes;
  try {
    const answer = await fetch(`edits/${which}`, { method: "POST", body: JSON.stringify(given) });
    if (!answer.ok) throw new Error(await answer.text());
    video = await answer.json();
    stream = video.streams.find((one) => one.stream === stream.stream);
    marks = new Map();
    selected = null;
    discard();
    tell();
    videoRows();
    await show();
    hint("Saved. The next run follows it");
  } catch (error) {
    hint(`Not saved: ${error.message}`, true);
  } finally {
    sending = false;
  }
}

let hints = 0;
function hint(words, isBad = false) {
  text("hint", words);
  at("hint").hidden = !words;
  at("hint").classList.toggle("bad", isBad);
  say(words);
  const mine = ++hints;
  if (!isBad) setTimeout(() => { if (mine === hints) at("hint").hidden = true; }, 5000);
}

function look(at_what) {
  of = at_what;
  pictures.forget();
  show();
}

function videoRows() {
  at("video-list").replaceChildren(...state.videos.map((one, rank) => {
    const made = make("li");
    made.dataset.rank = rank;
    const button = make("button");
    button.type = "button";
    const notes = [one.doubts && `${one.doubts} ${one.doubts === 1 ? "doubt" : "doubts"}`, one.edits && `${one.edits} ${one.edits === 1 ? "edit" : "edits"}`];
    const path = make("bdi", one.path);
    button.append(path, make("small", notes.filter(Boolean).join(", ") || "nothing doubtful"), make("small", one.why));
    button.ariaCurrent = rank === which ? "true" : null;
    button.addEventListener("click", () => { toggleList(false); open(rank); at("stage").focus(); });
    made.append(button);
    return made;
  }));
}

function toggleList(is_open = at("videos").hidden) {
  at("videos").hidden = !is_open;
  at("list-button").ariaExpanded = is_open;
  document.body.classList.toggle("with-list", is_open);
  if (is_open) at("video-list").querySelector("[aria-current]")?.focus();
  stage.place();
  overlay();
}

function second(onward) {
  pause();
  go(here + onward * Math.max(1, Math.round(stream.rate)));
}

function frameStep(onward) {
  pause();
  go(here + onward);
}

// Keys.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || at("help").open) return;
  const { key, target } = event;
  const low = key.toLowerCase();
  if (target.matches("input, select")) {
    if (key === "Escape") at("stage").focus();
    else if (key === "Enter" && target.matches("input")) save();
    else return;
    return event.preventDefault();
  }
  const onButton = target.closest("button") && !target.closest("#marks");
  if (onButton && [" ", "Enter"].includes(key)) return;
  if (low === "?") at("help").showModal();
  else if (low === "v") toggleList();
  else if (key === "[") open(which - 1);
  else if (key === "]") open(which + 1);
  else if (key === "Escape" && !at("videos").hidden) { toggleList(false); at("stage").focus(); }
  else if (!stream) return;
  else if (draft?.kind === "hide" && ARROWS[key]) {
    const large = Math.max(...stream.size) / 100 / stage.view.zoom;
    draft.boxes.move(here, ARROWS[key], event.altKey ? 1 : large, event.shiftKey);
    stage.reveal(draft.boxes.at(here));
    tellDraft();
    overlay();
  } else if (draft?.kind === "hide" && ["Delete", "Backspace"].includes(key)) {
    draft.boxes.by.delete(here);
    if (draft.boxes.by.size) { tellDraft(); overlay(); } else discard();
  } else if (draft?.kind === "hide" && state.labels[key - 1]) {
    draft.label = state.labels[key - 1];
    tellDraft();
    overlay();
  } else if (draft && key === "Enter") save();
  else if (draft && key === "Escape") discard();
  else if (draft && low === "r") at("why").focus();
  else if (key === " ") play();
  else if (key === ",") frameStep(-1);
  else if (key === ".") frameStep(1);
  else if (key === "<" || (key === "ArrowLeft" && event.shiftKey)) second(-1);
  else if (key === ">" || (key === "ArrowRight" && event.shiftKey)) second(1);
  else if (key === "ArrowLeft" || key === "ArrowRight") frameStep(ARROWS[key][0]);
  else if (key === "Home") frameStep(-here);
  else if (key === "End") frameStep(stream.frames);
  else if (low === "n") nextDoubt(!event.shiftKey);
  else if (low === "c") look(of === "source" ? "copy" : "source");
  else if (low === "b") drawBox();
  else if (low === "x") draftShow(event.shiftKey);
  else if (low === "u") draftUndo(video.edits.find((one) => !one.undo));
  else if (key === "+" || key === "=") zoom(stage.view.zoom * 2);
  else if (key === "-") zoom(stage.view.zoom / 2);
  else if (key === "0") zoom(1);
  else if (PANS[low]) stage.shift(PANS[low]);
  else if (key === "Escape") { selected = null; at("stage").focus(); overlay(); }
  else return;
  event.preventDefault();
});

function zoom(times) {
  const focus = draft?.kind === "hide" ? draft.boxes.at(here) : marksNow().find((one) => one.track === selected)?.box;
  stage.magnify(times);
  if (focus) stage.reveal(focus);
  show();
}

at("marks").addEventListener("focusin", (event) => {
  if (event.target.dataset.track) select(Number(event.target.dataset.track));
});
stage.onDrag(drawBox, (mark) => mark.focus());
timeline.onPoint((share) => { if (stream) { pause(); go(Math.floor(share * stream.frames)); } });

const clicks = {
  before: () => open(which - 1), after: () => open(which + 1), "list-button": () => toggleList(),
  play, back: () => frameStep(-1), on: () => frameStep(1), "next-doubt": () => nextDoubt(true),
  "of-source": () => look("source"), "of-copy": () => look("copy"),
  in: () => zoom(stage.view.zoom * 2), out: () => zoom(stage.view.zoom / 2),
  draw: () => { drawBox(); at("stage").focus(); },
  "show-all": () => draftShow(false), "show-on": () => draftShow(true),
  save, discard, "help-button": () => at("help").showModal(),
};
const always = ["before", "after", "list-button", "help-button"];
for (const [id, done] of Object.entries(clicks))
  at(id).addEventListener("click", () => { if (stream || always.includes(id)) done(); });
at("camera").addEventListener("change", () => {
  if (draft) { at("camera").value = video.streams.indexOf(stream); return hint("Save or discard first"); }
  pick(Number(at("camera").value));
  at("stage").focus();
});
new ResizeObserver(() => { if (stream) show(); }).observe(at("stage"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", overlay);
addEventListener("beforeunload", (event) => { if (draft) event.preventDefault(); });

text("by", state.by);
videoRows();
at("stage").focus();
await open(0);
