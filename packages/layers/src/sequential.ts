import type { Tensor, Variable } from '@receptive/tensor';
import { scope } from '@receptive/tensor';
import { Module } from './module.ts';
import type { ForwardContext } from './module.ts';

/**
 * Layers one after another, each taking what the one before it gives. Layers of a list are named by their place (`0.weight`), those of an object by their
 * key (`conv1.weight`). Tensors between the layers are freed on the way, where no derivative needs them: a layer that wants to keep its output clones it.
 */
export class Sequential extends Module {
  readonly layers: ReadonlyMap<string, Module>;

  constructor(layers: readonly Module[] | Readonly<Record<string, Module>>) {
    super();
    this.layers = new Map(Object.entries(layers));
  }

  protected override *members(): Iterable<readonly [name: string, member: Module | Variable]> {
    yield* this.layers;
    yield* super.members();
  }

  override forward(x: Tensor, context?: ForwardContext): Tensor {
    return scope(() => {
      let y = x;
      for (const layer of this.layers.values()) {
        const previous = y;
        y = layer.forward(previous, context);
        if (previous !== x && previous !== y) previous.dispose();
      }
      return y;
    });
  }
}
