import { rules } from '@receptive/autograd';
import type { Backend, DType, OptionalKernels } from '@receptive/backend';
import { isFloat } from '@receptive/backend';
import type { AnyOp, OpName, Tensor } from '@receptive/tensor';
import { dispatch, ops } from '@receptive/tensor';
import type { Input } from './case.ts';
import { makeInputs } from './case.ts';
import { cases } from './cases/index.ts';
import { testComputation } from './compare.ts';
import { aspectOf } from './derivatives.ts';
import type { Registry } from './registry.ts';
import type { Value } from './run.ts';
import { withoutKernel } from './run.ts';
import type { Tolerance } from './tolerance.ts';
import { gradientTolerance } from './tolerance.ts';

/** A case as it is seen without its op's name, which would say how many inputs and which attributes there are. */
interface AnyCase {
  readonly name: string;
  readonly inputs: readonly Input[];
  readonly attributes: { readonly dtype?: DType } | undefined;
  readonly dtypes?: readonly DType[];
  readonly tolerance?: Tolerance;
}

/** Declares all tests of one op. */
export function testOp(registry: Registry, op: OpName, backend: Backend, oracle: Backend): void {
  const test = registry.group(op);
  const fused = droppable(op, backend);
  let twice = false;
  for (const each of cases[op].cases as readonly AnyCase[]) {
    const { tolerance = cases[op].tolerance } = each;
    const derived = gradientTolerance(tolerance);
    const f = (...inputs: Tensor[]): readonly Tensor[] => call(op, inputs, each.attributes);
    for (const dtype of dtypesOf(each, backend)) {
      const label = isGeneric(each.inputs) ? `${each.name}, ${dtype}` : each.name;
      const inputs = makeInputs(each.inputs, dtype, `${op}/${each.name}`);
      test(label, () => testComputation(backend, oracle, aspectOf('forward', f), inputs, tolerance), 'forward');
      if (fused) {
        const bare = withoutKernel(backend, fused);
        test(`${label}, composed`, () => testComputation(bare, oracle, aspectOf('forward', f), inputs, tolerance));
      }
      if (!isDifferentiable(op, inputs)) continue;
      const derive = (aspect: 'backward' | 'second'): Promise<void> =>
        testComputation(backend, oracle, aspectOf(aspect, f), inputs, derived);
      test(`${label}, gradient`, () => derive('backward'), 'backward');
      // Once: it is made of rules of ops that have cases of their own.
      if (!twice) test(`${label}, second derivative`, () => derive('second'), 'second');
      twice = true;
    }
  }
}

/** The backend's optional kernel for an op that can do without it. */
function droppable(op: OpName, backend: Backend): keyof OptionalKernels | undefined {
  const { fused }: AnyOp = ops[op];
  return fused && backend.kernels[fused] && 'compose' in ops[op] ? fused : undefined;
}

/** Whether there are gradients to compare: infinities and NaN have none. */
function isDifferentiable(op: OpName, inputs: readonly Value[]): boolean {
  const finite = inputs.every(({ data }) => data.every(Number.isFinite));
  return rules[op] !== 'nondifferentiable' && finite && inputs.some(({ dtype }) => isFloat(dtype));
}

/** Whether there are inputs of the element type in which the case is run. */
function isGeneric(inputs: readonly Input[]): boolean {
  return inputs.some(({ dtype }) => dtype === 'any');
}

/** The element types in which a case runs: those it is meant for, as far as the backend has them and what else the case needs. */
export function dtypesOf(each: Omit<AnyCase, 'name'>, backend: Pick<Backend, 'dtypes'>): readonly DType[] {
  const { inputs, attributes, dtypes = ['float32', 'float64'] } = each;
  const fixed = [...inputs, attributes ?? {}].flatMap(({ dtype }) =>
    dtype === undefined || dtype === 'any' ? [] : dtype,
  );
  if (!fixed.every((dtype) => backend.dtypes.has(dtype))) return [];
  return isGeneric(inputs) ? dtypes.filter((dtype) => backend.dtypes.has(dtype)) : dtypes.slice(0, 1);
}

/** Dispatches an op of which nothing is known but its name. */
function call(op: OpName, inputs: readonly Tensor[], attributes: unknown): readonly Tensor[] {
  return dispatch<unknown, readonly unknown[], readonly unknown[]>(ops[op], inputs, attributes);
}
