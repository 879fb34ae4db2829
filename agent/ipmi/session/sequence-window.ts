/** Which session sequence numbers were seen: a replayed or duplicated packet is refused, a late one within the window is not (IPMI v2.0 §6.12.13). */

/** The specification asks for 16; networks that reorder more are welcome too. */
const windowSize = 32;

export class SequenceWindow {
  #highest = 0;
  /** Bit n: `#highest` - n was seen. */
  #seen = 0;

  /** True when `sequence` is new: remember it and use its packet. Ask only about packets that proved authentic. 0 is never valid. */
  accept(sequence: number): boolean {
    if (sequence === 0) return false;
    const ahead = sequence - this.#highest;
    if (ahead > 0) {
      this.#seen = ahead >= windowSize ? 1 : ((this.#seen << ahead) | 1) >>> 0;
      this.#highest = sequence;
      return true;
    }
    const bit = -ahead >= windowSize ? 0 : (1 << -ahead) >>> 0;
    if (bit === 0 || (this.#seen & bit) !== 0) return false;
    this.#seen = (this.#seen | bit) >>> 0;
    return true;
  }
}
