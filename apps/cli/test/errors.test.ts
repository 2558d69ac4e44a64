import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors, writeSafetensors } from 'receptive';
import { beforeAll, describe, expect, test } from 'vitest';
import { idxFile } from '../../../packages/data/test/files.ts';
import { filesOf, folder, receptive, succeed, writeDigits } from './support.ts';

let data: string;

beforeAll(async () => {
  data = writeDigits();
  await succeed('train', '--data', data, '--epochs', '1', '--out', 'run');
});

/** One error, which may list its reasons on lines of their own, and no stack. */
const ONE_ERROR = /^error: (?!.*\n(?:error:|Error:| {4}at )).+\n$/s;

/** The command fails, and says once what is wrong. */
async function refused(args: readonly string[], message: RegExp): Promise<void> {
  const { code, stderr } = await receptive(...args);
  expect(stderr).toMatch(ONE_ERROR);
  expect(stderr).toMatch(message);
  expect(code).toBe(1);
}

describe('a command line that is not understood:', () => {
  test.each([
    ['fly', /unknown command 'fly'/],
    ['train alexnet', /'alexnet'.*Allowed choices are lenet5/],
    ['summary alexnet', /'alexnet'.*Allowed choices are lenet5/],
    ['summary', /missing required argument 'model'/],
    ['predict', /missing required argument 'image'/],
    ['evaluate', /missing required argument 'run'/],
    ['train --backend abacus', /'--backend <name>'.*'abacus'.*Allowed choices are workers/],
    ['train --backend cpu --threads 2', /--threads is for --backend workers, but the backend is cpu/],
    ['train --threads 0', /'--threads <n>'.*'0'.*whole number from 1/],
    ['train --epochs 0', /'--epochs <n>'.*'0'.*a whole number from 1/],
    ['train --epochs x', /'--epochs <n>'.*'x'.*a whole number from 1/],
    ['train --epochs 1.5', /'--epochs <n>'.*'1.5'.*a whole number from 1/],
    ['train --batch-size -1', /'--batch-size <n>'.*'-1'.*a whole number from 1/],
    ['train --lr 0', /'--lr <x>'.*'0'.*a number above 0/],
    ['train --lr Infinity', /'--lr <x>'.*'Infinity'.*a number above 0/],
    ['train --seed -1', /'--seed <n>'.*'-1'.*a whole number from 0/],
    ['train --speed 9', /unknown option '--speed'/],
    ['train --resume run --seed 2', /'--resume \[run\]' cannot be used with option '--seed <n>'/],
  ])('%s', async (line, message) => {
    await refused(line.split(' '), message);
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  });
});

describe('images that cannot be read leave no run folder:', () => {
  const images = 'train-images-idx3-ubyte.gz';
  const labels = 'train-labels-idx1-ubyte';

  test.each<[title: string, file: string, content: Uint8Array, message: RegExp]>([
    [
      'a wrong magic number',
      labels,
      Buffer.from('These are no labels.'),
      /magic number is 0x54686573, not 0x803.*0x801/,
    ],
    [
      'a truncated file',
      labels,
      idxFile([300], new Array<number>(299).fill(0)),
      /announces 300 .* but has 299.*truncated/,
    ],
    ['nothing in it', labels, new Uint8Array(0), /has 0 bytes.*truncated/],
    ['an oversized header', labels, idxFile([2 ** 32 - 1], [1, 2, 3]), /announces 4294967295 bytes/],
    ['half an archive', images, Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0), /train-images/],
    ['a label that is no digit', labels, idxFile([300], new Array<number>(300).fill(10)), /label.*10/],
    ['too few labels', labels, idxFile([2], [1, 2]), /300 images.*2 labels/],
    ['no images', labels, idxFile([0], []), /train-/],
  ])('%s', async (title, file, content, message) => {
    cpSync(join(folder, data), join(folder, title), { recursive: true });
    writeFileSync(join(folder, title, file), content);
    await refused(['train', '--data', title, '--out', 'never'], message);
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });

  test('a folder without them, no folder at all, a file in its place', async () => {
    mkdirSync(join(folder, 'bare'));
    for (const path of ['bare', 'nowhere', join(data, labels)]) {
      await refused(['train', '--data', path, '--out', 'never'], new RegExp(path));
    }
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });

  test.each([
    [30, 30],
    [1, 40],
  ])('pictures of %i x %i', async (height, width) => {
    const name = `${height}x${width}`;
    mkdirSync(join(folder, name));
    for (const part of ['train', 't10k']) {
      const pictures = idxFile([2, height, width], new Array<number>(2 * height * width).fill(9));
      writeFileSync(join(folder, name, `${part}-images-idx3-ubyte`), pictures);
      writeFileSync(join(folder, name, `${part}-labels-idx1-ubyte`), idxFile([2], [0, 1]));
    }
    await refused(['train', '--data', name, '--out', 'never'], new RegExp(`${height} ?x ?${width}.*28 ?x ?28`));
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });
});

