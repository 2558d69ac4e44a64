import type { AttributesOf, Each, InputsOf, Tensor } from '@receptive/tensor';
import { add, mul, neg, reshape, rsqrt, square, sub, sum } from '@receptive/tensor';
import type { Rule } from './rules.ts';

/** Sums over all axes but that of the channels. */
export function perChannel(a: Tensor): Tensor {
  return sum(
    a,
    a.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis])),
  );
}

/** `y = (x - mean) * s + bias` with `s = weight / sqrt(variance + eps)`: what goes to x is multiplied by s, what goes to a vector is summed over its channel. */
export function batchNormGradients(
  g: Tensor,
  [x, mean, variance, weight, bias]: Each<InputsOf<'batchNorm'>, Tensor>,
  { eps }: AttributesOf<'batchNorm'>,
): ReturnType<Rule<'batchNorm'>> {
  const byChannel = (vector: Tensor): Tensor => reshape(vector, [-1, ...x.shape.slice(2).map(() => 1)]);
  const factor = (): Tensor => rsqrt(add(variance, eps));
  const scale = (): Tensor => (weight ? mul(weight, factor()) : factor());
  const leverage = (): Tensor => perChannel(mul(g, sub(x, byChannel(mean))));
  return [
    () => mul(g, byChannel(scale())),
    () => neg(mul(perChannel(g), scale())),
    () => mul(leverage(), mul(mul(scale(), square(factor())), -0.5)),
    weight ? () => mul(leverage(), factor()) : null,
    bias ? () => perChannel(g) : null,
  ];
}
