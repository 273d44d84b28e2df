/** A card for each person: avatar, words, a bar for each emotion, and in live pictures the last half minute. */

import type { Reading } from "./emoji-mation";
import { History, SPAN_S } from "./chart";
import type { Painter } from "./draw";
import { sizePx, type Face } from "./faces";
import { filled } from "./languages";

const AVATAR_PX = 96, CHART_EVERY_S = 0.2, MOST = 12;

const made = (tag: string, className: string, html = ""): HTMLElement => Object.assign(document.createElement(tag), { className, innerHTML: html });

class Card {
  readonly element = made("article", "card");
  private avatar = document.createElement("canvas");
  private chart = document.createElement("canvas");
  private history = new History();
  private drawn = -1;

  constructor(private painter: Painter, live: boolean) {
    const { n: { labels }, names } = painter, ratio = Math.min(devicePixelRatio, 2);
    this.avatar.width = this.avatar.height = AVATAR_PX * ratio;
    this.element.lang = painter.language;
    const bars = names.map((name, i) =>
      `<div><dt dir="auto">${name}</dt><dd class="track"><i style="--colour:${labels.colours[i]}"></i></dd><dd class="share"></dd></div>`);
    this.element.innerHTML = `<header><div><h2 dir="auto"></h2><p></p></div></header><dl class="bars">${bars.join("")}</dl>`;
    this.element.querySelector("header")!.prepend(this.avatar);
    this.avatar.setAttribute("aria-hidden", "true");
    if (!live) return;
    this.chart.setAttribute("role", "img");
    this.chart.setAttribute("aria-label", `Emotions of the last ${SPAN_S} seconds`);
    this.element.append(this.chart, made("p", "scale", `<span>${SPAN_S} s ago</span><span>now</span>`));
  }

  get newest(): number { return this.history.newest; }

  update(face: Face, name: string, time: number | null): void {
    const { painter } = this, answer = painter.answer(face), { probabilities } = face;
    const percent = (i: number): string => `${Math.round(100 * probabilities[i])}%`;
    this.text("h2", answer.words);
    const detail = { sure: percent(answer.ranked[0]), leaning: `${percent(answer.ranked[0])} and ${percent(answer.ranked[1])}`,
      "not sure": `${filled(painter.said.perhaps, painter.names[answer.ranked[0]])}, ${percent(answer.ranked[0])}` }[answer.certainty];
    this.text("header p", [name, detail].filter(Boolean).join(" · "));
    this.element.style.setProperty("--mood", painter.colour(answer));
    this.element.querySelectorAll<HTMLElement>(".bars > div").forEach((row, i) => {
      row.classList.toggle("best", i === answer.ranked[0]);
      row.querySelector("i")!.style.width = `${100 * probabilities[i]}%`;
      row.querySelector(".share")!.textContent = percent(i);
    });
    this.face(probabilities, time ?? performance.now() / 1000, face.trackId ?? 0);
    if (time !== null) this.remember(probabilities, time);
  }

  face(probabilities: number[], time: number, seed: number): void {
    const pen = this.avatar.getContext("2d")!, { width } = this.avatar;
    pen.clearRect(0, 0, width, width);
    this.painter.avatar.draw(pen, probabilities, width / 2, width / 2, width, time, 0, seed);
  }

  private remember(probabilities: number[], time: number): void {
    this.history.add(time, probabilities);
    if (time - this.drawn < CHART_EVERY_S) return;
    this.drawn = time;
    this.history.draw(this.chart, this.painter.n.labels.colours, time);
  }

  private text(place: string, words: string): void {
    const node = this.element.querySelector(place)!;
    if (node.textContent !== words) node.textContent = words;
  }
}

/** The cards of all people in view, largest face first in a photo, by number in a stream. */
export class People {
  private cards = new Map<number, Card>();
  private live = false;

  constructor(private place: HTMLElement) {}

  clear(): void {
    this.cards.clear();
    this.place.replaceChildren();
  }

  show({ faces, time }: Reading, painter: Painter): void {
    if (this.live !== (time !== null) || time === null) this.clear();
    this.live = time !== null;
    const shown = this.live ? faces.toSorted((a, b) => a.trackId! - b.trackId!) : faces.toSorted((a, b) => sizePx(b) - sizePx(a));
    shown.slice(0, MOST).forEach((face, i) => {
      const key = face.trackId ?? i, card = this.cards.get(key) ?? this.added(key, painter);
      card.update(face, this.live || faces.length > 1 ? `Person ${face.trackId ?? i + 1}` : "", time);
    });
    if (time !== null) this.leave(time);
  }

  private added(key: number, painter: Painter): Card {
    const card = new Card(painter, this.live);
    this.cards.set(key, card);
    this.place.append(card.element);
    return card;
  }

  /** Whoever has not been seen for a while makes room. */
  private leave(time: number): void {
    for (const [key, card] of this.cards) {
      if (time - card.newest < 2) continue;
      card.element.remove();
      this.cards.delete(key);
    }
  }
}
