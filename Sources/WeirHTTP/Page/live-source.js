// SPDX-License-Identifier: Apache-2.0
// One EventSource that notices silence. The browser's own reconnection differs between browsers and
// gives up on some answers, so an error always closes it and our own backoff opens a new one. The id
// of the last event is not carried over: after a gap the page reads everything again anyway.

export const EVENTS = ["counts", "runs", "ingest", "heartbeat"];

const SILENCE = 12000;
const FIRST_DELAY = 1000;
const LAST_DELAY = 15000;

export class LiveSource {
  #url;
  #onEvent;
  #onState;
  #source = null;
  #heard = 0;
  #lostAt = null;
  #attempts = 0;
  #retry = null;
  #watch = null;

  constructor(url, { onEvent, onState }) {
    this.#url = url;
    this.#onEvent = onEvent;
    this.#onState = onState;
  }

  open() {
    this.close();
    this.#onState({ state: "connecting", since: this.#lostAt });
    this.#connect();
  }

  close() {
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    this.#source?.close();
    this.#source = null;
  }

  #connect() {
    const source = new EventSource(this.#url);
    this.#source = source;
    this.#heard = Date.now();
    source.onerror = () => this.#lost(source, Date.now());
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        if (this.#source === source) this.#receive(name, event.data);
      });
    }
    clearInterval(this.#watch);
    this.#watch = setInterval(() => {
      if (Date.now() - this.#heard > SILENCE) this.#lost(source, this.#heard);
    }, 1000);
  }

  #receive(name, text) {
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      return; // A frame cut in half is not worth losing the connection.
    }
    this.#heard = Date.now();
    this.#attempts = 0;
    this.#lostAt = null;
    this.#onState({ state: "live", since: null });
    this.#onEvent(name, data);
  }

  #lost(source, since) {
    if (this.#source !== source) return;
    this.close();
    this.#lostAt ??= since;
    const delay = Math.min(LAST_DELAY, FIRST_DELAY * 2 ** this.#attempts) * (0.75 + Math.random() * 0.5);
    this.#attempts += 1;
    this.#onState({ state: "disconnected", since: this.#lostAt });
    this.#retry = setTimeout(() => this.#connect(), delay);
  }
}
