/** What a deployment may say under `with:`. Shapes only; what parameters mean together is judged in problems.ts. */
import { z } from "zod";

const absolutePath = z.string().regex(/^\/[A-Za-z0-9._/-]*$/, "must be an absolute path of letters, digits, dot, dash, underscore");

/** Directories of examples/ in the repository. */
export const sampleNames = ["resnet", "llama2-13b-chat-hf", "diffusion", "ppo"] as const;

export const phosParameters = z.strictObject({
  image: z
    .string()
    .regex(/^[a-z0-9][A-Za-z0-9._/:@-]*$/, "must be an image reference")
    .default("phoenixos/pytorch:11.3-ubuntu20.04")
    .describe("Image of the container PhOS is built and runs in: CUDA 11.3 and PyTorch for it"),
  container: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, "must be letters, digits, dot, dash, underscore")
    .max(48)
    .optional()
    .describe("Suffix of the container's name, phos_SUFFIX; default: the deployment's name"),
  repository: z
    .string()
    .regex(/^(https?|ssh|git|file):\/\/\S+$/, "must be the URL of a repository")
    .default("https://github.com/SJTU-IPADS/PhoenixOS.git")
    .describe("Where PhOS is cloned from"),
  ref: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/, "must be a branch or tag")
    .default("main")
    .describe("Branch or tag to build"),
  source: absolutePath.default("/opt/phos/PhoenixOS").describe("Where the clone is on the node; it becomes the container's /root"),
  checkpoints: absolutePath
    .default("/var/lib/phos/checkpoints")
    .describe("Where images are copied to on the node, RUN/NUMBER each; undeploy leaves them"),
  dumpDirectory: absolutePath
    .default("/var/tmp/phos-dump")
    .describe("Inside the container: below it every dump gets a directory of its own, on which PhOS mounts a tmpfs"),
  data: absolutePath.optional().describe("Directory of the node with models, mounted at /data in the container (diffusion needs it)"),
  gpus: z
    .union([z.literal("all"), z.array(z.number().int().min(0).max(63)).min(1)])
    .default("all")
    .describe("GPUs the container sees; xpu-server takes all it sees"),
  diskGiB: z.number().int().min(1).max(4000).default(60).describe("Free disk space needed for clone, image and build"),
  unitTests: z.boolean().default(true).describe("Build and run PhOS's unit tests too (build.sh -u)"),
  buildConfig: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .default({})
    .describe("Keys of build_configs.yaml to set before the build, by the names its reader knows"),
  sample: z.enum(sampleNames).default("resnet").describe("Sample that proves the deployment: run, dumped, restored"),
  imageWithinMin: z.number().int().min(1).max(600).default(90).describe("Time the download of the image may take"),
  cloneWithinMin: z.number().int().min(1).max(600).default(60).describe("Time the clone with its submodules may take"),
  assetsWithinMin: z.number().int().min(1).max(600).default(60).describe("Time the download of the assets may take"),
  buildWithinMin: z.number().int().min(1).max(600).default(120).describe("Time one pass of the build may take"),
  daemonWithinS: z.number().int().min(1).max(1800).default(120).describe("From the daemon's start until its port is bound"),
  firstIterationWithinS: z
    .number()
    .int()
    .min(5)
    .max(14_400)
    .default(1200)
    .describe("From a sample's start to its first iteration: in the first run kernels are instrumented, which is slow"),
  dumpWithinS: z.number().int().min(5).max(7200).default(300).describe("Time limit of one dump"),
  restoreWithinS: z.number().int().min(5).max(7200).default(300).describe("From a restore's order to the next iteration"),
});

export type PhosParameters = z.infer<typeof phosParameters>;
export type SampleName = (typeof sampleNames)[number];