describe('a run folder that cannot be made:', () => {
  test('there is something in it, which is left alone', async () => {
    mkdirSync(join(folder, 'occupied'));
    writeFileSync(join(folder, 'occupied', 'letter.txt'), 'Dear reader');
    await refused(['train', '--data', data, '--out', 'occupied'], /occupied is not empty, and nothing is overwritten/);
    expect(filesOf('occupied')).toEqual(['letter.txt']);
  });

  test('a file is in its place, or on the way to it', async () => {
    writeFileSync(join(folder, 'file'), '');
    await refused(['train', '--data', data, '--out', 'file'], /file cannot be made/);
    await refused(['train', '--data', data, '--out', join('file', 'run')], /file\/run cannot be made/);
  });
});

describe('a run that cannot be gone on with:', () => {
  test('there is none', async () => {
    await refused(['train', '--resume', 'nowhere'], /nowhere is no run folder: there is no run.json in it. Give one/);
    await refused(['train', '--resume'], /There is no run to go on with/);
  });

  test('it is finished', async () => {
    await refused(['train', '--resume', 'run'], /run is finished.*summary\.json/);
  });

  /** A copy of the run that is not finished. */
  function unfinished(name: string): string {
    mkdirSync(join(folder, name));
    for (const file of ['run.json', 'model.safetensors']) {
      cpSync(join(folder, 'run', file), join(folder, name, file));
    }
    return name;
  }

  test('its run.json was changed, damaged, or is no object', async () => {
    const path = join(folder, unfinished('changed'), 'run.json');
    const run = readFileSync(path, 'utf8');
    for (const [content, message] of [
      [run.replace('"seed": 1', '"seed": 2'), /seed: 1 in the checkpoint, 2 now/],
      [run.replace('"seed": 1', '"seed": -2'), /run\.json is damaged: seed is -2/],
      [run.replace('lenet5', 'alexnet'), /run\.json is damaged: model is "alexnet"/],
      [run.slice(0, 20), /run\.json is damaged/],
      ['null', /run\.json is damaged/],
    ] as const) {
      writeFileSync(path, content);
      await refused(['train', '--resume', 'changed'], message);
      expect(filesOf('changed')).toEqual(['model.safetensors', 'run.json']);
    }
  });

  test('its checkpoint is of another run, or only half of one', async () => {
    await succeed('train', '--data', data, '--epochs', '1', '--seed', '2', '--out', 'other');
    const path = join(folder, unfinished('swapped'), 'model.safetensors');
    const other = readFileSync(join(folder, 'other', 'model.safetensors'));
    for (const [content, message] of [
      [other, /seed: 2 in the checkpoint, 1 now/],
      [other.subarray(0, 10_000), /swapped\/model\.safetensors.*truncated/],
    ] as const) {
      writeFileSync(path, content);
      await refused(['train', '--resume', 'swapped'], message);
      expect(readFileSync(path).equals(content)).toBe(true);
      expect(filesOf('swapped')).toEqual(['model.safetensors', 'run.json']);
    }
  });
});

