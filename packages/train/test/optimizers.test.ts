import { dtypeOf } from '@receptive/backend';
import type { Backend, OptionalKernels, TypedArray } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import type { StateArray } from '@receptive/layers';
import { Parameter, setBackend, tensor, withBackend } from '@receptive/tensor';
import { adadelta, adagrad, adam, adamW, nadam, rmsprop, sgd } from '@receptive/train';
import type { OptimizerRecipe } from '@receptive/train';
import { beforeEach, describe, expect, test } from 'vitest';

beforeEach(() => setBackend(reference()));

const float64 = (values: readonly number[]) => tensor(Float64Array.from(values));

/** A parameter's values after each step of an optimiser that is given these gradients. */
function run(recipe: OptimizerRecipe, start: readonly number[], gradients: readonly (readonly number[])[]): number[][] {
  const parameter = new Parameter([start.length], () => float64(start));
  const optimizer = recipe.bind(new Map([['p', parameter]]));
  return gradients.map((gradient) => {
    optimizer.step([float64(gradient)]);
    return [...parameter.value.dataSync()];
  });
}

// What the methods divide by, in the steps of the hand-made examples: mean squares with a share of a half are 1/2, 3/4 and 19/8.
const roots = [Math.sqrt(1 / 2), Math.sqrt(3 / 4), Math.sqrt(19 / 8)] as const;
/** p = 1, less these, one after another. */
const less = (a: number, b: number, c: number): [number, number, number] => [1 - a, 1 - a - b, 1 - a - b - c];
// AdaDelta's steps with eps = 1, each larger by what the last ones were: u is 0, d1^2 / 2, d1^2 / 4 + d2^2 / 2.
const d1 = 1 / Math.sqrt(1.5);
const d2 = -Math.sqrt(1 + d1 ** 2 / 2) / Math.sqrt(1.75);
const d3 = (2 * Math.sqrt(1 + d1 ** 2 / 4 + d2 ** 2 / 2)) / Math.sqrt(3.375);
// RMSProp's velocities with eps = 1.
const v1 = 1 / (roots[0] + 1);
const v2 = v1 / 2 - 1 / (roots[1] + 1);
const v3 = v2 / 2 + 2 / (roots[2] + 1);

