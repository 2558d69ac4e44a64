import { reference } from '@receptive/backend/reference';
import { readSafetensors, writeSafetensors } from '@receptive/formats';
import { Linear, Module, buffer } from '@receptive/layers';
import { setBackend, tensor } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { DivergedError, decodeCheckpoint, encodeCheckpoint, fit } from '@receptive/train';
import { beforeEach, describe, expect, test } from 'vitest';
import { demanding, network, stripes } from './fixtures.ts';

beforeEach(() => setBackend(reference()));

/** A layer with a counter, as batch normalisation has one. */
class Counting extends Module {
  readonly linear = new Linear(2, 1);
  readonly numBatchesTracked = buffer([1], () => tensor([3], { dtype: 'int32' }));

  override forward(x: Tensor): Tensor {
    return this.linear.forward(x);
  }
}

async function trained(): Promise<Uint8Array> {
  let saved = new Uint8Array();
  const architecture = { name: 'network', config: { hidden: 6 } };
  await fit(network(), stripes(20), {
    ...demanding(),
    checkpoint: { save: (bytes) => void (saved = bytes.slice()), architecture },
  });
  return saved;
}

describe('a checkpoint', () => {
  test('of a model alone is a safetensors file of its state dictionary', async () => {
    const model = network();
    const { tensors } = readSafetensors(await encodeCheckpoint(model));
    expect(new Set(tensors.keys())).toEqual(new Set(model.stateDict().keys()));
    for (const [key, { value }] of model.stateDict()) expect(tensors.get(key)!.data).toEqual(value.dataSync());
  });

  test('keeps counters in the 64 bits that PyTorch has', async () => {
    const model = new Counting();
    const bytes = await encodeCheckpoint(model);
    expect(Buffer.from(bytes).toString('latin1')).toContain('"num_batches_tracked":{"dtype":"I64"');
    model.numBatchesTracked.assign(tensor([9], { dtype: 'int32' }));
    model.loadStateDict(decodeCheckpoint(bytes).weights);
    expect([...model.numBatchesTracked.value.dataSync()]).toEqual([3]);
  });

  test('of a training holds all that it needs, in one file that other tools can read', async () => {
    const bytes = await trained();
    const { tensors, metadata } = readSafetensors(bytes);
    const weights = [...network().stateDict().keys()];
    expect([...tensors.keys()].sort()).toEqual(
      [...weights, ...weights.map((key) => `optimizer/velocity/${key}`)].sort(),
    );
    expect(Object.keys(metadata).sort()).toEqual(['architecture', 'receptive_checkpoint', 'training']);
    const { architecture, training, ...checkpoint } = decodeCheckpoint(bytes);
    expect(architecture).toEqual({ name: 'network', config: { hidden: 6 } });
    expect([...checkpoint.weights.keys()].sort()).toEqual(weights.sort());
    expect(training).toMatchObject({
      settings: {
        seed: 7,
        batchSize: 8,
        images: 20,
        validationImages: 9,
        optimizer: { name: 'sgd', lr: 0.3, momentum: 0.9, dampening: 0.1, nesterov: false, weightDecay: 1e-3 },
        schedule: { name: 'warmup', steps: 2, after: { name: 'cosine', steps: 10, end: 0 } },
        clipNorm: 1,
      },
      position: { epoch: 4, step: 0, globalStep: 12 },
      running: { loss: 0, correct: 0, images: 0 },
      best: { metric: 'validationLoss' },
    });
    expect(training!.history).toHaveLength(4);
    // Each of 12 forward passes drew a mask of 8 or 4 x 6 elements, 4 words a block.
    expect(training!.rng.forward.counter).toBe(4 * (12 + 12 + 6));
    expect([...training!.optimizer.keys()]).toContain('velocity/hidden.weight');
  });

  test('of one state is always the same bytes', async () => {
    expect(Buffer.compare(await trained(), await trained())).toBe(0);
  });

  test('of any other safetensors file is its tensors', () => {
    const bytes = writeSafetensors([['optimizer/w', { shape: [1], data: Float32Array.of(1) }]], { format: 'pt' });
    const { weights, architecture, training } = decodeCheckpoint(bytes);
    expect([...weights.keys()]).toEqual(['optimizer/w']);
    expect([architecture, training]).toEqual([undefined, undefined]);
  });

  test('is not made of weights that are not finite', async () => {
    const model = network();
    const saved: Uint8Array[] = [];
    model.parameters()[1]!.assign(tensor([0, 0, NaN, 0, 0, 0]));
    await expect(encodeCheckpoint(model)).rejects.toThrow(DivergedError);
    await expect(encodeCheckpoint(model)).rejects.toThrow(/no checkpoint was written; an earlier one is as it was/);
    expect(saved).toEqual([]);
  });
});

