/** A node's serial console over its BMC: Serial-over-LAN. */
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
  let line: ConsoleLine | undefined;
  return {
    kind: "sol",
    label: bmc.label.replace("bmc", "sol"),
    async open({ signal } = {}) {
      line = lineOf(await bmc.openSol({ signal, steal: options.steal }));
      return line;
    },
    async close() {
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
