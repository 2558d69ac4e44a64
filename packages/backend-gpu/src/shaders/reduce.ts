import type { Kernels, Loops, Operand, ReduceName, RequiredKernels } from '@receptive/backend';
import { collapse, sizeOf } from '@receptive/backend';
import { perAxis } from '../kernels/places.ts';
import { loopsOf, reduce } from '../kernels/reduce.ts';
import { memo, shader } from '../program.ts';
import type { Runner } from '../runner.ts';
import { BUSY, eachGroup } from './groups.ts';

const THREADS = 64;

/** Elements worth a workgroup of their own. */
const PART = 4096;

/** Brings the threads' values of `shared` together, always in the same order: in `shared[0]`. */
const tree = (combine: (a: string, b: string) => string): string => `
  workgroupBarrier();
  for (var half = ${THREADS / 2}; half > 0; half /= 2) {
    if (t < half) { shared_[t] = ${combine('shared_[t]', 'shared_[t + half]')}; }
    workgroupBarrier();
  }`;

/** What a device's own functions make of a NaN is not said. */
const NANS = 'fn isNan(v: f32) -> bool { return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u; }';

/** Two elements as one. A NaN stays. */
const folds: { readonly [N in ReduceName]: string } = {
  sum: 'return a + b;',
  max: 'if (isNan(a) || isNan(b)) { return select(b, a, isNan(a)); } return max(a, b);',
  min: 'if (isNan(a) || isNan(b)) { return select(b, a, isNan(a)); } return min(a, b);',
};

/** WGSL that adds to `place` where number `index` of nested loops lies, the innermost loop last. */
function walk(counts: readonly string[], steps: readonly string[]): string {
  return counts
    .map((count, axis) =>
      axis === 0
        ? `place += index * params.${steps[axis]!};`
        : `place += index % params.${count} * params.${steps[axis]!}; index /= params.${count};`,
    )
    .reverse()
    .join(' ');
}

/** A workgroup folds one of the `parts` of the elements of a result: its threads read neighbouring elements, then bring together what they have. */
const foldShader = memo((key: string) => {
  const [name, kept, folded] = key.split(' ') as [ReduceName, string, string];
  const [counts, strides] = [perAxis('n', Number(kept)), perAxis('s', Number(kept))];
  const [times, steps] = [perAxis('m', Number(folded)), perAxis('t', Number(folded))];
  return shader(
    `${key} by workgroups`,
    { reads: ['x'], integers: ['groups', 'parts', 'length', ...counts, ...strides, ...times, ...steps] },
    `var<workgroup> shared_: array<f32, ${THREADS}>;
${NANS}
fn fold(a: f32, b: f32) -> f32 { ${folds[name]} }
fn firstOf(number: i32) -> i32 { var place = 0; var index = number; ${walk(counts, strides)} return place; }
fn placeOf(number: i32) -> i32 { var place = 0; var index = number; ${walk(times, steps)} return place; }
${eachGroup(
  THREADS,
  `
  let first = firstOf(group / params.parts);
  let share = (params.length + params.parts - 1) / params.parts;
  let begin = min(group % params.parts * share, params.length);
  let end = min(begin + share, params.length);
  var own = ${name === 'sum' ? '0.0' : 'x[first + placeOf(min(begin, params.length - 1))]'};
  for (var i = begin + t; i < end; i += ${THREADS}) { own = fold(own, x[first + placeOf(i)]); }
  shared_[t] = own;
  ${tree((a, b) => `fold(${a}, ${b})`)}
  if (t == 0) { result[group] = shared_[0]; }`,
)}`,
  );
});

/** Folds `x` over the loops `folded` for each step of the loops `kept`; first into parts, where results alone are too few to keep the device busy. */
function fold(runner: Runner, name: ReduceName, x: Operand, out: Operand, kept: Loops, folded: Loops): void {
  const [results, length] = [sizeOf(kept.counts), sizeOf(folded.counts)];
  const parts = Math.max(1, Math.min(Math.ceil(BUSY / results), Math.floor(length / PART)));
  const run = (into: Operand): void => {
    const loops = [...kept.counts, ...kept.strides[0]!, ...folded.counts, ...folded.strides[0]!];
    const groups = results * parts;
    const program = foldShader(`${name} ${kept.counts.length} ${folded.counts.length}`);
    runner.runShader(program, into, [x], [groups, parts, length, ...loops], groups);
  };
  if (parts === 1) {
    run(out);
    return;
  }
  runner.temporary(results * parts, (partial) => {
    run(partial);
    fold(runner, name, partial, out, collapse([results], [parts]), collapse([parts], [1]));
  });
}

/** A workgroup a row goes over it three times: for its greatest element, for the sum of exponentials below that, and to write. */
const softmaxShader = memo((name: 'softmax' | 'logSoftmax') =>
  shader(
    `${name} of rows`,
    { reads: ['x'], integers: ['groups', 'length'] },
    `var<workgroup> shared_: array<f32, ${THREADS}>;
${NANS}
fn power(v: f32) -> f32 { return select(exp(v), v, isNan(v)); }
fn logarithm(v: f32) -> f32 { return select(log(v), v, isNan(v)); }
${eachGroup(
  THREADS,
  `
  let first = group * params.length;
  // A NaN may get lost here; it comes back in the sum.
  var greatest = x[first];
  for (var i = t; i < params.length; i += ${THREADS}) { greatest = max(greatest, x[first + i]); }
  shared_[t] = greatest;
  ${tree((a, b) => `max(${a}, ${b})`)}
  greatest = shared_[0];
  workgroupBarrier();
  var sum = 0.0;
  for (var i = t; i < params.length; i += ${THREADS}) { sum += power(x[first + i] - greatest); }
  shared_[t] = sum;
  ${tree((a, b) => `${a} + ${b}`)}
  sum = shared_[0];
  for (var i = t; i < params.length; i += ${THREADS}) {
    let below = x[first + i] - greatest;
    result[first + i] = ${name === 'softmax' ? 'power(below) / sum' : 'below - logarithm(sum)'};
  }
`,
)}`,
  ),
);

/**
 * Reductions on WebGPU: by workgroups where neighbouring elements fold into one result and are enough for its threads. Elsewhere, as where columns are added up,
 * neighbouring threads of a script read neighbouring elements as well.
 */
export function reduceShaders(
  runner: Runner,
): Required<Pick<Kernels, 'softmax' | 'logSoftmax'>> & Pick<RequiredKernels, 'reduce'> {
  const scripts = reduce(runner);
  const rows = (name: 'softmax' | 'logSoftmax') => (x: Operand, out: Operand) => {
    const length = x.shape.at(-1)!;
    const count = sizeOf(x.shape) / length;
    runner.runShader(softmaxShader(name), out, [x], [count, length], count);
  };
  return {
    reduce(name, x, out, axes) {
      const { kept, folded } = loopsOf(x.shape, axes);
      const neighbours = folded.strides[0]!.at(-1) === 1 ? folded.counts.at(-1)! : 1;
      // uint8 wraps, which the script knows.
      if (x.dtype === 'uint8' || neighbours < 16 || sizeOf(folded.counts) < THREADS) scripts.reduce(name, x, out, axes);
      else fold(runner, name, x, out, kept, folded);
    },
    softmax: rows('softmax'),
    logSoftmax: rows('logSoftmax'),
  };
}
