import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { valueAndGrad } from '@receptive/autograd';
import type { Backend, TypedArray } from '@receptive/backend';
import { cpu } from '@receptive/backend-cpu';
import { reference } from '@receptive/backend/reference';
import { crossEntropy } from '@receptive/layers';
import { Rng, matmul, scope, tensor, withBackend } from '@receptive/tensor';
import { describe, expect, test } from 'vitest';
import { quickReference } from './float64.ts';
import { NARROWER, algorithms, computingBy, distance, givenTo, networks, placed, whole } from './networks.ts';
import type { Given, Network } from './networks.ts';

// What rounding makes of networks on the CPU, with each algorithm of convolution, against float64. Writes docs/accuracy.md.

/** Set, networks are computed at full size as well, which takes minutes. */
const isFull = process.env['RECEPTIVE_FULL'] !== undefined;

/** Largest errors of logits and of gradients, as shares of the largest of them: what is promised. */
const PROMISED = { logits: 2e-5, gradients: 1e-4 };

/** A network's logits, and the gradients of all its parameters for a loss. */
interface Computed {
  readonly logits: TypedArray;
  readonly gradients: readonly TypedArray[];
}

function compute(network: Network, given: Given, backend: Backend, dtype: 'float32' | 'float64'): Computed {
  const { model, x } = placed(network, given, backend, dtype);
  return withBackend(backend, () =>
    scope(() => {
      const classes = Array.from({ length: network.images[0] }, (_, i) => i % network.classes);
      const labels = tensor(classes, { dtype: 'int32' });
      let logits: TypedArray | undefined;
      const [, gradients] = valueAndGrad(() => {
        const y = model.forward(x);
        logits = y.dataSync();
        return crossEntropy(y, labels);
      }, model.parameters());
      return { logits: logits!, gradients: gradients.map((gradient) => gradient.dataSync()) };
    }),
  );
}

/** Errors of one network by one algorithm: of the logits, and the largest of all gradients'. */
type Errors = Readonly<Record<keyof typeof PROMISED, number>>;

const measured = new Map<string, readonly Errors[]>();

describe.each(networks(2))('$name, against float64', (network) => {
  test('computes logits and the gradients of all parameters', { timeout: 60_000 }, async () => {
    const given = givenTo(network);
    const want = compute(network, given, quickReference(), 'float64');
    const errors: Errors[] = [];
    for (const algorithm of algorithms) {
      const backend = await cpu();
      const got = compute(network, given, computingBy(backend, algorithm), 'float32');
      backend.dispose();
      const gradients = got.gradients.map((gradient, i) => distance(gradient, want.gradients[i]!));
      const [logits, worst] = [distance(got.logits, want.logits), Math.max(...gradients)];
      expect(logits, algorithm).toBeLessThan(PROMISED.logits);
      expect(worst, `${algorithm}, ${given.parameters[gradients.indexOf(worst)]!.name}`).toBeLessThan(
        PROMISED.gradients,
      );
      errors.push({ logits, gradients: worst });
    }
    measured.set(network.name, errors);
  });
});

const path = join(import.meta.dirname, '../../../docs/accuracy.md');
const there = existsSync(path) ? readFileSync(path, 'utf8') : '';
/** Rows of the table of whole networks: those that are measured now, or else those that are there. */
const wholeRows = new Map(
  whole.map(({ name }) => [name, there.split('## At full size')[1]?.split('\n').find((row) => row.startsWith(`| ${name} |`))]), // prettier-ignore
);

const number = (value: number): string => value.toExponential(1);
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

