// SPDX-License-Identifier: Apache-2.0
// What stands where no run stands: on the first day, behind a filter, or past the end.

import { el } from "./dom.js";

export function emptyState({ filtered, paged }, ingest, webhook) {
  if (filtered) return [el("h3", {}, "No run matches"), el("p", {}, "No run matches these filters. Clear them to see all runs.")];
  if (paged) return [el("h3", {}, "Nothing older"), el("p", {}, "There are no older runs.")];
  const deliveries = ingest?.deliveries ?? 0;
  const heading = deliveries > 0 ? "Deliveries arrive, but no run yet" : "Waiting for the first delivery";
  const state = deliveries > 0
    ? "Weir hears GitHub. Runs show here as soon as a workflow starts; make sure that the webhook sends the two events below."
    : "Weir runs and listens. Tell GitHub where to send its events, and the board fills by itself.";
  const copy = el("button", { type: "button", class: "button", id: "copy-webhook" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(webhook);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(address);
      copy.textContent = "Selected";
    }
  });
  const address = el("code", { id: "webhook-url" }, webhook);
  return [
    el("h3", {}, heading),
    el("p", {}, state),
    el("ol", { class: "steps" },
      el("li", {}, "In the settings of your organisation or repository, open ", el("b", {}, "Webhooks"), " and add one with this address:",
        el("span", { class: "address" }, address, copy)),
      el("li", {}, "Content type ", el("code", {}, "application/json"), ", and as secret the value of ", el("code", {}, "WEIR_WEBHOOK_SECRET"), "."),
      el("li", {}, "Choose the events ", el("b", {}, "Workflow runs"), " and ", el("b", {}, "Workflow jobs"), ", then save. GitHub sends a ping at once.")),
    el("p", {}, "Just looking? ", el("code", {}, "weir serve --demo"), " plays a believable day."),
  ];
}
