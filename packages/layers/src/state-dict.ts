import type { DType, Shape, TypedArray } from '@receptive/backend';
import type { Variable } from '@receptive/tensor';
import { Tensor, formatShape, scope, tensor, withBackend } from '@receptive/tensor';

/** Elements as a file holds them. */
export interface StateArray {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data: TypedArray;
}

/** What a variable can be loaded from: elements, a tensor, or another model's variable. Tensors are shared, not copied. */
export type StateEntry = StateArray | Tensor | Variable;

/** Options of loading a state dictionary. */
export interface LoadOptions {
  /** Whether the keys must be exactly the model's; true unless told. Shapes and dtypes must fit in any case. */
  readonly strict?: boolean;
}

/** Keys that were left out when a state dictionary was loaded; none if loading was strict. */
export interface LoadReport {
  /** Keys of the model that the state dictionary does not have: their variables are as they were. */
  readonly missing: readonly string[];
  /** Keys of the state dictionary that the model does not have. */
  readonly unexpected: readonly string[];
}

/** A state dictionary is one of another model. */
export class StateDictError extends Error {
  override readonly name = 'StateDictError';
}

/** Loads `entries` into `variables`, all of them or, on an error, none; see Module.loadStateDict. */
export function load(
  model: string,
  variables: ReadonlyMap<string, Variable>,
  entries: ReadonlyMap<string, StateEntry>,
  { strict = true }: LoadOptions,
): LoadReport {
  const missing = [...variables.keys()].filter((key) => !entries.has(key));
  const unexpected = [...entries.keys()].filter((key) => !variables.has(key));
  const pairs = [...variables].flatMap(([key, variable]) => {
    const entry = entries.get(key);
    return entry ? [{ key, variable, source: sourceOf(entry) }] : [];
  });
  const problems = pairs.flatMap(({ key, variable, source }) => mismatches(key, variable, source));
  if (strict) {
    problems.unshift(
      ...missing.map((key) => `${key} ${formatShape(variables.get(key)!.shape)} is missing from the checkpoint`),
      ...unexpected.map((key) => `${key} ${formatShape(entries.get(key)!.shape)} is unknown to the model`),
    );
  }
  if (problems.length > 0) {
    throw new StateDictError(
      [
        `loadStateDict: this is a checkpoint of another model than the ${model}; nothing was loaded.`,
        ...problems.map((problem) => `  ${problem}`),
        'Build the model that was saved, with the same options. { strict: false } leaves out missing and unknown keys, but what it loads must fit.',
      ].join('\n'),
    );
  }
  scope(() => {
    // Making a tensor can still fail, for want of memory or of a dtype: so all are made before the first is written.
    const values = pairs.map(({ variable, source }) => [variable, valueFor(variable, source)] as const);
    for (const [variable, value] of values) variable.assign(value);
  });
  return { missing, unexpected };
}

function sourceOf(entry: StateEntry): StateArray | Tensor {
  return 'value' in entry ? entry.value : entry;
}

/** A variable that has no value yet takes any dtype, on any backend; one that has a value keeps both. */
function mismatches(key: string, variable: Variable, source: StateArray | Tensor): string[] {
  const problems: string[] = [];
  const compare = (what: string, model: string, checkpoint: string): void => {
    if (model !== checkpoint)
      problems.push(`${key} has ${what} ${model} in the model, but ${checkpoint} in the checkpoint`);
  };
  compare('shape', formatShape(variable.shape), formatShape(source.shape));
  if (variable.materialized) {
    compare('dtype', variable.dtype, source.dtype);
    if (source instanceof Tensor && source.backend !== variable.backend) {
      problems.push(
        `${key} lies on ${variable.backend.name} in the model, but on ${source.backend.name} in the checkpoint`,
      );
    }
  }
  return problems;
}

function valueFor(variable: Variable, source: StateArray | Tensor): Tensor {
  if (source instanceof Tensor) return source.clone();
  return withBackend(variable.backend, () => tensor(source.data, source));
}
