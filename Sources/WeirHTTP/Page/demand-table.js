// SPDX-License-Identifier: Apache-2.0
// The chart's numbers as a table, newest first. It is only filled while it is open.

import { el, setText } from "./dom.js";
import { number } from "./format.js";

const COLUMNS = [
  ["Running", (step) => step.running],
  ["Queued", (step) => step.queued],
  ["Blocked", (step) => step.blocked],
  ["Most running", (step) => step.running_max],
  ["Most queued", (step) => step.queued_max],
  ["Peak", (step) => step.peak],
];

export function demandTable() {
  const body = el("tbody");
  const table = el("table", {},
    el("caption", { class: "sr-only" }, "Demand by step; running, queued and blocked at the end of each step"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Time"), COLUMNS.map(([label]) => el("th", { scope: "col" }, label)))),
    body);
  let current = { steps: [], name: String };
  const fill = () => {
    if (!node.open) {
      body.replaceChildren();
      return;
    }
    const { steps, name } = current;
    while (body.rows.length > steps.length) body.lastElementChild.remove();
    while (body.rows.length < steps.length) {
      body.append(el("tr", {}, el("th", { scope: "row" }), COLUMNS.map(() => el("td"))));
    }
    [...steps].reverse().forEach((step, index) => {
      const { cells } = body.rows[index];
      setText(cells[0], name(step) + (step.partial ? " (so far)" : ""));
      COLUMNS.forEach(([, value], column) => setText(cells[column + 1], number(value(step))));
    });
  };
  const node = el("details", { class: "twin", id: "demand-table", toggle: fill },
    el("summary", {}, "Show as table"),
    el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Demand as table" }, table));
  return {
    node,
    update(steps, name) {
      current = { steps, name };
      fill();
    },
  };
}
