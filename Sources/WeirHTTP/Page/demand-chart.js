// SPDX-License-Identifier: Apache-2.0
// <demand-chart>: how much ran and waited. Sends `period` when another one is chosen.

import { choice, el, setAttribute, setText, svg } from "./dom.js";
import { clockTime, date, dayName, LOADING, number } from "./format.js";
import { draw, SERIES, swatch } from "./demand-plot.js";
import { demandTable } from "./demand-table.js";
import { settings } from "./settings.js";

const PERIODS = [
  { value: "hour", label: "1h", title: "The last hour", words: "last hour" },
  { value: "day", label: "1d", title: "The last 24 hours", words: "last 24 hours" },
  { value: "week", label: "1w", title: "The last 7 days", words: "last 7 days" },
  { value: "month", label: "30d", title: "The last 30 days", words: "last 30 days" },
];

class DemandChart extends HTMLElement {
  #period = "hour";
  #steps = [];
  #range = null;
  #stepSeconds = 60;
  #geometry = null;
  #selected = null; // the start of the step under the cursor: it survives a refresh
  #engaged = false;
  #title = el("h2", { id: "demand-title" });
  #svg = svg("svg", { class: "plot", "aria-hidden": "true" });
  #cursor = svg("path", { class: "cursor" });
  #tip = el("div", { class: "tip", hidden: true });
  #said = el("span", { class: "sr-only", "aria-live": "polite", id: "demand-said" });
  #message = el("p", { class: "chart-message" }, LOADING);
  #plot = null;
  #choice = null;
  #legend = new Map();
  #table = null;

