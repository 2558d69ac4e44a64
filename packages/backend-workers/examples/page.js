import { learn } from './learn.js';
import { show } from './show.js';

learn(show).catch((error) => show({ error: String(error) }));
