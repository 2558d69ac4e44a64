import { conformance } from '@receptive/conformance';
import { cpu } from '../src/index.ts';

conformance('cpu', cpu);
