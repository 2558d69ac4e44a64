// Stands in for vitest where there is none: declares the tests of the conformance suite and runs them, one after the other.
import { JestAsymmetricMatchers, JestChaiExpect, JestExtend, chai } from '@vitest/expect';

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);
/** The suite knows it by vitest's type; here, one of its many methods will do. */
export const expect = chai.expect as unknown as (value: unknown) => { toEqual(wanted: unknown): void };

interface Context {
  readonly skip: (reason: string) => never;
}
type Body = (context: Context) => Promise<void> | void;

class Skipped extends Error {}

const tests: { readonly name: string; readonly body: Body }[] = [];
const endings: (() => Promise<void> | void)[] = [];
let declared: Promise<void> | void;

export function describe(_name: string, declare: () => Promise<void> | void): void {
  declared = declare();
}

export function it(name: string, body: Body): void {
  tests.push({ name, body });
}

export function afterAll(end: () => Promise<void> | void): void {
  endings.push(end);
}

/** What became of the tests. */
export interface Outcome {
  readonly passed: number;
  readonly skipped: number;
  readonly failures: readonly { readonly name: string; readonly error: string }[];
}

/** Runs what was declared, and tells `watch` what is about to run. */
export async function runTests(watch: (line: string) => void): Promise<Outcome> {
  await declared;
  let [passed, skipped] = [0, 0];
  const failures: { name: string; error: string }[] = [];
  for (const [i, { name, body }] of tests.entries()) {
    watch(`Test ${i + 1} of ${tests.length}: ${name}`);
    try {
      await body({
        skip(reason) {
          throw new Skipped(reason);
        },
      });
      passed++;
    } catch (error) {
      if (error instanceof Skipped) skipped++;
      else failures.push({ name, error: error instanceof Error ? error.message : String(error) });
    }
  }
  for (const end of endings) await end();
  return { passed, skipped, failures };
}
