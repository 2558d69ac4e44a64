import type { Backend } from '@receptive/backend';
import { Buffer, fullLike } from '@receptive/tensor';
import type { Parameter, Tensor } from '@receptive/tensor';
import type { Json } from './json.ts';

/** Hyperparameters that every optimiser has. */
export interface CommonOptions {
  /** Learning rate: a finite number of at least 0. A schedule multiplies it. */
  readonly lr?: number;
  /** L2 penalty, of at least 0: the loss is as if `weightDecay / 2 * |p|^2` were added. AdamW decouples it from the loss. */
  readonly weightDecay?: number;
}

/** Parameters with hyperparameters of their own; what it leaves out is as for all others. */
export type ParameterGroup<O> = Partial<O> & {
  /** Chooses the parameters by the model's key (`features.0.weight`) or by shape. */
  readonly parameters: (name: string, parameter: Parameter) => boolean;
};

/** Options of an optimiser: hyperparameters for all, and groups of which the first that fits overrides them. */
export type WithGroups<O> = O & { readonly groups?: readonly ParameterGroup<O>[] };

/** The arithmetic of one kind of optimiser, over its hyperparameters `O`. */
export interface OptimizerRule<O> {
  readonly name: string;
  /** @throws RangeError for hyperparameters that make no sense. */
  check(options: Required<O>): void;
  /** Names of what the optimiser remembers of a parameter, in the order in which `step` takes them. Each starts as zeros of the parameter's shape. */
  slots(options: Required<O>): readonly string[];
  /** Step number `step`, counted from 1, with the learning rate `lr`. */
  step(
    parameter: Parameter,
    gradient: Tensor,
    state: readonly Buffer[],
    options: Required<O>,
    lr: number,
    step: number,
  ): void;
}

/** What an optimiser is to be, before it knows the parameters. Reusable: each {@link bind} makes an independent optimiser. */
export interface OptimizerRecipe {
  readonly name: string;
  /**
   * An optimiser of these parameters, by their keys, with empty memory.
   * @throws RangeError if a group chooses no parameter, or makes hyperparameters that make no sense.
   */
  bind(parameters: ReadonlyMap<string, Parameter>): Optimizer;
}

interface Entry<O = unknown> {
  readonly parameter: Parameter;
  readonly options: Required<O>;
  readonly lr: number;
  readonly state: ReadonlyMap<string, Buffer>;
}

/** Changes parameters by their gradients, and remembers what its method needs (velocities, moments) in buffers beside them. */
export class Optimizer {
  /** Name and hyperparameters, for a checkpoint. */
  readonly settings: Json;
  readonly #entries: readonly Entry[];
  readonly #rule: OptimizerRule<unknown>;
  #steps = 0;

  /** @internal Made by {@link OptimizerRecipe.bind}. */
  constructor(rule: OptimizerRule<unknown>, settings: Json, entries: readonly Entry[]) {
    this.settings = settings;
    this.#rule = rule;
    this.#entries = entries;
  }

  /** Steps taken so far. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * One step, in place.
   * @param gradients One for each parameter, in the order in which they were bound.
   * @param factor Multiplies the learning rate: the schedule's value.
   * @throws RangeError if there are not as many gradients as parameters.
   */
  step(gradients: readonly Tensor[], factor = 1): void {
    if (gradients.length !== this.#entries.length) {
      throw new RangeError(
        `step: the optimiser has ${this.#entries.length} parameters, but was given ${gradients.length} gradients. Ask for the gradients of the parameters it was bound to, in their order.`,
      );
    }
    this.#steps++;
    this.#entries.forEach(({ parameter, state, options, lr }, i) => {
      this.#rule.step(parameter, gradients[i]!, [...state.values()], options, lr * factor, this.#steps);
    });
  }

  /** What it remembers, as `velocity/features.0.weight`. Together with {@link steps} this is its whole state. */
  stateDict(): Map<string, Buffer> {
    return new Map(this.#entries.flatMap(({ state }) => [...state]));
  }

  /**
   * Goes on from a saved state.
   * @param state Exactly the keys of {@link stateDict}, on the parameters' backend. The handles stay the caller's.
   * @throws RangeError, before anything is changed, if a key is missing or unknown, or a shape is another.
   */
  loadStateDict(state: ReadonlyMap<string, Tensor>, steps: number): void {
    const own = this.stateDict();
    if (!Number.isSafeInteger(steps) || steps < 0) {
      throw new RangeError(`loadStateDict: the number of steps must be a whole number of at least 0, but is ${steps}.`);
    }
    checkState(own, state);
    for (const [key, buffer] of own) buffer.assign(state.get(key)!);
    this.#steps = steps;
  }

  /** Moves what it remembers to another backend; move the model too. */
  async to(backend: Backend): Promise<void> {
    for (const buffer of this.stateDict().values()) await buffer.to(backend);
  }

  /** Frees what it remembers. */
  dispose(): void {
    for (const buffer of this.stateDict().values()) buffer.dispose();
  }
}

