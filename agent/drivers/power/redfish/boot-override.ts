/** What the firmware is told to boot from: the property Boot of a ComputerSystem. */
import { UnsupportedError } from "../../../../proto/base/errors.js";
import type { BootOverride } from "../../../ports/management.js";
import { type Json, objectIn, textIn, textsIn } from "./json.js";
import type { ComputerSystem } from "./system.js";

interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

/** Our words for BootSourceOverrideTarget. What has no word of ours keeps the service's own. */
const targets: Readonly<Record<string, string>> = {
  none: "None",
  pxe: "Pxe",
  disk: "Hdd",
  cdrom: "Cd",
  setup: "BiosSetup",
  diagnostics: "Diags",
  floppy: "Floppy",
  usb: "Usb",
  utilities: "Utilities",
  shell: "UefiShell",
  http: "UefiHttp",
};

export async function readBootOverride(system: ComputerSystem, options?: Waiting): Promise<BootOverride> {
  const { json } = await system.resource(options);
  return override(bootOf(json, system));
}

/** Sets and reads back. UnsupportedError for a device the service does not offer, and where it has no override. */
export async function setBootOverride(system: ComputerSystem, wanted: BootOverride, options?: Waiting): Promise<BootOverride> {
  const resource = await system.resource(options);
  const boot = bootOf(resource.json, system);
  await system.service.patch(resource, { Boot: patchFor(wanted, boot, system.service.label) }, options);
  return readBootOverride(system, options);
}

function bootOf(json: Json, { service }: ComputerSystem): Json {
  const boot = objectIn(json, "Boot");
  if (boot !== undefined && textIn(boot, "BootSourceOverrideEnabled") !== "") return boot;
  throw new UnsupportedError(
    `${service.label}: the service cannot be told what to boot from; choose the entry in the machine's boot loader`,
  );
}

function override(boot: Json): BootOverride {
  const enabled = textIn(boot, "BootSourceOverrideEnabled");
  const target = textIn(boot, "BootSourceOverrideTarget");
  const word = Object.entries(targets).find(([, each]) => each === target)?.[0] ?? target;
  return {
    device: enabled === "Disabled" || word === "" ? "none" : word,
    persistent: enabled === "Continuous",
    efi: textIn(boot, "BootSourceOverrideMode") === "UEFI",
  };
}

function patchFor({ device, persistent, efi }: BootOverride, boot: Json, label: string): Json {
  if (device === "none") return { BootSourceOverrideEnabled: "Disabled" };
  const offered = textsIn(boot, "BootSourceOverrideTarget@Redfish.AllowableValues");
  const target = targets[device] ?? device;
  if (offered?.includes(target) === false) {
    throw new UnsupportedError(`${label}: cannot boot from ${device} (${target}); it offers ${offered.join(" ") || "nothing"}`);
  }
  const mode = textIn(boot, "BootSourceOverrideMode") === "" ? {} : { BootSourceOverrideMode: efi ? "UEFI" : "Legacy" };
  return { BootSourceOverrideEnabled: persistent ? "Continuous" : "Once", BootSourceOverrideTarget: target, ...mode };
}
