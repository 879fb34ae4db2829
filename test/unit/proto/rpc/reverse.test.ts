import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import t from "tap";
import type { Test } from "tap";
import { systemClock } from "../../../../proto/base/clock.js";
import { silentLogger } from "../../../../proto/base/logger.js";
import { BoundedQueue } from "../../../../proto/base/queue.js";
import type { ConsoleEvent } from "../../../../proto/gen/lab/v1/console.js";
import { ConsoleServiceService } from "../../../../proto/gen/lab/v1/console.js";
import { PowerServiceService } from "../../../../proto/gen/lab/v1/power.js";
import { clientOf } from "../../../../proto/rpc/client.js";
import { dialController, serveController } from "../../../../proto/rpc/dial.js";
import type { ReverseChannel } from "../../../../proto/rpc/reverse.js";
import { channelOver } from "../../../../proto/rpc/reverse.js";
import { addService } from "../../../../proto/rpc/server.js";
import { issueIdentity, openLabPort } from "../../../support/rpc/lab-port.js";

const unused = () => {
  throw new Error("not part of this test");
};

/** A controller's port and an agent that serves on the connection it dials; `next()` is the controller's next channel to it. */
async function labWithAgent(t: Test, follow: () => AsyncIterable<ConsoleEvent> = unused) {
  const arrivals = new BoundedQueue<ReverseChannel>(10);
  const sockets: TLSSocket[] = [];
  const port = await openLabPort(t.testdir(), {
    onAgent: (socket, name) => {
      sockets.push(socket);
      void channelOver(socket, { label: `agent ${name}`, clock: systemClock }).then((channel) => arrivals.offer(channel));
    },
  });
  const identity = await issueIdentity(port.authority, { name: "p0", role: "agent" });
  const stop = new AbortController();
  const reasons: string[] = [];
  const serving = serveController({
    address: port.address,
    identity: () => identity,
    services: (server) => {
      addService(server, PowerServiceService, {
        getPower: async ({ node }) => ({ state: "on", fault: false, lastEvent: node, asks: "", hold: "" }),
        setPower: unused,
        confirmPower: unused,
      });
      addService(server, ConsoleServiceService, { listConsoles: unused, follow, listBoots: unused, attach: unused });
    },
    clock: systemClock,
    logger: silentLogger,
    signal: stop.signal,
    backoff: { initialMs: 1, capMs: 20, stableMs: 60_000 },
    onDisconnected: (reason) => reasons.push(reason),
  });
  t.teardown(async () => {
    stop.abort();
    await serving;
    await port.close();
  });
  const next = async () => {
    const { value } = await arrivals.next();
    return value as ReverseChannel;
  };
  return { next, sockets, reasons, stop, serving };
}

t.test("the controller calls an agent on the connection the agent dialled", async (t) => {
  const { next } = await labWithAgent(t);
  const channel = await next();
  const power = clientOf(PowerServiceService, channel);
  for (const node of ["p0", "m0", "s0"]) t.match(await power.getPower({ node }), { lastEvent: node, asks: "", hold: "" });
});

t.test("a lost connection ends the channel, and the agent dials again", async (t) => {
  const { next, sockets, reasons } = await labWithAgent(t);
  const first = await next();
  await clientOf(PowerServiceService, first).getPower({ node: "p0" });
  sockets[0]?.destroy();
  t.type(await first.closed, "string");
  await t.rejects(clientOf(PowerServiceService, first).getPower({ node: "p0" }), { name: "UnreachableError" });
  const second = await next();
  t.match(await clientOf(PowerServiceService, second).getPower({ node: "p0" }), { state: "on" });
  t.equal(reasons.length, 1);
});

t.test("a stream under way ends with an error when the connection goes", async (t) => {
  const { next, sockets } = await labWithAgent(t, () => new BoundedQueue<ConsoleEvent>(1));
  const channel = await next();
  const request = { node: "p0", from: undefined, live: true, untilOffset: 0n };
  const stream = clientOf(ConsoleServiceService, channel).follow(request)[Symbol.asyncIterator]();
  const pending = stream.next();
  setImmediate(() => sockets[0]?.destroy());
  await t.rejects(pending, { name: "UnreachableError" });
});