/** By hand: p starts at 1, the gradients are 1, -1, 2. */
const variants: [name: string, recipe: OptimizerRecipe, values: [number, number, number]][] = [
  ['plain', sgd({ lr: 0.1 }), [0.9, 1, 0.8]],
  // g + p / 2: 1.5, -0.575, 2.45375
  ['weight decay', sgd({ lr: 0.1, weightDecay: 0.5 }), [0.85, 0.9075, 0.662125]],
  // v: 1, -0.1, 1.91
  ['momentum', sgd({ lr: 0.1, momentum: 0.9 }), [0.9, 0.91, 0.719]],
  // v: 1 (the first is not dampened), 0.9 - 0.5 = 0.4, 0.36 + 1 = 1.36
  ['dampening', sgd({ lr: 0.1, momentum: 0.9, dampening: 0.5 }), [0.9, 0.86, 0.724]],
  // v as with momentum; g + 0.9 v: 1.9, -1.09, 3.719
  ['nesterov', sgd({ lr: 0.1, momentum: 0.9, nesterov: true }), [0.81, 0.919, 0.5471]],
  // g + p / 2: 1.5, -0.575, ...; v: 1.5, 0.775, 0.6975 + 2 + 0.38625
  ['momentum and weight decay', sgd({ lr: 0.1, momentum: 0.9, weightDecay: 0.5 }), [0.85, 0.7725, 0.464125]],
  // m: 1/2, -1/4, 7/8; v: 1/2, 3/4, 19/8; unbiased by 1/2, 3/4, 7/8: m 1, -1/3, 1; v 1, 1, 19/7
  [
    'adam',
    adam({ lr: 0.1, betas: [0.5, 0.5], eps: 1 }),
    [0.95, 0.95 + 0.1 / 6, 0.95 + 0.1 / 6 - 0.1 / (Math.sqrt(19 / 7) + 1)],
  ],
  // Before each of Adam's steps, p shrinks by a twentieth.
  [
    'adamW',
    adamW({ lr: 0.1, betas: [0.5, 0.5], eps: 1, weightDecay: 0.5 }),
    [0.9, 0.855 + 0.1 / 6, 0.95 * (0.855 + 0.1 / 6) - 0.1 / (Math.sqrt(19 / 7) + 1)],
  ],
  // With betas of 0 a step is lr * g / (|g| + eps), where g has p / 2 added: 1.5, -1 + 0.47 = -0.53, 2 + 0.487...
  [
    'adam with weight decay',
    adam({ lr: 0.1, betas: [0, 0], eps: 1, weightDecay: 0.5 }),
    [0.94, 0.94 + 0.053 / 1.53, 0.94 + 0.053 / 1.53 - (0.1 * (2.47 + 0.0265 / 1.53)) / (3.47 + 0.0265 / 1.53)],
  ],
  // s: 1, 2, 6
  ['adagrad', adagrad({ lr: 0.1, eps: 1e-30 }), less(0.1, -0.1 / Math.sqrt(2), 0.2 / Math.sqrt(6))],
  // s begins at 3: 4, 5, 9; the learning rate is 0.1, 0.1 / 2, 0.1 / 3
  [
    'adagrad, decaying',
    adagrad({ lr: 0.1, lrDecay: 1, initialAccumulatorValue: 3, eps: 1 }),
    less(0.1 / 3, -0.05 / (Math.sqrt(5) + 1), 0.2 / 3 / 4),
  ],
  // With an alpha of 0 a step is lr * g / (|g| + eps), as Adam's with betas of 0: g is 1.5, -0.53, 2.487...
  [
    'rmsprop with weight decay',
    rmsprop({ lr: 0.1, alpha: 0, eps: 1, weightDecay: 0.5 }),
    less(0.06, -0.053 / 1.53, (0.1 * (2.47 + 0.0265 / 1.53)) / (3.47 + 0.0265 / 1.53)),
  ],
  [
    'rmsprop',
    rmsprop({ lr: 0.1, alpha: 0.5, eps: 1 }),
    less(0.1 / (roots[0] + 1), -0.1 / (roots[1] + 1), 0.2 / (roots[2] + 1)),
  ],
  [
    'rmsprop with momentum',
    rmsprop({ lr: 0.1, alpha: 0.5, eps: 1, momentum: 0.5 }),
    less(0.1 * v1, 0.1 * v2, 0.1 * v3),
  ],
  // The means are 1/2, -1/4, 7/8: the variances 1/2 - 1/4, 3/4 - 1/16, 19/8 - 49/64
  [
    'rmsprop, centered',
    rmsprop({ lr: 0.1, alpha: 0.5, eps: 1, centered: true }),
    less(0.1 / 1.5, -0.1 / (Math.sqrt(11 / 16) + 1), 0.2 / (Math.sqrt(103 / 64) + 1)),
  ],
  ['adadelta', adadelta({ rho: 0.5, eps: 1 }), less(d1, d2, d3)],
  // mu is 1/4 for good: the products are 1/4, 1/16, 1/64, 1/256. m and v as Adam's above.
  [
    'nadam',
    nadam({ lr: 0.1, betas: [0.5, 0.5], eps: 1, momentumDecay: 0 }),
    less(
      (0.1 * (0.25 * (1 / 2 / (15 / 16)) + 0.75 / (3 / 4))) / 2,
      (0.1 * (0.25 * (-1 / 4 / (63 / 64)) - 0.75 / (15 / 16))) / 2,
      (0.1 * (0.25 * (7 / 8 / (255 / 256)) + (2 * 0.75) / (63 / 64))) / (Math.sqrt(19 / 7) + 1),
    ),
  ],
];

