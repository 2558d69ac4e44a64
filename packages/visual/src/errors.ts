/** What was given cannot be drawn. */
export class VisualError extends Error {
  override readonly name = 'VisualError';
}

/** A number of pixels or tiles that a caller asked for. */
export function atLeastOne(what: string, value: number): number {
  if (!Number.isInteger(value) || value < 1)
    throw new VisualError(`${what} must be a whole number from 1, but is ${value}.`);
  return value;
}
