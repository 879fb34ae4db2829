/** The BootLoader port over GRUB's files: grub.cfg is read, custom.cfg and grubenv are replaced all at once. */
import { readFile, stat } from "node:fs/promises";
import { replaceFile } from "../../../proto/base/durable-file.js";
import { InvalidArgumentError, NotFoundError, PermissionError, UnsupportedError } from "../../../proto/base/errors.js";
import type { BootEntry, BootLoader, BootMenu } from "../../ports/boot.js";
import { errnoOf, fileError } from "../file-errors.js";
import type { RootDirectory } from "../root-directory.js";
import { managedIds, putManaged, removeManaged } from "./custom-config.js";
import { GrubEnvironment } from "./grubenv.js";
import { defaultEntry, honoursNextEntry, parseMenu, sourcesCustomConfig } from "./menu.js";

/** Red Hat's and Debian's place. */
const usualDirectories = ["/boot/grub2", "/boot/grub"];
/** ">" would name a submenu, blanks would not survive grub-reboot. */
const idPattern = /^[A-Za-z0-9._+-]{1,100}$/;

interface GrubFiles {
  readonly directory: string;
  readonly grubConfig: string;
  readonly customConfig: string;
  readonly environment: GrubEnvironment;
}

export class GrubBootLoader implements BootLoader {
  readonly #root: RootDirectory;
  readonly #directory: string | undefined;
  /** Edits come one after the other: each reads what the one before wrote. */
  #lastEdit: Promise<unknown> = Promise.resolve();

  /** `directory`: of grub.cfg on the machine; undefined = found where distributions put it. */
  constructor(options: { root: RootDirectory; directory?: string | undefined }) {
    this.#root = options.root;
    this.#directory = options.directory;
  }

  async menu(): Promise<BootMenu> {
    return menuOf(await this.#read());
  }

  putEntry(entry: Omit<BootEntry, "managed">): Promise<BootMenu> {
    return this.#edit(async (files) => {
      validate(entry);
      if (!sourcesCustomConfig(files.grubConfig)) {
        throw new UnsupportedError(
          `${files.directory}/grub.cfg: does not read custom.cfg, so an entry there would never show; run grub2-mkconfig with 41_custom executable`,
        );
      }
      refuseForeign(files, entry.id);
      await this.#write(files.directory, "custom.cfg", putManaged(files.customConfig, entry));
    });
  }

  removeEntry(id: string): Promise<BootMenu> {
    return this.#edit(async (files) => {
      refuseForeign(files, id);
      if (!managedIds(files.customConfig).has(id)) return;
      // First the choice: a choice of what is no longer there would start whatever GRUB falls back to.
      if (files.environment.get("next_entry") === id) await this.#writeEnvironment(files, files.environment.without("next_entry"));
      await this.#write(files.directory, "custom.cfg", removeManaged(files.customConfig, id));
    });
  }

  bootOnce(id: string): Promise<BootMenu> {
    return this.#edit(async (files) => {
      if (id === "") {
        if (files.environment.get("next_entry") !== undefined) await this.#writeEnvironment(files, files.environment.without("next_entry"));
        return;
      }
      const { entries } = menuOf(files);
      if (!entries.some((entry) => entry.id === id || entry.title === id)) {
        throw new NotFoundError(`boot entry ${id}: there is none; entries: ${entries.map((entry) => entry.id).join(", ")}`, {
          facts: { entry: id },
        });
      }
      if (!honoursNextEntry(files.grubConfig)) {
        throw new UnsupportedError(
          `${files.directory}/grub.cfg: does not look at next_entry, so nothing can be chosen for one boot; set GRUB_DEFAULT=saved`,
        );
      }
      await this.#writeEnvironment(files, files.environment.with("next_entry", id));
    });
  }

  #edit(change: (files: GrubFiles) => Promise<void>): Promise<BootMenu> {
    const edited = this.#lastEdit.then(async () => {
      await change(await this.#read());
      return this.menu();
    });
    this.#lastEdit = edited.catch(() => undefined);
    return edited;
  }

  async #read(): Promise<GrubFiles> {
    const directory = await this.#findDirectory();
    const [grubConfig, customConfig, block] = await Promise.all([
      this.#contents(`${directory}/grub.cfg`),
      this.#contents(`${directory}/custom.cfg`),
      this.#contents(`${directory}/grubenv`),
    ]);
    const environment = block === undefined ? GrubEnvironment.empty : GrubEnvironment.decode(block);
    return {
      directory,
      grubConfig: grubConfig?.toString("latin1") ?? "",
      customConfig: customConfig?.toString("latin1") ?? "",
      environment,
    };
  }

  async #findDirectory(): Promise<string> {
    const candidates = this.#directory === undefined ? usualDirectories : [this.#directory];
    for (const candidate of candidates) {
      const found = await stat(await this.#root.resolve(`${candidate}/grub.cfg`)).catch(() => undefined);
      if (found !== undefined) return candidate;
    }
    throw new NotFoundError(`boot loader: no grub.cfg in ${candidates.join(" or ")}; name its directory in the agent's configuration`);
  }

  /** Undefined when there is no such file. */
  async #contents(path: string): Promise<Buffer | undefined> {
    const hostPath = await this.#root.resolve(path);
    try {
      return await readFile(hostPath);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw await fileError("read", path, hostPath, error);
    }
  }

  async #writeEnvironment(files: GrubFiles, environment: GrubEnvironment): Promise<void> {
    await this.#write(files.directory, "grubenv", environment.encode());
  }

  async #write(directory: string, name: string, contents: string | Uint8Array): Promise<void> {
    const path = `${directory}/${name}`;
    const hostPath = await this.#root.resolve(path);
    try {
      const mode = (await stat(hostPath).catch(() => undefined))?.mode ?? 0o644;
      await replaceFile(hostPath, typeof contents === "string" ? Buffer.from(contents, "latin1") : contents, { mode: mode & 0o777 });
    } catch (error) {
      throw await fileError("write", path, hostPath, error);
    }
  }
}

function menuOf(files: GrubFiles): BootMenu {
  const [grubConfig, customConfig] = [readable(files.grubConfig), readable(files.customConfig)];
  return {
    entries: parseMenu(grubConfig, customConfig),
    defaultEntry: defaultEntry(grubConfig, files.environment),
    nextEntry: files.environment.get("next_entry") ?? "",
  };
}

/** Texts are kept as latin-1 views of their bytes so that editing changes no byte; people read them as UTF-8. */
function readable(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}

function validate(entry: Omit<BootEntry, "managed">): void {
  if (!idPattern.test(entry.id)) {
    throw new InvalidArgumentError(
      `boot entry ${JSON.stringify(entry.id)}: an id is 1 to 100 letters, digits, dots, dashes, underscores or plus signs`,
    );
  }
  if (entry.title === "") throw new InvalidArgumentError(`boot entry ${entry.id}: give it a title`);
  if (!entry.kernel.startsWith("/")) {
    throw new InvalidArgumentError(`boot entry ${entry.id}: kernel ${JSON.stringify(entry.kernel)} is no absolute path`, {
      facts: { entry: entry.id },
    });
  }
}

/** Throws PermissionError for an entry somebody else wrote. */
function refuseForeign(files: GrubFiles, id: string): void {
  const foreign = menuOf(files).entries.some((entry) => entry.id === id && !entry.managed);
  if (foreign)
    throw new PermissionError(`boot entry ${id}: was not made by labd and is not touched; choose another id`, { facts: { entry: id } });
}
