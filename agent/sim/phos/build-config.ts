/** build_configs.yaml as its reader takes it: names it does not know are ignored without a word (facts: PhOS §2). */

const defaults: Readonly<Record<string, string>> = {
  runtime_target: "cuda",
  runtime_target_version: "11.3",
  runtime_default_daemon_log_path: "/var/log/phos/daemon",
  runtime_default_client_log_path: "/var/log/phos/client",
  eval_ckpt_opt_level: "2",
  eval_ckpt_enable_incremental: "0",
  eval_ckpt_interval_ms: "0",
  migr_interval_ms: "0",
};

export function effectiveConfig(text: string): Record<string, string> {
  const config = { ...defaults };
  for (const [, key = "", value = ""] of text.matchAll(/^[ \t]*(\w+)[ \t]*:[ \t]*(.*?)[ \t]*$/gm))
    if (key in defaults) config[key] = value.replace(/^"(.*)"$/, "$1");
  return config;
}
