import type { Worker } from 'node:worker_threads';
import { reference } from '@receptive/backend/reference';
import { augment, randomAffine, randomHorizontalFlip } from '@receptive/data';
import type { Dataset } from '@receptive/data';
import { Rng, setBackend } from '@receptive/tensor';
import { decodeCheckpoint, evaluate, fit } from '@receptive/train';
import type { FitOptions } from '@receptive/train';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { demanding, network, stripes } from './fixtures.ts';

const started: Worker[] = [];
const note = (worker: Worker): void => void started.push(worker);
const running = () => started.filter(({ threadId }) => threadId >= 0).length;

// Of a test before, threads may idle: by another number of batches ahead, each gets threads of its own.
let prefetch = 0;

beforeEach(() => {
  prefetch++;
  setBackend(reference());
  process.on('worker', note);
});

afterEach(() => {
  process.off('worker', note);
  started.length = 0;
});

const changing = augment(stripes(20), new Rng(3), randomAffine({ degrees: 5, shift: 0.5 }), randomHorizontalFlip());

/** Trains, up to a forward pass where one is given, and gives what the run leaves. */
async function train(options: Partial<FitOptions>, stopAfter = Infinity, dataset: Dataset = changing) {
  const controller = new AbortController();
  const saved: Uint8Array[] = [];
  let passes = 0;
  const { loss, ...given } = demanding();
  const { aborted } = await fit(network(), dataset, {
    ...given,
    loss: (output, labels) => {
      if (++passes === stopAfter) controller.abort();
      return loss(output, labels);
    },
    checkpoint: { save: (bytes) => void saved.push(bytes.slice()) },
    signal: controller.signal,
    prefetch,
    ...options,
  });
  return { aborted, last: saved.at(-1)! };
}

test('a run has the same bits on any number of threads, which it starts once', async () => {
  const here = await train({});
  expect(started).toHaveLength(0);
  const elsewhere = await train({ workers: 2 });
  expect(Buffer.compare(elsewhere.last, here.last)).toBe(0);
  expect([started.length, running()]).toEqual([2, 2]);
  // The epochs differ from each other: the images of the first one, again and again, leave something else.
  const still: Dataset = { ...changing, get: (index) => changing.get(index, 0) };
  expect(Buffer.compare((await train({}, Infinity, still)).last, here.last)).not.toBe(0);
});

// Where nothing is being prepared, between the validation and the next epoch, threads idle.
test.each([
  [1, 0],
  [5, 2],
  [7, 0],
])(
  'a run that is stopped at forward pass %i leaves %i threads, and goes on with the same bits',
  async (stopAfter, left) => {
    const straight = await train({});
    const first = await train({ workers: 2 }, stopAfter);
    expect([first.aborted, running()]).toEqual([true, left]);
    const second = await train({ workers: 1, resume: decodeCheckpoint(first.last) });
    expect(Buffer.compare(second.last, straight.last)).toBe(0);
  },
);

test('a run that fails ends its threads', async () => {
  const failing = train({ workers: 1, schedule: (step) => (step < 1 ? 1 : NaN) });
  await expect(failing).rejects.toThrow(/the schedule gives NaN/);
  expect([started.length, running()]).toEqual([1, 0]);
});

test('a model is evaluated alike on any number of threads', async () => {
  const { loss } = demanding();
  const [model, images] = [network(), stripes(20)];
  const here = await evaluate(model, images, { loss, batchSize: 3 });
  expect(await evaluate(model, images, { loss, batchSize: 3, workers: 1, prefetch })).toEqual(here);
  expect(started).toHaveLength(1);
});
