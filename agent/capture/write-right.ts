/** Who may write on a console: one at a time; whoever takes the right away is told to the one who had it. */
import { ConflictError } from "../../proto/base/errors.js";

export interface Holding {
  readonly who: string;
  /** Who had the right before, "" when nobody. */
  readonly displaced: string;
  /** Resolves with who took it away; stays open when it is released. */
  readonly lost: Promise<string>;
  /** False once released or taken away. */
  readonly held: boolean;
  /** Gives the right back. Idempotent. */
  release(): void;
}

export class WriteRight {
  readonly #console: string;
  #holder: { readonly holding: Holding; readonly lose: (taker: string) => void } | undefined;

  constructor(console: string) {
    this.#console = console;
  }

  /** Who holds it, "" when nobody. */
  get writer(): string {
    return this.#holder?.holding.who ?? "";
  }

  /** Throws ConflictError when somebody holds it and `steal` is not set. */
  take(who: string, options: { steal: boolean }): Holding {
    const former = this.#holder;
    if (former !== undefined && !options.steal) {
      const holder = former.holding.who;
      throw new ConflictError(`console ${this.#console}: ${holder} is writing; ask, wait, or steal the right to write`, {
        facts: { console: this.#console, holder },
      });
    }
    let lose = (_taker: string) => {};
    const lost = new Promise<string>((resolve) => {
      lose = resolve;
    });
    const holds = () => this.#holder?.holding === holding;
    const holding: Holding = {
      who,
      displaced: former?.holding.who ?? "",
      lost,
      get held() {
        return holds();
      },
      release: () => {
        if (holds()) this.#holder = undefined;
      },
    };
    this.#holder = { holding, lose };
    former?.lose(who);
    return holding;
  }
}
