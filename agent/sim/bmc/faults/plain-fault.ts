/** A fault that is there or not: it takes no value. */
import { InvalidArgumentError } from "../../../../proto/base/errors.js";
import type { FaultEffects, FaultGround, FaultKind } from "./fault.js";

export function plainFault(row: { name: string; does: string; effects: (ground: FaultGround) => FaultEffects }): FaultKind {
  const { name, does, effects } = row;
  return {
    name,
    does,
    value: undefined,
    with(text) {
      if (text !== undefined) throw new InvalidArgumentError(`BMC fault ${name}: takes no value; write ${name}`);
      return { name, text: name, begin: effects };
    },
  };
}
