/** grep [-E] [-o] [-w] PATTERN FILE…: extended expressions are JavaScript's here. */
import type { Tool } from "./tool.js";

export const grep: Tool = (call) => {
  const options = new Set(call.argv.filter((word) => /^-[Eow]+$/.test(word)).flatMap((word) => word.slice(1).split("")));
  const [pattern = "", ...files] = call.argv.filter((word) => !/^-[Eow]+$/.test(word));
  const source = options.has("E") ? pattern : pattern.replace(/[+?|(){}]/g, "\\$&");
  const expression = new RegExp(options.has("w") ? `(?<![A-Za-z0-9_])(?:${source})(?![A-Za-z0-9_])` : source, "g");
  let [found, missing] = [false, false];
  for (const file of files) {
    const text = call.machine.read(file);
    if (text === undefined) {
      call.err(`grep: ${file}: No such file or directory\n`);
      missing = true;
      continue;
    }
    for (const line of text.replace(/\n$/, "").split("\n")) {
      const matches = line.match(expression);
      if (matches === null) continue;
      found = true;
      for (const match of options.has("o") ? matches : [line]) call.out(`${match}\n`);
    }
  }
  return missing ? 2 : found ? 0 : 1;
};
