import type { Tensor } from './tensor.ts';
import type { Variable } from './variable.ts';

/** The variables that handles belong to. */
export const owners = new WeakMap<Tensor, Variable>();

/**
 * The variable whose present value `tensor` is, by the handle that its `value` gives, or a clone of that made while somebody listens: a clone made before is
 * what the variable was then.
 */
export function variableOf(tensor: Tensor): Variable | undefined {
  return owners.get(tensor);
}
