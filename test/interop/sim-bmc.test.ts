/** The simulated BMC against clients that are not ours: ipmitool and FreeIPMI. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import t, { type Test } from "tap";
import { benchBmc, benchPassword, benchUser, type BenchBmc } from "../support/sim/bench-bmc.js";
import { missingProgram, runOnTerminal, runProgram } from "../support/sim/peer-program.js";

const ipmitoolMissing = missingProgram("ipmitool", "ipmitool");
const freeIpmiMissing = missingProgram("ipmipower", "freeipmi-tools");
const suites = ["3", "17"] as const;

async function bench(t: Test, options: Parameters<typeof benchBmc>[0] = {}): Promise<BenchBmc> {
  const bmc = await benchBmc(options);
  t.teardown(() => bmc.server.close());
  return bmc;
}

function ipmitoolArguments(bmc: BenchBmc, suite: string | undefined, user = benchUser): string[] {
  const suiteOption = suite === undefined ? [] : ["-C", suite];
  return ["-I", "lanplus", ...suiteOption, "-H", bmc.server.address, "-p", String(bmc.server.port), "-U", user, "-E"];
}

function freeIpmiArguments(bmc: BenchBmc, suite: string, password = benchPassword): string[] {
  return ["-D", "LAN_2_0", "-I", suite, "-h", `${bmc.server.address}:${bmc.server.port}`, "-u", benchUser, "-p", password];
}

for (const suite of suites) {
  t.test(`ipmitool switches power with cipher suite ${suite}`, { skip: ipmitoolMissing }, async (t) => {
    const bmc = await bench(t);
    const power = (verb: string) => runProgram("ipmitool", [...ipmitoolArguments(bmc, suite), "chassis", "power", verb], benchPassword);
    t.match(await power("status"), { exitCode: 0, output: "Chassis Power is off" });
    t.match(await power("cycle"), { exitCode: 1, output: "Command not supported in present state" });
    t.match(await power("on"), { exitCode: 0, output: "Up/On" });
    t.match(await power("status"), { exitCode: 0, output: "Chassis Power is on" });
    t.match(await power("cycle"), { exitCode: 0, output: "Cycle" });
    t.match(await power("reset"), { exitCode: 0, output: "Reset" });
    t.match(await power("soft"), { exitCode: 0, output: "Soft" });
    t.match(await power("off"), { exitCode: 0, output: "Down/Off" });
    t.same(bmc.executed, ["on", "cycle", "reset", "soft", "off"], "each executed once, the refused one not at all");
  });

  t.test(`ipmitool's console works both ways with cipher suite ${suite}`, { skip: ipmitoolMissing }, async (t) => {
    const bmc = await bench(t);
    await proveConsole(t, bmc, `ipmitool ${ipmitoolArguments(bmc, suite).join(" ")} sol activate`, /\[SOL Session operational/, "\r~.");
  });

  t.test(`ipmipower switches power with cipher suite ${suite}`, { skip: freeIpmiMissing }, async (t) => {
    const bmc = await bench(t);
    const power = (verb: string) => runProgram("ipmipower", [...freeIpmiArguments(bmc, suite), verb], "");
    t.match(await power("--stat"), { exitCode: 0, output: ": off" });
    t.match(await power("--on"), { exitCode: 0, output: ": ok" });
    t.match(await power("--stat"), { exitCode: 0, output: ": on" });
    t.match(await power("--cycle"), { exitCode: 0, output: ": ok" });
    t.match(await power("--off"), { exitCode: 0, output: ": ok" });
    t.same(bmc.executed, ["on", "cycle", "off"]);
  });
}

t.test("ipmitool left to itself asks for the cipher suites and picks one", { skip: ipmitoolMissing }, async (t) => {
  const bmc = await bench(t);
  const result = await runProgram("ipmitool", [...ipmitoolArguments(bmc, undefined), "mc", "info"], benchPassword);
  t.match(result, { exitCode: 0, output: /IPMI Version +: 2\.0/ });
});

t.test("ipmitool reads and writes what a BMC keeps", { skip: ipmitoolMissing }, async (t) => {
  const bmc = await bench(t);
  const run = async (...words: string[]) =>
    (await runProgram("ipmitool", [...ipmitoolArguments(bmc, "17"), ...words], benchPassword)).output;
  t.match(await run("mc", "guid"), /000102030405060708090A0B0C0D0E0F/i);
  t.match(await run("sol", "info"), /Enabled +: true[^]*Volatile Bit Rate \(kbps\) +: 115\.2/);
  t.match(await run("sol", "set", "retry-count", "3", "1"), /^$/);
  t.match(await run("sol", "info"), /Retry Count +: 3/);
  t.match(await run("chassis", "bootdev", "pxe"), /Set Boot Device to pxe/);
  t.match(await run("chassis", "bootparam", "get", "5"), /Force PXE/);
  t.match(await run("session", "info", "active"), /active sessions +: 1[^]*IPMIv2\/RMCP\+/);
});

t.test("ipmitool reads the event log, the sensors and the users, and lights the machine", { skip: ipmitoolMissing }, async (t) => {
  const bmc = await bench(t);
  const run = async (...words: string[]) => {
    const { exitCode, output } = await runProgram("ipmitool", [...ipmitoolArguments(bmc, "17"), ...words], benchPassword);
    t.equal(exitCode, 0, words.join(" "));
    return output;
  };
  await run("chassis", "bootdev", "pxe");
  await run("chassis", "power", "on");
  t.match(await run("chassis", "bootparam", "get", "5"), /Boot Flag Invalid[^]*No override/, "its firmware has read the choice");
  await run("chassis", "power", "reset");
  t.match(await run("chassis", "power", "diag"), /Diag/);
  await run("chassis", "power", "off");
  t.match(
    await run("sel", "elist"),
    new RegExp(
      [
        "Power Unit Power Unit \\| Power off/down \\| Deasserted",
        "System Boot \\| Initiated by power up \\| Asserted",
        "System Boot \\| Initiated by hard reset \\| Asserted",
        "Critical Int \\| NMI/Diag Interrupt \\| Asserted",
        "Power Unit Power Unit \\| Power off/down \\| Asserted",
      ].join("[^]*"),
    ),
  );
  t.match(await run("sel", "info"), /Entries +: 5[^]*Overflow +: false/);
  await run("sel", "clear");
  t.match(await run("sel", "list"), /^ +6 \|.*Log area reset\/cleared \| Asserted\n$/, "numbers are not used again");
  t.match(
    await run("sdr", "elist", "all"),
    /CPU1 Temp +\| 01h \| ns +\|  3\.1 \| No Reading[^]*PS1 Status .* Presence detected[^]*Event-Only/,
  );
  bmc.on = true;
  t.match(
    await run("sdr", "list"),
    /CPU1 Temp +\| 46 degrees C +\| ok[^]*FAN1 +\| 5400 RPM[^]*12V +\| 12\.06 Volts[^]*3\.3V +\| 3\.31 Volts/,
  );
  t.match(await run("sensor"), /FAN1 +\| 5400\.000 +\| RPM +\| ok +\| na +\| 600\.000[^]*3\.3V .* 2\.976 .* 3\.616/);
  t.match(await run("user", "list", "1"), /^2 +admin +true +false +true +ADMINISTRATOR$/m);
  t.match(await run("channel", "getaccess", "1", "2"), /User Name +: admin[^]*Privilege Level +: ADMINISTRATOR/);
  t.match(await run("chassis", "identify", "force"), /indefinite/);
  t.same(bmc.executed, ["on", "reset", "interrupt", "off"], "each executed once");
});

t.test("FreeIPMI reads the event log and the sensors, and lights the machine", { skip: freeIpmiMissing }, async (t) => {
  const bmc = await bench(t);
  const run = async (program: string, ...words: string[]) => {
    const cache = ["--sdr-cache-directory", t.testdirName];
    const options = program === "ipmi-chassis" ? [] : cache;
    const { exitCode, output } = await runProgram(program, [...freeIpmiArguments(bmc, "17"), ...options, ...words], "");
    t.equal(exitCode, 0, program);
    return output;
  };
  t.testdir({});
  await run("ipmi-chassis", "--chassis-control=POWER-UP");
  t.match(
    await run("ipmi-sel"),
    /Power Unit +\| Power Unit +\| Power Off[^]*System Boot +\| System Boot Initiated +\| Initiated by power up/,
  );
  t.match(
    await run("ipmi-sensors"),
    /CPU1 Temp +\| Temperature +\| 46\.00 +\| C +\| 'OK'[^]*PS1 Status +\| Power Supply .*'Presence detected'/,
  );
  await run("ipmi-chassis", "--chassis-identify=FORCE");
  t.match(await run("ipmi-chassis", "--get-chassis-status"), /Chassis Identify state +: Indefinite/i);
  await run("ipmi-chassis", "--chassis-identify=TURN-OFF");
  t.match(await run("ipmi-chassis", "--get-chassis-status"), /Chassis Identify state +: off/i);
});

t.test("a wrong password and an unknown user are told apart by FreeIPMI, and let in by nobody", { skip: freeIpmiMissing }, async (t) => {
  const bmc = await bench(t);
  for (const suite of suites) {
    t.match(await runProgram("ipmipower", [...freeIpmiArguments(bmc, suite, "wrong"), "--stat"], ""), { output: "password invalid" });
  }
  const stranger = freeIpmiArguments(bmc, "17").map((each) => (each === benchUser ? "nobody" : each));
  t.match(await runProgram("ipmipower", [...stranger, "--stat"], ""), { output: "username invalid" });
});

t.test("a K_g that was set must be given", { skip: freeIpmiMissing }, async (t) => {
  const bmc = await bench(t, { kg: "0x0102" });
  t.match(await runProgram("ipmipower", [...freeIpmiArguments(bmc, "17"), "--stat"], ""), { output: "k_g invalid" });
  t.match(await runProgram("ipmipower", [...freeIpmiArguments(bmc, "17"), "-k", "0x0102", "--stat"], ""), { output: ": off" });
});

t.test("bmc-info and ipmi-chassis get their answers", { skip: freeIpmiMissing }, async (t) => {
  const bmc = await bench(t);
  t.match(await runProgram("bmc-info", freeIpmiArguments(bmc, "17"), ""), { exitCode: 0, output: /Chassis Device +: supported/ });
  const chassis = await runProgram("ipmi-chassis", [...freeIpmiArguments(bmc, "17"), "--get-chassis-status"], "");
  t.match(chassis, { exitCode: 0, output: /System Power +: off/ });
});

t.test("SOL in use is refused to a second ipmitool; once deactivated it is free", { skip: ipmitoolMissing }, async (t) => {
  const bmc = await bench(t);
  const sol = (verb: string) => `ipmitool ${ipmitoolArguments(bmc, "17").join(" ")} sol ${verb}`;
  const first = runOnTerminal(sol("activate"), benchPassword);
  t.teardown(() => first.kill());
  await first.printed(/\[SOL Session operational/);
  const second = runOnTerminal(sol("activate"), benchPassword);
  t.teardown(() => second.kill());
  await second.printed(/SOL payload already active on another session/);
  await runProgram("ipmitool", [...ipmitoolArguments(bmc, "17"), "sol", "deactivate"], benchPassword);
  await proveConsole(t, bmc, sol("activate"), /\[SOL Session operational/, "\r~.");
});

/** ipmiconsole 1.6 takes no port, whatever its manual says: only where we may bind 623 it can be asked. */
t.test(
  "ipmiconsole, without any workaround, works both ways and takes SOL away from others",
  { skip: freeIpmiMissing || (await portMissing()) },
  async (t) => {
    const bmc = await bench(t, { at: { address: "127.77.0.1", port: 623 } });
    const command = `ipmiconsole -I 17 -h 127.77.0.1 -u ${benchUser} -p '${benchPassword}'`;
    const victim = runOnTerminal(command, "");
    t.teardown(() => victim.kill());
    await victim.printed(/\[SOL established\]/);
    await proveConsole(t, bmc, command, /\[SOL established\]/, "&.");
    await victim.printed(/\[SOL (session )?(stolen|deactivated)|closing the connection\]/i);
  },
);

