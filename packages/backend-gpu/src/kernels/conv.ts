import type { ConvGeometry, Kernels, Operand } from '@receptive/backend';
import { collapse, sizeOf } from '@receptive/backend';
import { memo, script } from '../program.ts';
import type { Runner } from '../runner.ts';
import { locate, loop, nested, numberOf, wholes } from './places.ts';
import { THREADS, fold } from './reduce.ts';
import type { Sliding } from './sliding.ts';
import { eachTap, eachWindow, see, sliding, slidingNumbers } from './sliding.ts';

// Convolution is the sum of `x * weight` into `y` over certain triples of elements; its gradients are sums over the same triples. Tensors have their groups as
// an axis here, and `channels` and `filters` are those of one group: x is `[N, groups, channels, ...input]`, y is `[N, groups, filters, ...output]`, and the
// weights are `[groups, filters, channels, ...kernel]`. A coordinate is a local `n`, `group`, `channel` or `filter` unless a loop counts it.

/** Beside the window's numbers. */
const sizes = ['groups', 'channels', 'filters'];

/** Where the three elements of a triple lie: `channel` and `filter` as whole numbers. */
function places(
  { input, output, kernel, i, o, k }: Sliding,
  channel: string,
  filter: string,
): Record<'x' | 'y' | 'weight', string> {
  const [n, group] = wholes('n', 'group') as [string, string];
  return {
    x: numberOf([n, group, channel, ...wholes(...i)], ['groups', 'channels', ...input]),
    y: numberOf([n, group, filter, ...wholes(...o)], ['groups', 'filters', ...output]),
    weight: numberOf([group, filter, channel, ...k], ['filters', 'channels', ...kernel]),
  };
}

const convScript = memo((key: string) => {
  const [rank, bias] = key.split(' ') as [string, string];
  const names = sliding(Number(rank));
  const { x, weight } = places(names, 'channel', 'whole(filter)');
  return script(
    `conv ${key}`,
    { reads: bias === 'bias' ? ['x', 'weight', 'bias'] : ['x', 'weight'], integers: [...names.integers, ...sizes] },
    `${locate(['n', 'group', 'filter', ...names.o], ['groups', 'filters', ...names.output])}
    let sum = ${bias === 'bias' ? `bias[${numberOf(wholes('group', 'filter'), ['filters'])}]` : '0'};
    ${nested([loop('channel', 'channels')], eachTap(names, `sum += x[${x}] * weight[${weight}];`))}
    return sum;`,
  );
});

const inputGradientScript = memo((rank: number) => {
  const names = sliding(rank);
  const { y, weight } = places(names, 'whole(channel)', 'filter');
  return script(
    `convInputGradient ${rank}`,
    { reads: ['gradient', 'weight'], integers: [...names.integers, ...sizes] },
    `${locate(['n', 'group', 'channel', ...names.i], ['groups', 'channels', ...names.input])}
    let sum = 0;
    ${eachWindow(names, nested([loop('filter', 'filters')], `sum += gradient[${y}] * weight[${weight}];`))}
    return sum;`,
  );
});

/** Every `parts`th row of outputs, along the first spatial axis, adds to a weight's part. */
const weightGradientScript = memo((rank: number) => {
  const names = sliding(rank);
  const { axes, output, kernel, o, k } = names;
  const { x, y } = places(names, 'whole(channel)', 'whole(filter)');
  const row = 'row * parts + whole(part)';
  const products = axes
    .slice(1)
    .reduceRight(
      (then, axis) => nested([loop(o[axis]!, output[axis]!)], see(axis, then)),
      `sum += x[${x}] * gradient[${y}];`,
    );
  return script(
    `convWeightGradient ${rank}`,
    { reads: ['x', 'gradient'], integers: [...names.integers, ...sizes, 'parts', 'rows'] },
    `${locate(['part', 'group', 'filter', 'channel', ...k], ['groups', 'filters', 'channels', ...kernel])}
    let sum = 0;
    for (let row = 0; ${row} < rows; row++) {
      const n = div(${row}, output0);
      const o0 = rem(${row}, output0);
      ${see(0, products)}
    }
    return sum;`,
  );
});

function convWeightGradient(runner: Runner, x: Operand, gradient: Operand, out: Operand, geometry: ConvGeometry): void {
  const weights = sizeOf(out.shape);
  const rows = gradient.shape[0]! * gradient.shape[2]!;
  // Few weights leave most threads without work, unless several of them share one.
  const parts = Math.min(Math.ceil(THREADS / weights), rows);
  const add = (into: Operand): void =>
    runner.run(
      weightGradientScript(x.shape.length - 2),
      into,
      [x, gradient],
      [...numbersOf(x, out, geometry), parts, rows],
    );
  if (parts === 1) {
    add(out);
    return;
  }
  runner.temporary(parts * weights, (sums) => {
    add(sums);
    fold(runner, 'sum', sums, out, collapse([weights], [1]), collapse([parts], [weights]));
  });
}

/** The numbers of the {@link sliding} window, then the {@link sizes}. */
function numbersOf(x: Operand, weight: Operand, geometry: ConvGeometry): number[] {
  const [filters, channels] = weight.shape as [number, number];
  const { groups } = geometry;
  return [...slidingNumbers(x.shape, geometry), groups, channels, filters / groups];
}

/** Convolution and its gradients, in their plainest form. */
export function conv(runner: Runner): Required<Pick<Kernels, 'conv' | 'convInputGradient' | 'convWeightGradient'>> {
  return {
    conv(x, weight, bias, out, geometry) {
      const program = convScript(`${x.shape.length - 2} ${bias ? 'bias' : 'plain'}`);
      runner.run(program, out, bias ? [x, weight, bias] : [x, weight], numbersOf(x, weight, geometry));
    },
    convInputGradient(gradient, weight, out, geometry) {
      runner.run(inputGradientScript(out.shape.length - 2), out, [gradient, weight], numbersOf(out, weight, geometry));
    },
    convWeightGradient: (x, gradient, out, geometry) => convWeightGradient(runner, x, gradient, out, geometry),
  };
}
