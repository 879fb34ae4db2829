/**
 * Power, console and what else a BMC can do over every fault a simulated BMC can have: our client and drivers, a BMC with the fault, UDP between them. Each
 * fault of the table runs; one that has no line here must be one that nobody notices. Time runs ten times as fast for both ends.
 */
import t, { type Test } from "tap";
import { openSolConsole } from "../../agent/drivers/console/sol.js";
import { openIpmiPower } from "../../agent/drivers/power/ipmi.js";
import type { BmcOptions } from "../../agent/ipmi/index.js";
import { faultTable } from "../../agent/sim/bmc/faults/index.js";
import { type FaultyBmc, faultyBmc } from "../support/faults/faulty-bmc.js";
import { isActionable, powerHolds, powerHoldsInTheEnd, powerIsRefused, type Refusal } from "../support/faults/power-contract.js";
import { managementHolds } from "../support/faults/management-contract.js";
import { solDelivers, solIsDeaf, solIsRefused } from "../support/faults/sol-contract.js";

interface Expectation {
  /** As one writes them; default: the fault alone, with its default. */
  readonly faults?: readonly string[];
  readonly client?: Partial<BmcOptions>;
  /** Default: "holds". */
  readonly power?: "holds" | "holds in the end" | Refusal;
  /** Default: "whole". "told": where something is missing, a gap says so. */
  readonly sol?: "whole" | "told" | "deaf" | Refusal;
  /** Faults that begin in the middle of the machine's text. */
  readonly midway?: readonly string[];
  /** The time an act gets. */
  readonly actMs?: number;
  readonly also?: (t: Test, rig: FaultyBmc) => Promise<void>;
}

const tooHigh: Refusal = { code: "permission", message: /privilege/ };
const brief = { actMs: 20_000 } as const;

const expectations: Readonly<Record<string, readonly Expectation[]>> = {
  drop: [{ ...brief, power: "holds in the end", sol: "told" }],
  corrupt: [{ ...brief, power: "holds in the end", sol: "told" }],
  "reboot-bmc": [
    { faults: ["reboot-bmc=20s"], ...brief, power: "holds in the end", sol: "told" },
    { faults: [], sol: "told", midway: ["reboot-bmc=5s"] },
  ],
  "session-limit": [{ also: strangerIsToldOfSlots }, { faults: ["session-limit=0"], power: noSlot(), sol: noSlot() }],
  "suite-17-only": [{}, { client: { cipherSuites: [3] }, power: noSuite(3), sol: noSuite(3) }],
  "suite-3-only": [{}, { client: { cipherSuites: [17] }, power: noSuite(17), sol: noSuite(17) }],
  "silent-on-unknown-suite": [{}, { faults: ["silent-on-unknown-suite", "suite-3-only"] }],
  "suite-refused-as-full": [{}, { faults: ["suite-refused-as-full", "suite-3-only"] }],
  "no-auth-capabilities": [{}, { client: { quirks: ["noauthcap"] } }],
  "bad-checksums": [{}, { client: { quirks: ["nochecksumcheck"] } }],
  "highest-privilege-only": [{ power: tooHigh, sol: tooHigh }, { client: { quirks: ["highprivilege"] } }],
  "privilege-lookup": [{}, { client: { quirks: ["privlookup"] } }],
  "padded-name": [{}, { client: { quirks: ["intel20"] } }],
  "long-codes": [{}, { faults: ["long-codes=8"] }],
  "wrong-privilege": [
    { power: tooHigh, sol: tooHigh },
    { faults: ["wrong-privilege=administrator"] },
    { faults: ["wrong-privilege=administrator"], client: { privilege: "administrator" }, power: tooHigh, sol: tooHigh },
  ],
  busy: [{ power: "holds in the end" }],
  "not-supported": [
    { power: { code: "unsupported", message: /Chassis Control: 0xd5 not supported in the present state/ } },
    { faults: ["not-supported=get-chassis-status"], power: { code: "unsupported", message: /Get Chassis Status: 0xc1 unknown command/ } },
    {
      faults: ["not-supported=activate-payload"],
      sol: { code: "unsupported", message: /Activate Payload: 0xc1 unknown command/ },
    },
  ],
  // Longer than an act waits for its answer, too.
  "slow-chassis": [{}, { faults: ["slow-chassis=24s"] }],
  "steal-sol": [{ faults: ["steal-sol=3"], sol: "told" }],
  "steal-sol-silently": [{ faults: ["steal-sol-silently=2"], sol: "told" }],
  "short-sol": [{ faults: ["short-sol=2s"], sol: "told" }],
  "lie-on-deactivate": [{ also: takeoverIsGivenUp }, { faults: ["lie-on-deactivate=inactive"], also: takeoverIsGivenUp }],
  overrun: [{ sol: "told" }],
  "deaf-sol": [{ sol: "deaf" }, { faults: ["deaf-sol=silent"], sol: "deaf" }],
  "partial-accept": [{}, { faults: ["partial-accept=1"] }],
  "no-sol-status": [{}, { client: { quirks: ["solstatus"] } }],
  "no-instance-info": [{}, { client: { quirks: ["noinstanceinfo"] } }],
  "insane-sol-size": [{}, { faults: ["insane-sol-size=16384"] }, { faults: ["insane-sol-size=65280"] }],
};

