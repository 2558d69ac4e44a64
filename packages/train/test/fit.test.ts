import type { Backend } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import { Flatten, crossEntropy } from '@receptive/layers';
import { setBackend } from '@receptive/tensor';
import { DivergedError, adam, evaluate, fit, sgd } from '@receptive/train';
import type { EpochRecord, FitOptions, Progress } from '@receptive/train';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { demanding, network, stripes } from './fixtures.ts';

let backend: Backend;

beforeEach(() => {
  backend = reference();
  setBackend(backend);
});

const plain: FitOptions = { loss: crossEntropy, optimizer: sgd({ lr: 0.2, momentum: 0.9 }), epochs: 3, batchSize: 8 };

/** The weights after a training. */
const weights = async (modelSeed: number, seed: number) => {
  const model = network({ seed: modelSeed });
  await fit(model, stripes(20), { ...demanding(), seed });
  return model.parameters().flatMap(({ value }) => [...value.dataSync()]);
};

/** How far a step of learning rate 1 moves each weight. */
const moved = async (clip: Pick<FitOptions, 'clipNorm' | 'clipValue'>) => {
  const model = network({ dropout: 0 });
  const values = () => model.parameters().flatMap(({ value }) => [...value.dataSync()]);
  const before = values();
  await fit(model, stripes(8), { ...plain, ...clip, optimizer: sgd({ lr: 1 }), epochs: 1 });
  return values().map((value, i) => Math.abs(value - before[i]!));
};

const flushes = (count: number) => new Array<string>(count).fill('flush');

