/** Starts a machine, prints its process id and waits to be killed. Argument: a scratch directory. */
import { join } from "node:path";
import { boardImage } from "./image.js";
import { startMachine } from "./qemu.js";

const image = await boardImage();
const consoleFile = join(process.argv[2] ?? "", "console.log");
const machine = await startMachine({ image, initramfs: image.initramfs, consoleFile, memoryMb: 256 });
process.stdout.write(`${machine.pid}\n`);
