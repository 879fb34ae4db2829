/** What is wrong with a BMC by what it told, each with its next step. Pure. */
import type { BmcDiscovery, BmcOptions } from "../ipmi/index.js";
import type { Answers } from "./bmc-probe.js";

interface Findings {
  readonly discovery: BmcDiscovery | undefined;
  readonly answers: Answers;
  readonly options: BmcOptions;
  readonly nowMs: number;
}

export function problemsOf(findings: Findings): readonly string[] {
  return [...suiteProblems(findings), ...userProblems(findings), ...solProblems(findings), ...conditionProblems(findings)];
}

/** The suites a session is opened with: the inventory's, or those it means when it says none. */
export function configuredSuites({ cipherSuites = [] }: BmcOptions): readonly number[] {
  return cipherSuites.length === 0 ? [17, 3] : cipherSuites;
}

/** Those with SHA-256. */
const strongSuites: ReadonlySet<number> = new Set([15, 16, 17]);

function suiteProblems({ discovery, options }: Findings): readonly string[] {
  if (discovery === undefined) return [];
  const problems: string[] = [];
  const working = discovery.suites.filter((each) => each.works).map((each) => each.id);
  const configured = configuredSuites(options);
  if (working.length > 0 && !configured.some((id) => working.includes(id))) {
    problems.push(`none of the suites it is tried with works (${configured.join(", ")}); give it cipher_suites: [${working.join(", ")}]`);
  }
  if (working.length > 0 && !working.some((id) => strongSuites.has(id))) {
    const suites = `${working.length === 1 ? "suite" : "suites"} ${working.join(" and ")} only`;
    problems.push(`lets in with ${suites}: SHA-1 or MD5; allow suite 17 in the BMC, or update its firmware`);
  }
  if (discovery.advertised?.includes(0) === true) {
    problems.push("offers cipher suite 0, which asks for no password; forbid it: ipmitool lan set 1 cipher_privs, with X in first place");
  }
  return problems;
}

function userProblems({ answers: { users = [] }, options }: Findings): readonly string[] {
  return users.flatMap(({ id, name, enabled }) => {
    if (name === "" && enabled) return [`user ${id} has no name and may log in; disable it: ipmitool user disable ${id}`];
    if (name === options.user && !enabled)
      return [`user ${name} is disabled for LAN; enable it: ipmitool channel setaccess 1 ${id} ipmi=on, ipmitool user enable ${id}`];
    return [];
  });
}

function solProblems({ answers: { sol } }: Findings): readonly string[] {
  if (sol === undefined) return [];
  const problems = sol.enabled ? [] : ["SOL is disabled; enable it: ipmitool sol set enabled true 1"];
  const { baudRate: now, nonvolatileBaudRate: later } = sol;
  if (now !== later && later !== 0) {
    problems.push(
      `SOL runs at ${now === 0 ? "the serial line's rate" : now} now and at ${later} after the BMC's restart; make them the same: ` +
        `ipmitool sol set volatile-bit-rate ${later / 1000} 1`,
    );
  }
  return problems;
}

/** A BMC's clock may run in its own time zone; beyond that it is wrong. */
const clockToleranceMs = 25 * 3_600_000;

function conditionProblems({ answers: { identity, clockMs, sessions }, nowMs }: Findings): readonly string[] {
  const problems: string[] = [];
  if (identity?.updating === true) problems.push("its firmware is being written, or is damaged; wait, or write it again");
  if (clockMs === 0) problems.push("its clock is not set, so its event log has no times; set it: ipmitool sel time set now");
  const wrongMs = clockMs === undefined || clockMs === 0 ? 0 : clockMs - nowMs;
  if (Math.abs(wrongMs) > clockToleranceMs) {
    const days = Math.round(Math.abs(wrongMs) / 86_400_000);
    problems.push(`its clock is ${days} days ${wrongMs < 0 ? "slow" : "fast"}; set it: ipmitool sel time set now`);
  }
  if (sessions !== undefined && sessions.possible > 0 && sessions.active >= sessions.possible) {
    problems.push(`all its ${sessions.possible} sessions are in use: the next login is refused; close other IPMI sessions`);
  }
  return problems;
}
