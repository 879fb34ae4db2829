/** The one table of console drivers. `sol` needs its BMC's session and joins the table in the composition root. */
import type { Clock } from "../../../proto/base/clock.js";
import { UnsupportedError } from "../../../proto/base/errors.js";
import type { ConsoleSource } from "../../ports/console.js";
import { fileConsole } from "./file.js";
import { tcpConsole } from "./tcp.js";
import { unixConsole } from "./unix.js";

export interface ConsoleTarget {
  readonly node: string;
  /** Key of the table: "tcp", "unix", "file"… */
  readonly kind: string;
  /** Path or HOST:PORT; "" where the kind needs none. */
  readonly target: string;
  /** 0 = leave as it is. */
  readonly baudRate: number;
}

/** Makes a source; touches nothing before it is opened. Throws InvalidArgumentError for a target it cannot understand. */
export type ConsoleDriver = (target: ConsoleTarget, clock: Clock) => ConsoleSource;
export type ConsoleDrivers = Readonly<Record<string, ConsoleDriver>>;

export const consoleDrivers: ConsoleDrivers = {
  tcp: ({ target }, clock) => tcpConsole(target, clock),
  unix: ({ target }, clock) => unixConsole(target, clock),
  file: ({ target }, clock) => fileConsole(target, clock),
};

/** Throws UnsupportedError for a kind that is not in the table, and what the driver throws. */
export function consoleSource(drivers: ConsoleDrivers, target: ConsoleTarget, clock: Clock): ConsoleSource {
  const driver = Object.hasOwn(drivers, target.kind) ? drivers[target.kind] : undefined;
  if (driver !== undefined) return driver(target, clock);
  throw new UnsupportedError(
    `console ${target.node}: this agent has no driver for "${target.kind}"; it has ${Object.keys(drivers).sort().join(", ")}`,
    { facts: { node: target.node, kind: target.kind } },
  );
}
