// SPDX-License-Identifier: Apache-2.0
// How numbers, durations and times are written. `0` is nothing, `—` is no data, `…` is not known yet.

import { settings } from "./settings.js";

export const NONE = "—";
export const LOADING = "…";

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export function number(value) {
  if (value === undefined) return LOADING;
  if (value === null) return NONE;
  return Math.abs(value) < 10000 ? grouped.format(value) : compact.format(value).replace("K", "k");
}

export function exact(value) {
  return value === null || value === undefined ? "" : grouped.format(value);
}

const pad = (value) => String(value).padStart(2, "0");

/** At most two units. `whole` for what ticks: tenths of seconds would only flicker. */
export function duration(seconds, { whole = false } = {}) {
  if (seconds === undefined) return LOADING;
  if (seconds === null || Number.isNaN(seconds)) return NONE;
  const value = Math.max(0, seconds);
  const tenths = Math.round(value * 10) / 10;
  if (!whole && tenths < 10 && !Number.isInteger(tenths)) return `${tenths.toFixed(1)}s`;
  const total = whole ? Math.floor(value) : Math.round(value);
  if (total < 60) return `${total}s`;
  const minutes = Math.floor(total / 60);
  if (minutes < 60) return `${minutes}m ${pad(total % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h ${pad(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** For the `datetime` attribute. */
export function isoDuration(seconds) {
  return seconds === null || seconds === undefined ? null : `PT${Math.max(0, Math.round(seconds * 10) / 10)}S`;
}

/** "42s ago": one unit, because a glance needs no more. */
export function ago(time, now) {
  if (time === null || Number.isNaN(time)) return NONE;
  const seconds = Math.max(0, Math.floor((now - time) / 1000));
  if (seconds < 60) return `${seconds}s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h ago`;
  return `${Math.floor(seconds / 86400)}d ago`;
}

export function milliseconds(text) {
  return text === null || text === undefined ? null : Date.parse(text);
}

const formatters = new Map();

function formatter(kind, options) {
  const key = `${kind} ${settings.zone}`;
  let found = formatters.get(key);
  if (!found) {
    const timeZone = settings.zone === "utc" ? "UTC" : undefined;
    found = new Intl.DateTimeFormat("en-GB", { ...options, timeZone, hourCycle: "h23" });
    formatters.set(key, found);
  }
  return found;
}

const full = {
  year: "numeric", month: "2-digit", day: "2-digit",
  hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
};

/** "2026-01-02 14:05:06 CET" */
export function absolute(time) {
  if (time === null || Number.isNaN(time)) return NONE;
  const part = {};
  for (const { type, value } of formatter("full", full).formatToParts(time)) part[type] = value;
  return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}:${part.second} ${part.timeZoneName}`;
}

export const clockTime = (time) => formatter("clock", { hour: "2-digit", minute: "2-digit" }).format(time);
export const clockSeconds = (time) =>
  formatter("seconds", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(time);
export const dayName = (time) => formatter("day", { weekday: "short", day: "numeric" }).format(time);
export const date = (time) => formatter("date", { day: "numeric", month: "short" }).format(time);

export function zoneName() {
  if (settings.zone === "utc") return "UTC";
  return Intl.DateTimeFormat().resolvedOptions().timeZone ?? "local time";
}

/** "1 job", "2 jobs" */
export function plural(count, one, many = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : many}`;
}
