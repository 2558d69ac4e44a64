import { beforeEach, describe, expect, test } from 'vitest';
import { grad } from '@receptive/autograd';
import { reference } from '@receptive/backend/reference';
import {
  AdaptiveAvgPool2d,
  AvgPool2d,
  Conv2d,
  Dropout,
  Flatten,
  Linear,
  MaxPool2d,
  Module,
  ReLU,
  Sequential,
  Softmax,
  formatSummary,
  initializers,
  parameter,
  summary,
} from '@receptive/layers';
import {
  concat,
  conv2d,
  currentBackend,
  customDerivative,
  deformColumns,
  matmul,
  mean,
  ones,
  pad,
  reshape,
  setBackend,
  slice,
  sum,
  zeros,
} from '@receptive/tensor';
import type { Tensor } from '@receptive/tensor';

beforeEach(() => setBackend(reference()));

/** A module of one function, with modules in it. */
class Block<Parts extends readonly Module[]> extends Module {
  readonly parts: Parts;
  readonly #f: (x: Tensor, ...parts: Parts) => Tensor;
  constructor(parts: Parts, f: (x: Tensor, ...parts: Parts) => Tensor) {
    super();
    this.parts = parts;
    this.#f = f;
  }
  override forward(x: Tensor): Tensor {
    return this.#f(x, ...this.parts);
  }
}

