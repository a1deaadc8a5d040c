// SPDX-License-Identifier: Apache-2.0
// Reading from the server. Addresses are relative to this module, so a proxy may add a path prefix.

export const root = new URL("../", import.meta.url);

/** What went wrong, in words for people. `status` is 0 when there was no answer at all. */
export class Problem extends Error {
  constructor(status, title, detail) {
    super(detail || title);
    this.status = status;
    this.title = title;
  }
}

async function problem(response) {
  try {
    const body = await response.json();
    return new Problem(response.status, body.title ?? response.statusText, body.detail);
  } catch {
    return new Problem(response.status, response.statusText || `HTTP ${response.status}`);
  }
}

/** GET `path` with the parameters that have a value. */
export async function get(path, parameters = {}) {
  const url = new URL(path, root);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  let response;
  try {
    response = await fetch(url, {
      headers: { accept: "application/json" },
      cache: "no-store",
      signal: AbortSignal.timeout(15000),
    });
  } catch (error) {
    throw new Problem(0, error.name === "TimeoutError" ? "The server did not answer in 15 s" : "The server cannot be reached");
  }
  if (!response.ok) throw await problem(response);
  return response.json();
}

export const summary = () => get("api/summary", { period: "day" });
export const demand = (period) => get("api/demand", { period });
export const runs = (query) => get("api/runs", { limit: 25, ...query });
export const jobs = ({ source, id, attempt }, cursor) =>
  get(`api/runs/${encodeURIComponent(id)}/jobs`, { attempt, source, cursor });

/** All names, page by page; a stop after 20 pages keeps a strange server from holding us. */
export async function repositories() {
  const found = [];
  let cursor = null;
  for (let page = 0; page < 20; page += 1) {
    const answer = await get("api/repositories", { cursor });
    found.push(...answer.repositories);
    cursor = answer.next_cursor;
    if (!cursor) break;
  }
  return found;
}
