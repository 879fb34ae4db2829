import t from "tap";
import { cipherSuites, cutPasswordKey, encodeUserName, passwordKey } from "../../../../../agent/ipmi/crypto/index.js";
import {
  beginHandshake,
  stepHandshake,
  type Fresh,
  type HandshakeEffect,
  type HandshakePlan,
  type HandshakeState,
} from "../../../../../agent/ipmi/session/index.js";
import * as wire from "../../../../../agent/ipmi/wire/index.js";
import { frames, fromHex, toHex } from "../../../../support/ipmi/bytes.js";
import { ipmipowerSuite12, ipmipowerSuite17, ipmipowerSuite8, ipmitoolSuite17Refused } from "../../../../support/ipmi/captures.js";

const plan: HandshakePlan = {
  subject: "bmc test",
  userName: encodeUserName("admin"),
  userKey: passwordKey("secret"),
  cutUserKey: cutPasswordKey(passwordKey("secret")),
  cutPassword: false,
  highestPrivilege: false,
  checksums: true,
  kg: undefined,
  privilege: wire.privilege.operator,
  nameOnlyLookup: true,
  suites: [cipherSuites[17], cipherSuites[3]],
  skipCapabilities: false,
  timeoutsMs: [1000, 2000, 3000, 4000],
};
const fresh: Fresh = { tag: 0, consoleSessionId: 0xa0a2a3a4, consoleRandom: new Uint8Array(16).fill(9), requestSequence: 0 };

/** The handshake fed with what a recorded BMC said. */
function replay(plan: HandshakePlan, fresh: Fresh, exchange: string): { sent: string[]; end: HandshakeEffect | undefined } {
  const sent: string[] = [];
  let end: HandshakeEffect | undefined;
  let state: HandshakeState;
  const apply = (step: { state: HandshakeState; effects: readonly HandshakeEffect[] }) => {
    state = step.state;
    for (const effect of step.effects) {
      if (effect.kind === "send") sent.push(toHex(effect.datagram));
      else if (effect.kind !== "wait") end = effect;
    }
  };
  apply(beginHandshake(plan, fresh));
  for (const { direction, bytes } of frames(exchange)) {
    if (direction === "<" && end === undefined)
      apply(stepHandshake(plan, state!, { kind: "datagram", datagram: wire.decodeDatagram(bytes) }));
  }
  return { sent, end };
}

/** What FreeIPMI chose at random, read from its own packets. */
function freshOf(exchange: string): Fresh {
  const sent = frames(exchange).filter(({ direction }) => direction === ">");
  const datagrams = sent.map(({ bytes }) => wire.decodeDatagram(bytes));
  const payload = (type: number) =>
    datagrams.flatMap((each) => (each.format === "v2.0" && each.packet.payloadType === type ? [each.packet.payload] : []))[0]!;
  const opened = wire.decode(wire.openSessionRequest, payload(wire.payloadType.openSessionRequest), "Open Session");
  const { consoleRandom } = wire.decode(wire.rakp1, payload(wire.payloadType.rakp1), "RAKP 1");
  const asked = datagrams[0]!;
  const requestSequence = asked.format === "v1.5" ? wire.decodeRequest(asked.packet.payload).sequence : 0;
  return { tag: opened.tag, consoleSessionId: opened.consoleSessionId, consoleRandom, requestSequence };
}

for (const { exchange, suite } of [
  { exchange: ipmipowerSuite8, suite: cipherSuites[8] },
  { exchange: ipmipowerSuite12, suite: cipherSuites[12] },
  { exchange: ipmipowerSuite17, suite: cipherSuites[17] },
]) {
  t.test(`with FreeIPMI's random numbers, suite ${suite.id}, every byte sent is FreeIPMI's`, (t) => {
    const { sent, end } = replay({ ...plan, suites: [suite] }, freshOf(exchange), exchange);
    const theirs = frames(exchange).filter(({ direction }) => direction === ">");
    t.same(
      sent,
      theirs.slice(0, 4).map(({ bytes }) => toHex(bytes)),
      "capabilities, Open Session, RAKP 1, RAKP 3",
    );
    t.match(end, { kind: "established", session: { suite: { id: suite.id } } });
    t.end();
  });
}