describe('summary', () => {
  test('says of each layer what goes in and out, and what it takes', () => {
    const model = new Sequential({
      conv: new Conv2d(3, 8, 3, { stride: 2, padding: 1, groups: 1 }),
      relu: new ReLU(),
      pool: new MaxPool2d(2),
      head: new Sequential([new Flatten(), new Dropout(), new Linear(128, 10), new Softmax()]),
    });
    const { type, input, output, layers, totals } = summary(model, [3, 16, 16]);
    expect({ type, input, output }).toEqual({ type: 'Sequential', input: [3, 16, 16], output: [10] });
    expect(layers.map((layer) => layer.path)).toEqual(['conv', 'relu', 'pool', 'head.0', 'head.1', 'head.2', 'head.3']);
    expect(layers[0]).toEqual({
      path: 'conv',
      type: 'Conv2d',
      input: [3, 16, 16],
      output: [8, 8, 8],
      window: {
        kernel: [3, 3],
        stride: [2, 2],
        dilation: [1, 1],
        padding: [
          [1, 1],
          [1, 1],
        ],
        groups: 1,
      },
      filters: 8,
      parameters: 8 * 3 * 9 + 8,
      multiplyAdds: 8 * 3 * 9 * 64,
      computations: (8 * 3 * 9 + 8) * 64,
      receptiveField: [3, 3],
    });
    expect(layers[2]).toEqual({
      path: 'pool',
      type: 'MaxPool2d',
      input: [8, 8, 8],
      output: [8, 4, 4],
      window: {
        kernel: [2, 2],
        stride: [2, 2],
        dilation: [1, 1],
        padding: [
          [0, 0],
          [0, 0],
        ],
      },
      filters: undefined,
      parameters: 0,
      multiplyAdds: 0,
      computations: 0,
      receptiveField: [5, 5],
    });
    expect(layers[5]).toEqual({
      path: 'head.2',
      type: 'Linear',
      input: [128],
      output: [10],
      window: undefined,
      filters: undefined,
      parameters: 1290,
      multiplyAdds: 1280,
      computations: 1290,
      receptiveField: [16, 16],
    });
    expect(totals).toEqual({ parameters: 224 + 1290, multiplyAdds: 216 * 64 + 1280, computations: 224 * 64 + 1290 });
  });

  test('allocates nothing and initialises nothing, whether parameters have values or not', () => {
    const model = new Sequential([new Flatten(), new Linear(224 * 224 * 3, 4096), new Linear(4096, 1000)]);
    const before = currentBackend().memory();
    expect(summary(model, [3, 224, 224]).totals.parameters).toBe(224 * 224 * 3 * 4096 + 4096 + 4096 * 1000 + 1000);
    expect(currentBackend().memory()).toEqual(before);
    expect(model.parameters().some(({ materialized }) => materialized)).toBe(false);

    const small = new Linear(2, 2);
    const { value, version } = small.weight;
    summary(small, [2]);
    expect(small.weight.value).toBe(value);
    expect(small.weight.version).toBe(version);
    expect(small.bias!.materialized).toBe(false);
  });

  test("counts what layers of one's own dispatch, wherever it stands", () => {
    class Bilinear extends Module {
      readonly left = parameter([4, 6], initializers.zeros);
      readonly right = parameter([3, 5], initializers.zeros);
      readonly norm = new ReLU();
      override forward(x: Tensor): Tensor {
        return matmul(matmul(this.left.value, this.norm.forward(x), { transposeA: true }), this.right.value);
      }
    }
    const { layers, totals } = summary(new Bilinear(), [4, 3]);
    expect(layers.map(({ path, type }) => [path, type])).toEqual([
      ['', 'Bilinear'],
      ['norm', 'ReLU'],
    ]);
    expect(layers[0]).toMatchObject({ parameters: 24 + 15, multiplyAdds: 6 * 4 * 3 + 6 * 3 * 5, output: [6, 5] });
    expect(totals.multiplyAdds).toBe(6 * 4 * 3 + 6 * 3 * 5);
  });

  test('looks into functions with a derivative of their own', () => {
    class Rounded extends Module {
      readonly conv = new Conv2d(1, 2, 3);
      override forward(x: Tensor): Tensor {
        return customDerivative({ forward: (y) => conv2d(y, this.conv.weight.value), backward: (g) => [g] }, x);
      }
    }
    const [layer] = summary(new Rounded(), [1, 8, 8]).layers;
    expect(layer).toMatchObject({ multiplyAdds: 36 * 18, filters: 2, receptiveField: [3, 3] });
  });

  test('knows the window of columns that are read where offsets say', () => {
    class Columns extends Module {
      readonly weight = parameter([4, 18], initializers.ones);
      override forward(x: Tensor): Tensor {
        const each = <T>(value: T): [T, T] => [value, value];
        const window = { kernel: each(3), stride: each(2), dilation: each(1), padding: each([1, 1] as const) };
        const columns = deformColumns(x, zeros([1, 18, 4, 4]), undefined, { window, offsetGroups: 1 });
        return reshape(matmul(this.weight.value, columns), [1, 4, 4, 4]);
      }
    }
    const [layer] = summary(new Columns(), [2, 8, 8]).layers;
    expect(layer).toMatchObject({
      window: { kernel: [3, 3], stride: [2, 2] },
      multiplyAdds: 4 * 18 * 16,
      receptiveField: [8, 8],
    });
  });

  test('a dense layer over several places computes at each of them', () => {
    const [layer] = summary(new Linear(8, 4), [10, 8]).layers;
    expect(layer).toMatchObject({ parameters: 36, multiplyAdds: 10 * 32, computations: 10 * 36 });
  });

  test('a layer in two places runs twice and has its parameters once', () => {
    const shared = new Linear(4, 4);
    const { layers, totals } = summary(new Sequential([shared, shared]), [4]);
    expect(layers.map(({ parameters, computations }) => [parameters, computations])).toEqual([
      [20, 20],
      [0, 20],
    ]);
    expect(totals).toEqual({ parameters: 20, multiplyAdds: 32, computations: 40 });
  });

  test('the total counts parameters of layers that did not run', () => {
    const { layers, totals } = summary(
      new Block([new Linear(2, 2), new Linear(2, 9)], (x, used, _unused) => used.forward(x)),
      [2],
    );
    expect(layers).toHaveLength(1);
    expect(totals.parameters).toBe(6 + 27);
  });

  test('refuses an input that the model does not take, or that is none', () => {
    const model = new Sequential([new Conv2d(1, 6, 5), new Flatten(), new Linear(400, 10)]);
    expect(() => summary(model, [3, 32, 32])).toThrow('3 channels');
    expect(() => summary(model, [1, 32, 32])).toThrow('Linear: takes 400 features');
    expect(() => summary(model, [1, 0, 32])).toThrow('summary: inputShape must be made of whole numbers');
    // The model is as before.
    expect(Object.keys(model.layers.get('0')!)).not.toContain('forward');
  });
});

const conv = (kernel: number, options = {}): Conv2d =>
  new Conv2d(1, 1, kernel, { weightInit: initializers.ones, bias: false, ...options });

