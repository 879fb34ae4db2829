/** Our client and our simulated BMC with a network between them that belongs to the enemy. Everything in memory, on a clock of the test. */
import type { Remote, Route, RouteListener, Transport } from "../../../agent/ipmi/index.js";
import { cipherSuites } from "../../../agent/ipmi/crypto/index.js";
import { Bmc } from "../../../agent/sim/bmc/bmc.js";
import type { Peer } from "../../../agent/sim/bmc/session.js";
import { SerialPort } from "../../../agent/sim/machine/serial-port.js";
import type { Clock } from "../../../proto/base/clock.js";
import { silentLogger } from "../../../proto/base/logger.js";
import { Eavesdropper } from "./eavesdropper.js";

export const fuzzPassword = "secret";
export type Direction = "toBmc" | "toClient";

export class HostileNetwork implements Transport {
  readonly serial = new SerialPort();
  readonly eavesdropper = new Eavesdropper(fuzzPassword);
  /** Called with every genuine datagram right before it is delivered. */
  onGenuine: (direction: Direction, datagram: Uint8Array) => void = () => undefined;
  readonly #bmc: Bmc;
  readonly #routes = new Map<number, RouteListener>();
  readonly #peer = { address: "127.0.0.1" };
  #lastPort = 0;
  #powered = true;

  constructor(clock: Clock) {
    this.#bmc = new Bmc({
      user: "admin",
      password: fuzzPassword,
      suites: [cipherSuites[17], cipherSuites[3]],
      sessionSlots: 16,
      guid: new Uint8Array(16).fill(7),
      port: 623,
      baudRate: 115200,
      chassis: this.#chassis(),
      serial: this.serial,
      clock,
      log: silentLogger,
      send: (datagram, peer) => this.#passOn("toClient", datagram, peer),
    });
  }

  async open(_remote: Remote, listener: RouteListener): Promise<Route> {
    const port = (this.#lastPort += 1);
    this.#routes.set(port, listener);
    return {
      send: (datagram) => this.#passOn("toBmc", datagram, { ...this.#peer, port }),
      close: () => void this.#routes.delete(port),
    };
  }

  async close(): Promise<void> {
    this.#bmc.close();
  }

  /** Something that is not genuine. Throws what the receiver throws: that is a defect found. */
  inject(direction: Direction, datagram: Uint8Array): void {
    const peer = { ...this.#peer, port: this.#lastPort };
    if (direction === "toBmc") this.#bmc.receive(datagram, peer);
    else this.#routes.get(this.#lastPort)?.received(datagram);
  }

  #passOn(direction: Direction, datagram: Uint8Array, peer: Peer): void {
    this.eavesdropper.hears(direction, datagram);
    // As on a wire: nobody hears an answer within the call that asks.
    queueMicrotask(() => {
      this.onGenuine(direction, datagram);
      if (direction === "toBmc") this.#bmc.receive(datagram, peer);
      else this.#routes.get(peer.port)?.received(datagram);
    });
  }

  #chassis() {
    const isOn = () => this.#powered;
    const set = (on: boolean) => {
      this.#powered = on;
    };
    return {
      get on() {
        return isOn();
      },
      execute: (verb: string) => set(verb !== "off" && verb !== "soft"),
    };
  }
}
