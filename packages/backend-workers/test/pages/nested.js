// A page that has a worker do everything.
const worker = new Worker(`/main.js${globalThis.location.search}`, { type: 'module' });
const outcome = new Promise((resolve) => worker.addEventListener('message', ({ data }) => resolve(data)));
Object.assign(globalThis, { outcome });
