import type { Shape, Window } from '@receptive/backend';
import { sizeOf } from '@receptive/backend';
import { shapes } from '@receptive/backend/shape';
import type { AttributesOf, Dispatched, Listener, OpName, Parameter, Tensor } from '@receptive/tensor';
import { listen, scope, withPlaceholders, zeros } from '@receptive/tensor';
import { whole } from './check.ts';
import type { Module } from './module.ts';
import { observe } from './observe.ts';
import type { ModuleCall } from './observe.ts';
import { receptiveFields } from './receptive-field.ts';
import type { ReceptiveFields } from './receptive-field.ts';

/** What is counted, for one example (batch size 1). */
export interface Counts {
  /** Numbers that are trained. Of a parameter that is used twice, the first use counts. */
  readonly parameters: number;
  /** Multiplications, each with its addition, in convolutions and matrix products. Biases multiply nothing. */
  readonly multiplyAdds: number;
  /** Parameters, biases included, times output positions: the count of computations that courses use. */
  readonly computations: number;
}

/** One layer, as one call of it was. Volumes are without the batch axis: `[C, H, W]` of images, `[features]` of vectors. */
export interface LayerSummary extends Counts {
  /** Where the layer is in the model; its variables' keys begin with it. */
  readonly path: string;
  /** Name of the layer's class. */
  readonly type: string;
  readonly input: Shape;
  readonly output: Shape;
  /** Window of the layer's convolution or pooling; undefined if it has none. */
  readonly window: Window | undefined;
  /** Number of filters of the layer's convolution; undefined if it has none. */
  readonly filters: number | undefined;
  /** How much of the model's input one element of the output depends on: rows and columns. Undefined if it does not depend on it. */
  readonly receptiveField: Shape | undefined;
}

/** A model, layer by layer in the order in which they ran. */
export interface ModelSummary {
  readonly type: string;
  readonly input: Shape;
  readonly output: Shape;
  readonly layers: readonly LayerSummary[];
  /** Of the whole model; parameters of layers that did not run are counted too. */
  readonly totals: Counts;
}

/**
 * Runs the model on shapes alone, for one example of `inputShape` (`[C, H, W]`, without the batch axis), and counts what its layers do. Nothing is
 * allocated and no parameter is initialised, whatever the model's size.
 *
 * Every module that contains no other is a layer, and so is one that has parameters, convolves or multiplies matrices itself. What layers do is counted by
 * the ops they dispatch: layers of one's own are summed up like those of this package.
 * @throws ShapeError if the model does not take such an input.
 */
export function summary(model: Module, inputShape: Shape): ModelSummary {
  whole('summary', { inputShape });
  return withPlaceholders(shapes(), () =>
    scope(() => {
      const x = zeros([1, ...inputShape]);
      const fields = receptiveFields(x, inputShape.length > 1 ? inputShape.slice(1) : inputShape);
      const { frames, output } = run(model, x, fields.listener);
      const counted = new Set<Parameter>();
      const layers = frames.filter(isLayer).map((frame) => layerSummary(frame, counted, fields));
      const total = (what: 'multiplyAdds' | 'computations'): number =>
        layers.reduce((sum, layer) => sum + layer[what], 0);
      return {
        type: model.constructor.name,
        input: inputShape,
        output: output.shape.slice(1),
        layers,
        totals: {
          parameters: count(model.parameters()),
          multiplyAdds: total('multiplyAdds'),
          computations: total('computations'),
        },
      };
    }),
  );
}

/** One call of a module: its own parameters, and the ops it dispatched, without those of the modules in it. */
interface Frame {
  readonly call: ModuleCall;
  readonly parameters: readonly Parameter[];
  readonly dispatched: Dispatched[];
  output: Tensor;
}

/** Runs the model; a frame for each call of a module, in the order in which they began. */
function run(
  model: Module,
  x: Tensor,
  listener: Listener,
): { readonly frames: readonly Frame[]; readonly output: Tensor } {
  const frames: Frame[] = [];
  const running: Frame[] = [];
  const record = (dispatched: Dispatched): void => {
    listener(dispatched);
    running.at(-1)?.dispatched.push(dispatched);
  };
  const around = (call: ModuleCall, proceed: () => Tensor): Tensor => {
    const frame: Frame = { call, parameters: ownParameters(call.module), dispatched: [], output: call.input };
    frames.push(frame);
    running.push(frame);
    frame.output = proceed();
    running.pop();
    return frame.output;
  };
  const output = observe(model, around, () => listen(record, () => model.forward(x), 'forward'));
  return { frames, output };
}

