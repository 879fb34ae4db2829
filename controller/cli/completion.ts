/** Shell completion: what could stand next on the command line. Pure; the names come from the lab. */
import type { Argument, Command } from "commander";

export interface LabNames {
  readonly nodes: readonly string[];
  readonly tags: readonly string[];
  readonly deployments: readonly string[];
  readonly runs: readonly string[];
  /** Of the deployment typed, if one is: names and options of its exercises. */
  readonly exercises: readonly { readonly name: string; readonly options: readonly string[] }[];
}

export const noNames: LabNames = { nodes: [], tags: [], deployments: [], runs: [], exercises: [] };

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
  return candidates(program, words.slice(0, -1), typed, names).filter((each) => each.startsWith(typed));
}

/** The deployment, or run, whose exercises stand to choose from; undefined where none is meant. */
export function exercised(program: Command, words: readonly string[]): string | undefined {
  const { command, operands } = walk(program, words.slice(0, -1));
  return takesExercise(command) ? operands[0] : undefined;
}

function takesExercise(command: Command): boolean {
  return ["run", "plan", "migrate"].includes(command.name());
}

/** The command the words lead to, and its arguments among them. */
function walk(program: Command, words: readonly string[]): { command: Command; operands: readonly string[] } {
  let command = program;
  const operands: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    const option = [...command.options, ...program.options].find((each) => each.long === word || each.short === word);
    if (option?.required === true) index += 1;
    if (word.startsWith("-")) continue;
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) operands.push(word);
    else command = next;
  }
  return { command, operands };
}

function candidates(program: Command, before: readonly string[], typed: string, names: LabNames): readonly string[] {
  const { command, operands } = walk(program, before);
  if (typed.startsWith("-"))
    return [
      ...command.options.flatMap((each) => each.long ?? []),
      ...(takesExercise(command) ? exerciseOptions(command, before, names) : []),
    ];
  if (before.at(-1) === "--run") return names.exercises.map((each) => each.name);
  const visible = command.commands.map((each) => each.name());
  const { registeredArguments } = command;
  const argument = registeredArguments[Math.min(operands.length, registeredArguments.length - 1)];
  return [...visible, ...(argument === undefined ? [] : values(argument, typed, names))];
}

/** Of the exercise that is named, else of the first: it runs when none is. */
function exerciseOptions(command: Command, before: readonly string[], { exercises }: LabNames): readonly string[] {
  const named = exercises.find((each) => before.includes(each.name) || each.name === command.name());
  return (named ?? exercises[0])?.options ?? [];
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
    case "exercise":
      return names.exercises.map((each) => each.name);
    case "device":
      return bootDevices;
    case "kind":
      return ["agent", "operator"];
    default:
      return argument.argChoices ?? [];
  }
}

/** Those every BMC knows; some know more. */
const bootDevices = ["none", "pxe", "disk", "cdrom", "setup", "diagnostics"];

/** The term being typed is the one behind the last separator. */
function nodesetValues(typed: string, { nodes, tags, deployments }: LabNames): readonly string[] {
  const [, before = ""] = /^(.*[,!&])?[^,!&]*$/.exec(typed) ?? [];
  return [...nodes, ...tags.map((tag) => `@${tag}`), ...deployments].map((each) => before + each);
}
