/** What must hold for a node that is reached by ssh. Pure. */
import type { CrossProblem } from "./cross-check.js";
import { nearest } from "./nearest.js";
import type { InventoryFile } from "./schema.js";

export function checkSsh(file: InventoryFile): CrossProblem[] {
  return Object.entries(file.nodes).flatMap(([name, node]): CrossProblem[] => {
    if (node.ssh === undefined) return [];
    const path = ["nodes", name, "ssh"];
    const problems: CrossProblem[] = [];
    if (node.agent === true) {
      problems.push({
        path: ["nodes", name, "agent"],
        message: `${name} is reached by ssh, so no agent runs on it; keep agent: true or ssh:`,
      });
    }
    if (node.ssh.address === undefined && node.address === undefined) {
      problems.push({ path, atKey: true, message: `ssh needs an address; give it here or to ${name} itself` });
    }
    const wrong = viaProblem(file, name, node.ssh.via);
    if (wrong !== undefined) problems.push({ path: [...path, "via"], message: wrong });
    return problems;
  });
}

/** Why an agent cannot be the one that connects; undefined when it can. */
function viaProblem(file: InventoryFile, name: string, via: string): string | undefined {
  if (via === name) return `${name} cannot be reached by ssh from itself; name a node with an agent, or an agent`;
  if (file.agents?.[via] !== undefined) return undefined;
  const node = file.nodes[via];
  if (node?.ssh !== undefined) return `${via} is reached by ssh itself; name the node or agent it all begins from`;
  if (node?.agent === false) return `no agent runs on ${via} (agent: false); name a node with an agent, or an agent`;
  if (node !== undefined) return undefined;
  const able = Object.entries(file.nodes).flatMap(([each, spec]) => (spec.ssh === undefined && spec.agent !== false ? [each] : []));
  const names = [...Object.keys(file.agents ?? {}), ...able.filter((each) => each !== name)];
  const near = nearest(via, names);
  return `"${via}" is neither a node nor an agent${near === undefined ? `; there are ${names.join(" ") || "none"}` : `; did you mean "${near}"?`}`;
}
