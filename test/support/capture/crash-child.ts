/**
 * A site agent to be killed: captures a line whose byte at offset n is n modulo 251, and says on standard output what a follower
 * was told: "bytes OFFSET" after each chunk, "gap OFFSET" for each overrun. Argument: the directory.
 */
import { Captures } from "../../../agent/capture/captures.js";
import { systemClock } from "../../../proto/base/clock.js";
import { silentLogger } from "../../../proto/base/logger.js";
import { FakeConsole } from "./fake-console.js";

const line = new FakeConsole(systemClock);
const captures = new Captures({
  directory: process.argv[2] ?? "",
  clock: systemClock,
  logger: silentLogger,
  log: { segmentBytes: 32 * 1024 },
});
const capture = captures.add("p0", line);
let printed = capture.log.end;
process.stdout.write(`start ${printed}\n`);

function print(): void {
  const data = Uint8Array.from({ length: 1 + Math.floor(Math.random() * 900) }, (_, index) => (printed + index) % 251);
  printed += data.length;
  line.print(data);
  if (Math.random() < 0.02) line.lose("overrun", 3);
  setTimeout(print, Math.random() * 2);
}
setTimeout(print, 1);

for await (const event of capture.follow({ from: { end: true }, live: true })) {
  if (event.kind === "data") process.stdout.write(`bytes ${event.offset + event.data.length}\n`);
  if (event.kind === "gap" && event.cause === "overrun") process.stdout.write(`gap ${event.offset}\n`);
}
