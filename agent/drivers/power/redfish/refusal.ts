/** What a status that is no success stands for, with the messages the service sends along (DSP0266, "Error responses"). Pure. */
import {
  AuthenticationError,
  ConflictError,
  ExhaustedError,
  FailedError,
  type LabError,
  PermissionError,
  UnreachableError,
  UnsupportedError,
} from "../../../../proto/base/errors.js";
import type { Reply } from "./exchange.js";
import { isObject, objectIn, objectsIn, textIn } from "./json.js";

interface Told {
  /** Without registry and version: "Base.1.8.SessionLimitExceeded" → "SessionLimitExceeded". */
  readonly id: string;
  readonly text: string;
}

const toldLimit = 400;

/** Messages of the Base registry; RAC0218 is iDRAC's "maximum number of user sessions is reached". */
const exhausted = new Set(["SessionLimitExceeded", "RAC0218", "ServiceTemporarilyUnavailable"]);
const refusedUs = new Set(["NoValidSession", "UnauthorizedLoginAttempt", "AuthenticationTokenRequired"]);
const forbidden = new Set(["InsufficientPrivilege", "InsufficientPrivilegeForProperty", "AccessDenied"]);
const cannot = new Set([
  "ActionNotSupported",
  "ActionParameterNotSupported",
  "ActionParameterUnknown",
  "ActionParameterValueNotInList",
  "PropertyNotWritable",
  "PropertyUnknown",
  "PropertyValueNotInList",
]);

/** `what`: object and action, "redfish https://10.0.1.10: reset ForceOff". `secrets` are never repeated, whatever the service tells. */
export function refusal(what: string, reply: Reply, secrets: readonly string[]): LabError {
  const told = extendedInfo(reply.body);
  const said = concealed(told.map(({ text }) => text).join(" "), secrets).slice(0, toldLimit);
  const message = `${what}: ${reply.status}${said === "" ? "" : `: ${said}`}`;
  const facts = { status: reply.status, messageIds: told.map(({ id }) => id).join(" ") };
  return errorFor(reply.status, new Set(told.map(({ id }) => id)), message, { facts });
}

function errorFor(
  status: number,
  ids: ReadonlySet<string>,
  message: string,
  details: { facts: Record<string, string | number> },
): LabError {
  const has = (set: ReadonlySet<string>) => [...ids].some((id) => set.has(id));
  if (status === 401 || has(refusedUs)) return new AuthenticationError(`${message}; check user and password`, details);
  if (status === 503 || status === 429 || has(exhausted)) {
    return new ExhaustedError(`${message}; it is busy or has no session left: close sessions nobody uses, or wait and try again`, details);
  }
  if (status === 403 || has(forbidden)) return new PermissionError(`${message}; give the user the role Operator or Administrator`, details);
  if (status === 404 || status === 405 || status === 501 || has(cannot)) {
    return new UnsupportedError(`${message}; the service cannot do this`, details);
  }
  if (status === 412 || status === 428) return new ConflictError(`${message}; the resource changes just now, try again`, details);
  // It broke on the way: what it had done by then is open.
  if (status >= 500) return new UnreachableError(`${message}; the service is in trouble, read the state and try again`, details);
  return new FailedError(`${message}; see the service's own log`, details);
}

function extendedInfo(body: unknown): readonly Told[] {
  if (!isObject(body)) return [];
  const error = objectIn(body, "error");
  const key = "@Message.ExtendedInfo";
  const messages = [...objectsIn(error, key), ...objectsIn(body, key)];
  const told = messages.map((each) => ({
    id: textIn(each, "MessageId").split(".").at(-1) ?? "",
    text: [textIn(each, "Message"), textIn(each, "Resolution")].filter((text) => text !== "" && text !== "None").join(" "),
  }));
  return told.length > 0 || error === undefined ? told : [{ id: "", text: textIn(error, "message") }];
}

function concealed(text: string, secrets: readonly string[]): string {
  return secrets.filter((each) => each !== "").reduce((left, secret) => left.split(secret).join("…"), text);
}
