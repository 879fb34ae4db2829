/**
 * NPB IS, the integer sort of the NAS Parallel Benchmarks: pseudo-random keys ranked ten times, a few ranks checked every time, the
 * order of all at the end. Every class here sorts the keys of class S, whose test values are published (NPB, IS, is.c); the class
 * decides how long an iteration takes and, as in the original, whether iterations are printed: class S prints none.
 *
 * All state is in memory, none in this object: loop and position on the stack, counters in data, ranks in bss, keys in the heap.
 */
import { emptyMemory, type Guest, type Memory, type Step, words } from "./guest.js";

const totalKeys = 2 ** 16;
const maxKey = 2 ** 11;
const iterations = 10;
const testIndices = [48427, 17148, 23627, 62548, 4431];
const testRanks = [0, 18, 346, 64917, 65463];
/** Sum over all ranks of all iterations, computed from an uninterrupted run: finds a memory that is not all of one moment. */
const expectedChecksum = -210_882_928;

/** Sizes the original prints, and real-machine milliseconds of an iteration. */
const classes: Readonly<Record<string, { readonly keys: number; readonly iterationMs: number }>> = {
  S: { keys: 2 ** 16, iterationMs: 200 },
  W: { keys: 2 ** 20, iterationMs: 400 },
  A: { keys: 2 ** 23, iterationMs: 1_000 },
  B: { keys: 2 ** 25, iterationMs: 3_000 },
  C: { keys: 2 ** 27, iterationMs: 6_000 },
};

/** Where the program stands within an iteration. */
const phases = ["begin", "modify", "count", "verify"] as const;
const stack = { phase: 0, iteration: 1, started: 2 } as const;
const data = { passed: 0, checksum: 1 } as const;

export class IntegerSort implements Guest {
  readonly memory: Memory;
  readonly hasMigrationPoints = true;
  readonly #problemClass: string;
  readonly #stack: Int32Array;
  readonly #data: Int32Array;
  readonly #ranks: Int32Array;
  readonly #keys: Int32Array;

  constructor(problemClass: string, memory: Memory = integerSortMemory()) {
    this.memory = memory;
    this.#problemClass = problemClass;
    this.#stack = words(memory.stack);
    this.#data = words(memory.data);
    this.#ranks = words(memory.bss);
    this.#keys = words(memory.heap);
  }