/** Spots of the input that the middle element of the output depends on: the oracle, by derivatives. Positive weights keep them from cancelling. */
const measured = (model: Module, size: number): number => {
  const x = ones([1, 1, size, size]);
  const [gradient] = grad(() => {
    const y = model.forward(x);
    const middle = Math.floor(y.shape[2]! / 2);
    return sum(slice(y, [0, 0, middle, middle], [1, 1, middle + 1, middle + 1]));
  }, [x]);
  const rows = Array.from({ length: size }, (_, row) => gradient.dataSync().subarray(row * size, (row + 1) * size));
  const touched = rows.flatMap((row, i) => (row.some((value) => value !== 0) ? [i] : []));
  return touched.at(-1)! - touched[0]! + 1;
};

const claimed = (model: Module, size: number) => summary(model, [1, size, size]).layers.at(-1)!.receptiveField;

describe('receptive field', () => {
  const cases: readonly (readonly [name: string, expected: number, model: Module])[] = [
    ['two of 3x3 see 5', 5, new Sequential([conv(3), conv(3)])],
    ['three of 3x3 see 7', 7, new Sequential([conv(3), conv(3), conv(3)])],
    ['stride', 7, new Sequential([conv(3, { stride: 2 }), conv(3)])],
    ['dilation', 13, new Sequential([conv(3), conv(3, { dilation: 2 }), conv(3, { dilation: 3 })])],
    [
      "AlexNet's begin",
      51,
      new Sequential([conv(11, { stride: 4 }), new AvgPool2d(3, { stride: 2 }), conv(5, { padding: 2 })]),
    ],
    ['padding', 5, new Sequential([conv(3, { padding: 1 }), conv(3, { padding: 'same' })])],
    [
      'branches of unlike kernels',
      5,
      new Block([conv(1), conv(5, { padding: 2 })], (x, a, b) => a.forward(x).add(b.forward(x))),
    ],
    [
      'a branch that was cropped',
      6,
      new Block([conv(3)], (x, a) =>
        a
          .forward(x)
          .slice([0, 0, 0, 0], [1, 1, 20, 20])
          .add(slice(x, [0, 0, 5, 5], [1, 1, 25, 25])),
      ),
    ],
    [
      'padding by hand',
      4,
      new Block([conv(3)], (x, a) =>
        a
          .forward(
            pad(x, [
              [0, 0],
              [0, 0],
              [4, 0],
              [4, 0],
            ]),
          )
          .slice([0, 0, 1, 1], [1, 1, 31, 31])
          .add(x.slice([0, 0, 0, 0], [1, 1, 30, 30])),
      ),
    ],
  ];

  test.each(cases)('%s', (_, expected, model) => {
    const last = new Sequential([model, new ReLU()]);
    expect(claimed(last, 64)).toEqual([expected, expected]);
    expect(measured(model, 64)).toBe(expected);
  });

  test.each([
    [62, 7, 1],
    [62, 7, 3],
    [10, 4, 3],
    [9, 7, 1],
    [3, 7, 1],
    [20, 8, 5],
  ])('adaptive pooling of %i places to %i, after a kernel of %i: that of the element that sees most', (n, count, k) => {
    const model = new Sequential([conv(k), new AdaptiveAvgPool2d(count)]);
    const size = n + k - 1;
    const x = ones([1, 1, size, size]);
    const lengths = Array.from({ length: count }, (_, i) => {
      const [gradient] = grad(() => sum(slice(model.forward(x), [0, 0, 0, i], [1, 1, 1, i + 1])), [x]);
      return gradient
        .dataSync()
        .subarray(0, size)
        .filter((value) => value !== 0).length;
    });
    const most = Math.max(...lengths);
    expect(claimed(model, size)).toEqual([most, most]);
  });

  test('adaptive pooling sees less than everything of what comes before it and after it', () => {
    // Windows of 3 places, which begin at 0, 2, 5 and 7, are two more of the input; the middle two are 6 places together.
    const model = new Sequential([conv(3), new AdaptiveAvgPool2d([4, null]), conv(2)]);
    expect(summary(model, [1, 12, 12]).layers.map(({ receptiveField }) => receptiveField)).toEqual([
      [3, 3],
      [5, 3],
      [8, 4],
    ]);
  });

  test('the axes are apart', () => {
    const { layers } = summary(new Sequential([new Conv2d(1, 1, [1, 7]), new MaxPool2d([2, 1])]), [1, 16, 16]);
    expect(layers.map(({ receptiveField }) => receptiveField)).toEqual([
      [1, 7],
      [2, 7],
    ]);
  });

  test('channels that are concatenated see what their parts see', () => {
    const inception = new Block([conv(1), conv(3, { padding: 1 }), new Conv2d(2, 1, 3)], (x, a, b, c) =>
      c.forward(concat([a.forward(x), b.forward(x)], 1)),
    );
    expect(summary(inception, [1, 9, 9]).layers.map(({ receptiveField }) => receptiveField)).toEqual([
      [1, 1],
      [3, 3],
      [5, 5],
    ]);
  });

  test('never more than the input', () => {
    const deep = new Sequential(Array.from({ length: 9 }, () => conv(3, { padding: 1 })));
    expect(claimed(deep, 12)).toEqual([12, 12]);
  });

  test('flattening keeps it; a dense layer, and the mean of all places, see everything', () => {
    const dense = new Sequential([conv(3), new Flatten(), new ReLU(), new Linear(36, 2), new ReLU()]);
    expect(summary(dense, [1, 8, 8]).layers.map(({ receptiveField }) => receptiveField)).toEqual([
      [3, 3],
      [3, 3],
      [3, 3],
      [8, 8],
      [8, 8],
    ]);
    expect(claimed(new Sequential([conv(3), new Block([], (x) => mean(x, [2, 3])), new ReLU()]), 8)).toEqual([8, 8]);
    expect(
      summary(new Sequential([new ReLU(), new Linear(5, 2)]), [5]).layers.map(({ receptiveField }) => receptiveField),
    ).toEqual([[1], [5]]);
  });

  test('where places are mixed it is taken to be everything', () => {
    const folded = new Sequential([
      conv(3),
      new Block([], (x) => reshape(reshape(x, [1, -1]), [1, 4, 3, 3])),
      new ReLU(),
    ]);
    expect(claimed(folded, 8)).toEqual([8, 8]);
    const uneven = new Block([conv(1), conv(2, { stride: 2 })], (x, a, b) =>
      a.forward(x).slice([0, 0, 0, 0], [1, 1, 4, 4]).add(b.forward(x)),
    );
    expect(claimed(new Sequential([uneven, new ReLU()]), 8)).toEqual([8, 8]);
    const dynamic = new Block([], (x) => conv2d(x, x.slice([0, 0, 0, 0], [1, 1, 2, 2])));
    expect(claimed(dynamic, 8)).toEqual([8, 8]);
  });

  test('of an output that does not depend on the input there is none', () => {
    class Constant extends Module {
      readonly bias = parameter([1, 2], initializers.zeros);
      override forward(): Tensor {
        return this.bias.value.mul(2);
      }
    }
    expect(summary(new Constant(), [3]).layers[0]!.receptiveField).toBeUndefined();
  });
});

