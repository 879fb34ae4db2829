import t from "tap";
import { closeSession, getDeviceId } from "../../../../../agent/ipmi/command/index.js";
import { cipherSuites, createSealedPackets, deriveSessionKeys, passwordKey } from "../../../../../agent/ipmi/crypto/index.js";
import { Session } from "../../../../../agent/ipmi/session/index.js";
import * as wire from "../../../../../agent/ipmi/wire/index.js";
import { FakeClock } from "../../../../support/fake-clock.js";
import { seededBytes, toHex } from "../../../../support/ipmi/bytes.js";

const suite = cipherSuites[17];
const userKey = passwordKey("secret");
const facts = {
  consoleSessionId: 0x11,
  managedSessionId: 0x22,
  consoleRandom: new Uint8Array(16).fill(1),
  managedRandom: new Uint8Array(16).fill(2),
  managedGuid: new Uint8Array(16).fill(3),
  role: 0x13,
  userName: Buffer.from("admin"),
};

function bench() {
  const sent: Uint8Array[] = [];
  const clock = new FakeClock();
  const keys = deriveSessionKeys(suite, undefined, userKey, facts);
  const session = new Session(
    { suite, keys, userKey, deviations: [], consoleSessionId: 0x11, managedSessionId: 0x22 },
    { subject: "bmc test", userKey, checksums: true },
    { clock, random: seededBytes(3), send: (datagram) => sent.push(datagram) },
  );
  const bmc = createSealedPackets(suite, deriveSessionKeys(suite, undefined, userKey, facts), userKey);
  const requests = () =>
    sent.map((bytes) => {
      const datagram = wire.decodeDatagram(bytes);
      if (datagram.format !== "v2.0") throw new Error("not v2.0");
      return { sequence: datagram.packet.sequence, request: wire.decodeRequest(bmc.open(datagram.packet, datagram.body)) };
    });
  const seal = (payloadType: number, sequence: number, payload: Uint8Array, sessionId = 0x11) =>
    bmc.seal({ payloadType, sessionId, sequence, payload });
  return { session, clock, keys, requests, seal };
}

t.test("a reply counts only with the sequence, function and command of the request, authentic and new", async (t) => {
  const { session, clock, requests, seal } = bench();
  const asked = session.request(getDeviceId, {});
  await clock.advance(0);
  const { request } = requests()[0]!;
  const reply = (changes: Partial<wire.ReplyMessage>, data = new Uint8Array(11)) =>
    wire.encodeReply({ ...wire.replyTo(request, 0, data), ...changes });
  const { ipmi } = wire.payloadType;
  const wrong = new Uint8Array(11).fill(0xee);
  session.received(seal(ipmi, 1, reply({ sequence: request.sequence + 1 }, wrong)));
  session.received(seal(ipmi, 2, reply({ command: 2 }, wrong)));
  session.received(seal(ipmi, 3, reply({ netFn: 1 }, wrong)));
  session.received(seal(ipmi, 4, reply({}, wrong), 0x99));
  session.received(seal(ipmi, 1, reply({}, wrong)));
  const forged = seal(ipmi, 5, reply({}, wrong));
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  session.received(forged);
  session.received(Uint8Array.of(6, 0, 255, 7));
  session.received(seal(ipmi, 5, reply({})));
  t.match(await asked, { deviceId: 0, manufacturerId: 0 });
  session.abandon();
});

t.test("copies carry the same request under new session sequence numbers", async (t) => {
  const { session, clock, requests } = bench();
  const asked = session.request(getDeviceId, {});
  asked.catch(() => undefined);
  await clock.advance(10_000);
  await t.rejects(asked, { code: "unreachable", message: /no answer to Get Device ID, sent 3 times, in 6\.0 s/ });
  t.same(
    requests().map(({ sequence }) => sequence),
    [1, 2, 3],
  );
  t.equal(new Set(requests().map(({ request }) => request.sequence)).size, 1);
  session.abandon();
});

t.test("who gives up while another command waits for its answer is let go at once, and its command is never sent", async (t) => {
  const { session, clock, requests } = bench();
  const first = session.request(getDeviceId, {});
  const abort = new AbortController();
  const second = session.request(closeSession, { sessionId: 1 }, { signal: abort.signal });
  abort.abort();
  await t.rejects(second, { code: "cancelled" });
  t.equal(clock.monotonicMs(), 0);
  const unanswered = t.rejects(first, { code: "unreachable" });
  await clock.advance(10_000);
  await unanswered;
  t.same([...new Set(requests().map(({ request }) => request.command))], [getDeviceId.cmd]);
});

t.test("SOL that comes while a command waits goes to its listener", async (t) => {
  const { session, clock, seal } = bench();
  const heard: [number, number][] = [];
  session.onSol((packet, order) => heard.push([packet.sequence, order]));
  const asked = session.request(getDeviceId, {});
  asked.catch(() => undefined);
  await clock.advance(0);
  const sol = wire.encodeSol({ sequence: 4, acknowledged: 0, accepted: 0, flags: 0, data: new Uint8Array(2) });
  const packet = seal(wire.payloadType.sol, 8, sol);
  session.received(packet);
  session.received(packet);
  t.same(heard, [[4, 8]], "and once");
  session.abandon();
  await clock.advance(10_000);
});

t.test("a session that is over holds no keys", async (t) => {
  const { session, clock, keys } = bench();
  const closing = session.close();
  await clock.advance(1000);
  await closing;
  t.match(toHex(keys.sik) + toHex(keys.k1) + toHex(keys.k2), /^0+$/);
});
