import type { AttributesOf, Tensor } from '@receptive/tensor';
import { add, customDerivative, mean, mul, rsqrt, square, sub } from '@receptive/tensor';

/**
 * Gradient of standardize with respect to its input: `(g - mean(g) - y mean(g y)) / sqrt(variance + eps)`. The first mean is what passes through the mean of
 * x, the second what passes through its variance. Source: Ioffe and Szegedy, arXiv:1502.03167, section 3, brought together.
 */
export function standardizeGradient(
  g: Tensor,
  x: Tensor,
  y: Tensor,
  variance: Tensor,
  { axes, eps }: AttributesOf<'standardize'>,
): Tensor {
  const average = (a: Tensor): Tensor => mean(a, axes, { keepDims: true });
  const towards = sub(sub(g, average(g)), mul(y, average(mul(g, y))));
  // The variance came along with y, so the tape does not know that it follows from x. To second derivatives it must be said: the change of
  // s = (variance + eps)^(-1/2) with an element of x is -s^2 y / n.
  const scale = customDerivative(
    {
      forward: (_x, _y, spread) => rsqrt(add(spread, eps)),
      backward: (ds, [, own], s) => [mul(mul(ds, square(s)), mul(own!, -variance.size / x.size)), null, null],
    },
    x,
    y,
    variance,
  );
  return mul(towards, scale);
}