describe('a checkpoint that holds no model that is known:', () => {
  /** Writes a copy of the run's checkpoint with something changed, and gives its name. */
  function alter(name: string, change: (file: ReturnType<typeof readSafetensors>) => void): string {
    const file = readSafetensors(readFileSync(join(folder, 'run', 'model.safetensors')));
    change(file);
    writeFileSync(join(folder, name), writeSafetensors(file.tensors, file.metadata));
    return name;
  }

  test('of another model, without a model, with other weights', async () => {
    const weights = alter('weights.safetensors', ({ metadata }) => {
      for (const key of Object.keys(metadata)) delete metadata[key];
    });
    await refused(['evaluate', weights], /weights\.safetensors: .*does not say which model/);
    const alexnet = alter('alexnet.safetensors', ({ metadata }) => {
      for (const key of Object.keys(metadata)) metadata[key] = metadata[key]!.replace('lenet5', 'alexnet');
    });
    await refused(['evaluate', alexnet], /alexnet\.safetensors: .*no model "alexnet".*lenet5/);
    const letters = alter('letters.safetensors', ({ metadata }) => {
      for (const key of Object.keys(metadata)) {
        metadata[key] = metadata[key]!.replace(/"classes":\s*10\b/, '"classes":26');
      }
    });
    await refused(['evaluate', letters], /letters\.safetensors: .*classifier\.4\.weight has shape \[26, 84\]/s);
  });

  test('there is none, it is no checkpoint, the run has none yet', async () => {
    await refused(['evaluate', 'nowhere'], /nowhere: .*no such file/i);
    writeFileSync(join(folder, 'words.safetensors'), 'These are no weights, but words.');
    await refused(['evaluate', 'words.safetensors'], /words\.safetensors: .*no safetensors file/);
    mkdirSync(join(folder, 'begun'));
    await refused(['evaluate', 'begun'], /begun.*model\.safetensors.*no such file/i);
  });
});

describe('a picture without a digit that can be read:', () => {
  test.each<[file: string, content: Uint8Array | undefined, message: RegExp]>([
    ['missing.png', undefined, /missing\.png: .*no such file/i],
    ['words.png', Buffer.from('This is a text.'), /words\.png: .*not an image.*PNG or a JPEG/],
    ['empty.jpg', new Uint8Array(0), /empty\.jpg: /],
    ['half.png', Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0', 'latin1'), /half\.png: /],
    ['half.jpg', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0), /half\.jpg: /],
  ])('%s', async (file, content, message) => {
    if (content) writeFileSync(join(folder, file), content);
    await refused(['predict', file, '--model', 'run'], message);
  });

  test('there is no model to ask', async () => {
    await refused(['predict', 'words.png'], /There is no model.*receptive train.*--model/);
  });
});

test('--debug shows where in the program an error arose', async () => {
  for (const args of [
    ['--debug', 'evaluate', 'nowhere'],
    ['evaluate', 'nowhere', '--debug'],
  ]) {
    const { code, stderr } = await receptive(...args);
    expect(code).toBe(1);
    expect(stderr).toContain('nowhere: the checkpoint could not be read');
    expect(stderr).toMatch(/^ {4}at .*evaluate/m);
  }
});

test('a full disk', async ({ skip, onTestFinished }) => {
  const small = join(folder, 'small');
  /** Makes a file system of so many bytes, or changes its size, where the system and the user's rights allow it. */
  const mount = (bytes: number, ...more: string[]): boolean => {
    const options = [`size=${bytes}`, ...more].join(',');
    return spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', small]).status === 0;
  };
  mkdirSync(small);
  skip(process.platform !== 'linux' || !mount(2 ** 18), 'no right to mount a small file system');
  onTestFinished(() => void spawnSync('/bin/umount', [small]));
  const train = ['train', '--data', data, '--epochs', '3', '--out', join('small', 'run')];
  const full = /small\/run\/model\.safetensors: .*The disk is full: make room/;
  // No checkpoint fits, of half a megabyte.
  await refused(train, full);
  expect(filesOf(join('small', 'run'))).toEqual(['run.json']);
  // One does, but not another beside it, before which it cannot be replaced.
  mount(700 * 1024, 'remount');
  const resume = ['train', '--resume', join('small', 'run')];
  await refused(resume, full);
  expect(filesOf(join('small', 'run'))).toEqual(['model.safetensors', 'run.json']);
  await succeed('evaluate', join('small', 'run'));
  // With room, it goes on, and comes to the same end as elsewhere.
  mount(2 ** 22, 'remount');
  await succeed(...resume);
  await succeed('train', '--data', data, '--epochs', '3', '--out', 'roomy');
  const weights = (run: string): Buffer => readFileSync(join(folder, run, 'model.safetensors'));
  expect(weights(join('small', 'run')).equals(weights('roomy'))).toBe(true);
});
