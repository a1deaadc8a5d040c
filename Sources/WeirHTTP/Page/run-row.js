// SPDX-License-Identifier: Apache-2.0
// One run: a row that keeps its identity while what it shows changes, and its jobs when it is open.

import { now } from "./clock.js";
import { el, safeURL, setAttribute, setText, svg } from "./dom.js";
import { absolute, ago, duration, isoDuration, milliseconds, NONE } from "./format.js";
import { JobList } from "./job-list.js";
import { badge, look } from "./status.js";

export const COLUMNS = 7;

export const keyOf = ({ source, id, attempt }) => `${source}/${id}/${attempt}`;

// The order of the parts of the bar, from done to not begun.
const PARTS = ["done", "failed", "running", "queued", "blocked"];

export class RunRow {
  open = false;
  #run = null;
  #signature = "";
  #badge = badge();
  #later = badge();
  #chevron = svg("svg", { class: "chevron", viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" },
    svg("path", { class: "line", d: "M6 3.5L10.5 8L6 12.5" }));
  #title = el("a", { class: "title", "data-field": "title", rel: "noreferrer" });
  #name = el("span", { "data-field": "name" });
  #event = el("span", { "data-field": "event" });
  #attempt = el("span", { class: "chip", "data-field": "attempt" });
  #repository = el("span", { "data-field": "repository" });
  #branch = el("span", { class: "mono", "data-field": "branch" });
  #actor = el("span", { "data-field": "actor" });
  #bar = svg("svg", { class: "bar", width: "72", height: "6", viewBox: "0 0 72 6", preserveAspectRatio: "none", "aria-hidden": "true" });
  #jobs = el("span", { class: "count", "data-field": "jobs" });
  #duration = el("time", { "data-field": "duration" });
  #created = el("time", { "data-field": "created" });
  #detail = null;
  #times = el("p", { class: "times" });
  #list = null;

  constructor(key) {
    this.key = key;
    const panel = `jobs-${key.replace(/[^\w-]/g, "-")}`;
    this.button = el("button", { type: "button", class: "toggle", "aria-expanded": "false", "aria-controls": panel, click: () => this.toggle() },
      this.#chevron, this.#badge.node);
    this.#later.node.classList.add("later");
    this.#later.node.hidden = true;
    this.#detail = el("tr", { role: "row", class: "detail", hidden: true, id: panel },
      el("td", { role: "cell", colspan: COLUMNS }, this.#times));
    this.node = el("tbody", { role: "rowgroup", class: "run", "data-run": key },
      el("tr", { role: "row" },
        cell("status", "Status", this.button, this.#later.node),
        cell("what", "Run", this.#title, el("span", { class: "second" }, this.#name, this.#event, this.#attempt)),
        cell("where", "Repository", this.#repository, el("span", { class: "second" }, this.#branch)),
        cell("actor", "Actor", this.#actor),
        cell("jobs", "Jobs", el("span", { class: "jobs-line" }, this.#bar, this.#jobs)),
        cell("duration", "Duration", this.#duration),
        cell("created", "Created", this.#created)),
      this.#detail);
  }

  /** Whether `run` would change what is shown. */
  differs(run) {
    return JSON.stringify(run) !== this.#signature;
  }

  get run() { return this.#run; }

  update(run) {
    const signature = JSON.stringify(run);
    this.#later.node.hidden = true;
    if (signature === this.#signature) return;
    this.#signature = signature;
    this.#run = run;
    this.node.dataset.status = run.status;
    setAttribute(this.node, "data-conclusion", run.conclusion);
    this.#badge.update(run);
    const name = run.name ?? `Run ${run.id}`;
    setText(this.#title, run.title ?? name);
    setAttribute(this.#title, "href", safeURL(run.url));
    setText(this.#name, name);
    setText(this.#event, run.event ?? "");
    setText(this.#attempt, run.attempt > 1 ? `attempt ${run.attempt}` : "");
    setText(this.#repository, run.repository ?? NONE);
    setAttribute(this.#repository, "title", run.source);
    setText(this.#branch, run.branch ?? NONE);
    setAttribute(this.#branch, "title", run.branch);
    setText(this.#actor, run.actor ?? NONE);
    this.#drawJobs(run.jobs);
    setAttribute(this.button, "aria-label", `${look(run).word}: ${run.title ?? name}, jobs`);
    this.tick(now());
  }

  /** While the table is held a row still says, in place, that its run finished. */
  foretell(run) {
    if (run.status !== "completed" || this.#run.status === "completed") return;
    this.#later.update(run);
    this.#later.node.hidden = false;
    this.#writeDuration(run, now());
  }

  toggle(open = !this.open) {
    if (open === this.open) return;
    this.open = open;
    this.button.setAttribute("aria-expanded", String(open));
    this.#detail.hidden = !open;
    if (open) {
      this.#list = new JobList(this.#run, now);
      this.#detail.firstChild.append(this.#list.node);
      this.tick(now());
    } else {
      this.#list.stop();
      this.#list.node.remove();
      this.#list = null;
    }
  }

  refreshJobs() {
    this.#list?.refresh();
  }

  retire() {
    this.#list?.stop();
  }

  tick(time) {
    if (this.#later.node.hidden) this.#writeDuration(this.#run, time);
    const created = milliseconds(this.#run.created_at);
    setText(this.#created, ago(created, time));
    setAttribute(this.#created, "datetime", this.#run.created_at);
    setAttribute(this.#created, "title", absolute(created));
    if (!this.open) return;
    this.#list.tick(time);
    const started = milliseconds(this.#run.started_at);
    setText(this.#times, `Created ${absolute(created)}${started === null ? "" : ` · started ${absolute(started)}`}`);
  }

  #writeDuration(run, time) {
    const started = milliseconds(run.started_at);
    const updated = milliseconds(run.updated_at);
    const waiting = run.status !== "completed" && run.status !== "in_progress";
    let seconds = null;
    if (run.status === "completed" && started !== null && updated !== null) seconds = (updated - started) / 1000;
    else if (run.status === "in_progress" && started !== null) seconds = (time - started) / 1000;
    else if (waiting) seconds = (time - milliseconds(run.created_at)) / 1000;
    const text = duration(seconds, { whole: run.status !== "completed" });
    setText(this.#duration, waiting ? `waits ${text}` : text);
    setAttribute(this.#duration, "datetime", isoDuration(seconds));
    setAttribute(this.#duration, "class", waiting ? "waits" : null);
  }

  #drawJobs({ total, blocked, queued, running, completed, failed }) {
    setText(this.#jobs, `${completed}/${total}`);
    const words = [`${completed} of ${total} jobs done`];
    if (failed > 0) words.push(`${failed} failed`);
    if (running > 0) words.push(`${running} running`);
    if (queued > 0) words.push(`${queued} queued`);
    if (blocked > 0) words.push(`${blocked} blocked`);
    setAttribute(this.#jobs.parentNode, "title", words.join(", "));
    const counts = { done: completed - failed, failed, running, queued, blocked };
    let left = 0;
    const parts = [];
    for (const name of PARTS) {
      const width = total > 0 ? (counts[name] / total) * 72 : 0;
      // A gap between the parts: two colours never touch.
      if (width > 0) parts.push(svg("rect", { class: name, x: left, y: 0, width: Math.max(1, width - 1), height: 6, rx: 1 }));
      left += Math.max(0, width);
    }
    this.#bar.replaceChildren(...parts);
  }
}

function cell(name, label, ...content) {
  return el("td", { role: "cell", class: `c-${name}`, "data-label": label }, content);
}
