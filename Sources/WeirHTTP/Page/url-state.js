// SPDX-License-Identifier: Apache-2.0
// What is shown is in the address, so that it can be sent to somebody. Defaults are left out.
// What the address asks for and nobody here knows is named to the user, not silently dropped.

import { CONCLUSIONS, STATUSES } from "./status.js";

export const PERIODS = ["hour", "day", "week", "month"];

const known = (pairs) => new Set(pairs.map(([value]) => value));
const ACCEPTED = {
  source: null,
  repository: null,
  status: known(STATUSES),
  conclusion: known(CONCLUSIONS),
  cursor: null,
  period: new Set(PERIODS),
};

export const DEFAULTS = { source: "", repository: "", status: "", conclusion: "", cursor: "", period: "hour" };

/** `problems` are sentences. */
export function read() {
  const state = { ...DEFAULTS };
  const problems = [];
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (!(name in ACCEPTED)) problems.push(`The address has an unknown part “${name}”; it was ignored.`);
    else if (ACCEPTED[name] && !ACCEPTED[name].has(value)) problems.push(`The address asks for ${name} “${value}”, which does not exist; it was ignored.`);
    else state[name] = value;
  }
  return { state, problems };
}

/** `trail` are the cursors of the newer pages; they are no part of a link. */
export function write(state, trail) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) {
    if (value !== DEFAULTS[name]) query.set(name, value);
  }
  const text = query.toString();
  history.replaceState({ trail }, "", text ? `?${text}` : location.pathname);
}

export function trail() {
  return Array.isArray(history.state?.trail) ? history.state.trail : [];
}
