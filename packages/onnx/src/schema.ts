import { create, createFileRegistry } from '@bufbuild/protobuf';
import type { DescMessage, FileRegistry } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';

/** What fields that hold no message hold. */
interface Scalars {
  readonly int32: number;
  readonly int64: bigint;
  readonly float: number;
  readonly string: string;
  readonly bytes: Uint8Array;
}

const scalars = {
  int32: Type.INT32,
  int64: Type.INT64,
  float: Type.FLOAT,
  string: Type.STRING,
  bytes: Type.BYTES,
} satisfies Record<keyof Scalars, Type>;

/**
 * The messages of ONNX that are used here, and their fields: number and type, in brackets where it is repeated. From onnx.proto of the standard
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), whose enumerations are written as the int32 that they are in a file.
 */
const messages = {
  ModelProto: {
    ir_version: [1, 'int64'],
    producer_name: [2, 'string'],
    producer_version: [3, 'string'],
    graph: [7, 'GraphProto'],
    opset_import: [8, ['OperatorSetIdProto']],
  },
  OperatorSetIdProto: { domain: [1, 'string'], version: [2, 'int64'] },
  GraphProto: {
    node: [1, ['NodeProto']],
    name: [2, 'string'],
    initializer: [5, ['TensorProto']],
    input: [11, ['ValueInfoProto']],
    output: [12, ['ValueInfoProto']],
  },
  NodeProto: {
    input: [1, ['string']],
    output: [2, ['string']],
    name: [3, 'string'],
    op_type: [4, 'string'],
    attribute: [5, ['AttributeProto']],
    domain: [7, 'string'],
  },
  AttributeProto: {
    name: [1, 'string'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    t: [5, 'TensorProto'],
    floats: [7, ['float']],
    ints: [8, ['int64']],
    strings: [9, ['bytes']],
    type: [20, 'int32'],
  },
  TensorProto: {
    dims: [1, ['int64']],
    data_type: [2, 'int32'],
    string_data: [6, ['bytes']],
    name: [8, 'string'],
    raw_data: [9, 'bytes'],
  },
  ValueInfoProto: { name: [1, 'string'], type: [2, 'TypeProto'] },
  TypeProto: { tensor_type: [1, 'TypeProtoTensor'] },
  TypeProtoTensor: { elem_type: [1, 'int32'], shape: [2, 'TensorShapeProto'] },
  TensorShapeProto: { dim: [1, ['Dimension']] },
  Dimension: { dim_value: [1, 'int64'], dim_param: [2, 'string'] },
} as const;

type Messages = typeof messages;
/** The name of a message. */
export type MessageName = keyof Messages;

/** `data_type` is known to the program as `dataType`. */
type Camel<S> = S extends `${infer First}_${infer Rest}` ? `${First}${Capitalize<Camel<Rest>>}` : S;
type Content<T> = T extends keyof Scalars ? Scalars[T] : T extends MessageName ? Message<T> : never;

/** A message as the program has it; what is left out is left out of the file. */
export type Message<M extends MessageName> = {
  readonly [F in keyof Messages[M] as Camel<F>]?:
    | (Messages[M][F] extends readonly [number, infer T]
        ? T extends readonly [infer Item]
          ? readonly Content<Item>[]
          : Content<T>
        : never)
    | undefined;
};

type FieldType = keyof Scalars | MessageName;

function fieldOf([name, [number, type]]: [string, readonly [number, FieldType | readonly [FieldType]]]) {
  const repeated = typeof type === 'object';
  const held = repeated ? type[0] : type;
  return {
    name,
    number,
    label: repeated ? Label.REPEATED : Label.OPTIONAL,
    ...(held in scalars ? { type: scalars[held as keyof Scalars] } : { type: Type.MESSAGE, typeName: `.onnx.${held}` }),
  };
}

let registry: FileRegistry | undefined;

/** The description of a message by which the library writes it. */
export function descriptor(name: MessageName): DescMessage {
  registry ??= createFileRegistry(create(FileDescriptorSetSchema, { file: [describe()] }));
  return registry.getMessage(`onnx.${name}`)!;
}

function describe() {
  const messageType = Object.entries(messages).map(([name, fields]) => ({
    name,
    field: Object.entries(fields).map(fieldOf),
  }));
  return { name: 'onnx.proto', package: 'onnx', syntax: 'proto2', messageType };
}
