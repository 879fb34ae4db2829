import { join } from "node:path";
import t, { type Test } from "tap";
import { Captures } from "../../../../agent/capture/captures.js";
import { consoleService } from "../../../../agent/service/console-service.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { ConflictError, InvalidArgumentError, NotFoundError } from "../../../../proto/base/errors.js";
import { silentLogger } from "../../../../proto/base/logger.js";
import { BoundedQueue } from "../../../../proto/base/queue.js";
import { type AttachRequest, type ConsoleEvent, ConsoleServiceService } from "../../../../proto/gen/lab/v1/console.js";
import { dialChannel } from "../../../../proto/rpc/channel.js";
import { clientOf } from "../../../../proto/rpc/client.js";
import { addService } from "../../../../proto/rpc/server.js";
import { FakeConsole } from "../../../support/capture/fake-console.js";
import { issueIdentity, openLabPort } from "../../../support/rpc/lab-port.js";

/** A captured console behind real gRPC over TLS. */
async function serve(t: Test) {
  const directory = t.testdir({ pki: {} });
  const captures = new Captures({ directory: join(directory, "consoles"), clock: systemClock, logger: silentLogger });
  const port = await openLabPort(join(directory, "pki"), {
    services: (server) => addService(server, ConsoleServiceService, consoleService(captures)),
  });
  const identity = await issueIdentity(port.authority, { name: "ada", role: "operator" });
  const channel = dialChannel({ address: port.address, caPem: identity.caPem, identity, clock: systemClock });
  t.teardown(async () => {
    channel.close();
    await port.close();
    await captures.close();
  });
  const line = new FakeConsole(systemClock);
  const capture = captures.add("p0", line);
  while (capture.status.state !== "up") await turn();
  const print = (text: string | Uint8Array) => {
    capture.log.append(Buffer.from(text as string), systemClock.now());
    capture.log.flush();
  };
  return { client: clientOf(ConsoleServiceService, channel), captures, capture, line, print };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const fromStart = { node: "p0", from: { $case: "offset", value: 0n }, live: false, untilOffset: 0n } as const;

async function collect(events: AsyncIterable<ConsoleEvent>): Promise<ConsoleEvent[]> {
  const seen: ConsoleEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

function text(events: readonly ConsoleEvent[]): string {
  return events.map(({ event }) => (event?.$case === "data" ? event.value.data.toString("latin1") : "")).join("");
}

t.test("consoles are listed with state and extent", async (t) => {
  const { client, capture, print } = await serve(t);
  print("LegoOS version 4.0.0\nhello");
  capture.attach("bob", { steal: false });
  t.match(await client.listConsoles({}), {
    consoles: [{ node: "p0", kind: "fake", state: "up", reason: "", firstOffset: 0n, endOffset: 26n, bootEpoch: 1, writer: "bob" }],
  });
  t.match(await client.listBoots({ node: "p0" }), { boots: [{ epoch: 1, offset: 0n, cause: "banner", detail: "LegoOS version 4.0.0" }] });
});

t.test("a console is followed from an offset, a time, a boot, its last lines and its end", async (t) => {
  const { client, print } = await serve(t);
  print("Linux version 1\none\n");
  print("Linux version 2\ntwo\n");
  const told = async (from: NonNullable<Parameters<typeof client.follow>[0]["from"]>) =>
    text(await collect(client.follow({ ...fromStart, from })));
  t.equal(await told({ $case: "offset", value: 16n }), "one\nLinux version 2\ntwo\n");
  t.equal(await told({ $case: "timeMs", value: 0n }), "Linux version 1\none\nLinux version 2\ntwo\n");
  t.equal(await told({ $case: "boot", value: -1 }), "Linux version 2\ntwo\n");
  t.equal(await told({ $case: "lines", value: 1 }), "two\n");
  t.equal(await told({ $case: "end", value: true }), "");
  t.equal(text(await collect(client.follow({ ...fromStart, live: true, untilOffset: 16n }))), "Linux version 1\n");
});

t.test("history, gap, boot, live mark and live bytes come in order", async (t) => {
  const { client, capture, print } = await serve(t);
  print("old");
  capture.log.gap({ cause: "overrun", detail: "flag", fromMs: 1, toMs: 2, lostBytes: 212 });
  capture.log.flush();
  const kinds: string[] = [];
  for await (const { event } of client.follow({ ...fromStart, live: true })) {
    kinds.push(event?.$case ?? "");
    if (event?.$case === "gap")
      t.same(event.value, { offset: 3n, cause: "overrun", detail: "flag", fromMs: 1n, toMs: 2n, lostBytes: 212n });
    if (event?.$case === "live") print("Linux version 3\n");
    if (kinds.filter((kind) => kind === "data").length === 2) break;
  }
  t.same(kinds, ["data", "gap", "live", "boot", "data"]);
});

t.test("a caller that does not read costs the line nothing and gets every byte later", async (t) => {
  const { client, capture, print } = await serve(t);
  const total = 6_000_000;
  const stalled = client.follow({ ...fromStart, live: true, untilOffset: BigInt(total) })[Symbol.asyncIterator]();
  print("x".repeat(1_000));
  await stalled.next();
  for (let at = 1_000; at < total; at += 50_000) {
    print(Buffer.alloc(Math.min(50_000, total - at), "y"));
    await turn();
  }
  t.equal(capture.log.end, total);
  let got = 1_000;
  for (let next = await stalled.next(); !next.done; next = await stalled.next()) {
    if (next.value.event?.$case === "data") got += next.value.event.value.data.length;
  }
  t.equal(got, total);
});

t.test("a watcher of all consoles is told their lines, then gaps and boots, and never bytes", async (t) => {
  const { client, capture, print } = await serve(t);
  print("before\n");
  const told: unknown[] = [];
  for await (const { node, notice } of client.watchConsoles({})) {
    told.push(notice);
    t.equal(node, "p0");
    if (notice?.$case === "line") {
      print("Linux version 3\n");
      capture.log.gap({ cause: "overrun", detail: "flag", fromMs: 1, toMs: 2, lostBytes: 212 });
      capture.log.flush();
    }
    if (notice?.$case === "gap") break;
  }
  t.match(told, [
    { $case: "line", value: { state: "up", reason: "" } },
    { $case: "boot", value: { epoch: 1, offset: 7n, cause: "banner", detail: "Linux version 3" } },
    { $case: "gap", value: { offset: 23n, cause: "overrun", detail: "flag", fromMs: 1n, toMs: 2n, lostBytes: 212n } },
  ]);
});

t.test("what is not there is refused with its own error", async (t) => {
  const { client } = await serve(t);
  await t.rejects(client.listBoots({ node: "x9" }), NotFoundError);
  await t.rejects(collect(client.follow({ ...fromStart, node: "x9" })), NotFoundError);
  await t.rejects(collect(client.follow({ ...fromStart, from: { $case: "boot", value: 7 } })), NotFoundError);
  await t.rejects(collect(client.follow({ ...fromStart, from: undefined })), InvalidArgumentError);
});

t.test("a writer is granted, acknowledged, and told who took its place", async (t) => {
  const { client, capture, line } = await serve(t);
  const requests = new BoundedQueue<AttachRequest>(16);
  const send = (request: AttachRequest["request"]) => requests.offer({ request });
  send({ $case: "open", value: { node: "p0", steal: false, who: "ada" } });
  const answers = client.attach(requests)[Symbol.asyncIterator]();
  const answer = async () => (await answers.next()).value?.event;
  t.same(await answer(), { $case: "granted", value: "" });
  send({ $case: "data", value: Buffer.from("ls\n") });
  t.same(await answer(), { $case: "acceptedBytes", value: 3n });
  send({ $case: "breakMs", value: 250 });
  t.same(await answer(), { $case: "acceptedBytes", value: 0n });
  t.same([line.written.map(String), line.breaks], [["ls\n"], [250]]);

  const second = { $case: "open", value: { node: "p0", steal: false, who: "bob" } } as const;
  const refused = new BoundedQueue<AttachRequest>(1);
  refused.offer({ request: second });
  await t.rejects(client.attach(refused)[Symbol.asyncIterator]().next(), ConflictError);

  capture.attach("bob", { steal: true });
  t.same(await answer(), { $case: "displaced", value: "bob" });
  t.ok((await answers.next()).done);
  t.equal(capture.status.writer, "bob");
});

t.test("a writer that goes away gives the right back", async (t) => {
  const { client, capture } = await serve(t);
  const requests = new BoundedQueue<AttachRequest>(16);
  requests.offer({ request: { $case: "open", value: { node: "p0", steal: false, who: "ada" } } });
  const cancel = new AbortController();
  const answers = client.attach(requests, { signal: cancel.signal })[Symbol.asyncIterator]();
  await answers.next();
  t.equal(capture.status.writer, "ada");
  const ended = t.rejects(answers.next(), { code: "cancelled" });
  cancel.abort();
  await ended;
  while (capture.status.writer !== "") await turn();
  t.equal(capture.status.writer, "");
});
