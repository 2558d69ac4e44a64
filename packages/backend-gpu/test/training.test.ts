import { gpu } from '@receptive/backend-gpu';
import { onGpu, options } from './node.ts';
import { training } from './training.ts';

onGpu(() => training('gpu: webgpu in Node', () => gpu(options)));
