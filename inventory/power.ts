/** Ways to switch a node's power other than by IPMI, from the file's shape to the model. Pure. */
import type { BmcSpec, PowerSpec } from "./model.js";
import type { InventoryFile } from "./schema.js";

type NodeFile = InventoryFile["nodes"][string];
type PowerFile = NonNullable<NodeFile["power"]>;

export const powerMeans = ["command", "redfish", "libvirt", "agent", "manual"] as const;

/** What the file says switches this node; undefined when it only says what protects it. */
export function meansOf(power: PowerFile | undefined): (typeof powerMeans)[number] | undefined {
  return powerMeans.find((means) => power?.[means] !== undefined);
}

/** `bmc` is the node's own, defaults applied: Redfish is often another door of the same box. */
export function normalizePower({
  name,
  power,
  bmc,
  ssh,
  siteAgent,
}: {
  name: string;
  power: PowerFile | undefined;
  bmc: BmcSpec | undefined;
  ssh: NodeFile["ssh"];
  siteAgent: (via: string | undefined) => string;
}): PowerSpec | undefined {
  const means = meansOf(power);
  if (power === undefined || means === undefined) return undefined;
  const via = siteAgent(power.via ?? bmc?.via);
  switch (means) {
    case "command":
      return { kind: "command", argv: power.command ?? [], via };
    case "redfish": {
      const { url, user, password, system, fingerprint } = power.redfish ?? {};
      return {
        kind: "redfish",
        url: url ?? `https://${urlHost(bmc?.address ?? "")}`,
        user: user ?? bmc?.user ?? "",
        password: password ?? bmc?.password,
        system: system ?? "",
        fingerprint: (fingerprint ?? "").replaceAll(":", "").toLowerCase(),
        via,
      };
    }
    case "libvirt":
      return { kind: "libvirt", uri: power.libvirt?.uri ?? "qemu:///system", domain: power.libvirt?.domain ?? name, via };
    case "agent":
      // Whoever runs the node's commands: its own agent, or the one that reaches it by ssh.
      return { kind: "agent", via: ssh?.via ?? name };
    case "manual":
      return { kind: "manual", note: power.manual ?? "", via };
  }
}

function urlHost(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
