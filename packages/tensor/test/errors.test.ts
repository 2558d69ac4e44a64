import { reference } from '@receptive/backend/reference';
import {
  BackendError,
  DTypeError,
  DisposedError,
  ShapeError,
  Tensor,
  add,
  concat,
  conv2d,
  currentBackend,
  equal,
  exp,
  fullLike,
  gather,
  matmul,
  mean,
  relu,
  setBackend,
  softmax,
  tensor,
  where,
  withBackend,
  zeros,
} from '@receptive/tensor';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { withDtypes } from './harness.ts';

let backend = reference();
beforeEach(() => {
  backend = reference();
  setBackend(backend);
});

const int = (...values: number[]): Tensor => tensor(Int32Array.from(values));

describe('shapes that do not fit', () => {
  test.each<[string, () => unknown, string]>([
    ['add', () => add(zeros([2, 3]), zeros([4])), 'add: shapes [2, 3] and [4] do not broadcast'],
    ['add', () => add(zeros([2, 3]), zeros([2])), 'but one is 3 and one 2'],
    ['where', () => where(equal(zeros([2]), 0), zeros([3]), zeros([3])), 'where: shapes [2] and [3] and [3]'],
    [
      'matmul',
      () => matmul(zeros([2, 3]), zeros([2, 3])),
      'matmul: [2, 3] times [2, 3] does not fit: 3 columns meet 2 rows',
    ],
    [
      'matmul',
      () => matmul(zeros([3, 2]), zeros([3, 2]), { transposeB: true, transposeA: true }),
      '[3, 2] transposed times [3, 2] transposed does not fit: 3 columns meet 2 rows',
    ],
    [
      'matmul',
      () => matmul(zeros([3]), zeros([3, 2])),
      'two axes or more, but have shapes [3] and [3, 2]. Make a vector a matrix with unsqueeze()',
    ],
    [
      'concat',
      () => concat([zeros([2, 3]), zeros([2, 4])]),
      'concat: an input (along axis 0 any length) must have shape [2, 3], but has [2, 4]',
    ],
    ['concat', () => concat([]), 'concat: was given no tensors. Give at least one'],
    [
      'gather',
      () => gather(zeros([2, 3]), tensor(Int32Array.of(0)), 1),
      'gather: along axis 1 the index may have any length, but its other axes must be those of [2, 3]; its shape is [1]',
    ],
    [
      'softmax',
      () => softmax(zeros([2]), 1),
      'softmax: axis 1 does not exist in a tensor of 1 axes. Axes run from -1 to 0',
    ],
    ['softmax', () => softmax(zeros([])), 'softmax: axis -1 does not exist in a scalar, which has none'],
  ])('%s says what was given and what was expected', (_, call, message) => {
    expect(call).toThrow(ShapeError);
    expect(call).toThrow(message);
  });

  test.each<[string, () => unknown, string]>([
    [
      'channels',
      () => conv2d(zeros([1, 3, 4, 4]), zeros([2, 1, 3, 3])),
      'conv: an input of 3 channels in 1 group(s) does not fit weights [2, 1, 3, 3]: they take 1 channels',
    ],
    [
      'groups',
      () => conv2d(zeros([1, 4, 4, 4]), zeros([3, 2, 3, 3]), null, { groups: 2 }),
      '3 filters do not fall into 2 equal groups',
    ],
    [
      'the bias',
      () => conv2d(zeros([1, 1, 4, 4]), zeros([2, 1, 3, 3]), zeros([1])),
      'conv: the bias must have shape [2], but has [1]',
    ],
    [
      'a window that is too large',
      () => conv2d(zeros([1, 1, 2, 4]), zeros([1, 1, 2, 2]), null, { dilation: 2 }),
      'conv: a window of [3, 3] does not fit into an input of [2, 4] (padding included). Pad more',
    ],
    [
      'the number of axes',
      () => conv2d(zeros([1, 4, 4]), zeros([2, 1, 3, 3])),
      'conv2d: needs an input [N, C, H, W] and weights [O, C / groups, kh, kw], but was given [1, 4, 4]',
    ],
    [
      'the stride',
      () => conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 3, 3]), null, { stride: 0 }),
      'conv2d: stride must be a whole number of at least 1, or 2 of them, but is 0',
    ],
    [
      'the dilation',
      () => conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 3, 3]), null, { dilation: [1, 2, 3] }),
      'dilation must be a whole number of at least 1, or 2 of them, but is [1,2,3]',
    ],
    [
      'the padding',
      () => conv2d(zeros([1, 1, 4, 4]), zeros([1, 1, 3, 3]), null, { padding: -1 }),
      "padding must be whole numbers of at least 0, 'same' or 'valid', but is -1",
    ],
  ])('a convolution names %s', (_, call, message) => {
    expect(call).toThrow(ShapeError);
    expect(call).toThrow(message);
  });
});

