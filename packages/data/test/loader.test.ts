import { beforeAll, describe, expect, test } from 'vitest';
import { reference } from '@receptive/backend/reference';
import { DataError, DataLoader, imageDataset, pad } from '@receptive/data';
import type { Batch } from '@receptive/data';
import { currentBackend, Rng, setBackend } from '@receptive/tensor';

beforeAll(() => setBackend(reference()));

const length = 10;
const numbers = Uint8Array.from({ length }, (_, i) => i);
const dataset = imageDataset(numbers, numbers, { shape: [1, 1, 1], classes: length });
/** What the batches hold, and their numbers; the batches are disposed. */
const contents = (batches: Iterable<Batch>) =>
  Array.from(batches, (batch) => {
    const labels = [...batch.labels.dataSync()];
    expect([...batch.images.dataSync()]).toEqual(labels.map((label) => Math.fround(label / 255)));
    batch.dispose();
    return { index: batch.index, labels };
  });
const order = (loader: DataLoader, at?: { epoch?: number; startBatch?: number }) =>
  contents(loader.batches(at)).flatMap(({ labels }) => labels);

describe('batches', () => {
  test('hold the samples in order, the last one what is left', () => {
    const loader = new DataLoader(dataset, { batchSize: 4 });
    expect(loader.length).toBe(3);
    expect(contents(loader.batches())).toEqual([
      { index: 0, labels: [0, 1, 2, 3] },
      { index: 1, labels: [4, 5, 6, 7] },
      { index: 2, labels: [8, 9] },
    ]);
  });

  test('are all full with dropLast', () => {
    const loader = new DataLoader(dataset, { batchSize: 4, dropLast: true });
    expect(loader.length).toBe(2);
    expect(order(loader)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(new DataLoader(dataset, { batchSize: 5, dropLast: true }).length).toBe(2);
  });

  test('are tensors of images transformed and of labels', () => {
    const loader = new DataLoader(dataset, { batchSize: 3, transform: pad(2) });
    const [batch] = loader.batches({ startBatch: 3 });
    expect(batch!.images).toMatchObject({ shape: [1, 1, 5, 5], dtype: 'float32' });
    expect(batch!.labels).toMatchObject({ shape: [1], dtype: 'int32' });
    expect(batch!.images.dataSync()[12]).toBe(Math.fround(9 / 255));
    batch!.dispose();
  });

  test('leave no memory behind once disposed', () => {
    const before = currentBackend().memory();
    contents(new DataLoader(dataset, { batchSize: 4 }).batches());
    for (const batch of new DataLoader(dataset, { batchSize: 4 }).batches()) batch[Symbol.dispose]();
    expect(currentBackend().memory()).toEqual(before);
  });
});

const shuffled = (seed: number) => new DataLoader(dataset, { batchSize: 3, shuffle: new Rng(seed) });

describe('shuffling', () => {
  test('gives every sample once an epoch, in another order each epoch', () => {
    const epochs = [0, 1, 2].map((epoch) => order(shuffled(1), { epoch }));
    expect(new Set(epochs.map(String)).size).toBe(3);
    for (const epoch of epochs) expect(epoch.sort((a, b) => a - b)).toEqual([...numbers]);
  });

  test('depends on the key and the epoch alone: not on what came before, nor on what else was drawn', () => {
    const epoch = 7;
    const expected = order(shuffled(1), { epoch });
    const used = shuffled(1);
    order(used);
    order(used, { epoch });
    expect(order(used, { epoch })).toEqual(expected);
    const rng = new Rng(1);
    rng.permutation(50);
    expect(order(new DataLoader(dataset, { batchSize: 3, shuffle: rng }), { epoch })).toEqual(expected);
    expect(order(shuffled(2), { epoch })).not.toEqual(expected);
  });

  test('goes on in the middle of an epoch as if it had never stopped', () => {
    const whole = contents(shuffled(1).batches({ epoch: 3 }));
    for (let startBatch = 0; startBatch <= 4; startBatch++) {
      expect(contents(shuffled(1).batches({ epoch: 3, startBatch }))).toEqual(whole.slice(startBatch));
    }
  });
});

describe('what makes no sense is refused', () => {
  test.each<[string, () => unknown, RegExp]>([
    [
      'no images in a batch',
      () => new DataLoader(dataset, { batchSize: 0 }),
      /batchSize must be a whole number from 1, but is 0/,
    ],
    ['half an image', () => new DataLoader(dataset, { batchSize: 1.5 }), /batchSize .* but is 1.5/],
    [
      'no full batch',
      () => new DataLoader(dataset, { batchSize: 11, dropLast: true }),
      /dataset of 10 images has no full batch of 11/,
    ],
    [
      'a batch beyond the end',
      () => new DataLoader(dataset, { batchSize: 5 }).batches({ startBatch: 3 }),
      /startBatch must be a whole number from 0 to 2/,
    ],
    [
      'a negative epoch',
      () => new DataLoader(dataset, { batchSize: 5 }).batches({ epoch: -1 }),
      /epoch must be a whole number from 0, but is -1/,
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(DataError);
    expect(make).toThrow(message);
  });
});
