// The timeline: doubts above, tracks below, and where one is.
const canvas = document.getElementById("timeline");
const LANES = 8;
const TOP = 14; // Height of the row of doubts, pixels.

const colour = (name) => getComputedStyle(canvas).getPropertyValue(name).trim();

// Gives each track the first lane that is free, so that tracks at one time lie below each other.
function packed(tracks) {
  const ends = [];
  return tracks.map((track) => {
    let lane = ends.findIndex((end) => end < track.spans[0][0]);
    if (lane < 0) lane = ends.length < LANES ? ends.push(-1) - 1 : tracks.indexOf(track) % LANES;
    ends[lane] = Math.max(ends[lane], track.spans.at(-1)[1]);
    return lane;
  });
}

export function draw({ frames, tracks, doubts, shown, boxes, here, selected }) {
  const scale = devicePixelRatio;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  const x = (frame) => (frame / Math.max(frames, 1)) * width;
  const bar = (first, last, y, high) => {
    pen.beginPath();
    pen.roundRect(x(first), y, Math.max(x(last + 1) - x(first), 2), high, Math.min(2, high / 2));
  };
  pen.fillStyle = colour("--stripe");
  pen.fillRect(0, 0, width, TOP);
  const lanes = packed(tracks);
  const many = Math.max(3, ...lanes.map((lane) => lane + 1));
  const high = Math.min((height - TOP - 6) / many, 14);
  tracks.forEach((track, number) => {
    const y = TOP + 4 + lanes[number] * high;
    for (const [first, last] of track.spans) {
      bar(first, last, y, high - 2);
      pen.fillStyle = colour(track.edit || track.who === "person" ? "--drawn" : "--hidden");
      pen.globalAlpha = selected === null || selected === track.track ? 1 : 0.55;
      pen.fill();
      pen.globalAlpha = 1;
      if (selected === track.track) {
        pen.strokeStyle = colour("--ink");
        pen.lineWidth = 1.5;
        pen.stroke();
      }
    }
  });
  pen.fillStyle = colour("--doubt");
  for (const doubt of doubts) {
    bar(doubt.first, doubt.last, 4, TOP - 8);
    pen.fill();
  }
  pen.setLineDash([4, 3]);
  pen.lineWidth = 2;
  pen.strokeStyle = colour("--visible");
  for (const [first, last] of shown) {
    pen.beginPath();
    pen.moveTo(x(first), height - 3);
    pen.lineTo(Math.max(x(last + 1), x(first) + 2), height - 3);
    pen.stroke();
  }
  pen.setLineDash([]);
  if (boxes.length) {
    const y = height - 9;
    pen.fillStyle = pen.strokeStyle = colour("--drawn");
    pen.beginPath();
    pen.moveTo(x(boxes[0] + 0.5), y);
    pen.lineTo(x(boxes.at(-1) + 0.5), y);
    pen.stroke();
    for (const frame of boxes) {
      const middle = x(frame + 0.5);
      pen.beginPath();
      pen.moveTo(middle, y - 6);
      pen.lineTo(middle + 6, y);
      pen.lineTo(middle, y + 6);
      pen.lineTo(middle - 6, y);
      pen.fill();
    }
  }
  const middle = x(here + 0.5);
  pen.fillStyle = colour("--ink");
  pen.fillRect(middle - 1, 0, 2, height);
  pen.beginPath();
  pen.moveTo(middle - 6, 0);
  pen.lineTo(middle + 6, 0);
  pen.lineTo(middle, 8);
  pen.fill();
}

// Calls `gone` with the share of the video at which the person points.
export function onPoint(gone) {
  const point = (event) => {
    const edges = canvas.getBoundingClientRect();
    gone(Math.min(Math.max((event.clientX - edges.left) / edges.width, 0), 1));
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    point(event);
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerup", () => canvas.removeEventListener("pointermove", point), { once: true });
  });
}
