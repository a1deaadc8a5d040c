// SPDX-License-Identifier: Apache-2.0
// <runs-table>: the newest runs. What arrives while somebody points at it or walks through it is held.

import { now, onTick } from "./clock.js";
import { root } from "./api.js";
import { arrange, el, setText } from "./dom.js";
import { emptyState } from "./empty-state.js";
import { keyOf, RunRow } from "./run-row.js";
import { settings } from "./settings.js";

const HEADINGS = [["status", "Status"], ["what", "Run"], ["where", "Repository"], ["actor", "Actor"], ["jobs", "Jobs"], ["duration", "Duration"], ["created", "Created"]];

class RunsTable extends HTMLElement {
  #rows = new Map();
  #pending = null;
  #pointer = false;
  #loaded = false;
  #context = { filtered: false, paged: false };
  #ingest = undefined;
  #table = null;
  #empty = el("div", { class: "empty", id: "runs-empty", hidden: true });
  #note = el("div", { class: "held", id: "held" });
  #heldText = el("span", { role: "status", id: "held-text" });
  #heldButton = el("button", { type: "button", class: "button", id: "held-show", click: () => this.release() }, "Show");
  #newer = el("button", { type: "button", class: "button", id: "newer", click: () => this.#page("newer") }, "← Newer");
  #older = el("button", { type: "button", class: "button", id: "older", click: () => this.#page("older") }, "Older →");

  connectedCallback() {
    if (this.#table) return;
    this.#heldButton.hidden = true;
    this.#note.append(this.#heldText, this.#heldButton);
    this.#table = el("table", { class: "runs", role: "table", "aria-labelledby": "runs-title", "aria-busy": "true" },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" },
        HEADINGS.map(([name, text]) => el("th", { role: "columnheader", scope: "col", class: `c-${name}` }, text)))));
    this.append(this.#note, this.#table, this.#empty,
      el("nav", { class: "pages", "aria-label": "Pages of runs" }, this.#newer, this.#older));
    this.#newer.disabled = true;
    this.#older.disabled = true;
    // A finger does not hover; what it taps gets the focus, and that is not visible focus.
    this.#table.addEventListener("pointerenter", (event) => { this.#pointer = event.pointerType !== "touch"; });
    this.#table.addEventListener("pointerleave", () => { this.#pointer = false; this.#settle(); });
    this.#table.addEventListener("focusout", () => setTimeout(() => this.#settle()));
    settings.addEventListener("paused", () => this.#settle());
    settings.addEventListener("zone", () => this.#tick(now()));
    onTick((time) => this.#tick(time));
  }

  /** Only focus that can be seen holds: a click leaves its focus behind unnoticed. */
  get held() {
    return settings.paused || this.#pointer || this.#table.querySelector(":focus-visible") !== null;
  }

  /** A page from the server. `force` for what a person asked for. */
  show(page, context, { force = false } = {}) {
    if (!force && this.#loaded && this.held) {
      this.#pending = { page, context };
      this.#announce();
    } else {
      this.#apply(page, context, { mark: !force });
    }
  }

  release() {
    const { page, context } = this.#pending ?? {};
    if (page) this.#apply(page, context);
  }

  changed(runs, more) {
    if (settings.paused) return;
    for (const run of more ? [...this.#rows.values()].map((row) => row.run) : runs) this.#rows.get(keyOf(run))?.refreshJobs();
  }

  refreshOpen() {
    for (const row of this.#rows.values()) row.refreshJobs();
  }

  set ingest(frame) {
    const first = this.#ingest === undefined || (this.#ingest.deliveries === 0) !== (frame.deliveries === 0);
    this.#ingest = frame;
    if (first && this.#loaded) this.#renderEmpty();
  }

  /** `j` and `k`. */
  step(by) {
    const buttons = [...this.#rows.values()].map((row) => row.button);
    const at = buttons.findIndex((button) => button.closest("tbody").contains(document.activeElement));
    const next = at === -1 ? (by > 0 ? 0 : buttons.length - 1) : Math.min(buttons.length - 1, Math.max(0, at + by));
    buttons[next]?.focus();
    buttons[next]?.scrollIntoView({ block: "nearest" });
  }

  #page(direction) {
    this.dispatchEvent(new CustomEvent("page", { detail: direction }));
  }

  #settle() {
    if (this.#pending && !this.held) this.release();
  }

  #apply(page, context, { mark = true } = {}) {
    this.#pending = null;
    this.#context = context;
    const known = this.#rows;
    this.#rows = new Map();
    for (const run of page.runs) {
      const key = keyOf(run);
      const row = known.get(key) ?? new RunRow(key);
      row.update(run);
      row.node.toggleAttribute("data-new", mark && this.#loaded && !context.paged && !known.has(key));
      this.#rows.set(key, row);
      known.delete(key);
    }
    for (const row of known.values()) row.retire();
    this.#loaded = true;
    this.#table.removeAttribute("aria-busy");
    arrange(this.#table, [this.#table.tHead, ...[...this.#rows.values()].map((row) => row.node)]);
    this.#newer.disabled = !context.paged;
    this.#older.disabled = page.next_cursor === null;
    this.nextCursor = page.next_cursor;
    this.#announce();
    this.#renderEmpty();
  }

  #announce() {
    const runs = this.#pending?.page.runs ?? [];
    const fresh = runs.filter((run) => !this.#rows.has(keyOf(run)));
    const changed = runs.filter((run) => this.#rows.get(keyOf(run))?.differs(run));
    const parts = [];
    if (fresh.length > 0) parts.push(`${fresh.length}${fresh.length === runs.length ? "+" : ""} new`);
    if (changed.length > 0) parts.push(`${changed.length} changed`);
    setText(this.#heldText, parts.join(", "));
    this.#heldButton.hidden = parts.length === 0;
    this.#note.toggleAttribute("data-active", parts.length > 0);
    if (!settings.paused) for (const run of changed) this.#rows.get(keyOf(run)).foretell(run);
  }

  #renderEmpty() {
    const empty = this.#rows.size === 0;
    this.#table.hidden = empty;
    this.#empty.hidden = !empty;
    this.#newer.parentNode.hidden = empty && !this.#context.paged;
    if (!empty) this.#empty.replaceChildren();
    else this.#empty.replaceChildren(...emptyState(this.#context, this.#ingest, new URL("webhook", root).href));
  }

  #tick(time) {
    for (const row of this.#rows.values()) row.tick(time);
  }
}

customElements.define("runs-table", RunsTable);
