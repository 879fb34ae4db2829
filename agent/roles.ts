/** How the agent's program is started in its other role, and what ties a process to the life of whoever started it. */

/** The program stands behind the one job whose directory follows. */
export const superviseFlag = "--run-job";
/** The process ends with its standard input. */
export const stdinFlag = "--exit-with-stdin";

/** Resolves when whoever holds the other end of standard input has closed it, or has died. */
export function stdinClosed(): Promise<void> {
  return new Promise((resolve) => {
    process.stdin.on("end", resolve).on("error", resolve).on("close", resolve).resume();
  });
}
