/// <reference lib="esnext.disposable" preserve="true" />
import type { Backend, Shape } from '@receptive/backend';
import type { Initializer, Tensor, Variable } from '@receptive/tensor';
import { Buffer, Parameter, Rng } from '@receptive/tensor';
import { whole } from './check.ts';
import { load } from './state-dict.ts';
import type { LoadOptions, LoadReport, StateEntry } from './state-dict.ts';

/** How a model is run. */
export interface ForwardContext {
  /** Whether layers that behave otherwise in training, such as dropout, do so; false unless told. */
  readonly training?: boolean | undefined;
  /** Where layers draw random numbers from in training. */
  readonly rng?: Rng | undefined;
}

/**
 * A layer, or a model made of layers. What belongs to it is found by walking its own fields: modules, {@link parameter}s and {@link buffer}s, alone or in
 * arrays. A plain tensor field is no state: it is neither trained, nor saved, nor moved. A layer of one's own is a class with such fields:
 *
 * ```ts
 * class Scale extends Module {
 *   readonly factor = parameter([1], initializers.ones);
 *   override forward(x: Tensor): Tensor {
 *     return x.mul(this.factor.value);
 *   }
 * }
 * ```
 *
 * A variable's key is its path through the fields, camelCase turned to snake_case: `features.0.weight`, `running_mean`. These are the keys of torchvision's
 * state dictionaries.
 */
export abstract class Module {
  /** Computes the output. Mode and randomness are said in `context`; a module that contains others passes it on. */
  abstract forward(x: Tensor, context?: ForwardContext): Tensor;

  /** What lies one level down, by name. {@link Sequential} adds to it what no field holds. */
  protected *members(): Iterable<readonly [name: string, member: Module | Variable]> {
    for (const [name, value] of Object.entries(this)) yield* membersIn(name, value);
  }

  *#walk(path = '', above: readonly Module[] = []): Iterable<readonly [path: string, member: Module | Variable]> {
    if (above.includes(this)) {
      throw new TypeError(
        `${this.constructor.name}: the module contains itself, as ${path}. Keep such a reference in a #private field, which is not walked.`,
      );
    }
    yield [path, this];
    for (const [name, member] of this.members()) {
      const below = path === '' ? snakeCase(name) : `${path}.${snakeCase(name)}`;
      if (member instanceof Module) yield* member.#walk(below, [...above, this]);
      else yield [below, member];
    }
  }

  /** Each variable once, with the first of the paths that lead to it. */
  #variables(): Map<Variable, string> {
    const paths = new Map<Variable, string>();
    for (const [path, variable] of this.stateDict()) if (!paths.has(variable)) paths.set(variable, path);
    return paths;
  }

  /** This module, under the empty path, and all modules in it. A module that is used in two places is there twice. */
  namedModules(): Map<string, Module> {
    const modules = new Map<string, Module>();
    for (const [path, member] of this.#walk()) if (member instanceof Module) modules.set(path, member);
    return modules;
  }

  /** The parameters by their paths; one that is used in two places stands under the first. */
  namedParameters(): Map<string, Parameter> {
    const parameters = new Map<string, Parameter>();
    for (const [variable, path] of this.#variables()) if (variable instanceof Parameter) parameters.set(path, variable);
    return parameters;
  }

  /** The parameters, each once: what an optimiser trains. */
  parameters(): Parameter[] {
    return [...this.namedParameters().values()];
  }

  /** All parameters and buffers by their paths, in the order of the fields; one that is used in two places stands under both. Nothing is materialised. */
  stateDict(): Map<string, Variable> {
    const variables = new Map<string, Variable>();
    for (const [path, member] of this.#walk()) {
      if (member instanceof Module) continue;
      if (variables.has(path))
        throw new TypeError(`${this.constructor.name}: two variables have the path ${path}. Rename one of the fields.`);
      variables.set(path, member);
    }
    return variables;
  }

  /**
   * Writes the entries of a state dictionary into the variables of the same keys. Everything is checked before anything is written; variables that are
   * written are not initialised first. Elements that are not yet tensors are brought to where the variable's value lies, or to the current backend.
   * @param options With `strict: false`, keys that are missing or unknown are left out; they are reported all the same.
   * @throws StateDictError naming every missing key, every unknown key and every mismatch of shape, dtype or backend.
   */
  loadStateDict(entries: ReadonlyMap<string, StateEntry>, options: LoadOptions = {}): LoadReport {
    return load(this.constructor.name, this.stateDict(), entries, options);
  }

  /**
   * Seeds all variables; those that have a value forget it. Each draws from a generator forked by its own path, so that its first value depends on the
   * seed and the path alone, not on the order in which layers are made or used.
   */
  initialize(seed: number | Rng): this {
    const rng = typeof seed === 'number' ? new Rng(seed) : seed;
    for (const [variable, path] of this.#variables()) variable.seed(rng.fork(path));
    return this;
  }

  /** Moves all variables to another backend. Those that have no value yet will be made there. */
  async to(backend: Backend): Promise<this> {
    await Promise.all(Array.from(this.#variables().keys(), (variable) => variable.to(backend)));
    return this;
  }

  /** Frees the values of all variables. The next use would make them anew. */
  dispose(): void {
    for (const variable of this.#variables().keys()) variable.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A variable that training changes, for a field of a {@link Module}. It is made by `initializer` on first use. */
export function parameter(shape: Shape, initializer: Initializer): Parameter {
  whole('parameter', { shape });
  return new Parameter(shape, initializer);
}

/** A variable that belongs to a module's state but is not trained, for a field of a {@link Module}. */
export function buffer(shape: Shape, initializer: Initializer): Buffer {
  whole('buffer', { shape });
  return new Buffer(shape, initializer);
}

function* membersIn(name: string, value: unknown): Iterable<readonly [name: string, member: Module | Variable]> {
  if (value instanceof Module || value instanceof Parameter || value instanceof Buffer) yield [name, value];
  else if (Array.isArray(value)) for (const [i, item] of value.entries()) yield* membersIn(`${name}.${i}`, item);
}

/** Names that begin with a capital are no camelCase, and stay: torchvision has some (`Conv2d_1a_3x3`). */
function snakeCase(name: string): string {
  return /^[a-z]/.test(name) ? name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`) : name;
}
