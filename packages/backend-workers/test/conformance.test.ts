import { conformance } from '@receptive/conformance';
import { workers } from '../src/index.ts';

conformance('workers', () => workers({ threads: 3 }));
