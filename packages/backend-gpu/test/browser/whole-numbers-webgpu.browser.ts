import { numbers } from '../numbers.ts';

numbers('gpu: webgpu in Chromium', { mode: 'webgpu', software: true });
