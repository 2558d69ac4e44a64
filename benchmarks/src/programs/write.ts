// Writes networks into folders, with an image for each: `write.js NETWORK FOLDER ...`.
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { cpu } from '@receptive/backend-cpu';
import { encode } from '@receptive/onnx';
import { setBackend } from '@receptive/tensor';
import { computations } from '../engines/computations.ts';
import { modelOf } from '../engines/onnx.ts';
import { record } from '../engines/recording.ts';
import { names } from './files.ts';
import type { Index, Place } from './files.ts';

function write(network: string, folder: string): void {
  const computation = computations[`${network}_b1`]!();
  const recording = record(computation);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, names.onnx), encode(modelOf(recording).model));
  const file = openSync(join(folder, names.numbers), 'w');
  let end = 0;
  const place = (shape: readonly number[], data: NodeJS.ArrayBufferView): Place => {
    const offset = end;
    end += data.byteLength;
    for (let done = 0; done < data.byteLength;) done += writeSync(file, data, done, data.byteLength - done);
    return { offset, shape };
  };
  const [image] = computation.inputs;
  const index: Index = {
    weights: Array.from(recording.constants.values(), ({ shape, data }) => place(shape, data)),
    image: place(image!.shape, image!.dataSync()),
  };
  closeSync(file);
  writeFileSync(join(folder, names.index), JSON.stringify(index));
}

setBackend(await cpu());
const given = process.argv.slice(2);
for (let i = 0; i < given.length; i += 2) write(given[i]!, given[i + 1]!);
