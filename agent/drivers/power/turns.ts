/** Whose turn it is: what power acts wait for and who goes next. Pure; times are of the monotonic clock, in ms. */
import type { PowerGroup, PowerSafety } from "../../ports/power.js";
import type { PowerStep } from "./plan.js";
import { isStart, noWear, restedMs, type NodeWear } from "./wear.js";

/** What the inventory asks for, by name of group and node. */
export interface Limits {
  readonly groups: ReadonlyMap<string, PowerGroup>;
  readonly safety: ReadonlyMap<string, PowerSafety>;
}

export interface Rules extends Limits {
  /** Acts under way on the whole agent; 0 = no limit. */
  readonly window: number;
  /** How long a machine stays off at least. */
  readonly settleMs: number;
  /** A device that has not answered for so long does not keep others waiting. */
  readonly silentMs: number;
}

/** A transition that would like to begin. */
export interface Wish {
  /** Lower goes first. An act keeps its number for all its steps: what was switched off for a cycle comes before what is still on. */
  readonly ticket: number;
  readonly node: string;
  readonly step: PowerStep;
  /** An earlier life of the agent has sent it; only its end is awaited. */
  readonly sent: boolean;
}

export interface Transition extends Wish {
  /** When its device answered last, or its turn came. */
  readonly heardMs: number;
}

export interface Turns {
  /** By ticket. */
  readonly waiting: readonly Wish[];
  /** From when the turn came until the state was verified, or was given up. */
  readonly underWay: readonly Transition[];
}

export const noTurns: Turns = { waiting: [], underWay: [] };

export function asked(turns: Turns, wish: Wish): Turns {
  return { ...turns, waiting: [...turns.waiting, wish].sort((a, b) => a.ticket - b.ticket) };
}

/** It waits no more, or is under way no more. */
export function left(turns: Turns, ticket: number): Turns {
  const others = (each: Wish) => each.ticket !== ticket;
  return { waiting: turns.waiting.filter(others), underWay: turns.underWay.filter(others) };
}

/** Its step was sent, or its device has answered. */
export function heard(turns: Turns, ticket: number, news: { readonly sent?: true; readonly heardMs: number }): Turns {
  return { ...turns, underWay: turns.underWay.map((each) => (each.ticket === ticket ? { ...each, ...news } : each)) };
}

/** Lets go ahead who may, in order of tickets; nobody waits for somebody who waits for something else. */
export function admit(
  turns: Turns,
  rules: Rules,
  wear: ReadonlyMap<string, NodeWear>,
  nowMs: number,
): { readonly turns: Turns; readonly admitted: readonly Wish[]; readonly wakeMs: number | undefined } {
  const underWay = [...turns.underWay];
  const admitted: Wish[] = [];
  const waiting: Wish[] = [];
  const view = viewOf(underWay, rules, wear, nowMs);
  let wakeMs: number | undefined;
  for (const wish of turns.waiting) {
    const before = obstacle(wish, view);
    if (before === undefined) {
      admitted.push(wish);
      view.begin({ ...wish, heardMs: nowMs });
      continue;
    }
    waiting.push(wish);
    if (before.untilMs !== undefined) wakeMs = Math.min(wakeMs ?? Infinity, before.untilMs);
  }
  return { turns: { waiting, underWay }, admitted, wakeMs };
}

/** What a wish waits for, in words: "power group pdu1 (2 of 2 under way: m0 m1)". */
export function awaitedBy(ticket: number, turns: Turns, rules: Rules, wear: ReadonlyMap<string, NodeWear>, nowMs: number): string {
  const wish = turns.waiting.find((each) => each.ticket === ticket);
  return (wish && obstacle(wish, viewOf([...turns.underWay], rules, wear, nowMs))?.words) ?? "its turn";
}

interface Obstacle {
  readonly words: string;
  /** When it goes away by itself, if it does. */
  readonly untilMs?: number;
}

type View = ReturnType<typeof viewOf>;

