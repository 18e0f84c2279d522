// One card for each press of a button: what both clients did, on one scale of time.

const KEPT = 12;
const KEY = "steps";
/** A card ends this long after the last thing that happened on it. */
const QUIET_MS = 400;

const create = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};

/** The steps of this tab, drawn as they happen and kept over a reload. */
export class Steps {
  #list = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
  #root;
  #drawn = new Map();

  constructor(root) {
    this.#root = root;
    for (const step of this.#list) {
      step.done = true;
      this.#draw(step);
    }
  }

  /** Begins a card. */
  begin(title, hint) {
    const before = this.#list.at(-1);
    if (before) before.done = true;
    const side = () => ({ rows: [], states: [] });
    const step = { title, hint, start: Date.now(), end: 0, sides: { naive: side(), latch: side() }, done: false };
    this.#list.push(step);
    if (this.#list.length > KEPT) this.#list.shift();
    this.#draw(step);
    return step;
  }

  /** The card that things happen on now. */
  get current() {
    return this.#list.at(-1);
  }

  at(step) {
    return Date.now() - step.start;
  }

  state(world, name) {
    const step = this.current;
    if (!step || step.done) return;
    step.sides[world].states.push([this.at(step), name]);
    this.changed(step);
  }

  /** A row with one piece for each thing that happens to it: waiting, or a request on its way. */
  row(step, world, label) {
    const row = { label, pieces: [] };
    step.sides[world].rows.push(row);
    return row;
  }

  piece(step, row, kind) {
    const piece = { kind, from: this.at(step), to: null, text: "" };
    row.pieces.push(piece);
    this.changed(step);
    return piece;
  }

  finish(step, piece, kind, text = "") {
    if (piece.to !== null) return;
    Object.assign(piece, { kind, text, to: this.at(step) });
    this.changed(step);
  }

  verdict(step, world, good, text) {
    step.sides[world].verdict = [good, text];
    this.changed(step);
  }

  changed(step) {
    step.end = Math.max(step.end, this.at(step));
    this.#draw(step);
    sessionStorage.setItem(KEY, JSON.stringify(this.#list));
  }

  /** Lets the bars of what is still under way grow. */
  tick() {
    const step = this.current;
    if (!step || step.done) return;
    const open = Object.values(step.sides).some((side) => side.rows.some((row) => row.pieces.some((piece) => piece.to === null)));
    if (open) this.changed(step);
    else if (this.at(step) > step.end + QUIET_MS) step.settled = true;
  }

  #draw(step) {
    const card = create("article", "step");
    const head = create("h3", "", step.title);
    card.append(head, create("p", "hint", step.hint));
    const sides = create("div", "sides");
    const long = Math.max(step.end, 600) * 1.02;
    for (const world of ["naive", "latch"]) sides.append(drawSide(world, step.sides[world], long));
    card.append(sides);
    const old = this.#drawn.get(step.start);
    if (old) old.replaceWith(card);
    else this.#root.prepend(card);
    this.#drawn.set(step.start, card);
    while (this.#root.children.length > KEPT) this.#root.lastElementChild.remove();
  }
}

function drawSide(world, side, long) {
  const box = create("section", `side ${world}`);
  box.append(create("h4", "", world === "naive" ? "Naive" : "Latch"));
  const percent = (ms) => `${(ms / long) * 100}%`;
  if (side.states.length > 0) {
    const row = create("div", "row states");
    row.append(create("span", "label", "state"));
    const track = create("div", "track");
    side.states.forEach(([from, name], at) => {
      const to = side.states[at + 1]?.[0] ?? long;
      if (to - from < long * 0.004) return;
      const bar = create("span", `span s-${name.replaceAll(" ", "-").toLowerCase()}`, name);
      bar.style.left = percent(from);
      bar.style.width = percent(to - from);
      bar.title = `${name}, from ${from} ms`;
      track.append(bar);
    });
    row.append(track);
    box.append(row);
  }
  for (const { label, pieces } of side.rows) {
    const row = create("div", "row");
    row.append(create("span", "label", label));
    const track = create("div", "track");
    for (const piece of pieces) {
      const to = piece.to ?? long;
      if (piece.kind === "wait" && to - piece.from < 8 && !piece.text) continue;
      const fits = (to - piece.from) / long > piece.text.length * (innerWidth < 720 ? 0.028 : 0.016) + 0.02;
      const bar = create("span", `bar ${piece.kind}${piece.to === null ? " open" : ""}`, fits ? piece.text : "");
      // What does not fit into its bar stands behind it.
      if (!fits) {
        const text = create("span", "beside", piece.text);
        text.style.left = percent(to);
        track.append(text);
      }
      bar.style.left = percent(piece.from);
      bar.style.width = `max(3px, ${percent(to - piece.from)})`;
      bar.title = `${piece.text || piece.kind}: ${piece.from} to ${piece.to ?? "…"} ms`;
      track.append(bar);
    }
    row.append(track);
    box.append(row);
  }
  if (side.verdict) {
    const [good, text] = side.verdict;
    const line = create("p", `verdict ${good === null ? "" : good ? "good" : "bad"}`);
    line.append(create("b", "", good === null ? "– " : good ? "✓ " : "✗ "), text);
    box.append(line);
  }
  return box;
}
