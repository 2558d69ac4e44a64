import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as receptive from 'receptive';
import {
  Rng,
  backends,
  crossEntropy,
  currentBackend,
  digits,
  fit,
  init,
  lenet5,
  sgd,
  tensor,
  valueAndGrad,
} from 'receptive';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** An IDX file of bytes. */
function idx(shape: readonly number[], data: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length));
  header.setUint32(0, 0x800 + shape.length);
  shape.forEach((length, axis) => header.setUint32(4 + 4 * axis, length));
  return Buffer.concat([new Uint8Array(header.buffer), data]);
}

let directory: string;

// A set in MNIST's form: digit d is a bright bar at row 2 d + 4.
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'receptive-digits-'));
  for (const [name, count] of [
    ['train', 200],
    ['t10k', 50],
  ] as const) {
    const labels = Uint8Array.from({ length: count }, (_, i) => i % 10);
    const images = Uint8Array.from({ length: count * 784 }, (_, i) =>
      Math.floor((i % 784) / 28) === 2 * labels[Math.floor(i / 784)]! + 4 ? 255 : 0,
    );
    writeFileSync(join(directory, `${name}-images-idx3-ubyte.gz`), gzipSync(idx([count, 28, 28], images)));
    writeFileSync(join(directory, `${name}-labels-idx1-ubyte`), idx([count], labels));
  }
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('init', () => {
  it('makes and sets the default backend', async () => {
    const backend = await init();
    expect(backend.name).toBe(backends[0]);
    expect(currentBackend()).toBe(backend);
  });

  it('names what there is where it is asked for what there is not', async () => {
    await expect(init('abacus' as never)).rejects.toThrow(
      'there is no backend "abacus". Available: workers, cpu, gpu.',
    );
    await expect(init('toString' as never)).rejects.toThrow('there is no backend');
  });

  it('makes a backend on the GPU, or says why it cannot and leaves the one there is', async () => {
    const before = await init();
    const made = await init('gpu').catch((error: unknown) => error as Error);
    if (made instanceof Error) {
      expect(made.message).toMatch(/^gpu: .*GPU/);
      expect(currentBackend()).toBe(before);
    } else {
      expect(made.describe()).toMatch(/^gpu: web/);
      expect(currentBackend()).toBe(made);
      made.dispose();
    }
  });
});

describe('one import', () => {
  it('trains LeNet-5 on a directory of digits, and predicts', async () => {
    await init();
    const model = lenet5({ classes: 10, activation: 'relu', seed: 1 });
    const { train, test } = await digits(directory);
    expect([train.shape, train.length, test.length]).toEqual([[1, 32, 32], 200, 50]);
    const { history } = await fit(model, train, {
      loss: crossEntropy,
      optimizer: sgd({ lr: 0.05, momentum: 0.9 }),
      epochs: 12,
      batchSize: 20,
      validate: test,
    });
    expect(history.at(-1)!.validationAccuracy).toBe(1);

    const { image, label } = test.get(7);
    const x = tensor(
      Float32Array.from(image, (pixel) => pixel / 255),
      { shape: [1, 1, 32, 32] },
    );
    const probabilities = await model.forward(x).softmax().data();
    expect(probabilities).toBeInstanceOf(Float32Array);
    expect(probabilities.indexOf(Math.max(...probabilities))).toBe(label);
  });

  it('differentiates a model for its parameters', async () => {
    await init();
    const model = lenet5({ seed: 1 });
    const [x, y] = [new Rng(1).uniform([4, 1, 32, 32]), tensor([0, 1, 2, 3], { dtype: 'int32' })];
    const [loss, gradients] = valueAndGrad(
      () => crossEntropy(model.forward(x, { training: true }), y),
      model.parameters(),
    );
    // Ten classes that the untrained network cannot tell apart: about log(10).
    expect(await loss.item()).toBeCloseTo(Math.log(10), 0);
    expect(gradients.map(({ shape }) => shape)).toEqual(model.parameters().map(({ shape }) => shape));
  });

  it('puts borders of two black pixels around the digits', async () => {
    const { test } = await digits(directory);
    const { image } = test.get(0);
    const row = (i: number): number[] => [...image.subarray(32 * i, 32 * (i + 1))];
    expect(row(5)).toEqual(new Array(32).fill(0));
    expect(row(6)).toEqual([0, 0, ...new Array<number>(28).fill(255), 0, 0]);
  });

  it('exports every name of the packages below', async () => {
    const names = Object.keys(receptive);
    const below = ['autograd', 'data', 'formats', 'graph', 'layers', 'tensor', 'train', 'visual', 'zoo'];
    for (const name of below) {
      const exported = Object.keys((await import(`@receptive/${name}`)) as object);
      expect(exported.length).toBeGreaterThan(0);
      expect(names).toEqual(expect.arrayContaining(exported));
    }
  });
});

it("the README's program runs, and learns what it is given", async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const program = /```ts\n(.*?)```/s.exec(readme)![1]!;
  const printed: unknown[] = [];
  const body = program.replace(/import \{(.*?)\} from 'receptive';/s, 'const {$1} = receptive;');
  const AsyncFunction = (async () => {}).constructor as new (
    ...parts: string[]
  ) => (...values: unknown[]) => Promise<void>;
  await new AsyncFunction('receptive', 'console', body)(receptive, { log: (value: unknown) => printed.push(value) });
  expect(printed[0]).toMatch(/^workers: /);
  expect(printed[1]).toBe(1);
});
