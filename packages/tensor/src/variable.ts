import type { Backend, DType, Shape } from '@receptive/backend';
import { sameShape } from '@receptive/backend';
import { full } from './create.ts';
import { currentBackend, withBackend } from './current.ts';
import { dispatch, unobserved } from './dispatch.ts';
import { BackendError, DTypeError, ShapeError, formatShape } from './errors.ts';
import type { Each, Op } from './op.ts';
import { Rng } from './rng.ts';
import { Keeper, free, outsideScopes, scope } from './scope.ts';
import type { SharedStorage } from './storage.ts';
import type { Net, Tensor } from './tensor.ts';

/** Makes the first value of a variable of `shape`, drawing from `rng`. */
export type Initializer = (shape: Shape, rng: Rng) => Tensor;

/** Set while variables stand for their shapes alone. */
let placeholders = false;

/** Variables made so far. One that is given no random key draws from its number: a program that makes the same variables gets the same values. */
let made = 0;

/** The safety net under a variable's values, of which there is a new one at every step of training: the variable is watched in their stead, for they keep it alive. */
class VariableNet implements Net {
  #storage: SharedStorage | undefined;

  register(_value: Tensor, storage: SharedStorage): void {
    this.#storage = storage;
  }

  unregister(): boolean {
    this.#storage = undefined;
    return true;
  }

  free(): void {
    if (this.#storage) free(this.#storage);
  }
}

const safetyNet = new FinalizationRegistry<VariableNet>((net) => net.free());

/**
 * A place that holds a tensor and whose value can change; everything else is immutable. A variable is lazy: until its value is asked for it is only a
 * shape, an initialiser and a random key. Only {@link assign} and an optimiser's step write; each write bumps {@link version}.
 */
abstract class Variable {
  readonly shape: Shape;
  readonly #initializer: Initializer;
  #rng = new Rng(0).fork(`variable ${made++}`);
  #backend: Backend | undefined;
  #value: Tensor | undefined;
  readonly #net = new VariableNet();
  #version = 0;

