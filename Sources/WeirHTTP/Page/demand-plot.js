// SPDX-License-Identifier: Apache-2.0
// Draws the demand into an SVG of a given size. Running lies at the bottom, queued on top of it with a
// hatch and a gap between, the peak is a thin line; hatch and dash tell them apart without colour.

import { svg } from "./dom.js";
import { number } from "./format.js";
import { area, countTicks, line, segments, spread, tickRoom, timeTicks } from "./demand-scale.js";

export const SERIES = [
  { key: "peak", label: "Peak", value: (step) => step.peak },
  { key: "queued", label: "Queued", value: (step) => step.queued },
  { key: "running", label: "Running", value: (step) => step.running },
];

export function swatch(key) {
  const node = svg("svg", { class: "swatch", viewBox: "0 0 20 12", width: 20, height: 12, "aria-hidden": "true" });
  if (key === "peak") node.append(svg("path", { class: "peak", d: "M0 6h20" }));
  else node.append(svg("rect", { class: `area ${key}`, width: 20, height: 12, rx: 2 }));
  if (key === "queued") node.append(svg("path", { class: "edge queued", d: "M0 1h20" }), svg("path", { class: "hatch", d: "M1 12l9-11M7 12l9-11M13 12l7-8.5" }));
  return node;
}

function hatch(id, name, turn) {
  return svg("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: `rotate(${turn})` },
    svg("path", { class: name, d: "M0 0V6" }));
}

/**
 * Returns the geometry, for the pointer and the cursor. `ceiling` is the highest value the scale must
 * hold at least, so that it does not shrink under a pointer.
 */
export function draw(node, { steps, period, from, to, width, height, ceiling }) {
  const wide = width >= 620;
  const highest = Math.max(ceiling, ...steps.map((step) => Math.max(step.peak, step.running + step.queued)));
  const values = countTicks(highest);
  const top = values.at(-1);
  // Text grows with the page's letter size, and so does the room for it.
  const em = parseFloat(getComputedStyle(node).fontSize) || 15;
  const frame = {
    left: Math.round(em * (1 + 0.55 * number(top).length)),
    right: width - Math.round(wide ? em * 7.2 : 6),
    top: 10,
    bottom: height - Math.round(em * 1.75),
  };
  const x = (time) => frame.left + ((time - from) / (to - from)) * (frame.right - frame.left);
  const y = (value) => frame.bottom - (value / top) * (frame.bottom - frame.top);

  const grid = svg("g", { class: "axes" });
  const axes = svg("g", { class: "axes" });
  for (const value of values) {
    (value === 0 ? axes : grid).append(
      svg("path", { class: value === 0 ? "base" : "grid", d: `M${frame.left} ${y(value)}H${frame.right}` }));
    axes.append(
      svg("text", { x: frame.left - 8, y: y(value) + 4, "text-anchor": "end" }, number(value)));
  }
  for (const { time, label } of timeTicks(period, from, to, tickRoom(frame.right - frame.left))) {
    const at = x(time);
    axes.append(svg("path", { class: "tick", d: `M${at} ${frame.bottom}v5` }));
    if (at > frame.left + 12 && at < frame.right - 12) axes.append(svg("text", { x: at, y: frame.bottom + em * 1.27, "text-anchor": "middle" }, label));
  }

  const shapes = svg("g", { class: "series" });
  const running = (step) => step.running;
  const both = (step) => step.running + step.queued;
  for (const part of segments(steps)) {
    const waiting = area(part, x, y, running, both);
    shapes.append(
      svg("path", { class: "area running", d: area(part, x, y, () => 0, running) }),
      svg("path", { class: "area queued", d: waiting }),
      svg("path", { fill: "url(#hatch-queued)", d: waiting }),
      svg("path", { class: "edge queued", d: line(part, x, y, both) }),
      // Drawn last of the areas: the page's own colour is the gap between the two.
      svg("path", { class: "gap", d: line(part, x, y, running) }),
      svg("path", { class: "edge running", d: line(part, x, (value) => Math.min(frame.bottom, y(value) + 1.5), running) }),
      svg("path", { class: "peak", d: line(part, x, y, (step) => step.peak) }));
  }
  const last = steps.at(-1);
  if (last?.partial) {
    shapes.append(svg("rect", {
      class: "partial", fill: "url(#hatch-partial)", x: x(last.from), y: frame.top,
      width: Math.max(0, x(last.to) - x(last.from)), height: frame.bottom - frame.top,
    }));
  }

  const labels = svg("g", { class: "labels" });
  if (wide && last) {
    const ends = [
      { key: "peak", at: last.peak, y: y(last.peak) },
      { key: "queued", at: last.queued, y: y(last.running + last.queued / 2) },
      { key: "running", at: last.running, y: y(last.running / 2) },
    ];
    for (const end of spread(ends, em * 1.15, frame.bottom)) {
      const { label } = SERIES.find(({ key }) => key === end.key);
      labels.append(svg("text", { class: end.key, x: frame.right + 10, y: end.y + 4 }, `${label} ${number(end.at)}`));
    }
  }

  node.setAttribute("viewBox", `0 0 ${width} ${height}`);
  node.setAttribute("width", width);
  node.setAttribute("height", height);
  node.replaceChildren(
    svg("defs", {}, hatch("hatch-queued", "hatch", 40), hatch("hatch-partial", "hatch partial", -40)),
    grid, shapes, axes, labels);
  return { frame, x, y, top };
}
