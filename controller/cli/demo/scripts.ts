/** What `lab demo` shows of each system: the machines it needs and the commands to type. Data: what a script says is typed as it stands. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { dist } from "../local/programs.js";

export interface DemoScript {
  readonly system: string;
  /** In inventory/examples. */
  readonly inventory: string;
  /** What the machines are. */
  readonly opening: string;
  /** How many times faster than iron they run. */
  readonly speedUp: number;
  /** Typed when every machine is powered on and every agent is there. */
  readonly show: readonly DemoCommand[];
  /** Typed before the end; not with --keep. */
  readonly back: readonly DemoCommand[];
  /** Told with --keep. */
  readonly worthTrying: readonly string[];
}

/** Words behind `lab`, and what to say beside them. No word has a blank. */
export type DemoCommand = string | { readonly type: string; readonly say: string };

const lego: DemoScript = {
  system: "lego",
  inventory: "demo.yaml",
  opening: "A lab of three simulated machines: BMCs on UDP, serial lines over SOL, a boot loader, Linux with a real lab-agent each.",
  speedUp: 20,
  show: ["nodes", "deploy lego-1p1m1s", { type: "tail lego-1p1m1s -n 6", say: "three serial lines, merged in time order" }],
  back: ["undeploy lego-1p1m1s", "nodes"],
  worthTrying: [
    "nodes",
    "tail lego-1p1m1s -f",
    "console s0",
    "exec s0 -- uname -r",
    "plan lego-1p1m1s",
    "record lego-1p1m1s",
    "undeploy lego-1p1m1s",
    "deploy lego-1p1m1s --set memmap=2G",
  ],
};

const hexo: DemoScript = {
  system: "hexo",
  inventory: "demo-hexo.yaml",
  opening: "An x86 server and an arm64 board, simulated: the board has no agent, the server reaches it by ssh.",
  speedUp: 10,
  show: [
    "nodes",
    { type: "deploy hexo-npb-is", say: "built for both, stopped on one, resumed on the other: it must go on where it stopped" },
    { type: "run hexo-npb-is --hold", say: "started, and left running" },
    { type: "migrate hexo-npb-is --to arm", say: "what runs moves to the board" },
  ],
  back: ["undeploy hexo-npb-is", "nodes"],
  worthTrying: [
    "exercises hexo-npb-is",
    "run hexo-npb-is --direction ping-pong --rounds 2",
    "run hexo-npb-is --mode post-copy",
    "migrate hexo-npb-is --to x86",
    "report hexo-npb-is",
    "record hexo-npb-is",
    "undeploy hexo-npb-is",
  ],
};

const phoenix: DemoScript = {
  system: "phoenix",
  inventory: "demo-phoenix.yaml",
  opening: "A simulated Ubuntu machine that gets a kernel of its own, boots it once and proves it before anything rests on it.",
  speedUp: 600,
  show: [
    "nodes",
    "deploy phoenix",
    { type: "run phoenix --experiment redis --case 761 --mode phx --repeat 1", say: "a fault under load, and how soon it serves again" },
  ],
  back: ["undeploy phoenix", "nodes"],
  worthTrying: ["exercises phoenix", "report phoenix --to results", "record phoenix", "undeploy phoenix"],
};

const phos: DemoScript = {
  system: "phos",
  inventory: "demo-phos.yaml",
  opening: "A simulated GPU machine: a container with a checkpoint daemon, and a sample that is stopped and must go on.",
  speedUp: 100,
  show: [
    "nodes",
    "deploy phos",
    { type: "run phos --sample resnet --checkpoint-every 2s --checkpoints 2", say: "dump, kill, restore: the output goes on" },
  ],
  back: ["undeploy phos", "nodes"],
  worthTrying: ["exercises phos", "report phos", "record phos", "undeploy phos"],
};

/** The first is shown when none is named. */
export const demoScripts: readonly DemoScript[] = [lego, hexo, phoenix, phos];

export function inventoryOf({ inventory }: DemoScript): string {
  return join(dist, "../inventory/examples", inventory);
}

/** Those whose machines are declared. */
export function offeredScripts(): readonly DemoScript[] {
  return demoScripts.filter((script) => existsSync(inventoryOf(script)));
}
