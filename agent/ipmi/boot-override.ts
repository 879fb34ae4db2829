/** What the firmware is told to boot from, in words (IPMI v2.0 §28.12, Table 28-14). */
import { InvalidArgumentError } from "../../proto/base/errors.js";
import type { Bmc } from "./client.js";
import { bootDevice, type BootDevice, type bootFlags } from "./command/index.js";
import type { Value } from "./wire/index.js";

interface Signal {
  readonly signal?: AbortSignal | undefined;
}

export interface FirmwareBoot {
  /** "none", "pxe", "disk", "cdrom", "setup", "diagnostics", "remote-cdrom"…: see `bootDeviceWords`. */
  readonly device: string;
  readonly persistent: boolean;
  readonly efi: boolean;
}

const words: readonly (readonly [string, BootDevice])[] = (Object.keys(bootDevice) as BootDevice[]).map((name) => [
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
  name,
]);
export const bootDeviceWords: readonly string[] = words.map(([word]) => word);

export async function readFirmwareBoot(bmc: Pick<Bmc, "bootFlags">, options?: Signal): Promise<FirmwareBoot> {
  return firmwareBootOf(await bmc.bootFlags(options));
}

/** Flags that are not valid stand for no choice, whatever else they say. */
export function firmwareBootOf({ flags, device }: Value<typeof bootFlags>): FirmwareBoot {
  if (!flags.valid) return { device: "none", persistent: false, efi: false };
  const word = words.find(([, name]) => bootDevice[name] === device.code)?.[0] ?? `device ${device.code}`;
  return { device: word, persistent: flags.persistent, efi: flags.efi };
}

/** Sets it and reads it back. Throws InvalidArgumentError for a device it has no word for. */
export async function setFirmwareBoot(
  bmc: Pick<Bmc, "label" | "bootFlags" | "setBootDevice">,
  { device, persistent, efi }: FirmwareBoot,
  options?: Signal,
): Promise<FirmwareBoot> {
  const name = words.find(([word]) => word === device)?.[1];
  if (name === undefined)
    throw new InvalidArgumentError(`${bmc.label}: boot device "${device}" is unknown; there are ${bootDeviceWords.join(", ")}`);
  await bmc.setBootDevice(name, { persistent, efi }, options);
  return readFirmwareBoot(bmc, options);
}
