/** A serial line behind a unix stream socket: a virtual machine's serial port, a simulated machine. */
import { connect } from "node:net";
import type { Clock } from "../../../proto/base/clock.js";
import type { ConsoleSource } from "../../ports/console.js";
import { openSocketLine } from "./socket-line.js";

export function unixConsole(path: string, clock: Clock): ConsoleSource {
  const label = `unix ${path}`;
  return {
    kind: "unix",
    label,
    open: (options) => openSocketLine(connect({ path }), { label, clock, signal: options?.signal }),
    close: async () => {},
  };
}