t.test("when the agent stops, the controller is told", async (t) => {
  const { next, stop, serving } = await labWithAgent(t);
  const channel = await next();
  await clientOf(PowerServiceService, channel).getPower({ node: "p0" });
  stop.abort();
  await channel.closed;
  await serving;
});

t.test("closing the channel hangs up; closing it again is nothing", async (t) => {
  const { next, reasons } = await labWithAgent(t);
  const channel = await next();
  channel.close();
  channel.close();
  await channel.closed;
  await next();
  t.equal(reasons.length, 1);
});

t.test("ten thousand messages over the bridge to a reader that does not read stay few in memory", async (t) => {
  let produced = 0;
  const { next } = await labWithAgent(t, async function* () {
    for (; produced < 10_000; produced += 1) {
      yield { event: { $case: "data", value: { offset: BigInt(produced), data: Buffer.alloc(4096), timeMs: 0n } } };
    }
  });
  const request = { node: "p0", from: undefined, live: true, untilOffset: 0n };
  const stream = clientOf(ConsoleServiceService, await next())
    .follow(request)
    [Symbol.asyncIterator]();
  await stream.next();
  let before = -1;
  while (produced !== before) {
    before = produced;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.ok(produced < 2000, `${produced} were produced while nobody read`);
  let read = 1;
  while ((await stream.next()).done !== true) read += 1;
  t.equal(read, 10_000);
});

t.test("a connection that has gone silent is given up by both ends", async (t) => {
  const keepalive = { everyMs: 200, withinMs: 400 };
  const arrived = new BoundedQueue<ReverseChannel>(1);
  const port = await openLabPort(t.testdir(), {
    onAgent: (socket) => {
      void channelOver(socket, { label: "agent p0", clock: systemClock, keepalive }).then((channel) => arrived.offer(channel));
    },
  });
  // A network in the middle that can stop carrying anything without closing anything.
  const ends: Socket[] = [];
  const network = createServer((near) => {
    const [host, number] = port.address.split(":") as [string, string];
    const far = connect(Number(number), host);
    ends.push(near, far);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("data", (bytes) => void (silent || to.write(bytes)));
      from.on("error", () => {});
    }
  });
  let silent = false;
  network.listen(0, "127.0.0.1");
  await once(network, "listening");
  const identity = await issueIdentity(port.authority, { name: "p0", role: "agent" });
  const stop = new AbortController();
  let lost: (reason: string) => void = () => {};
  const agentNoticed = new Promise<string>((resolve) => {
    lost = resolve;
  });
  const serving = serveController({
    address: `127.0.0.1:${(network.address() as AddressInfo).port}`,
    identity: () => identity,
    services: (server) =>
      addService(server, PowerServiceService, {
        getPower: async () => ({ state: "on", fault: false, lastEvent: "", asks: "", hold: "" }),
        setPower: unused,
        confirmPower: unused,
      }),
    clock: systemClock,
    logger: silentLogger,
    signal: stop.signal,
    keepalive,
    onDisconnected: (reason) => lost(reason),
  });
  const { value: channel } = await arrived.next();
  t.match(await clientOf(PowerServiceService, channel as ReverseChannel).getPower({ node: "p0" }), { state: "on" });
  silent = true;
  t.type(await (channel as ReverseChannel).closed, "string", "the controller notices");
  t.type(await agentNoticed, "string", "the agent notices");
  stop.abort();
  await serving;
  for (const end of ends) end.destroy();
  network.close();
  await port.close();
});

t.test("a controller whose certificate is not in force by our clock is told from one of another lab", async (t) => {
  const ahead = { ...systemClock, now: () => systemClock.now() + 30 * 86_400_000 };
  const port = await openLabPort(t.testdir(), { clock: ahead });
  t.teardown(() => port.close());
  const identity = await issueIdentity(port.authority, { name: "p0", role: "agent" });
  await t.rejects(dialController({ address: port.address, identity, clock: systemClock }), {
    code: "authentication",
    message: /not in force by this machine's clock.*check the time/,
  });
});
