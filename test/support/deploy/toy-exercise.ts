/** What can be done with the toy system: ask it so many times, move it, and a report of how long its answers took. */
import { z } from "zod";
import type { Exercise, Outputs, PlanDraft, PlanInput, PlanProblem, Report, Requirement, Step } from "../../../controller/deploy/recipe.js";

const question = z.strictObject({
  times: z.int().min(1).default(2).describe("how often to ask"),
  checkEvery: z.string().default("10s").describe("time between two questions"),
  loud: z.boolean().default(false),
});
const move = z.strictObject({ to: z.enum(["server", "client"]).describe("the role it moves to") });

export const toyExercises: Readonly<Record<string, Exercise>> = {
  ask: {
    summary: "ask it so many times",
    parameters: question,
    plan: (input, request) => askToy(input, request as z.infer<typeof question>),
  },
  move: {
    summary: "move it to another machine",
    parameters: move,
    plan: (input, request) => moveToy(input, request as z.infer<typeof move>),
  },
};

function askToy({ roles }: PlanInput<unknown>, { times, checkEvery }: z.infer<typeof question>): PlanDraft {
  const node = roles["server"]?.[0]?.name ?? "";
  const ids = Array.from({ length: times }, (_, index) => `ask/${node}/${index + 1}`);
  return {
    title: `ask toy ${times} times, every ${checkEvery}`,
    steps: ids.map((id, index) => ask(id, node, index === 0 ? [] : [ids[index - 1] ?? ""])),
  };
}

/** The answer is the time it took, in milliseconds. */
function ask(id: string, node: string, needs: readonly string[]): Step {
  return {
    id,
    phase: "ask",
    node,
    title: "ask",
    needs,
    repeat: "repeatable",
    evidence: [
      {
        kind: "command",
        argv: () => ["ask"],
        claim: "it answers",
        withinMs: 5000,
        judge: ({ stdout }) => {
          const took = Number.parseInt(stdout, 10);
          return Number.isNaN(took) ? { ok: false, final: true, reason: "no answer" } : { ok: true, outputs: { took } };
        },
      },
    ],
  };
}

function moveToy({ roles, previous }: PlanInput<unknown>, { to }: z.infer<typeof move>): PlanDraft | { problems: PlanProblem[] } {
  const node = roles[to]?.[0]?.name ?? "";
  const bootId = previous[`check/${node}`]?.["bootId"];
  if (typeof bootId !== "string") return { problems: [{ at: "request.to", problem: `${node} runs no toy; deploy it first` }] };
  return {
    title: `move toy to ${node}`,
    steps: [{ id: `move/${node}`, phase: "move", node, title: `from ${bootId}`, needs: [], repeat: "verify", evidence: [moved] }],
  };
}

const moved: Requirement = {
  kind: "command",
  argv: () => ["moved"],
  claim: "it has moved",
  withinMs: 5000,
  judge: () => ({ ok: true, outputs: { moved: true } }),
};

export function toyReports(outputs: Outputs): readonly Report[] {
  const answers = Object.entries(outputs).flatMap(([step, { took }]) => (typeof took === "number" ? [{ step, took }] : []));
  if (answers.length === 0) return [];
  return [
    {
      kind: "table",
      name: "answers",
      title: "Answers of toy",
      columns: ["step", "took ms"],
      rows: answers.map(({ step, took }) => [step, took]),
    },
    {
      kind: "chart",
      name: "answer-times",
      title: "Answer times of toy",
      xLabel: "question",
      yLabel: "ms",
      series: [{ name: "toy", points: answers.map(({ took }, index) => [index + 1, took]) }],
      marks: [],
    },
  ];
}
