import { DeformConv2d, add, full, mul, permute, reshape, sample, scope, tensor, unsqueeze, zeros } from 'receptive';
import type { Module, Sequential, Tensor } from 'receptive';
import { FIRST_STRIDE, LOOK, MIDDLE, strides } from './network.ts';

/** A place in a picture, in pixels. */
export interface Place {
  readonly row: number;
  readonly column: number;
}

const TAPS = LOOK.kernel ** 2;

/**
 * Where the network looks in each of `images` `[N, 1, height, width]`: the 9 * 9 places that the one in the middle of the last layer's output reaches through
 * both layers. What the last layer reads lies between places of the first one's output, so that what these look at is interpolated as they are.
 */
export async function placesSeen(model: Sequential, images: Tensor): Promise<Place[][]> {
  const [n] = images.shape as [number];
  const seen = scope(() => {
    const offsets = new Map<string, Tensor>();
    let x = images;
    for (const [name, layer] of model.layers) {
      const y = layer.forward(x);
      if (name in strides) offsets.set(name, offsetsOf(layer, x, y));
      x = y;
    }
    const middle = full([n, 1, 2], MIDDLE);
    return mul(through('look1', offsets, through('look2', offsets, middle)), FIRST_STRIDE);
  });
  const coordinates = await seen.data();
  seen.dispose();
  const perImage = TAPS ** 2;
  return Array.from({ length: n }, (_, image) =>
    Array.from({ length: perImage }, (_place, i) => {
      const at = 2 * (image * perImage + i);
      return { row: coordinates[at]!, column: coordinates[at + 1]! };
    }),
  );
}

/** A convolution's are zeros. */
function offsetsOf(layer: Module, x: Tensor, y: Tensor): Tensor {
  return layer instanceof DeformConv2d ? layer.offsets(x) : zeros([x.shape[0]!, 2 * TAPS, ...y.shape.slice(2)]);
}

/** From places `[N, P, 2]` in the output of a layer to those in its input at which they look, `[N, P * 9, 2]`. */
function through(name: keyof typeof strides, offsets: ReadonlyMap<string, Tensor>, places: Tensor): Tensor {
  const [n, count] = places.shape as [number, number];
  const grid = tensor(
    Array.from({ length: TAPS }, (_, tap) =>
      [Math.floor(tap / LOOK.kernel), tap % LOOK.kernel].map((at) => at * LOOK.dilation - LOOK.padding),
    ),
  );
  const regular = add(unsqueeze(mul(places, strides[name]), 2), grid);
  const moves = reshape(sample(offsets.get(name)!, places), [n, TAPS, 2, count]);
  return reshape(add(regular, permute(moves, [0, 3, 1, 2])), [n, count * TAPS, 2]);
}
