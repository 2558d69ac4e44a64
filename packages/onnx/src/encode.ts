import { create, toBinary } from '@bufbuild/protobuf';
import { sizeOf } from '@receptive/backend';
import { checkModel, quote } from './check.ts';
import { OnnxError } from './error.ts';
import type { Attribute, ElementType, Graph, Model, Node, TensorValue, ValueInfo } from './model.ts';
import { descriptor } from './schema.ts';
import type { Message } from './schema.ts';

/** TensorProto.DataType, and what holds such elements. */
const elementTypes: Readonly<
  Record<ElementType, { readonly code: number; readonly holds: (data: unknown) => boolean }>
> = {
  float32: { code: 1, holds: (data) => data instanceof Float32Array },
  uint8: { code: 2, holds: (data) => data instanceof Uint8Array },
  int32: { code: 6, holds: (data) => data instanceof Int32Array },
  int64: { code: 7, holds: (data) => data instanceof BigInt64Array },
  string: { code: 8, holds: (data) => Array.isArray(data) },
  bool: { code: 9, holds: (data) => data instanceof Uint8Array && data.every((it) => it < 2) },
  float64: { code: 11, holds: (data) => data instanceof Float64Array },
};

/** Protobuf's own limit: lengths in it are below 2 GiB. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * The bytes of an ONNX file. The same model gives the same bytes.
 * @throws OnnxError if a name is empty, used twice or unknown, if nodes do not follow what they depend on, if a tensor's data does not fit its type and
 * shape, if a number does not fit its type in the file, or if the tensors take 2 GiB or more, which the format has no room for.
 */
export function encode(model: Model): Uint8Array {
  checkModel(model);
  const { irVersion, opsets, producer, graph } = model;
  const message: Message<'ModelProto'> = {
    irVersion: BigInt(irVersion),
    ...(producer && { producerName: producer.name, producerVersion: producer.version }),
    graph: graphProto(graph),
    opsetImport: Object.entries(opsets).map(([domain, version]) => ({ domain, version: BigInt(version) })),
  };
  const schema = descriptor('ModelProto');
  return toBinary(schema, create(schema, message));
}

function graphProto({ name, nodes, initializers, inputs, outputs }: Graph): Message<'GraphProto'> {
  const initializer = Object.entries(initializers).map(([key, value]) => ({
    name: key,
    ...tensorProto(value, `Initializer ${quote(key)}`),
  }));
  const bytes = initializer.reduce((total, { rawData }) => total + (rawData?.length ?? 0), 0);
  if (bytes > MAX_BYTES)
    throw new OnnxError(`The initializers take ${bytes} bytes, but a file of this format has at most ${MAX_BYTES}.`);
  return {
    node: nodes.map(nodeProto),
    name,
    initializer,
    input: inputs.map(valueInfoProto),
    output: outputs.map(valueInfoProto),
  };
}

function nodeProto({ op, domain, name, inputs, outputs, attributes = {} }: Node): Message<'NodeProto'> {
  const attribute = Object.entries(attributes).map(([key, value]) =>
    attributeProto(key, value, `Attribute ${quote(key)} of ${op}`),
  );
  return { input: inputs, output: outputs, name, opType: op, attribute, domain };
}

/** AttributeProto.AttributeType, and the field that goes with it. */
function attributeProto(name: string, attribute: Attribute, what: string): Message<'AttributeProto'> {
  if (!name) throw new OnnxError(`${what} has no name.`);
  switch (attribute.type) {
    case 'float':
      return { name, type: 1, f: float(attribute.value, what) };
    case 'int':
      return { name, type: 2, i: int(attribute.value, what) };
    case 'string':
      return { name, type: 3, s: utf8(attribute.value) };
    case 'tensor':
      return { name, type: 4, t: tensorProto(attribute.value, what) };
    case 'floats':
      return { name, type: 6, floats: attribute.value.map((value) => float(value, what)) };
    case 'ints':
      return { name, type: 7, ints: attribute.value.map((value) => int(value, what)) };
    case 'strings':
      return { name, type: 8, strings: attribute.value.map(utf8) };
    default:
      throw new OnnxError(
        `${what} is of type ${(attribute as Attribute).type}, which is none of those that can be written.`,
      );
  }
}

function tensorProto(value: TensorValue, what: string): Message<'TensorProto'> {
  const { type, shape, data } = value;
  const { code, holds } = elementTypes[type];
  if (!holds(data))
    throw new OnnxError(`${what} is said to be ${type}, but its data is not (a ${data.constructor.name}).`);
  if (!shape.every(isLength) || sizeOf(shape) !== data.length) {
    throw new OnnxError(
      `${what} has shape [${shape.join(', ')}], which is ${sizeOf(shape)} elements, but holds ${data.length}.`,
    );
  }
  const content =
    value.type === 'string'
      ? { stringData: value.data.map(utf8) }
      : // Typed arrays and the format are both little-endian.
        { rawData: new Uint8Array(value.data.buffer, value.data.byteOffset, value.data.byteLength) };
  return { dims: shape.map(BigInt), dataType: code, ...content };
}

function valueInfoProto({ name, type, shape }: ValueInfo): Message<'ValueInfoProto'> {
  const dim = shape?.map((length): Message<'Dimension'> => {
    if (typeof length === 'string') return { dimParam: length };
    if (length === null) return {};
    if (!isLength(length))
      throw new OnnxError(`${quote(name)} has a length of ${length}, but lengths are whole numbers from 0.`);
    return { dimValue: BigInt(length) };
  });
  return { name, type: { tensorType: { elemType: elementTypes[type].code, shape: dim && { dim } } } };
}

function int(value: number, what: string): bigint {
  if (!Number.isSafeInteger(value)) throw new OnnxError(`${what} is ${value}, but must be a whole number.`);
  return BigInt(value);
}

function float(value: number, what: string): number {
  if (Number.isFinite(value) && !Number.isFinite(Math.fround(value)))
    throw new OnnxError(`${what} is ${value}, more than float32 holds.`);
  return value;
}

function isLength(length: number): boolean {
  return Number.isSafeInteger(length) && length >= 0;
}

const encoder = new TextEncoder();

function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}
