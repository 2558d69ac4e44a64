import type { DType, Storage } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import {
  BackendError,
  add,
  avgPool2d,
  cast,
  conv2d,
  customDerivative,
  dispatch,
  exp,
  listen,
  maxPool2d,
  mean,
  ops,
  relu,
  scope,
  setBackend,
  softmax,
  stopGradient,
  sum,
  tensor,
  unobserved,
  zeros,
} from '@receptive/tensor';
import type { Dispatched, Op, Tensor } from '@receptive/tensor';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { primitivesOnly } from './harness.ts';

let backend = reference();
beforeEach(() => {
  backend = reference();
  setBackend(backend);
});

/** Names of the ops of which a listener is told while `f` runs. */
function heard(f: () => unknown): string[] {
  const names: string[] = [];
  listen(({ op }) => names.push(op.name), f);
  return names;
}

describe('listeners', () => {
  test('are told the op, its inputs, outputs and attributes, in order', () => {
    const calls: Dispatched[] = [];
    const x = zeros([2, 3]);
    const y = listen(
      (dispatched) => calls.push(dispatched),
      () => sum(relu(x), 1),
    );
    expect(calls.map(({ op }) => op)).toEqual([ops.relu, ops.sum]);
    expect(calls[0]!.inputs[0]).toBe(x);
    expect(calls[1]!.inputs[0]).toBe(calls[0]!.outputs[0]);
    expect(calls[1]!.outputs[0]).toBe(y);
    expect(calls[1]!.attributes).toEqual({ axes: [1], keepDims: false });
  });

  test('are told a composed op, and nothing of its composition', () => {
    setBackend(primitivesOnly(backend));
    const x = zeros([1, 1, 3, 3]);
    const run = (): unknown => [conv2d(x, zeros([1, 1, 2, 2])), maxPool2d(x, 2), avgPool2d(x, 2), softmax(x)];
    expect(heard(run)).toEqual(['fill', 'conv', 'maxPool', 'avgPool', 'softmax']);
  });

  test('hear the same ops whether a backend has kernels or compositions', () => {
    const run = (): unknown => softmax(conv2d(zeros([1, 1, 3, 3]), zeros([1, 1, 2, 2])), 1);
    const withKernels = heard(run);
    setBackend(primitivesOnly(backend));
    expect(heard(run)).toEqual(withKernels);
  });

  test('nest: inner and outer hear what runs inside, the outer alone what runs around it', () => {
    const x = zeros([1]);
    const inner: string[] = [];
    const outer = heard(() => {
      relu(x);
      listen(
        ({ op }) => inner.push(op.name),
        () => exp(x),
      );
      add(x, x);
    });
    expect(outer).toEqual(['relu', 'exp', 'add']);
    expect(inner).toEqual(['exp']);
  });

  test('hear nothing of what runs unobserved', () => {
    const x = zeros([1]);
    expect(heard(() => [relu(x), unobserved(() => exp(x)), add(x, x)])).toEqual(['relu', 'add']);
  });

  test('stop listening when the function throws', () => {
    const listener = vi.fn();
    const failing = (): never => {
      throw new Error('inside');
    };
    expect(() => listen(listener, failing)).toThrow('inside');
    expect(heard(() => expect(() => unobserved(failing)).toThrow('inside'))).toEqual([]);
    zeros([1]);
    expect(listener).not.toHaveBeenCalled();
    expect(heard(() => zeros([1]))).toEqual(['fill']);
  });

  test('may run ops of their own without hearing themselves', () => {
    const x = tensor([-1, 2]);
    const sums: number[] = [];
    listen(
      ({ outputs }) => sums.push(sum(outputs[0]!).dataSync()[0]!),
      () => relu(x).neg(),
    );
    expect(sums).toEqual([2, -2]);
  });

  test('that throw stop the op that told them, and listening goes on as before', () => {
    const x = zeros([1]);
    const angry = (): never => {
      throw new Error('not this one');
    };
    expect(heard(() => expect(() => listen(angry, () => relu(x))).toThrow('not this one'))).toEqual(['relu']);
  });

  test('need a synchronous function', () => {
    expect(() =>
      listen(
        () => {},
        async () => zeros([1]),
      ),
    ).toThrow(BackendError);
    expect(() =>
      listen(
        () => {},
        async () => zeros([1]),
      ),
    ).toThrow('listen takes a synchronous function');
    expect(() => unobserved(async () => zeros([1]))).toThrow('unobserved takes a synchronous function');
  });
});

