/** A deployment that has passed all checks of problems.ts: what every step is derived from. */
import type { PlannedNode } from "../../deploy/recipe.js";
import type { PhosParameters } from "./parameters.js";

export { numberFrom, textFrom } from "../../deploy/recipe.js";

export interface Design {
  readonly deployment: string;
  readonly node: PlannedNode;
  readonly parameters: PhosParameters;
  /** Name of the container. */
  readonly container: string;
}

export const seconds = 1000;
export const minutes = 60 * seconds;

/** The clone inside the container. */
export const home = "/root";
/** Where the node's directory of checkpoints is inside the container. */
export const keptDirectory = "/checkpoints";

/** Ports of PhOS, UDP, without authentication: the daemon's and the one a pos_cli binds (facts: PhOS §3). */
export const daemonPort = 5213;
export const clientPort = 10086;

/** Ids of the steps that others need or read from. */
export const stepIds = {
  check: ({ node }: Design) => `check/${node.name}`,
  image: ({ node }: Design) => `image/${node.name}`,
  clone: ({ node }: Design) => `clone/${node.name}`,
  container: ({ node }: Design) => `container/${node.name}`,
  quiet: ({ node }: Design) => `quiet/${node.name}`,
  assets: ({ node }: Design) => `assets/${node.name}`,
  configure: ({ node }: Design) => `configure/${node.name}`,
  pass: ({ node }: Design, pass: number) => `build/${node.name}/pass-${pass}`,
  cargo: ({ node }: Design) => `build/${node.name}/cargo`,
  installed: ({ node }: Design) => `build/${node.name}/installed`,
  daemon: ({ node }: Design) => `daemon/${node.name}`,
  sample: ({ node }: Design) => `sample/${node.name}`,
  end: ({ node }: Design) => `end/${node.name}`,
} as const;

/** A command inside the container: argv, no shell, no terminal. */
export function inContainer({ container }: Pick<Design, "container">, argv: readonly string[], cwd?: string): readonly string[] {
  return ["docker", "exec", ...(cwd === undefined ? [] : ["-w", cwd]), container, ...argv];
}

/** As inContainer, in a login shell that runs a script: /etc/profile is loaded, which the build has written into. */
export function scriptInContainer(design: Pick<Design, "container">, script: readonly string[], cwd: string): readonly string[] {
  return inContainer(design, ["bash", "-l", ...script], cwd);
}

/** Lines that are not blank, without the colours PhOS's logger adds. */
export function linesOf(text: string): string[] {
  return text
    .replace(colour, "")
    .split(/\r\n|\n|\r/)
    .filter((line) => line.trim() !== "");
}

const colour = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, "g");