describe.each(whole)('$name at full size, against float64', (network) => {
  test('computes logits', { timeout: 600_000 }, async ({ skip }) => {
    skip(!isFull, 'float64 takes minutes; RECEPTIVE_FULL=1 runs it');
    const given = givenTo(network);
    const logitsOn = (backend: Backend, dtype: 'float32' | 'float64'): TypedArray => {
      const { model, x } = placed(network, given, backend, dtype);
      return withBackend(backend, () => scope(() => model.forward(x).dataSync()));
    };
    const want = logitsOn(quickReference(), 'float64');
    const errors: number[] = [];
    for (const algorithm of algorithms) {
      const backend = await cpu();
      errors.push(distance(logitsOn(computingBy(backend, algorithm), 'float32'), want));
      backend.dispose();
    }
    expect(Math.max(...errors)).toBeLessThan(PROMISED.logits);
    wholeRows.set(network.name, row([network.name, ...errors.map(number)]));
  });
});

function page(): string {
  const head = (cells: readonly string[]): string => `${row(cells)}\n|${'---|'.repeat(cells.length)}`;
  const names = algorithms.map((name) => `\`${name}\``);
  const rows = [...measured].map(([name, errors]) =>
    row([name, ...errors.map(({ logits, gradients }) => `${number(logits)} / ${number(gradients)}`)]),
  );
  return `# Accuracy

What the CPU backends compute in float32 is compared with the same in float64, by the reference. The largest error of an element, as a share of the largest element there is, stays
below

- **${PROMISED.logits.toExponential()}** for the logits of every network of the zoo, and
- **${PROMISED.gradients.toExponential()}** for the gradients of every parameter,

whatever the algorithm of its convolutions ([convolution-algorithms.md](convolution-algorithms.md)), with weights drawn as He et al. do and normal images. What is not finite, in
images, weights or on the way, comes out where and as it does in the reference. Where rounding decides which of two nearly equal numbers is larger, or whether one is above 0,
the gradient of ReLU and of max pooling goes the other way, and no bound holds for it; none of the networks below meets that.

## Logits and gradients

The errors of logits / of the parameter whose gradient has the largest. LeNet-5 is whole. The others have one in
${NARROWER} of their filters and hidden units, and images of 64 to 131.

${head(['network', ...names])}
${rows.join('\n')}

## At full size

The errors of the logits of whole networks, of one image. They are measured on demand, for float64 takes minutes:
\`RECEPTIVE_FULL=1 npx -y pnpm@12.21.0 test --project @receptive/zoo -u\`.

${head(['network', ...names])}
${[...wholeRows.values()].filter(Boolean).join('\n')}

Made by \`packages/zoo/test/accuracy.test.ts\`, which fails where a number is out by more than a factor of ${SLACK} or anything else has changed;
\`npx -y pnpm@12.21.0 test --project @receptive/zoo -u\` writes it anew.
`;
}

/** By what factor a largest error may differ: engines fuse multiplications and additions, or do not. */
const SLACK = 4;
const NUMBERS = /\d\.\de[+-]\d+/g;

/** Whether two pages are the same but for numbers, and these about equal. */
function areAlike(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => text.match(NUMBERS)?.map(Number) ?? []) as [number[], number[]];
  const near = left.every((value, i) => value <= SLACK * right[i]! && right[i]! <= SLACK * value);
  return near && a.replace(NUMBERS, '') === b.replace(NUMBERS, '');
}

test('docs/accuracy.md says what is measured', async ({ skip }) => {
  skip(measured.size < networks(2).length, 'not all networks were computed');
  const made = page();
  await expect(areAlike(made, there) ? there : made).toMatchFileSnapshot(path);
});

test.each([
  [[2, 1, 5, 7], [3, 7, 600], false, false],
  [[7, 6], [9, 7], true, true],
  [[3, 4, 2], [4, 9], true, false],
])('the quick reference multiplies as the reference does: %o %o', (left, right, transposeA, transposeB) => {
  const [quick, plain] = [quickReference(), reference()].map((backend) =>
    withBackend(backend, () => {
      const [a, b] = [left, right].map((shape, i) => new Rng(i).normal(shape).cast('float64'));
      return matmul(a!, b!, { transposeA, transposeB }).dataSync();
    }),
  );
  expect(distance(quick!, plain!)).toBeLessThan(1e-14);
});
