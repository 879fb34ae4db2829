import t from "tap";
import { z } from "zod";
import { exerciseOptions } from "../../../../controller/deploy/exercise-options.js";

void t.test("what may be asked of an exercise is read off its schema: type, default, whether it must be given", (t) => {
  const parameters = z.strictObject({
    to: z.enum(["arm", "x86"]).describe("where to"),
    rounds: z.int().min(1).default(1),
    seconds: z.number().optional(),
    every: z.union([z.string(), z.int()]).default("10s"),
    verbose: z.boolean().default(false),
    cases: z.array(z.string()).default(["761"]),
    trimmed: z.string().transform((text) => text.trim()),
  });
  t.same(exerciseOptions({ parameters }), [
    { name: "to", description: "where to", default: undefined, type: "arm|x86", required: true },
    { name: "rounds", description: "", default: 1, type: "whole number", required: false },
    { name: "seconds", description: "", default: undefined, type: "number", required: false },
    { name: "every", description: "", default: "10s", type: "text|whole number", required: false },
    { name: "verbose", description: "", default: false, type: "true or false", required: false },
    { name: "cases", description: "", default: ["761"], type: "list", required: false },
    { name: "trimmed", description: "", default: undefined, type: "text", required: true },
  ]);
  t.end();
});
