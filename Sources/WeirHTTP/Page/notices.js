// SPDX-License-Identifier: Apache-2.0
// What went wrong, since when, and what to do. One line per subject; it goes when the subject recovers.

import { el } from "./dom.js";
import { clockSeconds } from "./format.js";

export class Notices {
  #box;
  #lines = new Map();

  constructor(box) {
    this.#box = box;
    box.setAttribute("role", "status");
  }

  /** A failed request. The old answer stays on screen, so it says how old it is. */
  failed(subject, what, problem, retry) {
    const known = this.#lines.get(subject);
    const since = known?.since ?? Date.now();
    const advice = problem.status === 401 ? "Sign in and load the page again."
      : problem.status === 504 ? "The query took too long: choose a shorter period or fewer runs." : "";
    const text = `${what} could not be loaded since ${clockSeconds(since)}: ${problem.message}. ${advice}`.trim();
    if (known?.text === text) return;
    this.#put(subject, text, since, el("button", { type: "button", class: "button quiet", click: retry }, "Try again"));
  }

  say(subject, text) {
    const close = el("button", { type: "button", class: "button quiet", click: () => this.clear(subject) }, "Dismiss");
    this.#put(subject, text, Date.now(), close);
  }

  clear(subject) {
    this.#lines.get(subject)?.node.remove();
    this.#lines.delete(subject);
  }

  #put(subject, text, since, button) {
    this.#lines.get(subject)?.node.remove();
    const node = el("p", { class: "note", "data-notice": subject }, el("span", {}, text), button);
    this.#lines.set(subject, { node, text, since });
    this.#box.append(node);
  }
}
