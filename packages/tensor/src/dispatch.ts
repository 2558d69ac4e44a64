import type { Backend, Kernels } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { currentBackend } from './current.ts';
import { BackendError, DTypeError, ShapeError, formatShape } from './errors.ts';
import { hasKernel } from './op.ts';
import type { AnyOp, Each, Op, TensorType } from './op.ts';
import { scope } from './scope.ts';
import { SharedStorage } from './storage.ts';
import { Tensor } from './tensor.ts';

/** One op that ran. */
export interface Dispatched {
  readonly op: AnyOp;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: unknown;
}

/** Is told of each op after it ran. Ops inside a default composition are not told: the composed op is. */
export type Listener = (dispatched: Dispatched) => void;

let listeners: readonly Listener[] = [];

function withListeners<T>(active: readonly Listener[], f: () => T): T {
  const previous = listeners;
  listeners = active;
  try {
    return f();
  } finally {
    listeners = previous;
  }
}

/** Runs `f` and tells `listener` of every op dispatched in it, besides those already listening. */
export function listen<T>(listener: Listener, f: () => T): T {
  return withListeners([...listeners, listener], f);
}

/** Runs `f` with nobody listening. */
export function unobserved<T>(f: () => T): T {
  return withListeners([], f);
}

/**
 * The one door through which every op goes: checks, infers shapes, finds the backend, runs its kernel or the op's default composition, and tells the
 * listeners.
 *
 * `donated` inputs are given up by the caller: an output may take over their memory if nobody else holds it. Only {@link update} uses it.
 * @throws ShapeError | DTypeError | BackendError | DisposedError
 */
export function dispatch<A, I extends readonly unknown[], O extends readonly unknown[]>(
  op: Op<A, I, O>,
  inputs: Each<I, Tensor>,
  attributes: A,
  donated: readonly Tensor[] = [],
): Each<O, Tensor> {
  // Inside, an op's inputs and outputs are plain lists; the tuples are for those who declare and call ops.
  return enter(op, inputs as readonly Tensor[], attributes, donated) as Each<O, Tensor>;
}

function enter(
  op: AnyOp,
  inputs: readonly Tensor[],
  attributes: unknown,
  donated: readonly Tensor[],
): readonly Tensor[] {
  const backend = backendOf(op, inputs);
  const types: readonly TensorType[] | undefined = op.infer?.(inputs, attributes);
  if (types) for (const type of types) check(op, backend, type);
  const outputs =
    types && (op.alias || hasKernel(op, backend))
      ? compute(op, backend, inputs, types, attributes, donated)
      : compose(op, inputs, attributes);
  if (listeners.length > 0) {
    const dispatched = { op, inputs, outputs, attributes };
    for (const listener of listeners) listener(dispatched);
  }
  return outputs;
}

function backendOf(op: AnyOp, inputs: readonly Tensor[]): Backend {
  const backend = inputs[0]?.backend ?? currentBackend();
  for (const input of inputs) {
    if (input.backend !== backend) {
      throw new BackendError(
        `${op.name}: the inputs live on two backends, ${inputs.map((tensor) => `${formatShape(tensor.shape)} on ${tensor.backend.name}`).join(' and ')}. ` +
          'Move one with `await tensor.to(backend)`, or a whole model with `await model.to(backend)`.',
      );
    }
  }
  return backend;
}

function check(op: AnyOp, backend: Backend, { shape, dtype }: TensorType): void {
  if (!backend.dtypes.has(dtype)) {
    throw new DTypeError(
      `${op.name}: the ${backend.name} backend has no ${dtype}, only ${[...backend.dtypes].join(', ')}. Cast to float32, or use a backend that has it (the float64 reference).`,
    );
  }
  checkShape(op.name, shape);
}

/** Refuses a shape no tensor can have. */
export function checkShape(door: string, shape: readonly number[]): void {
  if (!shape.every((length) => Number.isInteger(length) && length >= 1) || !Number.isSafeInteger(sizeOf(shape))) {
    throw new ShapeError(
      `${door}: a tensor's axes have whole lengths of at least 1, but the shape would be ${formatShape(shape)}.`,
    );
  }
}

function compute(
  op: AnyOp,
  backend: Backend,
  inputs: readonly Tensor[],
  types: readonly TensorType[],
  attributes: unknown,
  donated: readonly Tensor[],
): readonly Tensor[] {
  const outputs = types.map(({ shape, dtype }, i) => {
    const donor = op.alias ? inputs[0] : inputs[op.donors?.[i] ?? -1];
    if (donor && (op.alias || (donated.includes(donor) && donor.shared.exclusive)))
      return new Tensor(donor.shared.retain(), shape, dtype);
    return new Tensor(new SharedStorage(backend, dtype, sizeOf(shape)), shape, dtype);
  });
  if (op.alias) return outputs;
  try {
    // hasKernel has seen that the one optional kernel `run` calls is there.
    op.run!(backend.kernels as Required<Kernels>, inputs, outputs, attributes);
  } catch (error) {
    for (const output of outputs) output.dispose();
    throw error;
  }
  return outputs;
}

function compose(op: AnyOp, inputs: readonly Tensor[], attributes: unknown): readonly Tensor[] {
  if (!op.compose) {
    throw new BackendError(
      `${op.name}: the backend has no kernel for it, and the op has no default composition. A backend must provide every required kernel.`,
    );
  }
  // An output may be one of the inputs: a fresh handle keeps the two lives apart.
  return unobserved(() =>
    scope(() =>
      (op.compose!(inputs, attributes) as readonly Tensor[]).map((output) =>
        inputs.includes(output) ? output.clone() : output,
      ),
    ),
  );
}
