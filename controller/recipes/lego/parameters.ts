/** What a deployment may say under `with:`. Shapes only; what parameters mean together is judged in problems.ts. */
import { z } from "zod";

const absolutePath = z.string().regex(/^\/\S*$/, "must be an absolute path without spaces");

export const legoParameters = z.strictObject({
  source: absolutePath.default("/root/LegoOS").describe("LegoOS tree on each node; every node builds its own"),
  memmap: z
    .string()
    .default("2G$4G")
    .describe("Memory the processor manager sets aside for its ExCache, SIZE$START: half of SIZE becomes the cache"),
  program: z
    .array(z.string())
    .optional()
    .describe(
      'What runs on the processor. With a storage node: program and arguments, absolute path on the storage node; default ["/bin/echo", "{nonce}"]. ' +
        'Without: one static object below the source tree ("usr/general.o"); default: a program of labd\'s own that prints the nonce. ' +
        "{nonce} in an argument becomes this run's nonce, and its output the proof.",
    ),
  files: z
    .array(absolutePath)
    .optional()
    .describe("Files that must be on the storage node before the run; default: every argument of program that is an absolute path"),
  jobs: z.number().int().min(1).max(512).optional().describe("Jobs of make; default: as many as the node has CPUs"),
  fitInitialSleepS: z
    .number()
    .int()
    .min(1)
    .max(600)
    .default(10)
    .describe("How long each manager waits before its single join message: the difference in start-up time that is tolerated"),
  fitFirstQpn: z.number().int().min(80).max(100).default(80).describe("First queue pair number, the same on all nodes"),
  fitQpsPerPair: z.number().int().min(4).max(24).default(12).describe("Queue pairs per pair of nodes, the same on all nodes"),
  storageKernel: z.string().default("3.11.1").describe("Linux the storage modules are built for: exactly what uname -r must say"),
  bannerWithinS: z.number().int().min(10).max(1800).default(180).describe("From power to LegoOS's first line: the firmware's self-test"),
  buildWithinMin: z.number().int().min(1).max(240).default(30).describe("Time a build may take"),
});

export type LegoParameters = z.infer<typeof legoParameters>;
