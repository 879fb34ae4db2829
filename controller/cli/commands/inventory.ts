/** lab inventory: what needs no lab. */
import type { NodeSpec } from "../../../inventory/model.js";
import { loadLab } from "../../../inventory/load.js";
import { inventoryJsonSchema } from "../../../inventory/schema.js";
import { type Context, show } from "../context.js";
import { table } from "../terminal.js";

/** Throws InvalidInventoryError with every problem. */
export function checkInventory(context: Context, file: string): void {
  const lab = loadLab(file);
  show(context, { file, lab: lab.name, nodes: lab.nodes.length, deployments: lab.deployments.length, problems: [] }, () => [
    `${file}: ${lab.name}, ${lab.nodes.length} nodes, ${lab.deployments.length} deployments; no problem found`,
  ]);
}

/** The lab with every default applied; secrets stay references. */
export function showInventory(context: Context, file: string): void {
  const lab = loadLab(file);
  show(context, lab, () => [
    `${lab.name} (${file})`,
    ...table([
      ["NODE", "ARCH", "ADDRESS", "POWER", "CONSOLE", "TAGS"],
      ...lab.nodes.map((node) => [
        node.name,
        node.arch,
        node.address ?? "–",
        powerWords(node),
        node.console === undefined
          ? "–"
          : `${[node.console.kind, node.console.target].filter((each) => each !== "").join(" ")} (${node.console.line} ${node.console.baudRate}) via ${node.console.via}`,
        node.tags.join(" "),
      ]),
    ]),
  ]);
}

function powerWords({ power, bmc }: NodeSpec): string {
  switch (power?.kind) {
    case "command":
      return power.argv.join(" ");
    case "redfish":
      return `redfish ${power.url}`;
    case "libvirt":
      return `libvirt ${power.uri} ${power.domain}`;
    case "agent":
      return `agent ${power.via}`;
    case "manual":
      return `by hand: ${power.note}`;
    case undefined:
      return bmc === undefined ? "–" : `bmc ${bmc.address}${bmc.port === 623 ? "" : `:${bmc.port}`}`;
  }
}

export function printSchema(context: Context): void {
  context.terminal.print(JSON.stringify(inventoryJsonSchema(), null, 2));
}
