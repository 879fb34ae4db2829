/** Faults of Serial-over-LAN (facts: IPMI §3, §4). */
import { activatePayload, deactivatePayload, getPayloadActivationStatus, getPayloadInstanceInfo } from "../../../ipmi/command/index.js";
import { completionCode, decode, encode, replyTo } from "../../../ipmi/wire/index.js";
import { isRequestOf } from "./asked.js";
import { fault, type FaultEffects, type FaultGround, type FaultKind } from "./fault.js";
import { choice, count, time } from "./fault-value.js";
import { plainFault } from "./plain-fault.js";

/** From a console's activation to the theft. */
const stolenAfterMs = 1000;
const deactivateDone = 0x00;
const alreadyInactive = 0x80;
/** The session id whoever asks is told while SOL is in strange hands. */
const thief = 0x0bad_5e55;

export const solFaults: readonly FaultKind[] = [
  fault({
    name: "steal-sol",
    does: `another session takes SOL ${stolenAfterMs / 1000} s after it was activated, so many times; its console is told`,
    value: thefts(),
    begin: (times, ground) => steal(times, ground, true),
  }),
  fault({
    name: "steal-sol-silently",
    does: "the same, and its console is not told",
    value: thefts(),
    begin: (times, ground) => steal(times, ground, false),
  }),
  fault({
    name: "short-sol",
    does: "ends SOL this long after every activation, with notice",
    value: time(15_000),
    begin(lifeMs, ground) {
      const later = () => void ground.after(lifeMs, () => ground.takeSol(undefined, { notice: true }));
      later();
      return { solActivated: later };
    },
  }),
  fault({
    name: "lie-on-deactivate",
    does: 'keeps SOL active where it says that it was deactivated, or that it was "already inactive" (Dell M610)',
    value: choice("done", "inactive"),
    begin: (lie) => ({
      command(request, execute) {
        if (!isRequestOf(deactivatePayload, request)) return execute();
        return { reply: replyTo(request, lie === "done" ? deactivateDone : alreadyInactive), afterMs: 0 };
      },
    }),
  }),
  fault({
    name: "overrun",
    does: "keeps so few characters of a console that is behind; what finds no room is lost, and the overrun bit says so",
    value: count(64, { least: 1, most: 65_535, of: "characters" }),
    begin: (bytes) => ({ solBufferBytes: bytes }),
  }),
  fault({
    name: "deaf-sol",
    does: "the session is fine and no character passes either way; the console's packets are acknowledged all the same, or not",
    value: choice("acknowledges", "silent"),
    begin: (how) => ({ solDeaf: how }),
  }),
  fault({
    name: "partial-accept",
    does: "takes at most so many characters of one packet",
    value: count(16, { least: 1, most: 255, of: "characters" }),
    begin: (bytes) => ({ solAcceptsBytes: bytes }),
  }),
  refuses("no-instance-info", getPayloadInstanceInfo, completionCode.invalidCommand, "Get Payload Instance Info as unknown (0xC1)"),
  refuses("no-sol-status", getPayloadActivationStatus, completionCode.invalidDataField, "Get Payload Activation Status (0xCC, X8SIL-F)"),
  plainFault({
    name: "swapped-sol-port",
    does: "gives the UDP port of SOL with its bytes swapped",
    effects: () => onActivation((reply) => ({ ...reply, port: ((reply.port & 0xff) << 8) | (reply.port >> 8) })),
  }),
  fault({
    name: "insane-sol-size",
    does: "gives this as the size of SOL packets both ways, whatever it really takes",
    value: count(0, { least: 0, most: 65_535, of: "bytes" }),
    begin: (bytes) => onActivation((reply) => ({ ...reply, inboundSizeBytes: bytes, outboundSizeBytes: bytes })),
  }),
];

function thefts() {
  return count(1, { least: 1, most: 1000, of: "times" });
}

function steal(times: number, ground: FaultGround, notice: boolean): FaultEffects {
  let left = times;
  const soon = () =>
    void ground.after(stolenAfterMs, () => {
      if (ground.takeSol(thief, { notice })) left -= 1;
      if (left === 0) ground.over();
    });
  soon();
  return { solActivated: soon };
}

function refuses(name: string, command: Parameters<typeof isRequestOf>[0], code: number, what: string): FaultKind {
  const effects = (): FaultEffects => ({
    command: (request, execute) => (isRequestOf(command, request) ? { reply: replyTo(request, code), afterMs: 0 } : execute()),
  });
  return plainFault({ name, does: `refuses ${what}`, effects });
}

type Activation = ReturnType<typeof readActivation>;

function readActivation(data: Uint8Array) {
  return decode(activatePayload.reply, data, "its own answer");
}

/** Changes what Activate Payload says when it succeeds. */
function onActivation(change: (reply: Activation) => Activation): FaultEffects {
  return {
    command(request, execute) {
      const { reply, afterMs } = execute();
      if (reply === undefined || reply.completionCode !== 0 || !isRequestOf(activatePayload, request)) return { reply, afterMs };
      return { reply: { ...reply, data: encode(activatePayload.reply, change(readActivation(reply.data))) }, afterMs };
    },
  };
}
