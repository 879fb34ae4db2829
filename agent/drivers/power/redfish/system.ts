/** One ComputerSystem of a service: which it is, its state, its resets. */
import { FailedError, InvalidArgumentError, LabError, UnreachableError, UnsupportedError } from "../../../../proto/base/errors.js";
import type { PowerReading } from "../../../ports/power.js";
import { askedBefore } from "../answer.js";
import { type Json, linkIn, membersOf, objectIn, objectsIn, pathOf, textIn, textsIn } from "./json.js";
import { isDone, powerStateOf, resetTypeFor, type ResetVerb } from "./reset.js";
import type { RedfishService, Resource } from "./service.js";

interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

export class ComputerSystem {
  readonly service: RedfishService;
  #path: string;

  /** `path`: "/redfish/v1/Systems/1"; "" = the only one there is. */
  constructor(service: RedfishService, path: string) {
    this.service = service;
    this.#path = path;
  }

  /** Throws InvalidArgumentError when it is not said which of several it is. */
  async resource(options?: Waiting): Promise<Resource> {
    if (this.#path === "") this.#path = await this.#only(options);
    return this.service.get(this.#path, options);
  }

  /** Throws UnreachableError while the service does not know the state, FailedError for one there is no name for. */
  async read(options?: Waiting): Promise<PowerReading> {
    const { json } = await this.resource(options);
    const told = textIn(json, "PowerState");
    const state = powerStateOf(told);
    const { label } = this.service;
    // Null while the service itself starts.
    if (told === "") throw new UnreachableError(`${label}: it does not know the power state just now; ask again`);
    if (state === undefined) throw new FailedError(`${label}: its power state is ${JSON.stringify(told)}, which is neither on nor off`);
    const start = textIn(json, "LastResetTime");
    return {
      state,
      fault: textIn(objectIn(json, "Status"), "Health") === "Critical",
      lastEvent: textIn(json, "LastResetCause"),
      ...(start === "" ? {} : { start }),
    };
  }

  /**
   * Sends the reset that is the verb, **once**. UnsupportedError when the service has none, and for what makes no sense on a machine that
   * is off; nothing was sent then. A refusal of what is so already is no failure.
   */
  async reset(verb: ResetVerb, options?: Waiting): Promise<void> {
    const { label } = this.service;
    // Read first: the state, and a connection and a session that are known to be good just now.
    const { json } = await askedBefore(this.resource(options));
    const isOff = powerStateOf(textIn(json, "PowerState")) === "off";
    if (isOff && (verb === "reset" || verb === "interrupt")) {
      throw new UnsupportedError(`${label}: ${verb} needs a machine that is on; use on`);
    }
    const { target, allowable } = await askedBefore(this.resets(json, options));
    const type = resetTypeFor(verb, allowable);
    if (target === undefined || type === undefined) {
      const offered = allowable?.join(" ") || "none";
      throw new UnsupportedError(`${label}: ${this.#path} has no reset that is "${verb}"; it offers ${offered}: switch it another way`);
    }
    try {
      await this.service.post(target, { ResetType: type }, `reset ${type}`, options);
    } catch (error) {
      if (!isRefusal(error) || !(await this.#isDone(verb, options))) throw error;
    }
  }

  /** Where resets are sent, and which there are; `allowable` undefined when the service does not say. */
  async resets(system: Json, options?: Waiting): Promise<{ target: string | undefined; allowable: readonly string[] | undefined }> {
    const action = objectIn(objectIn(system, "Actions"), "#ComputerSystem.Reset");
    const inline = textsIn(action, "ResetType@Redfish.AllowableValues");
    const info = pathOf(textIn(action, "@Redfish.ActionInfo"));
    const allowable = inline ?? (info === undefined ? undefined : await this.#actionInfo(info, options));
    return { target: pathOf(textIn(action, "target")), allowable };
  }

  async #isDone(verb: ResetVerb, options?: Waiting): Promise<boolean> {
    return isDone(verb, textIn((await this.resource(options)).json, "PowerState"));
  }

  async #actionInfo(path: string, options?: Waiting): Promise<readonly string[] | undefined> {
    const { json } = await this.service.get(path, options);
    return textsIn(
      objectsIn(json, "Parameters").find((each) => textIn(each, "Name") === "ResetType"),
      "AllowableValues",
    );
  }

  async #only(options?: Waiting): Promise<string> {
    const { label } = this.service;
    const root = await this.service.get("/redfish/v1/", options);
    const systems = linkIn(root.json, "Systems");
    if (systems === undefined) throw new UnsupportedError(`${label}: the service has no systems; is it the right one?`);
    const members = membersOf((await this.service.get(systems, options)).json);
    const [only, ...others] = members;
    if (only === undefined) throw new UnsupportedError(`${label}: the service has no system; is it the right one?`);
    if (others.length === 0) return only;
    throw new InvalidArgumentError(
      `${label}: has ${members.length} systems; say which in power: redfish: system in the inventory: ${members.join(" ")}`,
    );
  }
}

/** It said no to what was asked; anything else leaves open what it did. */
function isRefusal(error: unknown): boolean {
  return error instanceof LabError && (error.facts["status"] === 400 || error.facts["status"] === 409);
}
