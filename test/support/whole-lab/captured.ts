/** What the lab has captured of a console, as a client of its API gets it. */
import type { Connection } from "../../../controller/cli/connection.js";
import type { ConsoleGap } from "../../../proto/gen/lab/v1/console.js";

export interface Captured {
  readonly bytes: Buffer;
  readonly gaps: readonly ConsoleGap[];
}

/** The whole log of the node's console up to now. Throws when the offsets of its bytes have a hole or a repeat. */
export async function captured({ consoles }: Connection, node: string): Promise<Captured> {
  const pieces: Buffer[] = [];
  const gaps: ConsoleGap[] = [];
  let offset = 0n;
  for await (const { event } of consoles.follow({ node, from: { $case: "offset", value: 0n }, live: false, untilOffset: 0n })) {
    if (event?.$case === "gap") gaps.push(event.value);
    if (event?.$case !== "data") continue;
    if (event.value.offset !== offset) throw new Error(`${node}: bytes at ${event.value.offset} follow those up to ${offset}`);
    pieces.push(event.value.data);
    offset += BigInt(event.value.data.length);
  }
  return { bytes: Buffer.concat(pieces), gaps };
}
