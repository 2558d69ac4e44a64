import { isFloat } from '@receptive/backend';
import { readSafetensors, writeSafetensors } from '@receptive/formats';
import type { SafetensorsEntry } from '@receptive/formats';
import type { Module, StateArray } from '@receptive/layers';
import type { Variable } from '@receptive/tensor';
import { CheckpointError, DivergedError } from './errors.ts';
import { allFinite } from './gradients.ts';
import type { Settings } from './settings.ts';
import type { Optimizer } from './optimizer.ts';
import { parseJson, parseState, stringifyState } from './state.ts';
import type { RunState } from './state.ts';

/** How to build the model again: a name that the reader knows, and what it was called with. */
export interface Architecture {
  readonly name: string;
  readonly config?: Settings;
}

/** What a checkpoint file holds. */
export interface Checkpoint {
  /** The model's state dictionary: what `model.loadStateDict` takes. */
  readonly weights: ReadonlyMap<string, StateArray>;
  /** Undefined in files that do not say. */
  readonly architecture: Architecture | undefined;
  /** What `fit` needs to go on; undefined in files that hold a model alone. */
  readonly training: TrainingState | undefined;
}

/** A run's state, with what its optimiser remembers. */
export interface TrainingState extends RunState {
  readonly optimizer: ReadonlyMap<string, StateArray>;
}

/** What {@link encodeCheckpoint} writes besides the weights. */
export interface EncodeOptions {
  readonly architecture?: Architecture | undefined;
  /** The run to go on from. */
  readonly training?: { readonly state: RunState; readonly optimizer: Optimizer } | undefined;
}

// The file is safetensors. Tensors: the model's, under its own keys, and the optimiser's, under keys that no path through a model's fields can have.
// Metadata: the version of this layout, the architecture and the run's state, the latter two as JSON.
const VERSION = '1';
const OPTIMIZER = 'optimizer/';
const VERSION_KEY = 'receptive_checkpoint';

/**
 * A model, and a training run where there is one, as the bytes of one safetensors file. Other readers of the format find the weights under the model's keys,
 * which are PyTorch's. The same state gives the same bytes.
 * @throws DivergedError if a weight is NaN or infinite: such a checkpoint would replace one from which training can go on.
 */
export async function encodeCheckpoint(model: Module, options: EncodeOptions = {}): Promise<Uint8Array> {
  const { architecture, training } = options;
  const weights = model.stateDict();
  await checkFinite(weights);
  const metadata: Record<string, string> = { [VERSION_KEY]: VERSION };
  if (architecture) metadata['architecture'] = JSON.stringify(architecture);
  if (training) metadata['training'] = stringifyState(training.state);
  const memory = [...(training?.optimizer.stateDict() ?? [])].map(
    ([key, buffer]) => [OPTIMIZER + key, buffer] as const,
  );
  return writeSafetensors(await Promise.all([...weights, ...memory].map(read)), metadata);
}

async function read([key, variable]: readonly [string, Variable]): Promise<[string, SafetensorsEntry]> {
  const { shape, value } = variable;
  const entry = { shape, data: await value.data() };
  // PyTorch keeps its counters (num_batches_tracked) in 64 bits.
  return [key, value.dtype === 'int32' ? { ...entry, as: 'I64' } : entry];
}

async function checkFinite(weights: ReadonlyMap<string, Variable>): Promise<void> {
  const floats = [...weights.values()].map(({ value }) => value).filter(({ dtype }) => isFloat(dtype));
  if (floats.length === 0) return;
  const flag = allFinite(floats);
  const finite = flag.item();
  flag.dispose();
  if ((await finite) === 0) {
    throw new DivergedError(
      'The weights hold a NaN or an infinity, so no checkpoint was written; an earlier one is as it was. Lower the learning rate, or clip the gradients (clipNorm: 1).',
    );
  }
}

/**
 * Reads the bytes of a checkpoint, or of any safetensors file with a model's weights.
 * @throws SafetensorsError if the bytes are no such file, or a truncated one.
 * @throws CheckpointError if what is said of the training is broken, or was written by a later version.
 */
export function decodeCheckpoint(bytes: Uint8Array | ArrayBuffer): Checkpoint {
  const { tensors, metadata } = readSafetensors(bytes);
  const version = metadata[VERSION_KEY];
  if (version === undefined) return { weights: tensors, architecture: undefined, training: undefined };
  if (version !== VERSION) {
    throw new CheckpointError(
      `The checkpoint has the layout of version ${version}, but this program reads version ${VERSION}. Update it, or save again with the program that wrote it.`,
    );
  }
  const weights = new Map<string, StateArray>();
  const optimizer = new Map<string, StateArray>();
  for (const [key, entry] of tensors) {
    if (key.startsWith(OPTIMIZER)) optimizer.set(key.slice(OPTIMIZER.length), entry);
    else weights.set(key, entry);
  }
  const { training } = metadata;
  return {
    weights,
    architecture: parseArchitecture(metadata['architecture']),
    training: training === undefined ? undefined : { ...parseState(training), optimizer },
  };
}

function parseArchitecture(text: string | undefined): Architecture | undefined {
  if (text === undefined) return undefined;
  const architecture = parseJson(text, 'architecture') as Architecture | null;
  if (typeof architecture?.name !== 'string')
    throw new CheckpointError('The checkpoint names its architecture by something that is no text.');
  return architecture;
}
