import { valueAndGrad } from '@receptive/autograd';
import type { Backend } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import { shapes } from '@receptive/backend/shape';
import { cpu } from '@receptive/backend-cpu';
import {
  AvgPool2d,
  BatchNorm2d,
  Conv2d,
  CoordConv2d,
  Dropout,
  Flatten,
  Linear,
  MaxPool2d,
  Module,
  ReLU,
  Sequential,
  Sigmoid,
  Tanh,
} from '@receptive/layers';
import type { ForwardContext } from '@receptive/layers';
import * as t from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { alexnet, lenet5, vgg11, zfnet } from '@receptive/zoo';
import { beforeAll, describe, expect, test } from 'vitest';
import { compile } from '../src/index.ts';
import type { Compilable } from '../src/index.ts';

const names = (model: Compilable, shape: readonly number[]): string[] => {
  using compiled = compile(model, shape);
  return compiled.graph.nodes.map(({ op }) => op.name);
};

/** Batch norm with statistics and factors that do something. */
function normed(channels: number): BatchNorm2d {
  const norm = new BatchNorm2d(channels);
  const rng = new t.Rng(5);
  norm.runningMean!.assign(rng.uniform([channels], -1, 1));
  norm.runningVar!.assign(rng.uniform([channels], 0.5, 2));
  norm.weight!.assign(rng.uniform([channels], 0.5, 2));
  norm.bias!.assign(rng.uniform([channels], -1, 1));
  return norm;
}

/** A function that is not differentiated by the rules of its ops. */
const own = (forward: (x: Tensor) => Tensor, x: Tensor): Tensor =>
  t.customDerivative({ forward, backward: (g) => [g] }, x);

/** A block whose input is read twice. */
class Residual extends Module {
  readonly body = new Sequential([new Conv2d(4, 4, 3, { padding: 1, bias: false }), normed(4), new ReLU()]);
  override forward(x: Tensor, context?: ForwardContext): Tensor {
    return t.scope(() => this.body.forward(x, context).add(x).relu());
  }
}

const models: Record<string, { readonly model: () => Compilable; readonly shape: readonly number[] }> = {
  'LeNet-5': { model: () => lenet5({ classes: 10 }), shape: [3, 1, 32, 32] },
  'a convolution': { model: () => new Conv2d(3, 5, 3, { padding: 1 }), shape: [2, 3, 9, 9] },
  'convolution, norm, activation': {
    model: () =>
      new Sequential([new Conv2d(3, 16, 3), normed(16), new ReLU(), new Conv2d(16, 8, 3), normed(8), new Sigmoid()]),
    shape: [1, 3, 12, 14],
  },
  'groups and a norm without a weight': {
    model: () => {
      const norm = new BatchNorm2d(6, { affine: false });
      norm.runningMean!.assign(t.full([6], 0.5));
      return new Sequential([new Conv2d(4, 6, 3, { groups: 2 }), norm, new Tanh()]);
    },
    shape: [2, 4, 8, 8],
  },
  'residual blocks': { model: () => new Sequential([new Residual(), new Residual()]), shape: [2, 4, 7, 7] },
  'coordinates, pools and dense layers': {
    model: () =>
      new Sequential([
        new CoordConv2d(1, 4, 3, { padding: 1 }),
        new ReLU(),
        new MaxPool2d(2),
        new AvgPool2d(2),
        new Flatten(),
        new Dropout(0.5),
        new Linear(16, 3),
      ]),
    shape: [5, 1, 8, 8],
  },
  'an op that is composed of others': { model: () => (x) => x.softmax(1).mul(2).sum(2), shape: [2, 3, 4] },
  'functions with a derivative of their own': {
    model: () => {
      const conv = new Conv2d(1, 2, 3);
      // They read what they are given, what was made before them, what they close over, and each other.
      return (x) =>
        t.scope(() => {
          const y = conv.forward(x);
          const same = own((each) => each, y);
          const inner = own((each) => own((z) => z.mul(y), each.relu()).add(same), y);
          return own((each) => each.reshape(-1).mul(conv.bias!.value.sum()), inner);
        });
    },
    shape: [2, 1, 5, 5],
  },
  'its input': { model: () => (x) => x, shape: [2, 3] },
  'its input under another shape': { model: () => (x) => x.reshape(6), shape: [2, 3] },
  'what does not depend on its input': { model: () => () => t.full([5], 3).square(), shape: [1] },
};

