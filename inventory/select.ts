/** Which nodes of a lab a nodeset means. A deployment's name stands for its nodes. */
import { InvalidArgumentError } from "../proto/base/errors.js";
import type { Lab, NodeSpec } from "./model.js";
import { nearest } from "./nearest.js";
import { expandName, parseNodeset, type Term } from "./nodeset.js";

/** The nodes, in inventory order, each once. Throws InvalidArgumentError with the nearest names when a name means nothing. */
export function selectNodes(lab: Lab, nodeset: string): readonly NodeSpec[] {
  let selected = new Set<string>();
  for (const [index, term] of parseNodeset(nodeset).entries()) {
    const meant = namesOf(lab, term);
    // "!p2" alone means all but p2.
    if (index === 0 && term.operation === "subtract") selected = new Set(lab.nodes.map((node) => node.name));
    if (term.operation === "subtract") for (const name of meant) selected.delete(name);
    else if (term.operation === "intersect") selected = new Set([...selected].filter((name) => meant.has(name)));
    else for (const name of meant) selected.add(name);
  }
  return lab.nodes.filter((node) => selected.has(node.name));
}

function namesOf(lab: Lab, term: Term): ReadonlySet<string> {
  return new Set(term.kind === "tag" ? taggedNodes(lab, term.text) : expandName(term.text).flatMap((name) => nodesByName(lab, name)));
}

function taggedNodes(lab: Lab, tag: string): readonly string[] {
  const names = lab.nodes.filter((node) => tag === "all" || node.tags.includes(tag)).map((node) => node.name);
  if (names.length > 0 || tag === "all") return names;
  const tags = new Set(lab.nodes.flatMap((node) => node.tags));
  throw new InvalidArgumentError(`no node has the tag "${tag}"${didYouMean(tag, tags)}; tags: ${[...tags].sort().join(" ") || "none"}`);
}

function nodesByName(lab: Lab, name: string): readonly string[] {
  if (name.includes("*")) {
    const pattern = new RegExp(`^${name.replace(/[.+?^${}()|\\]/g, "\\$&").replace(/\*+/g, ".*")}$`);
    const names = lab.nodes.filter((node) => pattern.test(node.name)).map((node) => node.name);
    if (names.length === 0) throw new InvalidArgumentError(`no node is called like "${name}"`);
    return names;
  }
  if (lab.nodes.some((node) => node.name === name)) return [name];
  const deployment = lab.deployments.find((each) => each.name === name);
  if (deployment !== undefined) return Object.values(deployment.roles).flat();
  const known = [...lab.nodes, ...lab.deployments].map((each) => each.name);
  throw new InvalidArgumentError(`"${name}" is neither a node nor a deployment of ${lab.name}${didYouMean(name, known)}`);
}

function didYouMean(wanted: string, candidates: Iterable<string>): string {
  const near = nearest(wanted, candidates);
  return near === undefined ? "" : `; did you mean "${near}"?`;
}
