// The pictures of one stream: fetched ahead, and kept in memory for a while.
const AT_ONCE = 3; // Requests at a time.
const KEPT = 48; // Pictures.

export class Pictures {
  constructor(base) {
    this.base = base;
    this.kept = new Map(); // From a key to a picture, the one used last at the end.
    this.waiting = new Map(); // From a key to the promise of a picture.
    this.queue = [];
    this.running = 0;
  }

  // Returns the picture if it is there already.
  now(frame, of, width) {
    return this.kept.get(this.key(frame, of, width));
  }

  get(frame, of, width) {
    const key = this.key(frame, of, width);
    const kept = this.kept.get(key);
    if (kept) {
      this.kept.delete(key);
      this.kept.set(key, kept);
      return Promise.resolve(kept);
    }
    if (!this.waiting.has(key)) this.waiting.set(key, new Promise((done, failed) => this.queue.push({ key, done, failed })));
    // What is asked for last is wanted first.
    this.queue.sort((one, other) => (one.key === key) - (other.key === key));
    this.pump();
    return this.waiting.get(key);
  }

  // Drops what nobody has begun to fetch: the person has gone elsewhere.
  forget() {
    for (const { key, failed } of this.queue.splice(0)) {
      this.waiting.get(key).catch(() => {});
      this.waiting.delete(key);
      failed(new DOMException("", "AbortError"));
    }
  }

  close() {
    this.forget();
    for (const picture of this.kept.values()) picture.close();
    this.kept.clear();
  }

  key(frame, of, width) {
    return `${this.base}/${frame}/${width}/${of}`;
  }

  async pump() {
    if (this.running >= AT_ONCE || !this.queue.length) return;
    this.running++;
    const { key, done, failed } = this.queue.pop();
    try {
      const answer = await fetch(key);
      if (!answer.ok) throw new Error(await answer.text());
      const picture = await createImageBitmap(await answer.blob());
      this.kept.set(key, picture);
      for (const [oldest, old] of this.kept) {
        if (this.kept.size <= KEPT) break;
        this.kept.delete(oldest);
        old.close();
      }
      done(picture);
    } catch (error) {
      failed(error);
    }
    this.waiting.delete(key);
    this.running--;
    this.pump();
  }
}
