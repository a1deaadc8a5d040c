// SPDX-License-Identifier: Apache-2.0
// Every state has a shape, a word and a colour; the shape and the word alone are enough to tell them apart.
// Shapes are drawn in a 16 × 16 box. Classes: `fill`, `line` (stroked), `cut` (stroked in the page's colour).

import { el, svg } from "./dom.js";

const OCTAGON = "M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3z";
const RING = "M8 1.9a6.1 6.1 0 1 0 0 12.2a6.1 6.1 0 1 0 0-12.2z";
const DISC = "M8 1a7 7 0 1 0 0 14a7 7 0 1 0 0-14z";
const SQUARE = "M3.5 1.5h9a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2v-9a2 2 0 0 1 2-2z";
const HANDS = "M8 4.7V8l2.3 1.5";

const SHAPES = {
  success: [["fill", DISC], ["cut", "M4.8 8.2l2.2 2.2l4.2-4.6"]],
  failure: [["fill", OCTAGON], ["cut", "M5.5 5.5l5 5M10.5 5.5l-5 5"]],
  timed_out: [["line", OCTAGON], ["line", HANDS]],
  startup_failure: [["fill", OCTAGON], ["cut", "M8 4.2v4.6M8 11.1v.4"]],
  running: [["line", RING], ["fill", "M8 4.2a3.8 3.8 0 0 1 0 7.6z"]],
  queued: [["line", RING], ["line", HANDS]],
  blocked: [["line", SQUARE], ["line", "M6.2 5.4v5.2M9.8 5.4v5.2"]],
  action_required: [["fill", SQUARE], ["cut", "M8 4.2v4.6M8 11.1v.4"]],
  cancelled: [["line", RING], ["line", "M3.9 12.1l8.2-8.2"]],
  skipped: [["line", "M2 8h8.5M7.5 4.5L11 8l-3.5 3.5M13.8 4v8"]],
  neutral: [["fill", "M4.5 4.5h7v7h-7z"]],
  stale: [["line dashed", RING], ["line", "M6.3 6.4a1.8 1.8 0 1 1 2.4 1.7c-.5.2-.7.5-.7 1M8 11.2v.2"]],
  time: [["line", RING], ["line", HANDS]],
  peak: [["line", "M1.5 13.5L6 5l3 4.5l2-3l3.5 7z"]],
};

const LOOKS = {
  waiting: ["blocked", "Waiting"],
  requested: ["blocked", "Requested"],
  pending: ["blocked", "Pending"],
  queued: ["queued", "Queued"],
  in_progress: ["running", "Running"],
  success: ["success", "Success"],
  failure: ["failure", "Failed"],
  cancelled: ["cancelled", "Cancelled"],
  timed_out: ["timed_out", "Timed out"],
  action_required: ["action_required", "Action required"],
  neutral: ["neutral", "Neutral"],
  skipped: ["skipped", "Skipped"],
  stale: ["stale", "Stale"],
  startup_failure: ["startup_failure", "Startup failure"],
};

export const STATUSES = [
  ["queued", "Queued"],
  ["in_progress", "Running"],
  ["completed", "Completed"],
  ["waiting", "Waiting (blocked)"],
  ["requested", "Requested (blocked)"],
  ["pending", "Pending (blocked)"],
];

export const CONCLUSIONS = [
  "success", "failure", "cancelled", "timed_out", "action_required",
  "neutral", "skipped", "stale", "startup_failure",
].map((value) => [value, LOOKS[value][1]]);

/** The shape and the word of a run or a job. A state we do not know keeps its own name. */
export function look({ status, conclusion }) {
  const key = status === "completed" ? (conclusion ?? "neutral") : status;
  const [shape, word] = LOOKS[key] ?? ["stale", key ?? "Unknown"];
  return { shape, word: status === "completed" && !conclusion ? "Completed" : word };
}

export function icon(shape, size = 16) {
  const node = svg("svg", { class: `icon ${shape}`, viewBox: "0 0 16 16", width: size, height: size, "aria-hidden": "true" });
  node.append(...(SHAPES[shape] ?? SHAPES.stale).map(([name, d]) => svg("path", { class: name, d })));
  return node;
}

/** A badge that changes in place. */
export function badge() {
  const word = el("span", { class: "word" });
  const node = el("span", { class: "badge" }, word);
  let shown = null;
  return {
    node,
    update(state) {
      const { shape, word: text } = look(state);
      if (shown === `${shape} ${text}`) return;
      shown = `${shape} ${text}`;
      node.dataset.shape = shape;
      node.replaceChildren(icon(shape), word);
      word.textContent = text;
    },
  };
}
