/** A checkpoint cannot be read, written, or continued from. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
}

/** Training left the numbers: a loss or a weight is NaN or infinite. */
export class DivergedError extends Error {
  override readonly name = 'DivergedError';
}
