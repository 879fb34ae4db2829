/** Who a BMC says it is, in words (IPMI v2.0 §20.1, §22.14). */
import { type Carrier, getDeviceId, getSystemGuid, type ReplyOf } from "../command/index.js";
import { manufacturerText } from "../manufacturers.js";

interface Signal {
  readonly signal?: AbortSignal | undefined;
}

export interface Identity {
  /** "674 (Dell)"; "" when it does not say. */
  readonly manufacturer: string;
  /** Four hexadecimal digits. */
  readonly product: string;
  /** "2.41". */
  readonly firmware: string;
  /** "2.0". */
  readonly ipmiVersion: string;
  /** Its firmware is being written: it may do nothing else meanwhile. */
  readonly updating: boolean;
}

export async function readIdentity(bmc: Carrier, options?: Signal): Promise<Identity> {
  return identityOf(await bmc.send(getDeviceId, {}, options));
}

export function identityOf({ manufacturerId, productId, firmware, firmwareMinor, ipmiVersion }: ReplyOf<typeof getDeviceId>): Identity {
  return {
    manufacturer: manufacturerText(manufacturerId & 0xf_ffff),
    product: hexDigits(productId, 4),
    firmware: `${firmware.major}.${hexDigits(firmwareMinor, 2)}`,
    // The digits of BCD, swapped.
    ipmiVersion: `${ipmiVersion & 0x0f}.${ipmiVersion >> 4}`,
    updating: firmware.updating,
  };
}

/** 32 hexadecimal digits, in the order they came: BMCs disagree about that of the fields. */
export async function readGuid(bmc: Carrier, options?: Signal): Promise<string> {
  const { guid } = await bmc.send(getSystemGuid, {}, options);
  return Array.from(guid, (byte) => hexDigits(byte, 2)).join("");
}

function hexDigits(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
