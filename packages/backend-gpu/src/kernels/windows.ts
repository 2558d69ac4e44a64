import type { Kernels, Operand, Window } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import type { Script } from '../program.ts';
import { memo, script } from '../program.ts';
import type { Runner } from '../runner.ts';
import { locate, numberOf, wholes } from './places.ts';
import type { Sliding } from './sliding.ts';
import { eachTap, eachWindow, see, sliding, slidingNumbers } from './sliding.ts';

// All planes, one for each image and channel, are alike: `[planes, ...spatial]`.

/** Declares a script for windows over `rank` spatial axes. */
function windowed(
  name: string,
  { reads, more = [], floats = [] }: { reads: readonly string[]; more?: readonly string[]; floats?: readonly string[] },
  body: (names: Sliding) => string,
): (rank: number) => Script {
  return memo((rank) => {
    const names = sliding(rank);
    return script(`${name} ${rank}`, { reads, integers: [...names.integers, ...more], floats }, body(names));
  });
}

const im2colScript = windowed(
  'im2col',
  { reads: ['x'], floats: ['value'] },
  ({ axes, input, output, kernel, i, o, k }) => {
    const found = `return x[${numberOf(wholes('plane', ...i), input)}];`;
    return `${locate(['plane', ...k, ...o], [...kernel, ...output])}
    ${axes.reduceRight((then, axis) => see(axis, then), found)}
    return value;`;
  },
);

const col2imScript = windowed('col2im', { reads: ['columns'] }, (names) => {
  const { input, output, kernel, i, o, k } = names;
  const entry = numberOf([...wholes('plane'), ...k, ...wholes(...o)], [...kernel, ...output]);
  return `${locate(['plane', ...i], input)}
    let sum = 0;
    ${eachWindow(names, `sum += columns[${entry}];`)}
    return sum;`;
});

/** A window that sees nothing has its maximum nowhere: at -1. */
const maxPlaceScript = windowed('places of maxima', { reads: ['x'] }, (names) => {
  const { input, output, i, o } = names;
  const better = 'at < 0 || v > best || (!(v === v) && best === best)';
  const visit = `const v = x[${numberOf(wholes('plane', ...i), input)}];
    if (${better}) { best = v; at = ${numberOf(wholes(...i), input.slice(1))}; }`;
  return `${locate(['plane', ...o], output)}
    let best = 0;
    let at = -1;
    ${eachTap(names, visit)}
    return at;`;
});

const maximaScript = script(
  'maxima',
  { reads: ['x', 'places'], integers: ['inputs', 'outputs'], floats: ['least'] },
  `const place = places[this.thread.x];
  if (place < 0) { return least; }
  return x[div(this.thread.x, outputs) * inputs + whole(place)];`,
);

const maxPoolScript = windowed('maxPool', { reads: ['x'], floats: ['least'] }, (names) => {
  const { input, output, i, o } = names;
  const better = 'v > best || (!(v === v) && best === best)';
  const visit = `const v = x[${numberOf(wholes('plane', ...i), input)}];
    if (${better}) { best = v; }`;
  return `${locate(['plane', ...o], output)}
    let best = least;
    ${eachTap(names, visit)}
    return best;`;
});

const maxPoolGradientScript = windowed('maxPoolGradient', { reads: ['gradient', 'places'] }, (names) => {
  const { input, output, i, o } = names;
  const window = numberOf(wholes('plane', ...o), output);
  const place = numberOf(wholes(...i), input.slice(1));
  return `${locate(['plane', ...i], input)}
    let sum = 0;
    ${eachWindow(names, `if (places[${window}] === ${place}) { sum += gradient[${window}]; }`)}
    return sum;`;
});

/** Mean of what lies inside, over `taps` or, if that is 0, over as many as lie inside. */
const avgPoolScript = windowed('avgPool', { reads: ['x'], more: ['taps'] }, (names) => {
  const { input, output, i, o } = names;
  return `${locate(['plane', ...o], output)}
    let sum = 0;
    let count = 0;
    ${eachTap(names, `sum += x[${numberOf(wholes('plane', ...i), input)}]; count += 1;`)}
    if (taps > 0) { count = taps; }
    return sum / count;`;
});

/** Each gradient over the number of elements that it came from. */
const shareScript = windowed('gradient a tap inside', { reads: ['gradient'] }, (names) => {
  const { output, o } = names;
  return `${locate(['plane', ...o], output)}
    let count = 0;
    ${eachTap(names, 'count += 1;')}
    return gradient[this.thread.x] / count;`;
});

const avgPoolGradientScript = windowed('avgPoolGradient', { reads: ['gradient'], more: ['taps'] }, (names) => {
  const { input, output, i, o } = names;
  return `${locate(['plane', ...i], input)}
    let sum = 0;
    ${eachWindow(names, `sum += gradient[${numberOf(wholes('plane', ...o), output)}];`)}
    return sum / taps;`;
});

/** Unfolding and pooling. */
export function windows(
  runner: Runner,
): Required<Pick<Kernels, 'im2col' | 'col2im' | 'maxPool' | 'maxPoolGradient' | 'avgPool' | 'avgPoolGradient'>> {
  /** Runs a script for a window over the spatial axes of `input`. */
  const slide = (
    programs: (rank: number) => Script,
    out: Operand,
    reads: readonly Operand[],
    input: Operand,
    window: Window,
    ...more: readonly number[]
  ): void => {
    runner.run(programs(window.kernel.length), out, reads, [...slidingNumbers(input.shape, window), ...more]);
  };
  return {
    im2col: (x, out, window, value) => slide(im2colScript, out, [x], x, window, value),
    col2im: (columns, out, window) => slide(col2imScript, out, [columns], out, window),
    maxPool(x, out, indices, window) {
      if (!indices) {
        slide(maxPoolScript, out, [x], x, window, -Infinity);
        return;
      }
      slide(maxPlaceScript, indices, [x], x, window);
      const [inputs, outputs] = [sizeOf(x.shape.slice(2)), sizeOf(out.shape.slice(2))];
      runner.run(maximaScript, out, [x, indices], [inputs, outputs, -Infinity]);
    },
    maxPoolGradient: (gradient, indices, out, window) =>
      slide(maxPoolGradientScript, out, [gradient, indices], out, window),
    avgPool: (x, out, window, countPadding) =>
      slide(avgPoolScript, out, [x], x, window, countPadding ? sizeOf(window.kernel) : 0),
    avgPoolGradient(gradient, out, window, countPadding) {
      if (countPadding) {
        slide(avgPoolGradientScript, out, [gradient], out, window, sizeOf(window.kernel));
        return;
      }
      runner.temporary(sizeOf(gradient.shape), (shares) => {
        slide(shareScript, shares, [gradient], out, window);
        slide(avgPoolGradientScript, out, [shares], out, window, 1);
      });
    },
  };
}
