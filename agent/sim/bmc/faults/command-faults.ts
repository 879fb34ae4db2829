/** Faults in how commands are answered (facts: IPMI §1, §2, §5). */
import { InvalidArgumentError } from "../../../../proto/base/errors.js";
import { nearest } from "../../../../inventory/nearest.js";
import { chassisControl, closeSession, getSdr, getSelEntry } from "../../../ipmi/command/index.js";
import { completionCode, replyTo, type RequestMessage } from "../../../ipmi/wire/index.js";
import { commandsByName, isRequestOf } from "./asked.js";
import { fault, type FaultEffects, type FaultKind } from "./fault.js";
import { count, type FaultValue, share, time } from "./fault-value.js";
import { plainFault } from "./plain-fault.js";

export const commandFaults: readonly FaultKind[] = [
  fault({
    name: "busy",
    does: 'answers a share of all commands "node busy" (0xC0) and does not execute them',
    value: share(0.5),
    begin: (busy, { random }) => ({
      command: (request, execute) => (random() < busy ? refusal(request, completionCode.nodeBusy) : execute()),
    }),
  }),
  fault({
    name: "not-supported",
    does: 'answers these commands "not supported in the present state" (0xD5) when they act, "unknown command" (0xC1) when they only ask',
    value: commandNames("chassis-control"),
    begin: (names) => ({
      command(request, execute) {
        const refused = names.map((name) => commandsByName.get(name)).find((each) => each !== undefined && isRequestOf(each, request));
        if (refused === undefined) return execute();
        return refusal(request, refused.repeatable ? completionCode.invalidCommand : completionCode.notInThisState);
      },
    }),
  }),
  fault({
    name: "late-reply",
    does: "executes every command at once and answers it this much later: after the client has asked again",
    value: time(1_500),
    begin: (afterMs) => ({
      command: (_request, execute) => {
        const answer = execute();
        return { ...answer, afterMs: answer.afterMs + afterMs };
      },
    }),
  }),
  plainFault({
    name: "no-reply-after-act",
    does: "executes Chassis Control and does not answer it",
    effects: () => mute(chassisControl),
  }),
  fault({
    name: "slow-chassis",
    does: "the chassis acts this long after the command, which is answered at half that time",
    value: time(5_000),
    begin: (delayMs) => ({
      chassisDelayMs: delayMs,
      command(request, execute) {
        const answer = execute();
        return isRequestOf(chassisControl, request) ? { ...answer, afterMs: answer.afterMs + delayMs / 2 } : answer;
      },
    }),
  }),
  plainFault({
    name: "no-close-reply",
    does: "closes a session without answering that it did",
    effects: () => mute(closeSession),
  }),
  fault({
    name: "short-records",
    does: "reads at most so many bytes of a sensor's or an event's record at once, and refuses more (0xCA)",
    value: count(16, { least: 1, most: 254, of: "bytes" }),
    begin: (bytes) => ({
      command(request, execute) {
        const answer = execute();
        const reads = isRequestOf(getSdr, request) || isRequestOf(getSelEntry, request);
        // Behind the number of the next record.
        const read = (answer.reply?.data.length ?? 0) - 2;
        return reads && read > bytes ? refusal(request, completionCode.cannotReturnLength) : answer;
      },
    }),
  }),
  plainFault({
    name: "bad-checksums",
    does: "computes the checksum of its replies' messages wrongly",
    effects: () => ({
      message: (message) => Uint8Array.from(message, (byte, index) => (index === message.length - 1 ? byte ^ 0xff : byte)),
    }),
  }),
];

function mute(command: Parameters<typeof isRequestOf>[0]): FaultEffects {
  return {
    command(request, execute) {
      const answer = execute();
      return isRequestOf(command, request) ? { ...answer, reply: undefined } : answer;
    },
  };
}

function refusal(request: RequestMessage, code: number) {
  return { reply: replyTo(request, code), afterMs: 0 };
}

function commandNames(byDefault: string): FaultValue<readonly string[]> {
  return {
    takes: "names of commands, joined by +: chassis-control+get-device-id",
    default: [byDefault],
    parse(text, name) {
      const names = text.split("+");
      const unknown = names.find((each) => !commandsByName.has(each));
      if (unknown === undefined) return names;
      const near = nearest(unknown, commandsByName.keys());
      const hint = near === undefined ? [...commandsByName.keys()].join(" ") : `did you mean ${near}?`;
      throw new InvalidArgumentError(`BMC fault ${name}: "${unknown}" is no command of the tables; ${hint}`);
    },
    print: (names) => names.join("+"),
  };
}
