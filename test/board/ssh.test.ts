/** What an agent does on a machine it reaches by ssh, on a board that is one: another architecture, OpenSSH, nothing of labd on it. */
import t, { type Test } from "tap";
import { SshHost } from "../../agent/ssh/connection/host.js";
import type { OwnFiles, Target } from "../../agent/ssh/connection/identity.js";
import { SshFiles } from "../../agent/ssh/files/files.js";
import { SshJobs } from "../../agent/ssh/jobs/jobs.js";
import { SshMachine } from "../../agent/ssh/machine.js";
import { ask } from "../../agent/ssh/shell/conversation.js";
import { systemClock } from "../../proto/base/clock.js";
import { silentLogger } from "../../proto/base/logger.js";
import { type Board, boardMissing, startBoard } from "../support/board/board.js";
import { boardHands } from "../support/board/hands.js";
import { commandsContract } from "../support/host/commands-contract.js";
import { filesContract } from "../support/host/files-contract.js";
import { until } from "../support/host/processes.js";

/** Every path is this machine's own; nothing is looked for in a home directory. */
const files: OwnFiles = { home: "/nonexistent", resolve: (path) => Promise.resolve(path) };

function targetOf({ user, sshPort: port, identity, hostKey }: Board, more: Partial<Target> = {}): Target {
  return { address: "127.0.0.1", port, user, identity, hostKey, ...more };
}

function connect(t: Test, target: Target): SshHost {
  const host = new SshHost({ target, files, clock: systemClock, log: silentLogger });
  t.teardown(() => host.close());
  return host;
}

t.test("an agent's ports over ssh, on an aarch64 board", { skip: boardMissing() }, async (t) => {
  const board = await startBoard(t);
  const hands = await boardHands(t, board);
  const host = connect(t, targetOf(board));

  await t.test("commands", (t) =>
    commandsContract(
      t,
      async (_, options) => {
        // Jobs are kept in the login's home directory: each test begins with none.
        await board.ssh("rm -rf .labd");
        const open = () => new SshJobs({ shell: host, clock: systemClock, keep: options?.keep ?? 100 });
        return { commands: open(), reopen: () => Promise.resolve(open()) };
      },
      hands,
    ),
  );

  await t.test("files", (t) => filesContract(t, () => Promise.resolve(new SshFiles({ shell: host, clock: systemClock })), hands));

  await t.test("facts are the board's", async (t) => {
    const facts = await new SshMachine({ shell: host, clock: systemClock, rebootArgv: ["reboot"] }).facts();
    const bootId = (await hands.read("/proc/sys/kernel/random/boot_id")).trim();
    t.match(facts, { kernel: "Linux", kernelRelease: /^6\.1\..*arm64$/, arch: "aarch64", hostname: "board", bootId, cpuCount: 1 });
    t.ok(facts.memoryBytes > 200e6 && facts.memoryBytes < 256 * 2 ** 20, `${facts.memoryBytes} bytes of memory`);
    t.ok(facts.disks.some(({ mount }) => mount === "/"));
  });

  await t.test("a host key that is not the board's is refused", async (t) => {
    const other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJm0dYkzUYUuXbqjJ0Uq6vHcR1mB1eQZ2JYb8lCqK1lq";
    await t.rejects(ask(connect(t, targetOf(board, { hostKey: other })), systemClock, "true", { awaited: "nothing" }), {
      code: "authentication",
      message: /its host key has changed/,
    });
  });

  await t.test("a board that reboots loses its jobs, is another boot, and is reached again over the same host", async (t) => {
    const root = connect(t, targetOf(board, { user: "root" }));
    const machine = new SshMachine({ shell: root, clock: systemClock, rebootArgv: ["reboot"] });
    const jobs = new SshJobs({ shell: root, clock: systemClock, keep: 10 });
    await jobs.start({ id: "long", argv: ["/bin/sleep", "600"], cwd: "", env: {}, stdin: new Uint8Array(), timeoutMs: 0 });
    const before = await machine.facts();
    await machine.reboot();
    let after = before;
    const isBack = async () => {
      after = await machine.facts().catch(() => before);
      return after.bootId !== before.bootId;
    };
    await until(isBack, "the board after its reboot", { withinMs: 60_000 });
    t.match(await jobs.get("long"), { state: "lost", reason: new RegExp(`boot ${before.bootId}, now ${after.bootId}`) });
  });
});
