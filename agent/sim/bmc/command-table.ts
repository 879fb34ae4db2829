/** Commands a simulated BMC answers: which, from what privilege on, and how. Everything else is an unknown command, 0xC1. */
import type { Command } from "../../ipmi/command/index.js";
import {
  completionCode,
  decode,
  encode,
  MalformedPacketError,
  privilege,
  type ReplyMessage,
  replyTo,
  type RequestMessage,
} from "../../ipmi/wire/index.js";
import type { BmcSession } from "./session.js";

/** An answer that is only a completion code. */
export interface Refusal {
  readonly refused: number;
}

export function refuse(code: number): Refusal {
  return { refused: code };
}

export interface CommandEntry {
  readonly netFn: number;
  readonly cmd: number;
  /** The lowest privilege that may; 0 = also without a session. */
  readonly privilege: number;
  /** Throws MalformedPacketError when the request's data are too short. */
  answer(data: Uint8Array, session: BmcSession | undefined): Uint8Array | Refusal;
}

/** An entry for a command of the table; its types come from there. */
export function answers<Request, Reply extends object>(
  command: Command<Request, Reply>,
  lowest: keyof typeof privilege | "none",
  handle: (request: Request, session: BmcSession | undefined) => Reply | Refusal,
): CommandEntry {
  return {
    netFn: command.netFn,
    cmd: command.cmd,
    privilege: lowest === "none" ? 0 : privilege[lowest],
    answer(data, session) {
      const reply = handle(decode(command.request, data, command.name), session);
      return "refused" in reply ? reply : encode(command.reply, reply);
    },
  };
}

export class CommandTable {
  readonly #entries = new Map<number, CommandEntry>();

  constructor(entries: readonly CommandEntry[]) {
    for (const entry of entries) this.#entries.set((entry.netFn << 8) | entry.cmd, entry);
  }

  answer(request: RequestMessage, session: BmcSession | undefined): ReplyMessage {
    const entry = this.#entries.get((request.netFn << 8) | request.command);
    const level = session?.privilege ?? 0;
    if (entry === undefined) return replyTo(request, level === 0 ? completionCode.insufficientPrivilege : completionCode.invalidCommand);
    if (level < entry.privilege) return replyTo(request, completionCode.insufficientPrivilege);
    try {
      const answer = entry.answer(request.data, session);
      return "refused" in answer ? replyTo(request, answer.refused) : replyTo(request, completionCode.ok, answer);
    } catch (error) {
      if (error instanceof MalformedPacketError) return replyTo(request, completionCode.requestLengthInvalid);
      throw error;
    }
  }
}