  constructor(shape: Shape, initializer: Initializer) {
    this.shape = [...shape];
    this.#initializer = initializer;
    safetyNet.register(this, this.#net);
  }

  /** Counts the writes: a cache made from the value is good as long as the version stays. */
  get version(): number {
    return this.#version;
  }

  /** Whether the value has been made, or given. */
  get materialized(): boolean {
    return this.#value !== undefined;
  }

  /** The value's type; float32 as long as there is none. */
  get dtype(): DType {
    return this.#value?.dtype ?? 'float32';
  }

  /** Where the value lies, or will be made. */
  get backend(): Backend {
    return this.#value?.backend ?? this.#backend ?? currentBackend();
  }

  /**
   * The present value, made on first use. The handle belongs to the variable and ends with the next write; to keep the value of now, clone it.
   * @throws ShapeError if the initialiser made a value of another shape.
   */
  get value(): Tensor {
    if (placeholders) return unobserved(() => full(this.shape, 0, { dtype: this.dtype }));
    return (this.#value ??= this.#own(this.#initialize()));
  }

  #initialize(): Tensor {
    const make = (): Tensor => {
      const value = this.#initializer(this.shape, this.#rng.clone());
      this.#checkShape('initialiser', value);
      return value.asNewValue();
    };
    // Whoever happens to use the value first has no part in how it is made: neither listeners nor scopes see it.
    return unobserved(() => outsideScopes(() => scope(() => withBackend(this.backend, make))));
  }

  /** Sets the random key from which the value will be made, and forgets a value that was made before. */
  seed(rng: Rng): void {
    this.#rng = rng.clone();
    this.dispose();
  }

  /**
   * Writes a value. The tensor is shared, not copied; the caller's handle stays the caller's.
   * @throws ShapeError | DTypeError | BackendError if it is not of the variable's shape, type or backend.
   */
  assign(value: Tensor): void {
    refusePlaceholders('assign');
    this.#checkShape('assign', value);
    if (this.#value && value.backend !== this.#value.backend) {
      throw new BackendError(
        `assign: the variable lives on ${this.#value.backend.name}, the tensor on ${value.backend.name}. Move one with \`await x.to(backend)\`.`,
      );
    }
    if (this.#value && value.dtype !== this.#value.dtype) {
      throw new DTypeError(
        `assign: the variable is ${this.#value.dtype}, but the tensor is ${value.dtype}. Convert it with cast().`,
      );
    }
    this.replace(outsideScopes(() => value.asNewValue()));
  }

  /**
   * Moves the value, or the place where it will be made, to another backend.
   * @throws BackendError if the variable is written to meanwhile.
   */
  async to(backend: Backend): Promise<void> {
    if (this.#value && this.#value.backend !== backend) {
      const version = this.#version;
      const moved = await this.#value.to(backend);
      if (version !== this.#version) {
        moved.dispose();
        throw new BackendError(
          'to: the variable was written to while it was being moved. Await the move before the next step.',
        );
      }
      this.replace(moved);
    }
    this.#backend = backend;
  }

  /** Frees the value. The next use makes it anew. */
  dispose(): void {
    if (this.#value) this.replace(undefined);
  }

  /** @internal Takes over the handle `value`, which may be the old value's memory, overwritten. */
  replace(value: Tensor | undefined): void {
    const old = this.#value;
    this.#value = value;
    this.#version++;
    old?.dispose();
    if (value) this.#own(value);
  }

  #own(value: Tensor): Tensor {
    value.variable = this;
    value.watch(this.#net);
    return value;
  }

  #checkShape(door: string, value: Tensor): void {
    if (!sameShape(value.shape, this.shape)) {
      throw new ShapeError(
        `${door}: the variable has shape ${formatShape(this.shape)}, but the tensor ${formatShape(value.shape)}.`,
      );
    }
  }
}

function refusePlaceholders(door: string): void {
  if (placeholders) {
    throw new BackendError(
      `${door}: inside withPlaceholders variables stand for their shapes alone and cannot be written to. Do it outside.`,
    );
  }
}

/** A variable that training changes. */
export class Parameter extends Variable {
  readonly kind = 'parameter';
}

/** A variable that belongs to a model's state but is not trained, such as running statistics. */
export class Buffer extends Variable {
  readonly kind = 'buffer';
}

export type { Variable };

/**
 * The variable whose present value `tensor` is, by the handle that its `value` gives, or a clone of that made while somebody listens: a clone made before is
 * what the variable was then.
 */
export function variableOf(tensor: Tensor): Variable | undefined {
  return tensor.variable;
}

/**
 * Runs an op whose outputs are the next values of variables among its inputs (those the op names as donors), and writes them: in place where nobody else
 * holds the old value, else into new memory.
 */
export function update<A, I extends readonly unknown[], O extends readonly unknown[]>(
  op: Op<A, I, O>,
  inputs: Each<I, Tensor | Variable>,
  attributes: A,
): void {
  refusePlaceholders(op.name);
  const list = inputs as readonly (Tensor | Variable)[];
  const tensors = list.map((input) => (input instanceof Variable ? input.value : input));
  const donated = tensors.filter((_, i) => list[i] instanceof Variable);
  // The outputs are the variables' own, whatever scope there is.
  const outputs = new Keeper().keep(() =>
    dispatch(op, tensors as unknown as Each<I, Tensor>, attributes, donated),
  ) as readonly Tensor[];
  outputs.forEach((output, i) => {
    (list[op.donors![i]!] as Variable).replace(output);
  });
}

/**
 * Runs `f` on `backend` with every variable standing for a tensor of its shape, whatever it holds or has not yet made: what a summary needs to run a
 * model through the shape-only backend without allocating weights.
 */
export function withPlaceholders<T>(backend: Backend, f: () => T): T {
  const before = placeholders;
  placeholders = true;
  try {
    return withBackend(backend, f);
  } finally {
    placeholders = before;
  }
}
