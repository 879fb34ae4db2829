/**
 * build_configs.yaml (facts: PhOS §2). Its reader is not strict: a key it does not know is ignored without a word, and three of the
 * keys in the shipped file are such. So only names the reader knows may be set, and they are appended where the file has them not.
 */

const known = [
  "runtime_target",
  "runtime_target_version",
  "runtime_enable_print_error",
  "runtime_enable_print_warn",
  "runtime_enable_print_log",
  "runtime_enable_print_debug",
  "runtime_enable_print_with_color",
  "runtime_enable_debug_check",
  "runtime_enable_hijack_api_check",
  "runtime_enable_trace",
  "runtime_enable_memory_trace",
  "runtime_default_daemon_log_path",
  "runtime_default_client_log_path",
  "eval_ckpt_opt_level",
  "eval_ckpt_enable_pipeline",
  "eval_ckpt_enable_incremental",
  "eval_ckpt_interval_ms",
  "eval_migr_opt_level",
  "migr_interval_ms",
  "eval_rst_enable_context_pool",
] as const;

/** Names that stand in the shipped file or in older texts and are silently ignored, and what the reader expects instead. */
const ignored: Readonly<Record<string, (typeof known)[number]>> = {
  eval_ckpt_enable_increamental: "eval_ckpt_enable_incremental",
  eval_ckpt_default_interval_ms: "eval_ckpt_interval_ms",
  eval_migr_default_interval_ms: "migr_interval_ms",
  eval_migr_interval_ms: "migr_interval_ms",
};

export type BuildConfig = Readonly<Record<string, string | number | boolean>>;

export const daemonLogKey = "runtime_default_daemon_log_path";

/** What the build must be told besides what somebody asked for: evidence lines need the logger. */
export const requiredConfig: BuildConfig = { runtime_enable_print_error: 1, runtime_enable_print_warn: 1, runtime_enable_print_log: 1 };

/** Everything wrong with what somebody wants to set; `key` is the entry it is about. */
export function configProblems(config: BuildConfig): { readonly key: string; readonly problem: string }[] {
  return Object.entries(config).flatMap(([key, value]) => {
    const problem = problemOf(key, value);
    return problem === undefined ? [] : [{ key, problem }];
  });
}

function problemOf(key: string, value: string | number | boolean): string | undefined {
  const meant = ignored[key];
  if (meant !== undefined) return `PhOS ignores this name without a word; its reader expects ${meant}`;
  if (!known.some((each) => each === key)) return `PhOS would ignore it without a word; its reader knows ${known.join(", ")}`;
  if (key === "runtime_target" && value !== "cuda") return "only cuda can be built";
  if (key === "runtime_target_version" && String(value) !== "11.3") return "PhOS generates code for CUDA 11.3 only";
  if (Object.hasOwn(requiredConfig, key) && !isOn(value)) return "PhOS says what it has done with this logger; a run could not be judged";
  if (typeof value === "string" && !/^[A-Za-z0-9._/-]+$/.test(value)) return "must be a plain word or path";
  if (key.endsWith("_log_path") && !String(value).startsWith("/")) return "must be an absolute path";
  return undefined;
}

/** The file with these keys set, all others as they were. Applied to its own result it changes nothing. */
export function setBuildConfig(text: string, config: BuildConfig): { readonly text: string } | { readonly problem: string } {
  if (!/^\s*runtime_target\s*:/m.test(text)) return { problem: 'no "runtime_target:" in it; is this the main branch of PhOS?' };
  let edited = text.endsWith("\n") ? text : `${text}\n`;
  for (const [key, value] of Object.entries(config)) {
    const pattern = new RegExp(`^([ \\t]*)${key}[ \\t]*:.*$`, "m");
    const line = `${key}: ${written(value)}`;
    edited = pattern.test(edited) ? edited.replace(pattern, (_, indent: string) => `${indent}${line}`) : `${edited}${line}\n`;
  }
  return { text: edited };
}

/** What is not as wanted in the text of the file, in words. */
export function compareBuildConfig(text: string, config: BuildConfig): string[] {
  return Object.entries(config).flatMap(([key, value]) => {
    const found = new RegExp(`^[ \\t]*${key}[ \\t]*:[ \\t]*(.*?)[ \\t]*(?:#.*)?$`, "m").exec(text)?.[1]?.replace(/^"(.*)"$/, "$1");
    return found === written(value).replace(/^"(.*)"$/, "$1") ? [] : [`${key} is ${found ?? "not there"}, wanted ${written(value)}`];
  });
}

/** Switches are numbers in the file. */
function written(value: string | number | boolean): string {
  if (typeof value === "boolean") return value ? "1" : "0";
  return typeof value === "number" ? String(value) : `"${value}"`;
}

function isOn(value: string | number | boolean): boolean {
  return value === true || value === 1 || value === "1";
}
