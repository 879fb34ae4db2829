/** The identify light (IPMI v2.0 §28.5). */
import { UnsupportedError } from "../../proto/base/errors.js";
import { type Carrier, chassisIdentify } from "./command/index.js";
import { completionOf } from "./completion.js";
import { completionCode } from "./wire/index.js";

/** What BMCs without "for ever" say to a request of two bytes. */
const notForEver: ReadonlySet<number> = new Set([
  completionCode.requestLengthInvalid,
  completionCode.requestLengthExceeded,
  completionCode.invalidDataField,
  completionCode.parameterOutOfRange,
]);

/** Lights it for seconds (1…255), switches it off, or lights it until it is switched off: UnsupportedError where that is not known. */
export async function identify(
  bmc: Carrier,
  how: number | "off" | "forever",
  options?: { signal?: AbortSignal | undefined },
): Promise<void> {
  if (how !== "forever") {
    await bmc.send(chassisIdentify, { seconds: how === "off" ? 0 : how, force: undefined }, options);
    return;
  }
  try {
    await bmc.send(chassisIdentify, { seconds: 0, force: { on: true } }, options);
  } catch (cause) {
    if (!notForEver.has(completionOf(cause) ?? 0)) throw cause;
    throw new UnsupportedError(`${bmc.label}: its identify light cannot stay lit until it is switched off; give it up to 255 seconds`, {
      cause,
    });
  }
}
