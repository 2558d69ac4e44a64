import { it } from 'vitest';
import type { Aspect } from './derivatives.ts';

/** A case, or a group of cases, that is not run. */
export interface Skip {
  /** As the output names it: `conv: two groups, float32`, or `conv` for all of them. */
  readonly case: string;
  /** Why, for whoever reads the output. */
  readonly reason: string;
}

/** Declares one test of a group; of a function's test, what of it is tested. */
export type Declare = (name: string, body: () => Promise<void> | void, aspect?: Aspect) => void;

/** One test, as it was declared. */
export interface Declared {
  readonly group: string;
  readonly name: string;
  readonly aspect: Aspect | undefined;
  readonly body: () => Promise<void> | void;
  /** Why it is not run, if it is not. */
  readonly skipped: string | undefined;
}

/** Tells vitest. */
function toVitest({ group, name, body, skipped }: Declared): void {
  // In the name for those who read the list of tests, as vitest's note for reporters.
  const note = skipped === undefined ? '' : ` (skipped: ${skipped})`;
  it(`${group}: ${name}${note}`, skipped === undefined ? body : ({ skip }) => skip(skipped));
}

/** Declares tests, and keeps account of the skips. */
export class Registry {
  readonly #skips: ReadonlyMap<string, string>;
  readonly #unmet: Set<string>;
  readonly #declare: (test: Declared) => void;

  constructor(skips: readonly Skip[], declare: (test: Declared) => void = toVitest) {
    this.#skips = new Map(skips.map((skip) => [skip.case, skip.reason]));
    this.#unmet = new Set(this.#skips.keys());
    this.#declare = declare;
  }

  /** What declares the tests of `group`. */
  group(group: string): Declare {
    return (name, body, aspect) => {
      const key = [group, `${group}: ${name}`].find((candidate) => this.#skips.has(candidate));
      if (key !== undefined) this.#unmet.delete(key);
      this.#declare({ group, name, aspect, body, skipped: key === undefined ? undefined : this.#skips.get(key) });
    };
  }

  /** Declares, after all others, the test that each skip has met its case: one that has not hides that the case is gone, or was misspelt. */
  finish(): void {
    const unmet = [...this.#unmet].map((name) => JSON.stringify(name));
    this.group('skips')('each names a group or a case', () => {
      if (unmet.length > 0) {
        throw new Error(`no group or case is called ${unmet.join(', ')}. Correct the name, or remove the skip.`);
      }
    });
  }
}
