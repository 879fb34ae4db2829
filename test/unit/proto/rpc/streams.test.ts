import t from "tap";
import { CancelledError, ConflictError, FailedError, UnreachableError } from "../../../../proto/base/errors.js";
import { BoundedQueue } from "../../../../proto/base/queue.js";
import type { AttachEvent, AttachRequest, ConsoleEvent } from "../../../../proto/gen/lab/v1/console.js";
import { ConsoleServiceService } from "../../../../proto/gen/lab/v1/console.js";
import { FileServiceService } from "../../../../proto/gen/lab/v1/file.js";
import { clientOf } from "../../../../proto/rpc/client.js";
import { addService } from "../../../../proto/rpc/server.js";
import { deferred, serveForTest } from "../../../support/rpc/serve.js";

const data = (offset: number, size = 1): ConsoleEvent => ({
  event: { $case: "data", value: { offset: BigInt(offset), data: Buffer.alloc(size), timeMs: 0n } },
});
const fromStart = { node: "p0", from: undefined, live: true, untilOffset: 0n };

t.test("a server stream arrives whole and in order", async (t) => {
  const channel = await serveForTest(t, (server) =>
    addService(server, ConsoleServiceService, {
      follow: async function* () {
        for (let offset = 0; offset < 1000; offset += 1) yield data(offset);
      },
    }),
  );
  const offsets: bigint[] = [];
  for await (const { event } of clientOf(ConsoleServiceService, channel).follow(fromStart)) {
    if (event?.$case === "data") offsets.push(event.value.offset);
  }
  t.same(
    offsets,
    Array.from({ length: 1000 }, (_, index) => BigInt(index)),
  );
});

t.test("a stream's error comes after what was sent before it", async (t) => {
  const channel = await serveForTest(t, (server) =>
    addService(server, ConsoleServiceService, {
      follow: async function* () {
        yield data(0);
        yield data(1);
        throw new UnreachableError("site agent rack1 is gone");
      },
    }),
  );
  const got: ConsoleEvent[] = [];
  const reading = (async () => {
    for await (const event of clientOf(ConsoleServiceService, channel).follow(fromStart)) got.push(event);
  })();
  await t.rejects(reading, { name: "UnreachableError", message: "site agent rack1 is gone" });
  t.equal(got.length, 2);
});

t.test("leaving the loop cancels the stream and closes its source", async (t) => {
  const closed = deferred<void>();
  const channel = await serveForTest(t, (server) =>
    addService(server, ConsoleServiceService, {
      follow: async function* () {
        try {
          for (let offset = 0; ; offset += 1) yield data(offset);
        } finally {
          closed.resolve();
        }
      },
    }),
  );
  for await (const event of clientOf(ConsoleServiceService, channel).follow(fromStart)) {
    t.ok(event);
    break;
  }
  await closed.promise;
});

t.test("return() ends a stream whose next() is still waiting", async (t) => {
  const queue = new BoundedQueue<ConsoleEvent>(1);
  const waiting = deferred<void>();
  const channel = await serveForTest(t, (server) =>
    addService(server, ConsoleServiceService, {
      follow: () => {
        waiting.resolve();
        return queue;
      },
    }),
  );
  const stream = clientOf(ConsoleServiceService, channel).follow(fromStart)[Symbol.asyncIterator]();
  const pending = stream.next();
  await waiting.promise;
  await stream.return?.();
  t.same(await pending, { value: undefined, done: true });
});

t.test("ten thousand messages to a reader that does not read stay few in memory", async (t) => {
  let produced = 0;
  const channel = await serveForTest(t, (server) =>
    addService(server, ConsoleServiceService, {
      follow: async function* () {
        for (; produced < 10_000; produced += 1) yield data(produced, 4096);
      },
    }),
  );
  const stream = clientOf(ConsoleServiceService, channel).follow(fromStart)[Symbol.asyncIterator]();
  await stream.next();
  let before = -1;
  while (produced !== before) {
    before = produced;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.ok(produced < 500, `${produced} were produced while nobody read`);
  let read = 1;
  while ((await stream.next()).done !== true) read += 1;
  t.equal(read, 10_000);
});

t.test("a client stream is read by the server at its pace and answered once", async (t) => {
  const channel = await serveForTest(t, (server) =>
    addService(server, FileServiceService, {
      write: async (requests) => {
        let size = 0;
        for await (const { request } of requests) if (request?.$case === "data") size += request.value.length;
        return { exists: true, kind: "file", sizeBytes: BigInt(size), mode: 0o644, modifiedMs: 0n, sha256: "" };
      },
    }),
  );
  async function* chunks() {
    for (let index = 0; index < 200; index += 1) yield { request: { $case: "data" as const, value: Buffer.alloc(1000) } };
  }
  const info = await clientOf(FileServiceService, channel).write(chunks());
  t.equal(info.sizeBytes, 200_000n);
});

t.test("a request stream that fails ends the call with its error, and the server sees it break off", async (t) => {
  const seen = deferred<unknown>();
  const received = deferred<void>();
  const channel = await serveForTest(t, (server) =>
    addService(server, FileServiceService, {
      write: async (requests) => {
        try {
          for await (const each of requests) if (each.request !== undefined) received.resolve();
        } catch (error) {
          seen.resolve(error);
          throw error;
        }
        seen.resolve("complete");
        return { exists: true, kind: "file", sizeBytes: 0n, mode: 0, modifiedMs: 0n, sha256: "" };
      },
    }),
  );
  async function* chunks() {
    yield { request: { $case: "data" as const, value: Buffer.alloc(10) } };
    await received.promise;
    throw new FailedError("local file: read error");
  }
  await t.rejects(clientOf(FileServiceService, channel).write(chunks()), { message: "local file: read error" });
  t.type(await seen.promise, CancelledError);
});

t.test("a server that refuses a client stream early stops the sender", async (t) => {
  const channel = await serveForTest(t, (server) =>
    addService(server, FileServiceService, {
      write: async () => {
        throw new ConflictError("stale fence");
      },
    }),
  );
  const stopped = deferred<void>();
  async function* chunks() {
    try {
      for (;;) yield { request: { $case: "data" as const, value: Buffer.alloc(1000) } };
    } finally {
      stopped.resolve();
    }
  }
  await t.rejects(clientOf(FileServiceService, channel).write(chunks()), { name: "ConflictError" });
  await stopped.promise;
});

t.test("both directions flow at once", async (t) => {
  const channel = await serveForTest(t, (server) =>
    addService(server, ConsoleServiceService, {
      attach: async function* (requests): AsyncGenerator<AttachEvent> {
        for await (const { request } of requests) {
          if (request?.$case === "open") yield { event: { $case: "granted", value: "" } };
          if (request?.$case === "data") yield { event: { $case: "acceptedBytes", value: BigInt(request.value.length) } };
        }
      },
    }),
  );
  const typed = new BoundedQueue<AttachRequest>(4);
  const events = clientOf(ConsoleServiceService, channel).attach(typed)[Symbol.asyncIterator]();
  typed.offer({ request: { $case: "open", value: { node: "p0", steal: false, who: "ada" } } });
  t.same((await events.next()).value, { event: { $case: "granted", value: "" } });
  typed.offer({ request: { $case: "data", value: Buffer.from("help\n") } });
  t.same((await events.next()).value, { event: { $case: "acceptedBytes", value: 5n } });
  typed.close();
  t.equal((await events.next()).done, true);
});
