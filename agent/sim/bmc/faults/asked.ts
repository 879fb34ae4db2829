/** Which command a request is. */
import * as commands from "../../../ipmi/command/index.js";
import type { Command } from "../../../ipmi/command/index.js";
import type { RequestMessage } from "../../../ipmi/wire/index.js";

type AnyCommand = Pick<Command<never, unknown>, "name" | "netFn" | "cmd" | "repeatable">;

export function isRequestOf({ netFn, cmd }: Pick<AnyCommand, "netFn" | "cmd">, request: RequestMessage): boolean {
  return request.netFn === netFn && request.command === cmd;
}

/** Every command of the tables by the name one can type: "chassis-control". */
export const commandsByName: ReadonlyMap<string, AnyCommand> = new Map(
  Object.values(commands)
    .filter((each): each is Extract<typeof each, AnyCommand> => typeof each === "object" && "cmd" in each)
    .map((each) => [each.name.toLowerCase().replaceAll(" ", "-"), each]),
);
