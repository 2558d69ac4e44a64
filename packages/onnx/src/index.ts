export { encode } from './encode.ts';
export { OnnxError } from './error.ts';
export type {
  Attribute,
  AttributeValues,
  ElementType,
  Elements,
  Graph,
  Model,
  Node,
  TensorValue,
  ValueInfo,
} from './model.ts';
