/// <reference lib="esnext.disposable" preserve="true" />
import type { Backend, DType, Kernels, Operand, Shape } from '@receptive/backend';
import { sameShape } from '@receptive/backend';
import type { Op } from '@receptive/tensor';
import {
  BackendError,
  DTypeError,
  DisposedError,
  Keeper,
  ShapeError,
  Tensor,
  currentBackend,
  dispatch,
  formatShape,
  scope,
  synchronous,
  unobserved,
  withBackend,
  zeros,
} from '@receptive/tensor';
import { share } from './arena.ts';
import { fuse } from './fuse.ts';
import type { Graph } from './graph.ts';
import { lower } from './lower.ts';
import type { Schedule, Step } from './lower.ts';
import { trace } from './trace.ts';

/** What can be compiled: a model, or a function of one tensor. */
export type Compilable = { forward(x: Tensor): Tensor } | ((x: Tensor) => Tensor);

/** Options of {@link compile}. */
export interface CompileOptions {
  /** Type of the input's elements; float32 unless told. */
  readonly dtype?: DType;
  /** Where to compute; the current backend unless told. */
  readonly backend?: Backend;
}

/** Frees what a compiled inference holds that was collected without having been disposed. */
const safetyNet = new FinalizationRegistry<Keeper>((keeper) => keeper.release());

/** An inference that has been compiled for inputs of one shape. */
export class Compiled {
  /** The ops that run, after fusion. */
  readonly graph: Graph;
  readonly #backend: Backend;
  readonly #schedule: Schedule;
  readonly #keeper: Keeper;
  readonly #op: Op<undefined, readonly 0[], [y: 0]>;
  /** The variables' versions that the prologue has been computed from. */
  #versions: readonly number[];
  readonly #constants: readonly Tensor[];
  #disposed = false;

  /** @internal */
  constructor(graph: Graph, schedule: Schedule, backend: Backend, keeper: Keeper) {
    this.graph = graph;
    this.#schedule = schedule;
    this.#backend = backend;
    this.#keeper = keeper;
    this.#versions = [...schedule.variables.keys()].map(({ version }) => version);
    safetyNet.register(this, keeper, this);
    const constants = graph.nodes.flatMap(({ inputs }) => inputs.flatMap(({ constant }) => constant ?? []));
    this.#constants = [...new Set(constants)].filter((constant) => constant instanceof Tensor);
    const [input, output] = [graph.inputs[0]!, graph.outputs[0]!];
    this.#op = {
      name: 'compiled',
      infer([x]) {
        if (!sameShape(x!.shape, input.shape)) {
          throw new ShapeError(
            `compiled: was compiled for an input ${formatShape(input.shape)}, but was given ${formatShape(x!.shape)}. Compile it for that shape as well.`,
          );
        }
        if (x!.dtype !== input.dtype) {
          throw new DTypeError(
            `compiled: was compiled for an input of ${input.dtype}, but was given ${x!.dtype}. Convert it with cast().`,
          );
        }
        return [{ shape: output.shape, dtype: output.dtype }];
      },
      run: (kernels, [x], [y]) => this.#run(kernels, x!, y),
    };
  }

  /**
   * The output for `x`, of the shape that was compiled for. But for the output, no tensor is made. Variables that have changed are taken as they are now.
   * @throws ShapeError | DTypeError for another shape or type; BackendError where `x` or the model lives on another backend than was compiled for;
   * DisposedError after {@link dispose}; TypeError where somebody differentiates.
   */
  forward(x: Tensor): Tensor {
    this.#checkAlive();
    if (x.backend !== this.#backend) {
      throw new BackendError(
        `compiled: was compiled for ${this.#backend.name}, but the input lives on ${x.backend.name}. Move it with \`await x.to(backend)\`, or compile there.`,
      );
    }
    // What the model reads counts as its inputs, so that nobody takes the output for a constant of theirs.
    const inputs = [x, ...this.#constants];
    for (const [variable, memory] of this.#schedule.variables) {
      if (variable.backend !== this.#backend) {
        throw new BackendError(
          `compiled: was compiled for ${this.#backend.name}, but the model has been moved to ${variable.backend.name}. Compile it there.`,
        );
      }
      if (variable.dtype !== memory.dtype) {
        throw new DTypeError(
          `compiled: was compiled for a variable of ${memory.dtype}, which is ${variable.dtype} now. Compile it again.`,
        );
      }
      inputs.push(variable.value);
    }
    return dispatch(this.#op, inputs, undefined)[0];
  }

  /** Frees what was allocated when it was compiled. */
  dispose(): void {
    this.#disposed = true;
    safetyNet.unregister(this);
    this.#keeper.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #checkAlive(): void {
    if (this.#disposed) throw new DisposedError('compiled: has been disposed. Compile it again.');
  }

  #run(kernels: Required<Kernels>, x: Operand, y: Operand): void {
    // One that another was compiled of runs without its own forward.
    this.#checkAlive();
    const { input, output, steps } = this.#schedule;
    this.#refresh(kernels);
    input.storage = x.storage;
    output.storage = y.storage;
    for (const step of steps) call(kernels, step);
  }

  /** Takes over what has become of the variables. */
  #refresh(kernels: Required<Kernels>): void {
    const { variables, prologue, derived } = this.#schedule;
    let changed = false;
    let i = 0;
    for (const [variable, memory] of variables) {
      if (variable.version !== this.#versions[i]) {
        memory.bind(variable.value);
        changed = true;
      }
      i++;
    }
    if (!changed) return;
    // The same places will hold something else.
    for (const { memory, tensor } of derived) memory.id = scope(() => tensor.asNewValue().id);
    for (const step of prologue) call(kernels, step);
    // Only now: what has failed half-way is begun again the next time.
    this.#versions = [...variables.keys()].map(({ version }) => version);
  }
}

