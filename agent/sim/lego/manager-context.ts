/** What the parts of a running LegoOS manager share. */
import type { Hardware } from "../kernel.js";
import type { LegoFabric } from "./fabric.js";
import type { LegoBuild } from "./image.js";
import type { Lifetime } from "./lifetime.js";
import type { SerialConsole } from "./serial-console.js";

export interface ManagerContext {
  readonly hardware: Hardware;
  readonly build: LegoBuild;
  readonly fabric: LegoFabric;
  readonly lifetime: Lifetime;
  readonly console: SerialConsole;
  /** LID of a node by the table built in; undefined when there is no such node. */
  readonly lidOf: (node: number) => number | undefined;
  readonly panic: (reason: string) => void;
}
