// What a page may import; bundled for browsers by a test.
export { DataLoader, imageDataset } from '@receptive/data';
export { setBackend } from '@receptive/tensor';
