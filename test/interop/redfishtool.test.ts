/** The simulated Redfish service against a client that is not ours: DMTF's redfishtool, over TLS, with sessions and with HTTP Basic. */
import t from "tap";
import { benchPassword, benchUser } from "../support/sim/bench-bmc.js";
import { type BenchRedfish, benchRedfish, redfishDevice } from "../support/sim/bench-redfish.js";
import { missingProgram, runProgram } from "../support/sim/peer-program.js";

const skip = missingProgram("redfishtool", "redfishtool");

/** Runs redfishtool, its standard output read as JSON where it is that. */
function toolFor(bench: BenchRedfish, auth: "Session" | "Basic") {
  const { host, protocol } = new URL(bench.server.url);
  const secure = protocol === "https:" ? "Always" : "Never";
  const common = ["-r", host, "-n", "-S", secure, "-A", auth, "-u", benchUser, "-p", benchPassword];
  return async (...words: string[]) => {
    const { exitCode, output } = await runProgram("redfishtool", [...common, ...words], "");
    return { exitCode, output, json: parsed(output) };
  };
}

function parsed(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    return undefined;
  }
}

for (const auth of ["Session", "Basic"] as const) {
  t.test(`redfishtool reads and switches the machine with ${auth}`, { skip }, async (t) => {
    const bench = await benchRedfish(t, { certificate: "self-signed" });
    const tool = toolFor(bench, auth);
    const system = { Id: "1", "@odata.id": "/redfish/v1/Systems/1" };
    await Promise.all([
      tool("Systems", "list").then((list) => t.match(list, { exitCode: 0, json: { Members: [system] } })),
      tool("Systems", "get").then((get) => t.match(get, { exitCode: 0, json: { ...system, PowerState: "Off" } })),
    ]);
    for (const type of ["On", "ForceRestart", "GracefulShutdown", "On", "ForceOff"]) {
      t.match(await tool("Systems", "reset", type), { exitCode: 0 }, type);
    }
    t.same(bench.executed, ["on", "reset", "soft", "on", "off"], "each executed once");
    t.match(await tool("Systems", "reset", "ForceRestart"), { exitCode: 5, output: /409/ }, "a machine that is off");
    t.same(bench.server.service.sessions.list(), [], "and every session was closed again");
    t.equal(bench.server.service.sessions.opened > 0, auth === "Session");
  });

  t.test(`redfishtool finds chassis, sensors, managers and logs, and sets boot override and light with ${auth}`, { skip }, async (t) => {
    const bench = await benchRedfish(t, { certificate: "self-signed" });
    const tool = toolFor(bench, auth);
    t.match(await tool("Systems", "setBootOverride", "Once", "Pxe"), {
      exitCode: 0,
      json: { Boot: { BootSourceOverrideEnabled: "Once", BootSourceOverrideTarget: "Pxe" } },
    });
    t.match(await tool("Systems", "setBootOverride", "Disabled"), {
      exitCode: 0,
      json: { Boot: { BootSourceOverrideEnabled: "Disabled" } },
    });
    t.match(await tool("Systems", "setIndicatorLed", "Lit"), { exitCode: 0, json: { IndicatorLED: "Lit" } });
    t.equal(bench.server.service.computer.light, "Lit");
    await tool("Systems", "reset", "On");
    const reads: readonly (readonly [readonly string[], object])[] = [
      [["Chassis", "list"], { Members: [{ Id: "1" }] }],
      [["Chassis", "Thermal"], { Temperatures: [{ Name: "Inlet", ReadingCelsius: 22 }] }],
      [["Chassis", "Power"], { PowerControl: [{ PowerConsumedWatts: 210 }] }],
      [["Managers", "get"], { FirmwareVersion: "1.0", ManagerType: "BMC" }],
      [["-E", "Systems", "Logs", "-i", "SEL"], { Members: [{ Message: "Reset: On" }] }],
    ];
    await Promise.all(reads.map(async ([words, json]) => t.match(await tool(...words), { exitCode: 0, json }, words.join(" "))));
  });
}

t.test("redfishtool logs in, uses the token, and logs out", { skip }, async (t) => {
  const bench = await benchRedfish(t, { certificate: "self-signed" });
  const { sessions } = bench.server.service;
  const tool = toolFor(bench, "Session");
  const login = await tool("SessionService", "login");
  t.match(login, { exitCode: 0, json: { SessionId: "1", SessionLocation: "/redfish/v1/SessionService/Sessions/1" } });
  const token = (login.json as Record<string, string>)["X-Auth-Token"] ?? "";
  t.match(await tool("-t", token, "Systems", "reset", "On"), { exitCode: 0 });
  t.match(await tool("-t", token, "Systems", "reset", "Nmi"), { exitCode: 0 });
  t.match(await tool("-t", token, "SessionService", "Sessions"), { exitCode: 0, json: { "Members@odata.count": 1 } });
  t.equal(sessions.opened, 1);
  t.match(await tool("-t", token, "SessionService", "logout", "-i", "1"), { exitCode: 0 });
  t.same(sessions.list(), []);
  t.match(await tool("-t", token, "Systems", "get"), { exitCode: 5, output: /401/ });
  t.same(bench.executed, ["on", "interrupt"]);
});

t.test("redfishtool reads what anybody may, and is refused with a wrong password and beyond the last session", { skip }, async (t) => {
  const bench = await benchRedfish(t, { certificate: "self-signed", sessionSlots: 1 });
  const tool = toolFor(bench, "Session");
  await Promise.all([
    tool("versions").then((versions) => t.match(versions, { exitCode: 0, json: { v1: "/redfish/v1/" } })),
    tool("root").then((root) => t.match(root, { exitCode: 0, json: { RedfishVersion: "1.11.0" } })),
    tool("odata").then((odata) => t.match(odata, { exitCode: 0, json: { value: [{ name: "Systems" }] } })),
    tool("metadata").then((metadata) => t.match(metadata, { exitCode: 0, output: /<edmx:Edmx/ })),
    tool("-p", "wrong", "Systems", "get").then((refused) => t.match(refused, { exitCode: 5, output: /401/ })),
    tool("-p", "wrong", "-A", "Basic", "Systems", "get").then((refused) => t.match(refused, { exitCode: 5, output: /401/ })),
  ]);
  await tool("SessionService", "login");
  t.match(await tool("Systems", "get"), { exitCode: 5, output: /Session Login Failed/ });
});

t.test("redfishtool and our driver see the same resets where ActionInfo tells them, and tasks are taken as done", { skip }, async (t) => {
  const bench = await benchRedfish(t, { faults: ["action-info"], resets: ["On", "ForceOff"] });
  const tool = toolFor(bench, "Basic");
  const device = redfishDevice(t, bench);
  t.match(await tool("Systems", "reset", "ForceRestart"), {
    exitCode: 8,
    output: /not supported by the remote service \(via @Redfish.ActionInfo\)/,
  });
  await device.send("on");
  await t.rejects(device.send("reset"), { code: "unsupported", message: /it offers On ForceOff/ });
  bench.server.faults.inject("answers-with-task");
  t.match(await tool("-N", "Systems", "reset", "ForceOff"), { exitCode: 0 });
  t.match(await device.read(), { state: "off" });
  t.same(bench.executed, ["on", "off"]);
});
