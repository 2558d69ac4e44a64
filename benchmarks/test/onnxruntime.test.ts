import { cpu } from '@receptive/backend-cpu';
import { reference } from '@receptive/backend/reference';
import { aspectOf, expectNear, generators, makeInputs, randomCase, wantedOf } from '@receptive/conformance';
import type { OnnxNode, Value } from '@receptive/conformance';
import { relu } from '@receptive/tensor';
import { afterAll, describe, expect, test } from 'vitest';
import { Incomparable, runNode, withOnnxruntime } from './onnxruntime.ts';

// Other cases in every run; a run is repeated with the seed that its output names.
const seed = Number(process.env['RECEPTIVE_SEED'] ?? Date.now() % 1_000_000);
/** Of each function that ONNX has, so many calls are compared, of so many that are drawn; fewer than `fewest` are an error. */
const [most, fewest, draws] = [24, 4, 300];

type Call = ReturnType<typeof randomCase>;

/** A call that onnxruntime is known to compute otherwise than ONNX says. */
interface Bug {
  readonly op: string;
  readonly meets: (node: OnnxNode, inputs: readonly Value[], result: Value) => boolean;
  readonly reason: string;
}

const bugs: readonly Bug[] = [
  {
    // ONNX resizes [100, 200] by 1.3 to [100, 165.38...] (https://github.com/onnx/onnx/pull/4862); a copy since https://github.com/microsoft/onnxruntime/pull/1484
    op: 'Resize',
    meets: ({ inputs }, [x], { shape }) => inputs?.length === 3 && x!.shape.join() === shape.join(),
    reason: 'copies where a scale leaves the lengths as they are',
  },
];

const own = await cpu();
const oracle = reference();

/**
 * Holds onnxruntime, and our CPU, to the float64 reference on the same float32 numbers. The tolerance is that of our backends: c * 2^-23 times the scale of the
 * function's family, which allows any order of sums and any formula of as many steps, and so another engine's too. The two are within twice that of each other.
 */
async function compare({ inputs, f, onnx, tolerance }: Call, label: string): Promise<void> {
  const values = makeInputs(inputs, 'float32', label);
  const run = aspectOf('forward', (...tensors) => [f(...tensors)]);
  const ours = (await run(own, values)).outputs[0]!;
  const bug = bugs.find(({ op, meets }) => op === onnx!.op && meets(onnx!, values, ours));
  if (bug) throw new Incomparable(`${bug.op}: ${bug.reason}`);
  const theirs = await runNode(onnx!, values, ours.dtype);
  const { wanted, scales } = await wantedOf(oracle, run, values, tolerance);
  const near = (engine: string, got: Value): void => {
    try {
      expectNear(got, wanted[0]!, scales[0]!, tolerance.c);
    } catch (error) {
      throw new Error(`${engine}: ${(error as Error).message}`, { cause: error });
    }
  };
  near('onnxruntime', theirs);
  near('our CPU', ours);
}

/** What came of a function: calls that ONNX has a node for, those of them that were compared, and why not all. */
interface Outcome {
  readonly nodes: number;
  readonly compared: number;
  readonly why: string;
}

/** Compares calls of a function until there are enough. Those that ONNX has no node for are passed over; those that onnxruntime cannot compute, or not rightly, are counted. */
async function compareAll(name: string): Promise<Outcome> {
  let [nodes, compared, why] = [0, 0, ''];
  for (let number = 0; number < draws && compared < most; number++) {
    const call = randomCase(name, seed, number);
    if (call.onnx === undefined) continue;
    nodes++;
    try {
      await compare(call, `${name}/${seed}/${number}`);
      compared++;
    } catch (error) {
      const { message } = error as Error;
      if (!(error instanceof Incomparable)) {
        const node = JSON.stringify(call.onnx);
        throw new Error(`${name}, case ${number} of seed ${seed}: ${call.description}, as ${node}: ${message}`, {
          cause: error,
        });
      }
      why = message;
    }
  }
  return { nodes, compared, why };
}

/** What was compared, and what was not. */
function report(outcomes: ReadonlyMap<string, Outcome>): string {
  const list = (
    some: (outcome: Outcome) => boolean,
    show: (name: string, outcome: Outcome) => string = (name) => name,
  ): string =>
    [...outcomes].flatMap(([name, outcome]) => (some(outcome) ? [show(name, outcome)] : [])).join(', ') || 'none';
  const total = [...outcomes.values()].reduce((sum, { compared }) => sum + compared, 0);
  const partly = list(
    ({ nodes, compared }) => compared < nodes,
    (name, { nodes, compared, why }) => `${name} (${compared} of ${nodes}: ${why})`,
  );
  return [
    `Calls compared with onnxruntime: ${total}, of ${list(({ compared }) => compared > 0)}.`,
    `Not, or in part: ${partly}.`,
    `No node of ONNX: ${list(({ nodes }) => nodes === 0)}.`,
  ].join('\n');
}

withOnnxruntime(() => {
  describe(`our functions agree with onnxruntime: random calls, RECEPTIVE_SEED=${seed}`, () => {
    const found = new Map<string, Outcome>();

    test.each(Object.keys(generators))('%s', { timeout: 20_000 }, async (name) => {
      const result = await compareAll(name);
      found.set(name, result);
      const { nodes, compared, why } = result;
      if (nodes > 0) {
        expect(compared, `calls compared of ${nodes} that ONNX has. ${why}`).toBeGreaterThanOrEqual(fewest);
      }
    });

    test('a node that computes something else is found out', async () => {
      const call: Call = {
        description: '',
        tolerance: { c: 0, scale: 'result' },
        inputs: [{ shape: [2], dtype: 'any', element: (_, i) => 2 * i - 1 }],
        f: relu,
        onnx: { op: 'Abs' },
      };
      await expect(compare(call, '')).rejects.toThrow(
        'onnxruntime: element 0 of float32 [2] is 1, but the reference has 0',
      );
    });

    afterAll(() => console.log(report(found)));
  });
});
