/** The first operator: whoever can read the controller's state directory on its host. */
import type { Clock } from "../../proto/base/clock.js";
import { NotFoundError } from "../../proto/base/errors.js";
import type { Identity } from "../../proto/rpc/identity.js";
import { generateKeyPair, loadIdentity, renewalDue, saveIdentity } from "../../proto/rpc/identity.js";
import type { Authority } from "./authority.js";

/** Puts an operator's identity in `directory` unless a good one is there: of this CA, with a third of its life left. */
export async function ensureOperator(directory: string, options: { authority: Authority; name: string; clock: Clock }): Promise<void> {
  const { authority, name, clock } = options;
  const present = await readIdentity(directory);
  if (present !== undefined && present.caPem === authority.caPem && !renewalDue(present, clock.now())) return;
  const { keyPem, publicKey } = generateKeyPair();
  const { certificatePem } = await authority.issue({ name, role: "operator" }, publicKey);
  await saveIdentity(directory, { keyPem, certificatePem, caPem: authority.caPem });
}

async function readIdentity(directory: string): Promise<Identity | undefined> {
  try {
    return await loadIdentity(directory);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
