// Described in src/gpu-js.ts.
declare const gpuJs: unknown;
export default gpuJs;
