/** Shell completion: what could stand next on the command line. Pure; the names come from the lab. */
import type { Argument, Command } from "commander";

export interface LabNames {
  readonly nodes: readonly string[];
  readonly tags: readonly string[];
  readonly deployments: readonly string[];
  readonly runs: readonly string[];
}

export const noNames: LabNames = { nodes: [], tags: [], deployments: [], runs: [] };

export const shells = ["bash", "zsh"] as const;
export type Shell = (typeof shells)[number];

/** A line for ~/.bashrc or ~/.zshrc: eval "$(lab completion bash)". File names are completed where we know nothing. */
export function completionScript(shell: Shell): string {
  const bash = [
    "_lab() {",
    "  local IFS=$'\\n'",
    '  COMPREPLY=($(compgen -W "$(lab complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))',
    "}",
    "complete -o default -F _lab lab",
  ];
  return (shell === "zsh" ? ["autoload -U +X bashcompinit && bashcompinit", ...bash] : bash).join("\n");
}

/** Candidates for the last of `words` (what is typed so far, perhaps ""), given the words before it. */
export function completions(program: Command, words: readonly string[], names: LabNames): readonly string[] {
  const typed = words[words.length - 1] ?? "";
  const { command, position } = walk(program, words.slice(0, -1));
  return candidates(command, position, typed, names).filter((each) => each.startsWith(typed));
}

/** The command the words lead to, and how many of its arguments they hold. */
function walk(program: Command, words: readonly string[]): { command: Command; position: number } {
  let command = program;
  let position = 0;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    const option = [...command.options, ...program.options].find((each) => each.long === word || each.short === word);
    if (option?.required === true) index += 1;
    if (word.startsWith("-")) continue;
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) position += 1;
    else command = next;
  }
  return { command, position };
}

function candidates(command: Command, position: number, typed: string, names: LabNames): readonly string[] {
  if (typed.startsWith("-")) return command.options.flatMap((each) => each.long ?? []);
  const visible = command.commands.map((each) => each.name());
  const { registeredArguments } = command;
  const argument = registeredArguments[Math.min(position, registeredArguments.length - 1)];
  return [...visible, ...(argument === undefined ? [] : values(argument, typed, names))];
}

function values(argument: Argument, typed: string, names: LabNames): readonly string[] {
  switch (argument.name()) {
    case "node":
      return names.nodes;
    case "nodeset":
      return nodesetValues(typed, names);
    case "deployment":
      return names.deployments;
    case "run":
      return [...names.runs, ...names.deployments];
    case "kind":
      return ["agent", "operator"];
    case "shell":
      return shells;
    default:
      return [];
  }
}

/** The term being typed is the one behind the last separator. */
function nodesetValues(typed: string, { nodes, tags, deployments }: LabNames): readonly string[] {
  const [, before = ""] = /^(.*[,!&])?[^,!&]*$/.exec(typed) ?? [];
  return [...nodes, ...tags.map((tag) => `@${tag}`), ...deployments].map((each) => before + each);
}
