import type { Backend, Kernels } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { currentBackend, synchronous } from './current.ts';
import { BackendError, DTypeError, ShapeError, disposedError, formatShape } from './errors.ts';
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

/** Is told of each op after it ran. Ops that a listener runs are not told. */
export type Listener = (dispatched: Dispatched) => void;

/**
 * What a listener hears where an op has no kernel: the op, or in its stead those of its default composition. `'forward'` is for those who do not differentiate:
 * ops, but of a function with a derivative of its own the ops that it computes.
 */
export type Depth = 'ops' | 'forward' | 'kernels';

interface Listening {
  readonly listener: Listener;
  readonly depth: Depth;
}

const nobody: readonly Listening[] = [];
let listeners = nobody;

/** Whether somebody is told of ops at the moment. */
export function isObserved(): boolean {
  return listeners.length > 0;
}

function withListeners<T>(caller: string, active: readonly Listening[], f: () => T): T {
  const previous = listeners;
  listeners = active;
  try {
    return synchronous(caller, f());
  } finally {
    listeners = previous;
  }
}

/**
 * Runs `f` and tells `listener` of every op dispatched in it, besides those already listening. Ops inside a default composition are not told, the composed
 * op is; with `depth` `'kernels'` it is the other way round, and with `'forward'` for functions with a derivative of their own alone.
 * @throws BackendError if `f` returns a promise.
 */
export function listen<T>(listener: Listener, f: () => T, depth: Depth = 'ops'): T {
  return withListeners('listen', [...listeners, { listener, depth }], f);
}

/**
 * Runs `f` with nobody listening.
 * @throws BackendError if `f` returns a promise.
 */
export function unobserved<T>(f: () => T): T {
  return withListeners('unobserved', nobody, f);
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
  return enter(op, inputs, attributes, donated) as Each<O, Tensor>;
}

function enter(
  op: AnyOp,
  inputs: readonly Tensor[],
  attributes: unknown,
  donated: readonly Tensor[],
): readonly Tensor[] {
  const backend = backendOf(op, inputs);
  const types: readonly TensorType[] | undefined = op.infer?.(inputs, attributes);
  if (types) for (const type of types) checkType(op.name, backend, type);
  const isComputed = types !== undefined && (op.alias || hasKernel(op, backend));
  const outputs = isComputed
    ? compute(op, backend, inputs, types, attributes, donated)
    : compose(op, inputs, attributes);
  if (listeners.length > 0) tell({ op, inputs, outputs, attributes }, isComputed);
  return outputs;
}

function tell(dispatched: Dispatched, isComputed: boolean): void {
  const told = listeners;
  // A listener that computes, such as a check for NaN, would otherwise hear itself.
  listeners = nobody;
  try {
    for (const { listener, depth } of told) if (isComputed || !hearsInside(depth, dispatched.op)) listener(dispatched);
  } finally {
    listeners = told;
  }
}

/** Whether a listener hears the ops that `op` is composed of, in its stead. */
function hearsInside(depth: Depth, op: AnyOp): boolean {
  return depth === 'kernels' || (depth === 'forward' && op.transparent === true);
}

function backendOf(op: AnyOp, inputs: readonly Tensor[]): Backend {
  for (const input of inputs) if (input.disposed) throw disposedError(op.name, input);
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

/** Refuses a dtype the backend does not have and a shape no tensor can have. */
export function checkType(door: string, backend: Backend, { shape, dtype }: TensorType): void {
  if (!backend.dtypes.has(dtype)) {
    throw new DTypeError(
      `${door}: the ${backend.name} backend has no ${dtype}, only ${[...backend.dtypes].join(', ')}. Make it float32, or use a backend that has it (the float64 reference).`,
    );
  }
  let isValid = Number.isSafeInteger(sizeOf(shape));
  for (const length of shape) isValid &&= Number.isInteger(length) && length >= 1;
  if (!isValid) {
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
  const outputs: Tensor[] = [];
  try {
    for (let i = 0; i < types.length; i++) {
      const { shape, dtype } = types[i]!;
      const donor = op.alias ? inputs[0] : inputs[op.donors?.[i] ?? -1];
      const taken = donor && (op.alias || (donated.includes(donor) && donor.shared.exclusive));
      const storage = taken ? donor.shared.retain() : new SharedStorage(backend, dtype, sizeOf(shape));
      outputs.push(new Tensor(storage, shape, dtype));
    }
    // hasKernel has seen that the one optional kernel `run` calls is there.
    if (!op.alias) op.run!(backend.kernels as Required<Kernels>, inputs, outputs, attributes);
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
  // What a composition returns may be one of the inputs, or a tensor of somebody else's; the op's output is a handle and a value of its own.
  const inside = listeners.length === 0 ? nobody : listeners.filter(({ depth }) => hearsInside(depth, op));
  return withListeners(op.name, inside, () =>
    scope(() => {
      const outputs = op.compose!(inputs, attributes);
      return op.transparent ? outputs : outputs.map((output) => output.asNewValue());
    }),
  );
}