/** Counted once for all who wait. `underWay` grows by who begins. */
function viewOf(underWay: Transition[], rules: Rules, wear: ReadonlyMap<string, NodeWear>, nowMs: number) {
  const groupOf = (node: string) => rules.groups.get(rules.safety.get(node)?.group ?? "");
  const members = new Map<string, Transition[]>();
  const newest = new Map<string, { readonly node: string; readonly startMs: number }>();
  for (const [node, { startsMs }] of wear) {
    const group = groupOf(node);
    const startMs = startsMs[startsMs.length - 1];
    if (group === undefined || startMs === undefined || startMs <= (newest.get(group.name)?.startMs ?? -Infinity)) continue;
    newest.set(group.name, { node, startMs });
  }
  const count = (transition: Transition) => {
    const group = groupOf(transition.node);
    if (group !== undefined) members.set(group.name, [...(members.get(group.name) ?? []), transition]);
  };
  for (const each of underWay) count(each);
  return {
    rules,
    nowMs,
    groupOf,
    wearOf: (node: string) => wear.get(node) ?? noWear,
    underWayIn: (group: string) => members.get(group) ?? [],
    newestStartIn: (group: string) => newest.get(group),
    /** Silent ones are not waited for. */
    live: () => underWay.filter(({ heardMs }) => nowMs - heardMs < rules.silentMs),
    begin(transition: Transition) {
      underWay.push(transition);
      count(transition);
    },
  };
}

function obstacle(wish: Wish, view: View): Obstacle | undefined {
  return restObstacle(wish, view) ?? groupObstacle(wish, view) ?? windowObstacle(view);
}

function restObstacle({ node, step, sent }: Wish, { rules, nowMs, wearOf }: View): Obstacle | undefined {
  if (step !== "on" || sent) return undefined;
  const restMs = restOf(node, rules);
  const untilMs = restedMs(wearOf(node), restMs);
  return untilMs <= nowMs ? undefined : { words: `its least time off (${seconds(restMs)})`, untilMs };
}

function groupObstacle({ node, step, sent }: Wish, view: View): Obstacle | undefined {
  const group = view.groupOf(node);
  if (group === undefined) return undefined;
  const { name, atOnce, staggerMs } = group;
  const underWay = view.underWayIn(name);
  if (atOnce > 0 && underWay.length >= atOnce) {
    return { words: `power group ${name} (${underWay.length} of ${atOnce} under way: ${someOf(underWay)})` };
  }
  if (staggerMs === 0 || sent || !isStart(step)) return undefined;
  const words = (other: string) => `power group ${name} (${seconds(staggerMs)} from one switch-on to the next; the last: ${other})`;
  // Its moment is not known before it is sent.
  const about = underWay.find((each) => isStart(each.step) && !each.sent);
  if (about !== undefined) return { words: words(about.node) };
  const newest = view.newestStartIn(name);
  if (newest === undefined || newest.startMs + staggerMs <= view.nowMs) return undefined;
  return { words: words(newest.node), untilMs: newest.startMs + staggerMs };
}

function windowObstacle({ rules, live }: View): Obstacle | undefined {
  if (rules.window === 0) return undefined;
  const acting = live();
  if (acting.length < rules.window) return undefined;
  const untilMs = Math.min(...acting.map(({ heardMs }) => heardMs + rules.silentMs));
  return { words: `one of the ${rules.window} acts the agent does at once`, untilMs };
}

/** How long this machine stays off at least. */
export function restOf(node: string, { settleMs, safety }: Pick<Rules, "settleMs" | "safety">): number {
  return Math.max(settleMs, safety.get(node)?.minOffMs ?? 0);
}

const toldNodes = 8;

function someOf(underWay: readonly Transition[]): string {
  const names = underWay.slice(0, toldNodes).map((each) => each.node);
  return [...names, ...(underWay.length > toldNodes ? ["…"] : [])].join(" ");
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(1))} s`;
}
