/** lab bmc: what is printed, and what is asked for. */
import t, { type Test } from "tap";
import { join } from "node:path";
import { bootText, isBad } from "../../../../controller/cli/bmc-lines.js";
import { lightSeconds } from "../../../../controller/cli/commands/bmc.js";
import type { Context } from "../../../../controller/cli/context.js";
import { labDirectory } from "../../../../controller/cli/lab-directory.js";
import { buildProgram } from "../../../../controller/cli/program.js";
import { plainStyle } from "../../../../controller/cli/terminal.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { recordTime } from "../../../../controller/cli/units.js";
import { startTestController } from "../../../support/agent/test-controller.js";

/** A lab with a fake site agent, and `lab` as one types it. */
async function bench(t: Test) {
  const directory = labDirectory({}, t.testdir({}));
  const lab = await startTestController(t, { state: join(directory.path, "controller") });
  const rack1 = await lab.agent("rack1");
  const person: { notices: ((note: string) => void) | undefined } = { notices: undefined };
  const lab_ = async (...words: string[]) => {
    const lines: string[] = [];
    const notes: string[] = [];
    const terminal = {
      print: (line: string) => void lines.push(line),
      write: () => undefined,
      note: (line: string) => {
        notes.push(line);
        person.notices?.(line);
      },
      interactive: person.notices !== undefined,
      columns: 100,
      rows: 40,
      style: plainStyle,
    };
    const signal = new AbortController().signal;
    const program = buildProgram(async (work, { json }) => {
      const context: Context = { terminal, clock: systemClock, env: {}, directory, json, signal };
      await work(context);
    }, "0");
    await program.parseAsync(words, { from: "user" });
    return { lines, notes };
  };
  return { rack1, person, type: lab_ };
}

t.test("whoever waits for a probe is told why, and only a person", async (t) => {
  const { rack1, person, type } = await bench(t);
  rack1.bmcs.probing = new Promise((resolve) => {
    person.notices = resolve;
  });
  t.match((await type("bmc", "probe", "p0")).notes, [
    /^probing p0: every question that is met with silence costs seconds, a minute at most in all$/,
  ]);
  t.same((await type("bmc", "probe", "p0")).notes, [], "a quick one says nothing");
});

t.test("a probe is one screen: who it is, what works, what is wrong, and the entry", async (t) => {
  const { type } = await bench(t);
  const { lines } = await type("bmc", "probe", "p0");
  t.same(lines, [
    "p0  bmc 10.0.1.10",
    "  is      manufacturer 674 (Dell), product 0x0100, firmware 2.41, IPMI 2.0",
    "  GUID    000102030405060708090a0b0c0d0e0f",
    "  suites  17 works",
    "          3 works",
    "          12 does not work: 0x11 no cipher suite match",
    "  users   2  root   administrator",
    "          3  guest  user           disabled",
    "  SOL     enabled, 19200, from operator on, encrypted only, port 623",
    "  quirks  solpayloadsize  Activate Payload tells packet sizes that make no sense: 16384",
    "  asked   2 ms for a status; 74 packets in all",
    "",
    "problems",
    "  ! its clock is not set, so its event log has no times; set it: ipmitool sel time set now",
    "  ! SOL runs at 19200 and the inventory says 115200; set it: ipmitool sol set volatile-bit-rate 115.2 1 (and non-volatile-bit-rate), or change the console's baud",
    "",
    "for the inventory, under nodes:",
    "  p0:",
    "    bmc:",
    "      address: 10.0.1.10",
    "      port: 623",
    "      user: admin",
    "      password: { env: LABD_TEST_BMC_PASSWORD }",
    "      privilege: operator",
    "      cipher_suites: [ 17, 3 ]",
    "      quirks: [ solpayloadsize ]",
    "      via: rack1",
  ]);
  const [json = ""] = (await type("--json", "bmc", "probe", "p0")).lines;
  t.match(JSON.parse(json), { node: "p0", firmware: "2.41", suites: [{ id: 17, works: true }], stanza: /cipher_suites/ });
});

t.test("the light of many nodes is switched at once, and identical answers are one line", async (t) => {
  const { rack1, type } = await bench(t);
  t.same((await type("bmc", "identify", "p0,m0", "--for", "30s")).lines, ["p0,m0  lit for 30 s"]);
  t.same((await type("bmc", "identify", "p0", "--off")).lines, ["p0  off"]);
  t.same((await type("bmc", "identify", "p0")).lines, ["p0  lit for 60 s"]);
  t.same(rack1.acts.sort(), ["identify m0 30", "identify p0 0", "identify p0 30", "identify p0 60"]);
  await t.rejects(type("bmc", "identify", "p0", "--forever"), { code: "unsupported" });
  await t.rejects(type("bmc", "identify", "p0", "--for", "5m"), { code: "invalid-argument" });
});