describe('fit', () => {
  test('learns, and tells how', async () => {
    const { history, best, steps, aborted, stoppedEarly, imagesPerSecond } = await fit(network(), stripes(60), {
      ...plain,
      epochs: 8,
      validate: stripes(30, 2),
    });
    expect(history.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(history[7]!.trainLoss).toBeLessThan(history[0]!.trainLoss / 2);
    expect(history[7]!.validationAccuracy).toBe(1);
    for (const { seconds, imagesPerSecond: rate } of history) expect(rate! * seconds!).toBeCloseTo(60, 6);
    expect(imagesPerSecond).toBeGreaterThan(0);
    expect(best).toMatchObject({ metric: 'validationLoss', value: history[best!.epoch - 1]!.validationLoss });
    expect({ steps, aborted, stoppedEarly }).toEqual({ steps: 64, aborted: false, stoppedEarly: false });
  });

  test('weighs the steps of an epoch by their images', async () => {
    const model = network({ dropout: 0 });
    const data = stripes(20);
    const { history } = await fit(model, data, { ...plain, optimizer: sgd({ lr: 0 }), epochs: 1 });
    const { loss, accuracy } = await evaluate(model, data, { loss: crossEntropy, batchSize: 20 });
    expect(history[0]!.trainLoss).toBeCloseTo(loss, 6);
    expect(history[0]!.trainAccuracy).toBe(accuracy);
  });

  test('gives the same bits for the same seeds, and others for other ones', async () => {
    const first = await weights(1, 1);
    expect(await weights(1, 1)).toEqual(first);
    expect(await weights(1, 2)).not.toEqual(first);
    expect(await weights(2, 1)).not.toEqual(first);
  });

  test('takes as much memory at its end as after one epoch', async () => {
    const uses: ReturnType<Backend['memory']>[] = [];
    const callbacks = { onEpoch: () => void uses.push(backend.memory()) };
    const before = backend.memory();
    const model = network();
    await fit(model, stripes(20), {
      ...demanding(),
      optimizer: adam(),
      epochs: 50,
      callbacks,
      checkpoint: { save: () => {}, everyEpochs: 10 },
    });
    expect(uses).toHaveLength(50);
    for (const use of uses) expect(use).toEqual(uses[0]);
    model.dispose();
    expect(backend.memory()).toEqual(before);
  });

  test('runs where the model lives, whatever backend is current', async () => {
    const other = reference();
    const model = network();
    await model.to(other);
    const before = backend.memory();
    await fit(model, stripes(20), demanding());
    expect(backend.memory()).toEqual(before);
    expect(other.memory().storages).toBe(model.parameters().length);
  });

  test('waits for the device after each step, and reads from it after ten steps, not sooner', async () => {
    vi.useFakeTimers({ toFake: ['performance'] }); // No time passes: only steps count.
    const calls: string[] = [];
    const inner = reference();
    const device: Backend = {
      ...inner,
      readSync: undefined,
      flush: async () => void calls.push('flush'),
      read: async (...args) => {
        const copy = inner.read(...args);
        calls.push('read');
        await new Promise((resolve) => setTimeout(resolve));
        return copy;
      },
    };
    setBackend(device);
    const { history } = await fit(network(), stripes(25 * 4), { ...plain, epochs: 1, batchSize: 4 });
    vi.useRealTimers();
    expect(calls).toEqual([...flushes(10), 'read', ...flushes(10), 'read', ...flushes(5), 'read']);
    setBackend(backend);
    const same = await fit(network(), stripes(25 * 4), { ...plain, epochs: 1, batchSize: 4 });
    expect(history[0]!.trainLoss).toBe(same.history[0]!.trainLoss);
  });

  test('lets the event loop turn, and ends after the step in which the signal aborts', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    const { aborted, steps, history } = await fit(network(), stripes(20), {
      ...plain,
      epochs: 1e9,
      signal: controller.signal,
    });
    expect(aborted).toBe(true);
    expect(steps).toBeGreaterThan(0);
    expect(history).toHaveLength(Math.floor(steps / 3));
  });

  test('ends within ten steps of a loss that is not finite, and says where and what to do', async () => {
    const model = network();
    const seen: number[] = [];
    const run = fit(model, stripes(60), {
      ...plain,
      batchSize: 4,
      // The first four steps leave everything as it is.
      schedule: (step) => (step < 4 ? 0 : 1),
      optimizer: sgd({ lr: 1e38 }),
      callbacks: { onProgress: ({ losses }) => void seen.push(...losses) },
    });
    await expect(run).rejects.toThrow(DivergedError);
    await expect(run).rejects.toThrow(
      /the loss is (NaN|Infinity) at epoch 1, step [67] of 15 \(step [67] of the run\), where the learning rate is 1e\+38\. .*Lower the learning rate/s,
    );
    expect(seen.every(Number.isFinite)).toBe(true);
  });

  test('clips gradients by value, then by norm', async () => {
    expect(Math.max(...(await moved({ clipValue: 1e-3 })))).toBeCloseTo(1e-3, 6);
    expect(Math.hypot(...(await moved({ clipNorm: 0.01 })))).toBeCloseTo(0.01, 6);
    expect(Math.hypot(...(await moved({ clipNorm: 1e-4, clipValue: 1e-3 })))).toBeCloseTo(1e-4, 6);
    expect(Math.hypot(...(await moved({})))).toBeGreaterThan(0.1);
  });
});

const stoppedBy = (minDelta: number) =>
  fit(network(), stripes(30), {
    ...plain,
    epochs: 6,
    earlyStopping: { patience: 2, metric: 'trainAccuracy', minDelta },
  });

describe('early stopping', () => {
  test('ends the training when so many epochs have brought nothing better', async () => {
    const { history, best, stoppedEarly, steps } = await fit(network({ dropout: 0 }), stripes(20), {
      ...plain,
      optimizer: sgd({ lr: 0 }),
      epochs: 100,
      validate: stripes(9, 2),
      earlyStopping: { patience: 3 },
    });
    expect({ epochs: history.length, best: best!.epoch, stoppedEarly, steps }).toEqual({
      epochs: 4,
      best: 1,
      stoppedEarly: true,
      steps: 12,
    });
  });

  test('counts only what is better by more than minDelta', async () => {
    expect((await stoppedBy(2)).history).toHaveLength(3);
    const { history, best } = await stoppedBy(0);
    const accuracies = history.map(({ trainAccuracy }) => trainAccuracy);
    expect(best).toEqual({
      metric: 'trainAccuracy',
      value: Math.max(...accuracies),
      epoch: accuracies.indexOf(Math.max(...accuracies)) + 1,
    });
  });
});

