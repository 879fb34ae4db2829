/**
 * Finds out what a BMC can do, from nothing: what it says of itself, and which suites really let us in. Every session is closed again.
 * BMCs lock accounts: a first login that is refused for its password is the last one, and a second refusal later on ends it, too.
 */
import { withDeadline } from "../../proto/base/abort.js";
import { AuthenticationError, CancelledError, describeError } from "../../proto/base/errors.js";
import { getChannelAuthenticationCapabilities, getChannelCipherSuites, thisChannel } from "./command/index.js";
import { cipherSuites, type CipherSuite } from "./crypto/index.js";
import { KnownQuirks, newMemory } from "./known-quirks.js";
import type { LinkDependencies } from "./link.js";
import { forgetSecrets, loginPlan, parseOptions, type BmcOptions, type BmcProfile } from "./options.js";
import type { Quirk } from "./quirks.js";
import { askOutside, connect, SilentError, type Deviation } from "./session/index.js";
import { payloadType } from "./wire/index.js";

/** What a BMC tells strangers (IPMI v2.0 §22.13). Many get some of it wrong: see the quirk authcap. */
export interface BmcCapabilities {
  readonly v15: boolean;
  readonly v20: boolean;
  readonly kgSet: boolean;
  readonly perMessageAuthentication: boolean;
  readonly userLevelAuthentication: boolean;
  /** Users without a name, and without name and password, may log in. */
  readonly nullUsers: boolean;
  readonly anonymousLogin: boolean;
  /** IANA enterprise number of who made up its OEM authentication; 0 = nobody. */
  readonly oemId: number;
}

export interface DiscoveredSuite {
  readonly id: number;
  /** In its own list; false also when there is no list. */
  readonly advertised: boolean;
  /** A session was opened with it. */
  readonly works: boolean;
  /** How the login ended: "logged in within 0.10 s", or why there was none. */
  readonly detail: string;
}

export interface BmcDiscovery {
  /** For messages: "bmc 10.0.1.10". */
  readonly label: string;
  /** Undefined when it did not say. */
  readonly capabilities: BmcCapabilities | undefined;
  /** Numbers of all suites it says it has, in its order; undefined when it did not say in time. */
  readonly advertised: readonly number[] | undefined;
  /** Every suite of ours: first those of the options, in their order. */
  readonly suites: readonly DiscoveredSuite[];
  /** Workarounds found out on the way. */
  readonly learned: readonly Deviation[];
}

const askWaitsMs = [500, 1000] as const;
/** Some BMCs stall for 10 s on this question. Shorter than that, for all of its parts. */
const suiteListMs = 5000;
const loginTimeoutsMs = [1000, 2000] as const;
/** A suite whose handshake works may yet seal packets in a way nobody opens (FreeIPMI saw it of suites 7, 8, 11 and 12). */
const loginMs = 6000;
const refusalsInAll = 2;
const recordsPerAnswer = 16;
const answersInAll = 16;
const sessionRecord = 0xc0;

