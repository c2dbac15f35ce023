// What a person is about to save: boxes that hide, a track that is shown, or an edit that is undone.
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// Boxes on some frames; between two of them, the page shows the straight line.
export class Boxes {
  constructor([width, height]) {
    [this.width, this.height] = [width, height];
    this.by = new Map();
  }

  get frames() {
    return [...this.by.keys()].sort((one, other) => one - other);
  }

  // Returns the box on a frame; null before the first box, and after the last.
  at(frame) {
    if (this.by.has(frame)) return this.by.get(frame);
    const before = this.frames.findLast((one) => one < frame);
    const after = this.frames.find((one) => one > frame);
    if (before === undefined || after === undefined) return null;
    const share = (frame - before) / (after - before);
    const [from, to] = [this.by.get(before), this.by.get(after)];
    return from.map((side, number) => side + (to[number] - side) * share);
  }

  // Returns where a box on a frame begins: where it would be, or where it is on the nearest frame.
  start(frame, [x, y], side) {
    const nearest = this.frames.reduce((best, one) => (best === null || Math.abs(one - frame) < Math.abs(best - frame) ? one : best), null);
    const found = this.at(frame) ?? this.by.get(nearest);
    if (found) return found;
    x = clamp(x, side / 2, this.width - side / 2);
    y = clamp(y, side / 2, this.height - side / 2);
    return [x - side / 2, y - side / 2, x + side / 2, y + side / 2];
  }

  put(frame, sides) {
    this.by.set(frame, sides);
  }

  move(frame, [right, down], step, sizes) {
    let [x0, y0, x1, y1] = this.start(frame, [0, 0], step);
    if (sizes) {
      x1 = clamp(x1 + right * step, x0 + 2, this.width);
      y1 = clamp(y1 + down * step, y0 + 2, this.height);
    } else {
      const x = clamp(right * step, -x0, this.width - x1);
      const y = clamp(down * step, -y0, this.height - y1);
      [x0, y0, x1, y1] = [x0 + x, y0 + y, x1 + x, y1 + y];
    }
    this.put(frame, [x0, y0, x1, y1]);
  }

  told() {
    return this.frames.map((frame) => [frame, ...this.by.get(frame)]);
  }
}
