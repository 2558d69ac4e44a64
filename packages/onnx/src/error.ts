/** A model cannot be written as an ONNX file. */
export class OnnxError extends Error {
  override readonly name = 'OnnxError';
}