  step(): Step {
    if (this.#stack[stack.started] === 0) return this.#start();
    const iteration = this.#stack[stack.iteration] ?? 0;
    if (iteration > iterations) return this.#finish();
    const phase = phases[this.#stack[stack.phase] ?? 0] ?? "begin";
    const output = this.#phases[phase](iteration);
    this.#advance();
    return { output, machineMs: this.#iterationMs / phases.length };
  }

  readonly #phases: Readonly<Record<(typeof phases)[number], (iteration: number) => string>> = {
    begin: (iteration) => (this.#problemClass === "S" ? "" : `        ${iteration}\n`),
    modify: (iteration) => {
      this.#keys[iteration] = iteration;
      this.#keys[iteration + iterations] = maxKey - iteration;
      return "";
    },
    count: () => {
      this.#rank();
      return "";
    },
    verify: (iteration) => this.#verifyPart(iteration),
  };

  #start(): Step {
    createSequence(this.#keys);
    this.#stack.set([0, 1, 1]);
    const size = String(this.#size.keys);
    const banner = `\n\n NAS Parallel Benchmarks (NPB3.3-SER) - IS Benchmark\n\n Size:  ${size}  (class ${this.#problemClass})\n`;
    const heading = this.#problemClass === "S" ? "" : "\n   iteration\n";
    return { output: `${banner} Iterations:   ${iterations}\n${heading}`, machineMs: this.#iterationMs / 2 };
  }

  #advance(): void {
    const next = (this.#stack[stack.phase] ?? 0) + 1;
    this.#stack[stack.phase] = next % phases.length;
    if (next === phases.length) this.#stack[stack.iteration] = (this.#stack[stack.iteration] ?? 0) + 1;
  }

  /** Afterwards ranks[k] = how many keys are at most k. */
  #rank(): void {
    this.#ranks.fill(0);
    for (const key of this.#keys) this.#ranks[key] = (this.#ranks[key] ?? 0) + 1;
    for (let key = 1; key < maxKey; key += 1) this.#ranks[key] = (this.#ranks[key] ?? 0) + (this.#ranks[key - 1] ?? 0);
  }

  #verifyPart(iteration: number): string {
    let failures = "";
    for (const [index, testIndex] of testIndices.entries()) {
      const key = this.#keys[testIndex] ?? 0;
      const rank = key > 0 && key < totalKeys ? (this.#ranks[key - 1] ?? -1) : -1;
      const expected = (testRanks[index] ?? 0) + (index <= 2 ? iteration : -iteration);
      if (rank === expected) this.#data[data.passed] = (this.#data[data.passed] ?? 0) + 1;
      else failures += `Failed partial verification: iteration ${iteration}, test key ${index}\n`;
    }
    this.#data[data.checksum] = digest(digest(this.#data[data.checksum] ?? 0, this.#ranks), this.#keys);
    return failures;
  }

  /** Puts every key to its rank, and looks whether they are in order. */
  #isSorted(): boolean {
    const places = Int32Array.from(this.#ranks);
    const sorted = new Int32Array(totalKeys);
    for (const key of this.#keys) sorted[(places[key] = (places[key] ?? 0) - 1)] = key;
    return sorted.every((key, index) => index === 0 || (sorted[index - 1] ?? 0) <= key);
  }

  #finish(): Step {
    const passed = (this.#data[data.passed] ?? 0) + (this.#isSorted() ? 1 : 0);
    const isRight = passed === 5 * iterations + 1 && this.#data[data.checksum] === expectedChecksum;
    const seconds = (this.#iterationMs * iterations) / 1000;
    const output = results({ problemClass: this.#problemClass, keys: this.#size.keys, seconds, isRight });
    return { output, machineMs: 0, exitCode: 0 };
  }

  get #size() {
    return classes[this.#problemClass] ?? { keys: totalKeys, iterationMs: 1_000 };
  }

  get #iterationMs(): number {
    return this.#size.iterationMs;
  }
}

export function integerSortMemory(): Memory {
  return emptyMemory({ stack: 4096, tls: 512, data: 4096, bss: maxKey * 4, heap: totalKeys * 4 });
}

/** NPB's generator: x = a·x mod 2^46, the quotient x/2^46 in halves of 23 bits, as randlc() of is.c does. */
function createSequence(keys: Int32Array): void {
  const multiplier = 1_220_703_125;
  const half = 2 ** 23;
  const [upper, lower] = [Math.floor(multiplier / half), multiplier % half];
  let x = 314_159_265;
  const random = () => {
    const [high, low] = [Math.floor(x / half), x % half];
    const middle = (upper * low + lower * high) % half;
    x = (middle * half + lower * low) % 2 ** 46;
    return x / 2 ** 46;
  };
  for (let index = 0; index < keys.length; index += 1) {
    keys[index] = Math.floor((maxKey / 4) * (random() + random() + random() + random()));
  }
}

/** FNV-1a over 32-bit words, from an earlier state. */
function digest(before: number, values: Int32Array): number {
  let state = before ^ 0x811c9dc5;
  for (const value of values) state = Math.imul(state ^ value, 0x01000193);
  return state;
}

/** As c_print_results() writes them. */
function results(run: { problemClass: string; keys: number; seconds: number; isRight: boolean }): string {
  const { problemClass, keys, seconds, isRight } = run;
  return `

 IS Benchmark Completed
 Class           =                        ${problemClass}
 Size            =             ${String(keys).padStart(12)}
 Iterations      =             ${String(iterations).padStart(12)}
 Time in seconds =             ${seconds.toFixed(2).padStart(12)}
 Mop/s total     =             ${((iterations * keys) / seconds / 1e6).toFixed(2).padStart(12)}
 Operation type  =              keys ranked
 Verification    =               ${isRight ? "SUCCESSFUL" : "UNSUCCESSFUL"}
 Version         =                    3.3.1
`;
}
