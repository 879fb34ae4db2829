/** What a caller says about a BMC, checked and turned into what a login needs. */
import { InvalidArgumentError } from "../../proto/base/errors.js";
import { bmcKey, cipherSuite, cutPasswordKey, encodeUserName, padUserName, passwordKey, type CipherSuite } from "./crypto/index.js";
import { parseQuirks, type Quirk } from "./quirks.js";
import type { HandshakePlan } from "./session/index.js";
import type { Remote } from "./transport/index.js";
import { privilege } from "./wire/index.js";

export interface BmcOptions {
  readonly address: string;
  /** UDP; default 623. */
  readonly port?: number;
  readonly user: string;
  readonly password: string;
  /** Text, or 0x and hexadecimal digits. */
  readonly kg?: string | undefined;
  /** Default operator: enough for power, boot device and SOL. */
  readonly privilege?: "user" | "operator" | "administrator";
  /** Tried in order; default 17, then 3. Only 3, 8, 12 and 17 exist here. */
  readonly cipherSuites?: readonly number[];
  readonly quirks?: readonly string[];
}

export interface BmcProfile {
  /** For messages: "bmc 10.0.1.10". */
  readonly label: string;
  readonly remote: Remote;
  /** Those of the inventory. */
  readonly quirks: ReadonlySet<Quirk>;
  /** In the order they are to be tried. */
  readonly suites: readonly CipherSuite[];
  readonly privilege: number;
  readonly userName: Uint8Array;
  readonly secrets: BmcSecrets;
}

export interface BmcSecrets {
  readonly userKey: Uint8Array;
  /** The same of the password's first 16 bytes. */
  readonly cutUserKey: Uint8Array;
  readonly kg: Uint8Array | undefined;
}

const defaultSuites = [17, 3] as const;

/** Throws InvalidArgumentError for what the protocol has no room for, unknown suites and unknown quirks. */
export function parseOptions(options: BmcOptions): BmcProfile {
  const remote = { address: options.address, port: options.port ?? 623 };
  const label = remote.port === 623 ? `bmc ${remote.address}` : `bmc ${remote.address}:${remote.port}`;
  const suiteIds = options.cipherSuites ?? [];
  const userKey = passwordKey(options.password);
  return {
    label,
    remote,
    quirks: parseQuirks(options.quirks ?? []),
    suites: (suiteIds.length === 0 ? defaultSuites : suiteIds).map((id) => parseSuite(label, id)),
    privilege: privilege[options.privilege ?? "operator"],
    userName: encodeUserName(options.user),
    secrets: { userKey, cutUserKey: cutPasswordKey(userKey), kg: bmcKey(options.kg) },
  };
}

/** How to log in with these workarounds, the suites in this order. `timeoutsMs`: how long each attempt waits; BMCs need up to a second for a step. */
export function loginPlan(
  profile: BmcProfile,
  quirks: ReadonlySet<Quirk>,
  suites: readonly CipherSuite[],
  timeoutsMs: readonly number[],
): HandshakePlan {
  const { label, userName, secrets } = profile;
  const intel = quirks.has("intel20");
  return {
    subject: label,
    userName: intel ? padUserName(userName) : userName,
    userKey: secrets.userKey,
    cutUserKey: secrets.cutUserKey,
    cutPassword: intel,
    kg: secrets.kg,
    privilege: profile.privilege,
    highestPrivilege: quirks.has("highprivilege"),
    nameOnlyLookup: !intel && !quirks.has("privlookup"),
    suites,
    skipCapabilities: quirks.has("noauthcap"),
    checksums: !quirks.has("nochecksumcheck"),
    timeoutsMs,
  };
}

/** Overwrites the password and K_g; nobody can log in with this profile afterwards. */
export function forgetSecrets({ secrets }: BmcProfile): void {
  for (const secret of [secrets.userKey, secrets.cutUserKey, secrets.kg]) secret?.fill(0);
}

function parseSuite(label: string, id: number): CipherSuite {
  const suite = cipherSuite(id);
  if (suite === undefined) throw new InvalidArgumentError(`${label}: cipher suite ${id} is not offered; there are 3, 8, 12 and 17`);
  return suite;
}
