import { show } from './show.js';

const worker = new Worker(new URL('./learner.js', import.meta.url), { type: 'module' });
worker.addEventListener('message', ({ data }) => show(data));
worker.addEventListener('error', () => show({ error: 'The worker could not be started: see the console.' }));
