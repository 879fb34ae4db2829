import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { parseQuirks, quirkTable, type QuirkEntry } from "../../../../agent/ipmi/index.js";

const page = join(import.meta.dirname, "../../../../../docs/bmc-quirks.md");
const [begin, end] = ["<!-- begin: the table of agent/ipmi/quirks.ts -->", "<!-- end -->"];

/** The table as the page shows it. */
function printed(): string {
  const row = ({ name, symptom, does, learned, devices, source }: QuirkEntry) => {
    const reported = devices.length === 0 ? source : `${devices.join("; ")}. ${source}`;
    return `| \`${name}\` | ${symptom} | ${does} | ${learned} | ${reported} |`;
  };
  return ["| quirk | the device | labd then | learned | reported |", "|---|---|---|---|---|", ...quirkTable.map(row)].join("\n");
}

t.test("docs/bmc-quirks.md shows the table (LABD_UPDATE_GOLDEN=1 writes it)", async (t) => {
  const text = readFileSync(page, "utf8");
  const [before, after] = [text.slice(0, text.indexOf(begin) + begin.length), text.slice(text.indexOf(end))];
  const expected = `${before}\n\n${printed()}\n\n${after}`;
  if (process.env["LABD_UPDATE_GOLDEN"] === "1") writeFileSync(page, expected);
  t.ok(readFileSync(page, "utf8") === expected, "the page is as the table has it");
});

t.test("every row says everything once", async (t) => {
  const names: string[] = quirkTable.map(({ name }) => name);
  t.equal(new Set(names).size, names.length);
  for (const { name, symptom, does, source } of quirkTable) {
    for (const text of [symptom, does, source]) t.notMatch(text, /^$|\||\.$/, name);
  }
});

t.test("an unknown name is refused with the names there are", async (t) => {
  t.same([...parseQuirks(["intel20", "solstatus", "intel20"])], ["intel20", "solstatus"]);
  t.throws(() => parseQuirks(["solpaylodsize"]), { message: /quirk "solpaylodsize" is unknown; there are opensesspriv, authcap/ });
});
