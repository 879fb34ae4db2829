/** The Redfish service of a simulated node, where its inventory entry says one: `power: { redfish: … }`. */
import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { readSecret } from "../../inventory/credentials.js";
import type { PowerSpec } from "../../inventory/model.js";
import type { Clock } from "../../proto/base/clock.js";
import { InvalidInventoryError } from "../../proto/base/errors.js";
import type { Logger } from "../../proto/base/logger.js";
import type { ChassisVerb } from "./bmc/chassis-commands.js";
import type { Machine } from "./machine/machine.js";
import { keptCertificate } from "./redfish/certificate.js";
import { type RedfishServer, serveRedfish } from "./redfish/redfish-server.js";
import { systemOne } from "./redfish/system-resource.js";

export interface NodeRedfishOptions {
  readonly machine: Machine;
  /** Of its certificate and of power.log, which has a line for every execution, whoever asked for it. */
  readonly directory: string;
  readonly labName: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Undefined when the node is not switched by Redfish. Throws UnreachableError, InvalidInventoryError. */
export async function startRedfish(spec: PowerSpec | undefined, options: NodeRedfishOptions): Promise<RedfishServer | undefined> {
  if (spec?.kind !== "redfish") return undefined;
  const { machine, directory, labName, clock, log } = options;
  const name = machine.options.node;
  if (spec.system !== "" && spec.system !== systemOne) {
    throw new InvalidInventoryError(`nodes.${name}.power.redfish.system: a simulated service has one system, ${systemOne}`);
  }
  const { protocol, hostname, port } = new URL(spec.url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const tls = protocol === "https:";
  const record = (verb: ChassisVerb) =>
    appendFileSync(join(directory, "power.log"), `${JSON.stringify({ time: new Date(clock.now()).toISOString(), verb })}\n`);
  const certificate = tls ? await keptCertificate(directory, host, clock) : undefined;
  const server = await serveRedfish(
    { address: host, port: port === "" ? (tls ? 443 : 80) : Number(port) },
    {
      name,
      user: spec.user,
      password: spec.password === undefined ? "" : readSecret(spec.password, `nodes.${name}.power.redfish.password`),
      uuid: uuidOf(`${labName}\0${name}`),
      certificate,
      chassis: {
        get on() {
          return machine.on;
        },
        get startedMs() {
          return machine.boot?.startedMs;
        },
        execute(verb) {
          record(verb);
          if (verb === "interrupt") machine.interrupt();
          else void machine.act(verb);
        },
      },
      clock,
    },
  );
  // A BMC beside it has settings of its own.
  const otherDevice = machine.bootDevice;
  machine.bootDevice = () => {
    const device = server.service.computer.takeBootDevice();
    return device === "none" ? otherDevice() : device;
  };
  log.info({ redfish: server.url, fingerprint: certificate?.fingerprint }, "Redfish service");
  return server;
}

/** The same for the same text (RFC 4122 form, of no version in particular). */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}
