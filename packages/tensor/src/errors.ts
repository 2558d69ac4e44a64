/** A tensor's shape does not fit what is asked of it. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

/** An element type is not one that the op or the backend works on. */
export class DTypeError extends Error {
  override readonly name = 'DTypeError';
}

/** No backend is set, tensors of two backends meet, or a backend cannot do what is asked. */
export class BackendError extends Error {
  override readonly name = 'BackendError';
}

/** A tensor is used after its memory was given back. */
export class DisposedError extends Error {
  override readonly name = 'DisposedError';
}

/** `[2, 3]`, as shapes are written in messages. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
