/** docker's command line: options before the first word that is none. */

const valued = [
  "--name",
  "--label",
  "--gpus",
  "--network",
  "--ipc",
  "-v",
  "-w",
  "-e",
  "-u",
  "--entrypoint",
  "--filter",
  "--format",
  "--pid",
  "-s",
];
const long: Readonly<Record<string, string>> = {
  "--workdir": "-w",
  "--volume": "-v",
  "--env": "-e",
  "--interactive": "-i",
  "--tty": "-t",
  "--detach": "-d",
  "--all": "-a",
  "--force": "-f",
  "--net": "--network",
};

export interface DockerOptions {
  readonly flags: ReadonlySet<string>;
  readonly values: Readonly<Record<string, readonly string[]>>;
  readonly rest: readonly string[];
}

export function parseDockerOptions(argv: readonly string[]): DockerOptions {
  const flags = new Set<string>();
  const values: Record<string, string[]> = {};
  let index = 0;
  for (; index < argv.length && (argv[index] ?? "").startsWith("-"); index += 1) {
    const [given, attached] = splitAtEquals(argv[index] ?? "");
    const name = long[given] ?? given;
    if (valued.includes(name)) (values[name] ??= []).push(attached ?? argv[(index += 1)] ?? "");
    // "-t" of restart and stop is a time; of run and exec a terminal. A number tells.
    else if (name === "-t" && /^\d+$/.test(argv[index + 1] ?? "")) index += 1;
    else if (/^-[a-z]{2,}$/.test(name)) for (const letter of name.slice(1)) flags.add(`-${letter}`);
    else flags.add(name);
  }
  return { flags, values, rest: argv.slice(index) };
}

function splitAtEquals(word: string): [name: string, value?: string] {
  const equals = word.indexOf("=");
  return word.startsWith("--") && equals > 0 ? [word.slice(0, equals), word.slice(equals + 1)] : [word];
}
