// SPDX-License-Identifier: Apache-2.0
// <metric-card data-metric="running">: one figure. It knows how its metric is written, not where it comes from.

import { el, setAttribute, setText } from "./dom.js";
import { duration, exact, isoDuration, LOADING, number } from "./format.js";
import { icon } from "./status.js";

const METRICS = {
  running: { label: "Running", note: "jobs now", shape: "running" },
  queued: { label: "Queued", note: "jobs waiting for a runner", shape: "queued" },
  blocked: { label: "Blocked", note: "jobs held back", shape: "blocked" },
  "average-queue": { label: "Average queue time", note: "last 24 h", shape: "time", time: true },
  "average-run": { label: "Average run time", note: "last 24 h", shape: "time", time: true },
  peak: { label: "Peak", note: "running + queued, last 24 h", shape: "peak" },
};

class MetricCard extends HTMLElement {
  #metric = METRICS[this.dataset.metric];
  #figure = null;

  connectedCallback() {
    if (this.#figure) return;
    const { label, note, shape, time } = this.#metric;
    const id = `metric-${this.dataset.metric}`;
    this.#figure = el(time ? "time" : "span", { class: "figure", "aria-labelledby": id }, LOADING);
    this.append(
      el("span", { class: "label", id }, icon(shape), label),
      this.#figure,
      el("span", { class: "note-line" }, note),
    );
  }

  /** `undefined` is not known yet, `null` is no data. */
  set value(value) {
    const { time } = this.#metric;
    setText(this.#figure, time ? duration(value) : number(value));
    setAttribute(this.#figure, "title", time ? null : value >= 10000 ? exact(value) : null);
    if (time) setAttribute(this.#figure, "datetime", isoDuration(value));
    setAttribute(this, "data-value", value ?? null);
  }
}

customElements.define("metric-card", MetricCard);

/** The six cards together, and the rule which of two sources is the newer one. */
export class Cards {
  #cards = new Map();
  #counted = -Infinity;
  #peak = null;

  constructor(section) {
    for (const card of section.querySelectorAll("metric-card")) this.#cards.set(card.dataset.metric, card);
  }

  counts({ running, queued, blocked, at }) {
    const time = Date.parse(at);
    // An answer that was on its way while a newer frame arrived. Much older is a clock that was set back.
    if (time < this.#counted && this.#counted - time < 30000) return;
    this.#counted = time;
    this.#set({ running, queued, blocked });
    if (this.#peak !== null && running + queued > this.#peak) {
      this.#peak = running + queued;
      this.#set({ peak: this.#peak });
    }
  }

  summary(answer) {
    this.#peak = answer.peak;
    this.#set({
      peak: answer.peak,
      "average-queue": answer.average_queue_seconds,
      "average-run": answer.average_run_seconds,
    });
    this.counts(answer);
  }

  #set(values) {
    for (const [metric, value] of Object.entries(values)) this.#cards.get(metric).value = value;
  }
}
