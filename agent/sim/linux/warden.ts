/**
 * `warden.js MARK DIRECTORY`: outlives the simulator that started it just long enough to clear up after it: kills the processes of its
 * machines and removes the directory of their sockets. Its standard input is a pipe from the simulator, which ends however that
 * ends, SIGKILL included.
 */
import { rmSync } from "node:fs";
import { systemClock } from "../../../proto/base/clock.js";
import { killMarkedProcesses } from "./marked-processes.js";

async function clearUp(mark: string, directory: string): Promise<void> {
  await killMarkedProcesses(mark, systemClock);
  rmSync(directory, { recursive: true, force: true });
}

const [, , mark, directory] = process.argv;
if (mark === undefined || mark === "" || directory === undefined) throw new Error("usage: warden MARK DIRECTORY");
process.stdin.resume();
process.stdin.on("end", () => void clearUp(mark, directory));
