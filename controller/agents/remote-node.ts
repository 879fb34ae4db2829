/** A node as the controller's rooms see it, whichever agents stand behind it. */
import type { Clock } from "../../proto/base/clock.js";
import { InternalError } from "../../proto/base/errors.js";
import type { BootEntries } from "../../proto/gen/lab/v1/boot.js";
import type { PowerStatus } from "../../proto/gen/lab/v1/power.js";
import type { Facts as WireFacts } from "../../proto/gen/lab/v1/node.js";
import type { BootMenu, ConsoleFeed, Facts, NodeHandle, Nodes, PowerReading, PowerResult, PowerState, PowerVerb } from "../ports.js";
import { runJob } from "./job-run.js";
import { setPower } from "./power-act.js";
import { remoteJobs } from "./remote-jobs.js";
import { remoteFiles } from "./remote-files.js";
import type { Routes } from "./routes.js";

export interface RemoteNodesOptions {
  readonly routes: Routes;
  readonly clock: Clock;
  /** The console of a node, shared by all who follow it. */
  readonly console: (node: string) => ConsoleFeed;
  /** Told every power state that was read. */
  readonly onPower?: (node: string, state: PowerState) => void;
  /** Told every power act that changed something. */
  readonly onPowerAct?: (node: string, verb: PowerVerb, result: PowerResult) => void;
}

export class RemoteNodes implements Nodes {
  readonly #options: RemoteNodesOptions;

  constructor(options: RemoteNodesOptions) {
    this.#options = options;
  }

  node(name: string): NodeHandle {
    const { routes, clock } = this.#options;
    const spec = routes.spec(name);
    const own = (options?: { signal?: AbortSignal | undefined }) => routes.own(name, options);
    const context = { node: name, clock, reach: (signal: AbortSignal | undefined) => own({ signal }) };
    return {
      name,
      get agentConnected() {
        return routes.isUp(name);
      },
      power: this.#power(name),
      boot: this.#boot(name),
      run: (request, options) => runJob(context, request, options),
      jobs: remoteJobs(context),
      files: remoteFiles(name, own),
      async facts(options) {
        const { node } = await own(options);
        return facts(await node.getFacts({ node: name }, { signal: options?.signal }));
      },
      async reboot({ fence, signal }) {
        const { node } = await own({ signal });
        return node.reboot({ node: name, fence }, { signal });
      },
      console: spec.console === undefined ? undefined : this.#options.console(name),
    };
  }

  #power(node: string): NodeHandle["power"] {
    const { routes, clock, onPower, onPowerAct } = this.#options;
    const reading = (status: PowerStatus): PowerReading => {
      const state = powerState(status.state);
      onPower?.(node, state);
      return { ...status, state };
    };
    return {
      async read(options) {
        const { power } = await routes.power(node, options);
        return reading(await power.getPower({ node }, { signal: options?.signal }));
      },
      async confirm(state, options) {
        const { power } = await routes.power(node, options);
        return reading(await power.confirmPower({ node, state }, { signal: options?.signal }));
      },
      async set(verb, { fence, key, deadlineMs, queueMs, signal }) {
        const request = { node, verb, fence, key, deadlineMs, queueMs };
        const { again, ...answer } = await setPower({ routes, clock }, request, signal);
        const result = { ...answer, before: powerState(answer.before), after: powerState(answer.after) };
        onPower?.(node, result.after);
        if (result.acted && (again || !result.replayed)) onPowerAct?.(node, verb, result);
        return result;
      },
    };
  }

  #boot(node: string): NodeHandle["boot"] {
    const { routes } = this.#options;
    const boot = async (signal: AbortSignal | undefined) => (await routes.own(node, { signal })).boot;
    return {
      menu: async (options) => bootMenu(await (await boot(options?.signal)).listEntries({ node }, options)),
      putEntry: async (entry, { fence, signal }) =>
        bootMenu(await (await boot(signal)).putEntry({ node, entry: { ...entry, managed: false }, fence }, { signal })),
      removeEntry: async (id, { fence, signal }) => bootMenu(await (await boot(signal)).removeEntry({ node, id, fence }, { signal })),
      bootOnce: async (id, { fence, signal }) => bootMenu(await (await boot(signal)).bootOnce({ node, id, fence }, { signal })),
    };
  }
}

function powerState(state: string): PowerState {
  if (state === "on" || state === "off") return state;
  throw new InternalError(`the site agent calls the power state "${state}"`);
}

function bootMenu(entries: BootEntries): BootMenu {
  return { entries: entries.entries, defaultEntry: entries.defaultEntry, nextEntry: entries.nextEntry };
}

function facts(wire: WireFacts): Facts {
  return {
    ...wire,
    memoryBytes: Number(wire.memoryBytes),
    memoryAvailableBytes: Number(wire.memoryAvailableBytes),
    disks: wire.disks.map(({ mount, sizeBytes, freeBytes }) => ({ mount, sizeBytes: Number(sizeBytes), freeBytes: Number(freeBytes) })),
  };
}
