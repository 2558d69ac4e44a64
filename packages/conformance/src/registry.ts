import { it } from 'vitest';

/** A case, or a group of cases, that is not run. */
export interface Skip {
  /** As the output names it: `conv: two groups, float32`, or `conv` for all of them. */
  readonly case: string;
  /** Why, for whoever reads the output. */
  readonly reason: string;
}

/** Declares one test of a group. */
export type Declare = (name: string, body: () => Promise<void> | void) => void;

/** Declares tests, and keeps account of the skips. */
export class Registry {
  readonly #skips: ReadonlyMap<string, string>;
  readonly #unmet: Set<string>;

  constructor(skips: readonly Skip[]) {
    this.#skips = new Map(skips.map((skip) => [skip.case, skip.reason]));
    this.#unmet = new Set(this.#skips.keys());
  }

  /** What declares the tests of `group`. */
  group(group: string): Declare {
    return (name, body) => {
      const key = [group, `${group}: ${name}`].find((candidate) => this.#skips.has(candidate));
      const reason = key === undefined ? undefined : this.#skips.get(key);
      if (key !== undefined) this.#unmet.delete(key);
      // In the name for those who read the list of tests, as vitest's note for reporters.
      const note = reason === undefined ? '' : ` (skipped: ${reason})`;
      it(`${group}: ${name}${note}`, reason === undefined ? body : ({ skip }) => skip(reason));
    };
  }

  /** Declares, after all others, the test that each skip has met its case: one that has not hides that the case is gone, or was misspelt. */
  finish(): void {
    const unmet = [...this.#unmet].map((name) => JSON.stringify(name));
    it('skips: each names a group or a case', () => {
      if (unmet.length > 0) {
        throw new Error(`no group or case is called ${unmet.join(', ')}. Correct the name, or remove the skip.`);
      }
    });
  }
}