const step = { lr: 1, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false };

describe('compile', () => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await cpu();
    t.setBackend(backend);
  });

  const input = (shape: readonly number[], seed = 1): Tensor => new t.Rng(seed).uniform(shape, -1, 1);

  describe.each(['cpu', 'reference'])('on %s', (kind) => {
    test.each(Object.entries(models))('agrees with the model: %s', async (_, { model: make, shape }) => {
      const on = kind === 'cpu' ? backend : reference();
      t.withBackend(on, () => {
        const model = make();
        const forward = (x: Tensor): Tensor => (typeof model === 'function' ? model(x) : model.forward(x));
        using compiled = compile(model, shape);
        for (const seed of [1, 2]) {
          const x = input(shape, seed);
          const [got, want] = [compiled.forward(x), forward(x)];
          expect(got.shape).toEqual(want.shape);
          const wanted = want.dataSync();
          expect(wanted.length).toBeGreaterThan(0);
          const largest = Math.max(...Array.from(wanted, Math.abs));
          got
            .dataSync()
            .forEach((value, i) => expect(Math.abs(value - wanted[i]!)).toBeLessThanOrEqual(1e-5 * largest));
        }
      });
    });
  });

  test('max pooling is not asked where the maxima lie, unless somebody reads that', () => {
    expect(names((x) => t.maxPool2d(x, 2), [1, 1, 4, 4])).toEqual(['maxPoolValues']);
    expect(names((x) => t.maxPool2dWithIndices(x, 2)[1], [1, 1, 4, 4])).toEqual(['maxPool']);
    const restored = (x: Tensor): Tensor => {
      const [y, places] = t.maxPool2dWithIndices(x, 2);
      return t.maxUnpool2d(y, places, 2);
    };
    expect(names(restored, [1, 1, 4, 4])).toContain('maxPool');
  });

  test.each([
    ['AlexNet', alexnet, 227],
    ['ZFNet', zfnet, 224],
    ['VGG-11', vgg11, 224],
  ] as const)('the graph of %s has no activation left behind a convolution', (_, make, size) => {
    const ops = t.withPlaceholders(shapes(), () => names(make({ classes: 10 }), [1, 3, size, size]));
    expect(ops).toContain('convActivation');
    expect(ops).not.toContain('conv');
  });

  test('convolution, norm and activation are one op', () => {
    const { model, shape } = models['convolution, norm, activation']!;
    expect(names(model(), shape).filter((name) => name.startsWith('conv') || name === 'batchNorm')).toEqual([
      'convActivation',
      'convActivation',
    ]);
  });

  test('what two read is not fused away', () => {
    const conv = new Conv2d(2, 2, 3);
    expect(
      names(
        (x) =>
          t.scope(() => {
            const y = conv.forward(x);
            return y.relu().add(y);
          }),
        [1, 2, 5, 5],
      ),
    ).toContain('conv');
  });

  test('a forward allocates its output alone', () => {
    const { model: make, shape } = models['coordinates, pools and dense layers']!;
    const model = make();
    using compiled = compile(model, shape);
    const x = input(shape);
    const before = backend.memory();
    const y = compiled.forward(x);
    expect(backend.memory()).toEqual({ bytes: before.bytes + y.size * 4, storages: before.storages + 1 });
    y.dispose();
    expect(backend.memory()).toEqual(before);
  });

  test('results stay what they were when it runs again', () => {
    const conv = new Conv2d(1, 1, 3);
    using compiled = compile(conv, [1, 1, 5, 5]);
    const first = compiled.forward(input([1, 1, 5, 5], 1));
    const data = first.dataSync();
    compiled.forward(input([1, 1, 5, 5], 2));
    expect(first.dataSync()).toEqual(data);
  });

  test('variables that change are taken as they are, folded or not', () => {
    const [conv, norm] = [new Conv2d(2, 3, 3), normed(3)];
    const model = new Sequential([conv, norm]);
    using compiled = compile(model, [1, 2, 6, 6]);
    const x = input([1, 2, 6, 6]);
    const agree = (): number[] => {
      const [got, want] = [compiled.forward(x).dataSync(), model.forward(x).dataSync()];
      got.forEach((value, i) => expect(value).toBeCloseTo(want[i]!, 4));
      return [...got];
    };
    const first = agree();
    conv.weight.assign(input([3, 2, 3, 3], 7));
    const second = agree();
    expect(second).not.toEqual(first);
    norm.runningVar!.assign(t.full([3], 4));
    expect(agree()).not.toEqual(second);
    // Written in place, again and again, as an optimiser does.
    for (let i = 0; i < 4; i++) {
      t.sgdStep(norm.weight!, t.full([3], 0.1), undefined, step);
      agree();
    }
  });

  test('variables that share a value are two all the same', () => {
    const [a, b] = [new Conv2d(1, 1, 2), new Conv2d(1, 1, 2)];
    b.loadStateDict(a.stateDict());
    const difference = (x: Tensor): Tensor => t.scope(() => a.forward(x).sub(b.forward(x)));
    using compiled = compile(difference, [1, 1, 3, 3]);
    const x = input([1, 1, 3, 3]);
    for (const conv of [b, a]) {
      conv.weight.assign(input([1, 1, 2, 2], 9).mul(conv === a ? 2 : 1));
      expect(compiled.forward(x).dataSync()).toEqual(difference(x).dataSync());
      expect(Math.abs(difference(x).dataSync()[0]!)).toBeGreaterThan(1e-3);
    }
  });

  test('a variable is known by its clones, and a clone from before is a constant', () => {
    const p = new t.Parameter([3], (shape) => t.full(shape, 1));
    const snapshot = p.value.clone();
    const f = (x: Tensor): Tensor =>
      t.scope(() =>
        x
          .mul(t.broadcastTo(p.value, [3]))
          .add(snapshot)
          .add(p.value),
      );
    using compiled = compile(f, [3]);
    p.assign(t.full([3], 5));
    expect([...compiled.forward(t.full([3], 1)).dataSync()]).toEqual([11, 11, 11]);
  });

  test('nobody takes its output for a constant, unless that is what is wanted', () => {
    const w = t.full([3], 2);
    using compiled = compile((x) => x.mul(w), [3]);
    const x = t.full([3], 1);
    expect(() => valueAndGrad(() => compiled.forward(x).sum(), [w])).toThrow('compiled has no derivative');
    const [, [dw]] = valueAndGrad(() => t.stopGradient(compiled.forward(x)).mul(w).sum(), [w]);
    expect([...dw.dataSync()]).toEqual([2, 2, 2]);
  });

  test('what a function with a derivative of its own closes over is taken as it is', () => {
    const p = new t.Parameter([2], (shape) => t.full(shape, 1));
    using compiled = compile((x) => t.scope(() => own((y) => y.mul(p.value), x.add(p.value))), [2]);
    p.assign(t.full([2], 3));
    expect([...compiled.forward(t.tensor([1, 2])).dataSync()]).toEqual([12, 15]);
    expect(names((x) => own((y) => y.exp(), x), [2])).not.toContain('custom');
  });

  test('what is packed of what follows from variables follows them too', () => {
    const [w, c] = [input([16, 16, 3, 3], 3), input([1, 16, 12, 12], 4)].map((value) => {
      const variable = new t.Parameter(value.shape, () => value);
      return variable;
    }) as [t.Parameter, t.Parameter];
    const f = (x: Tensor): Tensor =>
      t.scope(() => {
        const k = w.value.mul(2);
        return t.conv2d(x, k).add(t.conv2d(c.value, k));
      });
    const x = input([1, 16, 12, 12]);
    using compiled = compile(f, x.shape);
    for (const seed of [7, 8]) {
      w.assign(input([16, 16, 3, 3], seed));
      const [got, want] = [compiled.forward(x).dataSync(), f(x).dataSync()];
      got.forEach((value, k) => expect(Math.abs(value - want[k]!)).toBeLessThan(1e-3));
    }
  });

  test('what fails half-way is begun again', () => {
    const [conv, norm] = [new Conv2d(1, 1, 1), normed(1)];
    const model = new Sequential([conv, norm]);
    using compiled = compile(model, [1, 1, 2, 2]);
    conv.weight.assign(t.full([1, 1, 1, 1], 3));
    const x = input([1, 1, 2, 2]);
    const kernels = backend.kernels as { unary: unknown };
    const { unary } = kernels;
    kernels.unary = () => {
      throw new RangeError('Out of memory');
    };
    expect(() => compiled.forward(x)).toThrow('Out of memory');
    kernels.unary = unary;
    const [got, want] = [compiled.forward(x).dataSync(), model.forward(x).dataSync()];
    got.forEach((value, k) => expect(value).toBeCloseTo(want[k]!, 5));
  });

  test('one that another was compiled of is not used once it is disposed', () => {
    const inner = compile((x) => x.mul(2), [3]);
    using outer = compile((x) => inner.forward(x).add(1), [3]);
    expect([...outer.forward(t.full([3], 1)).dataSync()]).toEqual([3, 3, 3]);
    inner.dispose();
    expect(() => outer.forward(t.full([3], 1))).toThrow('compiled: has been disposed');
  });

  test('intermediate results share memory', () => {
    const layers = Array.from({ length: 12 }, () => new Conv2d(4, 4, 3, { padding: 1 }));
    const model = new Sequential(layers);
    const x = input([1, 4, 32, 32]);
    t.scope(() => model.forward(x));
    const before = backend.memory().bytes;
    using compiled = compile(model, x.shape);
    expect(compiled.graph.nodes).toHaveLength(12);
    expect(backend.memory().bytes - before).toBeLessThanOrEqual(2 * x.size * 4);
  });

  test('all that it held is free after dispose', () => {
    const model = new Sequential([new Conv2d(2, 3, 3), normed(3), new ReLU()]);
    t.scope(() => model.forward(input([1, 2, 6, 6])));
    const before = backend.memory();
    const compiled = compile(model, [1, 2, 6, 6]);
    expect(backend.memory().bytes).toBeGreaterThan(before.bytes);
    compiled.dispose();
    compiled.dispose();
    expect(backend.memory()).toEqual(before);
    expect(() => compiled.forward(t.zeros([1, 2, 6, 6]))).toThrow('has been disposed');
  });

  test('what does not fit is a clear error', async () => {
    const model = new Conv2d(2, 3, 3);
    model.forward(t.zeros([1, 2, 6, 6]));
    const before = backend.memory().storages;
    expect(() => compile(model, [1, 5, 6, 6])).toThrow('channels');
    expect(() => compile((async (x: Tensor) => x) as never, [1])).toThrow('synchronous function');
    expect(backend.memory().storages).toBe(before);
    using compiled = compile(model, [1, 2, 6, 6]);
    expect(() => compiled.forward(t.zeros([2, 2, 6, 6]))).toThrow(
      'was compiled for an input [1, 2, 6, 6], but was given [2, 2, 6, 6]',
    );
    expect(() => compiled.forward(t.zeros([1, 2, 6, 6], { dtype: 'int32' }))).toThrow('float32, but was given int32');
    const other = reference();
    expect(() => compiled.forward(t.withBackend(other, () => t.zeros([1, 2, 6, 6])))).toThrow('lives on reference');
    const x = t.zeros([1, 2, 6, 6]);
    for (const source of [x, model.weight])
      expect(() => valueAndGrad(() => compiled.forward(x).sum(), [source])).toThrow('compiled has no derivative');
    await model.to(other);
    expect(() => compiled.forward(x)).toThrow('has been moved to reference');
  });
});
