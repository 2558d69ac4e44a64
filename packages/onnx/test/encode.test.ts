import { describe, expect, test } from 'vitest';
import { OnnxError, encode } from '@receptive/onnx';
import type { Attribute, Graph, Model, Node, TensorValue } from '@receptive/onnx';

const modelOf = (graph: Partial<Graph>, rest: Partial<Model> = {}): Model => ({
  irVersion: 10,
  opsets: { '': 22 },
  graph: {
    name: 'g',
    nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['y'] }],
    initializers: {},
    inputs: [{ name: 'x', type: 'float32', shape: [2] }],
    outputs: [{ name: 'y', type: 'float32' }],
    ...graph,
  },
  ...rest,
});
const withNode = (node: Partial<Node>): Model =>
  modelOf({ nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['y'], ...node }] });
const withAttribute = (attribute: Attribute): Model => withNode({ attributes: { a: attribute } });
const withTensor = (tensor: TensorValue): Model => modelOf({ initializers: { w: tensor } });

/**
 * A field of protobuf's wire format, by hand: a tag of `number << 3 | 2` and a length before text and messages, of `number << 3 | 0` before varints. Numbers
 * and lengths here are below 128, one byte each, but for a tag of field 16 and up, which takes two.
 */
const tag = (number: number, wire: number): number[] =>
  number < 16 ? [(number << 3) | wire] : [((number << 3) & 0x7f) | wire | 0x80, number >> 4];
const varint = (number: number, value: number): number[] => [...tag(number, 0), value];
const bytes = (number: number, ...content: number[][]): number[] => [
  ...tag(number, 2),
  content.flat().length,
  ...content.flat(),
];
const text = (number: number, value: string): number[] => bytes(number, [...new TextEncoder().encode(value)]);

