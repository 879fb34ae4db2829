/** Who may call what, decided by certificate alone. */
import { AuthenticationError, PermissionError } from "../../proto/base/errors.js";
import type { Peer } from "../../proto/rpc/peer.js";

/** How a joiner gets its first certificate. */
const openToNobody = new Set(["EnrollmentService.Join"]);
/** Agents answer calls and make none, but they keep their certificate alive. */
const openToAgents = new Set(["EnrollmentService.Join", "EnrollmentService.Renew"]);

/** Throws AuthenticationError for a caller without a certificate, PermissionError for an agent out of its place. */
export function authorize(peer: Peer | undefined, rpc: string): void {
  if (peer === undefined) {
    if (openToNobody.has(rpc)) return;
    throw new AuthenticationError(`${rpc}: needs a certificate of this lab; join it first with a token from an operator`);
  }
  if (peer.role === "operator" || openToAgents.has(rpc)) return;
  throw new PermissionError(`${rpc}: ${peer.name} is an agent; only operators may call it`);
}

/** The caller's name. `authorize` has let it in before. */
export function callerName(peer: Peer | undefined): string {
  return peer?.name ?? "nobody";
}
