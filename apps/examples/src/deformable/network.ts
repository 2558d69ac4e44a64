import { Conv2d, DeformConv2d, Linear, Module, ReLU, Sequential, reshape, scope, slice } from 'receptive';
import type { Tensor } from 'receptive';
import { SIDE } from './digits.ts';

/** The stride of the first convolution, whose output is the map that is looked at. */
export const FIRST_STRIDE = 2;

const MAP = (SIDE + 1) / FIRST_STRIDE;

/** What the two layers that look have in common: each reads 3 x 3 places, two apart. */
export const LOOK = { kernel: 3, dilation: 2, padding: 2 } as const;

/** From one place of their output to the next. Of the last layer's 3 x 3 places the one in the middle is used, so that no more are computed. */
export const strides = { look1: 1, look2: (MAP - 1) / 2 } as const;

/** Where that one is in the last layer's output, along either axis. */
export const MIDDLE = 1;

/** What the place in the middle holds: `[N, C, 3, 3]` becomes `[N, C]`. */
class Middle extends Module {
  override forward(x: Tensor): Tensor {
    const [n, channels] = x.shape as [number, number];
    return scope(() => reshape(slice(x, [0, 0, MIDDLE, MIDDLE], [n, channels, MIDDLE + 1, MIDDLE + 1]), [n, channels]));
  }
}

/**
 * A network that tells digits by what one place sees: the one in the middle of the last layer's output. If its two layers are plain convolutions, that is the
 * same 21 x 21 pixels of every picture; if they are deformable, it looks where they say.
 */
export function network(deformable: boolean): Sequential {
  const Look = deformable ? DeformConv2d : Conv2d;
  const { kernel, ...options } = LOOK;
  return new Sequential({
    conv: new Conv2d(1, 12, 5, { stride: FIRST_STRIDE, padding: 2 }),
    relu: new ReLU(),
    look1: new Look(12, 24, kernel, { ...options, stride: strides.look1 }),
    relu1: new ReLU(),
    look2: new Look(24, 32, kernel, { ...options, stride: strides.look2 }),
    relu2: new ReLU(),
    middle: new Middle(),
    classify: new Linear(32, 10),
  });
}
