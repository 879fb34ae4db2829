/** Headers of the Linux modules: the storage node's side of what the managers have in Kconfig (facts: LegoOS §3, module headers). */

export const fitConfigFile = "linux-modules/fit/fit_config.h";

export const storageConfigFile = "linux-modules/storage/CONFIG_LEGO_STORAGE.h";

export interface FitConfig {
  readonly localId: number;
  readonly nrNodes: number;
  readonly firstQpn: number;
  readonly qpsPerPair: number;
}

const defines = [
  ["CONFIG_FIT_LOCAL_ID", "localId"],
  ["CONFIG_FIT_NR_NODES", "nrNodes"],
  ["CONFIG_FIT_FIRST_QPN", "firstQpn"],
  ["CONFIG_FIT_NR_QPS_PER_PAIR", "qpsPerPair"],
] as const;

/** Sets the four numbers and leaves everything else as it is. */
export function setFitConfig(text: string, wanted: FitConfig): { readonly text: string } | { readonly problem: string } {
  let edited = text;
  for (const [name, key] of defines) {
    const pattern = definition(name);
    if (!pattern.test(edited)) return { problem: `no "#define ${name}"; is this the master branch of LegoOS?` };
    edited = edited.replace(pattern, (_, head: string) => `${head}${wanted[key]}`);
  }
  return { text: edited };
}

/** What is wrong in the text of a fit_config.h, in words. */
export function compareFitConfig(text: string, wanted: FitConfig): string[] {
  const wrong = defines.flatMap(([name, key]) => {
    const value = definition(name).exec(text)?.[2]?.replace(/[()]/g, "");
    return value === String(wanted[key]) ? [] : [`${name} is ${value ?? "not there"}, wanted ${wanted[key]}`];
  });
  if (isDefined(text, "CONFIG_SOCKET_O_IB"))
    wrong.push("CONFIG_SOCKET_O_IB is on; the managers are built without it and would not connect");
  return wrong;
}

/** What is wrong in the text of the storage module's CONFIG_LEGO_STORAGE.h, in words. */
export function compareStorageConfig(text: string): string[] {
  return isDefined(text, "STORAGE_BYPASS_PAGE_CACHE") ? ["STORAGE_BYPASS_PAGE_CACHE is on: insmod storage.ko would never return"] : [];
}

function isDefined(text: string, name: string): boolean {
  return new RegExp(`^[ \\t]*#[ \\t]*define[ \\t]+${name}\\b`, "m").test(text);
}

function definition(name: string): RegExp {
  return new RegExp(`^([ \\t]*#[ \\t]*define[ \\t]+${name}[ \\t]+)(\\(?\\d+\\)?)`, "m");
}
