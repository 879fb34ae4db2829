/** Reads a secret where its reference says, at the moment it is needed. The secret goes to its user and nowhere else. */
import { readFileSync, statSync } from "node:fs";
import { InvalidInventoryError } from "../proto/base/errors.js";
import type { SecretReference } from "./model.js";

/** The secret without a final line end. Throws InvalidInventoryError that names the reference, never the contents. */
export function readSecret(reference: SecretReference, subject: string, env: NodeJS.ProcessEnv = process.env): string {
  if ("env" in reference) {
    const value = env[reference.env];
    if (value === undefined || value === "") {
      throw new InvalidInventoryError(
        `${subject}: the environment variable ${reference.env} is not set; export it before starting the controller`,
      );
    }
    return value;
  }
  let mode: number;
  let text: string;
  try {
    mode = statSync(reference.file).mode;
    text = readFileSync(reference.file, "utf8");
  } catch (cause) {
    throw new InvalidInventoryError(`${subject}: cannot read the secret's file ${reference.file}`, { cause });
  }
  if ((mode & 0o077) !== 0) {
    throw new InvalidInventoryError(`${subject}: ${reference.file} can be read by others; run: chmod 600 ${reference.file}`);
  }
  return text.replace(/\r?\n$/, "");
}