t.test("a time for the light is seconds or minutes a BMC can count", async (t) => {
  t.equal(lightSeconds("30s"), 30);
  t.equal(lightSeconds("2m"), 120);
  t.equal(lightSeconds("255"), 255);
  for (const wrong of ["0", "256", "5m", "-3", "soon", "1.5s", ""])
    t.throws(() => lightSeconds(wrong), { code: "invalid-argument" }, wrong);
});

t.test("the event log is a table; what is not shown and what was lost are notes", async (t) => {
  const { type } = await bench(t);
  const { lines, notes } = await type("bmc", "log", "p0");
  const time = recordTime(1_577_836_800_000);
  t.same(
    lines.slice(1).map((line) => line.replaceAll(/ {2,}/g, "  ")),
    [
      "1  clock not set  temperature CPU1 Temp  upper critical going high: 97 °C, threshold 95 °C",
      `2  ${time}  temperature CPU1 Temp  upper critical going high: 97 °C, threshold 95 °C`,
      `3  ${time}  temperature CPU1 Temp  gone: upper critical going high: 97 °C, threshold 95 °C`,
    ],
  );
  t.same(notes, ["entries were lost: the log is full"]);
  t.match((await type("bmc", "log", "p0", "-n", "1")).notes, [/^the newest 1 of 3 entries; more with -n 3$/]);
  const { lines: json, notes: none } = await type("bmc", "log", "p0", "--json");
  t.match(JSON.parse(json[0] ?? ""), { node: "p0", count: 3, overflow: true, entries: [{ id: 1 }, { id: 2 }, { id: 3 }] });
  t.same(none, []);
});

t.test("sensors are a table, or only what is wrong", async (t) => {
  const { rack1, type } = await bench(t);
  t.same((await type("bmc", "sensors", "p0")).lines, [
    "SENSOR     KIND          READING   STATUS",
    "CPU1 Temp  temperature   97 °C     upper critical",
    "12V        voltage       12.033 V  ok",
    "PS1        power supply  –         ok: presence detected",
    "PS2        power supply  –         not available",
  ]);
  t.same((await type("bmc", "sensors", "p0", "--bad")).lines.slice(1), ["CPU1 Temp  temperature  97 °C    upper critical"]);
  t.match(JSON.parse((await type("bmc", "sensors", "p0", "--bad", "--json")).lines[0] ?? ""), {
    sensors: [{ name: "CPU1 Temp", value: 97 }],
  });
  rack1.bmcs.sensors.shift();
  t.same((await type("bmc", "sensors", "p0", "--bad")).lines, ["nothing wrong with 3 sensors (1 not available)"]);
  rack1.bmcs.sensors.length = 0;
  t.same((await type("bmc", "sensors", "p0")).lines, ["it tells of no sensors"]);
});

t.test("what counts as wrong", async (t) => {
  const of = (status: string) => isBad({ name: "", kind: "", unit: "", value: undefined, status });
  t.same(["ok", "ok: standby", "not available"].map(of), [false, false, false]);
  t.same(["upper critical", "failure detected", "okay?"].map(of), [true, true, true]);
});

t.test("an interrupt is asked for once, or sent with --yes, and sent once", async (t) => {
  const { rack1, type } = await bench(t);
  await t.rejects(type("bmc", "nmi", "p0"), { code: "invalid-argument", message: /panic, dump or restart; say --yes/ });
  t.same(rack1.acts, []);
  t.match((await type("bmc", "nmi", "p0", "--yes")).lines, [/^sent to p0, once; its console shows what comes of it: lab tail p0 -f$/]);
  t.same(rack1.acts, ["interrupt p0"]);
});

t.test("what is booted from is shown, or set and read back", async (t) => {
  const { rack1, type } = await bench(t);
  t.same((await type("bmc", "boot", "p0,m0")).lines, ["p0,m0  nothing: boots as its firmware is set"]);
  const set = await type("bmc", "boot", "p0", "pxe", "--efi");
  t.same(set, { lines: ["p0  pxe, next boot only, UEFI"], notes: ["some BMCs forget this after 60 s: reset or cycle the machine soon"] });
  t.same((await type("bmc", "boot", "p0", "none")).notes, []);
  rack1.bmcs.forgetful.add("m0");
  await t.rejects(type("bmc", "boot", "m0", "disk", "--persistent"), {
    code: "failed",
    message: /disk was set, and the BMC reads back nothing/,
  });
  await t.rejects(type("bmc", "boot", "p0", "--efi"), { code: "invalid-argument" });
  t.equal(bootText({ device: "disk", persistent: true, efi: false }), "disk, every boot");
});
