// The picture, fitted into the stage and enlarged, with the boxes that lie on it.
const at = (id) => document.getElementById(id);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const WIDTHS = [640, 960, 1280, 1600, 1920, 2560, 3840, 7680]; // Few, so that pictures are kept.
const [stage, layer, canvas, marks, draftBox, doubtBox] = ["stage", "layer", "picture", "marks", "draft-box", "doubt-box"].map(at);

export const view = { zoom: 1, pan: [0, 0], size: [16, 9] };

const fit = () => Math.min(stage.clientWidth / view.size[0], stage.clientHeight / view.size[1]) || 1;

// Returns how many pixels of the picture, from left to right, the screen can show.
export function wanted() {
  const seen = view.size[0] * fit() * view.zoom * devicePixelRatio;
  return Math.min(WIDTHS.find((width) => width >= seen) ?? WIDTHS.at(-1), Math.max(view.size[0], 1));
}

export function paint(picture) {
  if (canvas.width !== picture.width || canvas.height !== picture.height)
    [canvas.width, canvas.height] = [picture.width, picture.height];
  canvas.getContext("2d").drawImage(picture, 0, 0);
}

export function place() {
  const scale = fit();
  const [width, height] = view.size.map((side) => side * scale);
  const free = (room, side, from) =>
    side * view.zoom <= room ? (room - side * view.zoom) / 2 : clamp(-from * view.zoom, room - side * view.zoom, 0);
  const x = free(stage.clientWidth, width, view.pan[0]);
  const y = free(stage.clientHeight, height, view.pan[1]);
  view.pan = [-x / view.zoom, -y / view.zoom];
  Object.assign(layer.style, { width: `${width}px`, height: `${height}px`, transform: `translate(${x}px, ${y}px) scale(${view.zoom})` });
  layer.style.setProperty("--scale", view.zoom);
  for (const mark of [draftBox, doubtBox, ...marks.children]) {
    if (!mark.dataset.sides) continue;
    const [x0, y0, x1, y1] = mark.dataset.sides.split(",").map((side) => side * scale);
    Object.assign(mark.style, { left: `${x0}px`, top: `${y0}px`, width: `${x1 - x0}px`, height: `${y1 - y0}px` });
  }
  at("zoom").textContent = `${view.zoom}×`;
}

export function magnify(times, [x, y] = [stage.clientWidth / 2, stage.clientHeight / 2]) {
  const before = view.zoom;
  view.zoom = clamp(times, 1, 16);
  // What is below the pointer stays there.
  view.pan = [view.pan[0] + x / before - x / view.zoom, view.pan[1] + y / before - y / view.zoom];
  place();
}

export function shift([right, down]) {
  view.pan = [view.pan[0] + (right * stage.clientWidth) / 8 / view.zoom, view.pan[1] + (down * stage.clientHeight) / 8 / view.zoom];
  place();
}

// Returns the middle of what is seen, pixels of the picture.
export function middle() {
  const scale = fit();
  return [
    (view.pan[0] + stage.clientWidth / 2 / view.zoom) / scale,
    (view.pan[1] + stage.clientHeight / 2 / view.zoom) / scale,
  ];
}

// Moves a large picture so that a box is seen.
export function reveal([x0, y0, x1, y1]) {
  if (view.zoom === 1) return;
  const [x, y] = [((x0 + x1) / 2) * fit(), ((y0 + y1) / 2) * fit()];
  const [wide, high] = [stage.clientWidth / view.zoom, stage.clientHeight / view.zoom];
  if (x < view.pan[0] || x > view.pan[0] + wide || y < view.pan[1] || y > view.pan[1] + high)
    view.pan = [x - wide / 2, y - high / 2];
}

// Calls `drawn` with the sides of what is dragged with the mouse, or `picked` with a mark that is clicked.
export function onDrag(drawn, picked) {
  const spot = (event) => {
    const edges = layer.getBoundingClientRect();
    return [
      clamp(((event.clientX - edges.left) / edges.width) * view.size[0], 0, view.size[0]),
      clamp(((event.clientY - edges.top) / edges.height) * view.size[1], 0, view.size[1]),
    ];
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    stage.setPointerCapture(event.pointerId);
    const [x, y] = spot(event);
    const mark = event.target.closest("#marks .mark");
    let isDrawn = false;
    const draw = (moved) => {
      const [u, v] = spot(moved);
      if (Math.abs(u - x) < 3 || Math.abs(v - y) < 3) return;
      isDrawn = true;
      drawn([Math.min(x, u), Math.min(y, v), Math.max(x, u), Math.max(y, v)]);
    };
    stage.addEventListener("pointermove", draw);
    stage.addEventListener("pointerup", () => {
      stage.removeEventListener("pointermove", draw);
      if (!isDrawn && mark) picked(mark);
    }, { once: true });
  });
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const edges = stage.getBoundingClientRect();
    magnify(event.deltaY < 0 ? view.zoom * 2 : view.zoom / 2, [event.clientX - edges.left, event.clientY - edges.top]);
  }, { passive: false });
}
