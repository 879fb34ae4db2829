/** A simulated Redfish service on a TCP port, in a chassis that does at once what it is told and writes it down; and our driver before it. */
import type { Test } from "tap";
import { openRedfishPower } from "../../../agent/drivers/power/redfish/device.js";
import { RedfishServices, type ServiceTarget } from "../../../agent/drivers/power/redfish/service.js";
import type { Management } from "../../../agent/ports/management.js";
import type { PowerDevice } from "../../../agent/ports/power.js";
import { type SelfSigned, selfSigned } from "../../../agent/sim/redfish/certificate.js";
import type { RedfishFault } from "../../../agent/sim/redfish/faults.js";
import { type RedfishServer, serveRedfish } from "../../../agent/sim/redfish/redfish-server.js";
import { type Clock, sleep, systemClock } from "../../../proto/base/clock.js";
import { type Logger, silentLogger } from "../../../proto/base/logger.js";
import { FakeClock } from "../fake-clock.js";
import type { PowerDeviceRig } from "../host/power-device-contract.js";
import { benchPassword, benchUser } from "./bench-bmc.js";

export interface BenchRedfish {
  readonly server: RedfishServer;
  /** Every command the chassis executed, and interrupts. */
  readonly executed: string[];
  /** What a driver needs to come in. */
  readonly target: ServiceTarget & { readonly system: string };
  on: boolean;
  /** Commands reach the machine only when this is called; until then its state stays. */
  hold(): () => void;
}

export interface BenchRedfishOptions {
  /** Default: none, plain http. "self-signed" makes one for 127.0.0.1. */
  readonly certificate?: SelfSigned | "self-signed";
  readonly faults?: readonly RedfishFault[];
  readonly sessionSlots?: number;
  readonly sessionTimeoutMs?: number;
  readonly resets?: readonly string[];
  readonly slowMs?: number;
  /** Of the service. */
  readonly clock?: Clock;
}

/** Closed when the test ends. */
export async function benchRedfish(t: Test, options: BenchRedfishOptions = {}): Promise<BenchRedfish> {
  const clock = options.clock ?? systemClock;
  const executed: string[] = [];
  let held: (() => void)[] | undefined;
  const chassis = {
    on: false,
    startedMs: undefined as number | undefined,
    execute(verb: string) {
      executed.push(verb);
      if (verb === "interrupt") return;
      const take = () => {
        chassis.on = verb !== "off" && verb !== "soft";
        chassis.startedMs = chassis.on ? clock.now() + executed.length : undefined;
        if (chassis.on) server.service.computer.takeBootDevice();
      };
      if (held === undefined) take();
      else held.push(take);
    },
  };
  const { certificate: given, faults = [], sessionSlots, sessionTimeoutMs, resets, slowMs = 0 } = options;
  const certificate = given === "self-signed" ? await selfSigned("127.0.0.1", systemClock) : given;
  const credentials = { user: benchUser, password: benchPassword };
  const limits = { sessionSlots, sessionTimeoutMs, resets, slowMs };
  const service = { name: "m0", uuid: "00010203-0405-0607-0809-0a0b0c0d0e0f", certificate, chassis, clock, ...credentials, ...limits };
  const server = await serveRedfish({ address: "127.0.0.1", port: 0 }, service);
  t.teardown(() => server.close());
  for (const fault of faults) server.faults.inject(fault);
  return {
    server,
    executed,
    target: { url: server.url, username: benchUser, password: benchPassword, fingerprint: certificate?.fingerprint ?? "", system: "" },
    get on() {
      return chassis.on;
    },
    set on(value) {
      chassis.on = value;
    },
    hold() {
      const waiting: (() => void)[] = [];
      held = waiting;
      return () => {
        held = undefined;
        for (const take of waiting) take();
      };
    },
  };
}

/** Our driver before it, closed when the test ends. */
export function redfishDevice(
  t: Test,
  bench: BenchRedfish,
  { target = {}, clock = systemClock, log = silentLogger }: { target?: Partial<BenchRedfish["target"]>; clock?: Clock; log?: Logger } = {},
): PowerDevice & { readonly management: Management } {
  const services = new RedfishServices({ clock, log });
  const device = openRedfishPower({ services, target: { ...bench.target, ...target }, clock });
  t.teardown(() => device.close());
  const { management } = device;
  if (management === undefined) throw new Error("a Redfish service can more than power");
  return Object.assign(device, { management });
}

/** For the contract of power devices. Throws at the test's end when a session of the driver is left. */
export async function redfishRig(t: Test, options: BenchRedfishOptions = {}): Promise<PowerDeviceRig> {
  const bench = await benchRedfish(t, options);
  const { faults, service } = bench.server;
  t.teardown(() => {
    const left = service.sessions.list().length;
    if (left > 0) throw new Error(`${left} sessions are left`);
  });
  const clock = new FakeClock();
  return {
    device: redfishDevice(t, bench, { clock }),
    executions: () => bench.executed.length,
    loseReply: () => faults.inject("drops-reply", 1),
    readsBeforeReset: true,
    goSilent: () => faults.inject("silent"),
    answerAgain: () => faults.clear("silent"),
    // The service answers in real time; only its silence has to be waited for.
    second: () => (faults.has("silent") ? clock.advance(1000) : sleep(systemClock, 50)),
  };
}
