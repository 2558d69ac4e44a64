import { conformance, float32Storage } from '@receptive/conformance';
import { gpu } from '@receptive/backend-gpu';
import { onGpu, options } from './node.ts';

onGpu(() => conformance('gpu: webgpu in Node', () => gpu(options), { skips: float32Storage }));
