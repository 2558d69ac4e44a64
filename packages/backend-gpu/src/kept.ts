/** The latest of what was made for keys, as far as there is room: what was not used for longest goes first. */
export class Kept<K, V> {
  readonly #most: number;
  readonly #make: (key: K) => V;
  readonly #end: (value: V) => void;
  // A Map keeps the order in which it was filled: the oldest comes first.
  readonly #values = new Map<K, V>();

  /** `end` is called with what goes. */
  constructor(most: number, make: (key: K) => V, end: (value: V) => void = () => {}) {
    this.#most = most;
    this.#make = make;
    this.#end = end;
  }

  /** What is kept for `key`, or else is made for it now. */
  get(key: K): V {
    let value = this.#values.get(key);
    if (value === undefined) {
      value = this.#make(key);
      for (const [oldest, unused] of this.#values) {
        if (this.#values.size < this.#most) break;
        this.#values.delete(oldest);
        this.#end(unused);
      }
    } else {
      this.#values.delete(key);
    }
    this.#values.set(key, value);
    return value;
  }

  /** Ends all. */
  clear(): void {
    for (const value of this.#values.values()) this.#end(value);
    this.#values.clear();
  }
}
