/** A Linux kernel on a simulated disk. */
import type { KernelImage } from "../kernel.js";

/** What a Linux kernel was built from. */
export interface LinuxBuild {
  readonly release: string;
  /** In /proc/kallsyms besides those every kernel has. */
  readonly symbols?: readonly string[];
  /** What becomes of it before user space: it stops without a word, or panics. */
  readonly fate?: "hangs" | "panics";
}

export function linuxImage(release: string, more: Omit<LinuxBuild, "release"> = {}): KernelImage {
  return { kind: "linux", build: { release, ...more } };
}

/** Throws nothing: an image somebody else wrote is an old kernel. */
export function buildOf(image: KernelImage): LinuxBuild {
  const build = image.build;
  return typeof build === "object" && build !== null && "release" in build ? (build as LinuxBuild) : { release: "3.10.0" };
}
