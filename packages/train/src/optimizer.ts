import type { Backend } from '@receptive/backend';
import type { StateArray } from '@receptive/layers';
import { Buffer, formatShape, fullLike, scope, tensor, withBackend } from '@receptive/tensor';
import type { Parameter, Tensor } from '@receptive/tensor';
import { CheckpointError } from './errors.ts';
import type { Settings } from './settings.ts';

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

/** Options with the defaults filled in. */
export type Hyperparameters<O> = Required<O> & Required<CommonOptions>;

/** The arithmetic of one kind of optimiser, over its hyperparameters `O`. */
export interface OptimizerRule<O> {
  readonly name: string;
  /** @throws RangeError for hyperparameters that make no sense. */
  check(options: Hyperparameters<O>): void;
  /** Names of what the optimiser remembers of a parameter, in the order in which `step` takes them. Each starts as zeros of the parameter's shape. */
  slots(options: Hyperparameters<O>): readonly string[];
  /** Step number `step`, counted from 1. The schedule's factor is in the learning rate. */
  step(
    parameter: Parameter,
    gradient: Tensor,
    state: readonly Buffer[],
    options: Hyperparameters<O>,
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

/** A parameter with what the optimiser remembers of it, by key, and its step. */
interface Entry {
  readonly parameter: Parameter;
  readonly state: ReadonlyMap<string, Buffer>;
  step(gradient: Tensor, factor: number, step: number): void;
}

/** Changes parameters by their gradients, and remembers what its method needs (velocities, moments) in buffers beside them. */
export class Optimizer {
  /** Name and hyperparameters, for a checkpoint. */
  readonly settings: Settings;
  /** Learning rate, before a schedule's factor, of the parameters that are in no group. */
  readonly lr: number;
  readonly #entries: readonly Entry[];
  #steps = 0;

  /** @internal Made by {@link OptimizerRecipe.bind}. */
  constructor(settings: Settings, lr: number, entries: readonly Entry[]) {
    this.settings = settings;
    this.lr = lr;
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
    this.#entries.forEach((entry, i) => entry.step(gradients[i]!, factor, this.#steps));
  }

  /** What it remembers, as `velocity/features.0.weight`. Together with {@link steps} this is its whole state. */
  stateDict(): Map<string, Buffer> {
    return new Map(this.#entries.flatMap(({ state }) => [...state]));
  }

  /**
   * Goes on from a saved state.
   * @param entries Exactly the keys of {@link stateDict}.
   * @throws CheckpointError, before anything is changed, if a key is missing or unknown, or a shape or dtype is another.
   */
  loadStateDict(entries: ReadonlyMap<string, StateArray>, steps: number): void {
    this.check(entries, steps);
    scope(() => {
      // Making a tensor can still fail, for want of memory: so all are made before the first is written.
      const writes = this.#entries.flatMap(({ parameter, state }) =>
        [...state].map(([key, buffer]) => {
          const { data, shape, dtype } = entries.get(key)!;
          return [buffer, withBackend(parameter.value.backend, () => tensor(data, { shape, dtype }))] as const;
        }),
      );
      for (const [buffer, value] of writes) buffer.assign(value);
    });
    this.#steps = steps;
  }

  /** What {@link loadStateDict} checks, alone. */
  check(entries: ReadonlyMap<string, StateArray>, steps: number): void {
    const unknown = new Set(entries.keys());
    if (!Number.isSafeInteger(steps) || steps < 0) refuse(`counts ${steps} steps, which is no whole number from 0`);
    for (const { parameter, state } of this.#entries) {
      for (const key of state.keys()) {
        const entry = entries.get(key) ?? refuse(`has no ${key}`);
        // A parameter that has no value yet has no dtype to compare.
        const { dtype } = parameter.materialized ? parameter : entry;
        const expected = `${dtype} of shape ${formatShape(parameter.shape)}`;
        const found = `${entry.dtype} of shape ${formatShape(entry.shape)}`;
        if (found !== expected) refuse(`has ${key} as ${found}, but it must be ${expected}`);
        unknown.delete(key);
      }
    }
    for (const key of unknown) refuse(`has ${key}, which this optimiser does not remember`);
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

function refuse(what: string): never {
  throw new CheckpointError(
    `The saved state of the optimiser ${what}. Continue with the optimiser and the options of the run that was saved, or begin a new run from its weights alone.`,
  );
}

/** Makes a recipe from a rule and options in which the defaults are filled in; refuses senseless options at once. */
export function recipe<O extends CommonOptions>(
  rule: OptimizerRule<O>,
  defaults: Hyperparameters<O>,
  options: WithGroups<O>,
): OptimizerRecipe {
  const { groups = [] } = options;
  const names = Object.keys(defaults) as (keyof O)[];
  /** `base` with the hyperparameters that `overrides` gives; one given as undefined is as if it were left out. */
  const merge = (base: Hyperparameters<O>, overrides: Partial<O>): Hyperparameters<O> => {
    const given = names.filter((name) => overrides[name] !== undefined);
    return { ...base, ...Object.fromEntries(given.map((name) => [name, overrides[name]])) };
  };
  const common = merge(defaults, options);
  const own = groups.map((group) => merge(common, group));
  for (const set of [common, ...own]) {
    checkNumber(rule.name, 'lr', set.lr);
    checkNumber(rule.name, 'weightDecay', set.weightDecay);
    rule.check(set);
  }

  function bind(parameters: ReadonlyMap<string, Parameter>): Optimizer {
    const members: string[][] = groups.map(() => []);
    const entries = [...parameters].map(([name, parameter]): Entry => {
      const group = groups.findIndex((candidate) => candidate.parameters(name, parameter));
      members[group]?.push(name);
      const chosen = own[group] ?? common;
      const buffers = rule.slots(chosen).map(() => new Buffer(parameter.shape, () => fullLike(parameter.value, 0)));
      return {
        parameter,
        state: new Map(rule.slots(chosen).map((slot, i) => [`${slot}/${name}`, buffers[i]!])),
        step: (gradient, factor, step) =>
          rule.step(parameter, gradient, buffers, factor === 1 ? chosen : { ...chosen, lr: chosen.lr * factor }, step),
      };
    });
    const empty = members.findIndex((chosen) => chosen.length === 0);
    if (empty >= 0) {
      throw new RangeError(
        `${rule.name}: group ${empty} chooses none of the parameters ${[...parameters.keys()].join(', ')} that an earlier group left. Correct its \`parameters\`, or leave it out.`,
      );
    }
    const described = own.map((set, i) => ({ ...set, parameters: members[i]! }));
    return new Optimizer({ name: rule.name, ...common, groups: described }, common.lr, entries);
  }

  return { name: rule.name, bind };
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
