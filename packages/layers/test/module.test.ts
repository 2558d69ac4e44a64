import { beforeEach, describe, expect, test } from 'vitest';
import { grad, valueAndGrad } from '@receptive/autograd';
import type { Backend } from '@receptive/backend';
import { reference } from '@receptive/backend/reference';
import {
  Conv2d,
  Dropout,
  Linear,
  Module,
  ReLU,
  Sequential,
  buffer,
  crossEntropy,
  initializers,
  observe,
  parameter,
} from '@receptive/layers';
import { Rng, Tensor, ones, scope, setBackend, sgdStep, tensor, zeros } from '@receptive/tensor';
import { nested } from './harness.ts';

let backend: Backend;

beforeEach(() => {
  backend = reference();
  setBackend(backend);
});

/** A layer of one's own, with a field of every kind. */
class Scale extends Module {
  readonly scaleFactor = parameter([2], initializers.constant(3));
  readonly runningMean = buffer([2], initializers.zeros);
  readonly numBatchesTracked = buffer([], (shape) => zeros(shape, { dtype: 'int32' }));
  readonly constant = tensor([1, 1]);
  readonly label = 'scale';

  override forward(x: Tensor): Tensor {
    return x.sub(this.runningMean.value).mul(this.scaleFactor.value);
  }
}

class Nested extends Module {
  readonly firstBlock = new Sequential([new Linear(2, 2), new ReLU()]);
  readonly blocks = [new Scale(), new Linear(2, 3, { bias: false })];
  readonly extra = [parameter([1], initializers.ones)];

  override forward(x: Tensor): Tensor {
    return this.blocks.reduce((y, block) => block.forward(y), this.firstBlock.forward(x));
  }
}

describe('the walk over the fields', () => {
  test("gives keys as torchvision's, in the order of the fields, and leaves out what is neither module nor variable", () => {
    expect([...new Nested().stateDict().keys()]).toEqual([
      'first_block.0.weight',
      'first_block.0.bias',
      'blocks.0.scale_factor',
      'blocks.0.running_mean',
      'blocks.0.num_batches_tracked',
      'blocks.1.weight',
      'extra.0',
    ]);
  });

  test('leaves names that begin with a capital as they are', () => {
    const inception = new Sequential({ Conv2d_1a_3x3: new Sequential({ conv: new Conv2d(1, 1, 3, { bias: false }) }) });
    expect([...inception.stateDict().keys()]).toEqual(['Conv2d_1a_3x3.conv.weight']);
  });

  test('tells parameters from buffers, and makes neither', () => {
    const model = new Nested();
    expect([...model.namedParameters().keys()]).toEqual([
      'first_block.0.weight',
      'first_block.0.bias',
      'blocks.0.scale_factor',
      'blocks.1.weight',
      'extra.0',
    ]);
    expect(model.parameters()).toEqual([...model.namedParameters().values()]);
    expect([...model.stateDict().values()].some(({ materialized }) => materialized)).toBe(false);
  });

  test('names the modules, the model itself by the empty path', () => {
    const model = new Nested();
    expect([...model.namedModules().keys()]).toEqual([
      '',
      'first_block',
      'first_block.0',
      'first_block.1',
      'blocks.0',
      'blocks.1',
    ]);
    expect(model.namedModules().get('')).toBe(model);
    expect(model.namedModules().get('blocks.1')).toBe(model.blocks[1]);
  });

  test('a layer in two places has one set of parameters and two sets of keys', () => {
    const shared = new Linear(2, 2);
    const model = new Sequential({ a: shared, b: new ReLU(), c: shared });
    expect(model.parameters()).toEqual([shared.weight, shared.bias]);
    expect([...model.namedParameters().keys()]).toEqual(['a.weight', 'a.bias']);
    expect([...model.stateDict().keys()]).toEqual(['a.weight', 'a.bias', 'c.weight', 'c.bias']);
  });

  test('refuses a module that contains itself, and two variables of one name', () => {
    class Child extends Module {
      parent?: Module;
      override forward = (x: Tensor): Tensor => x;
    }
    const child = new Child();
    child.parent = new Sequential([child]);
    expect(() => child.parameters()).toThrow('Child: the module contains itself, as parent.0.');
    class Twice extends Child {
      readonly runningMean = buffer([1], initializers.zeros);
      readonly running_mean = buffer([1], initializers.zeros);
    }
    expect(() => new Twice().stateDict()).toThrow('Twice: two variables have the path running_mean.');
  });

  test('a variable needs a shape that tensors have', () => {
    expect(() => parameter([2, 0], initializers.zeros)).toThrow(
      'parameter: shape must be made of whole numbers of at least 1, but is [2,0].',
    );
    expect(() => buffer([1.5], initializers.zeros)).toThrow('buffer: shape must be made of whole numbers');
  });
});