/** The bytes of a checkpoint with other metadata. */
async function altered(change: (metadata: Record<string, string>) => Record<string, string>): Promise<Uint8Array> {
  const { tensors, metadata } = readSafetensors(await trained());
  return writeSafetensors(tensors, { ...metadata, ...change(metadata) });
}

/** The bytes of a checkpoint whose training state was changed at a path. */
const alteredState = (path: string, value: unknown) =>
  altered(({ training }) => {
    const state = JSON.parse(training!);
    const keys = path.split('.');
    const parent = keys.slice(0, -1).reduce((object, key) => object[key], state);
    parent[keys.at(-1)!] = value;
    return { training: JSON.stringify(state) };
  });

describe('a broken checkpoint is refused:', () => {
  test('truncated at any place', async () => {
    const bytes = await trained();
    for (let length = 0; length < bytes.length; length += 97) {
      expect(() => decodeCheckpoint(bytes.slice(0, length)), `${length} bytes`).toThrow(
        /truncated|begins with|not begin/,
      );
    }
  });

  test('no safetensors file', () => {
    expect(() => decodeCheckpoint(new TextEncoder().encode('{"weights": [1, 2, 3]}'))).toThrow(/no safetensors file/);
  });

  test('of a later version', async () => {
    const bytes = await altered(() => ({ receptive_checkpoint: '2' }));
    expect(() => decodeCheckpoint(bytes)).toThrow(/layout of version 2, but this program reads version 1\. Update it/);
  });

  test.each([
    ['training', '{', /entry "training" is no JSON/],
    ['training', '[]', /the state is no object/],
    ['training', `{"settings":${'['.repeat(1e5)}${']'.repeat(1e5)}}`, /entry "training" is no JSON that can be read/],
    ['architecture', '3', /names its architecture by something that is no text/],
    ['architecture', '', /entry "architecture" is no JSON/],
  ])('metadata %s of %.20s', async (entry, text, message) => {
    const bytes = await altered(() => ({ [entry]: text }));
    expect(() => decodeCheckpoint(bytes)).toThrow(message);
  });

  test.each([
    ['settings', null, /settings is no object/],
    ['position', [], /position is no object/],
    ['position.step', -1, /step is -1/],
    ['position.epoch', 1.5, /epoch is 1\.5/],
    ['position.globalStep', undefined, /globalStep is undefined/],
    ['running.loss', 'much', /loss is "much"/],
    ['rng.shuffle', { key: [1], counter: 0 }, /generator shuffle: Rng: the seed must be/],
    ['rng.forward', null, /generator forward: .*is no object/],
    ['history', {}, /history is no list/],
    ['history.0', 7, /history\[0\] is no object/],
    ['history.1.trainLoss', null, /trainLoss is null/],
    ['history.1.validationLoss', '1', /validationLoss is "1"/],
    ['best.metric', 'beauty', /best has the metric "beauty"/],
    ['best.epoch', 0, /epoch is 0/],
  ])('%s of %j', async (path, value, message) => {
    const bytes = await alteredState(path, value);
    expect(() => decodeCheckpoint(bytes)).toThrow(message);
    expect(() => decodeCheckpoint(bytes)).toThrow(/The training state in the checkpoint is broken/);
  });
});
