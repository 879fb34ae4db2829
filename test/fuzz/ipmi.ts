/** `npm run fuzz [DATAGRAMS [SEED]]`: a million datagrams that are almost right, thrown at client and simulated BMC; prints what came of it. */
import { describeError } from "../../proto/base/errors.js";
import { fuzz } from "../support/fuzz/fuzz.js";

const boundS = 900;
const grownBytes = 8_000_000;
const [datagrams = 1_000_000, seed = Math.floor(Math.random() * 2 ** 31)] = process.argv.slice(2).map(Number);

const overdue = setTimeout(() => fail(`not over after ${boundS} s`), boundS * 1000);
overdue.unref();
process.stdout.write(`${datagrams} datagrams, seed ${seed}\n`);
const report = await fuzz({ datagrams, seed }).catch((error: unknown) => fail(describeError(error)));
const { early, end } = report.heapBytes;
const rate = Math.round(report.datagrams / report.seconds);
process.stdout.write(
  [
    `${report.datagrams} thrown in ${report.seconds.toFixed(1)} s: ${rate} a second`,
    `kinds: ${Object.entries(report.counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ")}`,
    `${report.rounds} rounds, ${report.sessions} sessions, ${report.commandsAnswered} commands answered, ${report.solBytes} bytes of console`,
    `heap: ${megabytes(early)} after a tenth, ${megabytes(end)} at the end`,
    "",
  ].join("\n"),
);
if (end - early > grownBytes) fail(`the heap grew by ${megabytes(end - early)}`);
process.stdout.write("no crash, no hang, no growth\n");

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function fail(why: string): never {
  process.stdout.write(`FAILED: ${why}\n`);
  process.exit(1);
}
