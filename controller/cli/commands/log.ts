/** lab log verify: what a serial log proves, without a lab. */
import { readFileSync } from "node:fs";
import { FailedError, InvalidArgumentError, NotFoundError } from "../../../proto/base/errors.js";
import { verifyLog } from "../../offline.js";
import { type Context, show } from "../context.js";
import { grouped } from "../units.js";

export interface VerifyOptions {
  readonly recipe: string;
  readonly role: string;
  readonly with: readonly string[];
  readonly nonce?: string | undefined;
}

/** Throws FailedError when the log does not prove the role. */
export function verifySerialLog(context: Context, file: string, options: VerifyOptions): void {
  const choices = Object.fromEntries(
    options.with.map((each) => {
      const [key = "", value] = each.split("=", 2);
      if (value === undefined) throw new InvalidArgumentError(`--with ${each}: write KEY=VALUE, for instance fit=ethernet`);
      return [key, value];
    }),
  );
  const verdict = verifyLog({ recipe: options.recipe, role: options.role, with: choices, nonce: options.nonce, bytes: readLog(file) });
  show(context, { file, ...verdict }, () => [
    ...verdict.claims.map((each) => `✓ ${each.claim}  line ${each.lineNumber} @${grouped(each.offset)}  ${each.line}`),
    ...(verdict.failure === undefined
      ? []
      : [`✗ ${verdict.failure.reason}  line ${verdict.failure.lineNumber} @${grouped(verdict.failure.offset)}  ${verdict.failure.line}`]),
    ...verdict.missing.map((each) => `– missing: ${each}`),
    ...(verdict.proven || verdict.lastLine === undefined ? [] : [`  last line seen: ${verdict.lastLine.line}`]),
  ]);
  if (!verdict.proven) throw new FailedError(`${file}: not proven that a ${options.recipe} ${options.role} runs`);
  if (!context.json) context.terminal.print(`${file}: proven that a ${options.recipe} ${options.role} runs`);
}

function readLog(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new NotFoundError(`cannot read the log ${file}`, { cause });
  }
}
