/**
 * What a BMC is and what is wrong with it, found out by asking it. Every question may fail without failing the others: what cannot be
 * asked is told as a problem, because a new BMC is probed when things do not work.
 */
import { anySignal } from "../../proto/base/abort.js";
import type { Clock } from "../../proto/base/clock.js";
import { CancelledError, DeadlineError, describeError, LabError } from "../../proto/base/errors.js";
import { type Bmc, completionOf, readClock, readGuid, readIdentity, readSessions, readSolConfiguration, readUsers } from "../ipmi/index.js";
import type { BmcReport } from "../ports/management.js";

interface Signal {
  readonly signal?: AbortSignal | undefined;
}

/** What logging in shows: see `discoverBmc`. */
export type Discovery = Pick<BmcReport, "suites" | "quirks" | "problems" | "packets">;

/** Finds out by logging in what it takes to log in. Throws only what a cancelled call throws. */
export type Discover = (options: Signal) => Promise<Discovery>;

export interface Probed {
  readonly bmc: Bmc;
  /** "10.0.1.10" or "10.0.1.10:1623". */
  readonly address: string;
  readonly user: string;
  readonly clock: Clock;
  readonly discover: Discover;
}

const probeMs = 60_000;
/** A BMC's clock may run in its own time zone; beyond that it is wrong. */
const clockToleranceMs = 25 * 3_600_000;

export async function probeBmc(probed: Probed, options?: Signal): Promise<BmcReport> {
  const { clock, bmc, address } = probed;
  const expiry = new AbortController();
  const wait = { subject: bmc.label, awaited: "all its answers", waitedMs: probeMs };
  const timer = clock.after(probeMs, () => expiry.abort(new DeadlineError(wait)));
  const { signal, release } = anySignal(options?.signal, expiry.signal);
  try {
    const discovery = await probed.discover({ signal });
    const questions = new Questions({ caller: options?.signal, signal });
    const answers = await ask(probed, questions);
    const problems = [...discovery.problems, ...suiteProblems(discovery), ...questions.problems, ...judge(probed, answers)];
    return {
      address,
      manufacturer: answers.identity?.manufacturer ?? "",
      product: answers.identity?.product ?? "",
      firmware: answers.identity?.firmware ?? "",
      ipmiVersion: answers.identity?.ipmiVersion ?? "",
      guid: answers.guid ?? "",
      suites: discovery.suites,
      users: answers.users ?? [],
      sol: answers.sol,
      quirks: discovery.quirks,
      // A cause that shows in several places is told once.
      problems: [...new Set(problems)],
      roundTripMs: answers.roundTripMs ?? 0,
      packets: discovery.packets,
    };
  } finally {
    timer.cancel();
    release();
  }
}

type Answers = Awaited<ReturnType<typeof ask>>;

async function ask({ bmc, clock }: Probed, questions: Questions) {
  const identity = await questions.ask("who it is", (signal) => readIdentity(bmc, { signal }));
  const guid = await questions.ask("its GUID", (signal) => readGuid(bmc, { signal }));
  const roundTripMs = await questions.ask("chassis status", async (signal) => {
    const began = clock.monotonicMs();
    await bmc.chassisStatus({ signal });
    return Math.max(1, Math.round(clock.monotonicMs() - began));
  });
  const users = await questions.ask("its users", (signal) => readUsers(bmc, { signal }));
  const sol = await questions.ask("SOL settings", (signal) => readSolConfiguration(bmc, { signal }));
  const clockMs = await questions.ask("its clock", (signal) => readClock(bmc, { signal }), { silent: true });
  const sessions = await questions.ask("its sessions", (signal) => readSessions(bmc, { signal }), { silent: true });
  return { identity, guid, roundTripMs, users, sol, clockMs, sessions };
}

/** Asks one thing after the other, and stops asking a BMC that does not answer any more. */
class Questions {
  readonly problems: string[] = [];
  readonly #signals: { readonly caller: AbortSignal | undefined; readonly signal: AbortSignal };
  #mute = false;

  constructor(signals: { caller: AbortSignal | undefined; signal: AbortSignal }) {
    this.#signals = signals;
  }

  /** Undefined when there was no answer: then that is a problem, unless `silent` and the BMC only cannot say. Throws when the caller cancels. */
  async ask<T>(what: string, question: (signal: AbortSignal) => Promise<T>, how: { silent?: boolean } = {}): Promise<T | undefined> {
    const { caller, signal } = this.#signals;
    if (this.#mute) return undefined;
    try {
      return await question(signal);
    } catch (error) {
      if (caller?.aborted === true) throw CancelledError.from(caller);
      const answered = completionOf(error) !== undefined || !(error instanceof LabError);
      if (!answered) this.#mute = true;
      if (!answered) this.problems.push(describeError(error));
      else if (how.silent !== true) this.problems.push(`${what} cannot be told: ${describeError(error)}`);
      return undefined;
    }
  }
}

function suiteProblems({ suites }: Discovery): readonly string[] {
  const working = suites.filter((each) => each.works).map((each) => each.id);
  if (working.length === 0 || working.some((id) => strongSuites.has(id))) return [];
  return [`logs in with suite ${working.join(" and ")} only, which is SHA-1 or MD5; allow suite 17 in the BMC or update its firmware`];
}

/** Those with SHA-256. */
const strongSuites: ReadonlySet<number> = new Set([15, 16, 17]);

/** What the answers say is wrong, each with its next step. */
function judge({ clock, user }: Probed, { identity, users, sol, clockMs, sessions }: Answers): readonly string[] {
  const problems: string[] = [];
  if (identity?.updating === true) problems.push("its firmware is being updated or is damaged; wait, or write it again");
  const ours = users?.find((each) => each.name === user);
  if (ours?.enabled === false)
    problems.push(`user ${ours.name} is disabled for LAN; enable it: ipmitool channel setaccess 1 ${ours.id} ipmi=on`);
  for (const { id, name, enabled } of users ?? []) {
    if (name === "" && enabled) problems.push(`user ${id} has no name and may log in; disable it: ipmitool user disable ${id}`);
  }
  if (sol?.enabled === false) problems.push("SOL is disabled; enable it: ipmitool sol set enabled true 1");
  if (sol !== undefined && sol.baudRate !== sol.nonvolatileBaudRate && sol.nonvolatileBaudRate !== 0) {
    problems.push(
      `SOL runs at ${sol.baudRate || "the line's rate"} now and at ${sol.nonvolatileBaudRate} after a restart; make them the same: ` +
        `ipmitool sol set volatile-bit-rate ${sol.nonvolatileBaudRate / 1000} 1`,
    );
  }
  if (clockMs === 0) problems.push("its clock is not set, so its event log has no times; set it: ipmitool sel time set now");
  else if (clockMs !== undefined && Math.abs(clockMs - clock.now()) > clockToleranceMs) {
    const days = ((clockMs - clock.now()) / 86_400_000).toFixed(1);
    problems.push(`its clock is ${days.replace("-", "")} days ${days.startsWith("-") ? "slow" : "fast"}; set it: ipmitool sel time set now`);
  }
  if (sessions !== undefined && sessions.possible > 0 && sessions.active >= sessions.possible) {
    problems.push(`all ${sessions.possible} sessions are in use, so the next login is refused; close other IPMI sessions`);
  }
  return problems;
}