describe('the wrong dtype', () => {
  test.each<[string, () => unknown, string]>([
    ['exp', () => exp(int(1)), "exp: works on floats, but was given int32. Convert it first: cast(x, 'float32')"],
    [
      'add',
      () => add(int(1), zeros([1])),
      'add: all inputs need one dtype, but were given int32 and float32. Convert one with cast()',
    ],
    ['mean', () => mean(int(1, 2)), 'mean: works on floats'],
    ['where', () => where(zeros([1]), zeros([1]), zeros([1])), 'where: the condition must be uint8, but is float32'],
    [
      'gather',
      () => gather(zeros([1]), zeros([1]), 0),
      'gather: the index must be int32, but is float32. Convert it with cast()',
    ],
    ['matmul', () => matmul(int(1).reshape(1, 1), int(1).reshape(1, 1)), 'matmul: works on floats'],
  ])('%s says what was given, what was expected and the remedy', (_, call, message) => {
    expect(call).toThrow(DTypeError);
    expect(call).toThrow(message);
  });

  test('a dtype the backend does not have is refused when data comes in and when an op would make it', async () => {
    const narrow = withDtypes(backend, 'float32', 'int32');
    const message =
      'the narrow backend has no float64, only float32, int32. Make it float32, or use a backend that has it';
    const wide = tensor(Float64Array.of(1));
    withBackend(narrow, () => {
      expect(() => tensor([1], { dtype: 'float64' })).toThrow(`tensor: ${message}`);
      expect(() => zeros([1], { dtype: 'float64' })).toThrow(`fill: ${message}`);
      expect(() => zeros([1]).cast('float64')).toThrow(`cast: ${message}`);
      expect(() => equal(zeros([1]), 0)).toThrow('equal: the narrow backend has no uint8');
    });
    await expect(wide.to(narrow)).rejects.toThrow(DTypeError);
    await expect(wide.to(narrow)).rejects.toThrow(message);
  });
});

describe('the backend', () => {
  test('none is set', async () => {
    vi.resetModules();
    const fresh = await import('@receptive/tensor');
    expect(fresh.hasBackend()).toBe(false);
    expect(() => fresh.zeros([1])).toThrow('No backend is set. Call `setBackend(await cpu())` first');
    expect(() => fresh.tensor([1])).toThrow(fresh.BackendError);
    fresh.setBackend(backend);
    expect(fresh.hasBackend()).toBe(true);
    expect(fresh.zeros([1]).backend).toBe(backend);
  });

  test('tensors of two backends do not meet', () => {
    const other = withDtypes(reference(), 'float32');
    const [here, there] = [zeros([2]), withBackend(other, () => zeros([2, 2]))];
    expect(() => add(here, there)).toThrow(BackendError);
    expect(() => add(here, there)).toThrow(
      'add: the inputs live on two backends, [2] on reference and [2, 2] on narrow. Move one with `await tensor.to(backend)`',
    );
  });

  test('an op runs where its inputs are, whatever backend is current', () => {
    const x = tensor([1, -1]);
    expect(withBackend(reference(), () => relu(add(x, 1))).backend).toBe(backend);
  });

  test('to() moves the elements and leaves the tensor where it was', async () => {
    const other = reference();
    const x = tensor([[1, 2]]);
    const moved = await x.to(other);
    expect(moved).toMatchObject({ shape: [1, 2], dtype: 'float32', backend: other });
    expect(moved.dataSync()).toEqual(Float32Array.of(1, 2));
    expect(x.backend).toBe(backend);
    const same = await x.to(backend);
    x.dispose();
    expect(same.dataSync()).toEqual(Float32Array.of(1, 2));
  });

  test('withBackend restores the backend, also after an exception, and refuses a promise', () => {
    const other = reference();
    expect(withBackend(other, currentBackend)).toBe(other);
    expect(() =>
      withBackend(other, () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    const early = (): unknown => withBackend(other, async () => zeros([1]));
    expect(early).toThrow(BackendError);
    expect(early).toThrow('withBackend takes a synchronous function, but was given one that returns a promise');
    expect(currentBackend()).toBe(backend);
  });

  test('a backend that cannot read at once says how to read', () => {
    const gpu = { ...reference(), name: 'gpu', readSync: undefined };
    expect(() => withBackend(gpu, () => zeros([1])).dataSync()).toThrow(
      'The gpu backend cannot read synchronously. Use `await tensor.data()`',
    );
  });
});

/** A tensor [2, 3] that has been disposed. */
function gone(): Tensor {
  const x = zeros([2, 3]);
  x.dispose();
  return x;
}

describe('a disposed tensor', () => {
  test.each<[string, (x: Tensor) => unknown]>([
    ['add', (x) => add(zeros([3]), x)],
    ['mul', (x) => x.mul(2)],
    ['reshape', (x) => x.reshape(6)],
    ['softmax', (x) => x.softmax()],
    ['sum', (x) => x.sum()],
    ['concat', (x) => concat([zeros([2, 3]), x])],
    ['conv', (x) => conv2d(zeros([1, 1, 3, 3]), zeros([1, 1, 3, 3]), x)],
    ['tensor', (x) => x.clone()],
    ['tensor', (x) => x.dataSync()],
    ['tensor', (x) => fullLike(x, 0)],
  ])('is refused by %s with the remedy', (door, use) => {
    const x = gone();
    expect(() => use(x)).toThrow(DisposedError);
    expect(() => use(x)).toThrow(
      `${door}: this float32 tensor of shape [2, 3] has been disposed. Return it from its scope`,
    );
  });

  test('cannot be read', async () => {
    await expect(gone().data()).rejects.toThrow(DisposedError);
  });

  test('still knows its shape, and that it is disposed', () => {
    expect(gone()).toMatchObject({ shape: [2, 3], size: 6, disposed: true });
  });
});

test('item() reads one number, and says so of a tensor that has more', async () => {
  expect(await tensor([[4]]).item()).toBe(4);
  await expect(zeros([2]).item()).rejects.toThrow(
    'item() reads a tensor of one element; this one has shape [2]. Use data()',
  );
});
