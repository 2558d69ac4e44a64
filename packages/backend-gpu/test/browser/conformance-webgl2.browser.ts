import { gpu } from '@receptive/backend-gpu';
import { conformance, float32Storage } from '@receptive/conformance';

conformance('gpu: webgl2 in Chromium', () => gpu({ mode: 'webgl2', software: true }), { skips: float32Storage });
