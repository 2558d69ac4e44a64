import { learn } from './learn.js';

learn((part) => postMessage(part)).catch((error) => postMessage({ error: String(error) }));
