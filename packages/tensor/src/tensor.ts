/// <reference lib="esnext.disposable" preserve="true" />
import type { Backend, DType, DTypeArrays, Operand, Shape, Storage } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { fromArray } from './create.ts';
import { isObserved } from './dispatch.ts';
import { BackendError, ShapeError, disposedError, formatShape } from './errors.ts';
import * as ops from './functions.ts';
import { adopt } from './scope.ts';
import type { SharedStorage } from './storage.ts';
import type { Variable } from './variable.ts';

let values = 0;

/** What frees the storage of a handle that was collected without having been disposed. */
export type Net = Pick<FinalizationRegistry<SharedStorage>, 'register' | 'unregister'>;

/** Options of the reductions: `keepDims` leaves the reduced axes as length 1. */
export interface ReduceOptions {
  readonly keepDims?: boolean;
}

/**
 * An immutable, dense, row-major block of numbers on a backend. A Tensor is a handle: several may share one storage, which lives as long as any of them,
 * so disposing a handle never takes away what another one sees. Dispose with {@link dispose}, `using`, or {@link scope}; a forgotten handle is
 * collected, late.
 */
export class Tensor<D extends DType = DType> implements Operand {
  readonly shape: Shape;
  readonly dtype: D;
  /** Names the value: handles made by {@link clone} have the same one. */
  readonly id: number;
  /** @internal What {@link variableOf} tells. */
  variable: Variable | undefined;
  #shared: SharedStorage | undefined;
  /** Who frees the storage should the handle be forgotten, if anybody does. */
  #net: Net | undefined;

  /** @internal Takes over one hold on `shared`. */
  constructor(shared: SharedStorage, shape: Shape, dtype: D, id: number = values++) {
    this.#shared = shared;
    this.shape = shape;
    this.dtype = dtype;
    this.id = id;
    adopt(this, shared);
  }

  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  get backend(): Backend {
    return this.shared.backend;
  }

  get disposed(): boolean {
    return this.#shared === undefined;
  }

  /** @internal */
  get storage(): Storage {
    return this.shared.storage;
  }

  /** @internal The storage and its count of holders; throws for a disposed handle. */
  get shared(): SharedStorage {
    if (!this.#shared) throw disposedError('tensor', this);
    return this.#shared;
  }

  /**
   * A copy of the elements, row by row. The copy is enqueued before the promise is returned, and holds the storage: disposing the tensor meanwhile is safe.
   */
  async data(): Promise<DTypeArrays[D]> {
    const shared = this.shared.retain();
    try {
      return await shared.backend.read(shared.storage, this.dtype, this.size);
    } finally {
      shared.release();
    }
  }

  /**
   * The elements at once.
   * @throws BackendError on a backend that computes asynchronously (a GPU): use `await tensor.data()` there.
   */
  dataSync(): DTypeArrays[D] {
    const { backend, storage } = this.shared;
    if (!backend.readSync)
      throw new BackendError(`The ${backend.name} backend cannot read synchronously. Use \`await tensor.data()\`.`);
    return backend.readSync(storage, this.dtype, this.size);
  }

  /**
   * The only element of a tensor of size 1.
   * @throws ShapeError for any other size.
   */
  async item(): Promise<number> {
    if (this.size !== 1)
      throw new ShapeError(
        `item() reads a tensor of one element; this one has shape ${formatShape(this.shape)}. Use data().`,
      );
    return (await this.data())[0]!;
  }

  /** Another handle on the same value. It has a life of its own. */
  clone(): Tensor<D> {
    const copy = new Tensor(this.shared.retain(), this.shape, this.dtype, this.id);
    if (isObserved()) copy.variable = this.variable;
    return copy;
  }

  /** @internal A handle on the same elements that counts as a value of its own. */
  asNewValue(): Tensor<D> {
    return new Tensor(this.shared.retain(), this.shape, this.dtype);
  }

  /** The same elements on another backend. Not recorded for derivatives: one differentiated function lives on one backend. */
  async to(backend: Backend): Promise<Tensor<D>> {
    return backend === this.backend ? this.clone() : fromArray(backend, await this.data(), this.shape, this.dtype);
  }

  /** Lets go of the storage, which is freed when nobody else holds it. Disposing twice is harmless. */
  dispose(): void {
    const shared = this.#shared;
    if (!shared) return;
    this.#shared = undefined;
    this.#net?.unregister(this);
    shared.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal Puts a handle that has left all scopes under a safety net, instead of another one. */
  watch(net: Net): void {
    if (!this.#shared) return;
    this.#net?.unregister(this);
    net.register(this, this.#shared, this);
    this.#net = net;
  }

  // The commonest functions as methods, so that a computation reads from left to right. Each is the function of its name.

  add(other: Tensor | number): Tensor {
    return ops.add(this, other);
  }
  sub(other: Tensor | number): Tensor {
    return ops.sub(this, other);
  }
  mul(other: Tensor | number): Tensor {
    return ops.mul(this, other);
  }
  div(other: Tensor | number): Tensor {
    return ops.div(this, other);
  }
  pow(exponent: Tensor | number): Tensor {
    return ops.pow(this, exponent);
  }
  neg(): Tensor {
    return ops.neg(this);
  }
  abs(): Tensor {
    return ops.abs(this);
  }
  square(): Tensor {
    return ops.square(this);
  }
  sqrt(): Tensor {
    return ops.sqrt(this);
  }
  exp(): Tensor {
    return ops.exp(this);
  }
  log(): Tensor {
    return ops.log(this);
  }
  tanh(): Tensor {
    return ops.tanh(this);
  }
  sigmoid(): Tensor {
    return ops.sigmoid(this);
  }
  relu(): Tensor {
    return ops.relu(this);
  }
  softmax(axis = -1): Tensor {
    return ops.softmax(this, axis);
  }
  logSoftmax(axis = -1): Tensor {
    return ops.logSoftmax(this, axis);
  }
  matmul(other: Tensor): Tensor {
    return ops.matmul(this, other);
  }
  sum(axes?: number | readonly number[], options?: ReduceOptions): Tensor {
    return ops.sum(this, axes, options);
  }
  mean(axes?: number | readonly number[], options?: ReduceOptions): Tensor {
    return ops.mean(this, axes, options);
  }
  max(axes?: number | readonly number[], options?: ReduceOptions): Tensor {
    return ops.max(this, axes, options);
  }
  min(axes?: number | readonly number[], options?: ReduceOptions): Tensor {
    return ops.min(this, axes, options);
  }
  argmax(axis: number, options?: ReduceOptions): Tensor<'int32'> {
    return ops.argmax(this, axis, options);
  }
  reshape(...shape: number[]): Tensor {
    return ops.reshape(this, shape);
  }
  permute(...axes: number[]): Tensor {
    return ops.permute(this, axes);
  }
  transpose(a = -2, b = -1): Tensor {
    return ops.transpose(this, a, b);
  }
  slice(start: readonly number[], end?: readonly number[]): Tensor {
    return ops.slice(this, start, end);
  }
  cast<T extends DType>(dtype: T): Tensor<T> {
    return ops.cast(this, dtype);
  }
}
