import type { Tensor } from '@receptive/tensor';
import { synchronous } from '@receptive/tensor';
import type { Module } from './module.ts';

/** One call of a module's forward. */
export interface ModuleCall {
  /** Where the module is in the observed model; the empty path is the model itself. */
  readonly path: string;
  readonly module: Module;
  readonly input: Tensor;
}

/**
 * Runs `f` and calls `around` in place of each module's forward inside `model`, the model's own included. `around` runs the layer by calling `proceed`, and
 * returns its output, or another tensor in its stead. Calls nest as the modules do. To keep a tensor beyond the call, clone it.
 *
 * @throws BackendError if `f` returns a promise.
 */
export function observe<T>(model: Module, around: (call: ModuleCall, proceed: () => Tensor) => Tensor, f: () => T): T {
  const restore: (() => void)[] = [];
  const observed = new Set<Module>();
  for (const [path, module] of model.namedModules()) {
    if (observed.has(module)) continue;
    observed.add(module);
    const own = Object.getOwnPropertyDescriptor(module, 'forward');
    const forward = module.forward.bind(module);
    const replacement: Module['forward'] = (input, context) =>
      around({ path, module, input }, () => forward(input, context));
    Object.defineProperty(module, 'forward', { value: replacement, configurable: true });
    restore.push(() => {
      if (own) Object.defineProperty(module, 'forward', own);
      else Reflect.deleteProperty(module, 'forward');
    });
  }
  try {
    return synchronous('observe', f());
  } finally {
    for (const undo of restore) undo();
  }
}
