// SPDX-License-Identifier: Apache-2.0
// Puts the page together: what the stream says decides what is read again, and when.

import * as api from "./api.js";
import { learn } from "./clock.js";
import { pauseControl } from "./header.js";
import { shortcuts } from "./help-dialog.js";
import { Cards } from "./metric-card.js";
import { Notices } from "./notices.js";
import { Refresher } from "./refresh.js";
import { settings } from "./settings.js";
import { Stream } from "./stream.js";
import * as address from "./url-state.js";
import "./demand-chart.js";
import "./run-filters.js";
import "./runs-table.js";

const find = (id) => document.getElementById(id);
const connection = find("connection");
const feed = find("feed");
const chart = find("demand");
const filters = find("filters");
const table = find("runs");
const cards = new Cards(find("cards"));
const notices = new Notices(find("notices"));
const stream = new Stream();

let { state, problems } = address.read();
let trail = address.trail();
let lastCounts = null;
let forceRuns = false;

// While paused or hidden nothing is drawn; what was missed is read once on return.
const quiet = () => document.hidden || settings.paused;
let missed = false;

async function attempt(subject, what, work, again) {
  try {
    await work();
    notices.clear(subject);
  } catch (problem) {
    notices.failed(subject, what, problem, again);
  }
}

const summary = new Refresher(() => attempt("summary", "The averages", async () => {
  const answer = await api.summary();
  learn(answer.at);
  cards.summary(answer);
}, () => summary.now()), 5000);

// A long period costs the server more and moves less.
const PACE = { hour: 5000, day: 15000, week: 60000, month: 60000 };
const demand = new Refresher(() => attempt("demand", "The demand", async () => {
  const { period } = state;
  const answer = await api.demand(period);
  if (period === state.period) chart.answer = answer;
}, () => demand.now()), () => PACE[state.period]);

const runs = new Refresher(() => attempt("runs", "The runs", async () => {
  const { source, repository, status, conclusion, cursor } = state;
  const asked = JSON.stringify([source, repository, status, conclusion, cursor]);
  const force = forceRuns;
  const page = await api.runs({ source, repository, status, conclusion, cursor });
  const { source: s, repository: r, status: t, conclusion: c, cursor: u } = state;
  if (asked !== JSON.stringify([s, r, t, c, u])) return; // somebody chose something else meanwhile
  if (force) forceRuns = false;
  // A repository that nobody has seen before belongs into the filter, too.
  if (names.size > 0 && page.runs.some((run) => run.repository && !names.has(run.repository))) repositories.request();
  table.show(page, { filtered: Boolean(repository || status || conclusion), paged: Boolean(cursor) }, { force });
}, () => runs.now()), () => (settings.paused ? 5000 : 1000));

let names = new Set();
const repositories = new Refresher(() => attempt("repositories", "The repositories", async () => {
  const list = await api.repositories();
  names = new Set(list.map(({ name }) => name));
  filters.repositories = list;
}, () => repositories.now()), 30000);

function readAll() {
  if (quiet()) {
    missed = true;
    return;
  }
  missed = false;
  summary.now();
  demand.now();
  runs.request();
  table.refreshOpen();
}

function comeBack() {
  if (quiet()) return;
  if (lastCounts) cards.counts(lastCounts);
  if (missed) readAll();
}

stream.addEventListener("state", ({ detail }) => connection.show(detail));
stream.addEventListener("resync", () => {
  readAll();
  repositories.request();
});
stream.addEventListener("counts", ({ detail }) => {
  learn(detail.at);
  lastCounts = detail;
  if (!quiet()) cards.counts(detail);
});
stream.addEventListener("heartbeat", ({ detail }) => learn(detail.at));
stream.addEventListener("ingest", ({ detail }) => {
  learn(detail.at);
  feed.ingest = detail;
  table.ingest = detail;
});
stream.addEventListener("runs", ({ detail }) => {
  if (quiet()) missed = true;
  if (document.hidden) return;
  runs.request(); // also while paused: the count of what is held needs it
  if (settings.paused) return;
  table.changed(detail.runs, detail.more);
  summary.request();
  demand.request();
});

// Averages and the chart move with time alone, too.
setInterval(() => {
  if (quiet() || stream.state !== "live") return;
  summary.request();
  demand.request();
}, 15000);

// What was asked for but has not begun would still change the page afterwards: it waits for the return.
function rest(...refreshers) {
  missed = true;
  for (const refresher of refreshers) refresher.cancel();
}

settings.addEventListener("paused", () => {
  if (settings.paused) rest(summary, demand);
  else comeBack();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) rest(summary, demand, runs, repositories);
  else comeBack();
});

function choose(change, newTrail) {
  state = { ...state, ...change };
  trail = newTrail;
  forceRuns = true;
  address.write(state, trail);
  runs.now();
}

filters.addEventListener("filter", ({ detail }) => choose({ ...detail, cursor: "" }, []));
table.addEventListener("page", ({ detail }) => {
  if (detail === "older" && table.nextCursor) choose({ cursor: table.nextCursor }, [...trail, state.cursor]);
  // A link into the middle has no trail: from there, newer means newest.
  else if (detail === "newer") choose({ cursor: trail.at(-1) ?? "" }, trail.slice(0, -1));
  find("runs-title").scrollIntoView({ block: "nearest" });
});
chart.addEventListener("period", ({ detail }) => {
  state = { ...state, period: detail };
  chart.period = detail;
  address.write(state, trail);
  demand.now();
});

shortcuts({
  p: () => { settings.paused = !settings.paused; },
  "/": () => filters.focusFirst(),
  j: () => table.step(1),
  k: () => table.step(-1),
  "?": () => find("help").open(),
});
find("help-open").addEventListener("click", () => find("help").open());
pauseControl(find("pause"));

if (problems.length > 0) notices.say("address", problems.join(" "));
chart.period = state.period;
filters.state = state;
// The first picture is drawn even when the tab was left paused.
summary.now();
demand.now();
forceRuns = true;
runs.now();
repositories.now();
stream.start();
