import { lenet5 } from 'receptive';
import type { Architecture, LeNet5Options, Module, Shape } from 'receptive';
import { loadCheckpoint } from 'receptive/node';

interface Model {
  /** Its name as people write it. */
  readonly title: string;
  /** Of an image that it takes: channels, height, width. */
  readonly input: Shape;
  /** Options with which it is built, beside the number of classes. A checkpoint keeps them. */
  readonly options: object;
  build(options: object): Module;
}

/** What can be trained and listed. */
export const models = {
  // The original's tanh and averages are as good in the end, but slower.
  lenet5: {
    title: 'LeNet-5',
    input: [1, 32, 32],
    options: { activation: 'relu', pooling: 'max' } satisfies LeNet5Options,
    build: lenet5,
  },
} satisfies Record<string, Model>;

export type ModelName = keyof typeof models;

export const modelNames = Object.keys(models) as ModelName[];

/** What a checkpoint says of a model that is trained to tell `classes` apart. */
export function architectureOf(name: ModelName, classes: number): Architecture & { readonly name: ModelName } {
  return { name, config: { classes, ...models[name].options } };
}

/** A model with its first weights still to be made. */
export function build({ name, config }: Architecture): Module {
  if (!Object.hasOwn(models, name)) {
    throw new Error(`There is no model ${JSON.stringify(name)}, only ${modelNames.join(', ')}.`);
  }
  return models[name as ModelName].build(config ?? {});
}

/** The model in a checkpoint, with its weights. */
export async function loadModel(path: string): Promise<{ readonly model: Module; readonly name: ModelName }> {
  const { architecture, weights } = await loadCheckpoint(path);
  try {
    if (!architecture)
      throw new Error('The file does not say which model it holds. Give one that `receptive train` wrote.');
    const model = build(architecture);
    model.loadStateDict(weights);
    return { model, name: architecture.name as ModelName };
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}
