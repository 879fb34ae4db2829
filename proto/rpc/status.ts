/**
 * LabError ⇄ gRPC status: one table. The exact code and the facts travel as trailing metadata, so that the class a caller decides
 * by comes back; a peer that is not ours is understood by its gRPC status alone.
 */
import { Metadata, status } from "@grpc/grpc-js";
import type { ServiceError, StatusObject } from "@grpc/grpc-js";
import { describeError, errorFromCode, InternalError, LabError } from "../base/errors.js";
import type { ErrorCode, ErrorFacts } from "../base/errors.js";

const statusOf: Readonly<Record<ErrorCode, status>> = {
  "invalid-argument": status.INVALID_ARGUMENT,
  "invalid-inventory": status.FAILED_PRECONDITION,
  "not-found": status.NOT_FOUND,
  conflict: status.ABORTED,
  unreachable: status.UNAVAILABLE,
  authentication: status.UNAUTHENTICATED,
  permission: status.PERMISSION_DENIED,
  deadline: status.DEADLINE_EXCEEDED,
  cancelled: status.CANCELLED,
  unsupported: status.UNIMPLEMENTED,
  exhausted: status.RESOURCE_EXHAUSTED,
  failed: status.UNKNOWN,
  internal: status.INTERNAL,
};

/** What a status means when it carries no code of ours: told by gRPC itself or by a foreign peer. */
const foreign: Readonly<Record<number, ErrorCode>> = {
  ...Object.fromEntries(Object.entries(statusOf).map(([code, number]) => [number, code as ErrorCode])),
  [status.ALREADY_EXISTS]: "conflict",
  [status.FAILED_PRECONDITION]: "failed",
  [status.OUT_OF_RANGE]: "invalid-argument",
  [status.DATA_LOSS]: "internal",
};

const codeKey = "lab-error-code";
/** JSON; a "-bin" key may hold any bytes. */
const factsKey = "lab-error-facts-bin";
/** Trailers share HTTP/2's header limits: a longer message keeps its beginning. */
const longestMessage = 16 * 1024;

/** The status that tells a caller of anything thrown. What is not a LabError is a defect of ours and says so. */
export function statusFromError(thrown: unknown): StatusObject {
  const error = thrown instanceof LabError ? thrown : new InternalError(`internal error: ${describeError(thrown)}`);
  const metadata = new Metadata();
  metadata.set(codeKey, error.code);
  metadata.set(factsKey, Buffer.from(JSON.stringify(error.facts)));
  const details = error.message.length <= longestMessage ? error.message : `${error.message.slice(0, longestMessage)}…`;
  return { code: statusOf[error.code], details, metadata };
}

/** The error a failed call stands for. `label` names the peer and `rpc` the call when the peer itself did not speak. */
export function errorFromStatus(failure: Pick<ServiceError, "code" | "details" | "metadata">, label: string, rpc: string): LabError {
  const code = failure.metadata?.get(codeKey)[0];
  if (code !== undefined) return errorFromCode(code.toString(), failure.details, { facts: readFacts(failure.metadata) });
  return errorFromCode(foreignCode(failure), `${label}: ${rpc}: ${failure.details}`, { facts: { rpc } });
}

/** grpc-js tells some lost connections as INTERNAL, with the HTTP/2 reset in its words: that is no defect of the peer. */
function foreignCode({ code, details }: Pick<ServiceError, "code" | "details">): ErrorCode {
  if (code === status.INTERNAL && details.includes("RST_STREAM")) return "unreachable";
  return foreign[code] ?? "internal";
}

function readFacts(metadata: Metadata): ErrorFacts {
  const bytes = metadata.get(factsKey)[0];
  try {
    const facts: unknown = bytes === undefined ? {} : JSON.parse(bytes.toString());
    return typeof facts === "object" && facts !== null ? (facts as ErrorFacts) : {};
  } catch {
    return {}; // Facts are a convenience: a peer that sends broken ones still tells its error.
  }
}
