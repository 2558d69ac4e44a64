// What somebody writes who only classifies with onnxruntime in Node.
import { InferenceSession, Tensor } from 'onnxruntime-node';

export async function open({ network, onnx }) {
  const session = await InferenceSession.create(onnx, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const shape = network === 'lenet5' ? [1, 1, 32, 32] : [1, 3, 224, 224];
  return async (image) => {
    const results = await session.run({ [session.inputNames[0]]: new Tensor('float32', image, shape) });
    return results[session.outputNames[0]].data;
  };
}
