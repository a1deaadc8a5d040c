// SPDX-License-Identifier: Apache-2.0
// The server's clock, and the one timer behind everything that ticks. Components subscribe once
// for themselves (never per row), so nothing has to be unsubscribed when rows come and go.

import { settings } from "./settings.js";

const offsets = [];
const tickers = new Set();
let timer = null;

/**
 * Learns from an `at` of the server. A frame is always received later than it was written, so every
 * sample is too low by its delay: the highest of the last few is the best.
 */
export function learn(at) {
  const time = Date.parse(at);
  if (Number.isNaN(time)) return;
  offsets.push(time - Date.now());
  if (offsets.length > 12) offsets.shift();
}

/** Milliseconds of the server's clock. */
export function now() {
  return Date.now() + (offsets.length > 0 ? Math.max(...offsets) : 0);
}

/** Calls `work` about once a second. `always` also while paused (states, never figures). */
export function onTick(work, { always = false } = {}) {
  tickers.add({ work, always });
}

export function tick() {
  const time = now();
  for (const { work, always } of tickers) if (always || !settings.paused) work(time);
}

function schedule() {
  clearInterval(timer);
  timer = document.hidden ? null : setInterval(tick, 1000);
}

document.addEventListener("visibilitychange", () => {
  schedule();
  if (!document.hidden) tick();
});
schedule();
