import type { Kernels, Operand } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { memo, shader } from '../program.ts';
import type { Runner } from '../runner.ts';

const THREADS = 64;

/** Brings the threads' values of `shared` together, always in the same order: in `shared[0]`. */
const tree = (combine: (a: string, b: string) => string): string => `
  workgroupBarrier();
  for (var half = ${THREADS / 2}; half > 0; half /= 2) {
    if (t < half) { shared_[t] = ${combine('shared_[t]', 'shared_[t + half]')}; }
    workgroupBarrier();
  }`;

/** A workgroup a row goes over it three times: for its greatest element, for the sum of exponentials below that, and to write. */
const softmaxShader = memo((name: 'softmax' | 'logSoftmax') =>
  shader(
    `${name} of rows`,
    { reads: ['x'], integers: ['rows', 'length'] },
    `var<workgroup> shared_: array<f32, ${THREADS}>;
// What a device's own functions make of a NaN is not said.
fn isNan(v: f32) -> bool { return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u; }
fn power(v: f32) -> f32 { return select(exp(v), v, isNan(v)); }
fn logarithm(v: f32) -> f32 { return select(log(v), v, isNan(v)); }
@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) count: vec3<u32>,
  @builtin(local_invocation_index) thread: u32
) {
  let row = i32(id.x + id.y * count.x);
  if (row >= params.rows) { return; }
  let t = i32(thread);
  let first = row * params.length;
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
}`,
  ),
);

/** Softmax of rows on WebGPU, in one go; sums and extremes are well served by scripts. */
export function reduceShaders(runner: Runner): Required<Pick<Kernels, 'softmax' | 'logSoftmax'>> {
  const rows = (name: 'softmax' | 'logSoftmax') => (x: Operand, out: Operand) => {
    const length = x.shape.at(-1)!;
    const count = sizeOf(x.shape) / length;
    const across = Math.min(count, 65535);
    runner.runShader(softmaxShader(name), out, [x], [count, length], [across, Math.ceil(count / across), 1]);
  };
  return { softmax: rows('softmax'), logSoftmax: rows('logSoftmax') };
}
