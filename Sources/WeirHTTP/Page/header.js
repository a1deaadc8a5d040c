// SPDX-License-Identifier: Apache-2.0
// The header's signals and switches. Whether this page hears the server and whether the server hears
// GitHub are two different things, so they are two elements.

import { now, onTick, tick } from "./clock.js";
import { choice, el, setAttribute, setText, svg } from "./dom.js";
import { absolute, ago, clockTime, duration, milliseconds, number, zoneName } from "./format.js";
import { settings } from "./settings.js";

// Disc, dashed ring, cross: told apart without colour.
const SIGNALS = {
  live: [["fill", "M8 3.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9z"]],
  connecting: [["line dashed", "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11z"]],
  disconnected: [["line", "M3.5 3.5l9 9M12.5 3.5l-9 9"]],
};

class ConnectionState extends HTMLElement {
  #word = null;
  #live = null;
  #since = null;

  connectedCallback() {
    if (this.#word) return;
    this.#word = el("span", { class: "word" });
    // Announced on change only; the seconds that pass are not part of it.
    this.#live = el("span", { class: "sr-only", role: "status" });
    this.replaceChildren(this.#word, this.#live);
    this.show({ state: "connecting", since: null });
    onTick(() => this.#write(), { always: true });
  }

  show({ state, since }) {
    const changed = this.dataset.state !== state || this.#since === null;
    this.dataset.state = state;
    this.#since = since;
    document.documentElement.dataset.connection = state;
    this.querySelector("svg")?.remove();
    this.prepend(svg("svg", { class: "icon", viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" },
      SIGNALS[state].map(([name, d]) => svg("path", { class: name, d }))));
    if (changed && state === "disconnected") setText(this.#live, "Disconnected, reconnecting. Figures may be old.");
    else if (state === "live") setText(this.#live, this.#live.textContent ? "Live again" : "");
    this.#write();
  }

  #write() {
    const { state } = this.dataset;
    const age = this.#since === null ? "" : ` for ${duration((Date.now() - this.#since) / 1000, { whole: true })}`;
    setText(this.#word, state === "live" ? "Live" : state === "connecting" ? "Connecting…" : `Disconnected${age}, reconnecting…`);
  }
}

class FeedState extends HTMLElement {
  #ingest = undefined;

  connectedCallback() {
    onTick((time) => this.#write(time));
    settings.addEventListener("zone", () => this.#write(now()));
    this.#write(now());
  }

  set ingest(frame) {
    const first = this.#ingest === undefined;
    this.#ingest = frame;
    if (first || !(settings.paused || document.hidden)) this.#write(now());
  }

  #write(time) {
    const last = milliseconds(this.#ingest?.last_delivery_at);
    this.dataset.state = this.#ingest === undefined ? "unknown" : last === null ? "none" : "heard";
    setText(this, this.#ingest === undefined ? "Last delivery …" : last === null ? "No delivery yet" : `Last delivery ${ago(last, time)}`);
    setAttribute(this, "title", last === null ? null : `${absolute(last)}, ${number(this.#ingest.deliveries)} deliveries in all`);
  }
}

class SettingsBar extends HTMLElement {
  connectedCallback() {
    if (this.firstChild) return;
    const zone = choice({
      name: "zone",
      legend: "Time zone",
      value: settings.zone,
      options: [
        { value: "local", label: localZone(), title: `Time zone of this browser: ${Intl.DateTimeFormat().resolvedOptions().timeZone}` },
        { value: "utc", label: "UTC" },
      ],
      onChange: (value) => { settings.zone = value; },
    });
    const theme = choice({
      name: "theme",
      legend: "Theme",
      value: settings.theme,
      options: [
        { value: "auto", label: "Auto", title: "The theme of the system" },
        { value: "light", label: "Light" },
        { value: "dark", label: "Dark" },
      ],
      onChange: (value) => { settings.theme = value; },
    });
    this.append(zone.node, theme.node);
    const name = () => this.setAttribute("title", `Times in ${zoneName()}`);
    settings.addEventListener("zone", name);
    name();
  }
}

/** "Berlin" says more than "Local", where the browser knows it. */
function localZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
  return zone.includes("/") ? zone.split("/").at(-1).replaceAll("_", " ") : "Local";
}

customElements.define("connection-state", ConnectionState);
customElements.define("feed-state", FeedState);
customElements.define("settings-bar", SettingsBar);

/** Live or paused: one visible control, also without pointer and focus (WCAG 2.2.2). */
export function pauseControl(button) {
  let since = null;
  const write = () => {
    const { paused } = settings;
    if (paused) since ??= now();
    else since = null;
    button.setAttribute("aria-pressed", String(paused));
    document.documentElement.toggleAttribute("data-paused", paused);
    const shape = paused ? "M4 2.5l9 5.5l-9 5.5z" : "M4 2.5h3v11H4zM9 2.5h3v11H9z";
    button.replaceChildren(
      svg("svg", { class: "icon", viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" }, svg("path", { class: "fill", d: shape })),
      el("span", {}, paused ? `Paused ${clockTime(since)}` : "Pause"),
    );
    button.title = paused ? "Resume (p)" : "Hold everything as it is (p)";
    if (!paused) tick();
  };
  button.addEventListener("click", () => { settings.paused = !settings.paused; });
  settings.addEventListener("paused", write);
  settings.addEventListener("zone", write);
  write();
}
