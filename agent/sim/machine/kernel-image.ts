/** Kernel images on a simulated disk: real files whose first line is the magic and whose rest is JSON (see ../kernel.ts). */
import { imageMagic, type KernelImage } from "../kernel.js";

export function formatKernelImage(image: KernelImage): string {
  return `${imageMagic}${JSON.stringify(image)}\n`;
}

/** Undefined when the file is no kernel. */
export function parseKernelImage(file: Uint8Array): KernelImage | undefined {
  const text = Buffer.from(file).toString("utf8");
  if (!text.startsWith(imageMagic)) return undefined;
  try {
    const image: unknown = JSON.parse(text.slice(imageMagic.length));
    if (typeof image !== "object" || image === null || !("kind" in image) || typeof image.kind !== "string") return undefined;
    return { kind: image.kind, build: "build" in image ? image.build : undefined };
  } catch {
    return undefined;
  }
}
