// SPDX-License-Identifier: Apache-2.0
// The chart's arithmetic: where things are, which values get a line, and the outlines of the series.

import { clockTime, date, dayName } from "./format.js";
import { settings } from "./settings.js";

/** A round top and the few whole numbers below it that get a line. Counts start at zero. */
export function countTicks(highest) {
  const top = Math.max(4, highest);
  const rough = top / 4;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5, 10].map((factor) => factor * magnitude).find((one) => one >= rough));
  const ticks = [];
  for (let value = 0; ; value += step) {
    ticks.push(value);
    if (value >= top) return ticks;
  }
}

const MINUTE = 60000;
const HOUR = 60 * MINUTE;

/** Round instants of the chosen zone. `room` is how many labels fit. */
export function timeTicks(period, from, to, room) {
  const utc = settings.zone === "utc";
  const hour = (time) => (utc ? new Date(time).getUTCHours() : new Date(time).getHours());
  const minute = (time) => (utc ? new Date(time).getUTCMinutes() : new Date(time).getMinutes());
  const fits = (counts) => counts.find(([, count]) => count <= room)?.[0] ?? counts.at(-1)[0];
  if (period === "hour" || period === "day") {
    const every = period === "hour"
      ? fits([[5, 13], [10, 7], [15, 5], [30, 3]])
      : fits([[60, 25], [120, 13], [180, 9], [360, 5], [720, 3]]);
    const grid = period === "hour" ? MINUTE : 15 * MINUTE; // zones are whole quarters of an hour apart
    const ticks = [];
    for (let time = Math.ceil(from / grid) * grid; time <= to; time += grid) {
      if ((hour(time) * 60 + minute(time)) % every === 0) ticks.push({ time, label: clockTime(time) });
    }
    return ticks;
  }
  // Days by the calendar, because some have 23 or 25 hours.
  const every = period === "week" ? fits([[1, 8], [2, 4], [4, 2]]) : fits([[2, 16], [5, 7], [10, 4], [15, 3]]);
  const day = new Date(from);
  if (utc) day.setUTCHours(0, 0, 0, 0);
  else day.setHours(0, 0, 0, 0);
  const ticks = [];
  for (let index = 0; day.getTime() <= to; index += 1) {
    const time = day.getTime();
    if (time >= from && index % every === 0) ticks.push({ time, label: period === "week" ? dayName(time) : date(time) });
    if (utc) day.setUTCDate(day.getUTCDate() + 1);
    else day.setDate(day.getDate() + 1);
  }
  return ticks;
}

export function tickRoom(width) {
  return Math.max(2, Math.floor(width / 54));
}

/** Runs of steps without a hole: a gap in the data is a gap in the drawing. */
export function segments(steps) {
  const found = [];
  let last = null;
  for (const step of steps) {
    if (last !== null && step.from <= last.to + 1) found.at(-1).push(step);
    else found.push([step]);
    last = step;
  }
  return found;
}

const round = (value) => Math.round(value * 10) / 10;

/** The outline of a stepped series. */
export function line(steps, x, y, value) {
  return steps
    .map((step, index) => `${index === 0 ? "M" : "L"}${round(x(step.from))} ${round(y(value(step)))}H${round(x(step.to))}`)
    .join("");
}

/** The area between two stepped series. */
export function area(steps, x, y, low, high) {
  const back = [...steps].reverse()
    .map((step) => `V${round(y(low(step)))}H${round(x(step.from))}`)
    .join("");
  return `${line(steps, x, y, high)}${back}Z`;
}

/** Moves labels apart that would overlap, keeping their order. `labels` have `y`; changed in place. */
export function spread(labels, distance, bottom) {
  labels.sort((a, b) => a.y - b.y);
  for (let index = 1; index < labels.length; index += 1) {
    labels[index].y = Math.max(labels[index].y, labels[index - 1].y + distance);
  }
  for (let index = labels.length - 1; index >= 0; index -= 1) {
    const limit = index === labels.length - 1 ? bottom : labels[index + 1].y - distance;
    labels[index].y = Math.min(labels[index].y, limit);
  }
  return labels;
}