/** Takes up to about half a minute. Throws InvalidArgumentError for options nobody can use, CancelledError; everything else is told. */
export async function discoverBmc(
  options: BmcOptions,
  deps: LinkDependencies,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<BmcDiscovery> {
  const profile = parseOptions(options);
  try {
    const capabilities = await askCapabilities(profile, deps, signal);
    const advertised = await askSuites(profile, deps, signal);
    const quirks = new KnownQuirks(profile.quirks, newMemory(), deps.log.child({ bmc: profile.label }));
    const suites = await tryAll(profile, { quirks, advertised, mute: capabilities === undefined }, deps, signal);
    return { label: profile.label, capabilities, advertised, suites, learned: quirks.learned };
  } finally {
    forgetSecrets(profile);
  }
}

async function askCapabilities(profile: BmcProfile, deps: LinkDependencies, signal?: AbortSignal): Promise<BmcCapabilities | undefined> {
  const question = { channel: { wantV20: true, number: thisChannel }, privilege: profile.privilege };
  const settings = { waitsMs: askWaitsMs, signal };
  const reply = await unlessCancelled(signal, askOutside(profile.remote, getChannelAuthenticationCapabilities, question, deps, settings));
  if (reply === undefined) return undefined;
  const { status, versions, oemId } = reply;
  return {
    v15: versions.v15,
    v20: versions.v20,
    kgSet: status.kgSet,
    perMessageAuthentication: !status.perMessageDisabled,
    userLevelAuthentication: !status.userLevelDisabled,
    nullUsers: status.nullUsers,
    anonymousLogin: status.anonymous,
    oemId,
  };
}

/** The list comes sixteen bytes at a time, and ends with a shorter piece. */
async function askSuites(profile: BmcProfile, deps: LinkDependencies, signal?: AbortSignal): Promise<readonly number[] | undefined> {
  const wait = { subject: profile.label, awaited: "its list of cipher suites", deadlineMs: suiteListMs };
  const asked = withDeadline(
    deps.clock,
    wait,
    async (signal) => {
      const parts: Uint8Array[] = [];
      for (let index = 0; index < answersInAll; index += 1) {
        const question = { channel: thisChannel, payloadType: payloadType.ipmi, list: { bySuite: true, index } };
        const reply = await askOutside(profile.remote, getChannelCipherSuites, question, deps, { waitsMs: askWaitsMs, signal });
        if (reply === undefined) return undefined;
        parts.push(reply.records.slice(0, recordsPerAnswer));
        if (reply.records.length < recordsPerAnswer) break;
      }
      return suiteNumbers(Buffer.concat(parts));
    },
    { signal },
  );
  return unlessCancelled(signal, asked);
}

/** Records begin with 0xC0 and the suite's number (§22.15.1); OEM records (0xC1) are not ours. Tags of algorithms are not believed (sun20). */
export function suiteNumbers(records: Uint8Array): readonly number[] {
  const numbers: number[] = [];
  for (let at = 0; at + 1 < records.length; at += 1) {
    if (records[at] === sessionRecord) numbers.push(records[(at += 1)] ?? 0);
  }
  return [...new Set(numbers)];
}

async function tryAll(
  profile: BmcProfile,
  known: { readonly quirks: KnownQuirks; readonly advertised: readonly number[] | undefined; readonly mute: boolean },
  deps: LinkDependencies,
  signal?: AbortSignal,
): Promise<readonly DiscoveredSuite[]> {
  const others = Object.values<CipherSuite>(cipherSuites).filter((suite) => !profile.suites.includes(suite));
  const tried: DiscoveredSuite[] = [];
  let refusals = 0;
  let ended: string | undefined;
  for (const suite of [...profile.suites, ...others.reverse()]) {
    const facts = { id: suite.id, advertised: known.advertised?.includes(suite.id) ?? false };
    if (ended !== undefined) {
      tried.push({ ...facts, works: false, detail: `not tried: ${ended}` });
      continue;
    }
    // Only as long as none of them let us in is the password in doubt, and a refusal confirmed.
    const passwords = tried.some(({ works }) => works) ? 1 : 2;
    const outcome = await tryOne(profile, { ...known, passwords }, suite, deps, signal);
    tried.push({ ...facts, works: outcome.error === undefined, detail: outcome.detail });
    if (outcome.error instanceof AuthenticationError) refusals += 1;
    const first = tried.length === 1 || tried.every(({ works }) => !works);
    if (outcome.error instanceof AuthenticationError && (first || refusals === refusalsInAll))
      ended = "user name, password or K_g was refused";
    if (outcome.error instanceof SilentError) ended = "it does not answer";
  }
  return tried;
}

async function tryOne(
  profile: BmcProfile,
  { quirks, mute, passwords }: { readonly quirks: KnownQuirks; readonly mute: boolean; readonly passwords: number },
  suite: CipherSuite,
  deps: LinkDependencies,
  signal?: AbortSignal,
): Promise<{ readonly error?: unknown; readonly detail: string }> {
  const beganMs = deps.clock.monotonicMs();
  const wait = { subject: profile.label, awaited: `a session with cipher suite ${suite.id}`, deadlineMs: loginMs };
  const settings = {
    plan: (found: ReadonlySet<Quirk>) => {
      const plan = loginPlan(profile, quirks.all(found), [suite], loginTimeoutsMs);
      // It was asked already what it can do.
      return { ...plan, skipCapabilities: plan.skipCapabilities || mute };
    },
    onDeviation: (deviation: Deviation) => quirks.learn(deviation),
    passwords,
  };
  try {
    const connection = await withDeadline(deps.clock, wait, (signal) => connect(profile.remote, settings, deps, { signal }), { signal });
    const seconds = ((deps.clock.monotonicMs() - beganMs) / 1000).toFixed(2);
    const muteness = {
      name: "noauthcap",
      symptom: "it opens sessions, but does not answer Get Channel Authentication Capabilities",
    } as const;
    for (const deviation of [...(mute ? [muteness] : []), ...connection.learned]) quirks.learn(deviation);
    await connection.close();
    return { detail: `logged in within ${seconds} s` };
  } catch (error) {
    if (signal?.aborted === true) throw CancelledError.from(signal);
    return { error, detail: describeError(error) };
  }
}

/** What did not come is undefined; only a cancelled wait is thrown. */
async function unlessCancelled<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch {
    if (signal?.aborted === true) throw CancelledError.from(signal);
    return undefined;
  }
}
