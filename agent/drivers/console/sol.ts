/** A node's serial console over its BMC: Serial-over-LAN. */
import { anySignal } from "../../../proto/base/abort.js";
import type { ConsoleLine, ConsoleSource } from "../../ports/console.js";
import type { BmcOptions, SolStream } from "../../ipmi/index.js";
import type { BmcPool } from "../bmc.js";

export interface SolConsoleOptions {
  readonly bmc: BmcOptions;
  /** Take SOL from another session instead of throwing ConflictError. */
  readonly steal: boolean;
}

/** The console behind a BMC. Throws InvalidArgumentError when the pool holds the BMC with other credentials. */
export function openSolConsole(pool: BmcPool, options: SolConsoleOptions): ConsoleSource {
  const { bmc, release } = pool.acquire(options.bmc);
  const closing = new AbortController();
  let line: ConsoleLine | undefined;
  /** Of every opening so far. */
  let settled: Promise<unknown> = Promise.resolve();
  const open = async (signal: AbortSignal | undefined) => {
    const either = anySignal(signal, closing.signal);
    try {
      line = lineOf(await bmc.openSol({ signal: either.signal, steal: options.steal }));
      return line;
    } finally {
      either.release();
    }
  };
  return {
    kind: "sol",
    label: bmc.label.replace("bmc", "sol"),
    open({ signal } = {}) {
      const opening = open(signal);
      settled = Promise.allSettled([settled, opening]);
      return opening;
    },
    async close() {
      closing.abort();
      await settled;
      await line?.close();
      await release();
    },
  };
}

function lineOf(stream: SolStream): ConsoleLine {
  return {
    // Bytes and losses; that the machine is off is for the power driver to say.
    read: (tell) =>
      stream.read((event) => {
        if (event.kind !== "notice") tell(event);
      }),
    write: (data, options) => stream.write(data, options),
    // The length of a BREAK is the BMC's own; IPMI has no field for it.
    sendBreak: () => stream.sendBreak(),
    close: () => stream.close(),
  };
}
