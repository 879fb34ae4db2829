import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import t from "tap";
import { encodeSession20, payloadType } from "../../../../../agent/ipmi/wire/index.js";
import { countedTransport } from "../../../../../agent/ipmi/transport/index.js";
import { UdpTransport } from "../../../../../agent/ipmi/index.js";

/** A BMC's socket that sends back what it gets, with its own port before it. */
async function echo(): Promise<{ port: number; socket: Socket }> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.on("message", (message, from) => socket.send(`${port} ${message.toString()}`, from.port, from.address));
  return { port, socket };
}

t.test("many BMCs share few sockets, and each hears only its own", async (t) => {
  const transport = new UdpTransport();
  const bmcs = await Promise.all(Array.from({ length: 130 }, echo));
  t.teardown(async () => {
    await transport.close();
    for (const { socket } of bmcs) socket.close();
  });
  const answers = await Promise.all(
    bmcs.map(
      ({ port }, i) =>
        new Promise<string>((resolve, reject) => {
          const listener = { received: (bytes: Uint8Array) => resolve(Buffer.from(bytes).toString()), sendFailed: reject };
          void transport.open({ address: "127.0.0.1", port }, listener).then((route) => route.send(Buffer.from(`hello ${i}`)));
        }),
    ),
  );
  t.same(
    answers,
    bmcs.map(({ port }, i) => `${port} hello ${i}`),
  );
  t.equal(transport.socketCount, 3);
});

t.test("two routes to one BMC use different sockets and do not mix", async (t) => {
  const transport = new UdpTransport();
  const bmc = await echo();
  t.teardown(async () => {
    await transport.close();
    bmc.socket.close();
  });
  const ask = async (text: string) => {
    let heard: (text: string) => void;
    const answer = new Promise<string>((resolve) => {
      heard = resolve;
    });
    const listener = { received: (bytes: Uint8Array) => heard(Buffer.from(bytes).toString()), sendFailed: () => undefined };
    const route = await transport.open({ address: "localhost", port: bmc.port }, listener);
    route.send(Buffer.from(text));
    return { route, answer: await answer };
  };
  const [first, second] = await Promise.all([ask("first"), ask("second")]);
  t.same([first?.answer, second?.answer], [`${bmc.port} first`, `${bmc.port} second`]);
  t.equal(transport.socketCount, 2);
  first?.route.close();
  first?.route.close();
  t.equal(transport.socketCount, 1, "an unused socket is closed");
});

t.test("a name that does not resolve is unreachable and says where to look", async (t) => {
  const transport = new UdpTransport();
  const listener = { received: () => undefined, sendFailed: () => undefined };
  await t.rejects(transport.open({ address: "no such host", port: 623 }, listener), {
    code: "unreachable",
    message: /bmc no such host: its name does not resolve; check the address in the inventory/,
  });
  await transport.close();
});

t.test("what is sent on a route whose transport was closed is lost without a fuss", async (t) => {
  const transport = new UdpTransport();
  const listener = { received: () => t.fail("nothing arrives"), sendFailed: () => t.fail("nothing fails") };
  const route = await transport.open({ address: "127.0.0.1", port: 9 }, listener);
  await transport.close();
  t.doesNotThrow(() => route.send(Buffer.from("late")));
  route.close();
  t.equal(transport.socketCount, 0);
});

t.test("a counted transport counts what goes each way, and leaves closing to the owner", async (t) => {
  const transport = new UdpTransport();
  const traffic = { sent: 0, received: 0 };
  const bmc = await echo();
  t.teardown(async () => {
    await transport.close();
    bmc.socket.close();
  });
  bmc.socket.removeAllListeners("message").on("message", (message, { port, address }) => bmc.socket.send(message, port, address));
  const counted = countedTransport(transport, traffic);
  const sol = encodeSession20({
    payloadType: payloadType.sol,
    encrypted: true,
    authenticated: true,
    sessionId: 7,
    sequence: 1,
    payload: Buffer.alloc(16),
  });
  let echoes = 0;
  await new Promise<void>((resolve, reject) => {
    const listener = { received: () => ((echoes += 1) === 2 ? resolve() : undefined), sendFailed: reject };
    void counted.open({ address: "127.0.0.1", port: bmc.port }, listener).then((route) => {
      route.send(Buffer.from("hello"));
      route.send(sol);
    });
  });
  await counted.close();
  t.same(traffic, { sent: 1, received: 1 }, "what a console says is no part of it");
  t.equal(transport.socketCount, 1);
});
