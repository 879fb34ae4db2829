/**
 * The doors of the house (ARCHITECTURE.md): who may import whom, where time comes from, how large a file may grow.
 * A breach is reported as file:line and the rule it breaks.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import t from "tap";

const root = join(import.meta.dirname, "../..");

interface Room {
  /** Path prefix of the room: a folder ("agent/ipmi/wire/") or a file. */
  readonly room: string;
  /** Prefixes it may import besides itself. */
  readonly may: readonly string[];
  /** Packages and node: modules it may import; undefined = any. */
  readonly packages?: readonly string[];
}

const base = "proto/base/";
const rpc = ["proto/rpc/", "proto/gen/", base];

/** First match wins: the more particular room stands above the one it is part of. */
const rooms: readonly Room[] = [
  { room: "proto/base/", may: [] },
  { room: "proto/gen/", may: [] },
  { room: "proto/rpc/", may: ["proto/gen/", base] },
  { room: "inventory/", may: [base] },
  { room: "agent/ports/", may: [base] },
  { room: "agent/ipmi/wire/", may: [], packages: [] },
  { room: "agent/ipmi/command/", may: ["agent/ipmi/wire/", base] },
  { room: "agent/ipmi/crypto/", may: ["agent/ipmi/wire/", "agent/ipmi/command/", base] },
  { room: "agent/ipmi/transport/", may: ["agent/ipmi/wire/", base] },
  {
    room: "agent/ipmi/session/",
    may: ["agent/ipmi/wire/", "agent/ipmi/command/", "agent/ipmi/crypto/", "agent/ipmi/transport/", "agent/ipmi/quirks.ts", base],
  },
  {
    room: "agent/ipmi/sol/",
    may: ["agent/ipmi/wire/", "agent/ipmi/command/", "agent/ipmi/crypto/", "agent/ipmi/session/", "agent/ipmi/quirks.ts", base],
  },
  { room: "agent/ipmi/sensors/", may: ["agent/ipmi/wire/", "agent/ipmi/command/", "agent/ipmi/completion.ts", base] },
  {
    room: "agent/ipmi/event-log/",
    may: [
      "agent/ipmi/wire/",
      "agent/ipmi/command/",
      "agent/ipmi/sensors/",
      "agent/ipmi/completion.ts",
      "agent/ipmi/manufacturers.ts",
      base,
    ],
  },
  { room: "agent/ipmi/", may: [base] },
  { room: "agent/drivers/", may: ["agent/ports/", "agent/ipmi/index.ts", "inventory/model.ts", base] },
  { room: "agent/capture/", may: ["agent/ports/", base] },
  { room: "agent/host/", may: ["agent/ports/", base] },
  // What /proc and df say is read the same way wherever it comes from.
  { room: "agent/ssh/", may: ["agent/ports/", "agent/host/facts/proc.ts", "agent/host/facts/disk-usage.ts", base] },
  { room: "agent/service/", may: ["agent/ports/", "agent/capture/", "agent/host/", "agent/fence.ts", ...rpc] },
  { room: "agent/sim/tools/", may: ["agent/sim/", base] },
  { room: "agent/sim/", may: ["agent/ipmi/wire/", "agent/ipmi/command/", "agent/ipmi/crypto/", "inventory/", base] },
  { room: "agent/", may: ["agent/", "inventory/model.ts", ...rpc] },
  { room: "controller/ports.ts", may: [] },
  { room: "controller/deploy/recipe.ts", may: ["controller/deploy/recipe/"] },
  { room: "controller/deploy/recipe/", may: [] },
  { room: "controller/deploy/", may: ["controller/ports.ts", "inventory/", base] },
  { room: "controller/leases/", may: ["controller/ports.ts", "controller/records/database.ts", "inventory/", base] },
  { room: "controller/consoles/", may: ["controller/ports.ts", "inventory/", base] },
  { room: "controller/records/", may: ["controller/ports.ts", "controller/deploy/", "inventory/", base] },
  {
    room: "controller/reports/",
    may: ["controller/deploy/recipe.ts"],
    packages: ["csv-stringify/sync", "d3-scale", "d3-shape"],
  },
  { room: "controller/recipes/", may: ["controller/deploy/recipe.ts"] },
  { room: "controller/agents/", may: ["controller/ports.ts", "controller/consoles/upstream.ts", "inventory/", ...rpc] },
  { room: "controller/identity/", may: [...rpc] },
  { room: "controller/offline.ts", may: ["controller/deploy/", "controller/recipes/", "inventory/", base] },
  { room: "controller/cli/", may: ["controller/offline.ts", "inventory/", ...rpc] },
  { room: "controller/api/", may: ["controller/", "inventory/", ...rpc] },
  { room: "controller/web/", may: ["controller/", "inventory/", ...rpc] },
  { room: "controller/", may: ["controller/", "inventory/", ...rpc] },
  { room: "test/", may: ["agent/", "controller/", "inventory/", "proto/", "test/"] },
];

