import t, { type Test } from "tap";
import { type SolPacket, solStatus } from "../../../../../agent/ipmi/wire/index.js";
import { SolLink } from "../../../../../agent/sim/bmc/sol-link.js";
import { FakeClock } from "../../../../support/fake-clock.js";

function bench(t: Test, limits: { bufferBytes?: number; acceptsBytes?: number } = {}) {
  const clock = new FakeClock();
  const sent: SolPacket[] = [];
  let machine = "";
  const link = new SolLink({
    clock,
    accumulateMs: 10,
    retryCount: 2,
    retryIntervalMs: 100,
    bufferBytes: () => limits.bufferBytes ?? 65_536,
    acceptsBytes: () => limits.acceptsBytes ?? 255,
    send: (packet) => void sent.push(packet),
    toMachine: (data) => {
      machine += Buffer.from(data).toString();
    },
  });
  t.teardown(() => link.close(false));
  const receive = (packet: Partial<SolPacket>, text = "") =>
    link.receive({ sequence: 0, acknowledged: 0, accepted: 0, flags: 0, ...packet, data: Buffer.from(text) });
  /** What was sent since the last look: number and text of data packets. */
  const texts = () => sent.splice(0).map(({ sequence, data }) => `${sequence}:${Buffer.from(data).toString()}`);
  return { clock, link, sent, receive, texts, machine: () => machine };
}

t.test("characters are collected for a moment, sent once, and the next packet waits for the acknowledgement", async (t) => {
  const { clock, link, receive, texts } = bench(t);
  link.fromMachine(Buffer.from("ab"));
  link.fromMachine(Buffer.from("cd"));
  t.same(texts(), []);
  await clock.advance(10);
  t.same(texts(), ["1:abcd"]);
  link.fromMachine(Buffer.from("ef"));
  await clock.advance(50);
  t.same(texts(), []);
  receive({ acknowledged: 1, accepted: 4 });
  await clock.advance(10);
  t.same(texts(), ["2:ef"]);
});

t.test("a full packet leaves at once", async (t) => {
  const { link, sent } = bench(t);
  link.fromMachine(new Uint8Array(600));
  t.equal(sent[0]?.data.length, 251);
});

t.test("what was accepted in part goes on with the rest under the next number", async (t) => {
  const { clock, link, receive, texts } = bench(t);
  link.fromMachine(Buffer.from("abcdef"));
  await clock.advance(10);
  receive({ acknowledged: 1, accepted: 2 });
  await clock.advance(10);
  t.same(texts(), ["1:abcdef", "2:cdef"]);
});

t.test("a NACK is given time before the characters come again", async (t) => {
  const { clock, link, receive, texts } = bench(t);
  link.fromMachine(Buffer.from("abc"));
  await clock.advance(10);
  receive({ acknowledged: 1, accepted: 1, flags: solStatus.nack });
  link.fromMachine(new Uint8Array(300).fill(0x78));
  await clock.advance(99);
  t.same(texts(), ["1:abc"]);
  await clock.advance(1);
  t.match(texts(), [/^2:bcxxx/]);
});

t.test("unacknowledged packets are repeated under their number, then given up, and the next one tells of the loss", async (t) => {
  const { clock, link, receive, sent, texts } = bench(t);
  link.fromMachine(Buffer.from("lost"));
  await clock.advance(10 + 250);
  t.same(texts(), ["1:lost", "1:lost", "1:lost"]);
  await clock.advance(100);
  link.fromMachine(Buffer.from("next"));
  await clock.advance(10);
  t.match(sent, [{ sequence: 2, flags: solStatus.transmitOverrun }]);
  receive({ acknowledged: 2, accepted: 4 });
  link.fromMachine(Buffer.from("more"));
  await clock.advance(10);
  t.match(sent[1], { sequence: 3, flags: 0 });
});

t.test("characters that find no room are lost, and reported with the first that come after them", async (t) => {
  const { clock, link, receive, sent, texts } = bench(t, { bufferBytes: 4 });
  link.fromMachine(Buffer.from("abcdefgh"));
  await clock.advance(10);
  t.match(sent, [{ flags: 0 }]);
  link.fromMachine(Buffer.from("ijklmn"));
  receive({ acknowledged: 1, accepted: 3 });
  await clock.advance(110);
  t.match(sent.slice(1), [
    { sequence: 2, flags: 0 },
    { sequence: 2, flags: 0 },
  ]);
  receive({ acknowledged: 2, accepted: 1 });
  await clock.advance(110);
  t.match(sent.slice(3), [
    { sequence: 3, flags: solStatus.transmitOverrun },
    { sequence: 3, flags: solStatus.transmitOverrun },
  ]);
  receive({ acknowledged: 3, accepted: 4 });
  link.fromMachine(Buffer.from("o"));
  await clock.advance(10);
  t.match(sent[5], { sequence: 4, flags: solStatus.transmitOverrun });
  t.same(texts(), ["1:abcd", "2:d", "2:d", "3:ijkl", "3:ijkl", "4:o"]);
});

t.test("a packet taken in part is acknowledged with what was taken, however often it comes", async (t) => {
  const { receive, sent, machine } = bench(t, { acceptsBytes: 2 });
  for (const text of ["abcde", "abcde", "abcdef"]) receive({ sequence: 3 }, text);
  receive({ sequence: 4 }, "cde");
  receive({ sequence: 5 }, "e");
  t.equal(machine(), "abcde");
  t.same(
    sent.map(({ acknowledged, accepted }) => [acknowledged, accepted]),
    [
      [3, 2],
      [3, 2],
      [3, 2],
      [4, 2],
      [5, 1],
    ],
  );
});

t.test("numbers go from 15 to 1: 0 would be no number", async (t) => {
  const { clock, link, receive, sent } = bench(t);
  for (let round = 1; round <= 16; round += 1) {
    link.fromMachine(Buffer.from("x"));
    await clock.advance(10);
    receive({ acknowledged: sent[sent.length - 1]?.sequence ?? 0, accepted: 1 });
  }
  t.same(
    sent.map((packet) => packet.sequence),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1],
  );
});

t.test("a repeated packet from the console adds only what is new, and all of it is acknowledged", async (t) => {
  const { receive, sent, machine } = bench(t);
  receive({ sequence: 3 }, "ab");
  receive({ sequence: 3 }, "ab");
  receive({ sequence: 3 }, "abcd");
  receive({ sequence: 4 }, "ab");
  t.equal(machine(), "abcdab");
  t.match(sent, [
    { sequence: 0, acknowledged: 3, accepted: 2 },
    { sequence: 0, acknowledged: 3, accepted: 2 },
    { sequence: 0, acknowledged: 3, accepted: 4 },
    { sequence: 0, acknowledged: 4, accepted: 2 },
  ]);
});

t.test("closing with notice says deactivated, stops every timer, and nothing is sent afterwards", async (t) => {
  const { clock, link, receive, sent } = bench(t);
  link.fromMachine(Buffer.from("abc"));
  link.close(true);
  link.close(true);
  receive({ sequence: 1 }, "x");
  link.fromMachine(Buffer.from("abc"));
  await clock.advance(1_000);
  t.match(sent, [{ sequence: 0, flags: solStatus.deactivated }]);
  t.equal(sent.length, 1);
  t.equal(clock.pendingTimers, 0);
});
