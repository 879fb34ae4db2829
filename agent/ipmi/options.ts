/** What a caller says about a BMC, checked and turned into what a login needs. */
import { InvalidArgumentError } from "../../proto/base/errors.js";
import { bmcKey, cipherSuite, encodeUserName, passwordKey, type CipherSuite } from "./crypto/index.js";
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
  readonly plan: HandshakePlan;
  readonly quirks: ReadonlySet<Quirk>;
}

/** How long each login attempt waits; BMCs need up to a second for one step. */
const loginTimeoutsMs = [1000, 2000, 3000, 4000] as const;
const defaultSuites = [17, 3] as const;

/** Throws InvalidArgumentError for what the protocol has no room for, unknown suites and unknown quirks. */
export function parseOptions(options: BmcOptions): BmcProfile {
  const remote = { address: options.address, port: options.port ?? 623 };
  const label = remote.port === 623 ? `bmc ${remote.address}` : `bmc ${remote.address}:${remote.port}`;
  const quirks = parseQuirks(options.quirks ?? []);
  const suiteIds = options.cipherSuites ?? [];
  const plan = {
    subject: label,
    userName: encodeUserName(options.user),
    userKey: passwordKey(options.password),
    kg: bmcKey(options.kg),
    privilege: privilege[options.privilege ?? "operator"],
    nameOnlyLookup: !quirks.has("privlookup"),
    suites: (suiteIds.length === 0 ? defaultSuites : suiteIds).map((id) => parseSuite(label, id)),
    skipCapabilities: quirks.has("noauthcap"),
    timeoutsMs: loginTimeoutsMs,
  };
  return { label, remote, plan, quirks };
}

function parseSuite(label: string, id: number): CipherSuite {
  const suite = cipherSuite(id);
  if (suite === undefined) throw new InvalidArgumentError(`${label}: cipher suite ${id} is not offered; there are 3, 8, 12 and 17`);
  return suite;
}
