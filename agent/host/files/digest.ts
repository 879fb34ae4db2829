import { createHash } from "node:crypto";
import { FailedError } from "../../../proto/base/errors.js";

/** SHA-256 of everything `chunks` brings, lower-case hex. */
export async function digest(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

/** Throws FailedError when contents are not what their sender meant. `wanted` undefined or "" = unchecked. */
export function requireDigest(path: string, sha256: string, wanted: string | undefined): void {
  if (wanted === undefined || wanted === "" || wanted === sha256) return;
  throw new FailedError(`${path}: write: contents have SHA-256 ${sha256}, expected ${wanted}; nothing was written, send them again`, {
    facts: { path, sha256, wanted },
  });
}
