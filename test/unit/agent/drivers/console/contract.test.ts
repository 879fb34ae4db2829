import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { fileConsole } from "../../../../../agent/drivers/console/file.js";
import { consoleDrivers, consoleSource } from "../../../../../agent/drivers/console/registry.js";
import { tcpConsole } from "../../../../../agent/drivers/console/tcp.js";
import { unixConsole } from "../../../../../agent/drivers/console/unix.js";
import type { LineEvent } from "../../../../../agent/ports/console.js";
import { systemClock } from "../../../../../proto/base/clock.js";
import { UnreachableError } from "../../../../../proto/base/errors.js";
import { consoleContract, type LineUnderTest } from "../../../../support/capture/console-contract.js";
import { FakeConsole } from "../../../../support/capture/fake-console.js";
import { lineEvents } from "../../../../support/capture/line-events.js";

/** A folder with a short name: a unix socket's path may have 107 bytes. */
function shortFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), "line-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A terminal server with one port. */
async function farEnd(t: Test, path?: string) {
  const received: Buffer[] = [];
  const connections: Socket[] = [];
  let arrived = () => {};
  const server = createServer((socket) => {
    socket.on("data", (data) => received.push(data)).on("error", () => {});
    connections.push(socket);
    arrived();
  });
  await new Promise<void>((resolve) => (path === undefined ? server.listen(0, "127.0.0.1", resolve) : server.listen(path, resolve)));
  t.teardown(() => {
    for (const socket of connections) socket.destroy();
    server.close();
  });
  const connection = async () => {
    if (connections.length === 0) await new Promise<void>((resolve) => void (arrived = resolve));
    return connections[connections.length - 1];
  };
  return {
    address: server.address(),
    print: async (data: Uint8Array) => void (await connection())?.write(data),
    received: () => Buffer.concat(received),
    hangUp: async () => {
      (await connection())?.destroy();
      connections.length = 0;
    },
  };
}

consoleContract(t, "tcp", async (t): Promise<LineUnderTest> => {
  const far = await farEnd(t);
  const port = typeof far.address === "object" ? far.address?.port : undefined;
  return { ...far, source: tcpConsole(`127.0.0.1:${port}`, systemClock), nothingThere: tcpConsole("127.0.0.1:1", systemClock) };
});

consoleContract(t, "unix", async (t): Promise<LineUnderTest> => {
  const path = join(shortFolder(t), "s");
  const far = await farEnd(t, path);
  return { ...far, source: unixConsole(path, systemClock), nothingThere: unixConsole(`${path}-not`, systemClock) };
});

consoleContract(t, "file", async (t): Promise<LineUnderTest> => {
  const path = join(t.testdir({ "serial.log": "printed before we came" }), "serial.log");
  return {
    source: fileConsole(path, systemClock),
    nothingThere: fileConsole(`${path}-not`, systemClock),
    print: (data) => appendFileSync(path, data),
    hangUp: () => {
      writeFileSync(`${path}.new`, "");
      renameSync(`${path}.new`, path);
    },
  };
});

consoleContract(t, "fake", async (): Promise<LineUnderTest> => {
  const source = new FakeConsole(systemClock);
  const nothingThere = new FakeConsole(systemClock);
  nothingThere.refusal = new UnreachableError(`${nothingThere.label}: nobody there`);
  return {
    source,
    nothingThere,
    print: (data) => source.print(data),
    received: () => Buffer.concat(source.written),
    breaks: () => source.breaks,
    hangUp: () => source.lineDown(),
  };
});

t.test("file: a cut is a loss, and what is written after it is told from the start", async (t) => {
  const path = join(t.testdir({ "serial.log": "" }), "serial.log");
  const line = await fileConsole(path, systemClock).open();
  t.teardown(() => line.close());
  const events = lineEvents(line)[Symbol.asyncIterator]();
  appendFileSync(path, "before the cut");
  t.match(await next(events), { kind: "bytes" });
  truncateSync(path, 0);
  appendFileSync(path, "after");
  t.match(await next(events), { kind: "loss", cause: "discarded", detail: /cut from 14 to \d bytes/ });
  t.match(await next(events), { kind: "bytes", data: Buffer.from("after") });
});

t.test("file: one that appears later is told from its start", async (t) => {
  const path = join(t.testdir(), "serial.log");
  const source = fileConsole(path, systemClock);
  await t.rejects(source.open(), UnreachableError);
  writeFileSync(path, "first words");
  const line = await source.open();
  t.teardown(() => line.close());
  t.match(await next(lineEvents(line)[Symbol.asyncIterator]()), { kind: "bytes", data: Buffer.from("first words") });
});

t.test("tcp: what is not HOST:PORT is refused", async (t) => {
  for (const target of ["", "host", "host:", "host:0", "host:70000", "::1:5"]) {
    t.throws(() => tcpConsole(target, systemClock), { code: "invalid-argument" }, target);
  }
  t.equal(tcpConsole("[::1]:7000", systemClock).label, "tcp [::1]:7000");
});

t.test("a kind without a driver is refused with the kinds there are", async (t) => {
  const target = { node: "p0", kind: "carrier-pigeon", target: "", baudRate: 0 };
  t.throws(() => consoleSource(consoleDrivers, target, systemClock), { code: "unsupported", message: /file, tcp, unix/ });
  t.equal(consoleSource(consoleDrivers, { ...target, kind: "unix", target: "/run/p0" }, systemClock).kind, "unix");
});

async function next(events: AsyncIterator<LineEvent>): Promise<LineEvent | undefined> {
  const result: IteratorResult<LineEvent> = await events.next();
  return result.done ? undefined : result.value;
}
