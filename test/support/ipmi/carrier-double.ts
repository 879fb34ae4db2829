/** A BMC behind the Carrier interface: replies as objects, refusals as the session tells them. No packets. */
import { type Carrier, type Command } from "../../../agent/ipmi/command/index.js";
import { commandFailed } from "../../../agent/ipmi/session/failures.js";
import { decode, encode } from "../../../agent/ipmi/wire/index.js";
import { CancelledError } from "../../../proto/base/errors.js";

/** What a BMC says instead of a reply. */
export interface Refused {
  readonly refused: number;
}

export class CarrierDouble implements Carrier {
  readonly label = "bmc 10.0.1.10";
  /** Names of the commands that came, in order. */
  readonly seen: string[] = [];
  readonly #answers = new Map<string, (request: never) => object>();

  answer<Request, Reply extends object>(command: Command<Request, Reply>, reply: (request: Request) => Reply | Refused): void {
    this.#answers.set(command.name, reply);
  }

  count({ name }: { readonly name: string }): number {
    return this.seen.filter((each) => each === name).length;
  }

  /** Requests and replies go through their bytes, as on the wire. */
  async send<Request, Reply>(
    command: Command<Request, Reply>,
    request: Request,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<Reply> {
    if (options?.signal?.aborted) throw CancelledError.from(options.signal);
    this.seen.push(command.name);
    const answer = this.#answers.get(command.name);
    const asked = decode(command.request, encode(command.request, request), command.name);
    const reply = answer?.(asked as never) ?? { refused: 0xc1 };
    if ("refused" in reply) throw commandFailed(this.label, command, reply.refused as number);
    return decode(command.reply, encode(command.reply, reply as Reply), command.name);
  }
}
