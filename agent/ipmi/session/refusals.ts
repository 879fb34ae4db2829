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
}

const awaited = {
  capabilities: "Get Channel Authentication Capabilities",
  opening: "Open Session",
  rakp2: "RAKP 1",
  rakp4: "RAKP 3",
} as const;

/** Nothing came, however often it was asked. */
export function silent({ subject, timeoutsMs }: Subject, phase: keyof typeof awaited, attempts: number): LabError {
  const seconds = (timeoutsMs.reduce((sum, each) => sum + each, 0) / 1000).toFixed(1);
  const facts = { bmc: subject, attempts, unanswered: awaited[phase] };
  const reason = `no answer to ${awaited[phase]}, sent ${attempts} times in ${seconds} s`;
  if (phase === "capabilities") {
    return new UnreachableError(`${subject}: ${reason}; check its address, its cable, and that IPMI over LAN is enabled`, { facts });
  }
  const hint =
    phase === "opening" ? "it may know none of the cipher suites" : "some BMCs fall silent at an unknown user or a wrong password";
  return new UnreachableError(`${subject}: ${reason}, though it answered what came before; ${hint}`, { facts });
}

export function onlyV15({ subject }: Subject): LabError {
  return new UnsupportedError(`${subject}: speaks IPMI v1.5 only; RMCP+ (v2.0) is needed for encryption and SOL`, {
    facts: { bmc: subject },
  });
}

/** Every suite we offered was refused. */
export function noSuite({ subject }: Subject, refused: readonly { suite: CipherSuite; status: number }[]): LabError {
  const list = refused.map(({ suite, status }) => `suite ${suite.id}: ${describeRakpStatus(status)}`).join("; ");
  const facts = { bmc: subject, refused: list };
  // With one suite left in question "no resources" means what it says; Intel's M50CYP says it of unknown suites, too.
  if (refused.every(({ status }) => status === rakpStatus.noResources)) {
    return new ExhaustedError(`${subject}: no free session (${list}); close other IPMI sessions or wait a minute`, { facts });
  }
  return new UnsupportedError(`${subject}: refuses every cipher suite offered (${list}); allow one of them in the BMC`, { facts });
}

/** RAKP 1 or RAKP 3 was answered with a status. */
export function refused({ subject }: Subject, message: string, status: number): LabError {
  const reason = `${subject}: refuses ${message}: ${describeRakpStatus(status)}`;
  const details = { facts: { bmc: subject, status } };
  switch (status) {
    case rakpStatus.invalidIntegrityCheck:
      return new AuthenticationError(`${reason}: different password or K_g; check both`, details);
    case rakpStatus.unauthorizedName:
    case rakpStatus.invalidNameLength:
      return new AuthenticationError(`${reason}; check the user name and that this user may use IPMI over LAN`, details);
    case rakpStatus.invalidRole:
    case rakpStatus.unauthorizedRole:
      return new PermissionError(`${reason}; ask for a lower privilege or raise the user's`, details);
    case rakpStatus.noResources:
    case rakpStatus.noResourcesForRole:
      return new ExhaustedError(`${reason}; close other IPMI sessions or wait a minute`, details);
    default:
      return new FailedError(reason, details);
  }
}

/** The BMC's proof does not fit ours. */
export function wrongPassword({ subject }: Subject, message: string): LabError {
  return new AuthenticationError(`${subject}: the code in ${message} does not fit: different password or K_g; check both`, {
    facts: { bmc: subject },
  });
}