/** The parameters of a module that are not those of a module in it. */
function ownParameters(module: Module): Parameter[] {
  const inner = new Set(
    [...module.namedModules().values()].flatMap((other) => (other === module ? [] : other.parameters())),
  );
  return module.parameters().filter((parameter) => !inner.has(parameter));
}

function isLayer({ call: { module }, parameters, dispatched }: Frame): boolean {
  return (
    module.namedModules().size === 1 || parameters.length > 0 || dispatched.some((op) => windowOf(op) ?? productOf(op))
  );
}

function layerSummary(
  { call, parameters, dispatched, output }: Frame,
  counted: Set<Parameter>,
  fields: ReceptiveFields,
): LayerSummary {
  const products = dispatched.flatMap((op) => productOf(op) ?? []);
  const positions = products.at(-1)?.positions ?? sizeOf(output.shape.slice(2));
  const fresh = parameters.filter((parameter) => !counted.has(parameter));
  for (const parameter of fresh) counted.add(parameter);
  return {
    path: call.path,
    type: call.module.constructor.name,
    input: call.input.shape.slice(1),
    output: output.shape.slice(1),
    window: slidingWindow(dispatched),
    filters: dispatched.find(({ op }) => filtering.has(op.name))?.outputs[0]!.shape[1],
    parameters: count(fresh),
    multiplyAdds: products.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0),
    computations: count(parameters) * positions,
    receptiveField: fields.of(output),
  };
}

/** The first window that slides, with the padding that was put around the input for it. */
function slidingWindow(dispatched: readonly Dispatched[]): Window | undefined {
  const sliding = dispatched.find((each) => windowOf(each) !== undefined);
  const window = sliding && windowOf(sliding);
  const around = dispatched.find(({ outputs }) => outputs[0]!.id === sliding?.inputs[0]!.id);
  // What a transposed convolution puts behind its input is no padding of its window.
  const isPadded = around && padding.has(around.op.name) && sliding!.op.name !== 'convInputGradient';
  if (!window || !isPadded) return window;
  const own = (around.attributes as AttributesOf<'pad'>).padding.slice(-window.kernel.length);
  return { ...window, padding: window.padding.map(([b, a], axis) => [own[axis]![0] + b, own[axis]![1] + a] as const) };
}

const padding: ReadonlySet<string> = new Set<OpName>(['pad', 'extend']);

function count(parameters: readonly Parameter[]): number {
  return parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** Ops that slide filters over their input: each makes one channel of the output. */
const filtering: ReadonlySet<string> = new Set<OpName>([
  'conv',
  'convActivation',
  'convInputGradient',
  'deformConv',
  'locallyConnected',
]);

/** Ops that pool, or read, the elements of a window that is not a convolution's geometry. */
const windowed: ReadonlySet<string> = new Set<OpName>([
  'locallyConnected',
  'deformColumns',
  'maxPool',
  'avgPool',
  'sumPool',
  'variancePool',
  'stochasticPool',
]);

function windowOf({ op, attributes }: Dispatched): Window | undefined {
  if (windowed.has(op.name)) return (attributes as AttributesOf<'maxPool'>).window;
  if (filtering.has(op.name)) return (attributes as AttributesOf<'conv'>).geometry;
  return undefined;
}

/** A sum of products: the multiply-adds it takes, and at how many positions the same weights are used. */
interface Product {
  readonly multiplyAdds: number;
  readonly positions: number;
}

function productOf({ op, inputs, outputs, attributes }: Dispatched): Product | undefined {
  const [a, b] = inputs as readonly [Tensor, Tensor];
  const [y] = outputs as readonly [Tensor];
  switch (op.name as OpName) {
    case 'conv':
    case 'convActivation':
      return { multiplyAdds: y.size * (b.size / b.shape[0]!), positions: y.size / y.shape[1]! };
    case 'convInputGradient': // a transposed convolution
      return { multiplyAdds: a.size * (b.size / b.shape[0]!), positions: y.size / y.shape[1]! };
    case 'deformConv': {
      const weight = inputs[2]!;
      return { multiplyAdds: y.size * (weight.size / weight.shape[0]!), positions: y.size / y.shape[1]! };
    }
    case 'locallyConnected': // each weight is used once an image
      return { multiplyAdds: a.shape[0]! * b.size, positions: 1 };
    case 'matmul':
      return {
        multiplyAdds: y.size * a.shape.at((attributes as AttributesOf<'matmul'>).transposeA ? -2 : -1)!,
        positions: y.size / y.shape.at(-1)!,
      };
    default:
      return undefined;
  }
}