describe('Sequential', () => {
  test('runs its layers in order and keeps nothing but the result', () => {
    const model = new Sequential([new Scale(), new ReLU(), new Scale()]);
    const x = tensor([[1, -1]]);
    model.forward(x).dispose(); // makes the parameters
    const before = backend.memory().storages;
    const y = model.forward(x);
    expect(nested(y)).toEqual([[9, 0]]);
    expect(backend.memory().storages).toBe(before + 1);
    expect(x.disposed).toBe(false);
  });

  test('without layers is the identity', () => {
    const x = ones([1]);
    expect(new Sequential([]).forward(x)).toBe(x);
  });

  test('passes mode and generator on', () => {
    const seen: unknown[] = [];
    class Probe extends Module {
      override forward(x: Tensor, context?: object): Tensor {
        seen.push(context);
        return x;
      }
    }
    const context = { training: true, rng: new Rng(1) };
    new Sequential([new Sequential([new Probe()]), new Probe()]).forward(ones([1]), context);
    expect(seen).toEqual([context, context]);
  });

  test('what it frees on the way is kept where derivatives need it', () => {
    const model = new Sequential([new Scale(), new ReLU(), new Scale()]);
    const [inner, , outer] = [...model.layers.values()] as [Scale, ReLU, Scale];
    const x = tensor([[2, -1]]);
    const gradients = grad(() => model.forward(x).sum(), [inner.scaleFactor, outer.scaleFactor, x]);
    expect(gradients.map(nested)).toEqual([[6, 0], [6, 0], [[9, 0]]]);
  });
});

test('a step of training leaves nothing behind', () => {
  const model = new Sequential([new Linear(3, 4), new Dropout(0.5), new Linear(4, 2)]).initialize(1);
  const [x, labels, rng] = [ones([2, 3]), tensor([0, 1], { dtype: 'int32' }), new Rng(1)];
  const options = { lr: 0.1, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false };
  const step = (): void =>
    scope(() => {
      const parameters = model.parameters();
      const loss = (): Tensor =>
        crossEntropy(model.forward(x, { training: true, rng }), labels, { labelSmoothing: 0.1 });
      const [, gradients] = valueAndGrad(loss, parameters);
      parameters.forEach((each, i) => sgdStep(each, gradients[i]!, undefined, options));
    });
  step(); // makes the parameters
  const before = backend.memory();
  for (let i = 0; i < 5; i++) step();
  expect(backend.memory()).toEqual(before);
});

const values = (model: Module, path: string): unknown => nested(model.stateDict().get(path)!.value);

describe('initialize', () => {
  class Forward extends Module {
    readonly a = new Linear(3, 4);
    readonly b = new Linear(3, 4);
    override forward = (x: Tensor): Tensor => x;
  }
  class Backward extends Module {
    readonly b = new Linear(3, 4);
    readonly a = new Linear(3, 4);
    override forward = (x: Tensor): Tensor => x;
  }

  test('draws by seed and path, whatever the order of making and of use', () => {
    const [forward, backward] = [new Forward().initialize(7), new Backward().initialize(new Rng(7))];
    expect(values(backward, 'b.weight')).toEqual(values(forward, 'b.weight'));
    expect(values(forward, 'a.weight')).toEqual(values(backward, 'a.weight'));
    expect(values(forward, 'a.weight')).not.toEqual(values(forward, 'b.weight'));
    expect(values(new Forward().initialize(8), 'a.weight')).not.toEqual(values(forward, 'a.weight'));
  });

  test('starts anew', () => {
    const model = new Forward().initialize(7);
    const first = values(model, 'a.weight');
    model.a.weight.assign(zeros([4, 3]));
    expect(values(model.initialize(7), 'a.weight')).toEqual(first);
  });

  test('a shared layer draws by the first of its paths', () => {
    const shared = new Linear(3, 4);
    const model = new Sequential({ a: shared, b: shared }).initialize(7);
    expect(values(model, 'b.weight')).toEqual(values(new Forward().initialize(7), 'a.weight'));
  });
});

