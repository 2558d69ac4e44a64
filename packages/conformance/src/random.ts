import type { Backend } from '@receptive/backend';
import { makeInputs } from './case.ts';
import { testComputation } from './compare.ts';
import type { Aspect } from './derivatives.ts';
import { aspectOf } from './derivatives.ts';
import { dtypesOf } from './op.ts';
import { generators, randomCase } from './random/index.ts';
import type { Registry } from './registry.ts';
import { gradientTolerance } from './tolerance.ts';

/** Cases of each function; the same for all backends and in every run. */
const count = 3;

/** Declares the tests of one function of the catalogue: random calls, and their derivatives. */
export function testFunction(registry: Registry, name: string, backend: Backend, oracle: Backend): void {
  const test = registry.group(name);
  const { nondifferentiable } = generators[name]!;
  for (let number = 0; number < count; number++) {
    const { inputs, f, tolerance } = randomCase(name, 0, number);
    for (const dtype of dtypesOf({ inputs, attributes: undefined }, backend)) {
      const values = makeInputs(inputs, dtype, `${name}/${number}`);
      const check = (label: string, aspect: Aspect): void => {
        const within = aspect === 'forward' ? tolerance : gradientTolerance(tolerance);
        const run = aspectOf(aspect, (...tensors) => [f(...tensors)]);
        test(
          `random case ${number}, ${dtype}${label}`,
          () => testComputation(backend, oracle, run, values, within),
          aspect,
        );
      };
      check('', 'forward');
      if (nondifferentiable !== undefined) continue;
      check(', gradient', 'backward');
      if (number === 0) check(', second derivative', 'second');
    }
  }
}
