/** What the machine is to boot from: System Boot Options by number, and the firmware that reads them when it starts. */
import {
  bootDevice,
  type BootDevice,
  bootFlags,
  bootParameter,
  getSystemBootOptions,
  setSystemBootOptions,
} from "../../ipmi/command/index.js";
import { decode } from "../../ipmi/wire/index.js";
import { answers, type CommandEntry, refuse } from "./command-table.js";

const version = 1;
const unknownParameter = 0x80;

export class BootOptions {
  readonly #parameters = new Map<number, Uint8Array>([
    [bootParameter.setInProgress, new Uint8Array(1)],
    [bootParameter.validClearing, new Uint8Array(1)],
    [bootParameter.infoAcknowledge, new Uint8Array(2)],
    [bootParameter.flags, new Uint8Array(5)],
  ]);

  /** The firmware starts and reads what to boot from. Flags that are not persistent have had their one time. */
  take(): BootDevice {
    const { flags, device } = decode(bootFlags, this.#value(bootParameter.flags), "boot flags");
    if (!flags.persistent) this.#set(bootParameter.flags, new Uint8Array(0));
    if (!flags.valid) return "none";
    const names = Object.keys(bootDevice) as BootDevice[];
    return names.find((name) => bootDevice[name] === device.code) ?? "none";
  }

  commands(): readonly CommandEntry[] {
    return [
      answers(setSystemBootOptions, "operator", ({ selector, data }) => {
        if (!this.#parameters.has(selector.parameter)) return refuse(unknownParameter);
        this.#set(selector.parameter, data);
        return {};
      }),
      answers(getSystemBootOptions, "operator", ({ parameter }) => {
        const number = parameter & 0x7f;
        if (!this.#parameters.has(number)) return refuse(unknownParameter);
        return { version, selector: { invalid: false, parameter: number }, data: this.#value(number) };
      }),
    ];
  }

  #value(parameter: number): Uint8Array {
    return this.#parameters.get(parameter) ?? new Uint8Array(0);
  }

  #set(parameter: number, data: Uint8Array): void {
    const next = new Uint8Array(this.#value(parameter).length);
    next.set(data.subarray(0, next.length));
    this.#parameters.set(parameter, next);
  }
}
