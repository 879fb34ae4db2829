/** What verified power over a BMC owes a lab: each verb does what it says, and the machine executed exactly what that takes. */
import type { Test } from "tap";
import type { PowerResult, PowerState, PowerVerb } from "../../../agent/ports/power.js";
import { type ErrorCode, LabError } from "../../../proto/base/errors.js";
import { until } from "../host/processes.js";
import type { FaultyBmc } from "./faulty-bmc.js";

/** Every answer or failure of an operator's who does one thing after the other. */
const script: readonly {
  readonly verb: PowerVerb;
  readonly before: PowerState;
  readonly after: PowerState;
  readonly takes: readonly string[];
}[] = [
  { verb: "on", before: "off", after: "on", takes: ["on"] },
  { verb: "on", before: "on", after: "on", takes: [] },
  { verb: "cycle", before: "on", after: "on", takes: ["off", "on"] },
  { verb: "reset", before: "on", after: "on", takes: ["reset"] },
  { verb: "off", before: "on", after: "off", takes: ["off"] },
  { verb: "off", before: "off", after: "off", takes: [] },
];

export interface Refusal {
  readonly code: ErrorCode;
  readonly message: RegExp;
}

/** An error an operator can act on: object, reason, next step. */
export function isActionable(error: unknown): error is LabError {
  return error instanceof LabError && error.code !== "internal" && /: .*; \S/s.test(error.message);
}

/** At the first attempt, each. */
export async function powerHolds(t: Test, rig: FaultyBmc): Promise<void> {
  t.match(await rig.power.read(), { state: "off", fault: false });
  for (const [index, { verb, before, after, takes }] of script.entries()) {
    const had = rig.machine.executed.length;
    const result = await set(rig, verb, `act ${index}`);
    t.match(result, { before, after, acted: takes.length > 0, replayed: false }, verb);
    // A reset shows nowhere: a slow chassis still has it before it.
    await until(() => rig.machine.executed.length >= had + takes.length, `the machine to ${verb}`);
    t.same(rig.machine.executed.slice(had), takes, `${verb} takes ${takes.join(", ") || "nothing"}`);
  }
  const had = rig.machine.executed.length;
  t.match(await set(rig, "cycle", "act 2"), { replayed: true }, "the same key again");
  t.equal(rig.machine.executed.length, had, "does nothing again");
}

const mostAttempts = 12;

/**
 * As often as an operator has to try: each attempt does what it says or fails in words that help, and the machine executed nothing that
 * was not asked for, and nothing twice in one attempt.
 */
export async function powerHoldsInTheEnd(t: Test, rig: FaultyBmc): Promise<void> {
  for (const [index, { verb, after }] of script.entries()) {
    let result: PowerResult | undefined;
    for (let attempt = 0; result === undefined; attempt += 1) {
      if (attempt === mostAttempts) throw new Error(`${verb} did not succeed in ${mostAttempts} attempts`);
      const had = rig.machine.executed.length;
      const was = rig.machine.on ? "on" : "off";
      result = await set(rig, verb, `act ${index} ${attempt}`).catch((error: unknown) => {
        if (!isActionable(error)) throw error;
        return undefined;
      });
      const executed = rig.machine.executed.slice(had);
      const most = mostSteps(verb, was);
      t.same(executed, most.slice(0, executed.length), `${verb} when ${was} executes each step once at most, in order`);
      if (result === undefined) continue;
      t.match(result, { before: was, after });
      // Of a reset without an answer nobody can know.
      if (result.witnessed) t.same(executed, most, `${verb} when ${was} has executed ${most.join(", ") || "nothing"}`);
      t.equal(rig.machine.on ? "on" : "off", after, verb);
    }
  }
}

/** Nothing works, each verb says why, and nothing was executed. */
export async function powerIsRefused(t: Test, rig: FaultyBmc, refusal: Refusal): Promise<void> {
  for (const verb of ["on", "cycle"] as const) {
    const error: unknown = await set(rig, verb, `refused ${verb}`).then(
      (result) => result,
      (thrown: unknown) => thrown,
    );
    t.match(error, refusal, verb);
    t.ok(isActionable(error), `${verb}: an operator knows what to do: ${String(error)}`);
  }
  t.same(rig.machine.executed, []);
}

function set(rig: FaultyBmc, verb: PowerVerb, key: string): Promise<PowerResult> {
  return rig.power.set({ verb, key, deadlineMs: rig.actMs, queueMs: 600_000 });
}

function mostSteps(verb: PowerVerb, state: PowerState): readonly string[] {
  if (verb === "cycle") return state === "on" ? ["off", "on"] : ["on"];
  return verb === state ? [] : [verb];
}