describe('what cannot be trained is refused', () => {
  const cases: [name: string, changes: Partial<FitOptions>, message: RegExp][] = [
    ['no epochs', { epochs: 0 }, /fit: epochs must be a whole number of at least 1, but is 0/],
    ['half a batch', { batchSize: 0.5 }, /batchSize must be a whole number/],
    ['a negative seed', { seed: -1 }, /seed must be a whole number/],
    ['a limit of 0', { clipNorm: 0 }, /maxNorm must be/],
    ['no patience', { earlyStopping: { patience: 0 } }, /patience must be at least 1 epoch, but is 0/],
    ['nothing to watch', { earlyStopping: { patience: 1, metric: 'validationLoss' } }, /needs a validation set/],
    ['a schedule that is no number', { schedule: () => NaN }, /the schedule gives NaN at step 0/],
    ['a loss of each image', { loss: (y, t) => crossEntropy(y, t, { reduction: 'none' }) }, /must return one number/],
    [
      'a validation set of more classes',
      { validate: { ...stripes(3), classes: 4 } },
      /validation set has .* in 4 classes/,
    ],
    [
      'a validation set of other images',
      { validate: { ...stripes(3), shape: [1, 2, 8] } },
      /shape \[1, 2, 8\] in 3 classes, but/,
    ],
    ['an empty validation set', { validate: { ...stripes(3), length: 0 } }, /the validation set is empty/],
    ['checkpoints every 0 steps', { checkpoint: { save: () => {}, everySteps: 0 } }, /checkpoint\.everySteps must be/],
  ];

  test.each(cases)('%s', async (_, changes, message) => {
    const model = network();
    await expect(fit(model, stripes(20), { ...plain, ...changes })).rejects.toThrow(message);
    model.dispose();
    expect(backend.memory().storages).toBe(0);
  });

  test('a model for fewer classes', async () => {
    await expect(fit(network({ classes: 2 }), stripes(20), plain)).rejects.toThrow(
      /gives \[8, 2\] for a batch of 8 images, but a dataset of 3 classes needs \[8, 3\]/,
    );
  });

  test('a model without parameters', async () => {
    await expect(fit(new Flatten(), stripes(20), plain)).rejects.toThrow(/has no parameters/);
  });
});

/** Callbacks may be the methods of an object. */
class Watcher {
  readonly seen: Progress[] = [];

  onProgress(progress: Progress): void {
    this.seen.push(progress);
  }
}

describe('progress', () => {
  test('tells all that a bar needs', async () => {
    const watcher = new Watcher();
    const { seen } = watcher;
    const epochs: EpochRecord[] = [];
    const options = demanding();
    const { history } = await fit(network(), stripes(20), {
      ...options,
      callbacks: [watcher, { onEpoch: (record) => void epochs.push(record) }],
    });
    expect(epochs).toEqual(history);
    expect(seen.flatMap(({ losses }) => losses)).toHaveLength(12);
    const ends = seen.filter(({ step, steps }) => step === steps);
    expect(ends.map(({ epoch, epochs: of, globalStep }) => [epoch, of, globalStep])).toEqual([
      [1, 4, 3],
      [2, 4, 6],
      [3, 4, 9],
      [4, 4, 12],
    ]);
    ends.forEach(({ loss, accuracy, learningRate, globalStep, imagesPerSecond }, i) => {
      expect(loss).toBe(history[i]!.trainLoss);
      expect(accuracy).toBe(history[i]!.trainAccuracy);
      expect(learningRate).toBe(0.3 * options.schedule!(globalStep - 1));
      expect(imagesPerSecond).toBeGreaterThan(0);
    });
    expect(ends[0]!.secondsLeft).toBeGreaterThan(0);
    expect(ends[3]!.secondsLeft).toBe(0);
  });
});
