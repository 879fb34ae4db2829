/**
 * The agents that are connected now. One connection per name: a newer one replaces an older one, which is usually the same agent
 * after its network forgot the old connection.
 */
import type { Duplex } from "node:stream";
import type { Lab } from "../../inventory/model.js";
import { withDeadline } from "../../proto/base/abort.js";
import { Changes } from "../../proto/base/changes.js";
import type { Clock } from "../../proto/base/clock.js";
import { DeadlineError, InvalidArgumentError, UnreachableError } from "../../proto/base/errors.js";
import type { Logger } from "../../proto/base/logger.js";
import { channelOver } from "../../proto/rpc/reverse.js";
import type { AgentConnection } from "./agent-connection.js";
import { meetAgent } from "./agent-connection.js";
import { siteAssignment } from "./site-assignment.js";

export interface RegistryOptions {
  readonly lab: Lab;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a call waits for an agent that is not connected. Default 10 s. */
  readonly reconnectMs?: number;
  readonly onConnected?: (agent: AgentConnection) => void;
  readonly onLost?: (agent: AgentConnection, reason: string) => void;
}

interface Waiter {
  readonly resolve: (agent: AgentConnection) => void;
  readonly reject: (error: Error) => void;
}

export class AgentRegistry {
  readonly #options: RegistryOptions;
  readonly #connected = new Map<string, AgentConnection>();
  /** Arrivals counted per name: of two that are being met, the later one stays. */
  readonly #arrivals = new Map<string, number>();
  readonly #waiting = new Map<string, Set<Waiter>>();
  /** Told when an agent comes or goes. */
  readonly #changes = new Changes();
  #closed = false;

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** Takes over the connection of the verified agent `name`. Never throws: a connection that comes to nothing is logged and closed. */
  async accept(socket: Duplex, name: string): Promise<void> {
    const { lab, clock, logger } = this.#options;
    if (this.#closed || !isAgentOf(lab, name)) {
      logger.warn({ agent: name }, "agent refused: the inventory has neither an agent nor a node of this name");
      socket.destroy();
      return;
    }
    const arrival = (this.#arrivals.get(name) ?? 0) + 1;
    this.#arrivals.set(name, arrival);
    try {
      const channel = await channelOver(socket, { label: `agent ${name}`, clock });
      const agent = await meetAgent(name, channel);
      // Every agent: one that is no site any more, or no longer reaches a node by ssh, must let go of what it kept.
      await this.#assign(agent);
      if (this.#arrivals.get(name) === arrival && !this.#closed) this.#welcome(agent);
      else channel.close();
    } catch (err) {
      logger.error({ agent: name, err }, "agent connected but cannot be used");
      socket.destroy();
    }
  }

  /** An agent is of use with what it can look after; the rest is told, not held against it. */
  async #assign({ name, agent }: AgentConnection): Promise<void> {
    try {
      await agent.assignSite(siteAssignment(this.#options.lab, name));
    } catch (err) {
      if (!(err instanceof InvalidArgumentError)) throw err;
      this.#options.logger.error({ agent: name, err }, "an agent cannot look after all of its nodes; correct the inventory");
    }
  }

  /** The agent if it is connected now. */
  connected(name: string): AgentConnection | undefined {
    return this.#connected.get(name);
  }

  /** The agent, waiting for it to connect when it is not. Throws UnreachableError that says what to check. */
  async reach(name: string, options?: { signal?: AbortSignal | undefined }): Promise<AgentConnection> {
    const present = this.#connected.get(name);
    if (present !== undefined) return present;
    if (this.#closed) throw this.#stopping(name);
    const { clock, reconnectMs: deadlineMs = 10_000 } = this.#options;
    const wait = { subject: `agent ${name}`, awaited: "its connection", deadlineMs };
    let forget = () => {};
    const arrival = () =>
      new Promise<AgentConnection>((resolve, reject) => {
        forget = this.#enqueue(name, { resolve, reject });
      });
    try {
      return await withDeadline(clock, wait, arrival, options);
    } catch (error) {
      throw error instanceof DeadlineError && error.awaited === wait.awaited ? this.#unreachable(name, deadlineMs) : error;
    } finally {
      forget();
    }
  }

  /** False when the agent goes away, or is away already; true when it is back; and so on. Ends only by throwing CancelledError. */
  async *absences(name: string, options: { signal: AbortSignal }): AsyncGenerator<boolean, never, undefined> {
    let told = true;
    for (;;) {
      const present = this.#connected.has(name);
      if (present === told) {
        await this.#changes.next(options);
      } else {
        told = present;
        yield present;
      }
    }
  }

  /** Hangs up on every agent; they dial again when there is a controller again. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const [name, waiters] of this.#waiting) for (const { reject } of waiters) reject(this.#stopping(name));
    for (const { channel } of this.#connected.values()) channel.close();
  }

  #welcome(agent: AgentConnection): void {
    const { logger, onConnected } = this.#options;
    const { name, channel, description } = agent;
    const older = this.#connected.get(name);
    this.#connected.set(name, agent);
    older?.channel.close();
    void channel.closed.then((reason) => this.#lost(agent, reason));
    logger.info(
      { agent: name, version: description.version, duties: description.duties, replaced: older !== undefined },
      "agent connected",
    );
    onConnected?.(agent);
    this.#changes.tell();
    for (const { resolve } of this.#waiting.get(name) ?? []) resolve(agent);
  }

  #lost(agent: AgentConnection, reason: string): void {
    if (this.#connected.get(agent.name) !== agent) return;
    this.#connected.delete(agent.name);
    this.#options.logger.info({ agent: agent.name, reason }, "agent lost");
    this.#options.onLost?.(agent, reason);
    this.#changes.tell();
  }

  #enqueue(name: string, waiter: Waiter): () => void {
    const waiting = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, waiting.add(waiter));
    return () => {
      waiting.delete(waiter);
      if (waiting.size === 0) this.#waiting.delete(name);
    };
  }

  #stopping(name: string): UnreachableError {
    return new UnreachableError(`agent ${name}: the controller is stopping`, { facts: { agent: name } });
  }

  #unreachable(name: string, waitedMs: number): UnreachableError {
    const check = isSite(this.#options.lab, name)
      ? `check that lab-agent runs as ${name} and can reach the controller`
      : `check that ${name} is up in its operating system, lab-agent runs there and can reach the controller`;
    const waited = `${(waitedMs / 1000).toFixed(0)} s`;
    return new UnreachableError(`agent ${name}: not connected (waited ${waited}); ${check}`, { facts: { agent: name } });
  }
}

function isSite(lab: Lab, name: string): boolean {
  return lab.agents.some((agent) => agent.name === name && agent.site);
}

function isAgentOf(lab: Lab, name: string): boolean {
  return lab.agents.some((agent) => agent.name === name) || lab.nodes.some((node) => node.agent && node.name === name);
}
