import type { Backend } from '@receptive/backend';
import { cpu } from '@receptive/backend-cpu';
import { reference } from '@receptive/backend/reference';
import { Conv2d, Dropout, Flatten, Linear, MaxPool2d, Sequential, Tanh } from '@receptive/layers';
import { setBackend } from '@receptive/tensor';
import { adam, decodeCheckpoint, fit, sgd } from '@receptive/train';
import type { FitOptions } from '@receptive/train';
import { beforeEach, describe, expect, test } from 'vitest';
import { demanding, stripes } from './fixtures.ts';

let backend: Backend;

beforeEach(async () => {
  backend = await cpu();
  setBackend(backend);
});

/** A convolutional network for 1x4x4 images, in which dropout draws random numbers. */
function convolutional(seed: number): Sequential {
  return new Sequential([
    new Conv2d(1, 4, 3, { padding: 1 }),
    new Tanh(),
    new MaxPool2d(2),
    new Flatten(),
    new Dropout(0.25),
    new Linear(16, 3),
  ]).initialize(seed);
}

/** The checkpoints after each step and epoch. */
const run = async (options: Partial<FitOptions>, seed: number): Promise<Uint8Array[]> => {
  const saved: Uint8Array[] = [];
  const checkpoint = { save: (bytes: Uint8Array) => void saved.push(bytes), everySteps: 1 };
  await fit(convolutional(seed), stripes(20), { ...demanding(), ...options, checkpoint });
  return saved;
};

const losses = async (): Promise<number[]> => {
  const options = { ...demanding(), optimizer: sgd({ lr: 0.1, momentum: 0.9 }) };
  const { history } = await fit(convolutional(1), stripes(20), options);
  return history.flatMap(({ trainLoss, validationLoss }) => [trainLoss, validationLoss!]);
};

describe('on the CPU backend', () => {
  test('1,000 steps take as much memory as the first ones', async () => {
    const uses: ReturnType<Backend['memory']>[] = [];
    await fit(convolutional(1), stripes(20), {
      ...demanding(),
      optimizer: adam(),
      epochs: 334,
      callbacks: { onEpoch: () => void uses.push(backend.memory()) },
    });
    expect(uses).toHaveLength(334);
    for (const use of uses) expect(use).toEqual(uses[0]);
  }, 30_000);

  test('a run that is stopped in the middle of an epoch and continued has the bits of the one that never stopped', async () => {
    const straight = await run({}, 1);
    expect(Buffer.compare((await run({}, 1)).at(-1)!, straight.at(-1)!)).toBe(0);
    setBackend(await cpu());
    const continued = await run({ resume: decodeCheckpoint(straight[5]!) }, 2);
    expect(Buffer.compare(continued.at(-1)!, straight.at(-1)!)).toBe(0);
  });

  test('training goes as on the reference', async () => {
    const fast = await losses();
    setBackend(reference());
    (await losses()).forEach((loss, i) => expect(fast[i]).toBeCloseTo(loss, 4));
  });
});
