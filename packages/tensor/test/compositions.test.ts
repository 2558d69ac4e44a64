import type { ConvGeometry, Window } from '@receptive/backend';
import { windowOutput } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import {
  Buffer,
  Parameter,
  adamStep,
  avgPool,
  avgPoolGradient,
  conv,
  convInputGradient,
  convWeightGradient,
  dispatch,
  logSoftmax,
  maxPoolGradient,
  ops,
  scope,
  setBackend,
  sgdStep,
  softmax,
  tensor,
} from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectClose, primitivesOnly, random, moved } from './harness.ts';

// A backend without optional kernels computes the same by the ops' default compositions. The oracle is the reference with its kernels.

const backend = reference();
setBackend(backend);
const primitives = primitivesOnly(backend);

/** Runs `f` on copies of the inputs on both backends, which share their storages, and compares all results. */
function agree(inputs: readonly Tensor[], f: (...inputs: Tensor[]) => readonly Tensor[]): void {
  scope(() => {
    const expected = f(...inputs);
    const actual = f(...inputs.map((input) => moved(primitives, input)));
    expect(actual).toHaveLength(expected.length);
    actual.forEach((result, i) => expectClose(result, expected[i]!));
  });
}

/** Windows over 1 to 3 axes that fit their input, with uneven padding; never one that sees padding alone. */
const windows = fc
  .integer({ min: 1, max: 3 })
  .chain((rank) =>
    fc.array(
      fc.record({
        kernel: fc.integer({ min: 1, max: 3 }),
        stride: fc.integer({ min: 1, max: 3 }),
        dilation: fc.integer({ min: 1, max: 2 }),
        before: fc.nat(1),
        after: fc.nat(1),
        extra: fc.nat(3),
      }),
      { minLength: rank, maxLength: rank },
    ),
  )
  .map((axes) => {
    const window: Window = {
      kernel: axes.map(({ kernel }) => kernel),
      stride: axes.map(({ stride }) => stride),
      dilation: axes.map(({ dilation }) => dilation),
      padding: axes.map(({ kernel, before, after }) => (kernel === 1 ? [0, 0] : [before, after])),
    };
    // As long as the window and some more, so that every window has a tap inside.
    return { window, spatial: axes.map(({ kernel, dilation, extra }) => dilation * (kernel - 1) + 1 + extra) };
  });

const channels = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  groups: fc.integer({ min: 1, max: 3 }),
  inputs: fc.integer({ min: 1, max: 2 }),
  outputs: fc.integer({ min: 1, max: 2 }),
});

test('convolution and its two gradients, with groups, stride, dilation and uneven padding', () => {
  fc.assert(
    fc.property(windows, channels, fc.boolean(), ({ window, spatial }, { batch, groups, inputs, outputs }, biased) => {
      const geometry: ConvGeometry = { ...window, groups };
      scope(() => {
        const x = random([batch, groups * inputs, ...spatial], 1);
        const weight = random([groups * outputs, inputs, ...window.kernel], 2);
        const bias = random([groups * outputs], 3);
        const gradient = random([batch, groups * outputs, ...windowOutput(spatial, window)], 4);
        agree([x, weight, bias], (a, w, b) => [conv(a, w, biased ? b : undefined, geometry)]);
        agree([gradient, weight], (g, w) => [convInputGradient(g, w, geometry, x.shape)]);
        agree([x, gradient], (a, g) => [convWeightGradient(a, g, geometry, weight.shape)]);
      });
    }),
    { numRuns: 60 },
  );
});

test('max pooling, its indices and its gradient', () => {
  fc.assert(
    fc.property(windows, fc.boolean(), ({ window, spatial }, ties) => {
      scope(() => {
        const smooth = random([2, 2, ...spatial]);
        // Whole numbers are equal often: the first index wins in both.
        const x = ties ? smooth.cast('int32').cast('float64') : smooth;
        agree([x], (a) => dispatch(ops.maxPool, [a], { window }));
        const [y, indices] = dispatch(ops.maxPool, [x], { window });
        agree([random(y.shape, 2), indices], (g, i) => [maxPoolGradient(g, i, window, x.shape)]);
      });
    }),
    { numRuns: 60 },
  );
});

