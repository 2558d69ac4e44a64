import type { Backend } from '@receptive/backend';
import { BackendError } from './errors.ts';

let current: Backend | undefined;

/** Makes `backend` the one on which new tensors are made from now on. */
export function setBackend(backend: Backend): void {
  current = backend;
}

/** Whether a backend is set. */
export function hasBackend(): boolean {
  return current !== undefined;
}

/**
 * The backend on which new tensors are made.
 * @throws BackendError if none is set.
 */
export function currentBackend(): Backend {
  if (!current) {
    throw new BackendError(
      'No backend is set. Call `setBackend(await cpu())` first (cpu from @receptive/backend-cpu), or `await init()` from receptive.',
    );
  }
  return current;
}

/**
 * Runs `f` with `backend` as the current one and restores the previous one afterwards.
 * @throws BackendError if `f` returns a promise: what runs later would meet whatever backend is current then.
 */
export function withBackend<T>(backend: Backend, f: () => T): T {
  const previous = current;
  current = backend;
  try {
    return synchronous('withBackend', f());
  } finally {
    current = previous;
  }
}

/** Refuses the promise of an asynchronous callback, whose work would run outside the state that `caller` sets up. */
export function synchronous<T>(caller: string, result: T): T {
  const { then } = (result ?? {}) as Partial<Promise<unknown>>;
  if (typeof then === 'function') {
    // What the callback still does fails in the wrong surroundings; the error that counts is the one below.
    void then.call(result, undefined, () => {});
    throw new BackendError(
      `${caller} takes a synchronous function, but was given one that returns a promise. Await before or after ${caller}, not inside it.`,
    );
  }
  return result;
}
