import { grad, rules } from '@receptive/autograd';
import type { Backend, DType, OptionalKernels } from '@receptive/backend';
import { isFloat } from '@receptive/backend';
import type { AnyOp, OpName, Tensor } from '@receptive/tensor';
import { dispatch, mul, ops, sum } from '@receptive/tensor';
import { expect } from 'vitest';
import type { Input } from './case.ts';
import { makeInputs, uniform } from './case.ts';
import { cases } from './cases/index.ts';
import type { Registry } from './registry.ts';
import type { Value } from './run.ts';
import { compute, magnitudes, upcast, withoutKernel } from './run.ts';
import type { Tolerance } from './tolerance.ts';
import { expectNear, expectSameBits, gradientTolerance, scalesOf } from './tolerance.ts';

/** A case as it is seen without its op's name, which would say how many inputs and which attributes there are. */
interface AnyCase {
  readonly name: string;
  readonly inputs: readonly Input[];
  readonly attributes: { readonly dtype?: DType } | undefined;
  readonly dtypes?: readonly DType[];
}

/** What a backend computes in a case: outputs, or gradients, from inputs. */
type Computation = (backend: Backend, inputs: readonly Value[]) => ReturnType<typeof compute>;

/** Declares all tests of one op. */
export function testOp(registry: Registry, op: OpName, backend: Backend, oracle: Backend): void {
  const test = registry.group(op);
  const fused = droppable(op, backend);
  const { tolerance } = cases[op];
  for (const each of cases[op].cases as readonly AnyCase[]) {
    for (const dtype of dtypesOf(each, backend)) {
      const seed = `${op}/${each.name}`;
      const label = isGeneric(each) ? `${each.name}, ${dtype}` : each.name;
      const inputs = makeInputs(each.inputs, dtype, seed);
      const outputs = outputsOf(op, each.attributes);
      test(label, () => testComputation(backend, oracle, outputs, inputs, tolerance));
      if (fused) {
        const bare = withoutKernel(backend, fused);
        test(`${label}, composed`, () => testComputation(bare, oracle, outputs, inputs, tolerance));
      }
      if (isDifferentiable(op, inputs)) {
        test(`${label}, gradient`, async () => {
          const [first] = (await outputs(oracle, inputs)).outputs;
          const weights = makeInputs([uniform(first!.shape, 0.5, 1.5)], first!.dtype, `${seed}/weights`);
          const gradients = gradientsOf(op, each.attributes);
          await testComputation(backend, oracle, gradients, [...inputs, ...weights], gradientTolerance(tolerance));
        });
      }
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

/** Whether the case has inputs of the element type in which it is run. */
function isGeneric({ inputs }: AnyCase): boolean {
  return inputs.some(({ dtype }) => dtype === 'any');
}

/** The element types in which a case runs: those it is meant for, as far as the backend has them and what else the case needs. */
function dtypesOf(each: AnyCase, backend: Backend): readonly DType[] {
  const { inputs, attributes, dtypes = ['float32', 'float64'] } = each;
  const fixed = [...inputs, attributes ?? {}].flatMap(({ dtype }) =>
    dtype === undefined || dtype === 'any' ? [] : dtype,
  );
  if (!fixed.every((dtype) => backend.dtypes.has(dtype))) return [];
  return isGeneric(each) ? dtypes.filter((dtype) => backend.dtypes.has(dtype)) : dtypes.slice(0, 1);
}

function outputsOf(op: OpName, attributes: unknown): Computation {
  return (backend, inputs) => compute(backend, inputs, (tensors) => call(op, tensors, attributes));
}

/** Gradients of the first output's sum, weighted by the last input so that no two errors cancel, with respect to the float inputs. */
function gradientsOf(op: OpName, attributes: unknown): Computation {
  return (backend, inputs) =>
    compute(backend, inputs, (tensors) => {
      const [own, weights] = [tensors.slice(0, -1), tensors.at(-1)!];
      return grad(
        () => sum(mul(call(op, own, attributes)[0]!, weights)),
        own.filter(({ dtype }) => isFloat(dtype)),
      );
    });
}

/** Dispatches an op of which nothing is known but its name. */
function call(op: OpName, inputs: readonly Tensor[], attributes: unknown): readonly Tensor[] {
  return dispatch<unknown, readonly unknown[], readonly unknown[]>(ops[op], inputs, attributes);
}

/** Runs a computation on the backend, twice, and on the reference, and compares all there is to compare. */
async function testComputation(
  backend: Backend,
  oracle: Backend,
  run: Computation,
  inputs: readonly Value[],
  tolerance: Tolerance,
): Promise<void> {
  const before = backend.memory();
  const { outputs, inputsAfter } = await run(backend, inputs);
  const again = await run(backend, inputs);
  await backend.flush();
  expect(backend.memory(), 'memory after the op and its tensors are gone').toEqual(before);

  const wanted = (await run(oracle, inputs.map(upcast))).outputs;
  const scales = await scalesOf(
    tolerance,
    inputs,
    wanted,
    async () => (await run(oracle, inputs.map(magnitudes))).outputs,
  );
  expect(outputs.length, 'number of results').toBe(wanted.length);
  outputs.forEach((output, i) => {
    expectNear(output, wanted[i]!, scales[i]!, tolerance.c);
    expectSameBits(again.outputs[i]!, output, 'when the op runs again');
  });
  inputsAfter.forEach((after, i) => expectSameBits(after, inputs[i]!, `input ${i} after the op`));
}