describe('three steps by hand', () => {
  test.each(variants)('%s', (_, recipe, values) => {
    const got = run(recipe, [1], [[1], [-1], [2]]).flat();
    got.forEach((value, i) => expect(value).toBeCloseTo(values[i]!, 12));
  });

  test.each(variants)('%s: the fused kernel does what the composition does', (_, recipe) => {
    const { kernels, ...rest } = reference();
    const without: Partial<OptionalKernels> = { ...kernels };
    delete without.sgdStep;
    delete without.adamStep;
    const composing = { ...rest, kernels: without } as Backend;
    const steps = () =>
      run(
        recipe,
        [1, -2, 0.25],
        [
          [1, 0.5, 0],
          [-1, 3, 0.125],
          [2, -7, 1],
        ],
      ).flat();
    const composed = withBackend(composing, steps);
    steps().forEach((value, i) => expect(value).toBeCloseTo(composed[i]!, 12));
  });
});

test('nadam, over 500 steps, in which the momentum grows', () => {
  const [lr, beta1, beta2, psi] = [0.01, 0.9, 0.99, 0.05];
  const gradients = Array.from({ length: 500 }, (_, i) => [Math.sin(i) + 0.1]);
  let [p, m, v, product] = [1, 0, 0, 1];
  const wanted = gradients.map(([g], i) => {
    const mu = (t: number): number => beta1 * (1 - 0.5 * 0.96 ** (t * psi));
    m = beta1 * m + (1 - beta1) * g!;
    v = beta2 * v + (1 - beta2) * g! ** 2;
    product *= mu(i + 1);
    const ahead = (mu(i + 2) * m) / (1 - product * mu(i + 2)) + ((1 - mu(i + 1)) * g!) / (1 - product);
    p -= (lr * ahead) / (Math.sqrt(v / (1 - beta2 ** (i + 1))) + 1e-8);
    return p;
  });
  const got = run(nadam({ lr, betas: [beta1, beta2], momentumDecay: psi }), [1], gradients).flat();
  for (const i of [0, 1, 10, 100, 499]) expect(got[i]).toBeCloseTo(wanted[i]!, 10);
});

test('rmsprop, centered on gradients that never change, does not take the root of less than nothing', () => {
  // The rounding of the variance, which comes to 0, falls below it for some of these.
  const constant = Array.from({ length: 20 }, (_, i) => (i + 1) / 10);
  const recipe = rmsprop({ lr: 0.1, alpha: 0.5, centered: true });
  const values = run(
    recipe,
    constant,
    Array.from({ length: 80 }, () => constant),
  );
  expect(values.flat().every(Number.isFinite)).toBe(true);
});

const settings = (recipe: OptimizerRecipe) => recipe.bind(new Map()).settings;

test('the defaults are those of PyTorch', () => {
  expect(settings(sgd({ lr: 1 }))).toEqual({
    name: 'sgd',
    lr: 1,
    momentum: 0,
    dampening: 0,
    nesterov: false,
    weightDecay: 0,
    groups: [],
  });
  expect(settings(adam())).toEqual({
    name: 'adam',
    lr: 1e-3,
    betas: [0.9, 0.999],
    eps: 1e-8,
    weightDecay: 0,
    groups: [],
  });
  expect(settings(adamW())).toEqual({
    name: 'adamW',
    lr: 1e-3,
    betas: [0.9, 0.999],
    eps: 1e-8,
    weightDecay: 0.01,
    groups: [],
  });
  const adaptive = { weightDecay: 0, groups: [] };
  expect(settings(nadam())).toEqual({
    ...adaptive,
    name: 'nadam',
    lr: 2e-3,
    betas: [0.9, 0.999],
    eps: 1e-8,
    momentumDecay: 4e-3,
  });
  expect(settings(adagrad())).toEqual({
    ...adaptive,
    name: 'adagrad',
    lr: 1e-2,
    lrDecay: 0,
    initialAccumulatorValue: 0,
    eps: 1e-10,
  });
  expect(settings(rmsprop())).toEqual({
    ...adaptive,
    name: 'rmsprop',
    lr: 1e-2,
    alpha: 0.99,
    eps: 1e-8,
    momentum: 0,
    centered: false,
  });
  expect(settings(adadelta())).toEqual({ ...adaptive, name: 'adadelta', lr: 1, rho: 0.9, eps: 1e-6 });
});