test('max pooling lets NaN win, and padding never, below zero either', () => {
  const window = { kernel: [2], stride: [1], dilation: [1], padding: [[1, 1]] } as const;
  const x = tensor(Float64Array.of(-3, Number.NaN, -1, -2), { shape: [1, 1, 4] });
  const [y, indices] = dispatch(ops.maxPool, [moved(primitives, x)], { window });
  expect([...y.dataSync()]).toEqual([-3, Number.NaN, Number.NaN, -1, -2]);
  expect([...indices.dataSync()]).toEqual([0, 1, 1, 2, 3]);
});

test('average pooling and its gradient, counting the padding and not', () => {
  fc.assert(
    fc.property(windows, fc.boolean(), ({ window, spatial }, countPadding) => {
      scope(() => {
        const x = random([2, 2, ...spatial]);
        const gradient = random([2, 2, ...windowOutput(spatial, window)], 2);
        agree([x], (a) => [avgPool(a, { window, countPadding })]);
        agree([gradient], (g) => [avgPoolGradient(g, { window, countPadding }, x.shape)]);
      });
    }),
    { numRuns: 60 },
  );
});

test('softmax and its logarithm, along every axis, for large numbers too', () => {
  for (const axis of [0, 1, 2, -1]) {
    for (const scale of [1, 1000]) {
      agree([random([2, 3, 4])], (x) => [softmax(x.mul(scale), axis), logSoftmax(x.mul(scale), axis)]);
    }
  }
});

/** The next values of the variables after two steps. */
function afterTwoSteps(variables: Parameter[], step: (variables: Parameter[]) => void): Tensor[] {
  step(variables);
  step(variables);
  return variables.map((variable) => variable.value.clone());
}

const held = (value: Tensor): Parameter => {
  const variable = new Parameter(value.shape, () => value);
  variable.assign(value);
  return variable;
};

test.each([
  { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false },
  { momentum: 0.9, dampening: 0, weightDecay: 0, nesterov: false },
  { momentum: 0.9, dampening: 0.5, weightDecay: 0.01, nesterov: false },
  { momentum: 0.9, dampening: 0, weightDecay: 0.01, nesterov: true },
])('a step of SGD %o', (options) => {
  agree([random([5], 1), random([5], 2), random([5], 3)], (p, g, v) =>
    afterTwoSteps([p, v].map(held), ([parameter, velocity]) =>
      sgdStep(parameter!, g, options.momentum === 0 ? undefined : velocity, { lr: 0.1, ...options }),
    ),
  );
});

test.each([
  { weightDecay: 0, decoupled: false, step: 1 },
  { weightDecay: 0.1, decoupled: false, step: 7 },
  { weightDecay: 0.1, decoupled: true, step: 7 },
])('a step of Adam %o', (options) => {
  agree([random([5], 1), random([5], 2), random([5], 3), random([5], 4).square()], (p, g, m, v) =>
    afterTwoSteps([p, m, v].map(held), ([parameter, mean, variance]) =>
      adamStep(parameter!, g, mean!, variance!, { lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8, ...options }),
    ),
  );
});

test('a buffer is moved by a composition as a parameter is', () => {
  setBackend(primitives);
  const [w, v] = [new Parameter([1], () => tensor([1])), new Buffer([1], () => tensor([2]))];
  sgdStep(w, tensor([4]), v, { lr: 0.5, momentum: 0.5, dampening: 0, weightDecay: 0, nesterov: false });
  // v = 0.5 * 2 + 4 = 5, w = 1 - 0.5 * 5.
  expect([v.value.dataSync()[0], w.value.dataSync()[0]]).toEqual([5, -1.5]);
  setBackend(backend);
});
