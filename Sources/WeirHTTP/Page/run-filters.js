// SPDX-License-Identifier: Apache-2.0
// <run-filters>: repository, status and conclusion. Sends `filter` with {source, repository, status, conclusion}.

import { el } from "./dom.js";
import { CONCLUSIONS, STATUSES } from "./status.js";

// Two sources may have a repository of the same name; a space cannot be part of either.
const key = ({ source, name }) => `${source} ${name}`;

class RunFilters extends HTMLElement {
  #repository = el("select", { id: "filter-repository", name: "repository" });
  #status = el("select", { id: "filter-status", name: "status" }, options("Any status", STATUSES));
  #conclusion = el("select", { id: "filter-conclusion", name: "conclusion" }, options("Any conclusion", CONCLUSIONS));
  #clear = el("button", { type: "button", class: "button quiet", id: "filter-clear", hidden: true }, "Clear");
  #state = { source: "", repository: "", status: "", conclusion: "" };
  #known = [];

  connectedCallback() {
    if (this.firstChild) return;
    this.append(
      field("Repository", this.#repository),
      field("Status", this.#status),
      field("Conclusion", this.#conclusion),
      this.#clear,
    );
    this.#clear.addEventListener("click", () => {
      this.#repository.focus();
      this.#send({ source: "", repository: "", status: "", conclusion: "" });
    });
    this.addEventListener("change", () => {
      const [source, repository] = this.#repository.value === "" ? ["", ""] : this.#repository.value.split(" ");
      // The source is part of the question only where there are several.
      this.#send({ source: this.#sources.size > 1 ? source : "", repository, status: this.#status.value, conclusion: this.#conclusion.value });
    });
    this.#fill();
  }

  set state({ source, repository, status, conclusion }) {
    this.#state = { source, repository, status, conclusion };
    this.#fill();
  }

  set repositories(list) {
    this.#known = list;
    this.#fill();
  }

  focusFirst() {
    this.#repository.focus();
  }

  get #sources() {
    return new Set(this.#known.map((one) => one.source));
  }

  #send(state) {
    this.state = state;
    this.dispatchEvent(new CustomEvent("filter", { detail: this.#state }));
  }

  #fill() {
    const { source, repository, status, conclusion } = this.#state;
    const found = this.#known.find((one) => one.name === repository && (!source || one.source === source));
    const list = [...this.#known];
    // A repository from the address that the list lacks is still the one we filter by.
    const chosen = repository ? (found ?? { source, name: repository }) : null;
    if (chosen && !found) list.unshift(chosen);
    this.#repository.replaceChildren(...options("All repositories", list.map((one) => [
      key(one), this.#sources.size > 1 && one.source ? `${one.name} (${one.source})` : one.name,
    ])));
    this.#repository.value = chosen ? key(chosen) : "";
    this.#status.value = status;
    this.#conclusion.value = conclusion;
    this.#clear.hidden = !(repository || status || conclusion);
  }
}

function options(all, pairs) {
  return [["", all], ...pairs].map(([value, label]) => el("option", { value }, label));
}

function field(label, select) {
  return el("label", { class: "field" }, el("span", { class: "sr-only" }, label), select);
}

customElements.define("run-filters", RunFilters);
