/** What a benchmark is told on its command line. */
import { join } from "node:path";
import { parseArgs } from "node:util";

export interface BenchOptions {
  readonly sizes: readonly number[];
  readonly runs: number;
  readonly out: string;
  /** Where V8's CPU profiles of our processes go; undefined = they are not profiled. */
  readonly profile: string | undefined;
  /** Names beginning with one of these; undefined = all. */
  readonly tools: readonly string[] | undefined;
  readonly scripts: readonly string[] | undefined;
}

/** dist/test/bench → docs/benchmarks. */
const publishedResults = join(import.meta.dirname, "../../../docs/benchmarks");

export const usage = `  --n 16,64,256     BMCs
  --runs 3          of which the median is told
  --out DIR         where the results go (docs/benchmarks)
  --tools A,B       only those whose names begin so
  --scripts A,B     power scripts: quick, slow, shell (power only)
  --profile DIR     write V8 CPU profiles of our processes
`;

/** Throws with what is wrong. */
export function parseBenchOptions(argv: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      n: { type: "string", default: "16,64,256" },
      runs: { type: "string", default: "3" },
      out: { type: "string", default: publishedResults },
      tools: { type: "string" },
      scripts: { type: "string" },
      profile: { type: "string" },
    },
  });
  const sizes = values.n.split(",").map((text) => wholeNumber("--n", text));
  return {
    sizes: [...new Set(sizes)].sort((a, b) => a - b),
    runs: wholeNumber("--runs", values.runs),
    out: values.out,
    profile: values.profile,
    tools: values.tools?.split(","),
    scripts: values.scripts?.split(","),
  };
}

function wholeNumber(option: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new Error(`${option} ${text}: must be numbers from 1 to 9999`);
  return Number(text);
}
