import { workers } from '@receptive/backend-workers';
import { conformance } from '@receptive/conformance';

// On the page's own thread, which must not sleep.
conformance('workers in Chromium', () => workers({ threads: 3, fallback: 'error' }));