function call(kernels: Required<Kernels>, { op, inputs, outputs, attributes }: Step): void {
  op.run!(kernels, inputs, outputs, attributes);
}

/**
 * Compiles the inference of a model for inputs of `shape`: `forward` is traced once; a convolution, the batch normalisation after it and the activation become
 * one op where the backend can; what is made of weights alone is made at once; and intermediate results share memory that is allocated now. Afterwards a forward
 * is the kernels one after another.
 *
 * The model is run as `forward(x)` runs it, for inference. What it decides by other means than ops (reading an element, drawing a random number) is decided now,
 * for good. Weights that change later are taken as they are then. Results agree with the model's up to rounding.
 *
 * ```ts
 * const fast = compile(model, [1, 3, 224, 224]);
 * const logits = fast.forward(image);
 * fast.dispose();
 * ```
 * @throws BackendError if the model is asynchronous, or lives on another backend; and whatever the model throws for such an input.
 */
export function compile(
  model: Compilable,
  shape: Shape,
  { dtype = 'float32', backend = currentBackend() }: CompileOptions = {},
): Compiled {
  const forward = (x: Tensor): Tensor =>
    synchronous('compile', typeof model === 'function' ? model(x) : model.forward(x));
  const keeper = new Keeper();
  try {
    return unobserved(() =>
      withBackend(backend, () =>
        scope(() => {
          const x = zeros(shape, { dtype });
          const graph = fuse(
            trace((input) => [forward(input)], [x], keeper),
            backend,
            keeper,
          );
          const schedule = lower(graph, x, keeper);
          for (const { dtype: type, size, tenants } of share(schedule.steps, schedule.output)) {
            const slot = keeper.keep(() => zeros([size], { dtype: type }));
            for (const tenant of tenants) tenant.storage = slot.storage;
          }
          const compiled = new Compiled(graph, schedule, backend, keeper);
          // Backends may prepare what they use again: after the second time, all of it is there.
          for (let i = 0; i < 2; i++) scope(() => compiled.forward(x));
          return compiled;
        }),
      ),
    );
  } catch (error) {
    keeper.release();
    throw error;
  }
}
