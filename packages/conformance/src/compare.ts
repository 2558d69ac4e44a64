import type { Backend } from '@receptive/backend';
import { expect } from 'vitest';
import type { Value, compute } from './run.ts';
import { upcast } from './run.ts';
import type { Tolerance } from './tolerance.ts';
import { expectNear, expectSameBits, scalesOf } from './tolerance.ts';

/** What a backend computes in a case: outputs, or gradients, from inputs. */
export type Computation = (backend: Backend, inputs: readonly Value[]) => ReturnType<typeof compute>;

/** What a computation gives in float64 on the reference, and for each element of it the scale of the tolerance. */
export async function wantedOf(
  oracle: Backend,
  run: Computation,
  inputs: readonly Value[],
  tolerance: Tolerance,
): Promise<{ readonly wanted: readonly Value[]; readonly scales: readonly ArrayLike<number>[] }> {
  const wanted = (await run(oracle, inputs.map(upcast))).outputs;
  const remake = async (others: readonly Value[]): Promise<readonly Value[]> => (await run(oracle, others)).outputs;
  return { wanted, scales: await scalesOf(tolerance, inputs, wanted, remake) };
}

/** Runs a computation on the backend, twice, and on the reference, and compares all there is to compare. */
export async function testComputation(
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

  const { wanted, scales } = await wantedOf(oracle, run, inputs, tolerance);
  expect(outputs.length, 'number of results').toBe(wanted.length);
  outputs.forEach((output, i) => {
    expectNear(output, wanted[i]!, scales[i]!, tolerance.c);
    expectSameBits(again.outputs[i]!, output, 'when the op runs again');
  });
  inputsAfter.forEach((after, i) => expectSameBits(after, inputs[i]!, `input ${i} after the op`));
}