test("a factor multiplies the learning rate, also that of adamW's decay", () => {
  const parameter = new Parameter([1], () => float64([1]));
  const optimizer = adamW({ lr: 0.2, betas: [0, 0], eps: 1, weightDecay: 0.5 }).bind(new Map([['p', parameter]]));
  optimizer.step([float64([1])], 0.5);
  expect(parameter.value.dataSync()[0]).toBeCloseTo(0.9, 12);
});

const model = () =>
  new Map([
    ['conv.weight', new Parameter([1], () => float64([1]))],
    ['conv.bias', new Parameter([1], () => float64([1]))],
  ]);

describe('parameter groups', () => {
  test('override hyperparameters for the parameters they choose; the first that fits counts', () => {
    const parameters = model();
    const recipe = sgd({
      lr: 0.1,
      momentum: 0.9,
      weightDecay: 1,
      groups: [
        { parameters: (name) => name.endsWith('bias'), weightDecay: 0, momentum: 0 },
        { parameters: (_, { shape }) => shape.length === 1, lr: 0.2 },
      ],
    });
    const optimizer = recipe.bind(parameters);
    optimizer.step([float64([1]), float64([1])]);
    expect(parameters.get('conv.weight')!.value.dataSync()[0]).toBeCloseTo(0.6, 12);
    expect(parameters.get('conv.bias')!.value.dataSync()[0]).toBeCloseTo(0.9, 12);
    expect([...optimizer.stateDict().keys()]).toEqual(['velocity/conv.weight']);
    expect(optimizer.settings).toMatchObject({
      groups: [
        { parameters: ['conv.bias'], lr: 0.1, weightDecay: 0 },
        { parameters: ['conv.weight'], lr: 0.2, weightDecay: 1 },
      ],
    });
  });

  test('that choose nothing are refused', () => {
    const recipe = adam({ groups: [{ parameters: (name) => name.endsWith('gamma'), weightDecay: 0 }] });
    expect(() => recipe.bind(model())).toThrow(/adam: group 0 chooses none of the parameters conv\.weight, conv\.bias/);
  });
});

