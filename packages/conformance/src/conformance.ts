import type { Backend } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import type { OpName } from '@receptive/tensor';
import { afterAll, describe } from 'vitest';
import { testBehaviour } from './behaviour.ts';
import { cases } from './cases/index.ts';
import { testKinks } from './kinks.ts';
import { testOp } from './op.ts';
import { generators } from './random/index.ts';
import { testFunction } from './random.ts';
import type { Skip } from './registry.ts';
import { Registry } from './registry.ts';

/** Options of {@link conformance}. */
export interface ConformanceOptions {
  /** Cases that the backend is known not to pass, with the reasons, which appear in the output. A skip that names no case is an error. */
  readonly skips?: readonly Skip[];
}

/**
 * Declares, for vitest, the suite that every backend must pass; call it at the top of a test file.
 *
 * Each op runs over a table of shapes, attributes, element types and special values, by the backend's own kernel and by the op's default composition, and is
 * compared with the float64 reference; so are the gradients. Each must give the same bits again, leave its inputs alone and free its memory. Besides, the
 * backend's memory, the order of its reads and writes, and its refusals are tried.
 *
 * @param name Names the backend in the output.
 * @param make Makes a fresh backend.
 */
export function conformance(
  name: string,
  make: () => Promise<Backend> | Backend,
  { skips = [] }: ConformanceOptions = {},
): void {
  describe(`conformance of ${name}`, async () => {
    const backend = await make();
    afterAll(() => backend.dispose());
    const oracle = reference();
    const registry = new Registry(skips);
    testBehaviour(registry, backend, make);
    for (const op of Object.keys(cases) as OpName[]) testOp(registry, op, backend, oracle);
    for (const each of Object.keys(generators)) testFunction(registry, each, backend, oracle);
    testKinks(registry, backend);
    registry.finish();
  });
}
