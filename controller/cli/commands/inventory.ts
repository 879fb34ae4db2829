/** lab inventory: what needs no lab. */
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
        node.bmc !== undefined
          ? `bmc ${node.bmc.address}${node.bmc.port === 623 ? "" : `:${node.bmc.port}`}`
          : (node.powerCommand?.command.join(" ") ?? "–"),
        node.console === undefined
          ? "–"
          : `${[node.console.kind, node.console.target].filter((each) => each !== "").join(" ")} (${node.console.line} ${node.console.baudRate}) via ${node.console.via}`,
        node.tags.join(" "),
      ]),
    ]),
  ]);
}

export function printSchema(context: Context): void {
  context.terminal.print(JSON.stringify(inventoryJsonSchema(), null, 2));
}
