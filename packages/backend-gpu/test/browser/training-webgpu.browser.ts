import { gpu } from '@receptive/backend-gpu';
import { training } from '../training.ts';

training('gpu: webgpu in Chromium', () => gpu({ mode: 'webgpu', software: true }));
