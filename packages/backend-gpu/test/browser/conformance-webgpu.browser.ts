import { gpu } from '@receptive/backend-gpu';
import { conformance, float32Storage } from '@receptive/conformance';

conformance('gpu: webgpu in Chromium', () => gpu({ mode: 'webgpu', software: true }), { skips: float32Storage });
