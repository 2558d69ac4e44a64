import { gradCheck } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import type { Tensor } from '@receptive/tensor';
import { setBackend, tensor } from '@receptive/tensor';
import { describe, expect, test } from 'vitest';
import { makeInputs } from '../src/case.ts';
import { generators, randomCase } from '../src/random/index.ts';

setBackend(reference());

// Other cases in every run; a run is repeated with the seed that its output names.
const seed = Number(process.env['RECEPTIVE_SEED'] ?? Date.now() % 1_000_000);
const cases = 4;

const differentiable = Object.keys(generators).filter((name) => generators[name]!.nondifferentiable === undefined);

describe(`derivatives agree with central differences: random calls, RECEPTIVE_SEED=${seed}`, () => {
  test.each(differentiable)('%s', (name) => {
    for (let number = 0; number < cases; number++) {
      const { description, inputs, f } = randomCase(name, seed, number);
      const values = makeInputs(inputs, 'float64', `${name}/${seed}/${number}`);
      const tensors = values.map(({ data, shape, dtype }) => tensor(data, { shape, dtype }));
      const floats = tensors.filter(({ dtype }) => dtype === 'float64');
      // Indices and labels are no variables.
      const g = (...moved: Tensor[]): Tensor => {
        const rest = [...moved];
        return f(...tensors.map((own) => (own.dtype === 'float64' ? rest.shift()! : own)));
      };
      try {
        gradCheck(g, floats, { eps: 1e-5, tolerance: 1e-6 });
        // A second difference takes many evaluations: once is enough, for it is made of rules that are checked one by one.
        if (number === 0) gradCheck(g, floats, { eps: 1e-5, tolerance: 1e-5, second: true });
      } catch (error) {
        throw new Error(`${name}, case ${number} of seed ${seed}: ${description}`, { cause: error });
      }
    }
  });
});

test('a case depends on its name, its number and the seed', () => {
  const drawn = (seedOfCase: number, number: number): string => randomCase('conv2d', seedOfCase, number).description;
  expect(drawn(1, 0)).toBe(drawn(1, 0));
  expect(new Set([drawn(1, 0), drawn(1, 1), drawn(2, 0)]).size).toBe(3);
});
