import { numbers } from './numbers.ts';
import { onGpu, options } from './node.ts';

onGpu(() => numbers('gpu: webgpu in Node', options));
