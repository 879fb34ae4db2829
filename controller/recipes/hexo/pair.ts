/** The two machines of a pair, and where things lie on them. A proxy knows the x86 one as node 0 and the board as node 1. */
import type { PlannedNode } from "../../deploy/recipe.js";
import type { HexoParameters } from "./parameters.js";

export type Side = "x86" | "arm";

export interface Machine {
  readonly side: Side;
  readonly node: PlannedNode;
  /** HERMIT_NODE_ID. */
  readonly id: 0 | 1;
  /** The hypervisor that runs there. */
  readonly proxy: string;
  /** Holds both programs: each side needs both to translate a stack. */
  readonly programs: string;
  /** Ours alone: `undeploy` removes it with everything in it. */
  readonly directory: string;
  /** Where the other one reaches its page server; undefined when nobody has said. */
  readonly address: string | undefined;
}

/** How the x86 machine gets to the board: password-less. */
export interface BoardLogin {
  readonly user: string;
  readonly host: string;
  readonly port: number;
  readonly identity: string | undefined;
}

export interface Pair {
  readonly x86: Machine;
  readonly arm: Machine;
  readonly login: BoardLogin;
}

export const programNames = { x86: "prog_x86-64_aligned", arm: "prog_aarch64_aligned" } as const satisfies Record<Side, string>;

export function other(side: Side): Side {
  return side === "x86" ? "arm" : "x86";
}

/** Nodes and parameters that have passed problems.ts. */
export function formPair(x86: PlannedNode, board: PlannedNode, deployment: string, parameters: HexoParameters): Pair {
  const { pophermit, workdir, boardHome, source, app } = parameters;
  const boardDirectory = ourDirectory(boardHome, deployment);
  return {
    x86: {
      side: "x86",
      node: x86,
      id: 0,
      proxy: `${pophermit}/x86_64-host/bin/proxy`,
      programs: `${source}/${app}`,
      directory: ourDirectory(workdir, deployment),
      address: parameters.server ?? x86.address,
    },
    arm: {
      side: "arm",
      node: board,
      id: 1,
      proxy: `${boardDirectory}/program/proxy`,
      programs: `${boardDirectory}/program`,
      directory: boardDirectory,
      address: parameters.boardAddress ?? board.address,
    },
    login: {
      user: parameters.boardUser ?? board.ssh?.user ?? "root",
      host: parameters.boardAddress ?? board.address ?? "",
      port: parameters.boardPort ?? board.ssh?.port ?? 22,
      identity: parameters.boardIdentity,
    },
  };
}

function ourDirectory(parent: string, deployment: string): string {
  return `${parent.replace(/\/+$/, "")}/labd-hexo-${deployment}`;
}
