// TensorFlow.js for the browser, with both backends that compute on a GPU.
export * from '@tensorflow/tfjs-core';
export * as webgl from '@tensorflow/tfjs-backend-webgl';
export * as webgpu from '@tensorflow/tfjs-backend-webgpu';
export * as gradients from '@tensorflow/tfjs-core/dist/register_all_gradients.js';
