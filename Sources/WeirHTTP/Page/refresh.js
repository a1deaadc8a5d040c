// SPDX-License-Identifier: Apache-2.0
// However often something asks for a refresh, the work runs once at a time and not more often than
// `interval` (milliseconds, or a function giving them). A request during the work runs it once more.

export class Refresher {
  #work;
  #interval;
  #started = -Infinity;
  #running = false;
  #again = false;
  #timer = null;

  constructor(work, interval) {
    this.#work = work;
    this.#interval = typeof interval === "function" ? interval : () => interval;
  }

  request() {
    if (this.#running) {
      this.#again = true;
    } else if (this.#timer === null) {
      const wait = this.#started + this.#interval() - performance.now();
      this.#timer = setTimeout(() => this.#run(), Math.max(0, wait));
    }
  }

  /** At once, for what a person asked for. */
  now() {
    this.#started = -Infinity;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.request();
  }

  cancel() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#again = false;
  }

  async #run() {
    this.#timer = null;
    this.#running = true;
    this.#started = performance.now();
    try {
      await this.#work();
    } finally {
      this.#running = false;
      if (this.#again) {
        this.#again = false;
        this.request();
      }
    }
  }
}