test('formatSummary is a table', () => {
  const model = new Sequential({
    conv: new Conv2d(1, 6, 5, {
      padding: [2, [0, 2]],
      dilation: [1, 2],
    }),
    strided: new Conv2d(6, 8, [3, 1], { stride: [2, 1], padding: 1, bias: false }),
    relu: new ReLU(),
    flatten: new Flatten(),
    dense: new Linear(2688, 10),
  });
  expect(`\n${formatSummary(summary(model, [1, 28, 28]))}\n`).toBe(`
Layer    Type       Input   Output                   Kernel / stride  Filters  Parameters     MACs  Computations  Receptive field
---------------------------------------------------------------------------------------------------------------------------------
conv     Conv2d   1@28x28  6@28x22  5x5 / 1, pad 2x0+2, dilation 1x2        6         156   92,400        96,096              5x9
strided  Conv2d   6@28x22  8@14x24                  3x1 / 2x1, pad 1        8         144   48,384        48,384              7x9
relu     ReLU     8@14x24  8@14x24                                                                                            7x9
flatten  Flatten  8@14x24     2688                                                                                            7x9
dense    Linear      2688       10                                                 26,890   26,880        26,890            28x28
---------------------------------------------------------------------------------------------------------------------------------
Total                                                                              27,190  167,664       171,370
`);
});
