/** The power benchmark: for every size of farm every tool, run after run, each action on machines that were put right before. */
import { startFarm, type Executions, type Farm } from "../farm/farm.js";
import { powerScripts, type PowerScript } from "../farm/power-scripts.js";
import { countPackets } from "../measure/packets.js";
import { missingPrograms } from "../programs.js";
import type { Workbench } from "../workbench.js";
import { actions, type Action, type OpenTool, type Performance, type PowerTool } from "./tool.js";

export interface PowerPlan {
  readonly sizes: readonly number[];
  readonly runs: number;
  readonly scripts: readonly PowerScript["name"][];
  readonly tools: readonly PowerTool[];
  /** UDP port of the BMCs. */
  readonly port: number;
  readonly say: (text: string) => void;
}

export interface PowerSample extends Performance {
  readonly bmcs: number;
  readonly script: PowerScript["name"];
  readonly tool: string;
  readonly action: Action;
  readonly run: number;
  /** Datagrams both ways, for one time; undefined when they could not be counted. */
  readonly packets: number | undefined;
  /** How often power programs ran for all rounds together. */
  readonly executions: Executions;
  /** Machines that were in the state asked for when all had come to rest. */
  readonly asAsked: number;
}

/** Resolves with every sample. A tool that is missing is said, and has none. */
export async function runPower(bench: Workbench, plan: PowerPlan): Promise<readonly PowerSample[]> {
  const tools = plan.tools.filter(({ name, needs }) => {
    const missing = missingPrograms(needs);
    if (missing !== undefined) plan.say(`skipped ${name}: ${missing}`);
    return missing === undefined;
  });
  const samples: PowerSample[] = [];
  for (const bmcs of plan.sizes) {
    const farm = await startFarm(bench, { count: bmcs, port: plan.port });
    plan.say(`${bmcs} BMCs at ${farm.network}.0.0/16`);
    for (let run = 1; run <= plan.runs; run += 1) {
      for (const script of powerScripts.filter(({ name, countsOnly }) => plan.scripts.includes(name) && (run === 1 || !countsOnly))) {
        await farm.use(script);
        for (const tool of tools.filter((each) => actionsOf(each, script).length > 0)) {
          for await (const sample of performAll(bench, farm, tool, script)) {
            plan.say(sampleLine({ ...sample, run }));
            samples.push({ ...sample, run });
          }
        }
      }
    }
    await farm.stop();
  }
  return samples;
}

async function* performAll(bench: Workbench, farm: Farm, tool: PowerTool, script: PowerScript): AsyncGenerator<Omit<PowerSample, "run">> {
  await farm.begin("on");
  const open = await tool.open(bench, farm);
  try {
    for (const action of actionsOf(tool, script)) {
      const sample = await performOne(bench, farm, open, action, script);
      yield { ...sample, bmcs: farm.bmcs.length, script: script.name, tool: tool.name, action };
    }
  } finally {
    await open.close();
  }
}

async function performOne(bench: Workbench, farm: Farm, tool: OpenTool, action: Action, { sleepMs }: PowerScript) {
  await farm.begin(action === "on" ? "off" : "on");
  const packets = await countPackets(bench, farm);
  const performance = await tool.perform(action);
  await farm.quiet(quietMs[action] + sleepMs);
  const counted = await packets.end();
  return {
    ...performance,
    packets: counted === undefined ? undefined : counted / performance.rounds,
    executions: await farm.executions(),
    asAsked: await farm.machinesThatAre(action === "off" ? "off" : "on"),
  };
}

/** When all has come to rest: a BMC that was busy executes afterwards what was sent meanwhile, and its own cycle takes a second. */
const quietMs: Readonly<Record<Action, number>> = { stat: 200, off: 700, on: 700, cycle: 2_000 };

function actionsOf(tool: PowerTool, { countsOnly }: PowerScript): readonly Action[] {
  return actions.filter((action) => tool.actions.includes(action) && !(countsOnly && action === "stat"));
}

function sampleLine({ run, script, tool, action, bmcs, ...sample }: PowerSample): string {
  const { wallMs, cpuMs, packets, succeeded, asAsked, executions } = sample;
  const switched = action === "stat" ? "" : `, ran ${executions.off + executions.on} times`;
  const fine = succeeded === bmcs && asAsked === bmcs ? "" : `; ${succeeded} succeeded, ${asAsked} as asked: ${sample.complaints[0] ?? ""}`;
  const cost = `${wallMs.toFixed(1)} ms, CPU ${cpuMs.toFixed(1)} ms, ${packets ?? "?"} packets`;
  return `  run ${run} ${script.padEnd(5)} ${tool.padEnd(30)} ${action.padEnd(5)} ${cost}${switched}${fine}`;
}