test.each([
  [() => sgd({ lr: -1 }), /sgd: lr must be a finite number of at least 0, but is -1/],
  [() => sgd({ lr: NaN }), /lr must be/],
  [() => sgd({} as { lr: number }), /lr must be/],
  [() => sgd({ lr: 1, momentum: 1 }), /momentum must be a number from 0 up to, not including, 1, but is 1/],
  [() => sgd({ lr: 1, dampening: 2 }), /dampening must be/],
  [() => sgd({ lr: 1, weightDecay: Infinity }), /weightDecay must be/],
  [() => sgd({ lr: 1, nesterov: true }), /Nesterov's momentum needs momentum/],
  [() => sgd({ lr: 1, nesterov: true, momentum: 0.9, dampening: 0.1 }), /Nesterov's momentum needs momentum/],
  [() => adam({ lr: '1' as never }), /adam: lr must be/],
  [() => adam({ betas: [0.9, 1] }), /betas\[1\] must be/],
  [() => adam({ betas: 0.9 as never }), /betas must be two numbers/],
  [() => adamW({ eps: 0 }), /adamW: eps must be/],
  [() => adam({ groups: [{ parameters: () => true, lr: -1 }] }), /adam: lr must be/],
  [() => nadam({ betas: [1, 0.9] }), /nadam: betas\[0\] must be/],
  [() => nadam({ momentumDecay: -1 }), /nadam: momentumDecay must be/],
  [() => nadam({ eps: 0 }), /nadam: eps must be/],
  [() => adagrad({ lrDecay: -1 }), /adagrad: lrDecay must be/],
  [() => adagrad({ initialAccumulatorValue: NaN }), /adagrad: initialAccumulatorValue must be/],
  [() => adagrad({ eps: 0 }), /adagrad: eps must be/],
  [() => rmsprop({ alpha: 1 }), /rmsprop: alpha must be/],
  [() => rmsprop({ momentum: -0.1 }), /rmsprop: momentum must be/],
  [() => rmsprop({ eps: -1 }), /rmsprop: eps must be/],
  [() => adadelta({ rho: 1 }), /adadelta: rho must be/],
  [() => adadelta({ eps: 0 }), /adadelta: eps must be/],
])('%s is refused', (make, message) => {
  expect(make).toThrow(message);
});

const entry = (data: TypedArray) => ({ shape: [data.length], dtype: dtypeOf(data)!, data });

describe('state', () => {
  const gradients = [
    [1, 2],
    [-1, 0.5],
    [2, 1],
    [0.5, 0.25],
  ];

  test.each([
    ['sgd', sgd({ lr: 0.1, momentum: 0.9, dampening: 0.5 })],
    ['adam', adam({ lr: 0.1 })],
    ['nadam', nadam({ lr: 0.1 })],
    ['adagrad', adagrad({ lr: 0.1, lrDecay: 0.1 })],
    ['rmsprop', rmsprop({ lr: 0.1 })],
    ['rmsprop, centered, with momentum', rmsprop({ lr: 0.1, centered: true, momentum: 0.9 })],
    ['adadelta', adadelta()],
  ])('%s goes on from a saved state as if it had never stopped', (_, recipe) => {
    const make = (values: readonly number[]) => {
      const parameter = new Parameter([2], () => float64(values));
      return { parameter, optimizer: recipe.bind(new Map([['p', parameter]])) };
    };
    const first = make([1, 2]);
    gradients.slice(0, 2).forEach((gradient) => first.optimizer.step([float64(gradient)]));
    const saved = new Map(
      [...first.optimizer.stateDict()].map(([key, buffer]) => [key, entry(buffer.value.dataSync())]),
    );
    const second = make([...first.parameter.value.dataSync()]);
    second.optimizer.loadStateDict(saved, first.optimizer.steps);
    for (const { optimizer } of [first, second])
      gradients.slice(2).forEach((gradient) => optimizer.step([float64(gradient)]));
    expect([...second.parameter.value.dataSync()]).toEqual([...first.parameter.value.dataSync()]);
    expect(second.optimizer.steps).toBe(4);
  });

  test('of another optimiser is refused before anything changes', () => {
    const parameter = new Parameter([2], () => float64([1, 2]));
    const optimizer = sgd({ lr: 0.1, momentum: 0.9 }).bind(new Map([['p', parameter]]));
    optimizer.step([float64([3, 4])]);
    const good = entry(Float64Array.of(0, 0));
    const load = (entries: Record<string, StateArray>, steps = 1) =>
      optimizer.loadStateDict(new Map(Object.entries(entries)), steps);
    expect(() => load({})).toThrow(/has no velocity\/p/);
    expect(() => load({ 'velocity/p': entry(Float64Array.of(0)) })).toThrow(
      /as float64 of shape \[1\], but it must be float64 of shape \[2\]/,
    );
    expect(() => load({ 'velocity/p': entry(Float32Array.of(0, 0)) })).toThrow(/as float32 of shape/);
    expect(() => load({ 'velocity/p': good, 'mean/p': good })).toThrow(/has mean\/p, which/);
    expect(() => load({ 'velocity/p': good }, -1)).toThrow(/counts -1 steps/);
    expect([...optimizer.stateDict().get('velocity/p')!.value.dataSync()]).toEqual([3, 4]);
  });

  test('moves to another backend and is freed', async () => {
    const [from, to] = [reference(), reference()];
    const parameter = new Parameter([2], () => float64([1, 2]));
    const optimizer = adam().bind(new Map([['p', parameter]]));
    withBackend(from, () => optimizer.step([float64([3, 4])]));
    await parameter.to(to);
    await optimizer.to(to);
    for (const buffer of optimizer.stateDict().values()) expect(buffer.value.backend).toBe(to);
    withBackend(to, () => optimizer.step([float64([3, 4])]));
    const held = to.memory().storages;
    optimizer.dispose();
    expect(to.memory().storages).toBe(held - 2);
  });

  test('needs a gradient for each parameter', () => {
    expect(() =>
      sgd({ lr: 1 })
        .bind(new Map())
        .step([float64([1])]),
    ).toThrow(/has 0 parameters, but was given 1 gradients/);
  });
});