describe('memory', () => {
  /** The reference, but `kernel` throws, after the outputs have been allocated. */
  function failing(kernel: 'unary' | 'maxPool' | 'binary'): void {
    const fail = (): never => {
      throw new Error('device lost');
    };
    setBackend({ ...backend, kernels: { ...backend.kernels, [kernel]: fail } });
  }

  test('a kernel that throws leaves none of its outputs behind', () => {
    failing('maxPool');
    const x = zeros([1, 1, 2, 2]);
    expect(() => maxPool2d(x, 2)).toThrow('device lost');
    expect(backend.memory().storages).toBe(1);
  });

  test('a composition that throws midway leaves nothing behind', () => {
    failing('binary');
    setBackend(
      primitivesOnly({
        ...backend,
        kernels: {
          ...backend.kernels,
          binary: () => {
            throw new Error('device lost');
          },
        },
      }),
    );
    const x = zeros([2, 2]);
    expect(() => softmax(x)).toThrow('device lost');
    expect(backend.memory().storages).toBe(1);
  });

  test('memory that runs out at the second output gives the first one back', () => {
    let left = 2;
    const allocate = (dtype: DType, length: number): Storage => {
      if (left-- === 0) throw new Error('out of memory');
      return backend.allocate(dtype, length);
    };
    setBackend({ ...backend, allocate });
    const x = zeros([1, 1, 2, 2]);
    expect(() => maxPool2d(x, 2)).toThrow('out of memory');
    expect(backend.memory().storages).toBe(1);
  });

  test('the temporaries of a composition are freed', () => {
    setBackend(primitivesOnly(backend));
    const [x, w] = [zeros([1, 2, 4, 4]), zeros([3, 2, 3, 3])];
    const results = [conv2d(x, w), maxPool2d(x, 2), avgPool2d(x, 2), softmax(x)];
    // Two inputs and four outputs.
    expect(backend.memory().storages).toBe(6);
    for (const tensor of [x, w, ...results]) tensor.dispose();
    expect(backend.memory()).toEqual({ bytes: 0, storages: 0 });
  });
});

describe('what an op gives', () => {
  const identities: [string, (x: Tensor) => Tensor][] = [
    ['stopGradient', stopGradient],
    ['reshape', (x) => x.reshape(2)],
    [
      'a custom function that returns its input',
      (x) => customDerivative({ forward: (y) => y, backward: (g) => [g] }, x),
    ],
    [
      'a custom function that returns a clone',
      (x) => customDerivative({ forward: (y) => cast(y, y.dtype), backward: (g) => [g] }, x),
    ],
  ];

  test.each(identities)('%s is a handle and a value of its own', (_, identity) => {
    const x = tensor([1, 2]);
    const y = identity(x);
    expect(y.id).not.toBe(x.id);
    y.dispose();
    expect(x.dataSync()).toEqual(Float32Array.of(1, 2));
    const z = identity(x);
    x.dispose();
    expect(z.dataSync()).toEqual(Float32Array.of(1, 2));
    z.dispose();
    expect(backend.memory().storages).toBe(0);
  });

  test('disposing the output of a custom function does not dispose a tensor that it merely returns', () => {
    const constant = tensor([3]);
    const y = customDerivative({ forward: () => constant, backward: () => [null] }, zeros([1]));
    y.dispose();
    expect(constant.dataSync()).toEqual(Float32Array.of(3));
  });

  test('a custom function may be an object that uses itself', () => {
    const double = {
      factor: 2,
      forward(x: Tensor) {
        return x.mul(this.factor);
      },
      backward: (g: Tensor) => [g],
    };
    expect(customDerivative(double, tensor([4])).dataSync()).toEqual(Float32Array.of(8));
  });
});

test('an op declared elsewhere goes through the same door', () => {
  const double: Op<undefined, [x: 0], [y: 0]> = {
    name: 'double',
    infer: ([x]) => [x],
    compose: ([x]) => [add(x, x)],
  };
  const x = tensor([1, 2]);
  expect(heard(() => expect(dispatch(double, [x], undefined)[0].dataSync()).toEqual(Float32Array.of(2, 4)))).toEqual([
    'double',
  ]);
  expect(scope(() => mean(dispatch(double, [x], undefined)[0])).dataSync()).toEqual(Float32Array.of(3));
});

test('an op with neither kernel nor composition says so', () => {
  const nothing: Op<undefined, [x: 0], [y: 0]> = { name: 'nothing', infer: ([x]) => [x] };
  expect(() => dispatch(nothing, [zeros([1])], undefined)).toThrow(
    'nothing: the backend has no kernel for it, and the op has no default composition',
  );
});