test('to moves what has been made, and makes the rest there', async () => {
  const elsewhere = reference();
  const model = new Sequential({ made: new Linear(2, 2), unmade: new Linear(2, 2) }).initialize(1);
  const before = nested(model.stateDict().get('made.weight')!.value);
  expect(await model.to(elsewhere)).toBe(model);
  expect(backend.memory().storages).toBe(0);
  for (const variable of model.stateDict().values()) expect(variable.value.backend).toBe(elsewhere);
  expect(nested(model.stateDict().get('made.weight')!.value)).toEqual(before);
});

const run = (model: Module): void => scope(() => void model.forward(ones([1, 2])));

test('dispose frees all there is, and so does leaving a using block', () => {
  const model = new Nested();
  const before = backend.memory().storages;
  run(model);
  expect(backend.memory().storages).toBeGreaterThan(before);
  model.dispose();
  expect(backend.memory().storages).toBe(before);
  run(model);
  model[Symbol.dispose]();
  expect(backend.memory().storages).toBe(before);
});

const failing = (): Tensor => {
  throw new Error('stop');
};

const around = (_: unknown, proceed: () => Tensor): Tensor => proceed().mul(2);

describe('observe', () => {
  test('is told of each call, with input and output, nested as the modules are', () => {
    const model = new Nested();
    const log: string[] = [];
    const y = observe(
      model,
      ({ path, module, input }, proceed) => {
        log.push(`> ${path} ${module.constructor.name} ${input.shape.join('x')}`);
        const output = proceed();
        log.push(`< ${path} ${output.shape.join('x')}`);
        return output;
      },
      () => model.forward(ones([1, 2])),
    );
    expect(y.shape).toEqual([1, 3]);
    expect(log).toEqual([
      '>  Nested 1x2',
      '> first_block Sequential 1x2',
      '> first_block.0 Linear 1x2',
      '< first_block.0 1x2',
      '> first_block.1 ReLU 1x2',
      '< first_block.1 1x2',
      '< first_block 1x2',
      '> blocks.0 Scale 1x2',
      '< blocks.0 1x2',
      '> blocks.1 Linear 1x2',
      '< blocks.1 1x3',
      '<  1x3',
    ]);
  });

  test('can put another tensor in the place of an output, and is gone afterwards, even after an error', () => {
    const model = new Sequential([new Scale(), new Scale()]);
    const x = ones([1, 2]);
    const replaced = observe(
      model,
      ({ path }, proceed) => (path === '0' ? tensor([[5, 6]]) : proceed()),
      () => model.forward(x),
    );
    expect(nested(replaced)).toEqual([[15, 18]]);
    expect(() => observe(model, failing, () => model.forward(x))).toThrow('stop');
    expect(nested(model.forward(x))).toEqual([[9, 9]]);
  });

  test('leaves a forward that is a field as it was, and nests', () => {
    class Field extends Module {
      override forward = (x: Tensor): Tensor => x.add(1);
    }
    const [model, x] = [new Field(), zeros([1])];
    const { forward } = model;
    expect(nested(observe(model, around, () => observe(model, around, () => model.forward(x))))).toEqual([4]);
    expect(model.forward).toBe(forward);
  });

  test('takes a synchronous function', () => {
    const model = new ReLU();
    expect(() =>
      observe(
        model,
        (_, proceed) => proceed(),
        async () => model.forward(ones([1])),
      ),
    ).toThrow('observe takes a synchronous function');
  });
});