describe('bytes', () => {
  // From https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, field by field, in the order of their numbers.
  test('of a model are those of the standard', () => {
    const model = modelOf(
      {
        nodes: [
          {
            op: 'Conv',
            name: 'n',
            inputs: ['x', 'w', ''],
            outputs: ['y'],
            attributes: { group: { type: 'int', value: 1 }, pads: { type: 'ints', value: [0, 1] } },
          },
        ],
        initializers: { w: { type: 'float32', shape: [1], data: Float32Array.of(-2) } },
        inputs: [{ name: 'x', type: 'float32', shape: ['n', 3, null] }],
      },
      { producer: { name: 'me', version: '1' } },
    );
    const expected = [
      varint(1, 10), // ir_version
      text(2, 'me'), // producer_name
      text(3, '1'), // producer_version
      bytes(
        7, // graph
        bytes(
          1, // node
          ...[text(1, 'x'), text(1, 'w'), text(1, ''), text(2, 'y'), text(3, 'n'), text(4, 'Conv')],
          bytes(5, text(1, 'group'), varint(3, 1), varint(20, 2)), // attribute: name, i, type INT
          bytes(5, text(1, 'pads'), varint(8, 0), varint(8, 1), varint(20, 7)), // name, ints, type INTS
        ),
        text(2, 'g'), // name
        bytes(5, varint(1, 1), varint(2, 1), text(8, 'w'), bytes(9, [0, 0, 0, 0xc0])), // initializer: dims, data_type FLOAT, name, raw_data
        // input: name, type with tensor_type with elem_type and shape with dims
        bytes(
          11,
          text(1, 'x'),
          bytes(2, bytes(1, varint(1, 1), bytes(2, bytes(1, text(2, 'n')), bytes(1, varint(1, 3)), bytes(1)))),
        ),
        bytes(12, text(1, 'y'), bytes(2, bytes(1, varint(1, 1)))), // output
      ),
      bytes(8, text(1, ''), varint(2, 22)), // opset_import: domain, version
    ].flat();
    expect([...encode(model)]).toEqual(expected);
  });

  const contains = (model: Model, part: number[]): void =>
    expect([...encode(model)].join(' ')).toContain(part.join(' '));

  // Numbers of TensorProto.DataType; elements little-endian.
  test.each<[TensorValue, number, number[]]>([
    [{ type: 'float32', shape: [], data: Float32Array.of(1) }, 1, [0, 0, 0x80, 0x3f]],
    [{ type: 'uint8', shape: [2], data: Uint8Array.of(0, 255) }, 2, [0, 255]],
    [{ type: 'int32', shape: [1], data: Int32Array.of(-2) }, 6, [0xfe, 0xff, 0xff, 0xff]],
    [{ type: 'int64', shape: [1], data: BigInt64Array.of(-2n) }, 7, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    [{ type: 'bool', shape: [2], data: Uint8Array.of(1, 0) }, 9, [1, 0]],
    [{ type: 'float64', shape: [1], data: Float64Array.of(-2) }, 11, [0, 0, 0, 0, 0, 0, 0, 0xc0]],
    [{ type: 'float32', shape: [0, 3], data: new Float32Array(0) }, 1, []],
  ])('of $type tensors are little-endian', (tensor, type, data) => {
    const dims = tensor.shape.flatMap((length) => varint(1, length));
    contains(withTensor(tensor), bytes(5, dims, varint(2, type), text(8, 'w'), bytes(9, data)));
  });

  test('of a tensor are its own where it is a view of a larger buffer', () => {
    const data = Float32Array.of(7, 1, 7).subarray(1, 2);
    contains(withTensor({ type: 'float32', shape: [1], data }), bytes(9, [0, 0, 0x80, 0x3f]));
  });

  test('of string tensors are UTF-8, one field for each', () => {
    const tensor: TensorValue = { type: 'string', shape: [2], data: ['a', 'é'] };
    contains(
      withTensor(tensor),
      bytes(5, varint(1, 2), varint(2, 8), text(6, 'a'), bytes(6, [0xc3, 0xa9]), text(8, 'w')),
    );
  });

  // Numbers of AttributeProto.AttributeType.
  test.each<[Attribute, number[]]>([
    [{ type: 'float', value: -2 }, [...tag(2, 5), 0, 0, 0, 0xc0, ...varint(20, 1)]],
    [{ type: 'float', value: 0 }, [...tag(2, 5), 0, 0, 0, 0, ...varint(20, 1)]],
    [{ type: 'int', value: 0 }, [...varint(3, 0), ...varint(20, 2)]],
    [{ type: 'int', value: -1 }, [...tag(3, 0), ...Array<number>(9).fill(0xff), 1, ...varint(20, 2)]],
    [{ type: 'string', value: 'é' }, [...bytes(4, [0xc3, 0xa9]), ...varint(20, 3)]],
    [
      { type: 'tensor', value: { type: 'uint8', shape: [1], data: Uint8Array.of(9) } },
      [...bytes(5, varint(1, 1), varint(2, 2), bytes(9, [9])), ...varint(20, 4)],
    ],
    [{ type: 'floats', value: [-2] }, [...tag(7, 5), 0, 0, 0, 0xc0, ...varint(20, 6)]],
    [{ type: 'ints', value: [] }, varint(20, 7)],
    [{ type: 'strings', value: ['a', ''] }, [...text(9, 'a'), ...text(9, ''), ...varint(20, 8)]],
  ])('of an attribute: %o', (attribute, part) => {
    contains(withAttribute(attribute), bytes(5, text(1, 'a'), part));
  });
});

describe('a model that breaks the rules is refused', () => {
  const neg = (inputs: string[], outputs: string[]): Node => ({ op: 'Neg', inputs, outputs });
  const one: TensorValue = { type: 'float32', shape: [1], data: Float32Array.of(1) };

  test.each<[string, Model]>([
    ['The graph has no name', modelOf({ name: '' })],
    ['Input 0 of the graph has no name', modelOf({ inputs: [{ name: '', type: 'float32' }] })],
    ['names no operator', withNode({ op: '' })],
    ['Attribute "" of Neg has no name', withNode({ attributes: { '': { type: 'int', value: 1 } } })],
    ['Node "y" (Neg) takes "z", which no input, initializer or node before it makes', withNode({ inputs: ['z'] })],
    ['Node "b" (Neg) takes "a"', modelOf({ nodes: [neg(['a'], ['b']), neg(['x'], ['a'])] })],
    ['Node "me" (Neg) makes nothing', withNode({ name: 'me', outputs: [''] })],
    ['Output 0 of Node "x" (Neg) is called "x", as is a value before it', withNode({ outputs: ['x'] })],
    ['An initializer has no name', modelOf({ initializers: { '': one } })],
    ['The graph has no outputs', modelOf({ outputs: [] })],
    ['The graph\'s output "z" is made by nothing', modelOf({ outputs: [{ name: 'z', type: 'float32' }] })],
    [
      "Two of the graph's outputs are the same value",
      modelOf({
        outputs: [
          { name: 'y', type: 'float32' },
          { name: 'y', type: 'float32' },
        ],
      }),
    ],
    ['is of the operator set "com.microsoft", which the model does not import', withNode({ domain: 'com.microsoft' })],
    ['The version of "irVersion" is 0', modelOf({}, { irVersion: 0 })],
    ['The version of "" is 1.5', modelOf({}, { opsets: { '': 1.5 } })],
    ['Initializer "w" has shape [2], which is 2 elements, but holds 1', withTensor({ ...one, shape: [2] })],
    ['has shape [-1]', withTensor({ ...one, shape: [-1] })],
    [
      'is said to be float64, but its data is not (a Float32Array)',
      withTensor({ ...one, type: 'float64' } as unknown as TensorValue),
    ],
    ['is said to be bool, but its data is not', withTensor({ type: 'bool', shape: [1], data: Uint8Array.of(2) })],
    ['"x" has a length of -1', modelOf({ inputs: [{ name: 'x', type: 'float32', shape: [-1] }] })],
    ['Attribute "a" of Neg is 0.5, but must be a whole number', withAttribute({ type: 'ints', value: [1, 0.5] })],
    ['Attribute "a" of Neg is 1e+39, more than float32 holds', withAttribute({ type: 'float', value: 1e39 })],
    ['Attribute "a" of Neg is of type graph', withAttribute({ type: 'graph' } as unknown as Attribute)],
  ])('%s', (message, model) => {
    expect(() => encode(model)).toThrow(OnnxError);
    expect(() => encode(model)).toThrow(message);
  });

  test('but an initializer may be the default of an input, and values may be left out', () => {
    const inputs = [
      { name: 'x', type: 'float32', shape: [1] },
      { name: 'w', type: 'float32', shape: [1] },
    ] as const;
    expect(() =>
      encode(modelOf({ inputs, initializers: { w: one }, nodes: [neg(['x', '', 'w'], ['', 'y'])] })),
    ).not.toThrow();
  });
});
