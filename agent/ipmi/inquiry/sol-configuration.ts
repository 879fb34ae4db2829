/** How a BMC's SOL is set (IPMI v2.0 §26). */
import type { Bmc } from "../client.js";
import { solBitRates } from "../command/index.js";
import { completionOf } from "../completion.js";
import { MalformedPacketError } from "../wire/index.js";
import { privilegeText } from "./users.js";

export interface SolConfiguration {
  readonly enabled: boolean;
  /** Bits per second; 0 = as the serial line is set, or not told. */
  readonly baudRate: number;
  readonly nonvolatileBaudRate: number;
  /** The least that may activate it; "" = not told. */
  readonly privilege: string;
  readonly forceEncryption: boolean;
  /** UDP; 0 = not told. */
  readonly port: number;
}

/** What it tells. Throws what asking whether SOL is enabled throws; the rest may be kept from us. */
export async function readSolConfiguration(
  bmc: Pick<Bmc, "solParameter">,
  options?: { signal?: AbortSignal | undefined },
): Promise<SolConfiguration> {
  const { flags } = await bmc.solParameter("enable", options);
  const authentication = await perhaps(bmc.solParameter("authentication", options));
  const now = await perhaps(bmc.solParameter("volatileBitRate", options));
  const later = await perhaps(bmc.solParameter("nonVolatileBitRate", options));
  const port = await perhaps(bmc.solParameter("payloadPort", options));
  return {
    enabled: flags.enabled,
    baudRate: solBitRates[now?.rate.code ?? 0] ?? 0,
    nonvolatileBaudRate: solBitRates[later?.rate.code ?? 0] ?? 0,
    privilege: authentication === undefined ? "" : privilegeText(authentication.flags.privilege),
    forceEncryption: authentication?.flags.forceEncryption ?? false,
    port: port?.port ?? 0,
  };
}

/** Undefined where the BMC says no, or nothing that makes sense. */
async function perhaps<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (completionOf(error) === undefined && !(error instanceof MalformedPacketError)) throw error;
    return undefined;
  }
}
