// What somebody writes who only classifies with TensorFlow.js in WebAssembly.
import * as tf from '@tensorflow/tfjs-core';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';

/** How many convolutions come before each pooling. */
const networks = {
  lenet5: { padding: 'valid', stages: [1, 1], image: [1, 1, 32, 32] },
  vgg16: { padding: 'same', stages: [2, 2, 3, 3, 3], image: [1, 3, 224, 224] },
};

export async function open({ network, weight }) {
  setThreadsCount(1);
  await tf.setBackend('wasm');
  const { padding, stages, image: shape } = networks[network];
  let count = 0;
  const next = (layout = (x) => x) =>
    tf.tidy(() => {
      const { data, shape: own } = weight(count++);
      return layout(tf.tensor(data, own));
    });
  const blocks = stages.map((length) =>
    Array.from({ length }, () => ({ filter: next((w) => tf.transpose(w, [2, 3, 1, 0])), bias: next() })),
  );
  // Rows of the first dense layer's weights follow its input, which has its channels last here.
  const channels = blocks.at(-1).at(-1).bias.size;
  const dense = [0, 1, 2].map((i) => ({
    weights: next((w) => {
      if (i > 0) return tf.transpose(w);
      const [units, inputs] = w.shape;
      const side = Math.sqrt(inputs / channels);
      return tf.reshape(tf.transpose(tf.reshape(w, [units, channels, side, side]), [2, 3, 1, 0]), [inputs, units]);
    }),
    bias: next(),
  }));
  const forward = (image) => {
    let x = tf.transpose(tf.tensor(image, shape), [0, 2, 3, 1]);
    for (const block of blocks) {
      for (const { filter, bias } of block)
        x = tf.fused.conv2d({ x, filter, strides: 1, pad: padding, bias, activation: 'relu' });
      x = tf.maxPool(x, 2, 2, 'valid');
    }
    x = tf.reshape(x, [1, -1]);
    for (const [i, { weights, bias }] of dense.entries())
      x = tf.fused.matMul({ a: x, b: weights, bias, activation: i < 2 ? 'relu' : 'linear' });
    return x;
  };
  return (image) => tf.tidy(() => forward(image)).data();
}
