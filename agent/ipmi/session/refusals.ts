/** Why there is no session, in words an operator can act on. */
import {
  AuthenticationError,
  ExhaustedError,
  FailedError,
  UnreachableError,
  UnsupportedError,
  PermissionError,
  type LabError,
} from "../../../proto/base/errors.js";
import type { CipherSuite } from "../crypto/index.js";
import { describeRakpStatus, rakpStatus } from "../wire/index.js";

interface Subject {
  readonly subject: string;
  readonly timeoutsMs: readonly number[];
  readonly skipCapabilities: boolean;
}

const noRoom: ReadonlySet<number> = new Set([rakpStatus.noResources, rakpStatus.noResourcesForRole]);

const awaited = {
  capabilities: "Get Channel Authentication Capabilities",
  opening: "Open Session",
  rakp2: "RAKP 1",
  rakp4: "RAKP 3",
} as const;

/** Nothing came, however often it was asked. `blind`: not even to the question before. */
export function silent(
  { subject, timeoutsMs, skipCapabilities }: Subject,
  phase: keyof typeof awaited,
  attempts: number,
  blind: boolean,
): UnreachableError {
  const seconds = timeoutsMs.reduce((sum, each) => sum + each, 0) / 1000;
  const facts = { bmc: subject, attempts, unanswered: awaited[phase] };
  const dead = phase === "capabilities" || (phase === "opening" && (blind || skipCapabilities));
  const what = dead && blind ? `${awaited.capabilities} and ${awaited.opening}` : awaited[phase];
  const reason = `no answer to ${what}, sent ${attempts} times in about ${seconds} s`;
  if (dead) {
    return new SilentError(`${subject}: ${reason}; check its address, its cable, and that IPMI over LAN is enabled`, { facts });
  }
  const hint =
    phase === "opening" ? "it may know none of the cipher suites" : "some BMCs fall silent at an unknown user or a wrong password";
  return new UnreachableError(`${subject}: ${reason}, though it answered what came before; ${hint}`, { facts });
}

/** Not one answer: the BMC may not be there at all. */
export class SilentError extends UnreachableError {}

/** The codes of both ends do not fit: another password, another K_g, or a message that was damaged on its way. */
export class WrongPasswordError extends AuthenticationError {}

export function onlyV15({ subject }: Subject): LabError {
  return new UnsupportedError(`${subject}: speaks IPMI v1.5 only; RMCP+ (v2.0) is needed for encryption and SOL`, {
    facts: { bmc: subject },
  });
}

export interface RefusedSuite {
  readonly suite: CipherSuite;
  readonly status: number;
}

/** Every suite we offered was refused. */
export function noSuite({ subject }: Subject, refused: readonly RefusedSuite[]): LabError {
  const list = refused.map(({ suite, status }) => `suite ${suite.id}: ${describeRakpStatus(status)}`).join("; ");
  const facts = { bmc: subject, refused: list };
  // One it knows and has no room for, the other it does not know. Intel's M50CYP says so of a suite it does not know, too.
  if (refused.some(({ status }) => noRoom.has(status))) {
    const hint = "close other IPMI sessions, wait a minute, or allow another cipher suite: some BMCs say this of an unknown one";
    return new ExhaustedError(`${subject}: no free session (${list}); ${hint}`, { facts });
  }
  if (refused.every(({ status }) => status === rakpStatus.unauthorizedRole || status === rakpStatus.invalidRole)) {
    return new PermissionError(`${subject}: refuses the privilege or every cipher suite (${list}); ask for a lower privilege`, { facts });
  }
  return new UnsupportedError(`${subject}: refuses every cipher suite offered (${list}); allow one of them in the BMC`, { facts });
}

/** RAKP 1 or RAKP 3 was answered with a status. */
export function refused({ subject }: Subject, message: string, status: number): LabError {
  const reason = `${subject}: refuses ${message}: ${describeRakpStatus(status)}`;
  const details = { facts: { bmc: subject, status } };
  switch (status) {
    case rakpStatus.invalidIntegrityCheck:
      return new WrongPasswordError(`${reason}: different password or K_g; check both`, details);
    case rakpStatus.unauthorizedName:
    case rakpStatus.invalidNameLength:
      return new AuthenticationError(`${reason}; check the user name and that this user may use IPMI over LAN`, details);
    case rakpStatus.invalidRole:
    case rakpStatus.unauthorizedRole:
      return new PermissionError(`${reason}; ask for a lower privilege or raise the user's`, details);
    case rakpStatus.noResources:
    case rakpStatus.noResourcesForRole:
    case rakpStatus.invalidSessionId:
    case rakpStatus.inactiveSessionId:
      // It was just given to us: a BMC short of sessions takes half-open ones first.
      return new ExhaustedError(`${reason}; close other IPMI sessions or wait a minute`, details);
    default:
      return new FailedError(reason, details);
  }
}

/** The BMC's proof does not fit ours. */
export function wrongPassword({ subject }: Subject, message: string): LabError {
  return new WrongPasswordError(`${subject}: the code in ${message} does not fit: different password or K_g; check both`, {
    facts: { bmc: subject },
  });
}
