import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { pngFile } from '../../../packages/data/test/files.ts';
import { drawDigit, folder, lastLine, receptive, start, succeed, summaryOf, writeDigits } from './support.ts';

// The package that decodes JPEGs encodes them too.
const { encode } = createRequire(new URL('../../../packages/data/package.json', import.meta.url))('jpeg-js') as {
  encode: (image: { width: number; height: number; data: Uint8Array }, quality: number) => { data: Uint8Array };
};

beforeAll(async () => {
  await succeed('train', '--data', writeDigits(), '--epochs', '8', '--batch-size', '16', '--out', 'run');
});

/** Draws a digit as a PNG, light on dark. */
function drawPng(name: string, digit: number): void {
  const { width, height, data } = drawDigit(digit, 60, 110, 12);
  const rows = Array.from({ length: height }, (_, y) => [0, ...data.subarray(y * width, (y + 1) * width)]);
  writeFileSync(join(folder, name), pngFile({ width, height, raw: rows.flat() }));
}

/** Draws a digit as a JPEG, dark on light. */
function drawJpeg(name: string, digit: number): void {
  const { width, height, data } = drawDigit(digit, 25, 44, 5, 255);
  const rgba = Uint8Array.from([...data].flatMap((grey) => [grey, grey, grey, 255]));
  writeFileSync(join(folder, name), encode({ width, height, data: rgba }, 90).data);
}

describe('predict', () => {
  beforeAll(() => {
    drawPng('seven.png', 7);
    drawJpeg('four.jpg', 4);
  });

  test('tells the digits in a PNG and in a JPEG, and how probable they are', async () => {
    const { stdout, stderr } = await succeed('predict', 'seven.png', 'four.jpg', '--model', 'run');
    const line = String.raw`\((\d+\.\d\d) %\), else \d \(\d+\.\d\d %\)\n`;
    const shares = new RegExp(`^seven\\.png: 7 ${line}four\\.jpg: 4 ${line}$`).exec(stdout);
    expect(shares, stdout).not.toBeNull();
    for (const share of shares!.slice(1)) expect(Number(share)).toBeGreaterThan(50);
    expect(stderr).toBe('');
  });

  test('gives the same as JSON', async () => {
    const ended = await succeed('predict', 'seven.png', '--model', join('run', 'model.safetensors'), '--json');
    const { predictions, checkpoint } = lastLine(ended) as {
      checkpoint: string;
      predictions: { image: string; digit: number; probability: number; runnerUp: { probability: number } }[];
    };
    expect(checkpoint).toBe(join('run', 'model.safetensors'));
    expect(predictions).toHaveLength(1);
    const [{ image, digit, probability, runnerUp }] = predictions as [(typeof predictions)[0]];
    expect([image, digit]).toEqual(['seven.png', 7]);
    expect(probability).toBeGreaterThan(runnerUp.probability);
    expect(probability + runnerUp.probability).toBeLessThanOrEqual(1 + 1e-6);
    expect(ended.stdout.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('evaluate', () => {
  test('tests a run again on its own data, to the same accuracy', async () => {
    const ended = await succeed('evaluate', 'run', '--json');
    const { testAccuracy } = summaryOf('run');
    expect(testAccuracy).toBeGreaterThan(0.9);
    const numbers = lastLine(ended);
    expect(numbers).toMatchObject({ model: 'lenet5', images: 100, testAccuracy });
    expect((numbers['confusion'] as number[][]).flat().reduce((sum, count) => sum + count)).toBe(100);
    const plain = await succeed('evaluate', 'run');
    expect(plain.stdout).toContain(`Test accuracy ${(100 * testAccuracy).toFixed(2)} %`);
  });

  test('takes a checkpoint and other data', async () => {
    mkdirSync(join(folder, 'elsewhere'));
    writeFileSync(
      join(folder, 'elsewhere', 'weights.safetensors'),
      readFileSync(join(folder, 'run', 'model.safetensors')),
    );
    const ended = await succeed('evaluate', join('elsewhere', 'weights.safetensors'), '--data', 'digits', '--json');
    expect(lastLine(ended)['testAccuracy']).toBe(summaryOf('run').testAccuracy);
    // Left to itself, it is tested on the digits that come with the program: 1,000 of them.
    const bundled = await succeed('evaluate', join('elsewhere', 'weights.safetensors'), '--json');
    expect(lastLine(bundled)['images']).toBe(1000);
  });
});

describe('summary', () => {
  test('lists the layers and what they come to', async () => {
    const { stdout } = await succeed('summary', 'lenet5');
    expect(stdout).toMatch(/^Linear +classifier\.0 +400 +120 +48,120 +48,000 +48,120 /m);
    // 156 + 2,416 + 48,120 + 10,164 + 850, by hand.
    expect(stdout).toMatch(/^total +61,706 /m);
  });

  test('counts for any number of classes, as JSON too', async () => {
    const { totals } = lastLine(await succeed('summary', 'lenet5', '--classes', '26', '--json')) as {
      totals: { parameters: number };
    };
    // The last layer has 84 * 26 + 26 instead of 850.
    expect(totals.parameters).toBe(61_706 - 850 + 2_210);
  });

  test('makes no weights: a model that no memory would hold is listed at once', async () => {
    const { stdout } = await succeed('summary', 'lenet5', '--classes', '1000000000');
    expect(stdout).toMatch(/^Linear +classifier\.4 +84 +1000000000 +85,000,000,000 /m);
  });
});

describe('help', () => {
  const commands = {
    train: [
      '--data',
      '--epochs',
      '--batch-size',
      '--lr',
      '--seed',
      '--backend',
      '--threads',
      '--out',
      '--resume',
      '--json',
    ],
    evaluate: ['--data', '--json'],
    predict: ['--model', '--json'],
    summary: ['--classes', '--json'],
  };

  test('lists the commands, with examples', async () => {
    const { stdout } = await succeed('--help');
    for (const command of Object.keys(commands)) expect(stdout).toMatch(new RegExp(`^  ${command} .*\\w`, 'm'));
    expect(stdout).toContain('--debug');
    expect(stdout).toMatch(/^Examples:\n  receptive train /m);
  });

  test.each(Object.entries(commands))('explains %s: its options, with examples', async (command, options) => {
    const { stdout } = await succeed(command, '--help');
    for (const option of [...options, '--help'])
      expect(stdout).toMatch(new RegExp(`^  (?:-h, )?${option}\\b.* {2}\\w`, 'm'));
    expect(stdout).toMatch(new RegExp(`^Examples:\n  receptive ${command} `, 'm'));
  });

  test('comes unasked where no command is given', async () => {
    const { code, stderr } = await receptive();
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^Usage: receptive /)]);
  });

  test('--version is the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect((await succeed('--version')).stdout).toBe(`${version}\n`);
  });
});

test.each(['summary lenet5', 'evaluate run', 'predict seven.png --model run', '--help'])(
  '%s ends quietly when nobody reads what it prints',
  async (command) => {
    const { child, ended } = start(command.split(' '));
    child.stdout!.destroy();
    const { code, stderr } = await ended;
    // What was printed may have found room in the pipe before that was closed.
    expect([0, 141]).toContain(code);
    expect(stderr).toBe('');
  },
);
