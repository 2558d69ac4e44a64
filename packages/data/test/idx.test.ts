import { describe, expect, test } from 'vitest';
import { DataError, idxDataset, parseIdx } from '@receptive/data';
import { idxFile } from './files.ts';

describe('parseIdx', () => {
  test('reads axes and bytes, wherever they lie in memory', () => {
    // As the format's page has it: 0x00000803, three axes, big-endian lengths.
    const file = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6);
    expect(parseIdx(file)).toEqual({ shape: [1, 2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) });
    const shifted = Uint8Array.from([99, ...file, 99]).subarray(1, -1);
    expect(parseIdx(shifted)).toEqual(parseIdx(file));
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /x\.idx has 0 bytes, too few/],
    [
      'a wrong magic number',
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47),
      /x\.idx is no IDX file: its magic number is 0x89504e47, not 0x803 \(images\) or 0x801 \(labels\)\.$/,
    ],
    ['a compressed file', Uint8Array.of(0x1f, 0x8b, 8, 0), /compressed by gzip: decompress it first/],
    ['no such type', idxFile([1], [1], 7), /magic number is 0x701/],
    ['no axes', idxFile([], [1]), /magic number is 0x800/],
    [
      'another type',
      idxFile([1], [0, 0, 0, 0], 13),
      /x\.idx holds float32 \(type 0x0d\), but only uint8 \(type 0x08\) can be read/,
    ],
    [
      'a header cut short',
      idxFile([1, 2, 3], []).subarray(0, 10),
      /x\.idx has 10 bytes, but its header of 3 axes alone takes 16/,
    ],
    [
      'a header that announces too much',
      idxFile([2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1], []),
      /announces 4294967295 x 4294967295 x 4294967295 bytes, more than the 1073741824/,
    ],
    ['255 axes that announce too much', idxFile(Array<number>(255).fill(2 ** 32 - 1), []), /more than the 1073741824/],
    [
      'less data than announced',
      idxFile([2, 3], [1, 2, 3, 4, 5]),
      /announces 2 x 3 = 6 bytes of data, but has 5\. It is truncated/,
    ],
    ['more data than announced', idxFile([2, 3], [1, 2, 3, 4, 5, 6, 7]), /= 6 bytes of data, but has 7/],
  ])('refuses %s', (_, file, message) => {
    expect(() => parseIdx(file, 'x.idx')).toThrow(DataError);
    expect(() => parseIdx(file, 'x.idx')).toThrow(message);
  });
});

describe('idxDataset', () => {
  const images = idxFile([2, 2, 1], [1, 2, 3, 4]);
  const labels = idxFile([2], [9, 0]);

  test('pairs images and labels', () => {
    const dataset = idxDataset(images, labels);
    expect(dataset).toMatchObject({ length: 2, shape: [1, 2, 1], classes: 10 });
    expect(dataset.get(1)).toEqual({ image: Uint8Array.of(3, 4), label: 0 });
  });

  test.each<[string, Uint8Array, Uint8Array, RegExp]>([
    [
      'swapped files',
      labels,
      images,
      /The images has 1 axes \(2\), but images have 3\. Were images and labels swapped/,
    ],
    ['images for labels', images, images, /The labels has 3 axes/],
    ['different numbers', images, idxFile([3], [1, 2, 3]), /The images has 2 images, but The labels has 3 labels/],
    [
      'a label that is no class',
      images,
      idxFile([2], [9, 10]),
      /label of image 1 is 10, but with 10 classes labels are 0 to 9/,
    ],
    ['no images', idxFile([0, 28, 28], []), idxFile([0], []), /The dataset is empty/],
    ['images without pixels', idxFile([2, 0, 28], []), labels, /each at least 1, but is \[1, 0, 28\]/],
  ])('refuses %s', (_, first, second, message) => {
    expect(() => idxDataset(first, second)).toThrow(DataError);
    expect(() => idxDataset(first, second)).toThrow(message);
  });
});
