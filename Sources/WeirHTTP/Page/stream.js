// SPDX-License-Identifier: Apache-2.0
// One stream per browser. Over HTTP/1.1 a browser allows six connections per server, so a seventh tab
// with its own stream would never load. A lock makes one tab the leader; it holds the stream and
// repeats it on a channel. When it closes, the lock goes to the next tab at once.
//
// Web Locks exist only in secure contexts. Elsewhere each *visible* tab holds its own stream.
//
// Events: `state` {state, since}, `resync` (frames may have been missed), and those of the server.

import { root } from "./api.js";
import { LiveSource } from "./live-source.js";

const SILENT_LEADER = 20000;

export class Stream extends EventTarget {
  state = "connecting";
  since = null;

  #name = `weir-stream:${root.pathname}`;
  #leader = false;
  #channel = null;
  #campaigning = null;
  #heard = Date.now();
  #latest = new Map();
  #source = new LiveSource(new URL("events", root), {
    onEvent: (name, data) => this.#spread({ kind: "event", name, data }),
    onState: (state) => this.#sourceState(state),
  });

  start() {
    if (navigator.locks && "BroadcastChannel" in window) this.#share();
    else this.#direct();
  }

  get isLeader() { return this.#leader; }

  #direct() {
    this.#lead();
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#source.close();
      else this.#source.open();
    });
  }

  #share() {
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    this.#channel.postMessage({ kind: "hello" });
    this.#campaign(false);
    // A frozen leader keeps its lock and says nothing; a tab that is looked at takes it away.
    setInterval(() => {
      if (this.#leader) this.#spread({ kind: "state", state: this.state, since: this.since });
      else if (!document.hidden && Date.now() - this.#heard > SILENT_LEADER) this.#campaign(true);
    }, 5000);
  }

  #campaign(steal) {
    this.#campaigning?.abort();
    const attempt = new AbortController();
    this.#campaigning = attempt;
    navigator.locks
      .request(this.#name, steal ? { steal: true } : { signal: attempt.signal }, () => {
        this.#lead();
        return new Promise(() => {}); // held until the tab closes or another tab steals it
      })
      .catch(() => {
        if (this.#campaigning !== attempt) return;
        this.#leader = false;
        this.#source.close();
        this.#heard = Date.now();
        this.#campaign(false);
      });
  }

  #lead() {
    this.#leader = true;
    document.documentElement.dataset.stream = "leader";
    this.#source.open();
  }

  #hear(message) {
    if (message.kind === "hello") {
      if (!this.#leader) return;
      this.#channel.postMessage({ kind: "state", state: this.state, since: this.since });
      for (const [name, data] of this.#latest) this.#channel.postMessage({ kind: "event", name, data });
    } else if (!this.#leader) {
      document.documentElement.dataset.stream = "follower";
      this.#heard = Date.now();
      this.#deliver(message);
    }
  }

  #spread(message) {
    this.#channel?.postMessage(message);
    this.#deliver(message);
  }

  #sourceState({ state, since }) {
    // A tab that takes over says "live" until it knows better: the handover takes milliseconds.
    if (state === "connecting") {
      this.#opening = true;
      if (this.state === "live") return;
    }
    const resync = state === "live" && (this.state !== "live" || this.#opening);
    if (state === "live") this.#opening = false;
    if (state !== this.state || since !== this.since) this.#spread({ kind: "state", state, since });
    if (resync) this.#spread({ kind: "resync" });
  }
  #opening = false;

  #deliver(message) {
    if (message.kind === "event") {
      if (message.name !== "runs") this.#latest.set(message.name, message.data);
      this.dispatchEvent(new CustomEvent(message.name, { detail: message.data }));
    } else if (message.kind === "resync") {
      this.dispatchEvent(new CustomEvent("resync"));
    } else if (message.kind === "state") {
      if (message.state === this.state && message.since === this.since) return;
      this.state = message.state;
      this.since = message.since;
      this.dispatchEvent(new CustomEvent("state", { detail: { state: this.state, since: this.since } }));
    }
  }
}