// Most of it is waiting.
t.jobs = 16;

for (const { name } of faultTable) {
  for (const expectation of expectations[name] ?? [{}]) {
    const { faults = [name], client } = expectation;
    const how = [...faults, ...(expectation.midway ?? []).map((each) => `${each} midway`)].join(", ");
    const asked = client === undefined ? "" : ` (${JSON.stringify(client)})`;
    t.test(`${how}${asked}`, { buffered: true, timeout: 50_000 }, async (t) => {
      await t.test("power", (t) => provePower(t, faults, expectation));
      await t.test("console", (t) => proveSol(t, faults, expectation));
      const { also } = expectation;
      if (also !== undefined) await t.test(also.name, async (t) => also(t, await broken(t, faults, expectation)));
    });
  }
}

t.test("every expectation is one of a fault there is", async (t) => {
  const names = faultTable.map(({ name }) => name);
  t.same(
    Object.keys(expectations).filter((name) => !names.includes(name)),
    [],
  );
});

async function provePower(t: Test, faults: readonly string[], { power = "holds", ...options }: Expectation): Promise<void> {
  const rig = await broken(t, faults, options);
  if (power === "holds") {
    await powerHolds(t, rig);
    await managementHolds(t, rig);
  } else if (power === "holds in the end") await powerHoldsInTheEnd(t, rig);
  else await powerIsRefused(t, rig, power);
}

async function proveSol(t: Test, faults: readonly string[], { sol = "whole", ...options }: Expectation): Promise<void> {
  const rig = await broken(t, faults, options);
  const { midway = [] } = options;
  if (sol === "whole" || sol === "told") await solDelivers(t, rig, { whole: sol === "whole", midway });
  else if (sol === "deaf") await solIsDeaf(t, rig);
  else await solIsRefused(t, rig, sol);
}

async function broken(t: Test, faults: readonly string[], options: Pick<Expectation, "client" | "actMs">): Promise<FaultyBmc> {
  const rig = await faultyBmc(t, options);
  rig.begin(...faults);
  return rig;
}

function noSlot(): Refusal {
  return { code: "exhausted", message: /no free session|insufficient resources/ };
}

function noSuite(id: number): Refusal {
  return {
    code: "unsupported",
    message: new RegExp(`refuses every cipher suite offered \\(suite ${id}: .*; allow one of them in the BMC`),
  };
}

/** The one session there is serves power and console; a second client learns that there is no other. */
async function strangerIsToldOfSlots(t: Test, rig: FaultyBmc): Promise<void> {
  await rig.power.read();
  const { pool, options } = rig.stranger();
  await t.rejects(openIpmiPower(pool, options).read(), noSlot());
}

/** A BMC that never lets go of SOL: taking it away is tried a few times, and ends in words; what is our own is got by another session. */
async function takeoverIsGivenUp(t: Test, rig: FaultyBmc): Promise<void> {
  const ours = rig.console();
  await ours.open();
  const { pool, options } = rig.stranger();
  const error: unknown = await openSolConsole(pool, { bmc: options, steal: true })
    .open()
    .catch((thrown: unknown) => thrown);
  t.match(error, { code: "failed", message: /stays active/ });
  t.ok(isActionable(error), String(error));
  // Power holds the session that has SOL.
  await rig.power.read();
  await ours.close();
  const again = rig.console();
  await t.resolves(again.open());
  await again.close();
}
