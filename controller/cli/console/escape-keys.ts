/** What a person types on a console: bytes for the line, and `~` sequences at the start of a line for us. Pure. */

export type KeyAction = { readonly kind: "send"; readonly bytes: Uint8Array } | { readonly kind: "break" | "help" | "leave" };

const tilde = 0x7e;
const lineEnds = [0x0d, 0x0a];
const escapes: Readonly<Record<number, "break" | "help" | "leave">> = { [0x2e]: "leave", [0x62]: "break", [0x3f]: "help" };

/** As ssh does it: ~ counts after Enter (and at the very beginning); ~~ sends one ~; anything else after ~ sends both. */
export class EscapeKeys {
  #atLineStart = true;
  #escaped = false;

  push(bytes: Uint8Array): KeyAction[] {
    const actions: KeyAction[] = [];
    let plain: number[] = [];
    const act = (kind: "break" | "help" | "leave") => {
      if (plain.length > 0) actions.push({ kind: "send", bytes: Uint8Array.from(plain) });
      plain = [];
      actions.push({ kind });
    };
    for (const byte of bytes) {
      if (this.#escaped) {
        this.#escaped = false;
        // What is ours leaves the line as it was: at its start.
        const kind = escapes[byte];
        if (kind !== undefined) act(kind);
        else {
          plain.push(...(byte === tilde ? [tilde] : [tilde, byte]));
          this.#atLineStart = lineEnds.includes(byte);
        }
      } else if (byte === tilde && this.#atLineStart) this.#escaped = true;
      else {
        plain.push(byte);
        this.#atLineStart = lineEnds.includes(byte);
      }
    }
    if (plain.length > 0) actions.push({ kind: "send", bytes: Uint8Array.from(plain) });
    return actions;
  }
}