/** Two thousand lines out, a line in and its echo out, then the client's own way to leave. */
async function proveConsole(t: Test, bmc: BenchBmc, command: string, established: RegExp, leave: string): Promise<void> {
  const received: string[] = [];
  bmc.serial.onReceive((data) => {
    received.push(Buffer.from(data).toString());
    bmc.serial.transmit(data);
  });
  const client = runOnTerminal(command, benchPassword);
  t.teardown(() => client.kill());
  await client.printed(established);
  // Some clients say so before they have seen the reply that makes it true.
  await untilActive(bmc);
  const lines = Array.from({ length: 2000 }, (_, index) => `line ${index}\r\n`).join("");
  bmc.serial.transmit(Buffer.from(lines));
  await client.printed(/line 1999\r\n/);
  t.ok(client.output().includes(lines), "every line once and in order");
  client.type("hello\r");
  await client.printed(/line 1999\r\nhello/);
  t.match(received.join(""), /^hello\r/);
  client.type(leave);
  await client.ended();
}

/** Waits until SOL is plugged into the machine's serial port. */
async function untilActive(bmc: BenchBmc): Promise<void> {
  for (let waitedMs = 0; !bmc.serial.pluggedIn; waitedMs += 10) {
    if (waitedMs > 20_000) throw new Error("waited 20 s for SOL to be active");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function portMissing(): Promise<string | false> {
  const socket = createSocket("udp4");
  socket.bind(623, "127.77.0.1");
  try {
    await once(socket, "listening");
    return false;
  } catch {
    return "UDP port 623 may be bound by root only";
  } finally {
    socket.close();
  }
}
