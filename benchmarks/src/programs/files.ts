// Networks in files. This is loaded by every program that is measured, and loads nothing itself.
import { openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Files } from './program.ts';

export const names = { index: 'index.json', numbers: 'numbers.bin', onnx: 'model.onnx' };

/** A tensor in the file of numbers. */
export interface Place {
  /** In bytes. */
  readonly offset: number;
  readonly shape: readonly number[];
}

/** Where the weights lie in the file of numbers, and an image. */
export interface Index {
  readonly weights: readonly Place[];
  readonly image: Place;
}

/** What is in a folder. Weights are read when they are asked for. */
export function readFiles(network: Files['network'], folder: string): Files & { readonly image: Float32Array } {
  const index = JSON.parse(readFileSync(join(folder, names.index), 'utf8')) as Index;
  const file = openSync(join(folder, names.numbers), 'r');
  const read = ({ offset, shape }: Place): Float32Array => {
    const data = new Float32Array(shape.reduce((product, length) => product * length, 1));
    for (let done = 0; done < data.byteLength;)
      done += readSync(file, data, done, data.byteLength - done, offset + done);
    return data;
  };
  return {
    network,
    weight: (i) => ({ shape: index.weights[i]!.shape, data: read(index.weights[i]!) }),
    onnx: join(folder, names.onnx),
    image: read(index.image),
  };
}
