/** Names of runs, and the nonce their evidence carries. */
import type { Clock } from "../../proto/base/clock.js";

/** Base 32 without letters that read as digits (Crockford). */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** Gives this many random bytes. */
export type RandomBytes = (count: number) => Uint8Array;

/** A run id, "20261121-0312-k7" (UTC, to the minute), and a nonce that no other run is likely to have, "k7-93ac". */
export function newRunId(clock: Clock, random: RandomBytes): { id: string; nonce: string } {
  const letters = [...random(6)].map((byte) => alphabet[byte % alphabet.length]).join("");
  const [date = "", time = ""] = new Date(clock.now()).toISOString().split("T");
  const tag = letters.slice(0, 2);
  return { id: `${date.replaceAll("-", "")}-${time.slice(0, 5).replace(":", "")}-${tag}`, nonce: `${tag}-${letters.slice(2)}` };
}
