"use strict";
// Lists the operations of /openapi.json, makes a form of the chosen one, sends it, shows the answer.

const byId = (id) => document.getElementById(id);
let api;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

const resolved = (schema) =>
  schema && schema.$ref ? { ...resolved(schema.$ref.slice(2).split("/").reduce((at, key) => at[key], api)), ...without(schema) } : schema || {};

function without(schema) {
  const { $ref, ...rest } = schema;
  return rest;
}

// A body to start from: what is required, and what may be written.
function example(schema, depth = 0) {
  const full = resolved(schema);
  if (full.enum) return full.enum[0];
  switch (full.type) {
    case "object": {
      const made = {};
      if (depth > 4) return made;
      const chosen = new Set();
      for (const [name, property] of Object.entries(full.properties || {})) {
        if (resolved(property).readOnly) continue;
        // Of those that exclude each other, the first.
        const choice = property["x-oneof"];
        if (choice && chosen.has(choice)) continue;
        chosen.add(choice);
        if (depth > 0 && !(full.required || []).includes(name)) continue;
        made[name] = example(property, depth + 1);
      }
      return made;
    }
    case "array": return [];
    case "integer": case "number": return 0;
    case "boolean": return false;
    default: return full.format === "date-time" ? new Date().toISOString() : full.format === "int64" ? "0" : "";
  }
}

function list() {
  const wanted = byId("filter").value.toLowerCase();
  const groups = new Map(api.tags.map((tag) => [tag.name, []]));
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [verb, operation] of Object.entries(item)) {
      const text = `${verb} ${path} ${operation.summary}`.toLowerCase();
      if (text.includes(wanted)) groups.get(operation.tags[0]).push({ path, verb, operation });
    }
  }
  const made = [];
  for (const [name, operations] of groups) {
    if (!operations.length) continue;
    made.push(element("h2", {}, name));
    for (const each of operations) {
      const current = location.hash === `#${each.operation.operationId}`;
      made.push(element("button", { title: each.operation.summary, "aria-current": current, onclick: () => { location.hash = each.operation.operationId; } },
        element("span", { class: "verb" }, each.verb.toUpperCase()), element("span", { class: "path" }, each.path)));
    }
  }
  byId("operations").replaceChildren(...made);
  const current = byId("operations").querySelector("[aria-current]");
  if (current) current.scrollIntoView({ block: "nearest" });
}

function field(parameter) {
  const schema = resolved(parameter.schema);
  const items = schema.type === "array" ? resolved(schema.items) : schema;
  const choices = items.enum || (items.type === "boolean" ? ["true", "false"] : undefined);
  const attributes = { name: parameter.name, id: `p-${parameter.name}`, "data-in": parameter.in, "data-list": schema.type === "array", required: parameter.required };
  const input = choices && schema.type !== "array"
    ? element("select", attributes, element("option", { value: "" }, ""), ...choices.map((choice) => element("option", {}, choice)))
    : element("input", { ...attributes, placeholder: schema.type === "array" ? "several, separated by commas" : items.format });
  return element("div", { class: "field" },
    element("label", { for: attributes.id, class: parameter.required ? "required" : undefined }, parameter.name),
    input, parameter.description ? element("small", {}, parameter.description) : undefined);
}

function show() {
  list();
  const id = location.hash.slice(1);
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [verb, operation] of Object.entries(item)) {
      if (operation.operationId === id) return form(path, verb, operation);
    }
  }
}

function form(path, verb, operation) {
  const body = operation.requestBody && operation.requestBody.content["application/json"].schema;
  const answer = element("div");
  const made = element("form", { onsubmit: (event) => { event.preventDefault(); send(made, path, verb, answer); } });
  if (operation.parameters.length) made.append(element("fieldset", {}, element("legend", {}, "Parameters"), ...operation.parameters.map(field)));
  if (body) {
    const text = element("textarea", { name: "body", spellcheck: "false", "aria-label": "Body" });
    text.value = JSON.stringify(example(body), null, 2);
    made.append(element("fieldset", {}, element("legend", {}, "Body"), text));
  }
  made.append(element("button", { class: "send" }, "Send"));
  byId("operation").replaceChildren(
    element("h2", {}, operation.summary),
    element("p", { class: "path" }, `${verb.toUpperCase()} ${path}`),
    element("p", { class: "note" }, operation.description || ""), made, answer);
}

async function send(made, path, verb, answer) {
  const query = new URLSearchParams();
  const headers = {};
  let url = path;
  for (const input of made.querySelectorAll("[data-in]")) {
    const value = input.value.trim();
    if (input.dataset.in === "path") url = url.replace(`{${input.name}}`, encodeURIComponent(value));
    else if (!value) continue;
    else if (input.dataset.in === "header") headers[input.name] = value;
    else for (const each of input.hasAttribute("data-list") ? value.split(",") : [value]) query.append(input.name, each.trim());
  }
  if ([...query].length) url += `?${query}`;
  const token = byId("token").value.trim();
  if (token) headers.authorization = `Bearer ${token}`;
  const request = { method: verb.toUpperCase(), headers };
  if (made.elements.body) {
    headers["content-type"] = "application/json";
    request.body = made.elements.body.value;
  }
  const button = made.querySelector(".send");
  button.disabled = true;
  const started = performance.now();
  try {
    const response = await fetch(url, request);
    const text = await response.text();
    const took = Math.round(performance.now() - started);
    let parsed;
    try { parsed = JSON.parse(text); } catch { parsed = undefined; }
    if (response.ok && parsed && parsed.accessToken) byId("token").value = parsed.accessToken;
    answer.replaceChildren(
      element("p", { class: response.ok ? "good" : "bad" }, `${response.status} ${response.statusText} · ${took} ms · ${request.method} ${url} · trace ${response.headers.get("trace-id") || "unknown"}`),
      element("pre", {}, parsed === undefined ? text : JSON.stringify(parsed, null, 2)));
  } catch (error) {
    answer.replaceChildren(element("p", { class: "bad" }, String(error)));
  } finally {
    button.disabled = false;
  }
}

fetch("/openapi.json").then((response) => response.json()).then((document) => {
  api = document;
  byId("filter").addEventListener("input", list);
  addEventListener("hashchange", show);
  show();
}).catch((error) => { byId("operation").replaceChildren(element("p", { class: "bad" }, String(error))); });
