import t from "tap";
import { ActiveSol, chunkBytes, type SolEvent } from "../../../../../agent/ipmi/sol/index.js";
import { solStatus, type SolPacket } from "../../../../../agent/ipmi/wire/index.js";
import { CancelledError, UnreachableError } from "../../../../../proto/base/errors.js";
import { FakeClock } from "../../../../support/fake-clock.js";

function bench(chunk = 255) {
  const sent: SolPacket[] = [];
  const released: boolean[] = [];
  const clock = new FakeClock();
  const stream = new ActiveSol(chunk, {
    subject: "bmc test",
    clock,
    send: (packet) => sent.push(packet),
    release: async (ours) => void released.push(ours),
  });
  let order = 0;
  const receive = (packet: Partial<SolPacket>) =>
    stream.received({ sequence: 0, acknowledged: 0, accepted: 0, flags: 0, data: new Uint8Array(0), ...packet }, ++order);
  return { stream, sent, released, clock, receive };
}

async function drain(events: AsyncIterable<SolEvent>): Promise<{ seen: SolEvent[]; error: unknown }> {
  const seen: SolEvent[] = [];
  try {
    for await (const event of events) seen.push(event);
  } catch (error) {
    return { seen, error };
  }
  return { seen, error: undefined };
}

t.test("a reader that is too slow loses bytes, is told how many, and holds nobody up", async (t) => {
  const { stream, sent, receive } = bench();
  for (let i = 0; i < 5000; i += 1) receive({ sequence: (i % 15) + 1, data: new Uint8Array(10) });
  t.equal(sent.length, 5000, "every packet is acknowledged");
  receive({ sequence: 0, flags: solStatus.transmitOverrun });
  await stream.close();
  const { seen } = await drain(stream.events);
  t.match(seen.slice(-2), [
    { kind: "loss", cause: "discarded", lostBytes: (5000 - 4096) * 10 },
    { kind: "loss", cause: "overrun" },
  ]);
});

t.test("writes are taken one after the other and end when the BMC has everything", async (t) => {
  const { stream, sent, receive } = bench(4);
  const done: string[] = [];
  const writes = ["abcdef", "gh"].map((text) => stream.write(Buffer.from(text)).then(() => done.push(text)));
  for (let sequence = 1; sequence <= 3; sequence += 1) {
    await new Promise(setImmediate);
    receive({ acknowledged: sequence, accepted: sent.at(-1)?.data.length ?? 0 });
  }
  await Promise.all(writes);
  t.same(done, ["abcdef", "gh"]);
  t.same(
    sent.map(({ data }) => Buffer.from(data).toString()),
    ["abcd", "ef", "gh"],
  );
  await stream.close();
});

t.test("a line that goes down fails its writers, its BREAKs and its reader, and leaves no timer", async (t) => {
  const { stream, released, clock, receive } = bench();
  const writing = stream.write(Buffer.from("x"));
  const breaking = stream.sendBreak();
  await clock.advance(0);
  receive({ flags: solStatus.deactivated });
  await t.rejects(writing, UnreachableError);
  await t.rejects(breaking, /the BMC deactivated SOL/);
  const { seen, error } = await drain(stream.events);
  t.match(seen, [{ kind: "loss", cause: "line-down" }]);
  t.match(error, { code: "unreachable" });
  await t.rejects(stream.write(Buffer.from("y")), UnreachableError);
  await stream.close();
  t.same(released, [false], "what the BMC deactivated is not deactivated again");
  t.equal(clock.pendingTimers, 0);
});

t.test("a writer may stop waiting; what it gave is still sent", async (t) => {
  const { stream, sent, receive } = bench();
  const abort = new AbortController();
  const writing = stream.write(Buffer.from("abc"), { signal: abort.signal });
  await new Promise(setImmediate);
  abort.abort();
  await t.rejects(writing, CancelledError);
  receive({ acknowledged: 1, accepted: 1 });
  t.equal(Buffer.from(sent.at(-1)?.data ?? []).toString(), "bc");
  await stream.close();
});

t.test("a BREAK the BMC never acknowledges is over after a second", async () => {
  const { stream, clock } = bench();
  const breaking = stream.sendBreak();
  await clock.advance(1000);
  await breaking;
  await stream.close();
});

t.test("sizes that make no sense are not believed", (t) => {
  for (const [inboundSizeBytes, expected] of [
    [260, 255],
    [259, 255],
    [32, 28],
    [0x2000, 28],
    [0x0401, 255],
    [16384, 60],
    [1024, 255],
    [0, 32],
    [4, 32],
    [0xffff, 32],
  ] as const) {
    t.equal(chunkBytes({ inboundSizeBytes }), expected, `0x${inboundSizeBytes.toString(16)}`);
  }
  t.end();
});
