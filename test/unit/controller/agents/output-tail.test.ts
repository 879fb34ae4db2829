import t from "tap";
import { OutputTail } from "../../../../controller/agents/output-tail.js";

t.test("output without line ends is told in parts and not gathered for ever", async (t) => {
  const lines: string[] = [];
  const tail = new OutputTail((line) => lines.push(line));
  const dots = Buffer.alloc(64 * 1024, ".");
  for (let round = 0; round < 64; round += 1) tail.append(dots);
  t.ok(lines.length > 60, "told as it comes");
  tail.append(Buffer.from("\nend"));
  tail.finish();
  t.equal(lines.at(-1), "end");
  t.equal(lines.join("").length, 64 * dots.length + 3, "nothing is lost");
});
