import { Conv2d, ConvTranspose2d, summary } from '@receptive/layers';
import { alexnet, lenet5, vgg16, zfnet } from '@receptive/zoo';
import { expect, test } from 'vitest';
import { convolutions, networks, workloads } from '../src/workloads.ts';
import type { Convolution } from '../src/workloads.ts';

const models = { lenet5, alexnet, vgg16, zfnet: () => zfnet({ wide: true }) };

test.each(Object.entries(networks))(
  'the multiply-adds of %s are those of its summary',
  (name, { image, multiplyAdds, first }) => {
    const { totals, layers: rows } = summary(models[name as keyof typeof models](), image);
    expect(totals.multiplyAdds).toBe(multiplyAdds);
    expect(rows.find(({ multiplyAdds: own }) => own > 0)!.multiplyAdds).toBe(first);
  },
);

// Finding its places, and what lies there, is not counted of a deformable one.
const layers = { plain: Conv2d, transposed: ConvTranspose2d, deformable: Conv2d };

test.each(Object.entries<Convolution>(convolutions))('the operations of %s are those of its layer', (name, row) => {
  const { kind, channels, filters, kernel, size, ...options } = row;
  const layer = new layers[kind](channels, filters, kernel, options);
  const { totals } = summary(layer, [channels, size, size]);
  expect(workloads.find((workload) => workload.name === name)!.flops).toBe(2 * totals.multiplyAdds);
});
