/** SOL configuration parameters of a simulated BMC: kept as bytes, with what a new BMC comes with. */
import {
  getSolConfigurationParameters,
  setSolConfigurationParameters,
  solBitRates,
  solParameter,
  solParameterLayout,
} from "../../ipmi/command/index.js";
import { decode, encode, privilege } from "../../ipmi/wire/index.js";
import { answers, type CommandEntry, refuse } from "./command-table.js";
import { lanChannel } from "./device-commands.js";

const parameterRevision = 0x11;
const unknownParameter = 0x80;
const readOnlyParameter = 0x82;

const retryUnitMs = 10;
const accumulateUnitMs = 5;

export class SolParameters {
  readonly #values: Map<number, Uint8Array>;

  constructor(defaults: { port: number; baudRate: number }) {
    const [code = 0] = Object.entries(solBitRates).find(([, rate]) => rate === defaults.baudRate) ?? [];
    const rate = { rate: { code: Number(code) } };
    this.#values = new Map([
      [solParameter.setInProgress, encode(solParameterLayout.setInProgress, { state: { progress: 0 } })],
      [solParameter.enable, encode(solParameterLayout.enable, { flags: { enabled: true } })],
      [
        solParameter.authentication,
        encode(solParameterLayout.authentication, {
          flags: { forceEncryption: true, forceAuthentication: true, privilege: privilege.operator },
        }),
      ],
      [solParameter.accumulate, encode(solParameterLayout.accumulate, { interval: 2, threshold: 200 })],
      [solParameter.retry, encode(solParameterLayout.retry, { limits: { count: 7 }, interval: 50 })],
      [solParameter.nonVolatileBitRate, encode(solParameterLayout.nonVolatileBitRate, rate)],
      [solParameter.volatileBitRate, encode(solParameterLayout.volatileBitRate, rate)],
      [solParameter.payloadChannel, encode(solParameterLayout.payloadChannel, { channel: lanChannel })],
      [solParameter.payloadPort, encode(solParameterLayout.payloadPort, { port: defaults.port })],
    ]);
  }

  get enabled(): boolean {
    return decode(solParameterLayout.enable, this.#value(solParameter.enable), "SOL enable").flags.enabled;
  }

  get accumulateMs(): number {
    return decode(solParameterLayout.accumulate, this.#value(solParameter.accumulate), "SOL accumulate").interval * accumulateUnitMs;
  }

  get retry(): { retryCount: number; retryIntervalMs: number } {
    const { limits, interval } = decode(solParameterLayout.retry, this.#value(solParameter.retry), "SOL retry");
    return { retryCount: limits.count, retryIntervalMs: Math.max(1, interval) * retryUnitMs };
  }

  commands(): readonly CommandEntry[] {
    return [
      answers(getSolConfigurationParameters, "user", ({ channel, parameter }) => {
        const data = channel.revisionOnly ? new Uint8Array(0) : this.#values.get(parameter);
        return data === undefined ? refuse(unknownParameter) : { revision: parameterRevision, data };
      }),
      answers(setSolConfigurationParameters, "administrator", ({ parameter, data }) => {
        const current = this.#values.get(parameter);
        if (current === undefined) return refuse(unknownParameter);
        if (parameter === solParameter.payloadChannel || parameter === solParameter.payloadPort) return refuse(readOnlyParameter);
        const next = new Uint8Array(current.length);
        next.set(data.subarray(0, current.length));
        this.#values.set(parameter, next);
        return {};
      }),
    ];
  }

  #value(parameter: number): Uint8Array {
    return this.#values.get(parameter) ?? new Uint8Array(4);
  }
}
