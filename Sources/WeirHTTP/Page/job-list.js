// SPDX-License-Identifier: Apache-2.0
// The jobs of one open run.

import * as api from "./api.js";
import { arrange, el, safeURL, setAttribute, setText } from "./dom.js";
import { absolute, duration, isoDuration, milliseconds, plural } from "./format.js";
import { Refresher } from "./refresh.js";
import { badge } from "./status.js";

const HEADINGS = ["Status", "Job", "Labels", "Queue time", "Run time", "Runner"];

class JobRow {
  #badge = badge();
  #link = el("a", { class: "job-name", rel: "noreferrer" });
  #labels = el("ul", { class: "chips", "aria-label": "Labels" });
  #labelText = null;
  #queue = el("time");
  #run = el("time");
  #runner = el("span", { class: "mono" });
  #job = null;

  constructor() {
    this.node = el("tr", { role: "row" },
      cell("Status", this.#badge.node),
      cell("Job", this.#link),
      cell("Labels", this.#labels),
      cell("Queue time", this.#queue),
      cell("Run time", this.#run),
      cell("Runner", this.#runner));
  }

  update(job, now) {
    this.#job = job;
    this.node.dataset.job = job.id;
    this.node.dataset.status = job.status;
    this.#badge.update(job);
    setText(this.#link, job.name);
    setAttribute(this.#link, "href", safeURL(job.url));
    setText(this.#runner, job.runner ?? "—");
    const labels = job.labels.join("\n");
    if (labels !== this.#labelText) {
      this.#labelText = labels;
      this.#labels.replaceChildren(...job.labels.map((label) => el("li", {}, label)));
    }
    this.tick(now);
  }

  /** Times are settled by the server; until then they run here, from the same instants. */
  tick(now) {
    const { status, conclusion, estimated } = this.#job;
    const open = status !== "completed";
    const started = milliseconds(this.#job.started_at);
    const queueing = status === "queued";
    const queue = this.#job.queue_seconds ?? (queueing ? (now - milliseconds(this.#job.created_at)) / 1000 : null);
    const running = status === "in_progress" && started !== null;
    const run = this.#job.run_seconds ?? (running ? (now - started) / 1000 : null);
    const mark = estimated ? "~" : "";
    write(this.#queue, queue, queueing && this.#job.queue_seconds === null, mark);
    write(this.#run, conclusion === "skipped" ? null : run, open && this.#job.run_seconds === null, mark);
    const blocked = this.#job.blocked_seconds > 0 ? `blocked ${duration(this.#job.blocked_seconds)} before` : null;
    const note = [blocked, estimated ? "estimated from times of receipt" : null].filter(Boolean).join("; ");
    setAttribute(this.#queue, "title", note || null);
    setAttribute(this.#run, "title", started === null ? null : `started ${absolute(started)}`);
  }
}

function cell(label, ...content) {
  return el("td", { role: "cell", "data-label": label }, content);
}

function write(node, seconds, ticking, mark) {
  const text = duration(seconds, { whole: ticking });
  setText(node, seconds === null ? text : mark + text);
  setAttribute(node, "datetime", isoDuration(seconds));
}

export class JobList {
  #run;
  #now;
  #rows = new Map();
  #body = el("tbody", { role: "rowgroup" });
  #message = el("p", { class: "jobs-message", role: "status" }, "Loading the jobs…");
  #more = el("button", { type: "button", class: "button quiet", hidden: true, click: () => this.#showMore() }, "More jobs");
  #pages = 1;
  #refresher = new Refresher(() => this.#load(), 1000);

  constructor(run, now) {
    this.#run = run;
    this.#now = now;
    this.table = el("table", { class: "jobs", role: "table", hidden: true },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" },
        HEADINGS.map((text) => el("th", { role: "columnheader", scope: "col" }, text)))),
      this.#body);
    this.node = el("div", { class: "job-list" }, this.#message, this.table, this.#more);
    this.refresh();
  }

  refresh() {
    this.#refresher.request();
  }

  stop() {
    this.#refresher.cancel();
  }

  tick(now) {
    for (const row of this.#rows.values()) row.tick(now);
  }

  #showMore() {
    this.#pages += 1;
    this.#refresher.now();
  }

  async #load() {
    try {
      const jobs = [];
      let cursor = null;
      for (let page = 0; page < this.#pages; page += 1) {
        const answer = await api.jobs(this.#run, cursor);
        jobs.push(...answer.jobs);
        cursor = answer.next_cursor;
        if (!cursor) break;
      }
      this.#show(jobs, cursor !== null);
    } catch (problem) {
      setText(this.#message, `The jobs could not be loaded: ${problem.message}.`);
      this.#message.hidden = false;
    }
  }

  #show(jobs, more) {
    const now = this.#now();
    const rows = new Map();
    for (const job of jobs) {
      const row = this.#rows.get(job.id) ?? new JobRow();
      row.update(job, now);
      rows.set(job.id, row);
    }
    this.#rows = rows;
    arrange(this.#body, [...rows.values()].map((row) => row.node));
    this.table.hidden = jobs.length === 0;
    setAttribute(this.table, "aria-label", plural(jobs.length, "job"));
    this.#message.hidden = jobs.length > 0;
    setText(this.#message, "No job of this run is known yet.");
    this.#more.hidden = !more;
  }
}
