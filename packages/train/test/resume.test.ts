import type { Backend } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import { setBackend } from '@receptive/tensor';
import { CheckpointError, adamW, decodeCheckpoint, encodeCheckpoint, fit, sgd } from '@receptive/train';
import type { Checkpoint, FitOptions, FitResult } from '@receptive/train';
import { beforeEach, describe, expect, test } from 'vitest';
import { demanding, network, stripes } from './fixtures.ts';

let backend: Backend;

beforeEach(() => {
  backend = reference();
  setBackend(backend);
});

interface Outcome {
  readonly result: FitResult;
  /** The checkpoints that were saved, in their order. */
  readonly saved: Uint8Array[];
}

/** Trains as a fresh process would, with a model of other first weights where it goes on from a checkpoint. */
async function train(options: FitOptions, stopAfter = Infinity, from?: Uint8Array): Promise<Outcome> {
  const saved: Uint8Array[] = [];
  const controller = new AbortController();
  let steps = 0;
  const result = await fit(network({ seed: from ? 99 : 1 }), stripes(20), {
    ...options,
    // The loss is called once a step, and once a validation batch.
    loss: (output, labels) => {
      if (++steps >= stopAfter) controller.abort();
      return options.loss(output, labels);
    },
    checkpoint: { save: (bytes) => void saved.push(bytes.slice()), ...options.checkpoint },
    signal: controller.signal,
    ...(from && { resume: decodeCheckpoint(from) }),
  });
  return { result, saved };
}

const last = ({ saved }: Outcome): Uint8Array => saved.at(-1)!;

/** History without the times, which no two runs share. */
const numbers = ({ result }: Outcome) =>
  result.history.map((record) => ({ ...record, seconds: 0, imagesPerSecond: 0 }));

describe('a run that is stopped and continued is bit for bit the run that never stopped', () => {
  // An epoch is 3 steps and, with the 9 images of validation, 2 batches: stops lie in an epoch, at its end, in a validation, and after it.
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 13, 17])('stopped at forward pass %i', async (stopAfter) => {
    const straight = await train(demanding());
    const first = await train(demanding(), stopAfter);
    expect(first.result.aborted).toBe(true);
    const second = await train(demanding(), Infinity, last(first));
    expect(second.result.aborted).toBe(false);
    expect(Buffer.compare(last(second), last(straight))).toBe(0);
    expect(numbers(second)).toEqual(numbers(straight));
  });

  test('stopped again and again', async () => {
    const straight = await train(demanding());
    let outcome = await train(demanding(), 1);
    for (let i = 0; i < 30 && outcome.result.aborted; i++) outcome = await train(demanding(), 2, last(outcome));
    expect(outcome.result.aborted).toBe(false);
    expect(Buffer.compare(last(outcome), last(straight))).toBe(0);
  });

  test('with AdamW, from any of the checkpoints saved every two steps', async () => {
    const options: FitOptions = {
      ...demanding(),
      optimizer: adamW({ lr: 0.02, groups: [{ parameters: (name) => name.endsWith('bias'), weightDecay: 0 }] }),
      checkpoint: { save: () => {}, everySteps: 2 },
    };
    const saved: Uint8Array[] = [];
    const keep = {
      ...options,
      checkpoint: { ...options.checkpoint!, save: (bytes: Uint8Array) => void saved.push(bytes) },
    };
    await fit(network(), stripes(20), keep);
    // After steps 2, 4, 6, 8, 10, 12 and epochs 1 to 4; the ends of epochs 2 and 4 are two places: before the validation, and after it.
    expect(saved).toHaveLength(10);
    for (const checkpoint of saved) {
      const model = network({ seed: 5 });
      const { history } = await fit(model, stripes(20), { ...options, resume: decodeCheckpoint(checkpoint) });
      expect(history).toHaveLength(4);
      const weights = decodeCheckpoint(saved.at(-1)!).weights;
      for (const [key, variable] of model.stateDict())
        expect(variable.value.dataSync()).toEqual(weights.get(key)!.data);
    }
  });

  test('with early stopping, which remembers its best epoch', async () => {
    const options: FitOptions = {
      ...demanding(),
      optimizer: sgd({ lr: 0 }),
      epochs: 50,
      earlyStopping: { patience: 4, metric: 'validationAccuracy' },
    };
    const straight = await train(options);
    expect(straight.result.history).toHaveLength(5);
    const second = await train(options, Infinity, last(await train(options, 12)));
    expect(Buffer.compare(last(second), last(straight))).toBe(0);
    // A run that has ended stays ended.
    const third = await train(options, Infinity, last(second));
    expect(third.result).toMatchObject({ stoppedEarly: true, steps: 15 });
    expect(third.saved).toEqual([]);
  });

  test('with more epochs than were asked for at first', async () => {
    const straight = await train({ ...demanding(), epochs: 4 });
    const short = await train({ ...demanding(), epochs: 2 });
    expect(short.result.history).toHaveLength(2);
    expect(Buffer.compare(last(await train(demanding(), Infinity, last(short))), last(straight))).toBe(0);
  });
});

