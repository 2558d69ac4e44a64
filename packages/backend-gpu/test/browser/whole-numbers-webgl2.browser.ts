import { numbers } from '../numbers.ts';

numbers('gpu: webgl2 in Chromium', { mode: 'webgl2', software: true });