  connectedCallback() {
    if (this.#plot) return;
    this.#choice = choice({
      name: "period", legend: "Period", value: this.#period, options: PERIODS,
      onChange: (value) => this.dispatchEvent(new CustomEvent("period", { detail: value })),
    });
    this.#plot = el("div", {
      class: "plot-box", id: "demand-plot", tabindex: 0, role: "group", "aria-roledescription": "chart", "aria-describedby": "demand-hint",
      keydown: (event) => this.#key(event),
      pointermove: (event) => this.#point(event),
      pointerdown: (event) => this.#point(event),
      pointerleave: () => this.#leave(),
      focus: () => { if (this.#plot.matches(":focus-visible")) this.#select(this.#steps.length - 1, true); },
      blur: () => this.#leave(),
    }, this.#svg, this.#message, this.#tip);
    this.#table = demandTable();
    const legend = el("ul", { class: "legend" }, [...SERIES].reverse().map(({ key, label }) => {
      const value = el("b", {}, LOADING);
      this.#legend.set(key, value);
      return el("li", { "data-series": key }, swatch(key), label, value);
    }));
    this.append(
      el("div", { class: "panel-head" }, this.#title, legend, this.#choice.node),
      this.#plot, this.#said,
      el("p", { class: "sr-only", id: "demand-hint" }, "Left and right arrow keys walk through the steps, Home and End go to the ends. The table below has the same numbers."),
      this.#table.node);
    this.period = this.#period;
    new ResizeObserver(() => this.#draw()).observe(this.#plot);
    settings.addEventListener("zone", () => this.#draw());
  }

  get period() { return this.#period; }

  set period(value) {
    this.#period = value;
    const { words } = PERIODS.find((one) => one.value === value);
    this.dataset.period = value;
    setText(this.#title, `Demand, ${words}`);
    this.#plot?.setAttribute("aria-label", `Jobs running and queued, ${words}`);
    this.#choice?.set(value);
  }

  /** An answer of /api/demand for the period that is shown. */
  set answer({ from, to, step_seconds: stepSeconds, demand }) {
    const end = Date.parse(to);
    this.#stepSeconds = stepSeconds;
    this.#steps = demand.map((step) => {
      const start = Date.parse(step.at);
      const stop = start + stepSeconds * 1000;
      return { ...step, from: start, to: stop, partial: false };
    });
    const last = this.#steps.at(-1);
    if (last) last.partial = true; // every period ends now
    this.#range = { from: Math.min(Date.parse(from), this.#steps[0]?.from ?? Infinity), to: Math.max(end, last?.to ?? 0) };
    for (const { key, value } of SERIES) setText(this.#legend.get(key), last ? number(value(last)) : "—");
    this.#draw();
  }

  #draw() {
    const width = Math.floor(this.#plot.clientWidth);
    if (width === 0) return;
    const height = this.#plot.clientHeight;
    this.#message.hidden = this.#steps.length > 0;
    if (this.#steps.length === 0) {
      this.#svg.replaceChildren();
      if (this.#range) setText(this.#message, "No job in this period.");
    } else {
      this.#geometry = draw(this.#svg, {
        steps: this.#steps, period: this.#period, ...this.#range, width, height,
        ceiling: this.#engaged ? (this.#geometry?.top ?? 0) : 0,
      });
      this.#svg.append(this.#cursor);
    }
    this.dataset.steps = this.#steps.length;
    this.#showCursor();
    this.#table.update(this.#steps, (step) => this.#name(step));
  }

  #name({ from, to }) {
    if (this.#period === "hour" || this.#stepSeconds < 3600) {
      const day = this.#period === "hour" || this.#period === "day" ? "" : `${dayName(from)} `;
      return this.#stepSeconds <= 60 ? clockTime(from) : `${day}${clockTime(from)}–${clockTime(to)}`;
    }
    return this.#stepSeconds >= 86400 ? date(from) : `${date(from)} ${clockTime(from)}–${clockTime(to)}`;
  }

  #point(event) {
    if (!this.#geometry || this.#steps.length === 0) return;
    const { frame } = this.#geometry;
    const at = event.clientX - this.#plot.getBoundingClientRect().left;
    const share = (Math.min(frame.right, Math.max(frame.left, at)) - frame.left) / (frame.right - frame.left);
    const time = this.#range.from + share * (this.#range.to - this.#range.from);
    let nearest = 0;
    this.#steps.forEach((step, index) => { if (step.from <= time) nearest = index; });
    this.#select(nearest, false);
  }

  #key(event) {
    if (event.key === "Escape") {
      if (this.#selected === null) return;
      this.#leave();
    } else {
      const current = this.#index() ?? this.#steps.length - 1;
      const target = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: this.#steps.length - 1, PageUp: current - 10, PageDown: current + 10 }[event.key];
      if (target === undefined) return;
      this.#select(target, true);
    }
    event.preventDefault();
  }

  #index() {
    if (this.#selected === null) return null;
    const found = this.#steps.findIndex((step) => step.from === this.#selected);
    return found === -1 ? 0 : found;
  }

  #select(index, announce) {
    if (this.#steps.length === 0) return;
    const step = this.#steps[Math.min(this.#steps.length - 1, Math.max(0, index))];
    this.#engaged = true;
    this.#selected = step.from;
    this.#showCursor();
    if (announce) setText(this.#said, `${this.#name(step)}${step.partial ? ", so far" : ""}: ${step.running} running, ${step.queued} queued, peak ${step.peak}`);
  }

  #leave() {
    this.#engaged = false;
    this.#selected = null;
    setText(this.#said, "");
    this.#showCursor();
  }

  #showCursor() {
    const index = this.#index();
    const step = index === null ? undefined : this.#steps[index];
    this.#tip.hidden = step === undefined;
    setAttribute(this.#cursor, "d", step ? "" : "M0 0");
    if (!step || !this.#geometry) return;
    const { frame, x } = this.#geometry;
    const at = (x(step.from) + x(step.to)) / 2;
    setAttribute(this.#cursor, "d", `M${at} ${frame.top}V${frame.bottom}`);
    const row = (key, label, value, most) => [
      el("dt", {}, key ? swatch(key) : null, label),
      el("dd", {}, number(value), most !== undefined && most > value ? el("i", {}, ` up to ${number(most)}`) : null),
    ];
    this.#tip.replaceChildren(
      el("strong", {}, this.#name(step), step.partial ? " so far" : ""),
      el("dl", {},
        row("running", "Running", step.running, step.running_max),
        row("queued", "Queued", step.queued, step.queued_max),
        row(null, "Blocked", step.blocked),
        row("peak", "Peak", step.peak)));
    const half = this.#tip.offsetWidth / 2;
    const room = this.#plot.clientWidth;
    // Beside the cursor, on the side with more room, so that it never covers what it explains.
    const left = at < room / 2 ? at + 14 : at - 14 - half * 2;
    this.#tip.style.left = `${Math.max(0, Math.min(room - half * 2, left))}px`;
  }
}

customElements.define("demand-chart", DemandChart);