test('epochs of which all steps ran in this call tell their times, the others do not', async () => {
  const first = await train(demanding(), 7);
  const { history } = (await train(demanding(), Infinity, last(first))).result;
  expect(history.map(({ seconds, imagesPerSecond }) => [seconds !== undefined, imagesPerSecond !== undefined])).toEqual(
    [
      [false, false],
      [false, false],
      [true, true],
      [true, true],
    ],
  );
});

test('a signal that aborted before the first step leaves an earlier checkpoint alone', async () => {
  const saved: Uint8Array[] = [];
  const result = await fit(network(), stripes(20), {
    ...demanding(),
    signal: AbortSignal.abort(),
    checkpoint: { save: (bytes) => void saved.push(bytes) },
  });
  expect(result).toMatchObject({ aborted: true, steps: 0, history: [], imagesPerSecond: 0 });
  expect(saved).toEqual([]);
});

/** A checkpoint of the middle of the second epoch. */
const middle = async (): Promise<Checkpoint> => decodeCheckpoint(last(await train(demanding(), 7)));

/** Tries it, and checks that nothing was changed. */
async function refused(
  resume: Checkpoint,
  message: RegExp | string,
  changes: Partial<FitOptions> = {},
  model = network({ seed: 3 }),
) {
  const before = model.parameters().map(({ value }) => value.dataSync());
  const attempt = fit(model, stripes(20), { ...demanding(), ...changes, resume });
  await expect(attempt).rejects.toThrow(message);
  expect(model.parameters().map(({ value }) => value.dataSync())).toEqual(before);
}

describe('a run does not go on from', () => {
  test('a checkpoint of another model', async () => {
    await refused(
      await middle(),
      /The saved state of the optimiser has velocity\/hidden\.weight as .*\[6, 16\].*\[7, 16\]/,
      {},
      network({ hidden: 7 }),
    );
    const checkpoint = await middle();
    const weights = new Map(checkpoint.weights).set('extra', {
      shape: [1],
      dtype: 'float32',
      data: Float32Array.of(1),
    });
    await refused({ ...checkpoint, weights }, /checkpoint of another model than the Sequential.*extra/s);
  });

  test('a checkpoint of a run with other options, of which it names each', async () => {
    const checkpoint = await middle();
    await refused(checkpoint, /other options:\n {2}seed: 7 in the checkpoint, 8 now\n/, { seed: 8 });
    await refused(checkpoint, /batchSize: 8 in the checkpoint, 4 now\n {2}clipNorm: 1 in the checkpoint, null now/, {
      batchSize: 4,
      clipNorm: undefined as never,
    });
    await refused(checkpoint, /optimizer: .*"momentum":0\.9.* in the checkpoint, .*"momentum":0,/, {
      optimizer: sgd({ lr: 0.3 }),
    });
    await refused(checkpoint, /schedule: .*warmup.*, "custom" now/, { schedule: () => 1 });
    await refused(checkpoint, /validationImages: 9 in the checkpoint, 10 now/, { validate: stripes(10) });
  });

  test('a model alone', async () => {
    await refused(decodeCheckpoint(await encodeCheckpoint(network())), /holds a model alone, no training/);
  });

  test('a state that contradicts itself', async () => {
    const checkpoint = await middle();
    const training = checkpoint.training!;
    const { position, running } = training;
    for (const wrong of [
      { position: { ...position, step: 4 } },
      { position: { ...position, globalStep: 4 } },
      { position: { epoch: 1e15, step: 0, globalStep: 3e15 } },
      { running: { ...running, images: 7 } },
      { history: [...training.history, ...training.history] },
    ]) {
      await refused({ ...checkpoint, training: { ...training, ...wrong } }, 'contradicts itself');
    }
  });

  test('an optimiser state in which something is missing', async () => {
    const checkpoint = await middle();
    const optimizer = new Map(checkpoint.training!.optimizer);
    optimizer.delete('velocity/output.bias');
    const attempt = { ...checkpoint, training: { ...checkpoint.training!, optimizer } };
    await refused(attempt, /has no velocity\/output\.bias/);
    await expect(fit(network(), stripes(20), { ...demanding(), resume: attempt })).rejects.toThrow(CheckpointError);
  });
});
