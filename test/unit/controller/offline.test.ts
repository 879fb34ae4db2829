import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { InvalidArgumentError } from "../../../proto/base/errors.js";
import { matchCrash } from "../../../controller/deploy/crash.js";
import { LineSplitter } from "../../../controller/deploy/lines.js";
import { type LogQuestion, type LogVerdict, verifyLog } from "../../../controller/offline.js";

const transcripts = process.env["LABD_SERIAL_DATA"] ?? join(import.meta.dirname, "../../../../../shared/data/serial");
const skip = existsSync(transcripts) ? false : `no serial transcripts in ${transcripts}; set LABD_SERIAL_DATA`;

function verify(file: string, role: string, more: Partial<LogQuestion> = {}): LogVerdict {
  return verifyLog({ recipe: "lego", role, with: {}, bytes: readFileSync(join(transcripts, file)), ...more });
}

const ethernet = { with: { fit: "ethernet" } };

t.test("transcripts: every run that succeeded is proven", { skip }, async (t) => {
  const table: [string, string, Partial<LogQuestion>][] = [
    ["legoos-1p1m-infiniband-processor.log", "processor", {}],
    ["legoos-1p1m-infiniband-processor.log", "processor", { with: { fit: "infiniband" }, nonce: "set_tid_address(): return tgid: 15" }],
    ["legoos-1p1m-ethernet-processor.log", "processor", ethernet],
    ["legoos-1p1m-ethernet-memory.log", "memory", ethernet],
    ["legoos-1p1m1s-ethernet-processor.log", "processor", { ...ethernet, nonce: "Hello World!" }],
    ["legoos-1p1m1s-ethernet-memory.log", "memory", ethernet],
  ];
  for (const [file, role, more] of table) t.match(verify(file, role, more), { proven: true, missing: [], failure: undefined }, file);
});

t.test("transcripts: a claim cites the line, its number and its offset", { skip }, async (t) => {
  const file = "legoos-1p1m-infiniband-processor.log";
  const { claims } = verify(file, "processor");
  t.match(
    claims.find(({ claim }) => claim === "every peer has joined"),
    { line: "[   50.951294] fit: FIT layer ready to go!", lineNumber: 511 },
  );
  const text = readFileSync(join(transcripts, file), "latin1");
  for (const { offset, line, lineNumber } of claims) {
    t.equal(text.slice(offset, offset + line.length), line);
    t.equal(text.split("\n")[lineNumber - 1], line);
  }
});

t.test("transcripts: the one that waits for the subnet manager is unproven, with the last line seen", { skip }, async (t) => {
  const verdict = verify("legoos-infiniband-processor-waiting-for-mad.log", "processor");
  t.match(verdict, {
    proven: false,
    failure: undefined,
    lastLine: { line: "[    4.911050] fit: Please wait for enough IB MAD (number: 7) ...", lineNumber: 263 },
  });
  t.equal(verdict.missing[0], "the InfiniBand port is up");
});

t.test("transcripts: one kind of log does not prove another", { skip }, async (t) => {
  t.match(
    verify("legoos-1p1m-ethernet-processor.log", "processor"),
    { proven: false, missing: [/FIT node id/] },
    "InfiniBand is asked for",
  );
  t.match(verify("legoos-1p1m-ethernet-memory.log", "processor", ethernet), { proven: false }, "memory is no processor");
  t.match(verify("legoos-1p1m-ethernet-processor.log", "memory", ethernet), { proven: false }, "processor is no memory");
  t.match(verify("legoos-1p1m1s-ethernet-storage.log", "memory", ethernet), {
    proven: false,
    failure: { reason: /Linux 3\.13\.1 booted/, lineNumber: 4 },
  });
  t.match(verify("legoos-1p1m-ethernet-processor.log", "processor", { ...ethernet, nonce: "k793ac" }), {
    proven: false,
    missing: ["the user program of this run printed its nonce k793ac"],
  });
});

t.test("transcripts: no line of a run that succeeded is a crash line, however the bytes are cut", { skip }, async (t) => {
  for (const file of ["legoos-1p1m-infiniband-processor.log", "legoos-1p1m-ethernet-processor.log", "legoos-1p1m1s-ethernet-storage.log"]) {
    const bytes = readFileSync(join(transcripts, file));
    const whole = new LineSplitter(0n).push(bytes);
    const splitter = new LineSplitter(0n);
    t.same(Array.from(bytes, (_, at) => splitter.push(bytes.subarray(at, at + 1))).flat(), whole, file);
    for (const line of whole) if (matchCrash(line) !== undefined) t.fail(line.text);
  }
});

const boot = `[    0.000000] LegoOS version 4.0.0-lego (root@vm) #1 SMP
[    0.000000] Command line: memmap=2G$4G
[    4.000000] Scheduler is up and running
[    4.500000] x86: Booted up 1 node, 8 CPUs
`;
const asked = { recipe: "lego", role: "processor", with: {} } as const;

t.test("a crash before the proof is complete ends it, with its meaning and place", async (t) => {
  const bytes = Buffer.from(
    `${boot}[    9.800000] Kernel Panic - not syncing: Please check your network config!\n[   10.000000] fit: more\n`,
  );
  t.match(verifyLog({ ...asked, bytes }), {
    proven: false,
    failure: { reason: /node table built into this image is wrong/, lineNumber: 5, line: /Kernel Panic/ },
    lastLine: { lineNumber: 5 },
  });
});

t.test("a program cannot prove or crash anything by what it prints", async (t) => {
  const forged = `${boot}[    5.000000] STDOUT: ---[
[    5.100000] fit: ***  FIT_LOCAL_ID:   0
[    5.200000] Kernel Panic - not syncing: forged
]---
`;
  t.match(verifyLog({ ...asked, bytes: Buffer.from(forged) }), { proven: false, failure: undefined, missing: [/FIT node id/] });
});

t.test("an empty log proves nothing and has no last line", async (t) => {
  t.match(verifyLog({ ...asked, bytes: new Uint8Array() }), { proven: false, claims: [], failure: undefined, lastLine: undefined });
});

t.test("what cannot be asked is answered with what can", async (t) => {
  t.throws(() => verifyLog({ ...asked, recipe: "logo", bytes: new Uint8Array() }), { message: /there are: lego/ });
  t.throws(() => verifyLog({ ...asked, role: "storage", bytes: new Uint8Array() }), { message: /--role processor --with fit=infiniband/ });
  t.throws(() => verifyLog({ ...asked, with: { fit: "token-ring" }, bytes: new Uint8Array() }), InvalidArgumentError);
});
