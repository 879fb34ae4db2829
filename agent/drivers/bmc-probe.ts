/**
 * What a BMC is and what is wrong with it, found out by logging in and asking. Every question may fail without failing the others: what
 * cannot be asked is told as a problem, because a new BMC is probed when things do not work.
 */
import { anySignal } from "../../proto/base/abort.js";
import { CancelledError, DeadlineError, describeError, LabError } from "../../proto/base/errors.js";
import {
  type Bmc,
  type BmcDiscovery,
  type BmcOptions,
  completionOf,
  readClock,
  readGuid,
  readIdentity,
  readSessions,
  readSolConfiguration,
  readUsers,
  type Traffic,
} from "../ipmi/index.js";
import type { BmcReport } from "../ports/management.js";
import type { BmcLease } from "./bmc.js";
import { configuredSuites, problemsOf } from "./bmc-problems.js";

const probeMs = 60_000;

/** Takes at most a minute. Throws only what a cancelled call throws. */
export async function probeBmc(
  lease: BmcLease,
  options: BmcOptions,
  { signal: caller }: { signal?: AbortSignal | undefined } = {},
): Promise<BmcReport> {
  const { clock, bmc } = lease;
  const expiry = new AbortController();
  const wait = { subject: bmc.label, awaited: "all its answers", waitedMs: probeMs };
  const timer = clock.after(probeMs, () => expiry.abort(new DeadlineError(wait)));
  const { signal, release } = anySignal(caller, expiry.signal);
  const questions = new Questions(caller, signal);
  try {
    const traffic: Traffic = { sent: 0, received: 0 };
    const discovery = await questions.ask("how to log in", () => lease.discover({ signal, traffic }));
    questions.dismiss(loginProblem(lease, discovery));
    const session = sessionFor(lease, options, discovery);
    const before = total(session.bmc.traffic());
    const answers = await askOn(session, questions, () => clock.monotonicMs());
    return {
      address: options.port === undefined || options.port === 623 ? options.address : `${options.address}:${options.port}`,
      manufacturer: answers.identity?.manufacturer ?? "",
      product: answers.identity?.product ?? "",
      firmware: answers.identity?.firmware ?? "",
      ipmiVersion: answers.identity?.ipmiVersion ?? "",
      guid: answers.guid ?? "",
      suites: (discovery?.suites ?? []).map((suite) => ({ ...suite, detail: suite.works ? "" : unlabelled(bmc.label, suite.detail) })),
      users: answers.users ?? [],
      sol: answers.sol,
      // What its console has taught meanwhile belongs to it.
      quirks: [...new Map([...(discovery?.learned ?? []), ...bmc.learned()].map((each) => [each.name, each])).values()],
      // A cause that shows in several places is told once.
      problems: [...new Set([...questions.problems, ...problemsOf({ discovery, answers, options, nowMs: clock.now() })])],
      roundTripMs: answers.roundTripMs ?? 0,
      packets: total(traffic) + total(session.bmc.traffic()) - before,
    };
  } finally {
    timer.cancel();
    release();
  }
}

/** Why nobody can be asked; undefined when a login succeeded, or a session of before is still there. To try again could lock the account. */
function loginProblem({ bmc }: BmcLease, discovery: BmcDiscovery | undefined): string | undefined {
  if (discovery === undefined || bmc.isOpen || discovery.suites.some((each) => each.works)) return undefined;
  return discovery.suites[0]?.detail;
}

/** The report says whose it is. */
function unlabelled(label: string, text: string): string {
  return text.startsWith(`${label}: `) ? text.slice(label.length + 2) : text;
}

interface ProbeSession {
  readonly bmc: Bmc;
  readonly close: () => Promise<void>;
}

/** The session that is there; where its suites do not work but others do, one with those. */
function sessionFor(lease: BmcLease, options: BmcOptions, discovery: BmcDiscovery | undefined): ProbeSession {
  const working = (discovery?.suites ?? []).filter((each) => each.works).map((each) => each.id);
  if (working.length === 0 || configuredSuites(options).some((id) => working.includes(id))) {
    return { bmc: lease.bmc, close: async () => {} };
  }
  const bmc = lease.openWith(working);
  return { bmc, close: () => bmc.close() };
}

async function askOn(session: ProbeSession, questions: Questions, monotonicMs: () => number) {
  try {
    return await ask(session.bmc, questions, monotonicMs);
  } finally {
    await session.close();
  }
}

export type Answers = Awaited<ReturnType<typeof ask>>;

async function ask(bmc: Bmc, questions: Questions, monotonicMs: () => number) {
  const identity = await questions.ask("who it is", (signal) => readIdentity(bmc, { signal }));
  const guid = await questions.ask("its GUID", (signal) => readGuid(bmc, { signal }));
  const roundTripMs = await questions.ask("chassis status", async (signal) => {
    const began = monotonicMs();
    await bmc.chassisStatus({ signal });
    return Math.max(1, Math.round(monotonicMs() - began));
  });
  const users = await questions.ask("its users", (signal) => readUsers(bmc, { signal }));
  const sol = await questions.ask("SOL settings", (signal) => readSolConfiguration(bmc, { signal }));
  // Not every BMC has these, and nothing here depends on them.
  const clockMs = await questions.ask(undefined, (signal) => readClock(bmc, { signal }));
  const sessions = await questions.ask(undefined, (signal) => readSessions(bmc, { signal }));
  return { identity, guid, roundTripMs, users, sol, clockMs, sessions };
}

/** Asks one thing after the other, and stops asking a BMC that does not answer any more. */
class Questions {
  readonly problems: string[] = [];
  readonly #caller: AbortSignal | undefined;
  readonly #signal: AbortSignal;
  #mute = false;

  constructor(caller: AbortSignal | undefined, signal: AbortSignal) {
    this.#caller = caller;
    this.#signal = signal;
  }

  /** Asks nothing more for this reason. */
  dismiss(reason: string | undefined): void {
    if (reason === undefined) return;
    this.problems.push(reason);
    this.#mute = true;
  }

  /** Undefined when there was no answer, which is a problem where `what` was asked for. Throws when the caller cancels. */
  async ask<T>(what: string | undefined, question: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    if (this.#mute) return undefined;
    try {
      return await question(this.#signal);
    } catch (error) {
      if (this.#caller?.aborted === true) throw CancelledError.from(this.#caller);
      // A refusal concerns one question; silence and a login that fails concern all of them.
      this.#mute = error instanceof LabError && completionOf(error) === undefined && error.code !== "failed";
      if (this.#mute) this.dismiss(describeError(error));
      else if (what !== undefined) this.problems.push(`${what} cannot be told: ${describeError(error)}`);
      return undefined;
    }
  }
}

function total({ sent, received }: Traffic): number {
  return sent + received;
}
