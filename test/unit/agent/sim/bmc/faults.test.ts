/** Faults one by one at their seams. What our client makes of them: test/integration/bmc-under-faults.test.ts. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ActiveFaults, type FaultKind, faultTable, parseFault } from "../../../../../agent/sim/bmc/faults/index.js";
import { FakeClock } from "../../../../support/fake-clock.js";

function bench(seed = "seed") {
  const clock = new FakeClock();
  const log: string[] = [];
  const bmc = {
    forgetSessions: () => void log.push("forgotten"),
    takeSol: (holder: number | undefined, { notice }: { notice: boolean }) => {
      log.push(`taken by ${holder === undefined ? "nobody" : "somebody"}${notice ? ", told" : ""}`);
      return true;
    },
  };
  return { clock, log, faults: new ActiveFaults(bmc, clock, seed) };
}

const datagram = Uint8Array.of(6, 0, 255, 7, 1, 2, 3, 4);

t.test("every fault of the table has a name of its own, says what it does, and is read as it is printed", async (t) => {
  t.equal(new Set(faultTable.map(({ name }) => name)).size, faultTable.length);
  for (const kind of faultTable) {
    t.match(kind.name, /^[a-z][a-z0-9-]*$/);
    t.match(kind.does, /^[^.]{20,}[^.]$/, kind.name);
    const { text } = kind.with(undefined);
    t.equal(text, kind.value === undefined ? kind.name : `${kind.name}=${kind.value.default}`);
    t.equal(parseFault(text).text, text);
  }
});

t.test("docs/simulation.md shows the table (UPDATE_GOLDEN=1 writes it)", async (t) => {
  const page = join(import.meta.dirname, "../../../../../../docs/simulation.md");
  const [begin, end] = ["<!-- begin: the table of agent/sim/bmc/faults -->", "<!-- end -->"];
  const row = ({ name, does, value }: FaultKind) =>
    `| \`${name}\` | ${value === undefined ? "" : `\`${value.default}\`: ${value.takes}`} | ${does} |`;
  const table = ["| fault | value | what it does |", "|---|---|---|", ...faultTable.map(row)].join("\n");
  const text = readFileSync(page, "utf8");
  const [before, after] = [text.slice(0, text.indexOf(begin) + begin.length), text.slice(text.indexOf(end))];
  const expected = `${before}\n\n${table}\n\n${after}`;
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(page, expected);
  t.equal(readFileSync(page, "utf8"), expected);
});

t.test("without faults everything passes as it is", async (t) => {
  const { faults } = bench();
  t.same(faults.passages(datagram), [{ datagram, afterMs: 0 }]);
  t.equal(faults.handshake(0x10, datagram), datagram);
  t.equal(faults.message(datagram), datagram);
  t.equal(faults.sessionSlots(5), 5);
  t.equal(faults.solBufferBytes(1000), 1000);
  t.equal(faults.chassisDelayMs, 0);
});

t.test("chance is the same in every run with the same seed, and hits about the share that was asked for", async (t) => {
  const fates = (seed: string) => {
    const { faults } = bench(seed);
    faults.begin(parseFault("drop=30%"));
    return Array.from({ length: 2000 }, () => faults.passages(datagram).length).join("");
  };
  t.equal(fates("a"), fates("a"));
  t.not(fates("a"), fates("b"));
  const lost = fates("a").split("0").length - 1;
  t.ok(lost > 500 && lost < 700, `${lost} of 2000`);
});

t.test("faults of the line work together: what comes twice is late twice", async (t) => {
  const { faults } = bench();
  faults.begin(parseFault("duplicate=100%"));
  faults.begin(parseFault("delay=300ms"));
  t.same(
    faults.passages(datagram).map(({ afterMs }) => afterMs),
    [300, 305],
  );
  t.same(faults.texts, ["duplicate=100%", "delay=300ms"]);
  faults.begin(parseFault("delay=1s"));
  t.same(faults.texts, ["duplicate=100%", "delay=1s"], "begun anew, not twice");
  t.ok(faults.heal("duplicate"));
  t.notOk(faults.heal("duplicate"));
  t.same(
    faults.passages(datagram).map(({ afterMs }) => afterMs),
    [1000],
  );
});

t.test("corruption changes bits and never the length", async (t) => {
  const { faults } = bench();
  faults.begin(parseFault("corrupt=100%"));
  for (let round = 0; round < 100; round += 1) {
    const [passage] = faults.passages(datagram);
    t.equal(passage?.datagram.length, datagram.length);
    const flipped = datagram.reduce((bits, byte, index) => bits + ones(byte ^ (passage?.datagram[index] ?? 0)), 0);
    // Two flips may meet.
    t.ok(flipped <= 3, `${flipped} bits`);
  }
  t.same(datagram, Uint8Array.of(6, 0, 255, 7, 1, 2, 3, 4), "the original is left alone");
});

t.test("a restart of the BMC forgets its sessions, is silent, and is over by itself", async (t) => {
  const { faults, clock, log } = bench();
  faults.begin(parseFault("reboot-bmc=30s"));
  t.same(log, ["forgotten"]);
  t.same(faults.passages(datagram), []);
  await clock.advance(29_999);
  t.same(faults.texts, ["reboot-bmc=30s"]);
  await clock.advance(1);
  t.same(faults.texts, []);
  t.equal(faults.passages(datagram).length, 1);
});

t.test("SOL is stolen as often as was asked for, each time a console has got hold of it", async (t) => {
  const { faults, clock, log } = bench();
  faults.begin(parseFault("steal-sol-silently=2"));
  await clock.advance(1000);
  t.same(log, ["taken by somebody"]);
  faults.solActivated();
  await clock.advance(1000);
  t.same(log, ["taken by somebody", "taken by somebody"]);
  t.same(faults.texts, []);
  t.equal(clock.pendingTimers, 0);
});

t.test("a fault that is healed does nothing any more", async (t) => {
  const { faults, clock, log } = bench();
  faults.begin(parseFault("steal-sol"));
  faults.begin(parseFault("short-sol=1s"));
  t.ok(faults.heal());
  await clock.advance(60_000);
  t.same(log, []);
  t.equal(clock.pendingTimers, 0);
});

function ones(byte: number): number {
  return byte.toString(2).replaceAll("0", "").length;
}