/** @throws RangeError if `given` has not exactly the keys and shapes of `own`. */
export function checkState(
  own: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  given: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): void {
  const remedy =
    'Continue with the optimiser and the options with which the state was saved, or begin a new run from the weights alone.';
  for (const [key, { shape }] of own) {
    const found = given.get(key);
    if (!found) throw new RangeError(`The saved optimiser state has no ${key}. ${remedy}`);
    if (String(found.shape) !== String(shape)) {
      throw new RangeError(
        `The saved optimiser state has ${key} of shape [${found.shape.join(', ')}], but this optimiser [${shape.join(', ')}]. ${remedy}`,
      );
    }
  }
  const unknown = [...given.keys()].find((key) => !own.has(key));
  if (unknown !== undefined)
    throw new RangeError(`The saved optimiser state has ${unknown}, which this optimiser has not. ${remedy}`);
}

/** Makes a recipe from a rule and options in which the defaults are filled in; refuses senseless options at once. */
export function recipe<O extends CommonOptions>(
  rule: OptimizerRule<O>,
  defaults: Required<O>,
  { groups = [], ...options }: WithGroups<O>,
): OptimizerRecipe {
  const common = merge(defaults, options as unknown as Partial<O>);
  const own = groups.map(({ parameters: _, ...overrides }) => merge(common, overrides as unknown as Partial<O>));
  for (const set of [common, ...own]) {
    checkNumber(rule.name, 'lr', set.lr!);
    checkNumber(rule.name, 'weightDecay', set.weightDecay!);
    rule.check(set);
  }

  function bind(parameters: ReadonlyMap<string, Parameter>): Optimizer {
    const members: string[][] = groups.map(() => []);
    const entries = [...parameters].map(([name, parameter]): Entry<O> => {
      const group = groups.findIndex((candidate) => candidate.parameters(name, parameter));
      members[group]?.push(name);
      const chosen = own[group] ?? common;
      const zeros = () => new Buffer(parameter.shape, () => fullLike(parameter.value, 0));
      const state = new Map(rule.slots(chosen).map((slot) => [`${slot}/${name}`, zeros()]));
      return { parameter, options: chosen, lr: chosen.lr!, state };
    });
    const empty = members.findIndex((names) => names.length === 0);
    if (empty >= 0) {
      throw new RangeError(
        `${rule.name}: group ${empty} chooses none of the parameters ${[...parameters.keys()].join(', ')} that an earlier group left. Correct its \`parameters\`, or leave it out.`,
      );
    }
    const described = own.map((set, i) => ({ ...(set as Json & object), parameters: members[i]! }));
    const settings = { name: rule.name, ...(common as Json & object), groups: described };
    return new Optimizer(rule as unknown as OptimizerRule<unknown>, settings, entries);
  }

  return { name: rule.name, bind };
}

/** An option that is given as undefined is left as it was. */
function merge<O extends object>(base: Required<O>, overrides: Partial<O>): Required<O> {
  const given = Object.entries(overrides).filter(([, value]) => value !== undefined);
  return { ...base, ...Object.fromEntries(given) };
}

/** Refuses what is not a number from `least` up to, not including, `below`. */
export function checkNumber(door: string, what: string, value: number, least = 0, below = Infinity): void {
  if (typeof value !== 'number' || !(value >= least && value < below)) {
    const range =
      below === Infinity
        ? `a finite number of at least ${least}`
        : `a number from ${least} up to, not including, ${below}`;
    throw new RangeError(`${door}: ${what} must be ${range}, but is ${String(value)}.`);
  }
}
