/**
 * Commands as data: where they go, how their request and reply look, what their own completion codes mean. A client encodes the
 * request and decodes the reply, a BMC the other way round; both types follow from the table.
 */
import type { Layout } from "../wire/layout.js";

export const netFn = { chassis: 0x00, sensor: 0x04, app: 0x06, storage: 0x0a, transport: 0x0c } as const;

export interface Command<Request, Reply> {
  /** As the specification calls it. */
  readonly name: string;
  /** Of the request: even. */
  readonly netFn: number;
  readonly cmd: number;
  readonly request: Layout<Request>;
  /** What follows a completion code of 0. */
  readonly reply: Layout<Reply>;
  /** Meaning of completion codes 0x80…0xBE. */
  readonly completions?: Readonly<Record<number, string>>;
  /** Safe to send again when no reply came. Never true of what acts on the machine: a busy BMC executes every copy. */
  readonly repeatable: boolean;
}

/** Carries commands to a BMC: see `Bmc.send`. */
export interface Carrier {
  /** For messages: "bmc 10.0.1.10". */
  readonly label: string;
  send<Request, Reply>(command: Command<Request, Reply>, request: Request, options?: { signal?: AbortSignal | undefined }): Promise<Reply>;
}

/** Gives a table entry its types. */
export function command<Request, Reply>(entry: Command<Request, Reply>): Command<Request, Reply> {
  return entry;
}

export type RequestOf<C> = C extends Command<infer Request, infer _Reply> ? Request : never;
export type ReplyOf<C> = C extends Command<infer _Request, infer Reply> ? Reply : never;
