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

/** The error of using a tensor after it was disposed; `door` names the op that was given it. */
export function disposedError(
  door: string,
  { dtype, shape }: { dtype: string; shape: readonly number[] },
): DisposedError {
  return new DisposedError(
    `${door}: this ${dtype} tensor of shape ${formatShape(shape)} has been disposed. ` +
      'Return it from its scope, or keep a handle of your own with clone(). The value of a Parameter or Buffer ends with the next write to it.',
  );
}

/** `[2, 3]`, as shapes are written in messages. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
