/** The arithmetic of RAKP and of sealed packets against exchanges between programs that are not ours. */
import t from "tap";
import {
  createSealedPackets,
  deriveSessionKeys,
  encodeUserName,
  passwordKey,
  rakp2Code,
  rakp3Code,
  rakp4Check,
  suiteOfAlgorithms,
  type CipherSuite,
  type RakpFacts,
} from "../../../../../agent/ipmi/crypto/index.js";
import * as wire from "../../../../../agent/ipmi/wire/index.js";
import { frames, toHex } from "../../../../support/ipmi/bytes.js";
import { ipmipowerSuite12, ipmipowerSuite17, ipmipowerSuite8, ipmitoolSuite3 } from "../../../../support/ipmi/captures.js";

interface Handshake {
  readonly suite: CipherSuite;
  readonly facts: RakpFacts;
  readonly codes: { readonly rakp2: Uint8Array; readonly rakp3: Uint8Array; readonly rakp4: Uint8Array };
}

function readHandshake(exchange: string): Handshake {
  const payloads = new Map<number, Uint8Array>();
  for (const { bytes } of frames(exchange)) {
    const datagram = wire.decodeDatagram(bytes);
    if (datagram.format === "v2.0") payloads.set(datagram.packet.payloadType, datagram.packet.payload);
  }
  const read = <T>(type: number, layout: wire.Layout<T>) => wire.decode(layout, payloads.get(type)!, `payload ${type}`);
  const opened = read(wire.payloadType.openSessionReply, wire.openSessionReply);
  const rakp1 = read(wire.payloadType.rakp1, wire.rakp1);
  const rakp2 = read(wire.payloadType.rakp2, wire.rakp2);
  const { managedRandom, managedGuid, authCode } = rakp2.body!;
  return {
    suite: suiteOfAlgorithms(opened.body!)!,
    facts: {
      consoleSessionId: opened.consoleSessionId,
      managedSessionId: opened.body!.managedSessionId,
      consoleRandom: rakp1.consoleRandom,
      managedRandom,
      managedGuid,
      role: rakp1.role,
      userName: rakp1.userName,
    },
    codes: {
      rakp2: authCode,
      rakp3: read(wire.payloadType.rakp3, wire.rakp3).body!.authCode,
      rakp4: read(wire.payloadType.rakp4, wire.rakp4).body!.integrityCheck,
    },
  };
}

const userKey = passwordKey("secret");

for (const { exchange, name, suiteId } of [
  { exchange: ipmitoolSuite3, name: "ipmitool and ipmi_sim, suite 3", suiteId: 3 },
  { exchange: ipmipowerSuite8, name: "ipmipower and ipmi_sim, suite 8", suiteId: 8 },
  { exchange: ipmipowerSuite12, name: "ipmipower and ipmi_sim, suite 12", suiteId: 12 },
  { exchange: ipmipowerSuite17, name: "ipmipower, suite 17", suiteId: 17 },
]) {
  t.test(`RAKP codes are those of ${name}`, (t) => {
    const { suite, facts, codes } = readHandshake(exchange);
    t.equal(suite.id, suiteId);
    t.same(facts.userName, encodeUserName("admin"));
    t.equal(toHex(rakp2Code(suite, userKey, facts)), toHex(codes.rakp2));
    t.equal(toHex(rakp3Code(suite, userKey, facts)), toHex(codes.rakp3));
    t.equal(toHex(rakp4Check(suite, deriveSessionKeys(suite, undefined, userKey, facts).sik, facts)), toHex(codes.rakp4));
    t.not(toHex(rakp2Code(suite, passwordKey("Secret"), facts)), toHex(codes.rakp2));
    t.end();
  });

  t.test(`packets sealed by ${name} open, and none does after a bit has changed`, (t) => {
    const { suite, facts } = readHandshake(exchange);
    const packets = createSealedPackets(suite, deriveSessionKeys(suite, undefined, userKey, facts), userKey);
    const messages = [];
    for (const { direction, bytes } of frames(exchange)) {
      const datagram = wire.decodeDatagram(bytes);
      if (datagram.format !== "v2.0" || !datagram.packet.authenticated) continue;
      const payload = packets.open(datagram.packet, datagram.body);
      messages.push(direction === ">" ? wire.decodeRequest(payload) : wire.decodeReply(payload));
      const spoilt = bytes.slice();
      spoilt[20] = (spoilt[20] ?? 0) ^ 1;
      const again = wire.decodeDatagram(spoilt);
      if (again.format === "v2.0") t.throws(() => packets.open(again.packet, again.body), wire.MalformedPacketError);
    }
    t.ok(messages.length >= 2, `${messages.length} sealed packets`);
    t.equal(messages[0]?.command, 0x3b, "the first is Set Session Privilege Level");
    t.end();
  });
}
