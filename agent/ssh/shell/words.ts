/** Words and scripts for a POSIX shell. Pure. */
import { posix } from "node:path";
import { InvalidArgumentError } from "../../../proto/base/errors.js";

/** `text` as one word that no shell changes: in single quotes, always. Throws InvalidArgumentError for a zero byte, which no word can hold. */
export function shellWord(text: string): string {
  if (text.includes("\0")) throw new InvalidArgumentError("a word for a shell cannot hold a zero byte");
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A command line that runs exactly this program with exactly these arguments. */
export function shellCommand(argv: readonly string[]): string {
  return argv.map(shellWord).join(" ");
}

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `export` lines. Throws InvalidArgumentError for a name that is no shell variable's. */
export function shellExports(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => {
      if (!variableName.test(name)) {
        throw new InvalidArgumentError(`environment variable ${JSON.stringify(name)}: over ssh a name is letters, digits and underscores`);
      }
      return `export ${name}=${shellWord(value)}\n`;
    })
    .join("");
}

/**
 * An absolute path of the machine as a word of a script that begins with `prelude`. Throws InvalidArgumentError for one that is not
 * absolute; ".." never leads above "/".
 */
export function pathWord(path: string): string {
  if (!path.startsWith("/")) throw new InvalidArgumentError(`path ${JSON.stringify(path)}: must be absolute`, { facts: { path } });
  return `"$R"${shellWord(posix.normalize(path))}`;
}

/**
 * Begins every script. Its own tools come from the system's directories whatever the login's PATH says; what is run for somebody gets
 * that PATH back (LABD_PATH). R is the directory that is "/" there: as for an agent, LABD_ROOT in the environment, else none.
 */
export const prelude = `LABD_PATH=$PATH; export LABD_PATH
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH; export PATH
R=\${LABD_ROOT-}
`;
