import { reference } from '@receptive/backend/reference';
import { Conv2d, ConvTranspose2d, Flatten, Linear, MaxPool2d, ReLU, Sequential } from '@receptive/layers';
import { exp, setBackend } from '@receptive/tensor';
import { lenet5 } from '@receptive/zoo';
import { describe, expect, it, test } from 'vitest';
import { checkSame } from '../src/compare.ts';
import { input } from '../src/engines/inputs.ts';
import { toOnnx } from '../src/engines/onnx.ts';
import { runModel, withOnnxruntime } from './onnxruntime.ts';

setBackend(reference());

const nets = {
  'LeNet-5 with tanh and mean pooling': {
    net: lenet5({ pooling: 'average', seed: 1 }),
    shape: [2, 1, 32, 32],
    ops: 'Conv Tanh AveragePool Conv Tanh AveragePool Reshape Gemm Tanh Gemm Tanh Gemm',
  },
  'windows that lie otherwise at each side': {
    net: new Sequential([
      new Conv2d(2, 4, [2, 3], {
        stride: [1, 2],
        dilation: [2, 1],
        padding: [
          [0, 2],
          [1, 0],
        ],
        groups: 2,
      }),
      new ReLU(),
      new ConvTranspose2d(4, 3, [3, 2], { stride: [2, 3], padding: [1, 0], outputPadding: [1, 0] }),
      new MaxPool2d(3, { stride: 2, ceilMode: true }),
      new Flatten(),
      new Linear(3 * 8 * 5, 5, { bias: false }),
    ]).initialize(1),
    shape: [1, 2, 8, 9],
    ops: 'Conv Relu ConvTranspose Reshape Add MaxPool Reshape Gemm',
  },
};

describe('a computation as an ONNX model', () => {
  test.each(Object.entries(nets))('%s has a node for each op, dense layers one for both', (_, { net, shape, ops }) => {
    const { model } = toOnnx({ inputs: [input('x', shape)], f: (x) => net.forward(x) });
    expect(model.graph.nodes.map(({ op }) => op).join(' ')).toBe(ops);
  });

  it('names an op that it does not know', () => {
    expect(() => toOnnx({ inputs: [input('x', [1])], f: (x) => exp(x) })).toThrow('how exp is said in ONNX');
  });
});

withOnnxruntime(() => {
  test.each(Object.entries(nets))('%s computes the same in onnxruntime', async (name, { net, shape }) => {
    const x = input('x', shape);
    const { model, names, output } = toOnnx({ inputs: [x], f: (image) => net.forward(image) });
    const data = x.dataSync() as Float32Array;
    const theirs = (await runModel(model, { [names[0]!]: { type: 'float32', shape, data } }))[output]!;
    const ours = net.forward(x);
    expect(theirs.dims).toEqual(ours.shape);
    checkSame(
      name,
      new Map([
        ['ours', ours.dataSync()],
        ['theirs', theirs.data as Float32Array],
      ]),
    );
  });
});