/** Longer files and why they may be. */
const longFiles: Readonly<Record<string, string>> = {};
const maxLines = 350;

const vagueNames = /^(utils?|helpers?|types|manager|common|misc)\.ts$/;

interface Import {
  readonly line: number;
  readonly from: string;
}

function sources(): string[] {
  return ["proto", "inventory", "agent", "controller", "test"].flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      .filter((path) => !path.includes("node_modules")),
  );
}

function importsOf(text: string): Import[] {
  const found: Import[] = [];
  for (const match of text.matchAll(/(?:^|[^\w.])(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
    const line = text.slice(0, (match.index ?? 0) + match[0].length).split("\n").length;
    found.push({ line, from: match[1] ?? "" });
  }
  return found;
}

function roomOf(path: string): Room | undefined {
  return rooms.find(({ room }) => path === room || path.startsWith(room));
}

/** Why the import may not be, or undefined. */
function breach(path: string, room: Room, from: string): string | undefined {
  if (!from.startsWith(".")) {
    if (room.packages !== undefined && !room.packages.includes(from)) return `${room.room} imports no package, not even ${from}`;
    return undefined;
  }
  const target = join(dirname(path), from).replace(/\.js$/, ".ts");
  if (room.room.endsWith("/") && target.startsWith(room.room)) return undefined;
  if (target === path || room.may.some((prefix) => target === prefix || (prefix.endsWith("/") && target.startsWith(prefix))))
    return undefined;
  return `${room.room} may import ${[room.room, ...room.may].join(", ")}; not ${target}`;
}

const files = sources();

t.test("every import goes through an allowed door", async (t) => {
  const breaches: string[] = [];
  for (const path of files) {
    const room = roomOf(path);
    if (room === undefined) {
      breaches.push(`${path}:1 belongs to no room of the house`);
      continue;
    }
    for (const { line, from } of importsOf(readFileSync(join(root, path), "utf8"))) {
      const why = breach(path, room, from);
      if (why !== undefined) breaches.push(`${path}:${line} ${why}`);
    }
  }
  t.same(breaches, []);
});

t.test("agent and controller never import each other, and nothing imports test/", async (t) => {
  const breaches = files.flatMap((path) => {
    if (path.startsWith("test/")) return [];
    return importsOf(readFileSync(join(root, path), "utf8"))
      .filter(({ from }) => from.startsWith("."))
      .map(({ line, from }) => ({ line, target: join(dirname(path), from) }))
      .filter(
        ({ target }) =>
          target.startsWith("test/") ||
          (path.startsWith("agent/") && target.startsWith("controller/")) ||
          (path.startsWith("controller/") && target.startsWith("agent/")),
      )
      .map(({ line, target }) => `${path}:${line} imports ${target}`);
  });
  t.same(breaches, []);
});

t.test("time comes from the clock alone", async (t) => {
  const reads = /(?<![\w.])(?:Date\.now\(|new Date\(\)|setTimeout\(|setInterval\(|performance\.now\()/;
  const breaches = files
    .filter((path) => !path.startsWith("test/") && !path.includes("/gen/") && path !== "proto/base/clock.ts")
    .flatMap((path) =>
      readFileSync(join(root, path), "utf8")
        .split("\n")
        .flatMap((line, index) => (reads.test(line.replace(/\/\/.*|^\s*\*.*/, "")) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
    );
  t.same(breaches, []);
});

t.test("files stay small and are named after what they hold", async (t) => {
  const breaches = files
    .filter((path) => !path.includes("/gen/"))
    .flatMap((path) => {
      const lines = readFileSync(join(root, path), "utf8").split("\n").length - 1;
      const tooLong = lines > maxLines && longFiles[path] === undefined ? [`${path} has ${lines} lines, more than ${maxLines}`] : [];
      const vague = vagueNames.test(path.slice(path.lastIndexOf("/") + 1)) ? [`${path} says nothing about what it holds`] : [];
      return [...tooLong, ...vague];
    });
  t.same(breaches, []);
});
