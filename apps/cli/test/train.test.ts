import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeImage, readSafetensors } from 'receptive';
import { beforeAll, describe, expect, test } from 'vitest';
import { COMPLETE, filesOf, folder, lastLine, start, succeed, writeDigits } from './support.ts';
import type { Ended } from './support.ts';

const TRAIN = ['train', 'lenet5', '--epochs', '2', '--seed', '1'];

let data: string;

beforeAll(() => {
  data = writeDigits();
});

describe('train --json', () => {
  let ended: Ended;

  beforeAll(async () => {
    ended = await succeed(...TRAIN, '--data', data, '--json', '--out', 'numbers');
  });

  test('prints the numbers, which are summary.json, alone on standard output', () => {
    const numbers = lastLine(ended);
    expect(Object.keys(numbers)).toEqual([
      'model',
      'backend',
      'epochs',
      'seconds',
      'imagesPerSecond',
      'trainLoss',
      'testAccuracy',
      'seed',
    ]);
    expect(numbers).toMatchObject({ model: 'lenet5', backend: 'workers', epochs: 2, seed: 1 });
    expect(numbers['seconds']).toBeGreaterThan(0);
    expect(numbers['imagesPerSecond']).toBeGreaterThan(0);
    expect(numbers['trainLoss']).toBeGreaterThan(0);
    // Of 100 images: a whole number of hundredths.
    expect(numbers['testAccuracy']).toBeCloseTo(Math.round(100 * (numbers['testAccuracy'] as number)) / 100, 12);
    expect(JSON.parse(readFileSync(join(folder, 'numbers', 'summary.json'), 'utf8'))).toEqual(numbers);
    expect(ended.stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(ended.stderr).toContain('Test accuracy');
  });

  test('leaves a run folder with everything in it, and nothing else', () => {
    expect(filesOf('numbers')).toEqual(COMPLETE);
    const file = (name: string): Uint8Array => readFileSync(join(folder, 'numbers', name));
    for (const name of ['filters.png', 'mistakes.png']) {
      expect(file(name).subarray(0, 8), name).toEqual(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'));
      expect(decodeImage(file(name)).width, name).toBeGreaterThan(28);
    }
    expect(readFileSync(join(folder, 'numbers', 'curve.svg'), 'utf8')).toMatch(
      /^(?:<\?xml.*?\?>\s*)?<svg [^]*<\/svg>\s*$/,
    );
  });

  test("leaves weights under PyTorch's keys", () => {
    const { tensors } = readSafetensors(readFileSync(join(folder, 'numbers', 'model.safetensors')));
    const shapes = [...tensors]
      .filter(([key]) => !key.startsWith('optimizer/'))
      .map(([key, { shape }]) => [key, shape]);
    expect(Object.fromEntries(shapes)).toEqual({
      'features.0.weight': [6, 1, 5, 5],
      'features.0.bias': [6],
      'features.3.weight': [16, 6, 5, 5],
      'features.3.bias': [16],
      'classifier.0.weight': [120, 400],
      'classifier.0.bias': [120],
      'classifier.2.weight': [84, 120],
      'classifier.2.bias': [84],
      'classifier.4.weight': [10, 84],
      'classifier.4.bias': [10],
    });
  });
});

describe('train, to a pipe', () => {
  let ended: Ended;

  beforeAll(async () => {
    ended = await succeed(...TRAIN, '--data', data, '--out', 'plain');
  });

  test('prints plain lines', () => {
    expect(ended.stderr).toBe('');
    // Not even a carriage return.
    expect(ended.stdout.match(/[^\P{Cc}\n]/gu)).toBeNull();
  });

  test('shows what is trained: volumes, filters, parameters, computations', () => {
    // The first convolution has 6 * (5 * 5 + 1) parameters, each used at 28 * 28 places.
    expect(ended.stdout).toMatch(/^Conv2d +features\.0 +1@32x32 +6@28x28 +5x5 \/ 1 +6 +156 +117,600 +122,304 +5x5$/m);
    expect(ended.stdout).toMatch(/^total +61,706 /m);
    expect(ended.stdout).toContain('300 images to train on, 100 to test');
  });

  test('shows first what is trained, then the epochs, then the test', () => {
    const places = ['LeNet-5 on', 'Run folder', ' epoch  train loss', 'Trained in', 'Test accuracy'].map((text) =>
      ended.stdout.indexOf(text),
    );
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test('shows each epoch, and what the test came to', () => {
    const epochs = [
      ...ended.stdout.matchAll(/^ +(\d+) +\d+\.\d{4} +\d+\.\d\d % +\d+\.\d{4} +\d+\.\d\d % +[\d,]+ +\d+\.\d$/gm),
    ];
    expect(epochs.map(([, epoch]) => epoch)).toEqual(['1', '2']);
    expect(ended.stdout).toMatch(/^Test accuracy \d+\.\d\d %: \d+ of 100 images, loss \d+\.\d{4}$/m);
  });

  test('shows a confusion matrix of all images of the test', () => {
    const rows = [...ended.stdout.matchAll(/^\d((?: +(?:\d+|\.)){10})$/gm)];
    const counts = rows.map(([, cells]) =>
      cells!
        .trim()
        .split(/ +/)
        .map((cell) => (cell === '.' ? 0 : Number(cell))),
    );
    // Ten images a class.
    expect(counts.map((row) => row.reduce((sum, count) => sum + count))).toEqual(new Array(10).fill(10));
    const correct = counts.reduce((sum, row, label) => sum + row[label]!, 0);
    expect(ended.stdout).toContain(`: ${correct} of 100 images`);
  });

  test('says where the results lie', () => {
    for (const name of COMPLETE.filter((file) => file !== 'run.json')) {
      expect(ended.stdout).toContain(`\n${join('plain', name)} `);
    }
  });

  test('gives the bits that the seed decides', async () => {
    await succeed(...TRAIN, '--data', data, '--out', 'again');
    await succeed('train', '--epochs', '2', '--seed', '2', '--data', data, '--out', 'other');
    const weights = (run: string): Buffer => readFileSync(join(folder, run, 'model.safetensors'));
    expect(weights('again').equals(weights('plain'))).toBe(true);
    expect(weights('other').equals(weights('plain'))).toBe(false);
  });
});

test('without --out, the run folder is a new one in runs/, named by the model and the time', async () => {
  const { stdout } = await succeed('train', '--epochs', '1', '--data', data);
  const [name] = filesOf('runs');
  expect(name).toMatch(/^lenet5-\d{8}-\d{6}$/);
  expect(filesOf(join('runs', name!))).toEqual(COMPLETE);
  expect(stdout).toContain(join('runs', name!, 'summary.json'));
});

test('ends quietly when nobody reads what it prints any more', async () => {
  const { child, ended } = start([...TRAIN, '--data', data, '--out', 'unread']);
  child.stdout!.once('data', () => child.stdout!.destroy());
  const { code, stderr } = await ended;
  // As a shell reports a program that SIGPIPE ended.
  expect([code, stderr]).toEqual([141, '']);
});
