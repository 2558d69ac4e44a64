import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encode } from 'jpeg-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataError } from '@receptive/data';
import { imageFolder } from '@receptive/data/node';
import type { ImageFolderOptions } from '@receptive/data/node';
import { pngFile } from './files.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'receptive-folder-'))));
afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string, content: Uint8Array | string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** A PNG of 2x2 pixels of one grey. */
const grey = (value: number) => pngFile({ width: 2, height: 2, raw: [0, value, value, 0, value, value] });
const open = (options: Partial<ImageFolderOptions> = {}) => imageFolder(folder, { size: 1, channels: 1, ...options });

describe('imageFolder', () => {
  test('takes folders for classes, in the order of the alphabet, and what is in them for their images', async () => {
    put('dog/b.png', grey(3));
    put('dog/a.PNG', grey(2));
    put('dog/more/than/c.png', grey(4));
    put('cat/only.png', grey(1));
    put('cat/notes.txt', 'No image.');
    put('list.csv', 'No class.');
    const dataset = await open();
    expect([dataset.length, dataset.classes, dataset.classNames]).toEqual([4, 2, ['cat', 'dog']]);
    expect(dataset.files).toEqual(
      ['cat/only.png', 'dog/a.PNG', 'dog/b.png', 'dog/more/than/c.png'].map((path) => join(folder, path)),
    );
    expect([0, 1, 2, 3].map((i) => dataset.get(i))).toEqual([
      { image: Uint8Array.of(1), label: 0 },
      { image: Uint8Array.of(2), label: 1 },
      { image: Uint8Array.of(3), label: 1 },
      { image: Uint8Array.of(4), label: 1 },
    ]);
  });

  test('follows a link to the folder of a class', async () => {
    put('real/b/1.png', grey(1));
    put('a/2.png', grey(2));
    symlinkSync(join(folder, 'real', 'b'), join(folder, 'z'));
    symlinkSync(put('list.txt', ''), join(folder, 'y'));
    expect((await open()).classNames).toEqual(['a', 'real', 'z']);
  });

  test('labels by a list of classes where there is one', async () => {
    put('a/1.png', grey(1));
    put('b/1.png', grey(2));
    const dataset = await open({ classNames: ['b', 'a'] });
    expect([dataset.get(0), dataset.get(1)]).toEqual([
      { image: Uint8Array.of(2), label: 0 },
      { image: Uint8Array.of(1), label: 1 },
    ]);
    await expect(open({ classNames: ['a', 'c'] })).rejects.toThrow(/\bc cannot be read: ENOENT/);
  });

  test('brings JPEG and PNG of all sizes to one shape', async () => {
    const data = new Uint8Array(30 * 20 * 4).fill(200);
    put('a/photo.jpeg', encode({ width: 30, height: 20, data }).data);
    put('a/small.png', grey(200));
    const dataset = await open({ size: [4, 6], channels: 3 });
    expect(dataset.shape).toEqual([3, 4, 6]);
    for (const i of [0, 1]) expect(dataset.get(i).image).toEqual(new Uint8Array(72).fill(200));
  });

  test('cuts the middle out of what it has scaled to `resize`', async () => {
    put('a/1.png', pngFile({ width: 4, height: 1, raw: [0, 10, 20, 30, 40] }));
    expect([...(await open({ size: [1, 2] })).get(0).image]).toEqual([20, 30]);
    // 2 x 8 pixels, of which the middle ones lie a quarter left and right of that of the picture.
    expect([...(await open({ size: [1, 2], resize: 2 })).get(0).image]).toEqual([23, 28]);
  });
});

const BOMB = pngFile({ width: 2, height: 2, raw: new Uint8Array(2 ** 20) });

describe('refused, naming the file:', () => {
  test.each<[string, Uint8Array | string, RegExp]>([
    ['what is no image', 'GIF89a', /not an image that can be read/],
    ['nothing', '', /it begins with nothing/],
    ['a damaged PNG', grey(1).subarray(0, -20), /This PNG is damaged: it is truncated/],
    ['a PNG that swells', BOMB, /holds more than the 6 bytes/],
    ['a huge one', pngFile({ width: 65535, height: 65535, raw: [0] }), /65535 x 65535 pixels/],
  ])('%s', async (_, content, message) => {
    const file = put('a/wrong.png', content);
    const dataset = await open();
    expect(() => dataset.get(0)).toThrow(DataError);
    expect(() => dataset.get(0)).toThrow(message);
    expect(() => dataset.get(0)).toThrow(file);
  });

  test('a file that has gone, and one too large to be read', async () => {
    const file = put('a/1.png', grey(1));
    const dataset = await open();
    truncateSync(file, 2 ** 28 + 1);
    expect(() => dataset.get(0)).toThrow(`${file} has ${2 ** 28 + 1} bytes`);
    rmSync(file);
    expect(() => dataset.get(0)).toThrow(`${file} cannot be read: ENOENT`);
    expect(() => dataset.get(0)).toThrow(DataError);
  });

  test('what is a folder in spite of its name, or what never ends', async () => {
    const file = put('a/1.png', grey(1));
    const dataset = await open();
    rmSync(file);
    mkdirSync(file);
    expect(() => dataset.get(0)).toThrow(`${file} is no file`);
    rmSync(file, { recursive: true });
    if (process.platform === 'win32') return;
    symlinkSync('/dev/zero', file);
    expect(() => dataset.get(0)).toThrow(`${file} is no file`);
  });
});

describe('refused at once:', () => {
  test('folders that are not there, have no classes, or a class without images', async () => {
    await expect(imageFolder(join(folder, 'nowhere'), { size: 1 })).rejects.toThrow(DataError);
    await expect(imageFolder(join(folder, 'nowhere'), { size: 1 })).rejects.toThrow(/nowhere cannot be read: ENOENT/);
    await expect(open()).rejects.toThrow(/has no folders/);
    put('a/1.png', grey(1));
    put('b/notes.txt', '');
    await expect(open()).rejects.toThrow(/\bb has no images \(\.png, \.jpg, \.jpeg\), but every class needs/);
  });

  test.each<[string, Partial<ImageFolderOptions>, RegExp]>([
    ['no pixels', { size: 0 }, /whole numbers of pixels, but are 0 x 0 and 1/],
    ['half a pixel', { size: [1, 2.5] }, /but are 1 x 2.5/],
    ['scaling to nothing', { resize: 0 }, /and 0/],
    ['two channels', { channels: 2 as 3 }, /channels must be 1 or 3, but is 2/],
  ])('%s', async (_, options, message) => {
    put('a/1.png', grey(1));
    await expect(open(options)).rejects.toThrow(DataError);
    await expect(open(options)).rejects.toThrow(message);
  });
});
