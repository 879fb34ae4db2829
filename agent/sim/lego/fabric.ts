/** The InfiniBand subnet that joins the simulated machines of a lab: who has queue pairs at which LID, and what runs behind them. */
import type { Executable } from "./executable.js";
import type { FitConstants } from "./image.js";
import type { CheckedTable } from "./node-table.js";

/** One machine's FIT layer, reachable from the moment its queue pairs are built until the machine stops. */
export interface FitEndpoint {
  readonly lid: number;
  readonly constants: FitConstants;
  readonly table: CheckedTable;
  /** Takes the ring message of node `from`; false when the queue pairs to it have gone into the error state. */
  receive(from: number): boolean;
}

/** Answer of a memory manager to a processor manager that wants to run a program; a negative errno when it cannot. */
export type ExecReply = { readonly program: Executable } | { readonly error: number };

/** What a node does for others once its manager is up. */
export type ManagerService =
  /** `execute` never resolves when the manager dies of the request. */
  | { readonly kind: "memory"; execute(path: string): Promise<ExecReply> }
  /** The files of the storage node, by absolute path; undefined when there is none. */
  | { readonly kind: "storage"; readFile(path: string): string | undefined };

const sharedKey = "legoos fabric";

export class LegoFabric {
  readonly #endpoints = new Map<number, FitEndpoint>();
  readonly #services = new Map<number, ManagerService>();
  readonly #ports = new Map<number, string>();
  readonly #listeners = new Set<() => void>();

  /** The one fabric of a lab: made at the first call. */
  static of(shared: Map<string, unknown>): LegoFabric {
    const existing = shared.get(sharedKey);
    if (existing instanceof LegoFabric) return existing;
    const fabric = new LegoFabric();
    shared.set(sharedKey, fabric);
    return fabric;
  }

  /** Port names by LID: every machine that was ever seen on the subnet. */
  get ports(): ReadonlyMap<number, string> {
    return this.#ports;
  }

  registerPort(lid: number, node: string): void {
    this.#ports.set(lid, node);
  }

  /** Makes a FIT layer reachable; returns the way to take it off again, with what it serves. */
  attach(endpoint: FitEndpoint): () => void {
    this.#endpoints.set(endpoint.lid, endpoint);
    this.#changed();
    return () => {
      if (this.#endpoints.get(endpoint.lid) !== endpoint) return;
      this.#endpoints.delete(endpoint.lid);
      this.#services.delete(endpoint.lid);
    };
  }

  endpointAt(lid: number): FitEndpoint | undefined {
    return this.#endpoints.get(lid);
  }

  /** Offers a manager's service at a LID, until its endpoint is taken off. */
  serve(lid: number, service: ManagerService): void {
    this.#services.set(lid, service);
    this.#changed();
  }

  serviceAt<K extends ManagerService["kind"]>(lid: number, kind: K): Extract<ManagerService, { kind: K }> | undefined {
    const service = this.#services.get(lid);
    return service?.kind === kind ? (service as Extract<ManagerService, { kind: K }>) : undefined;
  }

  /** Calls `listener` when an endpoint or a service has been added; returns the way to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
