import { reference } from '@receptive/backend/reference';
import {
  BackendError,
  add,
  avgPool2d,
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
  sum,
  tensor,
  unobserved,
  zeros,
} from '@receptive/tensor';
import type { Dispatched, Listener, Op, Tensor } from '@receptive/tensor';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { failing, moved, primitivesOnly } from './harness.ts';

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
    const w = zeros([1, 1, 2, 2]);
    const names = heard(() => [conv2d(x, w), maxPool2d(x, 2), avgPool2d(x, 2), softmax(x)]);
    expect(names).toEqual(['conv', 'maxPool', 'avgPool', 'softmax']);
  });

  test('hear the same ops whether a backend has kernels or compositions', () => {
    const [x, w] = [zeros([1, 1, 3, 3]), zeros([1, 1, 2, 2])];
    const withKernels = heard(() => softmax(conv2d(x, w), 1));
    const primitives = primitivesOnly(backend);
    const [p, q] = [moved(primitives, x), moved(primitives, w)];
    expect(heard(() => softmax(conv2d(p, q), 1))).toEqual(withKernels);
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

  test('who do not differentiate hear what a function with a derivative of its own computes, and no other inside', () => {
    const x = moved(primitivesOnly(backend), zeros([1, 2]));
    const f = (): Tensor => customDerivative({ forward: (y) => softmax(y).exp(), backward: (g) => [g] }, x).relu();
    const inside: string[] = [];
    const results = new Set<number>();
    const y = listen(
      ({ op, inputs, outputs }) => {
        inside.push(op.name);
        if (op.name === 'relu') expect(results.has(inputs[0]!.id)).toBe(true);
        for (const { id } of outputs) results.add(id);
      },
      f,
      'forward',
    );
    expect(results.has(y.id)).toBe(true);
    expect(inside).toEqual(['softmax', 'exp', 'stopGradient', 'relu']);
    expect(heard(f)).toEqual(['custom', 'relu']);
  });

  test('hear nothing of what runs unobserved', () => {
    const x = zeros([1]);
    expect(heard(() => [relu(x), unobserved(() => exp(x)), add(x, x)])).toEqual(['relu', 'add']);
  });

  test('stop listening when the function throws', () => {
    const listener = vi.fn<Listener>();
    expect(() => listen(listener, failing('inside'))).toThrow('inside');
    expect(heard(() => expect(() => unobserved(failing('inside'))).toThrow('inside'))).toEqual([]);
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
    const angry = failing('not this one');
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
