import type { Attribute, ElementType, Graph, Model, TensorValue } from '@receptive/onnx';
import { describe, expect, test } from 'vitest';
import { runModel, withOnnxruntime } from './onnxruntime.ts';

const model = (graph: Omit<Graph, 'name'>): Model => ({
  irVersion: 10,
  opsets: { '': 22 },
  graph: { name: 'g', ...graph },
});

const tensors: readonly TensorValue[] = [
  { type: 'float32', shape: [2, 1], data: Float32Array.of(0.5, -Infinity) },
  { type: 'float64', shape: [1], data: Float64Array.of(Math.PI) },
  { type: 'int32', shape: [2], data: Int32Array.of(-1, 2 ** 31 - 1) },
  { type: 'int64', shape: [2], data: BigInt64Array.of(-1n, 2n ** 53n + 1n) },
  { type: 'uint8', shape: [], data: Uint8Array.of(255) },
  { type: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) },
  { type: 'string', shape: [2], data: ['', 'é'] },
  { type: 'float32', shape: [2, 0], data: new Float32Array(0) },
];

withOnnxruntime(() => {
  describe('onnxruntime reads what @receptive/onnx writes', () => {
    test.each(tensors)('tensors of $type, shape $shape: given, kept in the file, and as attributes', async (tensor) => {
      const { type, shape } = tensor;
      const { given, kept, attribute } = await runModel(
        model({
          inputs: [{ name: 'x', type, shape }],
          initializers: { w: tensor },
          nodes: [
            { op: 'Identity', inputs: ['x'], outputs: ['given'] },
            { op: 'Identity', inputs: ['w'], outputs: ['kept'] },
            {
              op: 'Constant',
              inputs: [],
              outputs: ['attribute'],
              attributes: { value: { type: 'tensor', value: tensor } },
            },
          ],
          outputs: ['given', 'kept', 'attribute'].map((name) => ({ name, type })),
        }),
        { x: tensor },
      );
      for (const { type: got, dims, data } of [given!, kept!, attribute!]) {
        expect([got, dims]).toEqual([type, shape]);
        expect(data).toEqual(tensor.data);
      }
    });

    test('attributes of every type', async () => {
      const values: Readonly<Record<string, Attribute>> = {
        value_int: { type: 'int', value: -3 },
        value_ints: { type: 'ints', value: [-3, 0] },
        value_float: { type: 'float', value: 0.25 },
        value_floats: { type: 'floats', value: [0.5, 0] },
        value_string: { type: 'string', value: 'é' },
        value_strings: { type: 'strings', value: ['a', ''] },
      };
      const kinds: Readonly<Record<string, ElementType>> = { i: 'int64', f: 'float32', s: 'string' };
      const outputs = await runModel(
        model({
          inputs: [],
          initializers: {},
          nodes: Object.entries(values).map(([name, value]) => ({
            op: 'Constant',
            inputs: [],
            outputs: [name],
            attributes: { [name]: value },
          })),
          outputs: Object.keys(values).map((name) => ({ name, type: kinds[name.charAt(6)]! })),
        }),
        {},
      );
      expect(Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, [...data]]))).toEqual({
        value_int: [-3n],
        value_ints: [-3n, 0n],
        value_float: [0.25],
        value_floats: [0.5, 0],
        value_string: ['é'],
        value_strings: ['a', ''],
      });
    });

    test('lengths that are not fixed, inputs that are left out, and an input with a default', async () => {
      const graph = model({
        inputs: [
          { name: 'x', type: 'float32', shape: ['n', null] },
          { name: 'most', type: 'float32', shape: [] },
        ],
        initializers: { most: { type: 'float32', shape: [], data: Float32Array.of(1) } },
        nodes: [{ op: 'Clip', name: 'least left out', inputs: ['x', '', 'most'], outputs: ['y'] }],
        outputs: [{ name: 'y', type: 'float32' }],
      });
      const x: TensorValue = { type: 'float32', shape: [1, 3], data: Float32Array.of(-5, 1.5, 3) };
      expect((await runModel(graph, { x }))['y']!.data).toEqual(Float32Array.of(-5, 1, 1));
    });
  });
});
