/** Programs besides NPB IS: a greeting that is over before anything can happen, and a count that stands in for everything else. */
import { emptyMemory, type Guest, type Memory, type Step, words } from "./guest.js";

/** apps/hello: no function is called, there is no migration point. */
export class Greeting implements Guest {
  readonly memory: Memory = emptyMemory({ stack: 4096, tls: 512, data: 4096, bss: 4096, heap: 4096 });
  readonly hasMigrationPoints = false;

  step(): Step {
    return { output: "Hello, world!\n", machineMs: 100, exitCode: 0 };
  }
}

const rounds = 20;
const roundMs = 500;

/** Counts its rounds in data and adds up in the heap; its last line says whether the sum is right. */
export class Counting implements Guest {
  readonly memory: Memory;
  readonly hasMigrationPoints: boolean;
  readonly #title: string;

  constructor(title: string, hasMigrationPoints: boolean, memory: Memory = countingMemory()) {
    this.#title = title;
    this.hasMigrationPoints = hasMigrationPoints;
    this.memory = memory;
  }

  step(): Step {
    const [round, sums] = [words(this.memory.data), words(this.memory.heap)];
    const number = (round[0] = (round[0] ?? 0) + 1);
    for (let index = 0; index < sums.length; index += 1) sums[index] = Math.imul(sums[index] ?? 0, 31) + number + index;
    if (number < rounds) return { output: `${this.#title}: round ${number} of ${rounds}\n`, machineMs: roundMs };
    const right = expectedSums(sums.length);
    const isRight = sums.every((sum, index) => sum === right[index]);
    return {
      output: `${this.#title}: round ${number} of ${rounds}\n Verification    =               ${isRight ? "SUCCESSFUL" : "UNSUCCESSFUL"}\n`,
      machineMs: roundMs,
      exitCode: 0,
    };
  }
}

export function countingMemory(): Memory {
  return emptyMemory({ stack: 4096, tls: 512, data: 4096, bss: 4096, heap: 64 * 1024 });
}

function expectedSums(count: number): Int32Array {
  const sums = new Int32Array(count);
  for (let round = 1; round <= rounds; round += 1)
    for (let index = 0; index < count; index += 1) sums[index] = Math.imul(sums[index] ?? 0, 31) + round + index;
  return sums;
}
