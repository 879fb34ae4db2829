/**
 * GRUB's environment block: a file of fixed size (1,024 bytes as grub-editenv makes it) that starts with a signature line, holds one
 * `name=value` line per variable and is filled up with `#`. The boot loader rewrites it in place and cannot make it longer.
 */
import { ExhaustedError } from "../../../proto/base/errors.js";

export const environmentBlockBytes = 1024;

const signature = "# GRUB Environment Block\n";

/** Variables of a block in their order; undefined when the signature is missing. A backslash takes the next character as it is. */
export function parseEnvironmentBlock(block: Uint8Array): Map<string, string> | undefined {
  const text = Buffer.from(block).toString("latin1");
  if (!text.startsWith(signature)) return undefined;
  const variables = new Map<string, string>();
  for (const line of text.slice(signature.length).match(/(?:\\[^]|[^\\\n])+/g) ?? []) {
    const equals = line.indexOf("=");
    if (line.startsWith("#") || equals < 1) continue;
    variables.set(line.slice(0, equals), line.slice(equals + 1).replace(/\\([^])/g, "$1"));
  }
  return variables;
}

/** A block of `sizeBytes` holding `variables`. Throws ExhaustedError when they do not fit. */
export function formatEnvironmentBlock(variables: ReadonlyMap<string, string>, sizeBytes = environmentBlockBytes): Uint8Array {
  const lines = [...variables].map(([name, value]) => `${name}=${value.replace(/[\\\n]/g, "\\$&")}\n`);
  const text = signature + lines.join("");
  if (text.length > sizeBytes) {
    throw new ExhaustedError(`environment block: ${text.length} bytes do not fit into ${sizeBytes}; unset a variable`);
  }
  return Buffer.from(text.padEnd(sizeBytes, "#"), "latin1");
}
