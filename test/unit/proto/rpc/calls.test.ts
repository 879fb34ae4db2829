import type { Server } from "@grpc/grpc-js";
import t from "tap";
import type { Test } from "tap";
import { systemClock } from "../../../../proto/base/clock.js";
import { CancelledError, ConflictError, DeadlineError, FailedError, UnreachableError } from "../../../../proto/base/errors.js";
import { BoundedQueue } from "../../../../proto/base/queue.js";
import type { AttachEvent, AttachRequest, ConsoleEvent } from "../../../../proto/gen/lab/v1/console.js";
import { ConsoleServiceService } from "../../../../proto/gen/lab/v1/console.js";
import { FileServiceService } from "../../../../proto/gen/lab/v1/file.js";
import { PowerServiceService } from "../../../../proto/gen/lab/v1/power.js";
import { dialChannel } from "../../../../proto/rpc/channel.js";
import { clientOf } from "../../../../proto/rpc/client.js";
import { addService } from "../../../../proto/rpc/server.js";
import type { Call, Implementation } from "../../../../proto/rpc/service.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { issueIdentity, openLabPort } from "../../../support/rpc/lab-port.js";

type Power = Implementation<typeof PowerServiceService>;
type Console = Implementation<typeof ConsoleServiceService>;
type File = Implementation<typeof FileServiceService>;

const unused = () => {
  throw new FailedError("not part of this test");
};
const powerDefaults: Power = { getPower: unused, setPower: unused };
const consoleDefaults: Console = { listConsoles: unused, follow: unused, listBoots: unused, attach: unused };
const fileDefaults: File = { stat: unused, read: unused, write: unused, remove: unused, list: unused };

async function serve(t: Test, services: (server: Server) => void, clock = systemClock) {
  const port = await openLabPort(t.testdir(), { services });
  const identity = await issueIdentity(port.authority, { name: "ada", role: "operator" });
  const channel = dialChannel({ address: port.address, caPem: identity.caPem, identity, clock });
  t.teardown(async () => {
    channel.close();
    await port.close();
  });
  return channel;
}

const data = (offset: number, size = 1): ConsoleEvent => ({
  event: { $case: "data", value: { offset: BigInt(offset), data: Buffer.alloc(size), timeMs: 0n } },
});
const fromStart = { node: "p0", from: undefined, live: true, untilOffset: 0n };

t.test("a unary call brings the answer, and the server knows who asked", async (t) => {
  let seen: Call | undefined;
  const channel = await serve(t, (server) =>
    addService(server, PowerServiceService, {
      ...powerDefaults,
      getPower: async ({ node }, call) => {
        seen = call;
        return { state: "on", fault: false, lastEvent: node };
      },
    }),
  );
  const answer = await clientOf(PowerServiceService, channel).getPower({ node: "p0" });
  t.same(answer, { state: "on", fault: false, lastEvent: "p0" });
  t.same(seen?.peer, { name: "ada", role: "operator" });
});

t.test("an error thrown by the implementation is thrown by the call", async (t) => {
  const channel = await serve(t, (server) =>
    addService(server, PowerServiceService, {
      ...powerDefaults,
      getPower: async () => {
        throw new ConflictError("p0 is leased by ci until 18:00; wait or ask", { facts: { node: "p0" } });
      },
    }),
  );
  const call = clientOf(PowerServiceService, channel).getPower({ node: "p0" });
  await t.rejects(call, { name: "ConflictError", message: "p0 is leased by ci until 18:00; wait or ask", facts: { node: "p0" } });
});

t.test("authorize is asked before the implementation", async (t) => {
  let reached = false;
  const channel = await serve(t, (server) =>
    addService(
      server,
      PowerServiceService,
      {
        ...powerDefaults,
        getPower: async () => {
          reached = true;
          return { state: "on", fault: false, lastEvent: "" };
        },
      },
      {
        authorize: (peer, rpc) => {
          throw new ConflictError(`${peer?.name} ${rpc}`);
        },
      },
    ),
  );
  await t.rejects(clientOf(PowerServiceService, channel).getPower({ node: "p0" }), { message: "ada PowerService.GetPower" });
  t.notOk(reached);
});

t.test("a caller's abort reaches the implementation and ends the call with its reason", async (t) => {
  const aborted = deferred<void>();
  const started = deferred<void>();
  const channel = await serve(t, (server) =>
    addService(server, PowerServiceService, {
      ...powerDefaults,
      getPower: (_request, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            aborted.resolve();
            reject(signal.reason as Error);
          });
          started.resolve();
        }),
    }),
  );
  const stop = new AbortController();
  const call = clientOf(PowerServiceService, channel).getPower({ node: "p0" }, { signal: stop.signal });
  await started.promise;
  stop.abort(new CancelledError("Ctrl-C"));
  await t.rejects(call, { name: "CancelledError", message: "Ctrl-C" });
  await aborted.promise;
});

t.test("a deadline runs on the injected clock and says what was awaited", async (t) => {
  const clock = new FakeClock();
  const started = deferred<void>();
  const channel = await serve(
    t,
    (server) =>
      addService(server, PowerServiceService, {
        ...powerDefaults,
        getPower: () => {
          started.resolve();
          return new Promise(() => {});
        },
      }),
    clock,
  );
  const call = clientOf(PowerServiceService, channel).getPower({ node: "p0" }, { deadlineMs: 5_000 });
  const outcome = call.then(
    () => undefined,
    (error: unknown) => error,
  );
  await started.promise;
  await clock.advance(5_000);
  const error = await outcome;
  t.type(error, DeadlineError);
  t.match((error as Error).message, /PowerService\.GetPower: waited 5\.0 s for an answer/);
  t.equal(clock.pendingTimers, 0);
});

t.test("an answered call leaves no timer behind", async (t) => {
  const clock = new FakeClock();
  const getPower = async () => ({ state: "on", fault: false, lastEvent: "" });
  const channel = await serve(t, (server) => addService(server, PowerServiceService, { ...powerDefaults, getPower }), clock);
  await clientOf(PowerServiceService, channel).getPower({ node: "p0" });
  t.equal(clock.pendingTimers, 0);
});

t.test("a server stream arrives whole and in order", async (t) => {
  const channel = await serve(t, (server) =>
    addService(server, ConsoleServiceService, {
      ...consoleDefaults,
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
  const channel = await serve(t, (server) =>
    addService(server, ConsoleServiceService, {
      ...consoleDefaults,
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
  const channel = await serve(t, (server) =>
    addService(server, ConsoleServiceService, {
      ...consoleDefaults,
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
  const channel = await serve(t, (server) =>
    addService(server, ConsoleServiceService, {
      ...consoleDefaults,
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
  const channel = await serve(t, (server) =>
    addService(server, ConsoleServiceService, {
      ...consoleDefaults,
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
  const channel = await serve(t, (server) =>
    addService(server, FileServiceService, {
      ...fileDefaults,
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
  const channel = await serve(t, (server) =>
    addService(server, FileServiceService, {
      ...fileDefaults,
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
  const channel = await serve(t, (server) =>
    addService(server, FileServiceService, {
      ...fileDefaults,
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
  const channel = await serve(t, (server) =>
    addService(server, ConsoleServiceService, {
      ...consoleDefaults,
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

t.test("a controller that is not there is unreachable", async (t) => {
  const port = await openLabPort(t.testdir());
  const { caPem } = port.authority;
  await port.close();
  const channel = dialChannel({ address: port.address, caPem, clock: systemClock });
  t.teardown(() => channel.close());
  await t.rejects(clientOf(PowerServiceService, channel).getPower({ node: "p0" }), { name: "UnreachableError" });
});

function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
