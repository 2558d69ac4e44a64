import type { Backend, Kernels, Operand } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import { conformance } from '@receptive/conformance';

/** The reference with a fault of each kind that the suite is there to find. */
function faulty(): Backend {
  const backend = reference();
  const kernels = backend.kernels as Required<Kernels>;
  let calls = 0;
  return {
    ...backend,
    // The copy is made when the promise is awaited, not when it is asked for.
    read: async (storage, dtype, length) => {
      await Promise.resolve();
      return backend.readSync!(storage, dtype, length);
    },
    readSync: undefined,
    kernels: {
      ...kernels,
      // Off by more than rounding.
      matmul(a, b, out, options) {
        kernels.matmul(a, b, out, options);
        scale(out, 1 + 1e-4);
      },
      // A factor of a transform is wrong.
      conv(x, weight, bias, out, geometry) {
        kernels.conv(x, weight, bias, out, geometry);
        if (geometry.algorithm?.startsWith('winograd')) scale(out, 1.01);
      },
      // Other bits each time.
      compare(name, a, b, out) {
        kernels.compare(calls++ % 2 === 0 ? name : 'equal', a, b, out);
      },
      // Writes to its input.
      unary(name, x, out) {
        kernels.unary(name, x, out);
        if (name === 'floor') kernels.fill(x, 0);
      },
      // Forgets memory.
      concat(inputs, out, axis) {
        backend.allocate('uint8', 1);
        kernels.concat(inputs, out, axis);
      },
      // Wrong in the gradient alone.
      avgPoolGradient(gradient, out, window, countPadding) {
        kernels.avgPoolGradient(gradient, out, window, countPadding);
        scale(out, 2);
      },
    },
  };

  /** Multiplies all of `out` by `factor`. */
  function scale(out: Operand, factor: number): void {
    const length = sizeOf(out.shape);
    const data = backend.readSync!(out.storage, out.dtype, length);
    backend.write(
      out.storage,
      data.map((value) => value * factor),
    );
  }
}

conformance('a faulty backend', faulty, {
  skips: [
    { case: 'exp', reason: 'tables are too short' },
    { case: 'log: [7], float32', reason: 'seven is unlucky' },
    { case: 'log: no such case', reason: 'never' },
  ],
});
