// SPDX-License-Identifier: Apache-2.0
// One-key shortcuts, their list, and the switch that turns them off (WCAG 2.1.4).

import { el } from "./dom.js";
import { settings } from "./settings.js";

const KEYS = [
  ["p", "pause or resume"],
  ["/", "go to the filters"],
  ["j  k", "next or previous run"],
  ["Enter", "open or close the run"],
  ["← →", "walk through the chart, when it has the focus"],
  ["?", "this help"],
  ["Esc", "close, or leave the chart"],
];

class HelpDialog extends HTMLElement {
  #dialog = null;

  connectedCallback() {
    if (this.#dialog) return;
    const toggle = el("input", { type: "checkbox", id: "shortcuts", change: () => { settings.shortcuts = toggle.checked; } });
    toggle.checked = settings.shortcuts;
    this.#dialog = el("dialog", { "aria-labelledby": "help-title" },
      el("h2", { id: "help-title" }, "Keys"),
      el("dl", { class: "keys" }, KEYS.map(([keys, meaning]) => [
        el("dt", {}, keys.split("  ").map((key) => el("kbd", {}, key))),
        el("dd", {}, meaning),
      ]).flat()),
      el("label", { class: "check" }, toggle, "Use one-key shortcuts"),
      el("form", { method: "dialog" }, el("button", { class: "button", autofocus: true }, "Close")),
    );
    this.append(this.#dialog);
  }

  open() {
    if (!this.#dialog.open) this.#dialog.showModal();
  }
}

customElements.define("help-dialog", HelpDialog);

/** Calls the action of a key, never while somebody types, and never with a modifier held. */
export function shortcuts(actions) {
  document.addEventListener("keydown", (event) => {
    if (!settings.shortcuts || event.defaultPrevented) return;
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.target.closest("input:not([type=radio]), select, textarea, dialog, [contenteditable]")) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
