import { gpu } from '@receptive/backend-gpu';
import { training } from '../training.ts';

training('gpu: webgl2 in Chromium', () => gpu({ mode: 'webgl2', software: true }));