t.test("a recorded handshake with another password ends in an authentication error, and the BMC is told", (t) => {
  const wrong = { ...plan, suites: [cipherSuites[8]], userKey: passwordKey("Secret") };
  const { sent, end } = replay(wrong, freshOf(ipmipowerSuite8), ipmipowerSuite8);
  t.match(end, { kind: "failed", error: { code: "authentication", message: /RAKP 2 does not fit: different password or K_g/ } });
  const last = wire.decodeDatagram(fromHex(sent.at(-1)!));
  if (last.format !== "v2.0") return t.fail("not a v2.0 packet");
  t.match(wire.decode(wire.rakp3, last.packet.payload, "RAKP 3"), { status: wire.rakpStatus.invalidIntegrityCheck });
  t.end();
});

t.test("a recorded handshake with a K_g the BMC does not have ends in an authentication error at RAKP 4", (t) => {
  const { end } = replay({ ...plan, suites: [cipherSuites[8]], kg: passwordKey("key") }, freshOf(ipmipowerSuite8), ipmipowerSuite8);
  t.match(end, { kind: "failed", error: { code: "authentication", message: /RAKP 4 does not fit: different password or K_g/ } });
  t.end();
});

t.test("a refused suite is followed by the next, never by one that was not asked for", (t) => {
  const { sent, end } = replay(plan, fresh, ipmitoolSuite17Refused);
  t.equal(end, undefined);
  const proposals = sent.slice(1).map((hex) => {
    const datagram = wire.decodeDatagram(fromHex(hex));
    return datagram.format === "v2.0" ? wire.decode(wire.openSessionRequest, datagram.packet.payload, "Open Session") : undefined;
  });
  t.match(proposals, [
    { authentication: 3, tag: 0 },
    { authentication: 1, tag: 1 },
  ]);
  t.end();
});

t.test("a BMC that refuses every suite is told from one that does not answer, with its reasons", (t) => {
  const { end } = replay({ ...plan, suites: [cipherSuites[17]] }, fresh, ipmitoolSuite17Refused);
  t.match(end, { kind: "failed", error: { code: "unsupported", message: /suite 17: 0x04 invalid authentication algorithm/ } });
  t.end();
});

t.test("silence starts again from Open Session with new numbers, until the attempts are used up", (t) => {
  let step = beginHandshake(plan, fresh);
  const capabilities = frames(ipmitoolSuite17Refused)[1]!;
  step = stepHandshake(plan, step.state, { kind: "datagram", datagram: wire.decodeDatagram(capabilities.bytes) });
  const ids: number[] = [];
  const waits: number[] = [];
  for (let attempt = 1; step.state.phase !== "ended"; attempt += 1) {
    for (const effect of step.effects) {
      if (effect.kind === "wait") waits.push(effect.timeoutMs);
      if (effect.kind !== "send") continue;
      const datagram = wire.decodeDatagram(effect.datagram);
      if (datagram.format === "v2.0") ids.push(wire.decode(wire.openSessionRequest, datagram.packet.payload, "").consoleSessionId);
    }
    step = stepHandshake(plan, step.state, { kind: "silence", fresh: { ...fresh, consoleSessionId: attempt, tag: attempt * 16 } });
  }
  t.same(ids, [0xa0a2a3a4, 1, 2, 3]);
  t.same(waits, plan.timeoutsMs);
  t.match(step.effects, [
    { kind: "failed", error: { code: "unreachable", message: /no answer to Open Session, sent 4 times in about 10 s/ } },
  ]);
  t.end();
});

t.test("a BMC that speaks only v1.5 is named as such", (t) => {
  const reply = wire.encodeReply({
    responderAddress: 0x20,
    requesterAddress: 0x81,
    netFn: 7,
    lun: 0,
    sequence: 0,
    command: 0x38,
    completionCode: 0,
    data: fromHex("0197040100000000"),
  });
  const packet = { authenticationType: 0, sequence: 0, sessionId: 0, authCode: undefined, payload: reply };
  const begun = beginHandshake(plan, fresh);
  const step = stepHandshake(plan, begun.state, { kind: "datagram", datagram: { format: "v1.5", packet } });
  t.match(step.effects, [{ kind: "failed", error: { code: "unsupported", message: /v1\.5 only/ } }]);
  t.end();
});

t.test("answers that belong to another attempt change nothing", (t) => {
  const exchange = frames(ipmipowerSuite8);
  const begun = beginHandshake({ ...plan, skipCapabilities: true }, { ...fresh, tag: 99 });
  const opened = exchange[3]!;
  const step = stepHandshake(plan, begun.state, { kind: "datagram", datagram: wire.decodeDatagram(opened.bytes) });
  t.equal(step.state, begun.state);
  t.same(step.effects, []);
  t.end();
});
