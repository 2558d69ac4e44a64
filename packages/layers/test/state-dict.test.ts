import { beforeEach, describe, expect, test } from 'vitest';
import { reference } from '@receptive/backend/reference';
import { Conv2d, Linear, Module, Sequential, StateDictError, buffer } from '@receptive/layers';
import type { StateEntry } from '@receptive/layers';
import { setBackend, tensor, zeros } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { nested } from './harness.ts';

beforeEach(() => setBackend(reference()));

class Counter extends Module {
  readonly numBatchesTracked = buffer([], (shape) => zeros(shape, { dtype: 'int32' }));
  override forward(x: Tensor): Tensor {
    return x;
  }
}

const model = (): Sequential =>
  new Sequential({ conv: new Conv2d(1, 2, 3), counter: new Counter(), fc: new Linear(8, 3) });

/** Entries as a file gives them, each element its place. */
const entries = (): Map<string, StateEntry> =>
  new Map(
    Array.from(model().stateDict(), ([key, { shape }]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const [dtype, data] = key.endsWith('tracked')
        ? (['int32', Int32Array.of(7)] as const)
        : (['float32', Float32Array.from({ length: size }, (_, i) => i)] as const);
      return [key, { shape, dtype, data }];
    }),
  );

const state = (module: Module): unknown =>
  Object.fromEntries(Array.from(module.stateDict(), ([key, { value }]) => [key, nested(value)]));

const failing = (): never => {
  throw new Error('a loaded parameter was initialised');
};

describe('loading', () => {
  test('elements, tensors and variables, without initialising what is loaded', () => {
    const layer = new Linear(2, 1, { weightInit: failing, biasInit: failing });
    expect(
      layer.loadStateDict(
        new Map<string, StateEntry>([
          ['weight', { shape: [1, 2], dtype: 'float32', data: Float32Array.of(1, 2) }],
          ['bias', tensor([3])],
        ]),
      ),
    ).toEqual({
      missing: [],
      unexpected: [],
    });
    const copy = new Linear(2, 1, { weightInit: failing, biasInit: failing });
    copy.loadStateDict(layer.stateDict());
    expect(state(copy)).toEqual({ weight: [[1, 2]], bias: [3] });
  });

  test('round trip', async () => {
    const saved = model().initialize(3);
    const file = new Map<string, StateEntry>();
    for (const [key, { value }] of saved.stateDict())
      file.set(key, { shape: value.shape, dtype: value.dtype, data: await value.data() });
    const loaded = model().initialize(4);
    expect(state(loaded)).not.toEqual(state(saved));
    loaded.loadStateDict(file);
    expect(state(loaded)).toEqual(state(saved));
    expect(loaded.stateDict().get('counter.num_batches_tracked')!.dtype).toBe('int32');
  });

  test('in any order of keys', () => {
    const loaded = model();
    loaded.loadStateDict(new Map([...entries()].reverse()));
    expect(nested(loaded.stateDict().get('fc.bias')!.value)).toEqual([0, 1, 2]);
  });

  test("a tensor is shared, and stays the caller's", () => {
    const bias = tensor([1, 2, 3]);
    const layer = new Linear(1, 3);
    layer.loadStateDict(new Map([['bias', bias]]), { strict: false });
    expect(bias.disposed).toBe(false);
    layer.bias!.assign(zeros([3]));
    expect(nested(bias)).toEqual([1, 2, 3]);
  });

  test('brings elements to where the value lies', () => {
    const layer = new Linear(1, 1);
    const { backend } = layer.weight.value;
    setBackend(reference());
    layer.loadStateDict(new Map([['weight', { shape: [1, 1], dtype: 'float32', data: Float32Array.of(2) }]]), {
      strict: false,
    });
    expect(layer.weight.value.backend).toBe(backend);
  });
});

/** The error, and proof that nothing was written. */
const failure = (change: (file: Map<string, StateEntry>) => void, options = {}): string => {
  const target = model().initialize(1);
  const before = state(target);
  const file = entries();
  change(file);
  let message = '';
  try {
    target.loadStateDict(file, options);
  } catch (error) {
    expect(error).toBeInstanceOf(StateDictError);
    ({ message } = error as Error);
  }
  expect(state(target)).toEqual(before);
  return message;
};

describe('a checkpoint of another model', () => {
  test('names everything that is missing, unknown or of another shape or dtype, all at once', () => {
    const message = failure((file) => {
      file.delete('conv.bias');
      file.delete('fc.weight');
      file.set('head.weight', tensor([1]));
      file.set('conv.weight', zeros([2, 3, 3, 3]));
      file.set('fc.bias', zeros([3], { dtype: 'float64' }));
    });
    expect(message.split('\n')).toEqual([
      'loadStateDict: this is a checkpoint of another model than the Sequential; nothing was loaded.',
      '  conv.bias [2] is missing from the checkpoint',
      '  fc.weight [3, 8] is missing from the checkpoint',
      '  head.weight [1] is unknown to the model',
      '  conv.weight has shape [2, 1, 3, 3] in the model, but [2, 3, 3, 3] in the checkpoint',
      '  fc.bias has dtype float32 in the model, but float64 in the checkpoint',
      expect.stringContaining('{ strict: false }'),
    ]);
  });

  test('a tensor on another backend', () => {
    const foreign = reference();
    const message = failure((file) => {
      setBackend(foreign);
      file.set('fc.bias', tensor([1, 2, 3]));
    });
    expect(message).toContain('fc.bias lies on reference in the model, but on reference in the checkpoint');
  });

  test('shapes must fit even where keys need not', () => {
    expect(failure((file) => file.set('fc.bias', zeros([4])), { strict: false })).toContain('fc.bias has shape [3]');
  });

  test('a tensor that was disposed, or elements that do not fill their shape, write nothing', () => {
    for (const change of [
      (file: Map<string, StateEntry>) => {
        const gone = zeros([3]);
        gone.dispose();
        file.set('fc.bias', gone);
      },
      (file: Map<string, StateEntry>) =>
        file.set('fc.bias', { shape: [3], dtype: 'float32', data: Float32Array.of(1) }),
    ]) {
      const target = model();
      const file = entries();
      change(file);
      expect(() => target.loadStateDict(file)).toThrow(/disposed|holds 3 elements/);
      expect([...target.stateDict().values()].some(({ materialized }) => materialized)).toBe(false);
    }
  });

  test('strict: false loads what both have, and reports the rest', () => {
    const target = model();
    const file = entries();
    file.delete('conv.weight');
    file.set('head.weight', tensor([1]));
    expect(target.loadStateDict(file, { strict: false })).toEqual({
      missing: ['conv.weight'],
      unexpected: ['head.weight'],
    });
    expect(nested(target.stateDict().get('fc.bias')!.value)).toEqual([0, 1, 2]);
    expect(target.stateDict().get('conv.weight')!.materialized).toBe(false);
  });
});
