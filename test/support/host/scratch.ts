/** A directory for one test, removed when it ends, after everything the test registers for its end later. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";

export async function scratchDirectory(t: Test): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "labd-test-"));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}
