/** A plan as text, for golden files: every step, act, wait and claim in order. */
import type { Act, Known, PlanDraft, Requirement, Step } from "../../../controller/deploy/recipe.js";

export function renderPlan(plan: PlanDraft, known: Known): string {
  return `${[plan.title, ...plan.steps.flatMap((step) => renderStep(step, known))].join("\n")}\n`;
}

function renderStep(step: Step, known: Known): string[] {
  const marks = [
    step.repeat === "verify" ? "once" : "",
    step.watch === undefined ? "" : `watch ${step.watch}`,
    step.uninterruptible === true ? "uninterruptible" : "",
  ].filter((mark) => mark !== "");
  return [
    "",
    `${step.id}  ${step.title}${marks.length > 0 ? `  [${marks.join(", ")}]` : ""}`,
    ...(step.needs.length > 0 ? [`  needs ${step.needs.join(", ")}`] : []),
    ...(step.standing ?? []).flatMap((each) => renderRequirement(each, known)).map((line) => `  stand ${line}`),
    ...(step.acts?.(known) ?? []).map((act) => `  act   ${renderAct(act)}`),
    ...step.evidence.flatMap((each) => renderRequirement(each, known)).map((line) => `  prove ${line}`),
    ...renderRescue(step, known),
  ];
}

function renderRescue({ rescue }: Step, known: Known): string[] {
  if (rescue === undefined) return [];
  return [
    `  rescue ${rescue.title}`,
    ...rescue.acts(known).map((act) => `    act   ${renderAct(act)}`),
    ...rescue.evidence.flatMap((each) => renderRequirement(each, known)).map((line) => `    prove ${line}`),
  ];
}

function renderAct(act: Act): string {
  switch (act.kind) {
    case "command":
      return `${act.argv.join(" ")}${act.cwd === undefined ? "" : `  in ${act.cwd}`}  (${duration(act.timeoutMs)})`;
    case "start":
      return [
        `start ${act.name}: ${act.argv.join(" ")}${act.cwd === undefined ? "" : `  in ${act.cwd}`}`,
        ...Object.entries(act.env ?? {}).map(([name, value]) => `        ${name}=${value}`),
      ].join("\n");
    case "signal":
      return `${act.signal} to ${act.job}`;
    case "end":
      return `end ${act.job}`;
    case "pause":
      return `pause ${duration(act.forMs)}: ${act.why}`;
    case "write-file":
      return `write ${act.path}${act.inPlace === true ? " in place" : ""}: ${JSON.stringify(act.contents)}`;
    case "edit-file":
      return `edit ${act.path}`;
    case "remove-file":
      return `remove ${act.path}`;
    case "put-boot-entry":
      return `boot entry ${JSON.stringify(act.entry)}`;
    case "remove-boot-entry":
      return `remove boot entry ${act.id}`;
    case "boot-once":
      return act.id === "" ? "take back the choice of the next boot" : `boot ${act.id} once`;
    case "power":
      return `power ${act.verb}  (${duration(act.deadlineMs)})`;
    case "reboot":
      return "reboot";
  }
}

function renderRequirement(requirement: Requirement, known: Known): string[] {
  if (requirement.kind === "console")
    return requirement.describe.map(
      (each) =>
        `console ${each.where} ${each.pattern.source}  (${duration(each.withinMs)}${each.optional === true ? ", optional" : ""}): ${each.claim}`,
    );
  return [`${requirement.kind}${renderSubject(requirement, known)}  (${duration(requirement.withinMs)}): ${requirement.claim}`];
}

function renderSubject(requirement: Requirement, known: Known): string {
  if (requirement.kind === "file") return ` ${requirement.path(known)}`;
  if (requirement.kind === "job") return ` ${requirement.job(known)}`;
  if (requirement.kind === "power") return ` ${requirement.state}`;
  if (requirement.kind !== "command") return "";
  return ` ${requirement.argv(known).join(" ")}${requirement.cwd === undefined ? "" : ` in ${requirement.cwd}`}`;
}

function duration(ms: number): string {
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1000} s`;
}
