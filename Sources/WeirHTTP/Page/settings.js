// SPDX-License-Identifier: Apache-2.0
// What a person chose. Theme, zone and shortcuts belong to the browser; paused belongs to the tab.
// None of it is in the address: a link shows data, not somebody's taste.

function read(storage, key) {
  try {
    return window[storage].getItem(key);
  } catch {
    return null;
  }
}

function write(storage, key, value) {
  try {
    window[storage].setItem(key, value);
  } catch {
    // Forbidden or full: the choice then lasts as long as the page.
  }
}

class Settings extends EventTarget {
  #values = {
    theme: read("localStorage", "weir.theme") ?? "auto",
    zone: read("localStorage", "weir.zone") === "utc" ? "utc" : "local",
    shortcuts: read("localStorage", "weir.shortcuts") !== "off",
    paused: read("sessionStorage", "weir.paused") === "yes",
  };

  get theme() { return this.#values.theme; }
  get zone() { return this.#values.zone; }
  get shortcuts() { return this.#values.shortcuts; }
  get paused() { return this.#values.paused; }

  set theme(value) {
    if (value === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = value;
    this.#change("theme", value, "localStorage", value);
  }
  set zone(value) { this.#change("zone", value, "localStorage", value); }
  set shortcuts(value) { this.#change("shortcuts", value, "localStorage", value ? "on" : "off"); }
  set paused(value) { this.#change("paused", value, "sessionStorage", value ? "yes" : "no"); }

  #change(name, value, storage, stored) {
    if (this.#values[name] === value) return;
    this.#values[name] = value;
    write(storage, `weir.${name}`, stored);
    this.dispatchEvent(new Event(name));
  }
}

export const settings = new Settings();
