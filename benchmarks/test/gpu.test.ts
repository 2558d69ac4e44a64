import { setBackend } from '@receptive/tensor';
import { reference } from '@receptive/backend/reference';
import { summary } from '@receptive/layers';
import { describe, expect, it } from 'vitest';
import { alexnet, vgg16 } from '../src/gpu/networks.ts';
import { build } from '../src/gpu/receptive.ts';
import { afterAll as ending, describe as group, expect as carried, it as test, runTests } from '../src/gpu/tests.ts';

setBackend(reference());

describe('the networks for a real GPU', () => {
  // Parameters as torchvision counts them; multiply-adds worked from the tables of the papers, biases aside.
  it.each([
    ['VGG-16', vgg16, 138_357_544, 15_470_264_320],
    ['AlexNet', alexnet, 61_100_840, 714_188_480],
  ] as const)('%s is what its name says', (_, make, parameters, multiplyAdds) => {
    const network = make({ size: 224, width: 1, dropout: 0 });
    let count = 0;
    for (const layer of network.layers) {
      if (layer[0] === 'conv') count += layer[2] * (layer[1] * layer[3] ** 2 + 1);
      if (layer[0] === 'linear') count += layer[2] * (layer[1] + 1);
    }
    expect(count).toBe(parameters);
    expect(network.multiplyAdds).toBe(multiplyAdds);
  });

  it('are built as they are told, at any scale', () => {
    const network = alexnet({ size: 64, width: 1 / 16, dropout: 0.5 });
    const { totals, output } = summary(build(network), [3, 64, 64]);
    expect(totals.multiplyAdds).toBe(network.multiplyAdds);
    expect(output).toEqual([1000]);
  });
});

describe('what stands in for vitest where there is none', () => {
  it('counts what passes, fails and is skipped, and ends what was begun', async () => {
    const order: string[] = [];
    group('a suite', async () => {
      await Promise.resolve();
      ending(() => void order.push('end'));
      test('passes', () => carried([1]).toEqual([1]));
      test('fails', () => carried(new Float32Array([1])).toEqual(new Float32Array([2])));
      test('rejects', async () => {
        await Promise.resolve();
        throw new Error('no');
      });
      test('skipped', ({ skip }) => skip('a reason'));
    });
    const { passed, skipped, failures } = await runTests((line) => order.push(line));
    expect({ passed, skipped }).toEqual({ passed: 1, skipped: 1 });
    expect(failures.map(({ name }) => name)).toEqual(['fails', 'rejects']);
    expect(failures[1]!.error).toBe('no');
    expect(order).toEqual([
      ...['passes', 'fails', 'rejects', 'skipped'].map((name, i) => `Test ${i + 1} of 4: ${name}`),
      'end',
    ]);
  });
});
