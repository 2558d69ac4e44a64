import { reference } from '@receptive/backend/reference';
import { imageDataset } from '@receptive/data';
import { Module, crossEntropy } from '@receptive/layers';
import { reshape, setBackend } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { confusionMatrix, evaluate, worstMistakes } from '@receptive/train';
import { beforeEach, describe, expect, test } from 'vitest';
import { network, stripes } from './fixtures.ts';

const backend = reference();
beforeEach(() => setBackend(backend));

/** Takes an image's three pixels for its logits. */
class Pixels extends Module {
  override forward(x: Tensor): Tensor {
    return reshape(x, [x.shape[0]!, -1]).mul(255);
  }
}

const images = Uint8Array.of(2, 0, 0, 0, 1, 0, 0, 0, 3, 5, 0, 0);
const labels = [0, 1, 1, 2];
const data = imageDataset(images, labels, { shape: [1, 1, 3], classes: 3 });

/** Logarithm of the sum of the exponentials of a logit and two zeros. */
const others = (logit: number) => Math.log(Math.exp(logit) + 2);

describe('evaluate', () => {
  test('gives loss, accuracy, confusion and what was predicted, by hand', async () => {
    const result = await evaluate(new Pixels(), data, { loss: crossEntropy, batchSize: 3 });
    expect(result.loss).toBeCloseTo((others(2) - 2 + others(1) - 1 + others(3) + others(5)) / 4, 6);
    expect(result.accuracy).toBe(0.5);
    expect(result.confusion).toEqual([
      [1, 0, 0],
      [0, 1, 1],
      [1, 0, 0],
    ]);
    expect([...result.labels]).toEqual(labels);
    expect([...result.predictions]).toEqual([0, 1, 2, 0]);
    expect(result.classes).toBe(3);
    expect(result.probabilities[9]).toBeCloseTo(Math.exp(5 - others(5)), 6);
    expect(result.probabilities[11]).toBeCloseTo(Math.exp(0 - others(5)), 6);
  });

  test('finds the worst mistakes: the surest first', async () => {
    const result = await evaluate(new Pixels(), data, { loss: crossEntropy });
    const mistakes = worstMistakes(result);
    expect(mistakes.map(({ index, label, prediction }) => [index, label, prediction])).toEqual([
      [3, 2, 0],
      [2, 1, 2],
    ]);
    expect(mistakes[0]!.confidence).toBe(result.probabilities[9]);
    expect(worstMistakes(result, 1)).toEqual(mistakes.slice(0, 1));
  });

  test('does the same in batches of any size, and leaves nothing behind', async () => {
    const model = network();
    const whole = await evaluate(model, stripes(20), { loss: crossEntropy, batchSize: 20 });
    const before = backend.memory();
    const seen: number[] = [];
    const parts = await evaluate(model, stripes(20), {
      loss: crossEntropy,
      batchSize: 7,
      onProgress: (count) => void seen.push(count),
    });
    expect(backend.memory()).toEqual(before);
    expect(seen).toEqual([7, 14, 20]);
    expect(parts).toMatchObject({ accuracy: whole.accuracy, confusion: whole.confusion });
    expect(parts.probabilities).toEqual(whole.probabilities);
    expect(parts.loss).toBeCloseTo(whole.loss, 6);
    model.dispose();
  });

  test('transforms the images first', async () => {
    const inverted = await evaluate(new Pixels(), data, {
      loss: crossEntropy,
      transform: ({ shape, data: pixels }) => ({ shape, data: pixels.map((pixel) => -pixel) }),
    });
    expect([...inverted.predictions]).toEqual([1, 0, 0, 1]);
  });

  test('ends when the signal aborts', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const run = evaluate(new Pixels(), data, {
      loss: crossEntropy,
      batchSize: 1,
      signal: controller.signal,
      onProgress: (count) => {
        seen.push(count);
        if (count === 2) controller.abort(new Error('enough'));
      },
    });
    await expect(run).rejects.toThrow('enough');
    expect(seen).toEqual([1, 2]);
  });

  test('refuses a loss that is not finite, and a model for fewer classes', async () => {
    const spoilt = evaluate(new Pixels(), data, {
      loss: crossEntropy,
      batchSize: 2,
      transform: ({ shape, data: pixels }) => ({ shape, data: pixels.fill(NaN, shape[0] === 2 ? 0 : pixels.length) }),
    });
    await expect(spoilt).rejects.toThrow(/evaluate: the loss of the batch from image 0 on is NaN/);
    const many = imageDataset(images, labels, { shape: [1, 1, 3], classes: 10 });
    await expect(evaluate(new Pixels(), many, { loss: crossEntropy })).rejects.toThrow(
      /gives \[4, 3\] for a batch of 4 images, but a dataset of 10 classes needs \[4, 10\]/,
    );
  });
});

test('confusionMatrix counts rows of labels and columns of predictions', () => {
  expect(confusionMatrix(Int32Array.of(0, 1, 1), Int32Array.of(1, 1, 0), 2)).toEqual([
    [0, 1],
    [1, 1],
  ]);
});
