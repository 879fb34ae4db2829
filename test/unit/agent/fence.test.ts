import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { Fences } from "../../../agent/fence.js";
import { scratchDirectory } from "../../support/host/scratch.js";

const fence = (epoch: bigint) => ({ leaseId: `lease-${epoch}`, epoch });

t.test("of every node the highest epoch acts, and lower ones do not any more", async (t) => {
  const fences = await Fences.open(join(await scratchDirectory(t), "fences.json"));
  await fences.require("p0", fence(5n));
  await fences.require("p0", fence(5n));
  await fences.require("m0", fence(3n));
  await fences.require("p0", fence(9n));
  await t.rejects(fences.require("p0", fence(8n)), {
    code: "conflict",
    message: "p0: lease lease-8 (epoch 8) is over: epoch 9 has acted since; lease the node again",
  });
  await t.rejects(fences.require("p0", undefined), { code: "invalid-argument" });
});

t.test("an epoch is remembered before the act it allows, whatever comes at once", async (t) => {
  const path = join(await scratchDirectory(t), "fences.json");
  const big = 2n ** 60n;
  const fences = await Fences.open(path);
  await Promise.all([fences.require("p0", fence(1n)), fences.require("p0", fence(big)), fences.require("m0", fence(7n))]);
  const later = await Fences.open(path);
  await t.rejects(later.require("p0", fence(big - 1n)), { code: "conflict" });
  await t.rejects(later.require("m0", fence(6n)), { code: "conflict" });
  await later.require("p0", fence(big));
});

t.test("an epoch that cannot be remembered allows nothing", async (t) => {
  const directory = await scratchDirectory(t);
  await writeFile(join(directory, "file"), "");
  const fences = await Fences.open(join(directory, "absent", "fences.json"));
  await t.rejects(fences.require("p0", fence(1n)), { code: "ENOENT" });
});

t.test("an epoch that could not be remembered acts as soon as it can be, and holds up no other node's", async (t) => {
  const directory = join(await scratchDirectory(t), "state");
  await mkdir(directory);
  const path = join(directory, "fences.json");
  const fences = await Fences.open(path);
  await fences.require("m0", fence(4n));
  await rename(directory, `${directory}.away`);
  await t.rejects(fences.require("p0", fence(2n)), { code: "ENOENT" });
  await fences.require("m0", fence(4n));
  await t.rejects(fences.require("p0", fence(1n)), { code: "conflict" }, "what was seen counts, remembered or not");
  await rename(`${directory}.away`, directory);
  await fences.require("p0", fence(2n));
  const later = await Fences.open(path);
  await t.rejects(later.require("p0", fence(1n)), { code: "conflict" });
});
