// SPDX-License-Identifier: Apache-2.0
// Small helpers to build the page out of nodes. Text from the server only ever becomes a text node.

const SVG = "http://www.w3.org/2000/svg";

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** An element. A function among the attributes becomes a listener of that name. */
export function el(tag, attributes, ...children) {
  return build(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes, ...children) {
  return build(document.createElementNS(SVG, tag), attributes, children);
}

/** Writes only what differs: an untouched node costs no layout and keeps a selection. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, String(value));
  }
}

/**
 * Makes `nodes` the children of `parent`, in this order. Children that stay are not moved
 * unless their order changed, so focus, selection and scroll position survive.
 */
export function arrange(parent, nodes) {
  const keep = new Set(nodes);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  let next = parent.firstElementChild;
  for (const node of nodes) {
    if (node === next) next = next.nextElementSibling;
    else parent.insertBefore(node, next);
  }
}

/** Only web addresses become links, whatever a payload claims. */
export function safeURL(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** A group of radio buttons that looks like one switch. */
export function choice({ name, legend, options, value, onChange }) {
  const inputs = new Map();
  const labels = options.map(({ value: own, label, title }) => {
    const input = el("input", { type: "radio", name, value: own, change: () => onChange(own) });
    input.checked = own === value;
    inputs.set(own, input);
    return el("label", { title }, input, el("span", {}, label));
  });
  const node = el("fieldset", { class: "choice", "data-choice": name }, el("legend", { class: "sr-only" }, legend), labels);
  return { node, set: (wanted) => { if (inputs.has(wanted)) inputs.get(wanted).checked = true; } };
}
