/** What a probe found, held against the inventory: what contradicts it, and the entry that would keep it. Pure. */
import { Document, type YAMLMap } from "yaml";
import type { BmcSpec, NodeSpec } from "../../inventory/model.js";
import { bmcQuirks } from "../../inventory/schema.js";
import type { BmcReport } from "../../proto/gen/lab/v1/bmc.js";

type Found = Pick<BmcReport, "suites" | "quirks" | "sol">;

/** Problems only the inventory can tell, each with its next step. */
export function againstInventory({ console }: NodeSpec, { sol }: Found): readonly string[] {
  if (console?.kind !== "sol" || sol === undefined || sol.baudRate === 0 || sol.baudRate === console.baudRate) return [];
  return [
    `SOL runs at ${sol.baudRate} and the inventory says ${console.baudRate}; set it: ` +
      `ipmitool sol set volatile-bit-rate ${console.baudRate / 1000} 1 (and non-volatile-bit-rate), or change the console's baud`,
  ];
}

/**
 * The node's name and bmc section as YAML to be pasted under "nodes:": as it is, with the suites that work and the quirks that were
 * seen. The password stays a reference. "" for a node without one.
 */
export function bmcStanza({ name, bmc }: NodeSpec, found: Found): string {
  if (bmc === undefined) return "";
  const document = new Document({ [name]: { bmc: bmcEntry(bmc, found) } });
  for (const key of ["password", "kg", "cipher_suites", "quirks"]) {
    const value = document.getIn([name, "bmc", key], true) as YAMLMap | undefined;
    if (value !== undefined) value.flow = true;
  }
  return document
    .toString({ lineWidth: 0 })
    .trimEnd()
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}

function bmcEntry(bmc: BmcSpec, { suites, quirks }: Found): Readonly<Record<string, unknown>> {
  const working = suites.filter((each) => each.works).map((each) => each.id);
  const cipherSuites = working.length === 0 ? bmc.cipherSuites : working;
  // An agent newer than this controller may know more of them.
  const named = new Set([...bmc.quirks, ...quirks.map((each) => each.name)].filter((each) => knownQuirks.has(each)));
  return {
    address: bmc.address,
    // Said even where it is the default: the file's own defaults may say something else.
    port: bmc.port,
    ...(bmc.user === "" ? {} : { user: bmc.user }),
    ...(bmc.password === undefined ? {} : { password: bmc.password }),
    ...(bmc.kg === undefined ? {} : { kg: bmc.kg }),
    privilege: bmc.privilege,
    ...(cipherSuites.length === 0 ? {} : { cipher_suites: cipherSuites }),
    ...(named.size === 0 ? {} : { quirks: [...named] }),
    ...(bmc.via === "" ? {} : { via: bmc.via }),
  };
}

const knownQuirks: ReadonlySet<string> = new Set(bmcQuirks);
