import { grad } from '@receptive/autograd';
import type { Backend, TypedArray } from '@receptive/backend';
import { cpu } from '@receptive/backend-cpu';
import { reference } from '@receptive/backend/reference';
import { observe } from '@receptive/layers';
import { add, scope, sum, tensor, withBackend } from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';
import { describe, expect, test } from 'vitest';
import { algorithms, computingBy, givenTo, networks, placed } from './networks.ts';
import type { Given, Network } from './networks.ts';

// NaN and infinities, wherever they come from, reach the same places of all layers and of all gradients on the CPU as on the reference.

/** A number that is not finite, and where it is planted: in the images, in a parameter, by its number, or in the output of a layer; at a share of the elements there. */
interface Plant {
  readonly value: number;
  readonly where: 'images' | { readonly parameter: number } | { readonly layer: string };
  readonly share: number;
}

const plants: readonly Plant[] = [
  { value: NaN, where: 'images', share: 0 },
  { value: Infinity, where: { parameter: 2 }, share: 0.61 },
  { value: -Infinity, where: { layer: 'features.0' }, share: 0.27 },
  { value: NaN, where: { layer: 'features.3' }, share: 1 },
];

/** `data` with the number in the place that the plant names. */
function planted<A extends TypedArray>(data: A, { value, share }: Plant): A {
  const copy = data.slice() as A;
  copy[Math.floor(share * (data.length - 1))] = value;
  return copy;
}

/** What all layers give, by their paths, and the gradients of the sum of the logits, by their parameters. */
function compute(network: Network, given: Given, plant: Plant, on: Backend): Map<string, TypedArray> {
  const { where } = plant;
  const { model, x } = placed(network, given, on, 'float32');
  const found = new Map<string, TypedArray>();
  withBackend(on, () =>
    scope(() => {
      const forward = (): Tensor =>
        observe(
          model,
          ({ path }, proceed) => {
            const y = proceed();
            const isHere = typeof where === 'object' && 'layer' in where && where.layer === path;
            const zeros = new Float32Array(y.size);
            const seen = isHere ? add(y, tensor(planted(zeros, plant), { shape: y.shape })) : y;
            if (path !== '') found.set(path, seen.dataSync());
            return seen;
          },
          () => sum(model.forward(x)),
        );
      grad(forward, model.parameters()).forEach((gradient, i) =>
        found.set(`gradient of ${given.parameters[i]!.name}`, gradient.dataSync()),
      );
    }),
  );
  for (const parameter of model.parameters()) parameter.dispose();
  x.dispose();
  return found;
}

/** Whether both are numbers, or the same of what is none. */
const areAlike = (a: number, b: number): boolean => (Number.isFinite(a) ? Number.isFinite(b) : Object.is(a, b));

const backend = await cpu();

describe.each(networks(1, true))('$name', (network) => {
  const given = givenTo(network);

  test.each(plants)('$value in $where', { timeout: 60_000 }, (plant) => {
    const { where } = plant;
    const changed = {
      images: where === 'images' ? planted(given.images, plant) : given.images,
      parameters: given.parameters.map((parameter, i) =>
        typeof where === 'object' && 'parameter' in where && where.parameter === i
          ? { ...parameter, data: planted(parameter.data, plant) }
          : parameter,
      ),
    };
    const want = compute(network, changed, plant, reference());
    expect([...want.values()].some((values) => !values.every(Number.isFinite))).toBe(true);
    for (const algorithm of algorithms) {
      const got = compute(network, changed, plant, computingBy(backend, algorithm));
      for (const [place, values] of want) {
        const there = got.get(place)!;
        const i = values.findIndex((value, k) => !areAlike(value, there[k]!));
        expect(i, `${algorithm}, ${place}: ${there[i]}, but ${values[i]} on the reference`).toBe(-1);
      }
    }
  });
});
